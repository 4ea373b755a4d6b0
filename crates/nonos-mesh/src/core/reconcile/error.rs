use nonos_types::{ByteLen, Fault, Kind};

/// Why a peer's frame is refused, and with it the rest of the round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsound {
    /// Longer than it may be.
    #[error("{actual} exceed the limit of {limit}")]
    Oversize {
        /// Most it may have.
        limit: ByteLen,
        /// What it has.
        actual: ByteLen,
    },
    /// Not an ask or answer in canonical form, or not a frame of the protocol.
    #[error("not a frame of the reconciliation")]
    Malformed,
    /// The beginning of a frame.
    #[error("the frame ends before it is whole")]
    Truncated,
    /// Of a kind that was not asked for, or is not reconciled.
    #[error("about another kind of message than it should be")]
    WrongKind {
        /// What is reconciled, if anything is.
        expected: Option<Kind>,
    },
    /// About another time than this reconciliation is.
    #[error("about another time than the one asked for")]
    WrongWindow,
    /// Asks or answers the same again, or answers again and again without naming anything new.
    #[error("leads nowhere")]
    NoProgress,
    /// More frames than any two sets need.
    #[error("more than {limit} frames for one kind")]
    TooManyFrames {
        /// Most there may be.
        limit: u32,
    },
    /// An ask that would make the round longer than it may be.
    #[error("more than {limit} in one round")]
    OverBudget {
        /// Most a round may have.
        limit: ByteLen,
    },
    /// Begins more often than any peer needs to.
    #[error("asks too often")]
    TooOften,
    /// Nothing was asked, so that there is nothing to answer.
    #[error("an answer that nothing was asked for")]
    Unasked,
}

impl Unsound {
    /// Who has to act.
    pub fn fault(self) -> Fault {
        match self {
            // Who lost its connections in the middle of its rounds asks often, too.
            Self::TooOften => Fault::Environment,
            _ => Fault::Peer,
        }
    }
}
