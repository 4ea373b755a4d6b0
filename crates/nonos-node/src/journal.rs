//! The messages this node has accepted, in the order in which it did. All it knows of jobs follows from them, so
//! that a restart only reads them again; peers that were away read them, too.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nonos_mesh::{
    Cursor, Page,
    core::{Topic, reconcile::Summary},
};
use nonos_store::{Batch, Durability, Error, Store, Table};
use nonos_types::{
    JobId, Kind, Message, MessageId, NodeId, Offer, Receipt, ReceiptId, Sequence, Shard, Shards, Signed,
    Timestamp,
};

use crate::channel;

const MESSAGES: Table<Sequence, Vec<u8>> = Table::new("journal");
const KNOWN: Table<MessageId, Sequence> = Table::new("journal-id");
const OFFERS: Table<JobId, Sequence> = Table::new("journal-offer");
const RECEIPTS: Table<ReceiptId, Sequence> = Table::new("journal-receipt");
/// The shard of what a message is about, in a byte.
const SHARDS: Table<Sequence, Vec<u8>> = Table::new("journal-shard");

/// Nodes whose newest descriptors are known: more than are listed.
const DESCRIBED: usize = 1 << 14;

/// Most bytes of a page's messages together.
const PAGE_BYTES: usize = 1 << 20;

/// The messages of a store. Clones know the same of it.
#[derive(Clone)]
pub(crate) struct Journal {
    store: Arc<dyn Store>,
    known: Arc<Mutex<Known>>,
}

/// What is known of a journal without reading it.
pub(crate) struct Known {
    /// Names of its messages, to compare with those of peers.
    pub(crate) summary: Summary,
    /// Of the newest message.
    last: Sequence,
    /// Messages that others must not get from here yet.
    held: BTreeSet<MessageId>,
    /// The newest descriptor of each node.
    described: BTreeMap<NodeId, (Sequence, MessageId)>,
}

impl Known {
    fn describe(&mut self, message: &Message) {
        let Message::Descriptor(it) = message else { return };
        let node = it.signer();
        let full = self.described.len() >= DESCRIBED && !self.described.contains_key(&node);
        if full {
            self.described.pop_first();
        }
        let newest = self.described.entry(node).or_insert((it.sequence, it.id()));
        if it.sequence > newest.0 {
            *newest = (it.sequence, it.id());
        }
    }
}

