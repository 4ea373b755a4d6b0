//! Messages and objects in a file, to be carried by hand between nodes that no network joins.

mod error;
mod reader;
mod writer;

use nonos_types::{ByteLen, Kind, MessageId, NetworkId, SealedResult, SealedTape, Tag};

use crate::Object;

pub use self::{
    error::BundleError,
    reader::{Progress, Reader},
    writer::Writer,
};

const MAGIC: &[u8; 8] = b"NONOSBDL";
const VERSION: u16 = 1;
/// Magic, version, network.
const HEADER: usize = 8 + 2 + 32;
const END: u8 = 0;
const MESSAGE: u8 = 1;
const OBJECT: u8 = 2;

enum Bundle {}

impl Tag for Bundle {
    const DOMAIN: &'static str = "nonos/v1/bundle";
}

/// What a bundle carries. Nothing of it is believed: messages pass admission like any other, and of an object it is only
/// known that it has the digest it is named by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An envelope's bytes, not yet looked at.
    Message(Vec<u8>),
    /// An object and its bytes.
    Object(Object, Vec<u8>),
}

impl Item {
    /// Most bytes of any message.
    pub fn longest_message() -> ByteLen {
        Kind::ALL
            .iter()
            .map(|kind| kind.max_len())
            .max()
            .expect("there are kinds")
    }

    /// Are objects of this kind carried?
    const fn carries(object: &Object) -> bool {
        !matches!(object, Object::Segment(_))
    }

    /// Most bytes of an object of this kind.
    pub const fn longest(object: &Object) -> ByteLen {
        match object {
            // A package's sections, each as long as it may be.
            Object::Capsule(_) => ByteLen::new((16 << 20) + (64 << 10) + (32 << 10) + (4 << 10) + 29 + 64),
            Object::Input(_) | Object::Tapes(_) => ByteLen::new(64 << 20),
            Object::Proof(_) => ByteLen::new(64 << 20),
            Object::Sealed(_) => SealedTape::MAX,
            Object::Result(_) => SealedResult::MAX,
            // Of a run that goes on, and not to be carried.
            Object::Segment(_) => ByteLen::ZERO,
        }
    }
}

fn header(network: NetworkId) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..10].copy_from_slice(&VERSION.to_be_bytes());
    header[10..].copy_from_slice(network.as_bytes());
    header
}

/// What came last, so that each thing is there once and all have one order: messages by their bytes, then objects by
/// kind and digest.
#[derive(Clone, Debug, Default)]
enum Last {
    #[default]
    Nothing,
    Message(Vec<u8>),
    Object(Object),
}

impl Last {
    fn admits_message(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Nothing => true,
            Self::Message(last) => &last[..] < bytes,
            Self::Object(_) => false,
        }
    }

    fn admits_object(&self, object: &Object) -> bool {
        match self {
            Self::Nothing | Self::Message(_) => true,
            Self::Object(last) => last < object,
        }
    }
}

/// The digest of a bundle's bytes, which says whether they came as they were written and nothing else.
type Digest = nonos_types::Digest<Bundle>;
type Hasher = nonos_types::Hasher<Bundle>;

/// The order in which [`Writer::message`] takes messages.
///
/// ```
/// use nonos_mesh::core::bundle::sort;
///
/// let mut messages = vec![];
/// sort(&mut messages);
/// ```
pub fn sort(messages: &mut Vec<nonos_types::Message>) {
    messages.sort_by_cached_key(nonos_types::Message::to_bytes);
    // The same bytes are the same message; others of the same name differ in their signatures, and one is enough.
    let mut seen = std::collections::BTreeSet::<MessageId>::new();
    messages.retain(|message| seen.insert(message.id()));
}
