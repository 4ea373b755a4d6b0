//! Channels of capsules: which receipts have a message, where it is, and who may read it.
//!
//! A message is the outbound tape of a receipt that verifies. What is kept here is what the receipt says of it, by its
//! name and by the capsule: the bytes are in its public tapes.

use std::ops::Bound;

use nonos_package::Net;
use nonos_store::{Batch, Error, Key, Record, Store, Table};
use nonos_types::{
    ByteLen, CapsuleHash, JobId, NodeId, Outcome, Output, Receipt, ReceiptId, Sequence, Signed, TapesDigest,
    Timestamp,
};

use crate::engine::Facts;

const RECEIPTS: Table<ReceiptId, Entry> = Table::new("channel-receipt");
const CHANNEL: Table<Place, ReceiptId> = Table::new("channel");

/// Most bytes of the public tapes that the messages of a job are read from, all together.
pub(crate) const MAX_TAPES: ByteLen = Receipt::MAX_TAPES;

/// A receipt that verifies, as far as its message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) receipt: ReceiptId,
    entry: Entry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    capsule: CapsuleHash,
    job: JobId,
    executor: NodeId,
    tapes: TapesDigest,
    tapes_len: ByteLen,
    at: Timestamp,
    silence: Option<Silence>,
}

/// Why the outbound tape of a receipt is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    Sealed,
    Broken,
    Empty,
    NoNet,
}

impl Silence {
    fn reason(self) -> &'static str {
        match self {
            Self::Sealed => "its outputs are sealed",
            Self::Broken => "its run did not end by itself",
            Self::Empty => "its run wrote none",
            Self::NoNet => "the manifest of its capsule says net = \"none\"",
        }
    }
}

/// Why a run cannot read the messages that its job names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("no receipt {receipt} is known to verify here")]
    Unknown { receipt: ReceiptId },
    #[error("receipt {receipt} has no message, since {}", silence.reason())]
    Silent { receipt: ReceiptId, silence: Silence },
    #[error(
        "receipt {receipt} is of capsule {capsule}, which is not in the dependency map of the one that would read it"
    )]
    Foreign {
        receipt: ReceiptId,
        capsule: CapsuleHash,
    },
    #[error("the manifest of the capsule says net = \"none\", so that it reads no messages")]
    NoNet,
    #[error("its messages have {actual}, this node takes at most {limit}")]
    Input { actual: ByteLen, limit: ByteLen },
    #[error("the public tapes that its messages are in have more than {limit} together")]
    Tapes { limit: ByteLen },
    #[error("the message of receipt {receipt} cannot be had: {reason}")]
    Gone { receipt: ReceiptId, reason: String },
    #[error("its messages do not come in time")]
    Late,
    #[error("its messages do not make a tape")]
    NoTape(#[source] nonos_types::Error),
    #[error("its messages make another tape than the offer says")]
    OtherTape,
}

impl Unreadable {
    /// For programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "inbound.unknown",
            Self::Silent { .. } => "inbound.silent",
            Self::Foreign { .. } => "inbound.channel",
            Self::NoNet => "inbound.net",
            Self::Input { .. } | Self::NoTape(_) => "inbound.length",
            Self::Tapes { .. } => "inbound.tapes",
            Self::Gone { .. } | Self::Late => "inbound.gone",
            Self::OtherTape => "inbound.digest",
        }
    }
}

impl Source {
    pub(crate) fn of(receipt: &Signed<Receipt>) -> Self {
        let proven = &receipt.record.proven;
        let silence = match (&proven.output, &proven.outcome) {
            (Output::Commitment(_), _) => Some(Silence::Sealed),
            // What it would have written besides nobody knows.
            (_, Outcome::Trap(_) | Outcome::OutOfFuel) => Some(Silence::Broken),
            _ => None,
        };
        Self {
            receipt: receipt.receipt_id(),
            entry: Entry {
                capsule: proven.capsule,
                job: proven.job,
                executor: receipt.signer(),
                tapes: receipt.tapes,
                tapes_len: receipt.tapes_len,
                at: receipt.at,
                silence,
            },
        }
    }

    /// Whose channel it is.
    pub(crate) fn capsule(&self) -> CapsuleHash {
        self.entry.capsule
    }

    pub(crate) fn job(&self) -> JobId {
        self.entry.job
    }

    pub(crate) fn executor(&self) -> NodeId {
        self.entry.executor
    }

    /// The public tapes that the message is in, and their length.
    pub(crate) fn tapes(&self) -> (TapesDigest, ByteLen) {
        (self.entry.tapes, self.entry.tapes_len)
    }

    pub(crate) fn at(&self) -> Timestamp {
        self.entry.at
    }

    /// Is there a message, as far as the receipt says?
    pub(crate) fn speaks(&self) -> Result<(), Unreadable> {
        match self.entry.silence {
            Some(silence) => Err(self.silent(silence)),
            None => Ok(()),
        }
    }

    pub(crate) fn silent(&self, silence: Silence) -> Unreadable {
        Unreadable::Silent {
            receipt: self.receipt,
            silence,
        }
    }
}

