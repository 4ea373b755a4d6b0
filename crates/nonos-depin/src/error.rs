//! Why the books refuse something, or cannot be read.

use nonos_types::{
    Amount, Fault, FeeKind, FeedHead, Incarnation, JobId, NetworkId, NodeId, ReceiptId, Sequence, Slot,
};

/// Why the ledger did not do what it was asked. Nothing was written then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The shares of a fee exceed the whole.
    #[error("the shares of seeders and verifiers exceed the whole fee")]
    Shares,
    /// The key is not that of the books' author.
    #[error("the key is not that of {author}, whose books these are")]
    WrongKey {
        /// Whose books these are.
        author: NodeId,
    },
    /// The other side of the business is the author.
    #[error("nobody owes himself")]
    Oneself,
    /// The receipt is of another executor.
    #[error("the receipt is of executor {executor}")]
    NotExecutor {
        /// Whose it is.
        executor: NodeId,
    },
    /// Another amount is or was held for the job.
    #[error("{held} are held for job {job} already, or were")]
    HeldOtherwise {
        /// The job.
        job: JobId,
        /// What is held for it.
        held: Amount,
    },
    /// Another executor was paid for this slot.
    #[error("the run of job {job}, slot {slot} has been paid, to {payee}")]
    PaidToAnother {
        /// The job.
        job: JobId,
        /// Its slot.
        slot: Slot,
        /// Who was paid.
        payee: NodeId,
    },
    /// More lines than fit a voucher.
    #[error("more than {most} lines for one voucher")]
    TooManyLines {
        /// Most there may be.
        most: usize,
    },
    /// An amount, or a sum of them, is more than the books take.
    #[error("more than {most}, which is the most the books take for one job, one claim or one peer")]
    TooMuch {
        /// The most.
        most: Amount,
    },
    /// The balance of an account would not fit.
    #[error("the balance of an account would not fit")]
    Overflow,
    /// Of another network.
    #[error("of network {actual}, not of {expected}")]
    ForeignNetwork {
        /// The books' network.
        expected: NetworkId,
        /// The other.
        actual: NetworkId,
    },
    /// The voucher pays somebody else.
    #[error("the voucher pays {payee}")]
    NotPayee {
        /// Whom it pays.
        payee: NodeId,
    },
    /// Of another life of the author's books than an entry is of, or than it can be of.
    #[error("of incarnation {actual} of its author's books, which are in incarnation {expected}")]
    OtherIncarnation {
        /// That of the books.
        expected: Incarnation,
        /// The other.
        actual: Incarnation,
    },
    /// More lives than the books of one key have.
    #[error(
        "of incarnation {actual}; no key has books of more than {most}: it has to be replaced by a new one"
    )]
    TooManyIncarnations {
        /// The last there is.
        most: Incarnation,
        /// Which.
        actual: Incarnation,
    },
    /// What is resumed does not go so far as the books do.
    #[error("the books are at {head}: nothing is resumed after {last}")]
    NotAfter {
        /// How far the books go.
        head: Box<FeedHead>,
        /// What was to be resumed.
        last: Box<FeedHead>,
    },
    /// The books were put back to an older state: entries that were signed are missing.
    #[error(
        "the books go up to {head}, and {known} was signed: they were put back to an older state. Nothing is signed \
         before the newer ones are back, or they are resumed without them"
    )]
    Behind {
        /// How far they go.
        head: Box<FeedHead>,
        /// What was signed, as far as is known.
        known: Box<FeedHead>,
    },
    /// The caller has stopped the books: another node may have the same key.
    #[error("the books are stopped: their key may be used elsewhere, or entries are missing")]
    Stopped,
    /// These are somebody else's books, or those of another network.
    #[error("these are the books of {author} in network {network}")]
    OtherBooks {
        /// Whose they are.
        author: NodeId,
        /// In which network.
        network: NetworkId,
    },
    /// The voucher's total is more than the books take.
    #[error("the voucher's total is {total}, more than the {most} that the books take")]
    TotalTooLarge {
        /// What it says.
        total: Amount,
        /// The most.
        most: Amount,
    },
    /// The voucher is not the next one. Only an entry can be wrong so: vouchers that come in another order are
    /// no error.
    #[error("voucher {actual} where {expected} is the next")]
    NotNext {
        /// The next.
        expected: Sequence,
        /// The one there is.
        actual: Sequence,
    },
    /// Nothing is held for the job. Only an entry can be wrong so: to release twice is no error.
    #[error("nothing is held for job {job}")]
    NotHeld {
        /// The job.
        job: JobId,
    },
    /// The fee was asked for, or paid, before. Only an entry can be wrong so: to claim twice is no error.
    #[error("the fee of receipt {receipt} was asked for or paid before")]
    ClaimedBefore {
        /// The receipt.
        receipt: ReceiptId,
    },
    /// What an entry adds to the accounts is not zero in sum.
    #[error("an entry's postings are not zero in sum")]
    Unbalanced,
    /// The voucher's total is not that of the one before it and its own lines.
    #[error("the voucher's total is {actual}; it and those before it make {expected}")]
    WrongTotal {
        /// What the vouchers make.
        expected: Amount,
        /// What it says.
        actual: Amount,
    },
    /// The payer signed another voucher of the same sequence.
    #[error("{payer} signed two different vouchers {sequence}")]
    Conflict {
        /// Who signed both.
        payer: NodeId,
        /// Their sequence.
        sequence: Sequence,
    },
    /// An earlier voucher has the same line.
    #[error("an earlier voucher has the {kind} fee of job {job}, slot {slot} already")]
    SameLine {
        /// The job.
        job: JobId,
        /// Its slot.
        slot: Slot,
        /// For what.
        kind: FeeKind,
    },
    /// An entry of the feed is not as it must be. It is left as it is.
    #[error("entry {entry} of the books is damaged; it is left as it is: restore the store from a backup")]
    Corrupt {
        /// Which: the first, where all are looked at.
        entry: Sequence,
        /// What is wrong with it.
        source: Damage,
    },
    /// What is derived from the feed, and kept to be at hand, is not what the feed gives.
    #[error("table `{table}` is not what the entries of the books give: rebuild it from them")]
    Derived {
        /// Name of the table.
        table: String,
    },
    /// Another writer has appended at the same time. To repeat the call is safe.
    #[error("another writer has appended to the same books")]
    Raced,
    /// The store failed. To repeat the call is safe, whether or not the write took place.
    #[error("the store of the books failed")]
    Store(#[source] nonos_store::Error),
}

