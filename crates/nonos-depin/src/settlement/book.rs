//! What a node keeps of its own batches.

use std::{fmt, ops::Bound, sync::Arc};

use ed25519_dalek::SigningKey;
use nonos_store::{Durability, Store};
use nonos_types::{Amount, ByteLen, Envelope, NetworkId, NodeId, Sequence, Signed};
use serde::Serialize;

use super::{
    error::{Damage, Error},
    file::{Chunk, SettlementFile},
    tables::{ACCOUNTS, BATCHES, ChunkOf, Number, PLACES, PROOFS, PROVED, Place, SEEN, Seen, UP_TO},
};
use crate::{
    Batch, BatchError, Body, Entry, Ledger,
    anchor::{self, Commitment, Countersignature, StateRoot},
    rollup::{ChunkWitness, RollupStatement, State},
};

/// Entries that are read at a time.
const PAGE: usize = 1000;

/// How far an entry or a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// In no batch, or in one that no anchor has.
    Pending,
    /// An anchor has it, and nobody vouches for it yet.
    Submitted,
    /// Others than the node vouch for it.
    Final,
}

/// A batch and where it stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The batch as it was signed.
    pub batch: Signed<Batch>,
    /// How many of its chunks are proved.
    pub proved: usize,
    /// How far it is at each place that was told of it.
    pub places: Vec<(String, anchor::State)>,
}

impl Standing {
    /// The furthest that it is anywhere.
    pub fn stage(&self) -> Stage {
        let stages = self.places.iter().map(|(_, state)| Stage::of(state));
        stages.max().unwrap_or(Stage::Pending)
    }

    /// Whether every chunk has a proof.
    pub fn is_proved(&self) -> bool {
        self.proved == self.batch.chunks()
    }
}

impl Stage {
    /// Of a state at an anchor.
    pub fn of(state: &anchor::State) -> Self {
        match state {
            anchor::State::Pending => Self::Pending,
            anchor::State::Submitted { .. } => Self::Submitted,
            anchor::State::Final(_) => Self::Final,
        }
    }
}

/// What is anchored of a batch.
pub fn commitment(batch: &Batch) -> Commitment {
    Commitment {
        network: batch.network,
        submitter: batch.author,
        batch: batch.id(),
        prev: batch.prev,
        root: StateRoot::from_bytes(batch.new_root.to_bytes()),
        entries: entries(batch),
    }
}

/// How many entries it has; a batch whose `last` is before its `first` cannot be read.
fn entries(batch: &Batch) -> u64 {
    batch.last.get() - batch.first.get() + 1
}

/// One author's batches, their proofs, and how far each is, over a store that nobody else writes `settle-…` tables to.
///
/// Every change is one durable write, done when the call returns. A call that failed may be repeated, also after a
/// restart. There is never a second batch of one number: what is signed is on the disk, or was never given out.
///
/// The state tree is not kept: it is made again from the feed, and each batch on the way must be what its entries come
/// to. It stays in memory then, some 96 nodes for each peer.
///
/// ```
/// use std::sync::Arc;
/// use ed25519_dalek::SigningKey;
/// use nonos_depin::{Ledger, MAX_AMOUNT, settlement::{Settlement, Stage}};
/// use nonos_store::MemoryStore;
/// use nonos_types::{Amount, FeeKind, JobId, Line, NetworkId, NodeId, ReceiptId, Sequence, Slot, Timestamp};
///
/// let network = NetworkId::named("example");
/// let keys = [1, 2].map(|seed| SigningKey::from_bytes(&[seed; 32]));
/// let [alice, bob] = keys.each_ref().map(|key| NodeId::from_bytes(key.verifying_key().to_bytes()));
/// let store = Arc::new(MemoryStore::new());
/// let books = Ledger::open(store.clone(), network, alice)?;
/// let (job, receipt) = (JobId::hash(&[b"an offer"]), ReceiptId::hash(&[b"a receipt"]));
/// let line = Line { job, slot: Slot::ZERO, kind: FeeKind::Execute, receipt, amount: Amount::from_atto(5) };
/// books.pay(bob, vec![line], &keys[0], Timestamp::new(1_800_000_000))?;
///
/// let mut settlement = Settlement::open(store, network, alice)?;
/// let batch = settlement.batch(&books, MAX_AMOUNT, &keys[0])?;
/// assert_eq!(batch.sums.total(), Some(Amount::from_atto(5)));
/// assert_eq!(settlement.unproved(&books, 1)?.len(), 1); // a chunk, for a prover
/// assert_eq!(settlement.stage(Sequence::new(1))?, (Stage::Pending, Some(1)));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Settlement {
    store: Arc<dyn Store>,
    network: NetworkId,
    author: NodeId,
    count: u64,
    /// The state after some batch.
    state: State,
}

