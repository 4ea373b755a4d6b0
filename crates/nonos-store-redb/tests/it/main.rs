//! The conformance suite, and what can be wrong with a directory.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use nonos_store::{Batch, Durability, Error, KeyRange, Store, testing};
use nonos_store_redb::{OpenError, RedbStore};
use nonos_types::Fault;
use tempfile::TempDir;

fn dir() -> TempDir {
    TempDir::new().expect("a directory")
}

fn file(dir: &TempDir) -> std::path::PathBuf {
    dir.path().join("store.redb")
}

/// A store with a few hundred entries, closed.
fn filled() -> TempDir {
    let dir = dir();
    let store = RedbStore::open(dir.path()).expect("a new store");
    let mut batch = Batch::new();
    for n in 0..300_u32 {
        batch.put(n.to_be_bytes().to_vec(), vec![n as u8; 100]);
    }
    store.write(&batch, Durability::Durable).expect("a write");
    drop(store);
    dir
}

#[test]
fn passes_the_conformance_suite() {
    let mut dirs = Vec::new();
    testing::check_store(|| {
        dirs.push(dir());
        RedbStore::open(dirs.last().expect("just pushed").path()).expect("a new store")
    });
}

#[test]
fn keeps_what_was_written_after_reopening() {
    let dir = dir();
    testing::check_persistence(|| RedbStore::open(dir.path()).expect("its own store"));
}

#[test]
fn keeps_what_was_only_buffered_when_it_is_closed_in_order() {
    let dir = dir();
    let store = RedbStore::open(dir.path()).expect("a new store");
    store.put(b"a", b"1", Durability::Buffered).expect("a write");
    drop(store);
    let store = RedbStore::open(dir.path()).expect("its own store");
    assert_eq!(store.get(b"a").expect("a read").as_deref(), Some(&b"1"[..]));
}

#[test]
fn creates_missing_directories() {
    let dir = dir();
    let path = dir.path().join("a/b");
    assert_eq!(RedbStore::open(&path).expect("a new store").path(), path);
}

#[test]
fn refuses_a_second_store_until_the_first_is_closed() {
    let dir = dir();
    let first = RedbStore::open(dir.path()).expect("a new store");
    let error = RedbStore::open(dir.path()).expect_err("in use");
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    assert_eq!(error.fault(), Fault::Environment);
    first
        .put(b"a", b"1", Durability::Durable)
        .expect("the first goes on");
    drop(first);
    RedbStore::open(dir.path()).expect("free again");
}

#[test]
fn refuses_a_directory_with_other_files_and_leaves_it_alone() {
    let dir = dir();
    fs::write(dir.path().join("thesis.txt"), "mine").expect("a write");
    let error = RedbStore::open(dir.path()).expect_err("not a store");
    assert!(matches!(error, OpenError::NotAStore { .. }), "{error:?}");
    assert_eq!(error.fault(), Fault::Caller);
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1);
}

