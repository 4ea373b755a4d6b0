//! What the entries of a feed came to since the batch before. See `docs/spec/batch.md`.

use nonos_types::{Amount, ByteLen, Digest, Error, NetworkId, NodeId, Payload, Sequence, Tag, wire};
use serde::Serialize;

use crate::{
    BatchError, MAX_AMOUNT,
    rollup::{CHUNK, MAX_BALANCE, RollupStatement, Root, SUMS, Sums, empty_root},
};

/// The generated messages of `proto/`.
mod proto {
    #![expect(unreachable_pub, reason = "generated")]
    include!(concat!(env!("OUT_DIR"), "/nonos.batch.v1.rs"));
}

const NAME: &str = "batch";

/// `nonos/v1/batch`
#[derive(Debug)]
pub enum BatchTag {}

impl Tag for BatchTag {
    const DOMAIN: &'static str = "nonos/v1/batch";
}

/// Names a batch: digest of its bytes.
pub type BatchId = Digest<BatchTag>;

/// `nonos/v1/batch-entries`
#[derive(Debug)]
pub enum EntriesTag {}

impl Tag for EntriesTag {
    const DOMAIN: &'static str = "nonos/v1/batch-entries";
}

/// Binds the entries of a batch, in order.
pub type EntriesRoot = Digest<EntriesTag>;

/// The entries of one author's feed from `first` to `last`, and what they did to the author's state tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Batch {
    /// Network of the books.
    pub network: NetworkId,
    /// Whose books.
    pub author: NodeId,
    /// Position among the author's batches, from 1.
    pub number: u64,
    /// The batch before; zero for the first.
    pub prev: BatchId,
    /// Root of the state tree before.
    pub old_root: Root,
    /// Root of the state tree after.
    pub new_root: Root,
    /// The entries.
    pub entries_root: EntriesRoot,
    /// End of the chain of postings.
    pub postings_root: Root,
    /// First entry.
    pub first: Sequence,
    /// Last entry.
    pub last: Sequence,
    /// How many postings: lines of vouchers.
    pub postings: u32,
    /// What they come to.
    pub sums: Sums,
    /// What the author owes no peer more than, net, after each of them.
    pub limit: Amount,
}

impl Batch {
    /// Most entries.
    pub const MAX_ENTRIES: u64 = 1 << 16;
    /// Most postings: a thousand chunks.
    pub const MAX_POSTINGS: u32 = 1000 * CHUNK as u32;

    /// Its name.
    pub fn id(&self) -> BatchId {
        BatchId::hash(&[&self.to_bytes()])
    }

    /// How many chunks it is proved in; none if nothing was posted.
    pub fn chunks(&self) -> usize {
        (self.postings as usize).div_ceil(CHUNK)
    }

    /// Whether it is the next one of the same author. Entries are in one batch only, because it starts where the one
    /// before ends.
    ///
    /// # Errors
    /// [`BatchError::NotNext`] names what is not as it follows from `prev`.
    pub fn follows(&self, prev: &Self) -> Result<(), BatchError> {
        let next = |sequence: Sequence| sequence.checked_add(Sequence::new(1));
        let rules = [
            ("network", self.network == prev.network),
            ("author", self.author == prev.author),
            ("number", prev.number.checked_add(1) == Some(self.number)),
            ("prev", self.prev == prev.id()),
            ("old_root", self.old_root == prev.new_root),
            ("first", next(prev.last) == Some(self.first)),
        ];
        match rules.iter().find(|(_, holds)| !holds) {
            Some((field, _)) => Err(BatchError::NotNext { field }),
            None => Ok(()),
        }
    }

    /// Whether these are all chunks of the batch, each beginning where the one before ends. Their proofs are another
    /// matter, and so is whether the batch follows another.
    ///
    /// # Errors
    /// [`BatchError::Chunk`] names the chunk and what does not fit, [`BatchError::Chunks`] their wrong number.
    pub fn check_chunks(&self, chunks: &[RollupStatement]) -> Result<(), BatchError> {
        let expected = self.chunks();
        if chunks.len() != expected {
            let actual = chunks.len();
            return Err(BatchError::Chunks { expected, actual });
        }
        let id = self.id();
        let mut before = (self.old_root, Root::ZERO, self.before_first(), 0);
        let mut left = self.postings as usize;
        let mut sums = Sums::default();
        for (index, chunk) in (0..).zip(chunks) {
            let found = (
                chunk.before.root,
                chunk.before.chain,
                chunk.before.sequence,
                chunk.before.line,
            );
            let count = left.min(CHUNK);
            let sum = sums.checked_add(&chunk.sums);
            let rules = [
                ("batch", chunk.batch == id),
                ("index", chunk.index == index),
                ("limit", chunk.limit == self.limit),
                ("before", found == before),
                ("count", usize::from(chunk.count) == count),
                ("sums", sum.is_some()),
            ];
            if let Some((field, _)) = rules.iter().find(|(_, holds)| !holds) {
                return Err(BatchError::Chunk { index, field });
            }
            before = (
                chunk.after.root,
                chunk.after.chain,
                chunk.after.sequence,
                chunk.after.line,
            );
            left -= count;
            sums = sum.unwrap_or(sums);
        }
        let (root, chain, sequence, _) = before;
        let rules = [
            ("new_root", root == self.new_root),
            ("postings_root", chain == self.postings_root),
            ("last", sequence <= self.last),
            ("sums", sums == self.sums),
        ];
        match rules.iter().find(|(_, holds)| !holds) {
            Some((field, _)) => Err(BatchError::Sum { field }),
            None => Ok(()),
        }
    }

