//! What is anchored: the name of a batch, its place, and the state after it.

use std::fmt;

use nonos_types::{ByteLen, Digest, Error, NetworkId, NodeId, Payload, Tag, wire};

use crate::batch::BatchId;

const NAME: &str = "anchor-commitment";

/// Root of the state tree after a batch. An anchor compares it and reads nothing into it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateRoot([u8; 32]);

impl StateRoot {
    /// All zero.
    pub const ZERO: Self = Self([0; 32]);

    /// These bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for StateRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        f.pad(&digits)
    }
}

impl fmt::Debug for StateRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateRoot({self})")
    }
}

/// `nonos/v1/anchor-commitment`
#[derive(Debug)]
pub enum CommitmentTag {}

impl Tag for CommitmentTag {
    const DOMAIN: &'static str = "nonos/v1/anchor-commitment";
}

/// Names a commitment: digest of its bytes.
pub type CommitmentDigest = Digest<CommitmentTag>;

/// That a node's state is `root` after its batch `batch`, which follows `prev`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// The mesh whose books these are.
    pub network: NetworkId,
    /// Whose books these are.
    pub submitter: NodeId,
    /// The batch.
    pub batch: BatchId,
    /// The batch before it; [`BatchId::ZERO`] for the first.
    pub prev: BatchId,
    /// State root after it.
    pub root: StateRoot,
    /// How many ledger entries the batch has.
    pub entries: u64,
}

impl Commitment {
    /// Its name.
    pub fn digest(&self) -> CommitmentDigest {
        CommitmentDigest::hash(&[&self.to_bytes()])
    }

    /// The first thing in which another commitment is not the same.
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        let fields = [
            ("network", self.network == other.network),
            ("submitter", self.submitter == other.submitter),
            ("batch", self.batch == other.batch),
            ("prev", self.prev == other.prev),
            ("root", self.root == other.root),
            ("entries", self.entries == other.entries),
        ];
        fields.iter().find(|(_, same)| !same).map(|(field, _)| *field)
    }
}

impl Payload for Commitment {
    const TYPE: &'static str = NAME;
    const MAX: ByteLen = ByteLen::new(256);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&Proto {
            network_id: self.network.as_bytes().to_vec(),
            submitter: self.submitter.as_bytes().to_vec(),
            batch: self.batch.as_bytes().to_vec(),
            prev: self.prev.as_bytes().to_vec(),
            root: self.root.as_bytes().to_vec(),
            entries: self.entries,
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: Proto = wire::decode(NAME, Self::MAX, bytes)?;
        let fixed = |field, bytes: &[u8]| wire::fixed::<32>(NAME, field, bytes);
        Ok(Self {
            network: NetworkId::from_bytes(fixed("network_id", &message.network_id)?),
            submitter: NodeId::from_bytes(fixed("submitter", &message.submitter)?),
            batch: BatchId::from_bytes(fixed("batch", &message.batch)?),
            prev: BatchId::from_bytes(fixed("prev", &message.prev)?),
            root: StateRoot(fixed("root", &message.root)?),
            entries: message.entries,
        })
    }

    fn check_signer(&self, signer: &NodeId) -> Result<(), Error> {
        if *signer == self.submitter {
            Ok(())
        } else {
            Err(Error::WrongSigner { message: NAME })
        }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct Proto {
    #[prost(bytes = "vec", tag = "1")]
    network_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    submitter: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    batch: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    prev: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    root: Vec<u8>,
    #[prost(uint64, tag = "6")]
    entries: u64,
}
