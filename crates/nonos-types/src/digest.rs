//! 32-byte digests that say in their type what they are digests of.

use std::{cmp, fmt, hash, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Error;

/// What a digest is of. Implementations must use a domain string nothing else uses.
///
/// ```
/// use nonos_types::{Digest, Tag};
///
/// enum Recipe {}
/// impl Tag for Recipe {
///     const DOMAIN: &'static str = "example/v1/recipe";
/// }
/// enum Menu {}
/// impl Tag for Menu {
///     const DOMAIN: &'static str = "example/v1/menu";
/// }
///
/// // The same bytes as something else are something else, and the types do not mix.
/// let (recipe, menu) = (Digest::<Recipe>::hash(&[b"soup"]), Digest::<Menu>::hash(&[b"soup"]));
/// assert_ne!(recipe.as_bytes(), menu.as_bytes());
/// ```
pub trait Tag: 'static {
    /// The key-derivation context of the hash, `nonos/v1/…`.
    const DOMAIN: &'static str;
}

/// A BLAKE3-256 digest in the domain `T`.
///
/// ```
/// use nonos_types::{CapsuleHash, InputDigest};
///
/// let digest = InputDigest::hash(&[b"abc"]);
/// assert_eq!(digest.to_string().parse::<InputDigest>()?, digest);
/// // The same bytes have another digest in another domain, and when cut differently.
/// assert_ne!(digest.as_bytes(), CapsuleHash::hash(&[b"abc"]).as_bytes());
/// assert_ne!(digest, InputDigest::hash(&[b"ab", b"c"]));
/// # Ok::<_, nonos_types::Error>(())
/// ```
pub struct Digest<T: Tag> {
    bytes: [u8; 32],
    tag: PhantomData<fn() -> T>,
}

impl<T: Tag> Digest<T> {
    /// All zero: "nothing here", where a record says so. No known input hashes to it.
    pub const ZERO: Self = Self::from_bytes([0; 32]);

    /// Takes bytes that are known to be a digest of this kind.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self {
            bytes,
            tag: PhantomData,
        }
    }

    /// Hashes `parts` in the domain of `T`; each part is preceded by its length (u64, little-endian).
    pub fn hash(parts: &[&[u8]]) -> Self {
        let mut hasher = Hasher::new();
        for part in parts {
            hasher.part(part);
        }
        hasher.finish()
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.bytes
    }
}

/// Hashes part by part: what [`Digest::hash`] does, where the parts are not all at hand.
pub struct Hasher<T: Tag> {
    inner: blake3::Hasher,
    tag: PhantomData<fn() -> T>,
}

impl<T: Tag> Hasher<T> {
    /// Starts a digest in the domain of `T`.
    pub fn new() -> Self {
        Self {
            inner: blake3::Hasher::new_derive_key(T::DOMAIN),
            tag: PhantomData,
        }
    }

    /// Adds one part, preceded by its length.
    pub fn part(&mut self, bytes: &[u8]) -> &mut Self {
        self.inner
            .update(&(bytes.len() as u64).to_le_bytes())
            .update(bytes);
        self
    }

    /// Ends the digest.
    pub fn finish(&self) -> Digest<T> {
        Digest::from_bytes(*self.inner.finalize().as_bytes())
    }
}

impl<T: Tag> Default for Hasher<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Tag> fmt::Debug for Hasher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hasher").field(&T::DOMAIN).finish()
    }
}

impl<T: Tag> Clone for Digest<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Tag> Copy for Digest<T> {}

impl<T: Tag> PartialEq for Digest<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T: Tag> Eq for Digest<T> {}

impl<T: Tag> PartialOrd for Digest<T> {
    fn partial_cmp(&self, other: &Self) -> Option<cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Tag> Ord for Digest<T> {
    fn cmp(&self, other: &Self) -> cmp::Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl<T: Tag> hash::Hash for Digest<T> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl<T: Tag> fmt::Display for Digest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.bytes))
    }
}

impl<T: Tag> fmt::Debug for Digest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{self}", T::DOMAIN)
    }
}

impl<T: Tag> FromStr for Digest<T> {
    type Err = Error;

    /// Reads 64 lowercase hex digits.
    fn from_str(text: &str) -> Result<Self, Error> {
        parse_hex32(text).map(Self::from_bytes)
    }
}