impl Settlement {
    /// Opens the batches of `author`. The newest is checked; the others when they are needed.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Store`].
    pub fn open(store: Arc<dyn Store>, network: NetworkId, author: NodeId) -> Result<Self, Error> {
        let mut settlement = Self {
            store,
            network,
            author,
            count: 0,
            state: State::new(network, author),
        };
        settlement.count = settlement.counted()?;
        if settlement.count > 0 {
            settlement.signed(settlement.count)?;
        }
        Ok(settlement)
    }

    /// The number of the newest: numbers have no gap, so that it is found by halving.
    fn counted(&self) -> Result<u64, Error> {
        let is_there = |number| BATCHES.get(&*self.store, &Number(number)).map(|it| it.is_some());
        let (mut there, mut beyond) = (0_u64, 1_u64);
        while is_there(beyond)? {
            (there, beyond) = (beyond, beyond.saturating_mul(2));
        }
        while beyond - there > 1 {
            let middle = there + (beyond - there) / 2;
            if is_there(middle)? {
                there = middle;
            } else {
                beyond = middle;
            }
        }
        Ok(there)
    }

    /// The same, with a state that was made before, of any number of batches of this author's.
    ///
    /// # Errors
    /// As [`Settlement::open`].
    pub fn resume(store: Arc<dyn Store>, state: State) -> Result<Self, Error> {
        let opened = Self::open(store, state.network(), state.author())?;
        Ok(Self { state, ..opened })
    }

    /// The state it has made, to [resume](Self::resume) with.
    pub fn into_state(self) -> State {
        self.state
    }

    /// How many batches there are; the newest has this number.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The last entry that is in a batch; zero if there is none.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Store`].
    pub fn last(&self) -> Result<Sequence, Error> {
        if self.count == 0 {
            return Ok(Sequence::ZERO);
        }
        Ok(self.signed(self.count)?.last)
    }

    /// A batch, as it was signed.
    ///
    /// # Errors
    /// [`Error::NoBatch`], [`Error::Damaged`], [`Error::Store`].
    pub fn signed(&self, number: u64) -> Result<Signed<Batch>, Error> {
        let bytes = BATCHES.get(&*self.store, &Number(number))?;
        let bytes = bytes.ok_or(Error::NoBatch { number })?;
        let damaged = |source| Error::Damaged { number, source };
        let batch: Signed<Batch> =
            Signed::from_bytes(&bytes).map_err(|error| damaged(Damage::Unreadable(error)))?;
        let rules = [
            ("number", batch.number == number),
            ("author", batch.author == self.author),
            ("network", batch.network == self.network),
        ];
        match rules.iter().find(|(_, holds)| !holds) {
            Some((field, _)) => Err(damaged(Damage::Another { field })),
            None => Ok(batch),
        }
    }

    /// A batch and where it stands.
    ///
    /// # Errors
    /// As [`Settlement::signed`].
    pub fn standing(&self, number: u64) -> Result<Standing, Error> {
        let batch = self.signed(number)?;
        let from = ChunkOf(number, 0);
        let proofs = PROVED.entries(&*self.store, Bound::Included(&from), batch.chunks())?;
        let proved = proofs.iter().filter(|(of, ())| of.0 == number).count();
        let mut places = Vec::new();
        let mut from = Place(number, String::new());
        // One at a time: there are as many as an operator ever named.
        while let Some((place, state)) = self.place_after(&from)? {
            places.push((place.1.clone(), state));
            from = place;
        }
        Ok(Standing {
            batch,
            proved,
            places,
        })
    }

    fn place_after(&self, from: &Place) -> Result<Option<(Place, anchor::State)>, Error> {
        let next = PLACES.entries(&*self.store, Bound::Excluded(from), 1)?.pop();
        Ok(next.filter(|(place, _)| place.0 == from.0))
    }

