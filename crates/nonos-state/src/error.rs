use nonos_types::{ByteLen, Fault, Pages};

/// Why a memory cannot be hashed.
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
}

impl Error {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotPages { .. } | Self::Shrunk { .. } | Self::NoSuchPage { .. } => Fault::Bug,
        }
    }
}
