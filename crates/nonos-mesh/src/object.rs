use nonos_types::{
    ByteLen, CapsuleHash, Envelope, InputDigest, MessageId, NodeId, Outline, ProofDigest, ResultDigest,
    SealedDigest, SegmentDigest, SegmentTask, Shards, Signed, TapesDigest,
};

use crate::core::{feed, journal, reconcile, segment};

/// What peers fetch from one another, by its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// A capsule's package.
    Capsule(CapsuleHash),
    /// A job's public input.
    Input(InputDigest),
    /// A run's public tapes.
    Tapes(TapesDigest),
    /// A proof.
    Proof(ProofDigest),
    /// The ciphertext of a job's sealed input.
    Sealed(SealedDigest),
    /// The ciphertext of a run's sealed result.
    Result(ResultDigest),
    /// A segment of a run, to be proved: given to whom its executor asks to.
    Segment(SegmentDigest),
}

/// Of the type of an object's name.
macro_rules! by_name {
    ($object:expr, $name:ident: $Name:ident => $value:expr) => {
        match $object {
            Object::Capsule($name) => {
                type $Name = CapsuleHash;
                $value
            }
            Object::Input($name) => {
                type $Name = InputDigest;
                $value
            }
            Object::Tapes($name) => {
                type $Name = TapesDigest;
                $value
            }
            Object::Proof($name) => {
                type $Name = ProofDigest;
                $value
            }
            Object::Sealed($name) => {
                type $Name = SealedDigest;
                $value
            }
            Object::Result($name) => {
                type $Name = ResultDigest;
                $value
            }
            Object::Segment($name) => {
                type $Name = SegmentDigest;
                $value
            }
        }
    };
}

impl Object {
    /// Bytes at the end that the name does not cover: a package ends in its author's signature.
    const fn tail(&self) -> u64 {
        match self {
            Self::Capsule(_) => 64,
            Self::Input(_)
            | Self::Tapes(_)
            | Self::Proof(_)
            | Self::Sealed(_)
            | Self::Result(_)
            | Self::Segment(_) => 0,
        }
    }

    /// What the object's bytes are checked by, piece by piece; `None` if they are too short to be one.
    pub fn outline(&self, bytes: &[u8]) -> Option<Outline> {
        let named = bytes.len().checked_sub(self.tail() as usize)?;
        Some(by_name!(self, _name: Name => Outline::of::<Name>(&bytes[..named])))
    }

    /// Length of the object if the name covers so many bytes of it.
    pub(crate) fn whole(&self, named: ByteLen) -> ByteLen {
        ByteLen::new(named.get().saturating_add(self.tail()))
    }

    /// Can it be the outline of the bytes that the name covers? Where there is but one group, it says nothing of them.
    pub(crate) fn has_outline(&self, outline: &Outline) -> bool {
        by_name!(self, name: Name => outline.digest::<Name>().is_none_or(|it| it == *name))
    }

    /// Where a group is. What the name does not cover is with the last.
    pub(crate) fn group(&self, outline: &Outline, index: usize) -> std::ops::Range<usize> {
        let group = outline.group(index);
        let tail = if index + 1 == outline.count() {
            self.tail() as usize
        } else {
            0
        };
        group.start..group.end.saturating_add(tail)
    }

    /// Are these the bytes of a group? Of what the name does not cover nothing is said.
    pub(crate) fn has_group(&self, outline: &Outline, index: usize, bytes: &[u8]) -> bool {
        let (group, whole) = (outline.group(index).len(), self.group(outline, index).len());
        if bytes.len() != whole {
            return false;
        }
        let named = &bytes[..group];
        by_name!(self, name: Name => match outline.count() {
            1 => Name::hash(&[named]) == *name,
            _ => outline.fits::<Name>(index, named),
        })
    }

    /// Number of the kind in messages and files, and the digest.
    pub(crate) fn to_code(self) -> (u8, [u8; 32]) {
        match self {
            Self::Capsule(it) => (1, it.to_bytes()),
            Self::Input(it) => (2, it.to_bytes()),
            Self::Tapes(it) => (3, it.to_bytes()),
            Self::Proof(it) => (4, it.to_bytes()),
            Self::Sealed(it) => (5, it.to_bytes()),
            Self::Result(it) => (6, it.to_bytes()),
            Self::Segment(it) => (7, it.to_bytes()),
        }
    }

    /// The object of a kind of this number.
    pub(crate) fn from_code(kind: u8, digest: [u8; 32]) -> Option<Self> {
        Some(match kind {
            1 => Self::Capsule(CapsuleHash::from_bytes(digest)),
            2 => Self::Input(InputDigest::from_bytes(digest)),
            3 => Self::Tapes(TapesDigest::from_bytes(digest)),
            4 => Self::Proof(ProofDigest::from_bytes(digest)),
            5 => Self::Sealed(SealedDigest::from_bytes(digest)),
            6 => Self::Result(ResultDigest::from_bytes(digest)),
            7 => Self::Segment(SegmentDigest::from_bytes(digest)),
            _ => return None,
        })
    }

    /// Have these bytes its digest? Whether they are what they should be otherwise, such as a package that can be read,
    /// is another question.
    pub(crate) fn is_of(&self, bytes: &[u8]) -> bool {
        let named = bytes.len().checked_sub(self.tail() as usize);
        named.is_some_and(|named| by_name!(self, name: Name => Name::hash(&[&bytes[..named]]) == *name))
    }
}