impl Journal {
    /// Knows nothing of what is there before it is told by [`Journal::saw`].
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let known = Known {
            summary: Summary::new(Summary::MOST),
            last: Sequence::ZERO,
            held: BTreeSet::new(),
            described: BTreeMap::new(),
        };
        Self {
            store,
            known: Arc::new(Mutex::new(known)),
        }
    }

    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message was read or added.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn saw(&self, message: &Message, position: Sequence) -> Result<(), Error> {
        let shard = self.shard_at(position)?;
        let mut known = self.known();
        if !known.held.contains(&message.id()) {
            known.summary.insert_in(message, shard);
        }
        known.describe(message);
        known.last = position;
        Ok(())
    }

    /// The newest descriptor of a node that is here.
    pub(crate) fn newest_of(&self, node: NodeId) -> Result<Option<Vec<u8>>, Error> {
        let id = self.known().described.get(&node).map(|(_, id)| *id);
        id.map_or(Ok(None), |id| self.get(id))
    }

    /// The shard of what a message is about, as far as that is known.
    pub(crate) fn shard_of(&self, message: &Message) -> Result<Option<Shard>, Error> {
        let job = match message {
            Message::Claim(it) => it.job,
            Message::Award(it) => it.job,
            Message::Cancel(it) => it.job,
            Message::Verdict(it) if it.shard.is_none() => {
                let receipt = RECEIPTS.get(&*self.store, &it.receipt)?;
                return receipt.map_or(Ok(None), |at| self.shard_at(at));
            }
            _ => return Ok(Topic::of(message).shard()),
        };
        let offer = OFFERS.get(&*self.store, &job)?;
        offer.map_or(Ok(None), |at| self.shard_at(at))
    }

    /// As if it were from before shards were known.
    #[cfg(test)]
    pub(crate) fn forget_shards(&self) {
        let all = SHARDS.entries(&*self.store, Bound::Unbounded, usize::MAX);
        let mut batch = Batch::new();
        for (position, _) in all.expect("readable") {
            SHARDS.delete(&mut batch, &position);
        }
        self.store.write(&batch, Durability::Buffered).expect("written");
    }

    fn shard_at(&self, position: Sequence) -> Result<Option<Shard>, Error> {
        let byte = SHARDS.get(&*self.store, &position)?;
        let number = byte.and_then(|bytes| bytes.first().copied());
        Ok(number.and_then(|number| Shard::new(number.into())))
    }

    /// A message that is about to be added is not for others, until it is released: until a restart, at most.
    pub(crate) fn hold(&self, id: MessageId) {
        self.known().held.insert(id);
    }

    /// Others may have it from here.
    pub(crate) fn release(&self, message: &Message) {
        let mut known = self.known();
        if known.held.remove(&message.id()) {
            // Only receipts are held, which say their shard.
            known.summary.insert(message);
        }
    }

    /// A message by its name, for others.
    pub(crate) fn give(&self, id: MessageId) -> Result<Option<Vec<u8>>, Error> {
        if self.known().held.contains(&id) {
            return Ok(None);
        }
        match self.get(id)? {
            // Who was told of a job only knows that name of its offer.
            None => self.offer_bytes(JobId::from_bytes(*id.as_bytes())),
            found => Ok(found),
        }
    }

    /// A message is superseded, and nobody needs it from here.
    pub(crate) fn superseded(&self, message: &Message) {
        self.known()
            .summary
            .remove(message.kind(), message.at(), message.id());
    }

    /// Forgets a message that nobody needs any more.
    pub(crate) fn forget(&self, kind: Kind, at: Timestamp, id: MessageId) -> Result<(), Error> {
        self.known().summary.remove(kind, at, id);
        let Some(position) = KNOWN.get(&*self.store, &id)? else {
            return Ok(());
        };
        let mut batch = Batch::new();
        MESSAGES.delete(&mut batch, &position);
        KNOWN.delete(&mut batch, &id);
        SHARDS.delete(&mut batch, &position);
        // One that is still there after a crash is forgotten again.
        self.store.write(&batch, Durability::Buffered)
    }

    /// A message by its name.
    pub(crate) fn get(&self, id: MessageId) -> Result<Option<Vec<u8>>, Error> {
        match KNOWN.get(&*self.store, &id)? {
            Some(position) => MESSAGES.get(&*self.store, &position),
            None => Ok(None),
        }
    }

    /// Position of the newest message.
    pub(crate) fn newest(&self) -> Sequence {
        self.known().last
    }

    pub(crate) fn has(&self, message: &Message) -> Result<bool, Error> {
        Ok(KNOWN.get(&*self.store, &message.id())?.is_some())
    }

    /// Adds a message that is not there yet, after `last`, the newest.
    ///
    /// What this node signed must be durable before anyone sees it; what others signed can be had again.
    pub(crate) fn append(&self, message: &Message, last: &mut Sequence, own: bool) -> Result<(), Error> {
        let next = Sequence::new(last.get() + 1);
        let mut batch = Batch::new();
        MESSAGES.insert(&mut batch, &next, &message.to_bytes());
        KNOWN.insert(&mut batch, &message.id(), &next);
        if let Some(shard) = self.shard_of(message)? {
            SHARDS.put(&mut batch, &next, &vec![shard.get()]);
        }
        if let Message::Offer(offer) = message {
            OFFERS.put(&mut batch, &offer.job(), &next);
        }
        if let Message::Receipt(receipt) = message {
            channel::index(&mut batch, receipt, next);
            RECEIPTS.put(&mut batch, &receipt.receipt_id(), &next);
        }
        let durability = if own {
            Durability::Durable
        } else {
            Durability::Buffered
        };
        self.store.write(&batch, durability)?;
        *last = next;
        self.saw(message, next)
    }

    /// Adds what is kept of a message that was journalled before shards, or a receipt before channels, were known.
    pub(crate) fn index(&self, message: &Message, position: Sequence) -> Result<(), Error> {
        if Topic::is_sharded(message.kind())
            && self.shard_at(position)?.is_none()
            && let Some(shard) = self.shard_of(message)?
        {
            let mut batch = Batch::new();
            SHARDS.put(&mut batch, &position, &vec![shard.get()]);
            self.store.write(&batch, Durability::Buffered)?;
        }
        let Message::Receipt(receipt) = message else {
            return Ok(());
        };
        if channel::find(&*self.store, receipt.receipt_id())?.is_some() {
            return Ok(());
        }
        let mut batch = Batch::new();
        channel::index(&mut batch, receipt, position);
        self.store.write(&batch, Durability::Buffered)
    }

    /// The offer of a job, also of one that is long over.
    pub(crate) fn offer(&self, job: JobId) -> Result<Option<Signed<Offer>>, Error> {
        let bytes = self.offer_bytes(job)?;
        Ok(bytes.and_then(|bytes| Signed::from_bytes(&bytes).ok()))
    }

    fn offer_bytes(&self, job: JobId) -> Result<Option<Vec<u8>>, Error> {
        match OFFERS.get(&*self.store, &job)? {
            Some(position) => MESSAGES.get(&*self.store, &position),
            None => Ok(None),
        }
    }

    /// A receipt, also of a job that is long over.
    pub(crate) fn receipt(&self, id: ReceiptId) -> Result<Option<Signed<Receipt>>, Error> {
        let Some(position) = RECEIPTS.get(&*self.store, &id)? else {
            return Ok(None);
        };
        let bytes = MESSAGES.get(&*self.store, &position)?;
        Ok(bytes.and_then(|bytes| Signed::from_bytes(&bytes).ok()))
    }

    /// Up to `limit` messages after a position, with theirs.
    pub(crate) fn after(&self, position: Sequence, limit: usize) -> Result<Vec<(Sequence, Vec<u8>)>, Error> {
        MESSAGES.entries(&*self.store, Bound::Excluded(&position), limit)
    }

    /// What a peer gets that asks for what came after a cursor, and wants of jobs what is about these shards.
    pub(crate) fn page(&self, cursor: Cursor, limit: usize, shards: Shards) -> Result<Page, Error> {
        let mut page = Page {
            next: cursor,
            messages: Vec::new(),
        };
        if cursor == Cursor::END {
            page.next = Cursor::new(self.newest().get());
            return Ok(page);
        }
        let held = self.known().held.clone();
        let is_held = |bytes: &[u8]| {
            let message = || Message::from_bytes_of_any_kind(bytes);
            !held.is_empty() && message().is_ok_and(|it| held.contains(&it.id()))
        };
        let mut bytes = 0;
        for (position, message) in self.after(Sequence::new(cursor.get()), limit)? {
            let shard = if shards.is_all() {
                None
            } else {
                self.shard_at(position)?
            };
            if shard.is_some_and(|shard| !shards.contains(shard)) || is_held(&message) {
                page.next = Cursor::new(position.get());
                continue;
            }
            bytes += message.len();
            if bytes > PAGE_BYTES {
                break;
            }
            page.next = Cursor::new(position.get());
            page.messages.push(message);
        }
        Ok(page)
    }
}
