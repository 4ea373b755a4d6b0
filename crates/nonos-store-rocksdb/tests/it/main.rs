//! The conformance suite, and what can be wrong with a directory.

use std::{fs, path::Path};

use nonos_store::{Durability, Error, Store, testing};
use nonos_store_rocksdb::{OpenError, RocksStore};
use nonos_types::Fault;
use tempfile::TempDir;

fn dir() -> TempDir {
    TempDir::new().expect("a directory")
}

/// A store with one entry that is in a table file, one that is in the log, and closed.
fn filled() -> TempDir {
    let dir = dir();
    let store = RocksStore::open(dir.path()).expect("a new store");
    store
        .put(b"a", &[1; 10_000], Durability::Durable)
        .expect("a write");
    drop(store);
    let store = RocksStore::open(dir.path()).expect("its own store");
    store.put(b"b", b"2", Durability::Durable).expect("a write");
    drop(store);
    dir
}

fn files(dir: &Path, wanted: impl Fn(&str) -> bool) -> Vec<std::path::PathBuf> {
    let names = fs::read_dir(dir.join("rocks"))
        .expect("its files")
        .map(|entry| entry.expect("a file").path());
    names
        .filter(|path| wanted(&path.file_name().expect("a name").to_string_lossy()))
        .collect()
}

#[test]
fn passes_the_conformance_suite() {
    let mut dirs = Vec::new();
    testing::check_store(|| {
        dirs.push(dir());
        RocksStore::open(dirs.last().expect("just pushed").path()).expect("a new store")
    });
}

#[test]
fn keeps_what_was_written_after_reopening() {
    let dir = dir();
    testing::check_persistence(|| RocksStore::open(dir.path()).expect("its own store"));
}

#[test]
fn creates_missing_directories() {
    let dir = dir();
    let path = dir.path().join("a/b");
    assert_eq!(RocksStore::open(&path).expect("a new store").path(), path);
}

#[test]
fn refuses_a_second_store_until_the_first_is_closed() {
    let dir = dir();
    let first = RocksStore::open(dir.path()).expect("a new store");
    let error = RocksStore::open(dir.path()).expect_err("in use");
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    assert_eq!(error.fault(), Fault::Environment);
    first
        .put(b"a", b"1", Durability::Durable)
        .expect("the first goes on");
    drop(first);
    RocksStore::open(dir.path()).expect("free again");
}

#[test]
fn refuses_a_directory_with_other_files_and_leaves_it_alone() {
    let dir = dir();
    fs::write(dir.path().join("thesis.txt"), "mine").expect("a write");
    let error = RocksStore::open(dir.path()).expect_err("not a store");
    assert!(matches!(error, OpenError::NotAStore { .. }), "{error:?}");
    assert_eq!(error.fault(), Fault::Caller);
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1);
}

#[test]
fn refuses_a_store_of_redb_and_leaves_it_alone() {
    for names in [
        &["store.redb"][..],
        &["store.redb", "REDB", "NONOS-LOCK"],
        &["REDB"],
    ] {
        let dir = dir();
        for name in names {
            fs::write(dir.path().join(name), "1\n").expect("a write");
        }
        let error = RocksStore::open(dir.path()).expect_err("another store");
        assert!(
            matches!(error, OpenError::OtherStore { kind: "redb", .. }),
            "{error:?}"
        );
        assert_eq!(
            fs::read_dir(dir.path()).expect("a directory").count(),
            names.len()
        );
    }
}

#[test]
fn refuses_a_file_in_its_place() {
    let dir = dir();
    let path = dir.path().join("file");
    fs::write(&path, "").expect("a write");
    let error = RocksStore::open(&path).expect_err("not a directory");
    assert!(matches!(error, OpenError::Storage { .. }), "{error:?}");
}

