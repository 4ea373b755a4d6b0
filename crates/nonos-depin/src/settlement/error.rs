//! Why a batch is not made, found or kept.

use nonos_types::{Fault, NodeId};

use crate::BatchError;

/// Why a batch is not made, found or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store fails.
    #[error(transparent)]
    Store(#[from] nonos_store::Error),
    /// The books are damaged.
    #[error(transparent)]
    Books(#[from] crate::Error),
    /// The entries make no batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// There is no such batch.
    #[error("there is no batch {number}")]
    NoBatch {
        /// Its number.
        number: u64,
    },
    /// A batch or a proof that was kept is not as it was written.
    #[error("batch {number} is damaged; put the data directory back from a backup")]
    Damaged {
        /// The batch.
        number: u64,
        /// What is wrong.
        #[source]
        source: Damage,
    },
    /// The key is another node's.
    #[error("the key is not that of {author}")]
    WrongKey {
        /// Whose batches these are.
        author: NodeId,
    },
    /// The proof is not one of the batch.
    #[error("batch {number} has no such chunk {index}")]
    NotItsChunk {
        /// The batch.
        number: u64,
        /// The chunk.
        index: u32,
    },
    /// Not signed, or signed for something else.
    #[error("that is no countersignature of batch {number}")]
    NotItsWitness {
        /// The batch.
        number: u64,
    },
    /// Something is to be done with all proofs, and some are missing.
    #[error("batch {number} has {proved} of {chunks} proofs")]
    Unproved {
        /// The batch.
        number: u64,
        /// How many there are.
        proved: usize,
        /// How many there must be.
        chunks: usize,
    },
}

/// What is wrong with what was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The bytes are no such thing, or their signature is bad.
    #[error("its bytes are no signed batch")]
    Unreadable(#[source] nonos_types::Error),
    /// It is not the one of this number, author and network.
    #[error("it is another's: `{field}`")]
    Another {
        /// What is not as it must be.
        field: &'static str,
    },
    /// It does not follow the one before, or the entries are others.
    #[error("the feed comes to another batch")]
    Feed(#[source] BatchError),
    /// A proof is not as it was written.
    #[error("chunk {index} is no proof")]
    Proof {
        /// The chunk.
        index: u32,
    },
}

impl Error {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Store(error) => error.fault(),
            Self::Books(error) => error.fault(),
            Self::Batch(BatchError::Unprovable { .. }) => Fault::Caller,
            Self::Batch(error) => error.fault(),
            Self::Damaged { .. } => Fault::Environment,
            Self::NotItsWitness { .. } => Fault::Peer,
            Self::NoBatch { .. }
            | Self::WrongKey { .. }
            | Self::NotItsChunk { .. }
            | Self::Unproved { .. } => Fault::Caller,
        }
    }
}
