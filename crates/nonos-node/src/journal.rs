//! The messages this node has accepted, in the order in which it did. All it knows of jobs follows from them, so
//! that a restart only reads them again; peers that were away read them, too.

use std::{ops::Bound, sync::Arc};

use nonos_mesh::{Cursor, Page};
use nonos_store::{Batch, Durability, Error, Store, Table};
use nonos_types::{Message, MessageId, Sequence};

const MESSAGES: Table<Sequence, Vec<u8>> = Table::new("journal");
const KNOWN: Table<MessageId, Sequence> = Table::new("journal-id");

/// Most bytes of a page's messages together.
const PAGE_BYTES: usize = 1 << 20;

/// The messages of a store.
#[derive(Clone)]
pub(crate) struct Journal {
    store: Arc<dyn Store>,
}

impl Journal {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
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
        let durability = if own { Durability::Durable } else { Durability::Buffered };
        self.store.write(&batch, durability)?;
        *last = next;
        Ok(())
    }

    /// Up to `limit` messages after a position, with theirs.
    pub(crate) fn after(&self, position: Sequence, limit: usize) -> Result<Vec<(Sequence, Vec<u8>)>, Error> {
        MESSAGES.entries(&*self.store, Bound::Excluded(&position), limit)
    }

    /// What a peer gets that asks for what came after a cursor.
    pub(crate) fn page(&self, cursor: Cursor, limit: usize) -> Result<Page, Error> {
        let mut page = Page {
            next: cursor,
            messages: Vec::new(),
        };
        let mut bytes = 0;
        for (position, message) in self.after(Sequence::new(cursor.get()), limit)? {
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