    /// At most `limit` batches after this number, in order.
    ///
    /// # Errors
    /// As [`Settlement::signed`].
    pub fn standings(&self, after: u64, limit: usize) -> Result<Vec<Standing>, Error> {
        let numbers = (after.saturating_add(1)..=self.count).take(limit);
        numbers.map(|number| self.standing(number)).collect()
    }

    /// Makes, signs and keeps a batch of the entries that are in none, as many as one can have.
    ///
    /// # Errors
    /// [`BatchError::NoEntries`], [`BatchError::Unprovable`] and the others of [`State::batch`], [`Error::WrongKey`],
    /// [`Error::Damaged`] if the batches before are not what the feed comes to, [`Error::Books`], [`Error::Store`].
    pub fn batch(
        &mut self,
        ledger: &Ledger,
        limit: Amount,
        key: &SigningKey,
    ) -> Result<Signed<Batch>, Error> {
        if key.verifying_key().as_bytes() != self.author.as_bytes() {
            return Err(Error::WrongKey { author: self.author });
        }
        // A write that failed may have happened.
        self.count = self.counted()?;
        self.go_to(ledger, self.count)?;
        let entries = next_entries(ledger, self.state.last(), MOST)?;
        let made = self.state.batch(&entries, limit)?;
        let batch = Signed::new(made.batch, key);
        let mut write = nonos_store::Batch::new();
        let number = Number(batch.number);
        // Refused if there is one of this number.
        BATCHES.insert(&mut write, &number, &batch.to_bytes());
        UP_TO.put(&mut write, &batch.last, &number);
        self.store.write(&write, Durability::Durable)?;
        (self.count, self.state) = (batch.number, made.state);
        Ok(batch)
    }

    /// What is to be proved of a batch, made again from the feed; chunks that are proved already are left out.
    ///
    /// # Errors
    /// [`Error::NoBatch`], [`Error::Damaged`], [`Error::Books`], [`Error::Store`].
    pub fn unproved(
        &mut self,
        ledger: &Ledger,
        number: u64,
    ) -> Result<Vec<(RollupStatement, ChunkWitness)>, Error> {
        let batch = self.signed(number)?;
        let before = number.checked_sub(1).ok_or(Error::NoBatch { number })?;
        self.go_to(ledger, before)?;
        let entries = entries_of(ledger, &batch)?;
        let feed = |source| Error::Damaged {
            number,
            source: Damage::Feed(source),
        };
        let made = self.state.batch(&entries, batch.limit).map_err(feed)?;
        if made.batch != *batch.value() {
            return Err(feed(BatchError::Differs { field: "batch" }));
        }
        let mut left = Vec::new();
        for (statement, witness) in made.chunks {
            if self.proof(number, statement.index)?.is_none() {
                left.push((statement, witness));
            }
        }
        Ok(left)
    }

    /// Brings the state to where it is after a batch.
    fn go_to(&mut self, ledger: &Ledger, number: u64) -> Result<(), Error> {
        if self.state.number() > number {
            self.state = State::new(self.network, self.author);
        }
        while self.state.number() < number {
            let next = self.state.number() + 1;
            let batch = self.signed(next)?;
            let entries = entries_of(ledger, &batch)?;
            self.state = self
                .state
                .audit(&batch, &entries)
                .map_err(|source| Error::Damaged {
                    number: next,
                    source: Damage::Feed(source),
                })?;
        }
        Ok(())
    }

    /// Keeps the proof of a chunk, which whoever calls has verified. The same chunk again replaces it.
    ///
    /// # Errors
    /// [`Error::NotItsChunk`] if the statement is of another batch, [`Error::NoBatch`], [`Error::Store`].
    pub fn keep_proof(&self, number: u64, chunk: &Chunk) -> Result<(), Error> {
        let batch = self.signed(number)?;
        let index = chunk.statement.index;
        if chunk.statement.batch != batch.value().id() || index as usize >= batch.chunks() {
            return Err(Error::NotItsChunk { number, index });
        }
        let mut write = nonos_store::Batch::new();
        PROOFS.put(&mut write, &ChunkOf(number, index), &chunk.to_bytes());
        PROVED.put(&mut write, &ChunkOf(number, index), &());
        Ok(self.store.write(&write, Durability::Durable)?)
    }

    fn proof(&self, number: u64, index: u32) -> Result<Option<Chunk>, Error> {
        let Some(bytes) = PROOFS.get(&*self.store, &ChunkOf(number, index))? else {
            return Ok(None);
        };
        match Chunk::from_bytes(&bytes) {
            Some(chunk) if chunk.statement.index == index => Ok(Some(chunk)),
            _ => Err(Error::Damaged {
                number,
                source: Damage::Proof { index },
            }),
        }
    }

