use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{EntryDigest, Incarnation, Sequence};

/// The newest entry of a node's books: how far they go. A later incarnation is further, and within one the higher
/// sequence.
///
/// ```
/// use nonos_types::{EntryDigest, FeedHead, Incarnation, Sequence};
///
/// let head = |incarnation, sequence| FeedHead {
///     incarnation: Incarnation::new(incarnation),
///     sequence: Sequence::new(sequence),
///     digest: EntryDigest::ZERO,
/// };
/// assert!(head(0, 7) > head(0, 6) && head(1, 3) > head(0, 7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FeedHead {
    /// Which life of the books.
    pub incarnation: Incarnation,
    /// Position of the entry; 0 if there is none.
    pub sequence: Sequence,
    /// Its name; zero if there is none.
    pub digest: EntryDigest,
}

impl FeedHead {
    /// That of books without an entry.
    pub const NONE: Self = Self {
        incarnation: Incarnation::ZERO,
        sequence: Sequence::ZERO,
        digest: EntryDigest::ZERO,
    };
    /// Bytes of [`FeedHead::to_bytes`].
    pub const LEN: usize = 44;

    /// Incarnation, sequence, digest; big-endian.
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..4].copy_from_slice(&self.incarnation.get().to_be_bytes());
        bytes[4..12].copy_from_slice(&self.sequence.get().to_be_bytes());
        bytes[12..].copy_from_slice(self.digest.as_bytes());
        bytes
    }

    /// Reads what [`FeedHead::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        let (incarnation, rest) = bytes.split_first_chunk().expect("44 bytes");
        let (sequence, rest) = rest.split_first_chunk().expect("40 bytes");
        Self {
            incarnation: Incarnation::new(u32::from_be_bytes(*incarnation)),
            sequence: Sequence::new(u64::from_be_bytes(*sequence)),
            digest: EntryDigest::from_bytes(rest.try_into().expect("32 bytes")),
        }
    }
}

impl Default for FeedHead {
    fn default() -> Self {
        Self::NONE
    }
}

impl fmt::Display for FeedHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} of incarnation {}", self.sequence, self.incarnation)
    }
}
