use nonos_types::{ByteLen, Error, Fault, Kind};
#[cfg(feature = "net")]
use std::sync::atomic::{AtomicU64, Ordering};

/// What becomes of a message that was forwarded to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is forwarded.
    Accept,
    /// It is not, and whoever forwarded it loses standing.
    Reject,
    /// It is not, and nobody is to blame.
    Ignore,
}

/// Why a message was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Longer than any message of its kind.
    #[error("longer than the {limit} a message of its kind may have")]
    Oversize {
        /// Most it may have.
        limit: ByteLen,
    },
    /// Not a message of the mesh in canonical form.
    #[error("not a message of the mesh")]
    Malformed,
    /// Good, as far as this version can tell, and of a newer one: what it says it does not know.
    #[error("of a newer version")]
    Newer,
    /// Its signature does not verify, or is of one who may not sign it.
    #[error("not signed by the one it names")]
    BadSignature,
    /// Good, and in a topic it does not belong in.
    #[error("a {kind:?} in another topic than its own")]
    WrongTopic {
        /// What it is.
        kind: Kind,
    },
    /// For another network.
    #[error("for another network")]
    ForeignNetwork,
    /// Made too long ago, or in the future.
    #[error("outside of the time in which it may arrive")]
    Stale,
    /// Let in before.
    #[error("let in before")]
    Duplicate,
    /// Its forwarder, its author or all together send more than this node takes.
    #[error("over the budget")]
    OverBudget,
    /// More wait than this node holds.
    #[error("too many wait")]
    QueueFull,
}

impl Refusal {
    /// What its forwarder is told: what it should have seen itself is its fault, what this node cannot bear is not.
    pub fn acceptance(self) -> Acceptance {
        match self {
            Self::Oversize { .. }
            | Self::Malformed
            | Self::BadSignature
            | Self::WrongTopic { .. }
            | Self::ForeignNetwork => Acceptance::Reject,
            Self::Newer | Self::Stale | Self::Duplicate | Self::OverBudget | Self::QueueFull => {
                Acceptance::Ignore
            }
        }
    }

    /// Who has to act.
    pub fn fault(self) -> Fault {
        match self.acceptance() {
            Acceptance::Accept | Acceptance::Ignore => Fault::Environment,
            Acceptance::Reject => Fault::Peer,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::TooLong { limit, .. } => Self::Oversize { limit },
            Error::Newer { .. } => Self::Newer,
            Error::BadSignature | Error::BadKey | Error::WrongSigner { .. } => Self::BadSignature,
            _ => Self::Malformed,
        }
    }
}

macro_rules! drops {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// How much was not let in, by reason, since the start.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Drops {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Drops {
            /// Names and counts.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name)),*].into_iter()
            }
        }

        #[cfg(feature = "net")]
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $($name: AtomicU64,)*
        }

        #[cfg(feature = "net")]
        impl Counters {
            pub(crate) fn read(&self) -> Drops {
                Drops { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

drops! {
    /// Longer than their kind may be.
    oversize,
    /// Not messages, or in the wrong topic.
    malformed,
    /// Of a newer version.
    newer,
    /// Signature does not verify.
    bad_signature,
    /// For another network.
    foreign_network,
    /// Too old, or of the future.
    stale,
    /// Let in before.
    duplicate,
    /// Over a budget.
    over_budget,
    /// Too many waited.
    queue_full,
    /// Connections cut because the peer is of another network, or no node.
    foreign_peers,
    /// Requests that were not answered because too many waited.
    busy,
}

#[cfg(feature = "net")]
impl Counters {
    pub(crate) fn count(&self, refusal: Refusal) {
        let counter = match refusal {
            Refusal::Oversize { .. } => &self.oversize,
            Refusal::Malformed | Refusal::WrongTopic { .. } => &self.malformed,
            Refusal::Newer => &self.newer,
            Refusal::BadSignature => &self.bad_signature,
            Refusal::ForeignNetwork => &self.foreign_network,
            Refusal::Stale => &self.stale,
            Refusal::Duplicate => &self.duplicate,
            Refusal::OverBudget => &self.over_budget,
            Refusal::QueueFull => &self.queue_full,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_foreign_peer(&self) {
        self.foreign_peers.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_busy(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }
}
