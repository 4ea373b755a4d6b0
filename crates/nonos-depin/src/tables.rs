//! What is in the store: the entries, and what follows from them, kept to be at hand.
//!
//! Every name begins with [`PREFIX`]; no table of anybody else may.

use nonos_store::{Key, KeyRange, Record, Table};
use nonos_types::{
    Amount, EntryDigest, FeeKind, FeedHead, Incarnation, JobId, NodeId, ReceiptId, Sequence, Slot,
};

use crate::{Account, SignedAmount};

const PREFIX: &str = "ledger-";

/// The feed: the envelopes' bytes. They are kept raw so that one which cannot be read can be named.
pub(crate) const ENTRIES: Table<At, Vec<u8>> = Table::new("ledger-entry");
/// The newest entry.
pub(crate) const HEAD: Table<(), Head> = Table::new("ledger-head");
/// Balances that are or were not zero.
pub(crate) const BALANCES: Table<Account, SignedAmount> = Table::new("ledger-balance");
/// What was held for a job, and whether it still is.
pub(crate) const HOLDS: Table<JobId, Held> = Table::new("ledger-hold");
/// What was asked of a requester for a slot, and whether it still is.
pub(crate) const CLAIMS: Table<PeerSlot, Asked> = Table::new("ledger-claim");
/// The newest voucher to a payee, of each incarnation of the author's.
pub(crate) const ISSUED: Table<Way, Channel> = Table::new("ledger-issued");
/// In which entry is the voucher of this sequence to this payee.
pub(crate) const ISSUED_AT: Table<PeerSequence, At> = Table::new("ledger-issued-at");
/// In which entry a fee was paid, to whom: the line that counts.
pub(crate) const PAID: Table<Fee, At> = Table::new("ledger-paid");
/// Who was paid for running a slot.
pub(crate) const EXECUTED: Table<JobSlot, NodeId> = Table::new("ledger-executed");
/// In which incarnations a fee was paid that was paid in several.
pub(crate) const REPAID: Table<FeeIn, ()> = Table::new("ledger-repaid");
/// The newest voucher from a payer, of each of its incarnations.
pub(crate) const RECEIVED: Table<Way, Channel> = Table::new("ledger-received");
/// In which entry is the voucher of this sequence from this payer.
pub(crate) const RECEIVED_AT: Table<PeerSequence, At> = Table::new("ledger-received-at");
/// In which entry a fee was received, from whom: the line that counts.
pub(crate) const BOOKED: Table<Fee, At> = Table::new("ledger-booked");
/// In which incarnations of its payer a fee was received that was received in several.
pub(crate) const REBOOKED: Table<FeeIn, ()> = Table::new("ledger-rebooked");

/// All of these tables.
pub(crate) fn all() -> KeyRange {
    let mut end = PREFIX.as_bytes().to_vec();
    *end.last_mut().expect("the prefix is not empty") += 1;
    KeyRange {
        start: PREFIX.as_bytes().to_vec(),
        end: Some(end),
    }
}

/// Name of the table a raw key is of.
pub(crate) fn table_of(key: &[u8]) -> String {
    let name = key.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// Whether a raw key is of the feed itself.
pub(crate) fn is_entry(key: &[u8]) -> bool {
    key.starts_with(b"ledger-entry\0")
}

/// Position of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At(pub(crate) Sequence);

/// The newest entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head(pub(crate) FeedHead);

/// An amount set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) amount: Amount,
    pub(crate) open: bool,
}

/// An amount asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) receipt: ReceiptId,
    pub(crate) amount: Amount,
    pub(crate) open: bool,
}

/// State of the vouchers in one direction between two nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) sequence: Sequence,
    pub(crate) total: Amount,
}

/// A slot of a job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JobSlot(pub(crate) JobId, pub(crate) Slot);

/// A slot of a job, and a peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerSlot(pub(crate) NodeId, pub(crate) JobId, pub(crate) Slot);

/// The vouchers to or from a peer that are of one incarnation of their payer's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way(pub(crate) NodeId, pub(crate) Incarnation);

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerSequence(pub(crate) Way, pub(crate) Sequence);

/// A fee for a slot of a job, and who else is part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fee(
    pub(crate) NodeId,
    pub(crate) JobId,
    pub(crate) Slot,
    pub(crate) FeeKind,
);

/// A fee, in one incarnation of its payer's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeeIn(pub(crate) Fee, pub(crate) Incarnation);

impl Key for At {
    fn to_key(&self) -> Vec<u8> {
        self.0.get().to_be_bytes().to_vec()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.try_into().ok()?;
        Some(Self(Sequence::new(u64::from_be_bytes(bytes))))
    }
}

impl Record for At {
    fn to_record(&self) -> Vec<u8> {
        self.to_key()
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        Self::from_key(bytes)
    }
}

