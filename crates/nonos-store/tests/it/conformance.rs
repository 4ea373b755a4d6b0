//! Each broken store differs from the memory store in one promise.

use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
};

use nonos_store::{Batch, Durability, Error, KeyRange, MemoryStore, Op, Store, Visit, testing};

#[test]
fn the_memory_store_passes() {
    testing::check_store(MemoryStore::new);
}

#[derive(Clone, Copy)]
enum Break {
    Nothing,
    /// Applies a batch piece by piece.
    Atomicity,
    /// Checks what must be new, then writes, with a gap between.
    Exclusion,
    /// Does not check what must be new.
    Requirement,
    /// Writes before it checks.
    Refusal,
    /// Includes the end of a range.
    End,
    /// Goes on when told to stop.
    Stop,
}

struct Broken(MemoryStore, Break);

impl Store for Broken {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.0.get(key)
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), Error> {
        match self.1 {
            Break::End => {
                let end = range.end.clone().map(|end| [end, vec![0]].concat());
                self.0.scan(
                    &KeyRange {
                        start: range.start.clone(),
                        end,
                    },
                    visit,
                )
            }
            Break::Stop => self.0.scan(range, &mut |key, value| {
                let _ = visit(key, value);
                ControlFlow::Continue(())
            }),
            _ => self.0.scan(range, visit),
        }
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        let mut unconditional = Batch::new();
        for op in batch.ops() {
            match op.clone() {
                Op::Put { key, value } => unconditional.put(key, value),
                Op::Delete { key } => unconditional.delete(key),
            };
        }
        let check = || match batch
            .required_new()
            .iter()
            .find(|key| self.0.get(key).is_ok_and(|it| it.is_some()))
        {
            Some(key) => Err(Error::Exists { key: key.clone() }),
            None => Ok(()),
        };
        match self.1 {
            Break::Atomicity => {
                check()?;
                for op in batch.ops() {
                    match op {
                        Op::Put { key, value } => self.0.put(key, value, durability)?,
                        Op::Delete { key } => self.0.delete(key, durability)?,
                    }
                    std::thread::yield_now();
                }
                Ok(())
            }
            Break::Exclusion => {
                check()?;
                std::thread::yield_now();
                self.0.write(&unconditional, durability)
            }
            Break::Requirement => self.0.write(&unconditional, durability),
            Break::Refusal => {
                let refused = check();
                self.0.write(&unconditional, durability)?;
                refused
            }
            _ => self.0.write(batch, durability),
        }
    }
}

fn verdict(broken: Break) -> Result<(), String> {
    let check = || testing::check_store(|| Broken(MemoryStore::new(), broken));
    catch_unwind(AssertUnwindSafe(check)).map_err(|panic| match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(other) => other
            .downcast::<&str>()
            .map_or_else(|_| String::new(), |it| (*it).to_owned()),
    })
}

#[test]
fn each_broken_promise_is_named() {
    assert_eq!(verdict(Break::Nothing), Ok(()));
    for (broken, promise) in [
        (Break::Requirement, "refuses a batch whose key is not new"),
        (Break::Refusal, "writes nothing of a refused batch"),
        (Break::End, "includes the start and excludes the end"),
        (Break::Stop, "stops a scan when told"),
    ] {
        let message = verdict(broken).expect_err(promise);
        assert!(message.contains(promise), "{message}");
    }
}

/// A race shows in some runs only; over many it shows.
#[test]
fn races_are_found() {
    for broken in [Break::Atomicity, Break::Exclusion] {
        assert!((0..50).any(|_| verdict(broken).is_err()));
    }
}

#[test]
fn a_store_that_forgets_is_found() {
    let check = || testing::check_persistence(MemoryStore::new);
    assert!(catch_unwind(check).is_err());
}