impl<T: Tag> Serialize for Digest<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: Tag> Deserialize<'de> for Digest<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// Reads 64 lowercase hex digits; one text per value, so upper case is refused.
pub(crate) fn parse_hex32(text: &str) -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
    if !lower || hex::decode_to_slice(text, &mut bytes).is_err() {
        return Err(Error::BadHex { expected: 32 });
    }
    Ok(bytes)
}

macro_rules! tags {
    ($($(#[$doc:meta])* $alias:ident = $tag:ident, $domain:literal;)*) => {
        /// The tags of this crate's digests.
        pub mod tag {
            $(
                #[doc = concat!("`nonos/v1/", $domain, "`")]
                #[derive(Debug)]
                pub enum $tag {}
                impl super::Tag for $tag {
                    const DOMAIN: &'static str = concat!("nonos/v1/", $domain);
                }
            )*
        }
        $($(#[$doc])* pub type $alias = Digest<tag::$tag>;)*
        /// Every domain of this crate, in order of declaration.
        #[cfg(test)]
        const DOMAINS: &[&str] = &[$(concat!("nonos/v1/", $domain)),*];
    };
}

tags! {
    /// Names a capsule: its package without the trailer.
    CapsuleHash = Capsule, "capsule";
    /// Names a run: proven and attested part of its record.
    ExecHash = Exec, "exec";
    /// Digest of a runtime policy's canonical bytes.
    PolicyHash = Policy, "policy";
    /// Digest of the public input tape.
    InputDigest = Input, "input";
    /// Digest of the output tapes: result, outbound, log, a part each.
    OutputDigest = Output, "output";
    /// Digest of the mesh inbound tape.
    InboundDigest = Inbound, "inbound";
    /// Names a network.
    NetworkId = Network, "network";
    /// Names those nodes that are in one hand.
    FamilyId = Family, "family";
    /// Names a job.
    JobId = Job, "job";
    /// Makes a run unique; see [`Nonce::derive`].
    Nonce = NonceTag, "nonce";
    /// End of the chain of host calls.
    AuditRoot = Audit, "audit";
    /// End of the chain of checkpoints.
    CheckpointRoot = Checkpoint, "checkpoint";
    /// Merkle root of a memory's pages.
    MemoryHash = Memory, "memory";
    /// State of a run at a checkpoint.
    StateHash = State, "state";
    /// Digest of a Proof-of-Infrastructure snapshot.
    PoiHash = Poi, "poi";
    /// Digest of a proof's bytes.
    ProofDigest = Proof, "proof";
    /// Digest of the bytes of a run's public tapes.
    TapesDigest = Tapes, "tapes";
    /// Digest of the ciphertext of a sealed input.
    SealedDigest = SealedObject, "sealed";
    /// Digest of the ciphertext of a sealed result.
    ResultDigest = ResultObject, "result";
    /// Names a message: its type, signer and payload.
    MessageId = MessageTag, "message";
    /// Names a receipt: its signer and payload.
    ReceiptId = ReceiptTag, "receipt";
    /// Names what an accusation is about: two accusations of the same have the same.
    EvidenceId = EvidenceTag, "evidence";
    /// Leaf of the tree over a relay's log: a message.
    JournalLeafDigest = JournalLeaf, "journal-leaf";
    /// Root of the tree over a relay's log.
    JournalRoot = JournalNode, "journal-node";
    /// Digest of a verifying key.
    VkDigest = Vk, "verifying-key";
    /// Chain of the segments a run was proved in; zero for a run proved in one piece.
    SegmentChain = Segments, "segments";
    /// Digest of the bytes of a segment job.
    SegmentDigest = Segment, "segment";
    /// Names an entry of a node's books: its author and its bytes.
    EntryDigest = FeedEntry, "feed-entry";
    /// Names a task: who gives it, and what it says.
    SegmentTaskId = SegmentTaskTag, "segment-task";
    /// What a verification has come to: known only to who has gone through it, or has made the proof.
    TranscriptDigest = Transcript, "transcript";
    /// Commits a verifier to a [`TranscriptDigest`] before it is said: verifier, receipt, value.
    VerdictCommitment = Commitment, "verdict-commitment";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_digests_share_a_domain() {
        let mut domains = DOMAINS.to_vec();
        domains.sort_unstable();
        domains.dedup();
        assert_eq!(domains.len(), DOMAINS.len());
    }

    #[test]
    fn the_hasher_and_the_digest_agree() {
        let mut hasher = Hasher::new();
        hasher.part(b"ab").part(b"");
        assert_eq!(InputDigest::hash(&[b"ab", b""]), hasher.finish());
    }
}
