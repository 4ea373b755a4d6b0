//! Checks the books against their entries.

use std::{collections::BTreeMap, ops::Bound, ops::ControlFlow};

use nonos_store::{Batch, Durability, MemoryStore, Store};
use nonos_types::{EntryDigest, Sequence, Signed};
use serde::Serialize;

use crate::{
    Damage, Entry, Error,
    post::{Books, next, post},
    tables::{self, At, ENTRIES, HEAD, Head},
};

/// Entries read at a time.
const PAGE: usize = 256;

/// What verified books have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many entries.
    pub entries: u64,
    /// The newest; zero if there is none.
    pub head: EntryDigest,
}

/// Reads a stored entry: signature, author, place.
pub(crate) fn read(books: Books<'_>, at: At, bytes: &[u8]) -> Result<Signed<Entry>, Error> {
    let corrupt = |source| corrupt(at.0, source);
    let entry = Signed::<Entry>::from_bytes(bytes).map_err(|error| corrupt(Damage::Unreadable(error)))?;
    if entry.signer() != books.author {
        return Err(corrupt(Damage::Author {
            signer: entry.signer(),
        }));
    }
    if entry.sequence != at.0 {
        return Err(corrupt(Damage::OutOfPlace));
    }
    Ok(entry)
}

/// Checks that the head is the newest entry.
pub(crate) fn check_head(books: Books<'_>) -> Result<(), Error> {
    let Some(Head(head)) = HEAD.get(books.store, &())? else {
        let first = ENTRIES.entries(books.store, Bound::Unbounded, 1)?;
        return if first.is_empty() {
            Ok(())
        } else {
            Err(head_lost())
        };
    };
    let at = At(head.sequence);
    let bytes = ENTRIES.get(books.store, &at)?;
    let bytes = bytes.ok_or(corrupt(head.sequence, Damage::Missing))?;
    let entry = match read(books, at, &bytes) {
        Ok(entry) if entry.network == books.network => entry,
        // A whole entry of other books: the caller has opened the wrong ones.
        Ok(entry) => return Err(other_books(&entry)),
        Err(error) => {
            return Err(match Signed::<Entry>::from_bytes(&bytes) {
                Ok(entry) if entry.signer() != books.author => other_books(&entry),
                _ => error,
            });
        }
    };
    if (entry.incarnation, entry.digest(books.author)) != (head.incarnation, head.digest) {
        return Err(corrupt(head.sequence, Damage::NotHead));
    }
    if ENTRIES.entries(books.store, Bound::Excluded(&at), 1)?.is_empty() {
        Ok(())
    } else {
        Err(head_lost())
    }
}

pub(crate) fn verify(books: Books<'_>) -> Result<Report, Error> {
    let (replayed, report) = replay(books)?;
    let (stored, derived) = (tables_of(books.store)?, tables_of(&replayed)?);
    let differs = |key: &&Vec<u8>| stored.get(*key) != derived.get(*key);
    match stored.keys().chain(derived.keys()).filter(differs).min() {
        None => Ok(report),
        Some(key) => Err(Error::Derived {
            table: tables::table_of(key),
        }),
    }
}

pub(crate) fn rebuild(books: Books<'_>) -> Result<Report, Error> {
    let (replayed, report) = replay(books)?;
    let mut batch = Batch::new();
    for key in tables_of(books.store)?.into_keys() {
        batch.delete(key);
    }
    for (key, value) in tables_of(&replayed)? {
        batch.put(key, value);
    }
    books.store.write(&batch, Durability::Durable)?;
    Ok(report)
}

/// The derived tables, from the entries alone.
fn replay(books: Books<'_>) -> Result<(MemoryStore, Report), Error> {
    let replayed = MemoryStore::new();
    let (mut last, mut head) = (At(Sequence::ZERO), EntryDigest::ZERO);
    loop {
        let page = ENTRIES.entries(books.store, Bound::Excluded(&last), PAGE)?;
        if page.is_empty() {
            break;
        }
        for (at, bytes) in page {
            let expected = next(last.0)?;
            if at.0 != expected {
                return Err(corrupt(expected, Damage::Missing));
            }
            let entry = read(books, at, &bytes)?;
            if entry.prev != head {
                return Err(corrupt(at.0, Damage::OutOfPlace));
            }
            let books = Books {
                store: &replayed,
                ..books
            };
            let batch = post(books, &entry);
            let batch = batch.map_err(|error| corrupt(at.0, Damage::Rule(Box::new(error))))?;
            replayed.write(&batch, Durability::Buffered)?;
            (last, head) = (at, entry.digest(books.author));
        }
    }
    check_end(books, last, head)?;
    let entries = last.0.get();
    Ok((replayed, Report { entries, head }))
}

/// The head tells when the newest entries are gone, or others are in their place. A head that is itself unreadable
/// or behind is a derived table like the others.
fn check_end(books: Books<'_>, last: At, digest: EntryDigest) -> Result<(), Error> {
    match HEAD.get(books.store, &()) {
        Ok(Some(Head(head))) if head.sequence > last.0 => Err(corrupt(next(last.0)?, Damage::Missing)),
        Ok(Some(Head(head))) if head.sequence == last.0 && head.digest != digest => {
            Err(corrupt(last.0, Damage::NotHead))
        }
        Ok(_) | Err(nonos_store::Error::BadEntry { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Every derived table, raw.
fn tables_of(store: &dyn Store) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Error> {
    let mut found = BTreeMap::new();
    store.scan(&tables::all(), &mut |key, value| {
        if !tables::is_entry(key) {
            found.insert(key.to_vec(), value.to_vec());
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

fn corrupt(entry: Sequence, source: Damage) -> Error {
    Error::Corrupt { entry, source }
}

fn head_lost() -> Error {
    Error::Derived {
        table: "ledger-head".to_owned(),
    }
}

fn other_books(entry: &Signed<Entry>) -> Error {
    Error::OtherBooks {
        author: entry.signer(),
        network: entry.network,
    }
}
