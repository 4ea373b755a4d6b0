//! A store of one's own: a log in one file, and a map in memory. Judged by the suite every store has to pass, and used by a
//! ledger.
//!
//! `cargo run -p nonos-examples --example custom_store`
//!
//! Each batch is one record: its length, a checksum, its bytes. Opening reads the log; a last record that is not whole was
//! being written when the machine stopped, and nobody was told of it, so it is cut off. It never shrinks: a store to be
//! used for long would write itself anew from time to time.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ed25519_dalek::SigningKey;
use nonos_depin::Ledger;
use nonos_store::{Batch, Durability, Error as StoreError, KeyRange, MemoryStore, Op, Store, Visit};
use nonos_types::{Amount, FeeKind, JobId, Line, NetworkId, NodeId, ReceiptId, Slot, Timestamp};

/// A store in a file.
struct LogStore {
    /// Held over a whole write, so that what must be new is checked and written with nothing in between.
    log: Mutex<File>,
    /// What the log comes to.
    entries: MemoryStore,
}

fn storage(source: std::io::Error) -> StoreError {
    StoreError::Storage {
        source: Box::new(source),
    }
}

impl LogStore {
    fn open(path: &Path) -> Result<Self, StoreError> {
        let mut options = OpenOptions::new();
        let mut log = options
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(storage)?;
        let mut bytes = vec![];
        log.read_to_end(&mut bytes).map_err(storage)?;
        let entries = MemoryStore::new();
        let mut rest = &bytes[..];
        while let Some((batch, after)) = read_record(rest) {
            // What must be new was checked when it was written.
            entries.write(&batch, Durability::Buffered)?;
            rest = after;
        }
        let whole = bytes.len() - rest.len();
        log.set_len(whole as u64).map_err(storage)?;
        Ok(Self {
            log: Mutex::new(log),
            entries,
        })
    }

    fn log(&self) -> MutexGuard<'_, File> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for LogStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.entries.get(key)
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.entries.scan(range, visit)
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<(), StoreError> {
        let mut log = self.log();
        for key in batch.required_new() {
            if self.entries.get(key)?.is_some() {
                return Err(StoreError::Exists { key: key.clone() });
            }
        }
        let len = log.metadata().map_err(storage)?.len();
        let written = log.write_all(&record(batch)).and_then(|()| match durability {
            Durability::Durable => log.sync_data(),
            Durability::Buffered => Ok(()),
        });
        if let Err(error) = written {
            // Half a record in the middle would hide all that comes after it.
            log.set_len(len).map_err(storage)?;
            return Err(storage(error));
        }
        // Seen by readers only when it is in the log.
        self.entries.write(batch, durability)
    }
}

/// A batch as a record: length, checksum, and for each write a key and perhaps a value.
fn record(batch: &Batch) -> Vec<u8> {
    let mut body = vec![];
    let part = |body: &mut Vec<u8>, bytes: &[u8]| {
        body.extend((bytes.len() as u32).to_le_bytes());
        body.extend(bytes);
    };
    for op in batch.ops() {
        match op {
            Op::Put { key, value } => {
                body.push(1);
                part(&mut body, key);
                part(&mut body, value);
            }
            Op::Delete { key } => {
                body.push(0);
                part(&mut body, key);
            }
        }
    }
    let sum = blake3::hash(&body);
    [&(body.len() as u32).to_le_bytes(), &sum.as_bytes()[..8], &body].concat()
}

/// The first record of these bytes, and what follows it; none where the rest is not whole.
fn read_record(bytes: &[u8]) -> Option<(Batch, &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<8>()?;
    let (mut body, after) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    if blake3::hash(body).as_bytes()[..8] != *sum {
        return None;
    }
    let mut batch = Batch::new();
    while let Some((&kind, rest)) = body.split_first() {
        let (key, rest) = read_part(rest)?;
        body = if kind == 1 {
            let (value, rest) = read_part(rest)?;
            batch.put(key, value);
            rest
        } else {
            batch.delete(key);
            rest
        };
    }
    Some((batch, after))
}

fn read_part(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    Some((part.to_vec(), rest))
}

/// Books kept in it, closed and opened again.
fn keep_books(path: &Path) -> Result<u64, Box<dyn Error>> {
    let (key, network) = (SigningKey::from_bytes(&[1; 32]), NetworkId::named("example"));
    let id = |key: &SigningKey| NodeId::from_bytes(key.verifying_key().to_bytes());
    let open = || -> Result<Ledger, Box<dyn Error>> {
        Ok(Ledger::open(Arc::new(LogStore::open(path)?), network, id(&key))?)
    };
    let payee = id(&SigningKey::from_bytes(&[2; 32]));
    for job in 0..3_u8 {
        let line = Line {
            job: JobId::from_bytes([job + 1; 32]),
            slot: Slot::ZERO,
            kind: FeeKind::Execute,
            receipt: ReceiptId::from_bytes([job + 1; 32]),
            amount: Amount::from_atto(5),
        };
        // Opened for each payment: nothing is remembered but what is in the file.
        open()?.pay(payee, vec![line], &key, Timestamp::new(1_800_000_000))?;
    }
    Ok(open()?.verify()?.entries)
}

#[expect(clippy::print_stdout, reason = "an example speaks")]
fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let entries = keep_books(&directory.path().join("books.log"))?;
    println!("a ledger of {entries} entries, kept in a log, verifies");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nonos_store::testing::{check_persistence, check_store};

    #[test]
    fn is_a_store() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut number = 0;
        check_store(|| {
            number += 1;
            LogStore::open(&directory.path().join(format!("{number}.log"))).expect("it opens")
        });
        check_persistence(|| LogStore::open(&directory.path().join("kept.log")).expect("it opens"));
    }

    #[test]
    fn keeps_the_books_over_restarts() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(keep_books(&directory.path().join("books.log")).expect("books"), 3);
    }

    #[test]
    fn gives_up_the_last_record_alone_wherever_it_was_cut() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("cut.log");
        let store = LogStore::open(&path).expect("it opens");
        store.put(b"kept", b"1", Durability::Durable).expect("written");
        let whole = std::fs::read(&path).expect("a file").len();
        store.put(b"cut", b"2", Durability::Durable).expect("written");
        drop(store);
        let bytes = std::fs::read(&path).expect("a file");
        for len in whole..bytes.len() {
            std::fs::write(&path, &bytes[..len]).expect("written");
            let store = LogStore::open(&path).expect("it opens");
            assert_eq!(
                store.get(b"kept").expect("read"),
                Some(b"1".to_vec()),
                "cut at {len}"
            );
            assert_eq!(store.get(b"cut").expect("read"), None, "cut at {len}");
            store.put(b"next", b"3", Durability::Durable).expect("written");
            drop(store);
            let store = LogStore::open(&path).expect("it opens");
            assert_eq!(
                store.get(b"next").expect("read"),
                Some(b"3".to_vec()),
                "cut at {len}"
            );
        }
    }
}