/// What can be said of a job's messages before its capsule is here.
pub(crate) fn check_sources(sources: &[Source]) -> Result<(), Unreadable> {
    sources.iter().try_for_each(Source::speaks)?;
    let of_all = sources
        .iter()
        .fold(0_u64, |sum, it| sum.saturating_add(it.entry.tapes_len.get()));
    if of_all > MAX_TAPES.get() {
        return Err(Unreadable::Tapes { limit: MAX_TAPES });
    }
    Ok(())
}

/// May the capsule with these facts read them? Its own channel, and those of the capsules in its dependency map.
pub(crate) fn check_channels(facts: &Facts, sources: &[Source]) -> Result<(), Unreadable> {
    if facts.net == Net::None && !sources.is_empty() {
        return Err(Unreadable::NoNet);
    }
    let foreign = |it: &&Source| it.capsule() != facts.capsule && !facts.dependencies.contains(&it.capsule());
    match sources.iter().find(foreign) {
        Some(it) => Err(Unreadable::Foreign {
            receipt: it.receipt,
            capsule: it.capsule(),
        }),
        None => Ok(()),
    }
}

/// Adds to the batch what is kept of a receipt at this place of the journal.
pub(crate) fn index(batch: &mut Batch, receipt: &Signed<Receipt>, position: Sequence) {
    let source = Source::of(receipt);
    RECEIPTS.put(batch, &source.receipt, &source.entry);
    CHANNEL.put(batch, &Place(source.capsule(), position), &source.receipt);
}

/// A receipt that verifies.
pub(crate) fn find(store: &dyn Store, receipt: ReceiptId) -> Result<Option<Source>, Error> {
    let entry = RECEIPTS.get(store, &receipt)?;
    Ok(entry.map(|entry| Source { receipt, entry }))
}

/// Those of several, in the same order.
pub(crate) fn find_all(
    store: &dyn Store,
    receipts: &[ReceiptId],
) -> Result<Result<Vec<Source>, Unreadable>, Error> {
    let mut sources = Vec::new();
    for receipt in receipts {
        match find(store, *receipt)? {
            Some(source) => sources.push(source),
            None => return Ok(Err(Unreadable::Unknown { receipt: *receipt })),
        }
    }
    Ok(Ok(sources))
}

/// Receipts of a capsule behind a place of the journal, with theirs, in the order in which they came.
pub(crate) fn list(
    store: &dyn Store,
    capsule: CapsuleHash,
    after: Sequence,
    limit: usize,
) -> Result<Vec<(Sequence, Source)>, Error> {
    let mut listed = Vec::new();
    for (Place(of, position), receipt) in
        CHANNEL.entries(store, Bound::Excluded(&Place(capsule, after)), limit)?
    {
        if of != capsule {
            break;
        }
        if let Some(source) = find(store, receipt)? {
            listed.push((position, source));
        }
    }
    Ok(listed)
}

/// A capsule, and a place of the journal.
struct Place(CapsuleHash, Sequence);

impl Key for Place {
    fn to_key(&self) -> Vec<u8> {
        [self.0.to_key(), self.1.to_key()].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let (capsule, position) = bytes.split_first_chunk::<32>()?;
        Some(Self(
            CapsuleHash::from_bytes(*capsule),
            Sequence::from_key(position)?,
        ))
    }
}

impl Record for Entry {
    fn to_record(&self) -> Vec<u8> {
        let silence = match self.silence {
            None => 0,
            Some(Silence::Sealed) => 1,
            Some(Silence::Broken) => 2,
            // What only the tapes or the package say.
            Some(Silence::Empty | Silence::NoNet) => unreachable!("no receipt says that"),
        };
        [
            &self.capsule.as_bytes()[..],
            self.job.as_bytes(),
            self.executor.as_bytes(),
            self.tapes.as_bytes(),
            &self.tapes_len.get().to_be_bytes(),
            &self.at.get().to_be_bytes(),
            &[silence],
        ]
        .concat()
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        let (capsule, bytes) = bytes.split_first_chunk()?;
        let (job, bytes) = bytes.split_first_chunk()?;
        let (executor, bytes) = bytes.split_first_chunk()?;
        let (tapes, bytes) = bytes.split_first_chunk()?;
        let (tapes_len, bytes) = bytes.split_first_chunk()?;
        let (at, bytes) = bytes.split_first_chunk()?;
        let silence = match bytes {
            [0] => None,
            [1] => Some(Silence::Sealed),
            [2] => Some(Silence::Broken),
            _ => return None,
        };
        Some(Self {
            capsule: CapsuleHash::from_bytes(*capsule),
            job: JobId::from_bytes(*job),
            executor: NodeId::from_bytes(*executor),
            tapes: TapesDigest::from_bytes(*tapes),
            tapes_len: ByteLen::new(u64::from_be_bytes(*tapes_len)),
            at: Timestamp::new(u64::from_be_bytes(*at)),
            silence,
        })
    }
}