impl Record for Head {
    fn to_record(&self) -> Vec<u8> {
        let FeedHead {
            incarnation,
            sequence,
            digest,
        } = self.0;
        [
            &sequence.get().to_be_bytes()[..],
            digest.as_bytes(),
            &life(incarnation),
        ]
        .concat()
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        let (sequence, rest) = bytes.split_first_chunk()?;
        let (digest, rest) = rest.split_first_chunk()?;
        Some(Self(FeedHead {
            incarnation: read_life(rest)?,
            sequence: Sequence::new(u64::from_be_bytes(*sequence)),
            digest: EntryDigest::from_bytes(*digest),
        }))
    }
}

impl Key for Account {
    fn to_key(&self) -> Vec<u8> {
        let (code, peer) = self.code();
        [&[code][..], peer.as_ref().map_or(&[], |it| it)].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (code, []) => Self::from_code(*code, None),
            (code, peer) => Self::from_code(*code, Some(peer.try_into().ok()?)),
        }
    }
}

impl Record for SignedAmount {
    fn to_record(&self) -> Vec<u8> {
        self.atto().to_be_bytes().to_vec()
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.try_into().ok()?;
        Some(Self::from_atto(i128::from_be_bytes(bytes)))
    }
}

impl Record for Held {
    fn to_record(&self) -> Vec<u8> {
        [&self.amount.to_be_bytes()[..], &[self.open.into()]].concat()
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        let (amount, open) = bytes.split_first_chunk()?;
        Some(Self {
            amount: Amount::from_be_bytes(*amount),
            open: flag(open)?,
        })
    }
}

impl Record for Asked {
    fn to_record(&self) -> Vec<u8> {
        let amount = self.amount.to_be_bytes();
        [&self.receipt.as_bytes()[..], &amount, &[self.open.into()]].concat()
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        let (receipt, rest) = bytes.split_first_chunk()?;
        let Held { amount, open } = Held::from_record(rest)?;
        Some(Self {
            receipt: ReceiptId::from_bytes(*receipt),
            amount,
            open,
        })
    }
}

impl Record for Channel {
    fn to_record(&self) -> Vec<u8> {
        [&self.sequence.get().to_be_bytes()[..], &self.total.to_be_bytes()].concat()
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        let (sequence, total) = bytes.split_first_chunk()?;
        Some(Self {
            sequence: Sequence::new(u64::from_be_bytes(*sequence)),
            total: Amount::from_record(total)?,
        })
    }
}

impl Key for JobSlot {
    fn to_key(&self) -> Vec<u8> {
        [&self.0.as_bytes()[..], &self.1.to_key()].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let (job, slot) = bytes.split_first_chunk()?;
        Some(Self(JobId::from_bytes(*job), Slot::from_key(slot)?))
    }
}

impl Key for PeerSlot {
    fn to_key(&self) -> Vec<u8> {
        [&self.0.as_bytes()[..], &JobSlot(self.1, self.2).to_key()].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let (peer, rest) = bytes.split_first_chunk()?;
        let JobSlot(job, slot) = JobSlot::from_key(rest)?;
        Some(Self(NodeId::from_bytes(*peer), job, slot))
    }
}

impl Key for Way {
    fn to_key(&self) -> Vec<u8> {
        [&self.0.as_bytes()[..], &life(self.1)].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let (peer, rest) = bytes.split_first_chunk()?;
        Some(Self(NodeId::from_bytes(*peer), read_life(rest)?))
    }
}

impl Key for PeerSequence {
    fn to_key(&self) -> Vec<u8> {
        let Self(Way(peer, incarnation), sequence) = self;
        [&peer.as_bytes()[..], &At(*sequence).to_key(), &life(*incarnation)].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let (peer, rest) = bytes.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let way = Way(NodeId::from_bytes(*peer), read_life(rest)?);
        Some(Self(way, Sequence::new(u64::from_be_bytes(*sequence))))
    }
}

impl Key for FeeIn {
    fn to_key(&self) -> Vec<u8> {
        [&self.0.to_key()[..], &self.1.get().to_be_bytes()].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let (fee, life) = bytes.split_last_chunk()?;
        Some(Self(
            Fee::from_key(fee)?,
            Incarnation::new(u32::from_be_bytes(*life)),
        ))
    }
}

impl Key for Fee {
    fn to_key(&self) -> Vec<u8> {
        [&PeerSlot(self.0, self.1, self.2).to_key()[..], &[self.3.code()]].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_last()?;
        let PeerSlot(peer, job, slot) = PeerSlot::from_key(rest)?;
        Some(Self(peer, job, slot, FeeKind::from_code(*kind)?))
    }
}

/// What names an incarnation: nothing the first one, so that books which were never resumed are as they were.
fn life(incarnation: Incarnation) -> Vec<u8> {
    if incarnation == Incarnation::ZERO {
        Vec::new()
    } else {
        incarnation.get().to_be_bytes().to_vec()
    }
}

fn read_life(bytes: &[u8]) -> Option<Incarnation> {
    if bytes.is_empty() {
        return Some(Incarnation::ZERO);
    }
    let life = Incarnation::new(u32::from_be_bytes(bytes.try_into().ok()?));
    (life != Incarnation::ZERO).then_some(life)
}

fn flag(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [0] => Some(false),
        [1] => Some(true),
        _ => None,
    }
}