#[test]
fn refuses_another_format() {
    for (text, expected) in [
        ("2\n", Some(2)),
        ("", None),
        ("1", None),
        ("one\n", None),
        ("1\n\n", None),
    ] {
        let dir = filled();
        fs::write(dir.path().join("FORMAT"), text).expect("a write");
        match RocksStore::open(dir.path()) {
            Err(OpenError::Version {
                found, supported: 1, ..
            }) => assert_eq!(found, expected, "{text:?}"),
            other => panic!("{text:?}: {other:?}"),
        }
    }
    let dir = filled();
    fs::remove_file(dir.path().join("FORMAT")).expect("removed");
    let error = RocksStore::open(dir.path()).expect_err("no format");
    assert!(
        matches!(error, OpenError::Version { found: None, .. }),
        "{error:?}"
    );
}

#[test]
fn completes_a_creation_that_was_interrupted() {
    let interrupted = dir();
    fs::write(interrupted.path().join("CREATING"), "").expect("a write");
    RocksStore::open(interrupted.path()).expect("as if new");
    assert!(!interrupted.path().join("CREATING").exists());

    // Interrupted after the database was there, before the format was.
    fs::remove_file(interrupted.path().join("FORMAT")).expect("removed");
    fs::write(interrupted.path().join("CREATING"), "").expect("a write");
    let store = RocksStore::open(interrupted.path()).expect("as if new");
    store.put(b"a", b"1", Durability::Durable).expect("a write");
    drop(store);
    let store = RocksStore::open(interrupted.path()).expect("complete");
    assert_eq!(store.get(b"a").expect("a read").as_deref(), Some(&b"1"[..]));
}

/// Whatever is missing: the data are not replaced by an empty database.
#[test]
fn refuses_a_store_with_missing_files() {
    for gone in ["CURRENT", "MANIFEST", ".sst"] {
        let dir = filled();
        let victims = files(dir.path(), |name| name.contains(gone));
        assert!(!victims.is_empty(), "{gone}");
        victims
            .iter()
            .for_each(|path| fs::remove_file(path).expect("removed"));
        let error = RocksStore::open(dir.path()).expect_err(gone);
        assert!(matches!(error, OpenError::Damaged { .. }), "{gone}: {error:?}");
    }
    let dir = filled();
    fs::remove_dir_all(dir.path().join("rocks")).expect("removed");
    let error = RocksStore::open(dir.path()).expect_err("no database");
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

#[test]
fn notices_changed_bytes_in_a_table_file() {
    let dir = filled();
    let tables = files(dir.path(), |name| name.ends_with(".sst"));
    for path in &tables {
        let mut bytes = fs::read(path).expect("a file");
        bytes[20] ^= 1;
        fs::write(path, bytes).expect("a write");
    }
    assert!(!tables.is_empty());
    // The footer and index are intact: it is the block that is not, and it is noticed when it is read.
    match RocksStore::open(dir.path()) {
        Ok(store) => {
            let error = store.get(b"a").expect_err("a damaged block");
            assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
        }
        Err(error) => assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}"),
    }
}

#[test]
fn notices_a_truncated_table_file() {
    let dir = filled();
    for path in files(dir.path(), |name| name.ends_with(".sst")) {
        File::shrink(&path);
    }
    let error = RocksStore::open(dir.path()).expect_err("half a file");
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

struct File;

impl File {
    fn shrink(path: &Path) {
        let file = fs::OpenOptions::new().write(true).open(path).expect("a file");
        let len = file.metadata().expect("a length").len();
        file.set_len(len / 2).expect("shorter");
    }
}

/// A power cut can leave half a record at the end of the log: it was never durable.
#[test]
fn opens_a_log_that_ends_in_half_a_record() {
    let dir = dir();
    let store = RocksStore::open(dir.path()).expect("a new store");
    store.put(b"a", b"1", Durability::Durable).expect("a write");
    drop(store);
    let logs = files(dir.path(), |name| name.ends_with(".log"));
    for log in &logs {
        let mut bytes = fs::read(log).expect("a log");
        let half = bytes.len() / 2;
        bytes.extend_from_within(..half);
        fs::write(log, bytes).expect("a write");
    }
    let store = RocksStore::open(dir.path()).expect("its own store");
    assert_eq!(store.get(b"a").expect("a read").as_deref(), Some(&b"1"[..]));
}
