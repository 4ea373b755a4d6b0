use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{PoisonError, RwLock},
};

use crate::{Batch, Durability, Error, KeyRange, Op, Store, Visit};

/// A store in memory, for tests and for what need not last.
#[derive(Debug, Default)]
pub struct MemoryStore {
    entries: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

// A panic while the lock is held can only come from a visitor, which does not change the map.
impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self
            .entries
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned())
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), Error> {
        let end = match &range.end {
            Some(end) if *end <= range.start => return Ok(()),
            Some(end) => Bound::Excluded(end.as_slice()),
            None => Bound::Unbounded,
        };
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in entries.range::<[u8], _>((Bound::Included(range.start.as_slice()), end)) {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, batch: &Batch, _: Durability) -> Result<(), Error> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = batch.required_new().iter().find(|key| entries.contains_key(*key)) {
            return Err(Error::Exists { key: key.clone() });
        }
        for op in batch.ops() {
            match op {
                Op::Put { key, value } => entries.insert(key.clone(), value.clone()),
                Op::Delete { key } => entries.remove(key),
            };
        }
        Ok(())
    }
}
