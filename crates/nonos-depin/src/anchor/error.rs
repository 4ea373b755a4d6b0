//! Why something is not anchored.

use std::{io, path::PathBuf};

use nonos_types::{Fault, NetworkId, NodeId};

use super::{BatchId, CommitmentDigest};

/// Why an anchor did not take or find a commitment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Of another network.
    #[error("the commitment is of network {actual}, not of {expected}")]
    ForeignNetwork {
        /// The anchor's network.
        expected: NetworkId,
        /// The other.
        actual: NetworkId,
    },
    /// Of another node.
    #[error("the commitment is of node {actual}, not of {expected}")]
    ForeignSubmitter {
        /// Whose chain it is.
        expected: NodeId,
        /// Whose commitment it is.
        actual: NodeId,
    },
    /// Its name is zero, or that of the batch before it.
    #[error("a batch is named zero, or like the one before it")]
    BadBatch,
    /// It does not follow the newest one.
    #[error("the batch follows {prev}, and the newest one anchored is {head}")]
    StalePrev {
        /// The newest one; zero if there is none.
        head: BatchId,
        /// What it follows.
        prev: BatchId,
    },
    /// Another commitment is anchored under this name.
    #[error("batch {batch} is anchored with another {field}")]
    Differs {
        /// The batch.
        batch: BatchId,
        /// What is different.
        field: &'static str,
    },
    /// Another batch is anchored in this one's place.
    #[error("after batch {prev}, {anchored} is anchored, not this one")]
    OtherBatch {
        /// The batch before both.
        prev: BatchId,
        /// The one that is anchored.
        anchored: BatchId,
    },
    /// It is not there.
    #[error("batch {batch} is not anchored")]
    NotAnchored {
        /// The batch.
        batch: BatchId,
    },
    /// It is of no commitment here.
    #[error("nothing here has the digest {commitment}")]
    UnknownCommitment {
        /// The digest.
        commitment: CommitmentDigest,
    },
    /// More signatures are needed than there are who may sign, or none.
    #[error("{needed} of {witnesses} witnesses can never have signed")]
    BadQuorum {
        /// How many are needed.
        needed: usize,
        /// How many may sign.
        witnesses: usize,
    },
    /// Nobody is his own witness.
    #[error("a node is no witness of its own commitments")]
    Oneself,
    /// Signed by someone who was not asked to.
    #[error("{signer} is none of the witnesses")]
    NotWitness {
        /// Who signed.
        signer: NodeId,
    },
    /// Not what it is said to be, or its signature does not verify.
    #[error("not a signed commitment or countersignature")]
    Unreadable(#[source] nonos_types::Error),
    /// Another process has the file open.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A record of the file is not as it was written. The file is left as it is.
    #[error("{}: record {record}, at byte {at}, is damaged; the file is left as it is: take a copy of it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which record, from 1; 0 is the head of the file.
        record: u64,
        /// Where it begins, in bytes.
        at: u64,
        /// What is wrong with it.
        source: FileDamage,
    },
    /// The file system failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// The store of a witness failed.
    #[error("the store of what was countersigned failed")]
    Store(#[source] nonos_store::Error),
    /// What the place says, where it is not one of the above.
    #[error("the anchor failed")]
    Place {
        /// Who must act.
        fault: Fault,
        /// What it says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What is wrong with a file of commitments.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileDamage {
    /// It does not begin like one.
    #[error("it is no file of commitments")]
    NotOne,
    /// A version this program does not know.
    #[error("version {version} is not known to this program")]
    UnknownVersion {
        /// The version.
        version: u16,
    },
    /// The bytes have another digest.
    #[error("its bytes are not those that were written")]
    Digest,
    /// The bytes were written so, and are no record.
    #[error("it is no record")]
    Unreadable(#[source] nonos_types::Error),
    /// It breaks a rule of the chain.
    #[error("it breaks a rule of the chain")]
    Rule(#[source] Box<Error>),
}

impl Error {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::ForeignNetwork { .. }
            | Self::ForeignSubmitter { .. }
            | Self::BadBatch
            | Self::StalePrev { .. }
            | Self::BadQuorum { .. }
            | Self::Oneself => Fault::Caller,
            Self::Differs { .. }
            | Self::OtherBatch { .. }
            | Self::NotAnchored { .. }
            | Self::UnknownCommitment { .. }
            | Self::NotWitness { .. }
            | Self::Unreadable(_) => Fault::Peer,
            Self::InUse { .. } | Self::Damaged { .. } | Self::Io { .. } => Fault::Environment,
            Self::Store(error) => error.fault(),
            Self::Place { fault, .. } => *fault,
        }
    }
}
