use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Batch, Durability, Error, KeyRange, Store, Visit};

/// What becomes of a write that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing of it is written.
    Lost,
    /// It is written all the same: it failed before it could say so.
    Unconfirmed,
}

/// A store that fails at a write that is told beforehand: once, or, like a process that was killed, for good.
///
/// ```
/// use nonos_store::testing::{Fault, Faulty};
/// use nonos_store::{Durability, MemoryStore, Store as _};
///
/// let store = Faulty::new(MemoryStore::new());
/// store.die_at(1, Fault::Lost);
/// store.put(b"a", b"1", Durability::Durable)?;
/// assert!(store.put(b"b", b"2", Durability::Durable).is_err() && store.get(b"a").is_err());
/// // What was written is there for the next process.
/// store.revive();
/// assert_eq!((store.get(b"a")?, store.get(b"b")?), (Some(b"1".to_vec()), None));
/// # Ok::<_, nonos_store::Error>(())
/// ```
#[derive(Debug)]
pub struct Faulty<S> {
    inner: S,
    plan: Mutex<Plan>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Plan {
    writes: usize,
    /// The write that fails, how, and whether nothing works any more then.
    at: Option<(usize, Fault, bool)>,
    failed: bool,
    dead: bool,
}

impl<S: Store> Faulty<S> {
    /// Fails nothing as yet.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            plan: Mutex::default(),
        }
    }

    /// Lets that many further writes pass, and fails the one after.
    pub fn fail_at(&self, writes: usize, fault: Fault) {
        self.plan_at(writes, fault, false);
    }

    /// The same, and from then on every read and write fails.
    pub fn die_at(&self, writes: usize, fault: Fault) {
        self.plan_at(writes, fault, true);
    }

    /// Works again, with what has been written.
    pub fn revive(&self) {
        self.plan().dead = false;
    }

    /// How many writes there were, with those that failed.
    pub fn writes(&self) -> usize {
        self.plan().writes
    }

    /// Whether the write that was to fail has.
    pub fn has_failed(&self) -> bool {
        self.plan().failed
    }

    fn plan_at(&self, writes: usize, fault: Fault, dies: bool) {
        let mut plan = self.plan();
        plan.at = Some((plan.writes + writes, fault, dies));
        plan.failed = false;
    }

    fn check(&self) -> Result<(), Error> {
        if self.plan().dead { Err(gone()) } else { Ok(()) }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gone() -> Error {
    Error::Storage {
        source: "the store fails where it was told to".into(),
    }
}

impl<S: Store> Store for Faulty<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.check()?;
        self.inner.get(key)
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), Error> {
        self.check()?;
        self.inner.scan(range, visit)
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        self.check()?;
        let fails = {
            let mut plan = self.plan();
            let number = plan.writes;
            plan.writes += 1;
            match plan.at {
                Some((at, fault, dies)) if at == number => {
                    (plan.failed, plan.dead) = (true, dies);
                    Some(fault)
                }
                _ => None,
            }
        };
        if fails != Some(Fault::Lost) {
            self.inner.write(batch, durability)?;
        }
        match fails {
            Some(_) => Err(gone()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Durability::Durable, MemoryStore, testing::check_store};

    #[test]
    fn is_a_store_while_nothing_fails() {
        check_store(|| Faulty::new(MemoryStore::new()));
    }

    #[test]
    fn fails_where_it_was_told_to_and_nowhere_else() {
        for fault in [Fault::Lost, Fault::Unconfirmed] {
            for at in 0..4 {
                let store = Faulty::new(MemoryStore::new());
                store
                    .put(b"before", b"", Durable)
                    .expect("nothing is to fail yet");
                store.fail_at(at, fault);
                let done: Vec<bool> = (0..4_u8)
                    .map(|key| store.put(&[key], b"", Durable).is_ok())
                    .collect();
                let expected: Vec<bool> = (0..4).map(|it| it != at).collect();
                assert_eq!((done, store.has_failed(), store.writes()), (expected, true, 5));
                let written = store.get(&[at as u8]).expect("a read").is_some();
                assert_eq!(written, fault == Fault::Unconfirmed);
            }
        }
    }
}