    /// The file of a batch, with what witnesses have signed of it and the accounts of the places that were told of it.
    ///
    /// # Errors
    /// [`Error::Unproved`], [`Error::NoBatch`], [`Error::Damaged`], [`Error::Store`].
    pub fn file(&self, number: u64) -> Result<SettlementFile, Error> {
        let batch = self.signed(number)?;
        let mut chunks = Vec::new();
        for index in 0..batch.chunks() as u32 {
            chunks.extend(self.proof(number, index)?);
        }
        if chunks.len() != batch.chunks() {
            return Err(Error::Unproved {
                number,
                proved: chunks.len(),
                chunks: batch.chunks(),
            });
        }
        let mut accounts = Vec::new();
        for (place, _) in self.standing(number)?.places {
            let bytes = ACCOUNTS.get(&*self.store, &place.into_bytes())?;
            accounts.extend(bytes.and_then(|it| small(&it)));
        }
        accounts.truncate(SettlementFile::MAX_ACCOUNTS);
        Ok(SettlementFile {
            batch: Envelope::from_bytes::<Batch>(&batch.to_bytes()).expect("it was just read"),
            chunks,
            countersignatures: self.countersignatures(number)?,
            accounts,
        })
    }

    /// What witnesses have signed of a batch, as far as a file has room for it.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn countersignatures(&self, number: u64) -> Result<Vec<Envelope>, Error> {
        let from = Seen(number, NodeId::from_bytes([0; 32]));
        let most = SettlementFile::MAX_COUNTERSIGNATURES;
        let seen = SEEN.entries(&*self.store, Bound::Included(&from), most)?;
        let of_this = seen.into_iter().filter(|(seen, _)| seen.0 == number);
        Ok(of_this.filter_map(|(_, bytes)| small(&bytes)).collect())
    }

    /// Keeps what a witness has signed of a batch; whether it is one of those who are asked is for the caller to say.
    ///
    /// # Errors
    /// [`Error::NotItsWitness`] if it is not signed, or of something else; [`Error::NoBatch`], [`Error::Store`].
    pub fn keep_countersignature(&self, number: u64, envelope: &Envelope) -> Result<NodeId, Error> {
        let batch = self.signed(number)?;
        let opened = envelope.open::<Countersignature>().ok();
        let of_it = opened.filter(|(seen, _)| seen.commitment == commitment(&batch).digest());
        let (_, witness) = of_it.ok_or(Error::NotItsWitness { number })?;
        let mut write = nonos_store::Batch::new();
        SEEN.put(&mut write, &Seen(number, witness), &envelope.to_bytes());
        self.store.write(&write, Durability::Durable)?;
        Ok(witness)
    }

    /// Keeps what says that an account speaks for the author at a place.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn keep_account(&self, place: &str, envelope: &Envelope) -> Result<(), Error> {
        let mut write = nonos_store::Batch::new();
        ACCOUNTS.put(&mut write, &place.as_bytes().to_vec(), &envelope.to_bytes());
        Ok(self.store.write(&write, Durability::Durable)?)
    }

    /// The newest entry of the books; zero if there is none.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn newest_entry(&self) -> Result<Sequence, Error> {
        Ok(crate::tables::HEAD
            .get(&*self.store, &())?
            .map_or(Sequence::ZERO, |head| head.0.sequence))
    }

    /// Writes down how far a batch is at a place, by that place's own name. What was final stays it: an anchor that
    /// loses what was final has to be looked at, and not to be followed.
    ///
    /// # Errors
    /// [`Error::NoBatch`], [`Error::Store`].
    pub fn note(&self, number: u64, place: &str, state: &anchor::State) -> Result<(), Error> {
        self.signed(number)?;
        let key = Place(number, place.to_owned());
        let before = PLACES.get(&*self.store, &key)?;
        if before.as_ref() == Some(state) || matches!(before, Some(anchor::State::Final(_))) {
            return Ok(());
        }
        let mut write = nonos_store::Batch::new();
        match state {
            anchor::State::Pending if before.is_none() => return Ok(()),
            anchor::State::Pending => PLACES.delete(&mut write, &key),
            known => PLACES.put(&mut write, &key, known),
        }
        Ok(self.store.write(&write, Durability::Durable)?)
    }

    /// How far an entry is, and in which batch.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Store`].
    pub fn stage(&self, entry: Sequence) -> Result<(Stage, Option<u64>), Error> {
        let found = UP_TO.entries(&*self.store, Bound::Included(&entry), 1)?;
        let Some((_, Number(number))) = found.into_iter().next() else {
            return Ok((Stage::Pending, None));
        };
        let standing = self.standing(number)?;
        if (standing.batch.first..=standing.batch.last).contains(&entry) {
            Ok((standing.stage(), Some(number)))
        } else {
            Err(Error::Damaged {
                number,
                source: Damage::Another { field: "entries" },
            })
        }
    }
}