    /// The sequence before its first; [`Batch::first`] is at least 1.
    pub(crate) fn before_first(&self) -> Sequence {
        self.first.checked_sub(Sequence::new(1)).unwrap_or_default()
    }

    /// The first field that no batch has like this, whatever its entries.
    fn bad_field(&self) -> Option<&'static str> {
        let opens = self.prev == BatchId::ZERO && self.first.get() == 1 && self.old_root == empty_root();
        let entries = self.last.get().checked_sub(self.first.get());
        let unmoved = self.new_root == self.old_root
            && self.postings_root == Root::ZERO
            && self.sums == Sums::default();
        let rules = [
            ("number", self.number > 0),
            ("number", self.number != 1 || opens),
            ("prev", self.number == 1 || self.prev != BatchId::ZERO),
            ("first", self.first > Sequence::ZERO),
            ("last", entries.is_some_and(|more| more < Self::MAX_ENTRIES)),
            ("postings", self.postings <= Self::MAX_POSTINGS),
            ("postings", self.postings > 0 || unmoved),
            ("sums", self.sums.amounts().iter().all(|sum| *sum <= MAX_BALANCE)),
            ("limit", self.limit <= MAX_AMOUNT),
        ];
        rules.iter().find(|(_, holds)| !holds).map(|(field, _)| *field)
    }
}

impl Payload for Batch {
    const TYPE: &'static str = NAME;
    const MAX: ByteLen = ByteLen::new(512);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        let sums = self.sums.amounts().iter();
        wire::encode(&proto::Batch {
            network_id: self.network.as_bytes().to_vec(),
            author: self.author.as_bytes().to_vec(),
            number: self.number,
            prev: self.prev.as_bytes().to_vec(),
            old_root: self.old_root.to_bytes().to_vec(),
            new_root: self.new_root.to_bytes().to_vec(),
            entries_root: self.entries_root.as_bytes().to_vec(),
            postings_root: self.postings_root.to_bytes().to_vec(),
            first: self.first.get(),
            last: self.last.get(),
            postings: self.postings,
            sums: sums.flat_map(|sum| sum.to_be_bytes()).collect(),
            limit: self.limit.to_be_bytes().to_vec(),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Batch = wire::decode(NAME, Self::MAX, bytes)?;
        let batch = Self {
            network: digest("network_id", &message.network_id)?,
            author: NodeId::from_bytes(wire::fixed(NAME, "author", &message.author)?),
            number: message.number,
            prev: digest("prev", &message.prev)?,
            old_root: root("old_root", &message.old_root)?,
            new_root: root("new_root", &message.new_root)?,
            entries_root: digest("entries_root", &message.entries_root)?,
            postings_root: root("postings_root", &message.postings_root)?,
            first: Sequence::new(message.first),
            last: Sequence::new(message.last),
            postings: message.postings,
            sums: sums(&message.sums)?,
            limit: Amount::from_be_bytes(wire::fixed(NAME, "limit", &message.limit)?),
        };
        match batch.bad_field() {
            Some(field) => Err(bad(field)),
            None => Ok(batch),
        }
    }

    /// A batch is its author's.
    fn check_signer(&self, signer: &NodeId) -> Result<(), Error> {
        if *signer == self.author {
            Ok(())
        } else {
            Err(Error::WrongSigner { message: NAME })
        }
    }
}

fn bad(field: &'static str) -> Error {
    Error::BadField { message: NAME, field }
}

fn digest<T: Tag>(field: &'static str, bytes: &[u8]) -> Result<Digest<T>, Error> {
    wire::fixed(NAME, field, bytes).map(Digest::from_bytes)
}

fn root(field: &'static str, bytes: &[u8]) -> Result<Root, Error> {
    Root::from_bytes(wire::fixed(NAME, field, bytes)?).ok_or(bad(field))
}

fn sums(bytes: &[u8]) -> Result<Sums, Error> {
    let bytes: [u8; 16 * SUMS] = wire::fixed(NAME, "sums", bytes)?;
    let mut sums = [Amount::ZERO; SUMS];
    for (sum, bytes) in sums.iter_mut().zip(bytes.as_chunks().0) {
        *sum = Amount::from_be_bytes(*bytes);
    }
    Ok(Sums::new(sums))
}
