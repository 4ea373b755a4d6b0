use std::{
    marker::PhantomData,
    ops::{Bound, ControlFlow},
};

use crate::{Batch, Error, Key, KeyRange, Record, Store};

/// Entries of one kind in a store, under a name no other table has.
///
/// ```
/// use std::ops::Bound;
/// use nonos_store::{Batch, Durability, MemoryStore, Store as _, Table};
/// use nonos_types::{Slot, Timestamp};
///
/// const SEEN: Table<Slot, Timestamp> = Table::new("seen");
///
/// let store = MemoryStore::new();
/// let mut batch = Batch::new();
/// for slot in [300, 2, 1] {
///     SEEN.put(&mut batch, &Slot::new(slot), &Timestamp::ZERO);
/// }
/// store.write(&batch, Durability::Buffered)?;
///
/// let page = SEEN.entries(&store, Bound::Excluded(&Slot::new(1)), 10)?;
/// assert_eq!(page, [(Slot::new(2), Timestamp::ZERO), (Slot::new(300), Timestamp::ZERO)]);
/// # Ok::<_, nonos_store::Error>(())
/// ```
#[derive(Debug)]
pub struct Table<K, V> {
    name: &'static str,
    entry: PhantomData<fn(K) -> V>,
}

impl<K: Key, V: Record> Table<K, V> {
    /// The table of this name: `kebab-case`.
    ///
    /// # Panics
    /// If the name has other characters than `a`–`z`, `0`–`9`, `-`; for a constant that is a compile error.
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        let mut at = 0;
        assert!(!bytes.is_empty(), "a table has a name");
        while at < bytes.len() {
            assert!(
                matches!(bytes[at], b'a'..=b'z' | b'0'..=b'9' | b'-'),
                "a table's name is kebab-case"
            );
            at += 1;
        }
        Self {
            name,
            entry: PhantomData,
        }
    }

    /// The value under a key.
    ///
    /// # Errors
    /// [`Error::BadEntry`], and those of [`Store::get`].
    pub fn get(&self, store: &dyn Store, key: &K) -> Result<Option<V>, Error> {
        let Some(bytes) = store.get(&self.key(key))? else {
            return Ok(None);
        };
        V::from_record(&bytes).map(Some).ok_or(self.bad_entry())
    }

    /// At most `limit` entries in the order of their keys. To go on, start after the last one seen.
    ///
    /// # Errors
    /// [`Error::BadEntry`], and those of [`Store::scan`].
    pub fn entries(&self, store: &dyn Store, from: Bound<&K>, limit: usize) -> Result<Vec<(K, V)>, Error> {
        let start = match from {
            Bound::Unbounded => self.prefix(0),
            Bound::Included(key) => self.key(key),
            // No key lies between a key and the same with a zero byte.
            Bound::Excluded(key) => [self.key(key), vec![0]].concat(),
        };
        let range = KeyRange {
            start,
            end: Some(self.prefix(1)),
        };
        let mut entries = Vec::new();
        let mut bad = false;
        if limit == 0 {
            return Ok(entries);
        }
        store.scan(&range, &mut |key, value| {
            match key
                .get(self.name.len() + 1..)
                .and_then(K::from_key)
                .zip(V::from_record(value))
            {
                Some(entry) => entries.push(entry),
                None => bad = true,
            }
            if bad || entries.len() == limit {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        if bad { Err(self.bad_entry()) } else { Ok(entries) }
    }

    /// Adds to the batch: set the value under a key, whether or not there is one.
    pub fn put(&self, batch: &mut Batch, key: &K, value: &V) {
        batch.put(self.key(key), value.to_record());
    }

    /// Adds to the batch: set the value under a key, and refuse the batch if there is one before.
    pub fn insert(&self, batch: &mut Batch, key: &K, value: &V) {
        batch
            .require_new(self.key(key))
            .put(self.key(key), value.to_record());
    }

    /// Adds to the batch: remove a key, if it is there.
    pub fn delete(&self, batch: &mut Batch, key: &K) {
        batch.delete(self.key(key));
    }

    /// Name, a zero byte, key: so no table's keys run into another's.
    fn key(&self, key: &K) -> Vec<u8> {
        [self.prefix(0), key.to_key()].concat()
    }

    fn prefix(&self, end: u8) -> Vec<u8> {
        [self.name.as_bytes(), &[end]].concat()
    }

    fn bad_entry(&self) -> Error {
        Error::BadEntry { table: self.name }
    }
}
