use nonos_types::{ByteLen, NetworkId, NodeId, Payload, PoiHash, Timestamp, wire};
use serde::Serialize;

use crate::{Error, Profile, profile};

const NAME: &str = "poi snapshot";

/// Proof-of-Infrastructure: a node, who signs it, says what machine it runs on. A claim, not a proof: it binds the
/// operator to its words, and others compare them with what the node delivers.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_state::{Snapshot, probe};
/// use nonos_types::{NetworkId, NodeId, Signed, Timestamp};
///
/// # #[cfg(feature = "probe")] {
/// let key = SigningKey::from_bytes(&[7; 32]);
/// let data_dir = std::env::temp_dir();
/// let snapshot = Snapshot {
///     network: NetworkId::named("example"),
///     node: NodeId::from_bytes(key.verifying_key().to_bytes()),
///     profile: probe::measure(&data_dir, probe::Effort::quick())?,
///     taken_at: Timestamp::new(1_000_000),
///     expires: Timestamp::new(1_000_000 + Snapshot::MAX_VALIDITY),
/// };
/// let sent = Signed::new(snapshot.clone(), &key).to_bytes();
///
/// let received = Signed::<Snapshot>::from_bytes(&sent)?;
/// received.check_at(Timestamp::new(1_000_001))?;
/// assert_eq!(received.hash(), snapshot.hash());
/// # }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Network it is for.
    pub network: NetworkId,
    /// Whose machine it is.
    pub node: NodeId,
    /// The machine.
    pub profile: Profile,
    /// When it was measured.
    pub taken_at: Timestamp,
    /// From when on it no longer counts; at most [`Snapshot::MAX_VALIDITY`] later.
    pub expires: Timestamp,
}

/// Field names and numbers of the wire form.
#[derive(Clone, PartialEq, prost::Message)]
struct Wire {
    #[prost(bytes = "vec", tag = "1")]
    network_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    node: Vec<u8>,
    #[prost(message, optional, tag = "3")]
    profile: Option<profile::Wire>,
    #[prost(uint64, tag = "4")]
    taken_at: u64,
    #[prost(uint64, tag = "5")]
    expires: u64,
}

impl Snapshot {
    /// Longest time a snapshot counts, in seconds: a week.
    pub const MAX_VALIDITY: u64 = 7 * 24 * 60 * 60;

    /// Its name in descriptors and records: digest of its bytes, which name its node.
    pub fn hash(&self) -> PoiHash {
        PoiHash::hash(&[b"snapshot", &self.to_bytes()])
    }

    /// Refuses it before it was measured and from when it has expired.
    ///
    /// # Errors
    /// [`Error::NotCurrent`].
    pub fn check_at(&self, now: Timestamp) -> Result<(), Error> {
        if self.taken_at <= now && now < self.expires {
            Ok(())
        } else {
            Err(Error::NotCurrent {
                taken_at: self.taken_at,
                expires: self.expires,
                now,
            })
        }
    }
}

impl Payload for Snapshot {
    const TYPE: &'static str = "poi-snapshot";
    const MAX: ByteLen = ByteLen::new(640);
    type Error = nonos_types::Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&Wire {
            network_id: self.network.as_bytes().to_vec(),
            node: self.node.as_bytes().to_vec(),
            profile: Some(self.profile.to_wire()),
            taken_at: self.taken_at.get(),
            expires: self.expires.get(),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, nonos_types::Error> {
        let message: Wire = wire::decode(NAME, Self::MAX, bytes)?;
        let missing = nonos_types::Error::Missing {
            message: NAME,
            field: "profile",
        };
        let validity = message.expires.checked_sub(message.taken_at);
        if validity.is_none_or(|seconds| seconds == 0 || seconds > Self::MAX_VALIDITY) {
            return Err(nonos_types::Error::BadField {
                message: NAME,
                field: "expires",
            });
        }
        Ok(Self {
            network: NetworkId::from_bytes(wire::fixed(NAME, "network_id", &message.network_id)?),
            node: NodeId::from_bytes(wire::fixed(NAME, "node", &message.node)?),
            profile: Profile::from_wire(message.profile.ok_or(missing)?)?,
            taken_at: Timestamp::new(message.taken_at),
            expires: Timestamp::new(message.expires),
        })
    }

    /// A node speaks of its own machine only.
    fn check_signer(&self, signer: &NodeId) -> Result<(), nonos_types::Error> {
        if *signer == self.node {
            Ok(())
        } else {
            Err(nonos_types::Error::WrongSigner { message: NAME })
        }
    }
}
