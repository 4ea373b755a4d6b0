//! Why a proof is refused, and why one cannot be made.

use crate::{BackendId, Malformed, Refusal, Violation};
use nonos_types::{ByteLen, Fault, TranscriptDigest};

/// Which of the two byte strings a length bound is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Side {
    /// Statement bytes and attachments.
    Public,
    /// Proof bytes.
    Proof,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Public => "public data",
            Self::Proof => "proof",
        })
    }
}

/// Why a verifier refuses a claim. Every refusal is one of these, whatever the backend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Longer than allowed; nothing of it was read.
    #[error("{side} of {found} is longer than the limit of {limit}")]
    TooLong {
        /// Which of the two.
        side: Side,
        /// Its length.
        found: ByteLen,
        /// The longest allowed.
        limit: ByteLen,
    },
    /// The public data are not the canonical encoding of a statement.
    #[error("public data: {part} is malformed")]
    MalformedPublic {
        /// The part that is wrong, for people.
        part: &'static str,
    },
    /// The proof bytes are not of the backend's shape.
    #[error("proof: {part} is malformed")]
    MalformedProof {
        /// The part that is wrong, for people.
        part: &'static str,
    },
    /// Well-formed, and not a proof of this statement under this key.
    #[error("proof refused: {check}")]
    Rejected {
        /// The check that fails, for people.
        check: &'static str,
    },
    /// The backend panicked on these bytes; the claim counts as refused.
    #[error("backend {backend} panicked; the claim counts as refused")]
    BackendPanicked {
        /// The backend with the bug.
        backend: BackendId,
    },
}

impl VerifyError {
    /// Who must act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::BackendPanicked { .. } => Fault::Bug,
            _ => Fault::Peer,
        }
    }
}

impl From<Refusal> for VerifyError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::MalformedPublic { part } => Self::MalformedPublic { part },
            Refusal::MalformedProof { part } => Self::MalformedProof { part },
            Refusal::Rejected { check } => Self::Rejected { check },
        }
    }
}

impl From<Malformed> for VerifyError {
    fn from(malformed: Malformed) -> Self {
        Self::MalformedPublic { part: malformed.part }
    }
}

/// What a verifier says of one claim: of one that holds, what is known by having verified it.
pub type Verdict = Result<TranscriptDigest, VerifyError>;

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The statement does not hold for the witness: there is nothing to prove.
    #[error("nothing to prove")]
    False {
        /// The clause that fails.
        #[source]
        violation: Violation,
    },
    /// The statement is true, and this backend has no proof for its kind.
    #[error("this backend cannot prove {what}")]
    Unsupported {
        /// What it cannot prove, for people.
        what: &'static str,
    },
    /// The run is larger than this backend can prove.
    #[error("{needed} {unit} are needed, the backend has room for {limit}")]
    TooLarge {
        /// What is counted: steps, rows.
        unit: &'static str,
        /// How many this statement needs.
        needed: u64,
        /// How many fit.
        limit: u64,
    },
    /// A disk, memory or parameter file failed.
    #[error("{what} failed")]
    Environment {
        /// What failed, for people.
        what: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The backend failed on a true statement.
    #[error("the backend failed at {stage}")]
    Backend {
        /// Where, for people.
        stage: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The backend panicked.
    #[error("backend {backend} panicked while proving")]
    BackendPanicked {
        /// The backend with the bug.
        backend: BackendId,
    },
    /// The backend made a proof that its own verifier refuses; it was discarded.
    #[error("the new proof does not verify and was discarded")]
    SelfRefused {
        /// What the verifier said.
        #[source]
        verdict: VerifyError,
    },
}

impl ProveError {
    /// Who must act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::False { .. } | Self::Unsupported { .. } | Self::TooLarge { .. } => Fault::Caller,
            Self::Environment { .. } => Fault::Environment,
            Self::Backend { .. } | Self::BackendPanicked { .. } | Self::SelfRefused { .. } => Fault::Bug,
        }
    }
}