/// What is wrong with a stored entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// It is not there, though later ones or the head say it was.
    #[error("it is missing")]
    Missing,
    /// Its bytes are no entry, or its signature does not verify.
    #[error("it cannot be read")]
    Unreadable(#[source] nonos_types::Error),
    /// Another node signed it.
    #[error("it is signed by {signer}")]
    Author {
        /// Who signed it.
        signer: NodeId,
    },
    /// It has another place in the feed, or does not follow the entry before it.
    #[error("it does not follow the entry before it")]
    OutOfPlace,
    /// The head of the books names another entry of this sequence.
    #[error("it is not the one the head of the books names")]
    NotHead,
    /// It does what the rules of the books forbid.
    #[error("it breaks a rule of the books")]
    Rule(#[source] Box<Error>),
}

impl Error {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Shares
            | Self::WrongKey { .. }
            | Self::Oneself
            | Self::NotExecutor { .. }
            | Self::HeldOtherwise { .. }
            | Self::PaidToAnother { .. }
            | Self::TooManyLines { .. }
            | Self::TooMuch { .. }
            | Self::OtherBooks { .. }
            | Self::NotAfter { .. }
            | Self::Stopped
            | Self::Overflow => Fault::Caller,
            Self::ForeignNetwork { .. }
            | Self::NotPayee { .. }
            | Self::OtherIncarnation { .. }
            | Self::TooManyIncarnations { .. }
            | Self::WrongTotal { .. }
            | Self::TotalTooLarge { .. }
            | Self::NotNext { .. }
            | Self::Conflict { .. }
            | Self::SameLine { .. } => Fault::Peer,
            Self::Corrupt { .. }
            | Self::Behind { .. }
            | Self::Derived { .. }
            | Self::NotHeld { .. }
            | Self::ClaimedBefore { .. }
            | Self::Raced => Fault::Environment,
            Self::Unbalanced => Fault::Bug,
            Self::Store(error) => error.fault(),
        }
    }
}

impl From<nonos_store::Error> for Error {
    fn from(error: nonos_store::Error) -> Self {
        match error {
            // The only key that a batch of ours requires to be new is that of the next entry.
            nonos_store::Error::Exists { .. } => Self::Raced,
            nonos_store::Error::BadEntry { table } => Self::Derived {
                table: table.to_owned(),
            },
            error => Self::Store(error),
        }
    }
}

/// Why a batch is not made, or not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// Nothing to batch.
    #[error("there are no entries that are not in a batch")]
    NoEntries,
    /// More than one batch has.
    #[error("more than {most} {unit} for one batch")]
    TooMany {
        /// What is counted.
        unit: &'static str,
        /// Most there may be.
        most: u64,
    },
    /// The limit is beyond what the books take.
    #[error("a limit above {most}")]
    LimitTooLarge {
        /// The most.
        most: Amount,
    },
    /// An entry is not the next of the feed, or its voucher not the next of its payer and payee.
    #[error("entry {sequence} cannot follow: `{field}`")]
    Entry {
        /// The entry.
        sequence: Sequence,
        /// What of it does not fit.
        field: &'static str,
    },
    /// An entry's postings break a rule of what is proved.
    #[error("entry {sequence} cannot be posted: {clause}")]
    Unprovable {
        /// The entry.
        sequence: Sequence,
        /// The rule.
        clause: &'static str,
    },
    /// The batch is not the one after another.
    #[error("the batch does not follow the one before: `{field}`")]
    NotNext {
        /// What does not follow.
        field: &'static str,
    },
    /// Not as many chunks as the batch has.
    #[error("{actual} chunks, where the batch has {expected}")]
    Chunks {
        /// How many it has.
        expected: usize,
        /// How many there are.
        actual: usize,
    },
    /// A chunk is not this one of the batch.
    #[error("chunk {index} does not fit the batch: `{field}`")]
    Chunk {
        /// Which.
        index: u32,
        /// What does not fit.
        field: &'static str,
    },
    /// The chunks together do not make the batch.
    #[error("the chunks do not make the batch: `{field}`")]
    Sum {
        /// What is another.
        field: &'static str,
    },
    /// The entries do not come to this batch.
    #[error("the entries come to another batch: `{field}`")]
    Differs {
        /// The first field that differs.
        field: &'static str,
    },
}

impl BatchError {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NoEntries | Self::TooMany { .. } | Self::LimitTooLarge { .. } => Fault::Caller,
            _ => Fault::Peer,
        }
    }
}