#[test]
fn refuses_a_store_of_rocksdb_and_leaves_it_alone() {
    for names in [&["rocks"][..], &["FORMAT", "rocks", "NONOS-LOCK"], &["CREATING"]] {
        let dir = dir();
        for name in names {
            fs::write(dir.path().join(name), "1\n").expect("a write");
        }
        let error = RedbStore::open(dir.path()).expect_err("another store");
        assert!(
            matches!(error, OpenError::OtherStore { kind: "RocksDB", .. }),
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
    let error = RedbStore::open(&path).expect_err("not a directory");
    assert!(matches!(error, OpenError::Storage { .. }), "{error:?}");
}

#[test]
fn refuses_another_format_and_another_programs_file() {
    const ABOUT: redb::TableDefinition<'_, &str, u32> = redb::TableDefinition::new("about");
    let set = |dir: &TempDir, format: Option<u32>| {
        let db = redb::Database::create(file(dir)).expect("a database");
        let write = db.begin_write().expect("a write");
        let mut about = write.open_table(ABOUT).expect("a table");
        match format {
            Some(format) => drop(about.insert("format", format).expect("inserted")),
            None => drop(about.remove("format").expect("removed")),
        }
        drop(about);
        write.commit().expect("committed");
    };
    for format in [Some(2), Some(0), None] {
        let dir = filled();
        set(&dir, format);
        match RedbStore::open(dir.path()) {
            Err(OpenError::Version {
                found, supported: 1, ..
            }) => assert_eq!(found, format),
            other => panic!("{format:?}: {other:?}"),
        }
    }
    // It has the format, and no entries.
    let other = dir();
    set(&other, Some(1));
    let error = RedbStore::open(other.path()).expect_err("another program's");
    assert!(
        matches!(error, OpenError::Version { found: None, .. }),
        "{error:?}"
    );
}

#[test]
fn completes_a_creation_that_was_interrupted() {
    let interrupted = dir();
    fs::write(interrupted.path().join("store.redb.new"), "half").expect("a write");
    fs::write(interrupted.path().join("NONOS-LOCK"), "").expect("a write");
    drop(RedbStore::open(interrupted.path()).expect("as if new"));
    assert!(!interrupted.path().join("store.redb.new").exists());
    // Interrupted when the database was in its place, and nothing said that there is one.
    fs::remove_file(interrupted.path().join("REDB")).expect("removed");
    let store = RedbStore::open(interrupted.path()).expect("complete");
    store.put(b"a", b"1", Durability::Durable).expect("a write");
    drop(store);
    assert!(interrupted.path().join("REDB").exists());
    let store = RedbStore::open(interrupted.path()).expect("complete");
    assert_eq!(store.get(b"a").expect("a read").as_deref(), Some(&b"1"[..]));
}

/// The data are not replaced by an empty database.
#[test]
fn refuses_a_store_whose_file_is_gone() {
    let dir = filled();
    fs::remove_file(file(&dir)).expect("removed");
    let error = RedbStore::open(dir.path()).expect_err("no database");
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert!(!file(&dir).exists());
}

type Entries = Vec<(Vec<u8>, Vec<u8>)>;

fn all(store: &impl Store) -> Result<Entries, Error> {
    let mut all = Vec::new();
    store.scan(&KeyRange::ALL, &mut |key, value| {
        all.push((key.to_vec(), value.to_vec()));
        std::ops::ControlFlow::Continue(())
    })?;
    Ok(all)
}

/// A byte changed anywhere is either one that nothing depends on, or is noticed: never other data.
#[test]
fn notices_changed_bytes_wherever_they_matter() {
    let dir = filled();
    let whole = fs::read(file(&dir)).expect("a file");
    let expected = all(&RedbStore::open(dir.path()).expect("whole")).expect("readable");
    assert_eq!(expected.len(), 300);
    let (mut noticed, mut tried) = (0, 0);
    // Each byte of the header; then one in so many, of every kind of page.
    let step = whole.len() / 400;
    for at in (0..320).chain((4096..whole.len()).step_by(step)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(file(&dir), &bytes).expect("a write");
        tried += 1;
        match RedbStore::open(dir.path()) {
            Ok(store) => assert_eq!(all(&store).expect("readable"), expected, "byte {at}"),
            Err(OpenError::Damaged { .. } | OpenError::Version { .. }) => noticed += 1,
            Err(other) => panic!("byte {at}: {other:?}"),
        }
    }
    assert!(noticed > 20, "{noticed} of {tried}");
}

#[test]
fn notices_a_changed_value() {
    let dir = filled();
    let mut bytes = fs::read(file(&dir)).expect("a file");
    let at: Vec<usize> = (0..bytes.len() - 50)
        .filter(|at| bytes[*at..*at + 50].iter().all(|it| *it == 200))
        .collect();
    assert!(!at.is_empty());
    for at in at {
        bytes[at] = 201;
    }
    fs::write(file(&dir), &bytes).expect("a write");
    let error = RedbStore::open(dir.path()).expect_err("a changed value");
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

#[test]
fn refuses_a_file_that_is_cut_off_or_none_of_its_own() {
    let dir = filled();
    let whole = fs::read(file(&dir)).expect("a file");
    for len in [0, 1, 100, 4096, whole.len() / 2] {
        fs::write(file(&dir), &whole[..len]).expect("a write");
        let error = RedbStore::open(dir.path()).expect_err("cut off");
        assert!(
            matches!(error, OpenError::Damaged { .. }),
            "{len} bytes: {error:?}"
        );
    }
    fs::write(file(&dir), vec![7; whole.len()]).expect("a write");
    let error = RedbStore::open(dir.path()).expect_err("none of its own");
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

/// Name of the variable by which this program is told to be the one that is killed.
const VICTIM: &str = "NONOS_REDB_VICTIM";

/// Writes durably until it is killed, and says each number after it is written.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test that starts itself as another process"
)]
#[expect(clippy::print_stdout, reason = "it tells the other process what is durable")]
fn victim() {
    let Some(path) = std::env::var_os(VICTIM) else {
        return;
    };
    let store = RedbStore::open(Path::new(&path)).expect("its own store");
    let from = all(&store).expect("readable").len() as u64 / 2;
    for n in from.. {
        let mut batch = Batch::new();
        batch.put([&b"a"[..], &n.to_be_bytes()].concat(), vec![n as u8; 300]);
        batch.put([&b"b"[..], &n.to_be_bytes()].concat(), vec![n as u8; 300]);
        store.write(&batch, Durability::Durable).expect("a write");
        println!("written {n}");
    }
}

/// What `kill -9` leaves: all that was said to be durable, and of each batch all or nothing.
#[test]
fn keeps_what_was_durable_when_the_process_is_killed() {
    use std::io::{BufRead as _, BufReader};
    let dir = dir();
    for round in 1..=4_usize {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "victim", "--nocapture", "--test-threads", "1"])
            .env(VICTIM, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let written = lines
            .map_while(Result::ok)
            .filter_map(|line| {
                line.rsplit_once("written ")
                    .and_then(|(_, n)| n.parse::<u64>().ok())
            })
            .nth(3 * round)
            .expect("it writes");
        child.kill().expect("killed");
        child.wait().expect("ended");
        let store = RedbStore::open(dir.path()).expect("its own store");
        let entries = all(&store).expect("readable");
        assert!(entries.len() as u64 >= 2 * (written + 1), "round {round}");
        let (a, b) = entries.split_at(entries.len() / 2);
        for (n, (a, b)) in a.iter().zip(b).enumerate() {
            let value = vec![n as u8; 300];
            assert_eq!((&a.1, &b.1), (&value, &value), "round {round}, batch {n}");
            assert_eq!((a.0[0], b.0[0]), (b'a', b'b'));
        }
    }
}
