use std::cell::RefCell;

use nonos_trust::keystore::{Cost, Passphrase};
use tempfile::TempDir;

use super::*;
use crate::{DataDir, init};

fn passphrase() -> Passphrase {
    Passphrase::new(b"x".to_vec()).expect("is not empty")
}

/// A data directory as nodes made it until format 2.
fn old() -> (TempDir, PathBuf, NodeId) {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("node");
    let node = init(&path, &passphrase(), Cost::MIN, "").expect("a new node");
    fs::remove_file(path.join("data.toml")).expect("removed");
    fs::write(path.join("format"), "1\n").expect("written");
    (dir, path, node)
}

fn copy_of(from: &Path) -> (TempDir, PathBuf) {
    fn all(from: &Path, to: &Path) {
        make_dir(to).expect("made");
        for entry in fs::read_dir(from).expect("a directory") {
            let entry = entry.expect("an entry");
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                all(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), to).expect("copied");
            }
        }
    }
    let dir = TempDir::new().expect("a directory");
    let to = dir.path().join("node");
    all(from, &to);
    (dir, to)
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).expect("a directory");
    let mut names: Vec<_> = entries
        .map(|it| it.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[track_caller]
fn assert_is_new(path: &Path, node: NodeId) {
    let data = DataDir::open(path).expect("it opens");
    assert_eq!((data.node(), data.store()), (node, Database::Rocksdb));
    assert_eq!(fs::read_to_string(path.join("format")).expect("a file"), "2\n");
    let known = [
        "capsules",
        "config.toml",
        "data.toml",
        "db",
        "format",
        "inputs",
        "keys",
        "proofs",
        "run",
    ];
    let names = names(path);
    assert!(names.iter().all(|it| known.contains(&it.as_str())), "{names:?}");
}

#[test]
fn data_of_the_first_format_open_and_are_of_this_one_then() {
    let (_dir, path, node) = old();
    assert_is_new(&path, node);
    assert_is_new(&path, node);
}

/// As `kill -9` leaves it, at each step, and at each step of the one after that.
#[test]
fn a_migration_that_is_cut_off_is_begun_again() {
    let (_dir, path, node) = old();
    let left = RefCell::new(Vec::new());
    migrate(&path, 1, Whose::Keystore, &mut |done| {
        left.borrow_mut().push((done, copy_of(&path)));
    })
    .expect("migrated");
    let left = left.into_inner();
    let steps: Vec<Done> = left.iter().map(|(done, _)| *done).collect();
    assert_eq!(steps, [Done::Copied, Done::Applied, Done::Written, Done::Removed]);
    for (done, (_dir, path)) in &left {
        let is_aside = path.join("before-format-2").exists();
        assert_eq!(
            is_aside,
            *done != Done::Removed,
            "{done:?}: copies are kept until it has succeeded"
        );
        let found = DataDir::format(path).expect("a format");
        assert_eq!(found, if *done < Done::Written { 1 } else { 2 }, "{done:?}");
        // Once more, and cut off again.
        let again = RefCell::new(Vec::new());
        migrate(path, found, Whose::Keystore, &mut |_| {
            again.borrow_mut().push(copy_of(path))
        })
        .expect("migrated");
        for (_dir, path) in again.into_inner() {
            assert_is_new(&path, node);
        }
        assert_is_new(path, node);
    }
}

/// A copy that was not whole is none, and a file that a step left half done is put back or removed first.
#[test]
fn what_a_step_left_is_put_back_before_it_begins_again() {
    let (_dir, path, node) = old();
    make_dir(&path.join("before-format-2.new")).expect("made");
    fs::write(path.join("before-format-2.new/data.toml"), "half").expect("written");
    assert_is_new(&path, node);

    let (_dir, path, node) = old();
    fs::write(path.join("data.toml"), "half").expect("written");
    make_dir(&path.join("before-format-2")).expect("made");
    put_back(&path, &path.join("before-format-2"), STEPS[0].files).expect("put back");
    assert!(!path.join("data.toml").exists(), "it was not there before");
    fs::write(path.join("before-format-2/data.toml"), "before").expect("written");
    put_back(&path, &path.join("before-format-2"), STEPS[0].files).expect("put back");
    assert_eq!(
        fs::read_to_string(path.join("data.toml")).expect("a file"),
        "before"
    );
    assert_is_new(&path, node);
}

#[test]
fn newer_data_are_refused_with_the_remedy_and_left_alone() {
    for format in ["3\n", "4294967295\n"] {
        let (_dir, path, _) = old();
        fs::write(path.join("format"), format).expect("written");
        let before = names(&path);
        let refused = DataDir::open(&path).expect_err("is newer");
        assert!(
            matches!(refused, DataDirError::NewerFormat { known: 2, .. }),
            "{refused:?}"
        );
        assert!(refused.to_string().contains("use the newer program"), "{refused}");
        assert_eq!(names(&path), before);
    }
}

#[test]
fn a_format_that_is_none_is_refused() {
    for format in ["", "0\n", "-1\n", "one\n", "1 2\n", "4294967296\n"] {
        let (_dir, path, _) = old();
        fs::write(path.join("format"), format).expect("written");
        let refused = DataDir::open(&path).expect_err("is none");
        assert!(
            matches!(refused, DataDirError::BadFormat { .. }),
            "{format:?}: {refused:?}"
        );
    }
}

#[test]
fn data_that_do_not_say_whose_they_are_are_refused() {
    for text in [
        None,
        Some(""),
        Some("node = \"00\"\nstore = \"rocksdb\"\n"),
        Some("store = \"rocksdb\"\n"),
    ] {
        let (_dir, path, _) = old();
        drop(DataDir::open(&path).expect("migrated"));
        let file = path.join("data.toml");
        match text {
            Some(text) => fs::write(&file, text).expect("written"),
            None => fs::remove_file(&file).expect("removed"),
        }
        let refused = DataDir::open(&path).expect_err("does not say");
        assert!(
            matches!(refused, DataDirError::BadFormat { .. }),
            "{text:?}: {refused:?}"
        );
    }
    let (_dir, path, node) = old();
    for more in ["store = \"another\"\n", "store = \"rocksdb\"\nmore = 1\n"] {
        drop(DataDir::open(&path).expect("migrated"));
        let good = fs::read(path.join("data.toml")).expect("a file");
        fs::write(path.join("data.toml"), format!("node = \"{node}\"\n{more}")).expect("written");
        let refused = DataDir::open(&path).expect_err("is no such file");
        assert!(matches!(refused, DataDirError::BadFormat { .. }), "{refused:?}");
        fs::write(path.join("data.toml"), good).expect("written");
    }
}

#[test]
fn a_key_of_another_node_opens_no_data() {
    let (_dir, path, node) = old();
    drop(DataDir::open(&path).expect("migrated"));
    let (_other_dir, other, key) = old();
    fs::copy(other.join("keys/node.key"), path.join("keys/node.key")).expect("copied");
    match DataDir::open(&path) {
        Err(DataDirError::OtherNode { data, key: found, .. }) => assert_eq!((data, found), (node, key)),
        other => panic!("{other:?}"),
    }
}

/// Data of the first format do not say whose they are; what the node has signed in them does.
#[test]
fn a_key_of_another_node_does_not_become_that_of_older_data() {
    use nonos_state::{Snapshot, probe};
    use nonos_store::{Durability, Table};
    use nonos_types::{NetworkId, PoiHash, Signed, Timestamp};

    let (_dir, path, node) = old();
    let identity = keystore::open(&path.join("keys/node.key"), &passphrase()).expect("its key");
    let snapshot = Snapshot {
        network: NetworkId::named("a test"),
        node,
        profile: probe::measure(&path, probe::Effort::quick()).expect("a machine"),
        taken_at: Timestamp::new(1_800_000_000),
        expires: Timestamp::new(1_800_000_001),
    };
    let signed = Signed::new(snapshot, identity.signing_key());
    let table: Table<PoiHash, Vec<u8>> = Table::new("poi-snapshot");
    let mut batch = nonos_store::Batch::new();
    table.put(&mut batch, &PoiHash::ZERO, &signed.to_bytes());
    let store = Database::Rocksdb.open(&path.join("db")).expect("a store");
    store.write(&batch, Durability::Durable).expect("written");
    drop(store);

    let (_other_dir, other, key) = old();
    let own = fs::read(path.join("keys/node.key")).expect("a file");
    fs::copy(other.join("keys/node.key"), path.join("keys/node.key")).expect("copied");
    match DataDir::open(&path) {
        Err(DataDirError::OtherNode { data, key: found, .. }) => assert_eq!((data, found), (node, key)),
        other => panic!("{other:?}"),
    }
    assert_eq!(DataDir::format(&path).expect("a format"), 1);
    fs::write(path.join("keys/node.key"), own).expect("written");
    assert_is_new(&path, node);
}
