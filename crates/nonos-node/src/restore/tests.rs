use std::{cell::RefCell, fs};

use nonos_depin::Reason;
use nonos_trust::keystore::KeystoreError;
use nonos_types::{Amount, JobId, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::{database::Database, init};

const NOW: Timestamp = Timestamp::new(1_800_000_000);
const CONFIG: &str = "network = \"a test\"\n";

fn passphrase() -> Passphrase {
    Passphrase::new(b"x".to_vec()).expect("is not empty")
}

/// Where nodes are, kept by one of the stores.
struct Place(TempDir, Database);

impl Place {
    fn new() -> Self {
        Self::kept_by(Database::DEFAULT)
    }

    fn kept_by(store: Database) -> Self {
        Self(TempDir::new().expect("a directory"), store)
    }

    /// A data directory without a database is another store's by its word.
    fn set_store(&self, path: &Path) {
        let name = serde_json::to_string(&self.1).expect("a name");
        let file = path.join("data.toml");
        let text = fs::read_to_string(&file).expect("a file");
        let lines = text.lines().map(|line| match line.starts_with("store") {
            true => format!("store = {name}\n"),
            false => format!("{line}\n"),
        });
        fs::write(&file, lines.collect::<String>()).expect("written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A node with this many entries in its books.
    fn node(&self, name: &str, entries: u8) -> PathBuf {
        let path = self.path(name);
        init(&path, &passphrase(), Cost::MIN, CONFIG).expect("a new node");
        self.set_store(&path);
        if entries > 0 {
            let data = DataDir::open(&path).expect("its data");
            let (ledger, _) = opened(&data, false).expect("its books");
            for n in 0..entries {
                hold(&ledger, &identity(&path), n).expect("booked");
            }
        }
        path
    }

    fn restore(&self, name: &str, backup: &Backup) -> Result<Restored, Error> {
        let path = self.path(name);
        let restored = restore(&path, backup, &passphrase(), Cost::MIN)?;
        if !path.join("db").exists() {
            self.set_store(&path);
        }
        Ok(restored)
    }
}

fn hold(ledger: &Ledger, identity: &Identity, n: u8) -> Result<(), nonos_depin::Error> {
    let (job, amount) = (JobId::hash(&[&[n]]), Amount::from_atto(7));
    ledger.hold(job, amount, identity.signing_key(), NOW)
}

fn identity(path: &Path) -> Identity {
    keystore::open(&DataDir::keystore_in(path), &passphrase()).expect("a keystore")
}

fn backup_of(path: &Path) -> Backup {
    backup(path, identity(path)).expect("a backup")
}

/// As a node opens its books.
fn opened(data: &DataDir, old_books: bool) -> Result<(Ledger, Option<FeedHead>), Error> {
    let store = data.store().open(&data.database()).expect("a store");
    let ledger = Ledger::open(store, NetworkId::named("a test"), data.node()).expect("books");
    open_books(ledger, data, old_books)
}

/// What 24 words hold.
fn words_of(path: &Path) -> Backup {
    Backup {
        network: String::new(),
        head: None,
        account: Vec::new(),
        ..backup_of(path)
    }
}

#[test]
fn a_backup_has_all_that_a_node_needs_elsewhere() {
    let place = Place::new();
    let node = place.node("node", 3);
    fs::write(DataDir::account(&node), "an account").expect("written");
    let backup = backup_of(&node);
    assert_eq!(backup.identity.node_id(), identity(&node).node_id());
    assert_eq!(backup.head.expect("a head").sequence.get(), 3);
    assert_eq!((&*backup.network, &*backup.config), ("a test", CONFIG));
    assert_eq!(backup.account, b"an account");

    let restored = place.restore("elsewhere", &backup).expect("restored");
    assert_eq!((restored.known, restored.kept), (backup.head, vec![]));
    let elsewhere = place.path("elsewhere");
    assert_eq!(backup_of(&elsewhere).head, backup.head);
    assert_eq!(
        fs::read(DataDir::account(&elsewhere)).expect("a file"),
        b"an account"
    );
    assert_eq!(fs::read_to_string(config_in(&elsewhere)).expect("a file"), CONFIG);
    assert_eq!(identity(&elsewhere).node_id(), backup.identity.node_id());
}

#[test]
fn a_node_restored_from_a_backup_signs_nothing_before_its_books_are_resumed() {
    for place in [Database::Rocksdb, Database::Redb].map(Place::kept_by) {
        let node = place.node("node", 3);
        let backup = backup_of(&node);
        place.restore("elsewhere", &backup).expect("restored");
        let data = DataDir::open(&place.path("elsewhere")).expect("its data");
        let refused = opened(&data, false).expect_err("is behind");
        assert!(matches!(refused, Error::OldBooks(_)), "{refused:?}");
        let (ledger, behind) = opened(&data, true).expect("stopped books");
        assert_eq!(behind, backup.head);
        let refused = hold(&ledger, &backup.identity, 9).expect_err("is stopped");
        assert!(matches!(refused, nonos_depin::Error::Stopped), "{refused:?}");
    }
}

#[test]
fn a_node_restored_from_words_or_an_early_backup_signs_nothing_either() {
    for place in [Database::Rocksdb, Database::Redb].map(Place::kept_by) {
        let (later, early) = (place.node("later", 2), place.node("early", 0));
        for (name, backup) in [("words", words_of(&later)), ("empty", backup_of(&early))] {
            assert_eq!(backup.head, None);
            let restored = place.restore(name, &backup).expect("restored");
            assert_eq!(restored.known, None);
            let data = DataDir::open(&place.path(name)).expect("its data");
            let refused = opened(&data, false).expect_err("nobody knows how far they went");
            assert!(matches!(refused, Error::Restored), "{refused:?}");
            let (ledger, behind) = opened(&data, true).expect("books");
            assert_eq!(behind, Some(FeedHead::NONE));
            // As the engine does, which is told that they are behind.
            ledger.stop();
            hold(&ledger, &backup.identity, 9).expect_err("is stopped");
            let key = backup.identity.signing_key();
            let head = ledger
                .resume(FeedHead::NONE, Reason::Doubled, key, NOW)
                .expect("resumed");
            assert_eq!((head.incarnation.get(), head.sequence.get()), (1, 1));
            drop(ledger);
            // And from then on as any.
            let (ledger, behind) = opened(&data, false).expect("books");
            assert_eq!(behind, None);
            hold(&ledger, &backup.identity, 9).expect("goes on");
        }
    }
}

#[test]
fn nothing_is_put_over_a_key_whoevers_it_is() {
    let place = Place::new();
    let (node, other) = (place.node("node", 1), place.node("other", 1));
    for backup in [backup_of(&node), backup_of(&other)] {
        let before = fs::read(DataDir::keystore_in(&node)).expect("a keystore");
        let refused = place.restore("node", &backup).expect_err("there is a key");
        assert!(
            matches!(
                refused,
                Error::DataDir(DataDirError::Keystore(KeystoreError::Exists { .. }))
            ),
            "{refused:?}"
        );
        assert_eq!(fs::read(DataDir::keystore_in(&node)).expect("a keystore"), before);
    }
    // A link to nowhere is something, too.
    let keystore = DataDir::keystore_in(&node);
    let backup = backup_of(&node);
    fs::remove_file(&keystore).expect("removed");
    let target = place.path("target");
    std::os::unix::fs::symlink(&target, &keystore).expect("a link");
    let refused = place.restore("node", &backup).expect_err("there is a link");
    assert!(
        matches!(
            refused,
            Error::DataDir(DataDirError::Keystore(KeystoreError::Exists { .. }))
        ),
        "{refused:?}"
    );
    assert!(!target.exists());
}

#[test]
fn a_key_is_not_put_to_the_data_of_another_node() {
    let place = Place::new();
    let (node, other) = (place.node("node", 1), place.node("other", 1));
    fs::remove_file(DataDir::keystore_in(&node)).expect("removed");
    let refused = place.restore("node", &backup_of(&other)).expect_err("another's");
    assert!(
        matches!(refused, Error::DataDir(DataDirError::OtherNode { .. })),
        "{refused:?}"
    );
    assert!(!DataDir::keystore_in(&node).exists());
}

#[test]
fn a_directory_with_something_else_is_left_alone() {
    let place = Place::new();
    let backup = backup_of(&place.node("node", 1));
    fs::create_dir(place.path("photos")).expect("made");
    fs::write(place.path("photos/cat.jpg"), "precious").expect("written");
    let refused = place.restore("photos", &backup).expect_err("not empty");
    assert!(
        matches!(refused, Error::DataDir(DataDirError::NotEmpty { .. })),
        "{refused:?}"
    );
    assert_eq!(
        fs::read_dir(place.path("photos")).expect("a directory").count(),
        1
    );
}

#[test]
fn a_lost_key_comes_back_to_its_data_and_the_rest_stays() {
    for place in [Database::Rocksdb, Database::Redb].map(Place::kept_by) {
        let node = place.node("node", 2);
        let backup = backup_of(&node);
        {
            let data = DataDir::open(&node).expect("its data");
            let (ledger, _) = opened(&data, false).expect("its books");
            hold(&ledger, &backup.identity, 9).expect("booked");
        }
        fs::write(config_in(&node), "network = \"a test\"\nlisten = []\n").expect("written");
        fs::remove_file(DataDir::keystore_in(&node)).expect("removed");
        let restored = place.restore("node", &backup).expect("restored");
        assert_eq!(
            restored.known.expect("a head").sequence.get(),
            3,
            "the newer one stays"
        );
        assert_eq!(restored.kept, [DataDir::books_head_in(&node), config_in(&node)]);
        let data = DataDir::open(&node).expect("its data");
        let (ledger, behind) = opened(&data, false).expect("its books");
        assert_eq!(behind, None);
        hold(&ledger, &backup.identity, 10).expect("goes on");
    }
}

#[test]
fn a_backup_of_another_network_is_not_put_beside_a_configuration() {
    let place = Place::new();
    let node = place.node("node", 1);
    let backup = Backup {
        network: "another".to_owned(),
        ..backup_of(&node)
    };
    fs::remove_file(DataDir::keystore_in(&node)).expect("removed");
    let refused = place.restore("node", &backup).expect_err("another network");
    assert!(matches!(refused, Error::OtherNetwork { .. }), "{refused:?}");
    assert!(!DataDir::keystore_in(&node).exists());
}

/// As `kill -9` leaves it, after each file.
#[test]
fn what_was_cut_off_can_be_done_again_and_has_no_key_before_its_books_are_stopped() {
    let place = Place::new();
    let node = place.node("node", 2);
    fs::write(DataDir::account(&node), "an account").expect("written");
    for (kind, backup) in [("backup", backup_of(&node)), ("words", words_of(&node))] {
        let path = place.path(kind);
        let left = RefCell::new(Vec::new());
        let mut done = || {
            let copy = format!("{kind}-{}", left.borrow().len());
            copy_all(&path, &place.path(&copy));
            left.borrow_mut().push(copy);
        };
        restore_in_steps(&path, &backup, &passphrase(), Cost::MIN, &mut done).expect("restored");
        let left = left.into_inner();
        assert_eq!(left.len(), 5);
        for (step, name) in left.iter().enumerate() {
            let path = place.path(name);
            let has_key = DataDir::keystore_in(&path).exists();
            assert_eq!(has_key, step == 4, "the key comes last");
            if !has_key {
                assert!(DataDir::open(&path).is_err(), "there is no key");
                place.restore(name, &backup).expect("restored again");
            }
            let data = DataDir::open(&path).expect("its data");
            assert!(opened(&data, false).is_err(), "its books are stopped");
            assert!(data.config().exists());
            assert_eq!(DataDir::account(&path).exists(), kind == "backup");
        }
    }
    // Cut off before there was a format.
    for part in ["keys", "capsules", "inputs", "proofs", "run"] {
        fs::create_dir_all(place.path("begun").join(part)).expect("made");
    }
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(place.path("begun/keys"), private).expect("ours");
    fs::write(place.path("begun/run/lock"), "1\n").expect("written");
    fs::write(place.path("begun/data.toml"), "").expect("written");
    place.restore("begun", &backup_of(&node)).expect("restored");
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir(to).expect("made");
    let mode = fs::metadata(from).expect("a directory").permissions();
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
    fs::set_permissions(to, mode).expect("ours");
}

#[test]
fn says_whether_books_and_checkpoint_agree() {
    for place in [Database::Rocksdb, Database::Redb].map(Place::kept_by) {
        let check = |path: &Path| {
            let data = DataDir::open(path).expect("its data");
            let has_database = data.database().exists();
            let view = check_books(&data, "a test").expect("readable");
            assert_eq!(data.database().exists(), has_database, "to look makes nothing");
            view
        };
        let (node, early) = (place.node("node", 2), place.node("early", 0));
        let backup = backup_of(&node);
        let head = backup.head.expect("a head");
        assert_eq!(check(&node), BooksView::Agree { head });
        assert_eq!(check(&early), BooksView::Empty);
        place.restore("elsewhere", &backup).expect("restored");
        let (elsewhere, none) = (place.path("elsewhere"), FeedHead::NONE);
        let behind = BooksView::Behind {
            head: none,
            known: head,
        };
        assert_eq!(check(&elsewhere), behind);
        place.restore("words", &words_of(&node)).expect("restored");
        assert_eq!(check(&place.path("words")), BooksView::Restored);
        fs::remove_file(DataDir::books_head_in(&node)).expect("removed");
        assert_eq!(check(&node), BooksView::NothingSaved { head });
    }
}

/// Whatever the word of the directory is: what is in it is another's.
#[test]
fn a_database_of_one_store_is_not_opened_by_the_other() {
    for (made, other) in [
        (Database::Rocksdb, Database::Redb),
        (Database::Redb, Database::Rocksdb),
    ] {
        let place = Place::kept_by(made);
        let node = place.node("node", 1);
        let place = Place(place.0, other);
        place.set_store(&node);
        let data = DataDir::open(&node).expect("its data");
        let refused = data
            .store()
            .open(&data.database())
            .err()
            .expect("another store's");
        assert!(refused.to_string().contains("is a store of "), "{refused}");
        let place = Place(place.0, made);
        drop(data);
        place.set_store(&node);
        let data = DataDir::open(&node).expect("its data");
        opened(&data, false).expect("its books are as they were");
    }
}
