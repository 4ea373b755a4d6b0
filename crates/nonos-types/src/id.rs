//! Names of nodes, networks and runs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Attempt, Error, JobId, NetworkId, Nonce, Slot, digest::parse_hex32};

/// A node's ed25519 public key, which is its name.
///
/// Whether the bytes are a usable key is decided where a signature is verified.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId([u8; 32]);

impl NodeId {
    /// No node: the executor of a run outside of any job.
    pub const NONE: Self = Self([0; 32]);

    /// Takes the bytes of a public key.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the public key.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node:{self}")
    }
}

impl FromStr for NodeId {
    type Err = Error;

    /// Reads 64 lowercase hex digits.
    fn from_str(text: &str) -> Result<Self, Error> {
        parse_hex32(text).map(Self)
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl NetworkId {
    /// The network of this name.
    pub fn named(name: &str) -> Self {
        Self::hash(&[name.as_bytes()])
    }
}

impl Nonce {
    /// The nonce of one attempt of one executor at one slot of a job.
    pub fn derive(network: NetworkId, job: JobId, slot: Slot, executor: NodeId, attempt: Attempt) -> Self {
        Self::hash(&[
            network.as_bytes(),
            job.as_bytes(),
            &slot.get().to_le_bytes(),
            executor.as_bytes(),
            &attempt.get().to_le_bytes(),
        ])
    }
}

/// What a run is for: one attempt of one executor at one slot of a job.
///
/// ```
/// use nonos_types::{Assignment, Attempt};
///
/// let first = Assignment::NONE;
/// let second = Assignment { attempt: Attempt::new(1), ..first };
/// assert_ne!(first.nonce(), second.nonce());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Assignment {
    /// Network of the job.
    pub network: NetworkId,
    /// The job.
    pub job: JobId,
    /// Position of the executor in the job.
    pub slot: Slot,
    /// Who runs it.
    pub executor: NodeId,
    /// How often this executor has tried before.
    pub attempt: Attempt,
}

impl Assignment {
    /// A run outside of any job: all zero.
    pub const NONE: Self = Self {
        network: NetworkId::ZERO,
        job: JobId::ZERO,
        slot: Slot::ZERO,
        executor: NodeId::NONE,
        attempt: Attempt::ZERO,
    };

    /// Its nonce.
    pub fn nonce(&self) -> Nonce {
        Nonce::derive(self.network, self.job, self.slot, self.executor, self.attempt)
    }
}

impl Default for Assignment {
    fn default() -> Self {
        Self::NONE
    }
}
