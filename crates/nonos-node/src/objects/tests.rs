use nonos_types::{ByteLen, InputDigest};
use tempfile::TempDir;

use super::*;

/// A data directory with room for so many bytes.
fn store(most: u64) -> (TempDir, ObjectStore) {
    let dir = TempDir::new().expect("a directory");
    for part in ["capsules", "inputs", "proofs", "run"] {
        fs::create_dir(dir.path().join(part)).expect("a part of it");
    }
    let store = ObjectStore::new(dir.path(), Some(ByteLen::new(most)));
    (dir, store)
}

fn input(fill: u8) -> (Object, Vec<u8>) {
    let bytes = vec![fill; 1000];
    (Object::Input(InputDigest::hash(&[&bytes])), bytes)
}

/// Keeps it as if it were so many seconds old.
fn put(store: &ObjectStore, fill: u8, age: u64, whose: Whose) -> io::Result<Object> {
    let (object, bytes) = input(fill);
    store.put(&object, &bytes, whose)?;
    let file = File::options().write(true).open(store.path(&object))?;
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_000 - age);
    file.set_modified(at)?;
    Ok(object)
}

fn has(store: &ObjectStore, object: &Object) -> bool {
    store.get(object).expect("readable").is_some()
}

#[test]
fn what_others_have_too_is_dropped_the_oldest_first() {
    let (_dir, store) = store(3500);
    let [a, b, c] =
        [(1, 10), (2, 30), (3, 20)].map(|(fill, age)| put(&store, fill, age, Whose::Others).expect("room"));
    let d = put(&store, 4, 0, Whose::Others).expect("there is room after all");
    assert_eq!([a, b, c, d].map(|it| has(&store, &it)), [true, false, true, true]);
    assert_eq!(store.used().expect("a measure").bytes, ByteLen::new(3000));
}

#[test]
fn what_is_its_own_is_never_dropped_and_then_there_is_no_room() {
    let (_dir, store) = store(3500);
    let own = [1, 2, 3].map(|fill| put(&store, fill, 50, Whose::Own).expect("room"));
    let error = put(&store, 4, 0, Whose::Own).expect_err("no room");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(
        error.to_string().contains("3500 bytes that limits.disk allows"),
        "{error}"
    );
    assert!(own.iter().all(|it| has(&store, it)));
    assert!(!has(&store, &input(4).0));
    let used = store.used().expect("a measure");
    assert_eq!((used.bytes.get(), used.spare.get()), (3000, 0));
}

#[test]
fn what_was_anothers_becomes_its_own() {
    let (_dir, store) = store(3500);
    let other = put(&store, 1, 50, Whose::Others).expect("room");
    assert!(!store.is_own(&other));
    let (object, bytes) = input(1);
    store.put(&object, &bytes, Whose::Own).expect("it is there");
    assert!(store.is_own(&object));
    for fill in 2..6 {
        put(&store, fill, 0, Whose::Others).expect("room");
    }
    assert!(has(&store, &object));
}

/// A capsule of so many seconds; its bytes are none.
fn capsule(store: &ObjectStore, fill: u8, age: u64, whose: Whose) -> CapsuleHash {
    let hash = CapsuleHash::from_bytes([fill; 32]);
    let object = Object::Capsule(hash);
    store.put(&object, &[fill; 1000], whose).expect("room");
    let file = File::options()
        .write(true)
        .open(store.path(&object))
        .expect("a file");
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_000 - age);
    file.set_modified(at).expect("set");
    hash
}

#[test]
fn what_a_capsule_needs_is_dropped_after_it() {
    let (_dir, store) = store(3500);
    let needed = capsule(&store, 1, 90, Whose::Others);
    let needs = capsule(&store, 2, 30, Whose::Others);
    put(&store, 3, 0, Whose::Others).expect("room");
    store.keep_with(needs, &[needed, CapsuleHash::ZERO]).expect("set");
    let is_there = |of: CapsuleHash| store.path(&Object::Capsule(of)).exists();
    put(&store, 4, 0, Whose::Others).expect("room");
    assert_eq!([needs, needed].map(is_there), [false, true]);
    put(&store, 5, 0, Whose::Others).expect("room");
    assert!(!is_there(needed));
}

#[test]
fn what_is_newer_than_what_needs_it_stays_so() {
    let (_dir, store) = store(3500);
    let (needed, needs) = (
        capsule(&store, 1, 10, Whose::Others),
        capsule(&store, 2, 30, Whose::Others),
    );
    let modified = || {
        let of = store.path(&Object::Capsule(needed));
        fs::metadata(of).and_then(|it| it.modified()).expect("a time")
    };
    let before = modified();
    store.keep_with(needs, &[needed]).expect("set");
    assert_eq!(modified(), before);
}

#[test]
fn what_its_own_capsule_needs_is_its_own() {
    let (_dir, store) = store(3500);
    let (needed, needs) = (
        capsule(&store, 1, 90, Whose::Others),
        capsule(&store, 2, 30, Whose::Own),
    );
    store.keep_with(needs, &[needed]).expect("marked");
    assert!(store.is_own(&Object::Capsule(needed)));
    put(&store, 3, 0, Whose::Others).expect("room");
    put(&store, 4, 0, Whose::Others).expect("room");
    let is_there = |of: CapsuleHash| store.path(&Object::Capsule(of)).exists();
    assert_eq!([needs, needed].map(is_there), [true, true]);
}

/// The books grow without asking.
#[test]
fn what_is_not_an_object_counts_too() {
    let (dir, store) = store(3500);
    let kept = put(&store, 1, 9, Whose::Own).expect("room");
    let dropped = put(&store, 2, 5, Whose::Others).expect("room");
    fs::create_dir_all(dir.path().join("db/deep")).expect("a directory");
    fs::write(dir.path().join("db/deep/log"), vec![0; 2000]).expect("written");
    let used = store.used().expect("a measure");
    assert_eq!((used.bytes.get(), used.spare.get()), (3000, 0));
    assert_eq!([kept, dropped].map(|it| has(&store, &it)), [true, false]);
    fs::write(dir.path().join("db/more"), vec![0; 2000]).expect("written");
    assert_eq!(store.used().expect("a measure").bytes, ByteLen::new(5000));
    let error = put(&store, 3, 0, Whose::Others).expect_err("the books have it all");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn without_a_limit_nothing_is_dropped() {
    let (dir, _) = store(0);
    let store = ObjectStore::new(dir.path(), None);
    for fill in 0..20 {
        put(&store, fill, 0, Whose::Others).expect("room");
    }
    assert_eq!(store.used().expect("a measure").spare, ByteLen::new(20_000));
}
