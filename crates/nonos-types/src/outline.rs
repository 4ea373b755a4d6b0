use blake3::hazmat::{self, HasherExt as _, Mode};

use crate::{ByteLen, Digest, Tag};

/// What makes up the digest of one long part of bytes: a node of its hash tree for each *group* of 256 KiB. With it each
/// group is checked by itself as it comes, from whomever, before all of the bytes are there (BLAKE3, section 6.4, verified
/// streaming).
///
/// The tree is over the part's length (u64, little-endian), which [`Digest::hash`] puts first, and the bytes; so the first
/// group has eight bytes less.
///
/// ```
/// use nonos_types::{InputDigest, Outline};
///
/// let bytes = vec![7; 600_000];
/// let outline = Outline::of::<nonos_types::InputDigest>(&bytes);
/// assert_eq!(outline.digest::<InputDigest>(), Some(InputDigest::hash(&[&bytes])));
///
/// let (first, last) = (outline.group(0), outline.group(2));
/// assert!(outline.fits::<InputDigest>(2, &bytes[last.clone()]));
/// assert!(!outline.fits::<InputDigest>(0, &bytes[last]) && first.len() == (256 << 10) - 8);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    len: ByteLen,
    nodes: Vec<[u8; 32]>,
}

/// What has a domain of digests: a [`Digest`].
pub trait Domain {
    /// Whose domain it is.
    type Tag: Tag;
}

impl<T: Tag> Domain for Digest<T> {
    type Tag = T;
}

impl Outline {
    /// Bytes of the tree's input in a group.
    const GROUP: u64 = 256 << 10;
    /// Bytes before the part's.
    const PREFIX: u64 = 8;

    /// That of these bytes. It has no nodes where there is but one group: then the digest says it all.
    pub fn of<D: Domain>(bytes: &[u8]) -> Self {
        let mut outline = Self {
            len: ByteLen::from(bytes.len()),
            nodes: Vec::new(),
        };
        let count = outline.count();
        if count > 1 {
            outline.nodes = (0..count)
                .map(|index| outline.node::<D>(index, &bytes[outline.group(index)]))
                .collect();
        }
        outline
    }

    /// One that somebody gives: `None` if so many nodes cannot be those of so many bytes.
    pub fn new(len: ByteLen, nodes: Vec<[u8; 32]>) -> Option<Self> {
        let outline = Self { len, nodes };
        let wanted = match outline.count() {
            1 => 0,
            count => count,
        };
        (outline.nodes.len() == wanted).then_some(outline)
    }

    /// Length of the bytes.
    pub fn len(&self) -> ByteLen {
        self.len
    }

    /// Are there no bytes?
    pub fn is_empty(&self) -> bool {
        self.len == ByteLen::ZERO
    }

    /// One node for each group, if there is more than one.
    pub fn nodes(&self) -> &[[u8; 32]] {
        &self.nodes
    }

    /// How many groups there are.
    pub fn count(&self) -> usize {
        let input = u128::from(self.len.get()) + u128::from(Self::PREFIX);
        usize::try_from(input.div_ceil(Self::GROUP.into())).unwrap_or(usize::MAX)
    }

    /// Where in the bytes a group is; the last may be shorter, those after it are empty.
    pub fn group(&self, index: usize) -> std::ops::Range<usize> {
        let at = |index: usize| {
            let input = (index as u64).saturating_mul(Self::GROUP);
            let byte = input.saturating_sub(Self::PREFIX).min(self.len.get());
            usize::try_from(byte).unwrap_or(usize::MAX)
        };
        at(index)..at(index.saturating_add(1))
    }

    /// The digest that bytes with these nodes have; `None` where there is but one group.
    pub fn digest<D: Domain>(&self) -> Option<Digest<D::Tag>> {
        if self.nodes.is_empty() {
            return None;
        }
        let key = hazmat::hash_derive_key_context(D::Tag::DOMAIN);
        let mode = Mode::DeriveKeyMaterial(&key);
        let (left, right) = self.halves(&self.nodes, self.len.get() + Self::PREFIX, mode);
        let root = hazmat::merge_subtrees_root(&left, &right, mode);
        Some(Digest::from_bytes(*root.as_bytes()))
    }

    /// Are these the bytes of a group? Where there is but one, this does not tell: compare the digest.
    pub fn fits<D: Domain>(&self, index: usize, bytes: &[u8]) -> bool {
        bytes.len() == self.group(index).len()
            && (self.nodes.get(index)).is_none_or(|node| *node == self.node::<D>(index, bytes))
    }

    fn node<D: Domain>(&self, index: usize, bytes: &[u8]) -> [u8; 32] {
        let key = hazmat::hash_derive_key_context(D::Tag::DOMAIN);
        let mut hasher = blake3::Hasher::new_from_context_key(&key);
        hasher.set_input_offset(index as u64 * Self::GROUP);
        if index == 0 {
            hasher.update(&self.len.get().to_le_bytes());
        }
        hasher.update(bytes).finalize_non_root()
    }

    /// The nodes of the two halves of a tree of more than one group.
    fn halves(&self, nodes: &[[u8; 32]], input: u64, mode: Mode<'_>) -> ([u8; 32], [u8; 32]) {
        let left = hazmat::left_subtree_len(input);
        let (first, rest) = nodes.split_at((left / Self::GROUP) as usize);
        (
            self.merged(first, left, mode),
            self.merged(rest, input - left, mode),
        )
    }

    fn merged(&self, nodes: &[[u8; 32]], input: u64, mode: Mode<'_>) -> [u8; 32] {
        match nodes {
            [node] => *node,
            _ => {
                let (left, right) = self.halves(nodes, input, mode);
                hazmat::merge_subtrees_non_root(&left, &right, mode)
            }
        }
    }
}