impl fmt::Debug for Settlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settlement")
            .field("author", &self.author)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// An envelope that was kept; one that cannot be read says nothing to anybody.
fn small(bytes: &[u8]) -> Option<Envelope> {
    Envelope::from_bytes_within(ByteLen::from(SettlementFile::MAX_ENVELOPE), bytes).ok()
}

/// The entries of a batch, as they are in the feed.
fn entries_of(ledger: &Ledger, batch: &Batch) -> Result<Vec<Signed<Entry>>, Error> {
    Ok(ledger.feed(batch.before_first(), entries(batch) as usize)?)
}

/// What one batch can have.
const MOST: Most = Most {
    entries: Batch::MAX_ENTRIES as usize,
    postings: Batch::MAX_POSTINGS as usize,
};

#[derive(Clone, Copy)]
struct Most {
    entries: usize,
    postings: usize,
}

/// The entries after one, as many as fit.
fn next_entries(ledger: &Ledger, after: Sequence, most: Most) -> Result<Vec<Signed<Entry>>, Error> {
    let (mut entries, mut postings) = (Vec::new(), 0);
    let mut last = after;
    loop {
        let page = ledger.feed(last, PAGE)?;
        let whole = page.len() == PAGE;
        for entry in page {
            postings += match &entry.body {
                Body::Paid { voucher } | Body::Received { voucher } => voucher.lines.len(),
                _ => 0,
            };
            if entries.len() == most.entries || postings > most.postings {
                return Ok(entries);
            }
            last = entry.sequence;
            entries.push(entry);
        }
        if !whole {
            return Ok(entries);
        }
    }
}

#[cfg(test)]
mod tests {
    use nonos_store::MemoryStore;
    use nonos_types::{FeeKind, JobId, Line, ReceiptId, Slot, Timestamp};

    use super::*;

    #[test]
    fn a_batch_takes_as_many_entries_and_postings_as_it_can_have() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let me = NodeId::from_bytes(key.verifying_key().to_bytes());
        let network = NetworkId::from_bytes([1; 32]);
        let ledger = Ledger::open(Arc::new(MemoryStore::new()), network, me).expect("the books open");
        let peer = NodeId::from_bytes([8; 32]);
        let line = |job: u16, slot| Line {
            job: JobId::hash(&[&job.to_be_bytes()]),
            slot: Slot::new(slot),
            kind: FeeKind::Verify,
            receipt: ReceiptId::ZERO,
            amount: Amount::from_atto(1),
        };
        // More than are read at a time, three postings each.
        for job in 0..PAGE as u16 + 5 {
            let lines = (0..3).map(|slot| line(job, slot)).collect();
            let paid = ledger.pay(peer, lines, &key, Timestamp::ZERO);
            paid.expect("it is paid");
        }
        let taken = |after: u64, entries, postings| {
            let most = Most { entries, postings };
            let taken = next_entries(&ledger, Sequence::new(after), most).expect("entries");
            let first = taken.first().map(|it| it.sequence.get());
            (first, taken.len())
        };
        let all = PAGE + 5;
        assert_eq!(taken(0, usize::MAX, usize::MAX), (Some(1), all));
        assert_eq!(taken(0, PAGE + 2, usize::MAX), (Some(1), PAGE + 2));
        assert_eq!(taken(0, usize::MAX, 3 * PAGE + 6), (Some(1), PAGE + 2));
        // Never a part of an entry.
        assert_eq!(taken(0, usize::MAX, 3 * PAGE + 5), (Some(1), PAGE + 1));
        assert_eq!(taken(3, 2, usize::MAX), (Some(4), 2));
        assert_eq!(taken(all as u64, 2, usize::MAX), (None, 0));
    }
}