/// Part of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Length of the whole object.
    pub total: ByteLen,
    /// The bytes from the offset that was asked for.
    pub bytes: Vec<u8>,
}

impl Part {
    /// Most bytes of a part: a group of an [`Outline`], and what its name does not cover.
    pub const MAX: ByteLen = ByteLen::new((256 << 10) + 64);
}

/// A position in a peer's log of accepted messages. It means nothing to any other peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor(u64);

impl Cursor {
    /// Before the first message.
    pub const START: Self = Self(0);
    /// After the last message, wherever that is.
    pub const END: Self = Self(u64::MAX);

    /// This position.
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// The position.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A piece of a log of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Where the next page starts; behind the cursor asked for, unless the log ends there.
    pub next: Cursor,
    /// Envelopes, each with its kind inside, as they were accepted. None of them where the log ends.
    pub messages: Vec<Vec<u8>>,
}

impl Page {
    /// Most messages of a page.
    pub const MAX_MESSAGES: usize = 256;
    /// Most bytes of its messages together.
    pub const MAX_BYTES: ByteLen = ByteLen::new(1 << 20);

    /// Can a page be this one, if it starts at the cursor?
    #[cfg(feature = "net")]
    pub(crate) fn is_sound(&self, cursor: Cursor, most: usize) -> bool {
        let bytes: usize = self.messages.iter().map(Vec::len).sum();
        let moves = match cursor {
            Cursor::END => self.messages.is_empty(),
            _ => self.next > cursor || (self.next == cursor && self.messages.is_empty()),
        };
        moves && self.messages.len() <= most && ByteLen::from(bytes) <= Self::MAX_BYTES
    }
}

/// What a node gives to those who ask.
///
/// Implementations must
/// - give of an object exactly `min(most, total − offset)` bytes from the offset, and the same total each time;
/// - give pages of at most `most` messages and [`Page::MAX_BYTES`], and `next` behind the last message given;
/// - return soon: the calls come on threads that may block, of which there are few.
///
/// What does not keep to this is not sent, and logged as an error.
pub trait Objects: Send + Sync + 'static {
    /// Part of an object, if it is here.
    fn read(&self, object: &Object, offset: ByteLen, most: ByteLen) -> Option<Part>;

    /// What an object is checked by, if it is here. As it stands it reads all of the object each time.
    fn outline(&self, object: &Object) -> Option<Outline> {
        let mut bytes = Vec::new();
        loop {
            let part = self.read(object, ByteLen::from(bytes.len()), Part::MAX)?;
            bytes.extend_from_slice(&part.bytes);
            if part.bytes.is_empty() || ByteLen::from(bytes.len()) >= part.total {
                return object.outline(&bytes);
            }
        }
    }

    /// What a peer wants to know to find out which messages only one of the two has; nothing, if it asks too often or
    /// what makes no sense. As it stands, nothing is ever told.
    fn reconcile(&self, _from: NodeId, _ask: &reconcile::Ask) -> Option<reconcile::Answer> {
        None
    }

    /// Accepted messages by their names, those that are here: the first of them that are at most [`Page::MAX_BYTES`]
    /// together are sent. As it stands, none.
    fn messages(&self, _ids: &[MessageId]) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// What a peer wants to know of a head that this node has signed as a relay; nothing, if it asks too often. As it
    /// stands, there is no such head.
    fn journal(&self, _from: NodeId, _ask: &journal::Ask) -> Option<journal::Answer> {
        Some(journal::Answer::Absent)
    }

    /// An executor asks to have a segment proved, or what has become of that; nothing, if it cannot be said now. As it
    /// stands, nobody is helped.
    fn segment(&self, _from: NodeId, _task: Signed<SegmentTask>) -> Option<segment::Answer> {
        Some(segment::Answer::Refused(segment::Refused::Role))
    }

    /// A peer asks to have signed, by this node as a witness, what it has signed itself: the signature is not verified, but
    /// names the peer. Nothing, if this node does not. As it stands, it is nobody's witness.
    fn witness(&self, _from: NodeId, _asked: &Envelope) -> Option<Envelope> {
        None
    }

    /// A peer asks for entries of this node's books, or for one of another's; nothing, if it asks too often. As it stands, it has
    /// no dealings with this node.
    fn feed(&self, _from: NodeId, _ask: feed::Ask) -> Option<feed::Answer> {
        Some(feed::Answer::Refused(feed::Refused::Stranger))
    }

    /// The newest descriptor of a node that is here, to be told to that node itself when it meets this one: if it has not
    /// signed it, another does with its key. As it stands, none.
    fn newest(&self, _of: NodeId) -> Option<Vec<u8>> {
        None
    }

    /// The accepted messages from a position on; for [`Cursor::END`] none, and where the log ends.
    fn messages_after(&self, cursor: Cursor, most: usize) -> Page;

    /// The same without messages of other shards than these, as far as that can be told: the page may have fewer
    /// messages than there is room for, or none. As it stands, all of them.
    fn messages_after_in(&self, cursor: Cursor, most: usize, _shards: Shards) -> Page {
        self.messages_after(cursor, most)
    }

    /// A peer was sent this much of an object.
    fn sent(&self, _to: NodeId, _object: &Object, _bytes: ByteLen) {}
}
