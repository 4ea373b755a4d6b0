use nonos_types::{ByteLen, Fault, NodeId, Pages, Timestamp};

/// Why a memory cannot be hashed, or a snapshot not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a whole number of pages, or more than there can be.
    #[error("a memory of {actual} is not a whole number of 64 KiB pages below 4 GiB")]
    NotPages {
        /// Its length.
        actual: ByteLen,
    },
    /// Fewer pages than before; a wasm memory only grows.
    #[error("the memory has shrunk from {before} to {after}")]
    Shrunk {
        /// Pages hashed before.
        before: Pages,
        /// Pages now.
        after: Pages,
    },
    /// A page was called changed that is not there.
    #[error("there is no page {page} among {pages}")]
    NoSuchPage {
        /// Index of the page.
        page: u32,
        /// Pages there are.
        pages: Pages,
    },
    /// The snapshot was measured later than now, or has expired.
    #[error("the snapshot counts from {taken_at} until {expires}, and it is {now}")]
    NotCurrent {
        /// When it was measured.
        taken_at: Timestamp,
        /// When it expires.
        expires: Timestamp,
        /// The time asked for.
        now: Timestamp,
    },
    /// A snapshot can be exported only with the key of its node.
    #[error("the key is not that of node {node}, whose snapshot it is")]
    NotItsKey {
        /// Whose snapshot it is.
        node: NodeId,
    },
    /// The time cannot be written as a date of four-digit years.
    #[error("{time} is beyond the year 9999")]
    NoDate {
        /// The time.
        time: Timestamp,
    },
}

impl Error {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotPages { .. } | Self::Shrunk { .. } | Self::NoSuchPage { .. } => Fault::Bug,
            Self::NotCurrent { .. } | Self::NoDate { .. } => Fault::Peer,
            Self::NotItsKey { .. } => Fault::Caller,
        }
    }
}
