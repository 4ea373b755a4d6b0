//! What is in the store. No table of anybody else may begin with `settle-`.

use nonos_store::{Key, Record, Table};
use nonos_types::{NodeId, Sequence, Timestamp};

use crate::anchor::{Evidence, State};

/// The author's batches: envelopes' bytes, kept raw so that one that cannot be read can be named.
pub(super) const BATCHES: Table<Number, Vec<u8>> = Table::new("settle-batch");
/// In which batch are the entries up to this one, from the one after the key before.
pub(super) const UP_TO: Table<Sequence, Number> = Table::new("settle-up-to");
/// Proved chunks: statement, verifying key, proof.
pub(super) const PROOFS: Table<ChunkOf, Vec<u8>> = Table::new("settle-proof");
/// That a chunk is proved; the proofs are long, and are not read to count them.
pub(super) const PROVED: Table<ChunkOf, ()> = Table::new("settle-proved");
/// What witnesses have signed of a batch.
pub(super) const SEEN: Table<Seen, Vec<u8>> = Table::new("settle-seen");
/// Which account speaks for the author at a place: an envelope's bytes.
pub(super) const ACCOUNTS: Table<Vec<u8>, Vec<u8>> = Table::new("settle-account");
/// How far a batch is at a place.
pub(super) const PLACES: Table<Place, State> = Table::new("settle-place");

/// Number of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number(pub(super) u64);

/// A chunk of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChunkOf(pub(super) u64, pub(super) u32);

/// A batch, and where it is anchored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place(pub(super) u64, pub(super) String);

/// A batch, and a witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen(pub(super) u64, pub(super) NodeId);

impl Key for Seen {
    fn to_key(&self) -> Vec<u8> {
        [&self.0.to_be_bytes()[..], self.1.as_bytes()].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let (number, witness) = bytes.split_first_chunk()?;
        let witness = NodeId::from_bytes(witness.try_into().ok()?);
        Some(Self(u64::from_be_bytes(*number), witness))
    }
}

impl Key for Number {
    fn to_key(&self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(u64::from_be_bytes).map(Self)
    }
}

impl Record for Number {
    fn to_record(&self) -> Vec<u8> {
        self.to_key()
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        Self::from_key(bytes)
    }
}

impl Key for ChunkOf {
    fn to_key(&self) -> Vec<u8> {
        [&self.0.to_be_bytes()[..], &self.1.to_be_bytes()].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let (number, index) = bytes.split_first_chunk()?;
        let index = index.try_into().ok().map(u32::from_be_bytes)?;
        Some(Self(u64::from_be_bytes(*number), index))
    }
}

impl Key for Place {
    fn to_key(&self) -> Vec<u8> {
        [&self.0.to_be_bytes()[..], self.1.as_bytes()].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let (number, place) = bytes.split_first_chunk()?;
        let place = String::from_utf8(place.to_vec()).ok()?;
        Some(Self(u64::from_be_bytes(*number), place))
    }
}

const SUBMITTED: u8 = 1;
const FINAL: u8 = 2;

impl Record for State {
    fn to_record(&self) -> Vec<u8> {
        match self {
            // It is not kept; a record of it reads as none.
            Self::Pending => Vec::new(),
            Self::Submitted { reference } => [&[SUBMITTED][..], reference.as_bytes()].concat(),
            Self::Final(evidence) => [
                &[FINAL][..],
                &evidence.at.get().to_be_bytes(),
                &(evidence.source.len() as u32).to_be_bytes(),
                evidence.source.as_bytes(),
                evidence.reference.as_bytes(),
            ]
            .concat(),
        }
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        match bytes.split_first()? {
            (&SUBMITTED, reference) => Some(Self::Submitted {
                reference: text(reference)?,
            }),
            (&FINAL, rest) => {
                let (at, rest) = rest.split_first_chunk()?;
                let (len, rest) = rest.split_first_chunk()?;
                let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
                let (source, reference) = rest.split_at_checked(len)?;
                Some(Self::Final(Evidence {
                    source: text(source)?,
                    reference: text(reference)?,
                    at: Timestamp::new(u64::from_be_bytes(*at)),
                }))
            }
            _ => None,
        }
    }
}
