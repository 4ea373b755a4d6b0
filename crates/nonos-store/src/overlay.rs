use std::{
    collections::BTreeMap,
    ops::{Bound, ControlFlow},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{Batch, Durability, Error, KeyRange, Op, Store, Visit};

/// Writes that are seen here and nowhere else until they are committed, all in one batch.
///
/// ```
/// use nonos_store::{Durability, MemoryStore, Overlay, Store as _};
///
/// let store = MemoryStore::new();
/// let overlay = Overlay::new(&store);
/// overlay.put(b"a", b"1", Durability::Durable)?;
/// assert_eq!((overlay.get(b"a")?.is_some(), store.get(b"a")?), (true, None));
/// overlay.commit(Durability::Durable)?;
/// assert!(store.get(b"a")?.is_some());
/// # Ok::<_, nonos_store::Error>(())
/// ```
#[derive(Debug)]
pub struct Overlay<S> {
    base: S,
    over: Mutex<Over>,
}

#[derive(Debug, Default)]
struct Over {
    /// What was written; `None` for a key that was deleted.
    values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// The same, as one batch.
    batch: Batch,
}

impl<S: Store> Overlay<S> {
    /// Nothing over `base`.
    pub fn new(base: S) -> Self {
        Self {
            base,
            over: Mutex::default(),
        }
    }

    /// Writes all of it to the store below, as one batch. What was required to be new is required to be so there.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn commit(self, durability: Durability) -> Result<(), Error> {
        let over = self.over.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.base.write(&over.batch, durability)
    }

    // A panic while it is held leaves nothing half done: a batch is checked before any of it is taken.
    fn over(&self) -> MutexGuard<'_, Over> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Store> Store for Overlay<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.over().values.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.base.get(key),
        }
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), Error> {
        if range.end.as_ref().is_some_and(|end| *end <= range.start) {
            return Ok(());
        }
        let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let bounds = (Bound::Included(range.start.as_slice()), end);
        let over = self.over();
        let mut mine = over.values.range::<[u8], _>(bounds).peekable();
        let mut flow = ControlFlow::Continue(());
        self.base.scan(range, &mut |key, value| {
            while let Some((own, it)) = mine.next_if(|(own, _)| own.as_slice() < key) {
                if let Some(it) = it {
                    flow = visit(own, it);
                    if flow.is_break() {
                        return flow;
                    }
                }
            }
            flow = match mine.next_if(|(own, _)| own.as_slice() == key) {
                Some((_, None)) => ControlFlow::Continue(()),
                Some((_, Some(value))) => visit(key, value),
                None => visit(key, value),
            };
            flow
        })?;
        if flow.is_continue() {
            for (key, value) in mine {
                if let Some(value) = value
                    && visit(key, value).is_break()
                {
                    break;
                }
            }
        }
        Ok(())
    }

    fn write(&self, batch: &Batch, _: Durability) -> Result<(), Error> {
        let mut over = self.over();
        for key in batch.required_new() {
            let there = match over.values.get(key) {
                Some(value) => value.is_some(),
                None => self.base.get(key)?.is_some(),
            };
            if there {
                return Err(Error::Exists { key: key.clone() });
            }
            // One that was put and deleted here is new below.
            if !over.values.contains_key(key) {
                over.batch.require_new(key.clone());
            }
        }
        for op in batch.ops() {
            match op {
                Op::Put { key, value } => {
                    over.values.insert(key.clone(), Some(value.clone()));
                    over.batch.put(key.clone(), value.clone());
                }
                Op::Delete { key } => {
                    over.values.insert(key.clone(), None);
                    over.batch.delete(key.clone());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Durability::Durable, MemoryStore, testing::check_store};

    #[test]
    fn is_a_store_over_one_that_is_empty_and_over_one_that_is_hidden() {
        check_store(|| Overlay::new(MemoryStore::new()));
        check_store(|| {
            let base = MemoryStore::new();
            for key in [&b""[..], b"a", b"a\x80", b"b", &[0], &[19]] {
                base.put(key, b"below", Durable).expect("a write");
            }
            let overlay = Overlay::new(base);
            for key in [&b""[..], b"a", b"a\x80", b"b", &[0], &[19]] {
                overlay.delete(key, Durable).expect("a write");
            }
            overlay
        });
    }

    #[test]
    fn shows_what_is_below_and_what_is_over_it_in_order() {
        let base = MemoryStore::new();
        for key in ["a", "c", "e"] {
            base.put(key.as_bytes(), b"below", Durable).expect("a write");
        }
        let overlay = Overlay::new(&base);
        for key in ["b", "c", "f"] {
            overlay.put(key.as_bytes(), b"over", Durable).expect("a write");
        }
        overlay.delete(b"e", Durable).expect("a write");
        let seen = |most: usize| {
            let mut seen = String::new();
            let mut visit = |key: &[u8], value: &[u8]| {
                seen += &format!("{}{} ", key[0] as char, value[0] as char);
                if seen.len() == most * 3 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            overlay.scan(&KeyRange::ALL, &mut visit).expect("a scan");
            seen
        };
        let all = "ab bo co fo ";
        for most in 1..=5 {
            assert_eq!(seen(most), all[..all.len().min(most * 3)]);
        }
    }

    #[test]
    fn commits_all_or_nothing() {
        let base = MemoryStore::new();
        let write = |overlay: &Overlay<&MemoryStore>, key: &[u8]| {
            let mut batch = Batch::new();
            batch.require_new(key.to_vec()).put(key.to_vec(), vec![]);
            overlay.write(&batch, Durable)
        };
        let overlay = Overlay::new(&base);
        write(&overlay, b"a").expect("it is new");
        assert!(matches!(write(&overlay, b"a"), Err(Error::Exists { .. })));
        write(&overlay, b"b").expect("it is new");
        base.put(b"b", b"another's", Durable).expect("a write");
        assert!(matches!(overlay.commit(Durable), Err(Error::Exists { .. })));
        assert_eq!(base.get(b"a").expect("a read"), None);
    }
}
