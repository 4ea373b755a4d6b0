//! What is in the store: the entries, and what follows from them, kept to be at hand.
//!
//! Every name begins with [`PREFIX`]; no table of anybody else may.

use nonos_store::{Key, KeyRange, Record, Table};
use nonos_types::{Amount, FeeKind, JobId, NodeId, ReceiptId, Sequence, Slot};

use crate::{Account, EntryDigest, SignedAmount};

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
/// The newest voucher to a payee.
pub(crate) const ISSUED: Table<NodeId, Channel> = Table::new("ledger-issued");
/// In which entry is the voucher of this sequence to this payee.
pub(crate) const ISSUED_AT: Table<PeerSequence, At> = Table::new("ledger-issued-at");
/// In which entry a fee was paid, to whom.
pub(crate) const PAID: Table<Fee, At> = Table::new("ledger-paid");
/// Who was paid for running a slot.
pub(crate) const EXECUTED: Table<JobSlot, NodeId> = Table::new("ledger-executed");
/// The newest voucher from a payer.
pub(crate) const RECEIVED: Table<NodeId, Channel> = Table::new("ledger-received");
/// In which entry is the voucher of this sequence from this payer.
pub(crate) const RECEIVED_AT: Table<PeerSequence, At> = Table::new("ledger-received-at");
/// In which entry a fee was received, from whom.
pub(crate) const BOOKED: Table<Fee, At> = Table::new("ledger-booked");

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) sequence: Sequence,
    pub(crate) digest: EntryDigest,
}

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

/// A voucher to or from a peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerSequence(pub(crate) NodeId, pub(crate) Sequence);

/// A fee for a slot of a job, and who else is part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fee(
    pub(crate) NodeId,
    pub(crate) JobId,
    pub(crate) Slot,
    pub(crate) FeeKind,
);

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
        [&self.sequence.get().to_be_bytes()[..], self.digest.as_bytes()].concat()
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        let (sequence, digest) = bytes.split_first_chunk()?;
        Some(Self {
            sequence: Sequence::new(u64::from_be_bytes(*sequence)),
            digest: EntryDigest::from_record(digest)?,
        })
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

impl Key for PeerSequence {
    fn to_key(&self) -> Vec<u8> {
        [&self.0.as_bytes()[..], &At(self.1).to_key()].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let (peer, sequence) = bytes.split_first_chunk()?;
        Some(Self(NodeId::from_bytes(*peer), At::from_key(sequence)?.0))
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

fn flag(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [0] => Some(false),
        [1] => Some(true),
        _ => None,
    }
}
