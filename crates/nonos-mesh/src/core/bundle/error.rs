use std::io;

use nonos_types::{ByteLen, Fault, NetworkId};

use crate::Object;

/// Why a bundle is not read on, or not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The file cannot be read or written.
    #[error("the bundle cannot be read or written")]
    Io(#[from] io::Error),
    /// Not the beginning of a bundle.
    #[error("not a bundle")]
    NotABundle,
    /// Of a version this program does not know.
    #[error("a bundle of version {found}, which this program does not know")]
    UnknownVersion {
        /// Its version.
        found: u16,
    },
    /// Of another network.
    #[error("a bundle of network {found}")]
    ForeignNetwork {
        /// Its network.
        found: NetworkId,
    },
    /// It ends before it is over. What was given before was whole.
    #[error(
        "the bundle ends early: {read} read, of which {whole} in {messages} messages and {objects} objects are whole"
    )]
    Truncated {
        /// Bytes read in all.
        read: ByteLen,
        /// Bytes up to the end of the last whole record.
        whole: ByteLen,
        /// Messages given.
        messages: u64,
        /// Objects given.
        objects: u64,
    },
    /// A record of a kind that does not exist.
    #[error("a record of kind {tag}, which does not exist")]
    UnknownRecord {
        /// Its tag.
        tag: u8,
    },
    /// An object of a kind that does not exist.
    #[error("an object of kind {kind}, which does not exist")]
    UnknownObject {
        /// Its kind.
        kind: u8,
    },
    /// Longer than it may be; nothing of it was read.
    #[error("a record of {actual}, of at most {limit}")]
    TooLong {
        /// Most it may have.
        limit: ByteLen,
        /// What it says it has.
        actual: ByteLen,
    },
    /// A message of no bytes.
    #[error("an empty message")]
    EmptyMessage,
    /// Not behind what came before it: there twice, or in another order than bundles have.
    #[error("a record that is not in its place")]
    OutOfOrder,
    /// Its bytes have another digest than it is named by.
    #[error("an object whose bytes are not those of {object:?}")]
    WrongObject {
        /// What it is said to be.
        object: Object,
    },
    /// The bytes are not those that were written. What was given before stands or falls by itself.
    #[error("the bundle's digest is not that of its bytes")]
    Damaged,
    /// Something follows the end.
    #[error("something follows the end of the bundle")]
    Trailing,
}

impl BundleError {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Io(_) => Fault::Environment,
            Self::NotABundle | Self::UnknownVersion { .. } | Self::ForeignNetwork { .. } => Fault::Caller,
            _ => Fault::Peer,
        }
    }
}
