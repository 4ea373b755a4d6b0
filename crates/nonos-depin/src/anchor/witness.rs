//! Peers who sign that they have seen a commitment, and no other in its place.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use nonos_store::{Batch, Durability, Key, Record, Store, Table};
use nonos_types::{ByteLen, Envelope, NetworkId, NodeId, Payload, Timestamp, wire};

use super::{Chain, Commitment, CommitmentDigest, Error, Evidence, State};

const NAME: &str = "anchor-countersignature";

/// That the signer has seen a commitment, and never signed another in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Countersignature {
    /// What was seen.
    pub commitment: CommitmentDigest,
    /// When, by the signer's clock.
    pub at: Timestamp,
}

impl Payload for Countersignature {
    const TYPE: &'static str = NAME;
    const MAX: ByteLen = ByteLen::new(64);
    type Error = nonos_types::Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&Proto {
            commitment: self.commitment.as_bytes().to_vec(),
            at: self.at.get(),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, nonos_types::Error> {
        let message: Proto = wire::decode(NAME, Self::MAX, bytes)?;
        Ok(Self {
            commitment: CommitmentDigest::from_bytes(wire::fixed(NAME, "commitment", &message.commitment)?),
            at: Timestamp::new(message.at),
        })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct Proto {
    #[prost(bytes = "vec", tag = "1")]
    commitment: Vec<u8>,
    #[prost(uint64, tag = "2")]
    at: u64,
}

/// Signs a commitment. It looks at nothing: [`WitnessBook`] does, and remembers.
pub fn countersign(commitment: &Commitment, at: Timestamp, key: &SigningKey) -> Envelope {
    let countersignature = Countersignature {
        commitment: commitment.digest(),
        at,
    };
    Envelope::sign(&countersignature, key)
}

/// Who may countersign, and how many must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    witnesses: BTreeSet<NodeId>,
    needed: usize,
}

impl Quorum {
    /// Nobody: nothing ever becomes final.
    pub const NOBODY: Self = Self {
        witnesses: BTreeSet::new(),
        needed: usize::MAX,
    };

    /// `needed` of these.
    ///
    /// # Errors
    /// [`Error::BadQuorum`] if `needed` is none, or more than they are.
    pub fn new(witnesses: impl IntoIterator<Item = NodeId>, needed: usize) -> Result<Self, Error> {
        let witnesses: BTreeSet<_> = witnesses.into_iter().collect();
        if needed == 0 || needed > witnesses.len() {
            return Err(Error::BadQuorum {
                needed,
                witnesses: witnesses.len(),
            });
        }
        Ok(Self { witnesses, needed })
    }

    /// Whether this is one of them.
    pub fn has(&self, node: &NodeId) -> bool {
        self.witnesses.contains(node)
    }

    /// Refuses who would be a witness of himself.
    pub(super) fn check(&self, submitter: &NodeId) -> Result<(), Error> {
        if self.witnesses.contains(submitter) {
            return Err(Error::Oneself);
        }
        Ok(())
    }

    /// Opens what somebody signed: who it was, if he is one of these, and what he saw.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::NotWitness`].
    pub fn open(&self, envelope: &Envelope) -> Result<(NodeId, Countersignature), Error> {
        let (countersignature, signer) = envelope.open::<Countersignature>().map_err(Error::Unreadable)?;
        if !self.witnesses.contains(&signer) {
            return Err(Error::NotWitness { signer });
        }
        Ok((signer, countersignature))
    }

    /// How far a commitment is that these have signed, each counted once; those who may not are not counted.
    pub fn state(&self, reference: String, signed: &BTreeMap<NodeId, Timestamp>) -> State {
        let mut counted: Vec<(Timestamp, NodeId)> = signed
            .iter()
            .filter(|(signer, _)| self.witnesses.contains(signer))
            .map(|(signer, at)| (*at, *signer))
            .collect();
        if counted.len() < self.needed {
            return State::Submitted { reference };
        }
        // The earliest of them: who signs later changes nothing.
        counted.sort_unstable();
        counted.truncate(self.needed);
        let signers: Vec<String> = counted.iter().map(|(_, signer)| signer.to_string()).collect();
        State::Final(Evidence {
            source: format!("{} of {} witnesses", self.needed, self.witnesses.len()),
            reference: format!("{reference}, signed by {}", signers.join(", ")),
            at: counted.last().map_or(Timestamp::ZERO, |(at, _)| *at),
        })
    }
}

/// The newest commitment of each chain that a witness has signed.
const SIGNED: Table<Chain, Commitment> = Table::new("anchor-witness-signed");

/// What a witness has signed, so that it never signs two for one place.
///
/// It keeps a row for each chain it is asked about: whose chains it witnesses is for the caller to say.
pub struct WitnessBook<S> {
    store: S,
}

impl<S: Store> WitnessBook<S> {
    /// Over a store, in a table of its own.
    pub const fn new(store: S) -> Self {
        Self { store }
    }

    /// Signs a commitment that follows the newest one signed of its chain, or is it. Of a chain that is new to it,
    /// a witness signs any. What it signed is on the disk before it is given out.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if the submitter has not signed it, [`Error::BadBatch`], [`Error::Oneself`],
    /// [`Error::StalePrev`], [`Error::Differs`], [`Error::OtherBatch`], [`Error::Store`].
    pub fn countersign(
        &mut self,
        signed: &Envelope,
        at: Timestamp,
        key: &SigningKey,
    ) -> Result<Envelope, Error> {
        let (commitment, submitter) = signed.open::<Commitment>().map_err(Error::Unreadable)?;
        if submitter.as_bytes() == key.verifying_key().as_bytes() {
            return Err(Error::Oneself);
        }
        let chain = Chain {
            network: commitment.network,
            submitter,
        };
        chain.check(&commitment)?;
        if let Some(newest) = SIGNED.get(&self.store, &chain).map_err(Error::Store)? {
            self.check_follows(&newest, &commitment)?;
        }
        let mut batch = Batch::new();
        SIGNED.put(&mut batch, &chain, &commitment);
        self.store
            .write(&batch, Durability::Durable)
            .map_err(Error::Store)?;
        Ok(countersign(&commitment, at, key))
    }

    fn check_follows(&self, newest: &Commitment, commitment: &Commitment) -> Result<(), Error> {
        if newest == commitment || commitment.prev == newest.batch {
            Ok(())
        } else if commitment.batch == newest.batch {
            Err(Error::Differs {
                batch: commitment.batch,
                field: newest.difference(commitment).unwrap_or("bytes"),
            })
        } else if commitment.prev == newest.prev {
            Err(Error::OtherBatch {
                prev: newest.prev,
                anchored: newest.batch,
            })
        } else {
            Err(Error::StalePrev {
                head: newest.batch,
                prev: commitment.prev,
            })
        }
    }
}

impl Key for Chain {
    fn to_key(&self) -> Vec<u8> {
        [*self.network.as_bytes(), *self.submitter.as_bytes()].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let (network, submitter) = bytes.split_at_checked(32)?;
        Some(Self {
            network: NetworkId::from_bytes(network.try_into().ok()?),
            submitter: NodeId::from_bytes(submitter.try_into().ok()?),
        })
    }
}

impl Record for Commitment {
    fn to_record(&self) -> Vec<u8> {
        self.to_bytes()
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        Self::from_bytes(bytes).ok()
    }
}
