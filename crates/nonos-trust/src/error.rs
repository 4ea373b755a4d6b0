use nonos_types::{EvidenceId, Fault};

/// Why the book of trust does not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed.
    #[error("the book of trust cannot be read or written")]
    Store(#[from] nonos_store::Error),
    /// The judgement given is of another accusation.
    #[error("the judgement is not of evidence {evidence}")]
    OtherJudgement {
        /// What the accusation is about.
        evidence: EvidenceId,
    },
    /// An accusation in the store cannot be read, or its signature no longer verifies.
    #[error("the stored evidence {evidence} is damaged")]
    DamagedEvidence {
        /// Which.
        evidence: EvidenceId,
        /// What is wrong with it.
        source: nonos_types::Error,
    },
}

impl Error {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Store(error) => error.fault(),
            Self::OtherJudgement { .. } => Fault::Bug,
            Self::DamagedEvidence { .. } => Fault::Environment,
        }
    }
}
