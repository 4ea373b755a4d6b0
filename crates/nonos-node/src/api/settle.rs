//! Batches of the books: made, proved, anchored.

use nonos_types::{Amount, FeeKind, JobId, NodeId, ReceiptId, Slot, Timestamp};
use serde::{Deserialize, Serialize};

use super::{RequestError, SecretHex};

/// What to do with the node's own batches, or to ask of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum SettleAsk {
    /// Make a batch of the entries that are in none. It goes on while nobody waits; one work at a time. [`WorkBegun`].
    Batch,
    /// Prove the chunks of a batch that are not proved, or of all. As above.
    Prove {
        /// Its number.
        number: Option<u64>,
    },
    /// Hand in the batches that the anchor does not have. As above.
    Anchor {
        /// Of the account's key, in hexadecimal, for an anchor on a chain; the key stays open then until the node stops.
        passphrase_hex: Option<SecretHex>,
    },
    /// How far is that? [`WorkView`].
    Work {
        /// Its number; that of the last one is remembered.
        work: u64,
    },
    /// How much is in which stage. [`SettleStatus`].
    Status,
    /// Batches, in order. [`BatchView`]s.
    Batches {
        /// Number of the last one seen; 0 for the first.
        after: u64,
        /// Most of them; a thousand at most.
        limit: u32,
    },
    /// Entries of the books, in order, each with its stage. [`EntryView`]s.
    Entries {
        /// Sequence of the last one seen; 0 for the first.
        after: u64,
        /// Most of them; a thousand at most.
        limit: u32,
    },
    /// Write a batch with its proofs to a file, for anybody to check. [`SettlementWritten`].
    Export {
        /// Its number.
        number: u64,
        /// The file, by its absolute path.
        path: String,
        /// May one that is there be written over?
        replace: bool,
    },
    /// Countersign what another node has signed, because this node's operator says so: its commitment's envelope, in
    /// hexadecimal. [`Countersigned`].
    Countersign {
        /// The envelope.
        commitment_hex: String,
    },
    /// Take what a witness has countersigned: an envelope, in hexadecimal. [`BatchView`].
    Acknowledge {
        /// The envelope.
        countersignature_hex: String,
    },
}

/// Work on batches has begun.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct WorkBegun {
    /// To ask how far it is.
    pub work: u64,
}

/// How far work on batches is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkView {
    /// What is done, for people.
    pub stage: String,
    /// Units done.
    pub done: u64,
    /// Of so many.
    pub total: u64,
    /// What became of it, once it is over.
    pub outcome: Option<WorkOutcome>,
}

/// What became of work on batches.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkOutcome {
    /// The batches that it was about, as they are now.
    Done(Vec<BatchView>),
    /// It could not be done.
    Failed(RequestError),
}

/// How far a batch is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchView {
    /// From 1.
    pub number: u64,
    /// Its name.
    pub batch: String,
    /// Root of the state after it.
    pub root: String,
    /// First entry.
    pub first: u64,
    /// Last entry.
    pub last: u64,
    /// Lines of vouchers in it.
    pub postings: u32,
    /// What peers signed to owe this node in it.
    pub received: Amount,
    /// What this node signed to owe.
    pub paid: Amount,
    /// Parts that are proved one by one.
    pub chunks: usize,
    /// How many of these are proved.
    pub proved: usize,
    /// `pending`, `submitted`, `final`.
    pub stage: String,
    /// How far it is at each anchor that was told of it.
    pub places: Vec<PlaceView>,
}

/// How far a batch is at an anchor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceView {
    /// Which anchor.
    pub place: String,
    /// `submitted`, `final`.
    pub stage: String,
    /// Who vouches.
    pub source: Option<String>,
    /// Where it is.
    pub reference: String,
    /// When, by the clock of whoever vouches.
    pub at: Option<Timestamp>,
}

/// How much is in which stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SettleStatus {
    /// `none`, `file`, `witness`, `evm`.
    pub anchor: String,
    /// Which, exactly.
    pub place: Option<String>,
    /// Is the account's key open, where there is one?
    pub key_open: Option<bool>,
    /// Batches there are.
    pub batches: u64,
    /// Of these, not all of whose chunks are proved.
    pub unproved: u64,
    /// Entries in no batch.
    pub unbatched: u64,
    /// Entries and amounts in no batch, or in one that no anchor has.
    pub pending: StageView,
    /// Those an anchor has, and nobody vouches for.
    pub submitted: StageView,
    /// Those that others vouch for.
    #[serde(rename = "final")]
    pub settled: StageView,
    /// Why the anchor was last asked in vain.
    pub trouble: Option<String>,
}

/// What is in a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageView {
    /// Entries.
    pub entries: u64,
    /// What peers signed to owe this node.
    pub received: Amount,
    /// What this node signed to owe.
    pub paid: Amount,
}

/// An entry of the books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryView {
    /// Position in the feed.
    pub sequence: u64,
    /// When, by this node's clock.
    pub at: Timestamp,
    /// `hold`, `release`, `claimed`, `paid`, `received`.
    pub kind: String,
    /// `pending`, `submitted`, `final`.
    pub stage: String,
    /// Its batch, if it is in one.
    pub batch: Option<u64>,
    /// What it is about: a voucher has several lines.
    pub lines: Vec<LineView>,
}

/// A line of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineView {
    /// The other side.
    pub peer: Option<NodeId>,
    /// The job.
    pub job: Option<JobId>,
    /// Which of its executors.
    pub slot: Option<Slot>,
    /// For what.
    pub fee: Option<FeeKind>,
    /// How much.
    pub amount: Option<Amount>,
    /// By which receipt.
    pub receipt: Option<ReceiptId>,
}

/// A settlement file that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementWritten {
    /// The file.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Number of the batch.
    pub number: u64,
    /// Its name.
    pub batch: String,
    /// Proofs in it.
    pub proofs: usize,
    /// Witnesses who have signed it.
    pub countersignatures: usize,
    /// Accounts that speak for this node.
    pub accounts: usize,
}

/// What this node has countersigned.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Countersigned {
    /// The countersignature's envelope, in hexadecimal.
    pub countersignature_hex: String,
}
