//! What can go wrong, by cause.

use nonos_types::Fault;

/// Why there is no proof, or it is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The proof's bytes are not as many as every proof has.
    #[error("malformed proof: {part}")]
    Malformed {
        /// The part that is wrong.
        part: &'static str,
    },
    /// The proof has the form of one, but does not prove the statement.
    #[error("the proof does not prove the statement")]
    Rejected,
    /// The operating system gives no randomness.
    #[error("no randomness from the operating system")]
    Entropy,
    /// The proof system refused what this crate gave it.
    #[error("the proof system failed while {stage}")]
    Backend {
        /// What was being done.
        stage: &'static str,
    },
}

impl Error {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Malformed { .. } | Self::Rejected => Fault::Peer,
            Self::Entropy => Fault::Environment,
            Self::Backend { .. } => Fault::Bug,
        }
    }
}
