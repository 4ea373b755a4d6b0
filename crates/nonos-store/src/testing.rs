//! The checks any [`Store`] must pass, and a store that fails, to see what becomes of those who use it.
//!
//! ```
//! nonos_store::testing::check_store(nonos_store::MemoryStore::new);
//! ```

mod faulty;

use std::{
    ops::ControlFlow,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

pub use self::faulty::{Fault, Faulty};
use crate::{Batch, Durability::Buffered, Durability::Durable, Error, KeyRange, Store};

/// Checks everything but what outlives the process.
///
/// ```
/// // Of a store of one's own, as a test; see also `check_persistence`.
/// nonos_store::testing::check_store(nonos_store::MemoryStore::new);
/// ```
///
/// # Panics
/// With the name of the first promise the store does not keep. `fresh` must give an empty store each time.
pub fn check_store<S: Store>(mut fresh: impl FnMut() -> S) {
    gives_back_what_was_written(&fresh());
    applies_a_batch_in_its_order(&fresh());
    scans_in_byte_order_within_the_range(&fresh());
    stops_a_scan_when_told(&fresh());
    refuses_a_batch_whose_key_is_not_new(&fresh());
    lets_one_of_many_insert_a_key(&fresh());
    shows_of_a_batch_all_or_nothing(&fresh());
}

/// Checks what outlives the process: `open` must open the same place each time; it is called when the store it
/// gave before has been dropped.
///
/// # Panics
/// With the name of the first promise the store does not keep.
pub fn check_persistence<S: Store>(mut open: impl FnMut() -> S) {
    let store = open();
    put(&store, b"kept", b"1");
    put(&store, b"changed", b"1");
    put(&store, b"deleted", b"1");
    let mut batch = Batch::new();
    batch
        .put(b"changed".to_vec(), b"2".to_vec())
        .delete(b"deleted".to_vec());
    store.write(&batch, Durable).expect("a batch is written");
    drop(store);

    let store = open();
    let expected = entries(&[("changed", "2"), ("kept", "1")]);
    assert_eq!(
        all(&store),
        expected,
        "finds after reopening what was written durably"
    );
    batch.require_new(b"kept".to_vec());
    assert!(
        matches!(store.write(&batch, Durable), Err(Error::Exists { .. })),
        "knows after reopening which keys exist"
    );
    drop(store);
    assert_eq!(all(&open()), expected, "changes nothing by opening");
}

fn gives_back_what_was_written(store: &impl Store) {
    let cases: [(&[u8], &[u8]); 4] = [
        (b"a", b"1"),
        (b"", b"empty key"),
        (b"\0\xff\0", b""),
        (b"b", &[0; 70_000]),
    ];
    for (key, value) in cases {
        assert_eq!(store.get(key).expect("a read"), None, "is empty when fresh");
        store.put(key, value, Durable).expect("a write");
        assert_eq!(
            store.get(key).expect("a read").as_deref(),
            Some(value),
            "gives back what was written"
        );
    }
    store.put(b"a", b"2", Buffered).expect("a write");
    assert_eq!(
        store.get(b"a").expect("a read").as_deref(),
        Some(&b"2"[..]),
        "overwrites"
    );
    store.delete(b"a", Buffered).expect("a write");
    store
        .delete(b"a", Durable)
        .expect("deleting what is not there is no error");
    assert_eq!(store.get(b"a").expect("a read"), None, "deletes");
    assert_eq!(
        store.get(b"").expect("a read").as_deref(),
        Some(&b"empty key"[..]),
        "deletes no other key"
    );
}

fn applies_a_batch_in_its_order(store: &impl Store) {
    let mut batch = Batch::new();
    batch
        .put(b"a".to_vec(), b"1".to_vec())
        .put(b"a".to_vec(), b"2".to_vec());
    batch.put(b"b".to_vec(), b"1".to_vec()).delete(b"b".to_vec());
    batch.delete(b"c".to_vec()).put(b"c".to_vec(), b"1".to_vec());
    store.write(&batch, Durable).expect("a batch is written");
    assert_eq!(
        all(store),
        entries(&[("a", "2"), ("c", "1")]),
        "applies a batch in its order"
    );
    store
        .write(&Batch::new(), Durable)
        .expect("an empty batch is no error");
}

fn scans_in_byte_order_within_the_range(store: &impl Store) {
    let keys: [&[u8]; 7] = [b"", b"\0", b"a", b"a\0", b"a\xff", b"b", b"\xff\xff"];
    for key in keys.iter().rev() {
        put(store, key, b"");
    }
    let within = |start: &[u8], end: Option<&[u8]>| {
        let range = KeyRange {
            start: start.to_vec(),
            end: end.map(<[u8]>::to_vec),
        };
        scan(store, &range)
            .into_iter()
            .map(|(key, _)| key)
            .collect::<Vec<_>>()
    };
    assert_eq!(within(b"", None), keys, "scans in ascending byte order");
    assert_eq!(
        within(b"a", Some(b"b")),
        keys[2..5],
        "includes the start and excludes the end"
    );
    assert_eq!(
        within(b"a\x01", Some(b"a\xff")),
        [&b""[..]; 0],
        "finds nothing between two keys"
    );
    assert_eq!(
        within(b"b", Some(b"a")),
        [&b""[..]; 0],
        "finds nothing in a reversed range"
    );
    assert_eq!(
        within(b"b", Some(b"b")),
        [&b""[..]; 0],
        "finds nothing in an empty range"
    );
    assert_eq!(
        within(b"a\xff", None),
        keys[4..],
        "has no end where none is given"
    );
}

fn stops_a_scan_when_told(store: &impl Store) {
    for key in [b"a", b"b", b"c"] {
        put(store, key, b"");
    }
    let mut seen = 0;
    let mut stop_at_two = |_: &[u8], _: &[u8]| {
        seen += 1;
        if seen == 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    store.scan(&KeyRange::ALL, &mut stop_at_two).expect("a scan");
    assert_eq!(seen, 2, "stops a scan when told");
}

fn refuses_a_batch_whose_key_is_not_new(store: &impl Store) {
    put(store, b"old", b"1");
    let mut batch = Batch::new();
    batch.put(b"x".to_vec(), b"1".to_vec()).delete(b"old".to_vec());
    batch.require_new(b"new".to_vec()).require_new(b"old".to_vec());
    match store.write(&batch, Durable) {
        Err(Error::Exists { key }) => assert_eq!(key, b"old", "names the key that exists"),
        other => panic!("refuses a batch whose key is not new, but: {other:?}"),
    }
    assert_eq!(
        all(store),
        entries(&[("old", "1")]),
        "writes nothing of a refused batch"
    );

    let mut batch = Batch::new();
    batch
        .require_new(b"new".to_vec())
        .put(b"new".to_vec(), b"1".to_vec());
    store
        .write(&batch, Durable)
        .expect("a new key is new although the batch itself puts it");
    assert!(
        matches!(store.write(&batch, Durable), Err(Error::Exists { .. })),
        "refuses it the second time"
    );
}

fn lets_one_of_many_insert_a_key(store: &impl Store) {
    const THREADS: u8 = 4;
    const ROUNDS: u8 = 50;
    let barrier = Barrier::new(THREADS.into());
    let inserted = AtomicUsize::new(0);
    let insert = |thread: u8| {
        for round in 0..ROUNDS {
            barrier.wait();
            let mut batch = Batch::new();
            batch.require_new(vec![round]).put(vec![round], vec![thread]);
            match store.write(&batch, Buffered) {
                Ok(()) => {
                    inserted.fetch_add(1, Ordering::Relaxed);
                }
                Err(Error::Exists { .. }) => {}
                Err(error) => panic!("a write failed: {error}"),
            }
        }
    };
    thread::scope(|scope| (0..THREADS).for_each(|thread| drop(scope.spawn(move || insert(thread)))));
    assert_eq!(
        inserted.into_inner(),
        usize::from(ROUNDS),
        "lets exactly one of many insert a key"
    );
}

fn shows_of_a_batch_all_or_nothing(store: &impl Store) {
    let write = |value: u8| {
        let mut batch = Batch::new();
        for key in 0..20 {
            batch.put(vec![key], vec![value]);
        }
        store.write(&batch, Buffered).expect("a batch is written");
    };
    write(0);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            (1..=200).for_each(write);
            done.store(true, Ordering::Release);
        });
        let mut last = false;
        while !last {
            last = done.load(Ordering::Acquire);
            let seen = all(store);
            assert_eq!(seen.len(), 20, "shows every key of a batch");
            assert!(
                seen.iter().all(|(_, value)| *value == seen[0].1),
                "shows of a batch all or nothing"
            );
        }
    });
    assert_eq!(
        all(store)[19].1,
        [200],
        "shows a written batch to every later read"
    );
}

fn put(store: &impl Store, key: &[u8], value: &[u8]) {
    store.put(key, value, Durable).expect("a write");
}

fn all(store: &impl Store) -> Vec<(Vec<u8>, Vec<u8>)> {
    scan(store, &KeyRange::ALL)
}

fn scan(store: &impl Store, range: &KeyRange) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut seen = Vec::new();
    let mut collect = |key: &[u8], value: &[u8]| {
        seen.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    store.scan(range, &mut collect).expect("a scan");
    seen
}

fn entries(pairs: &[(&str, &str)]) -> Vec<(Vec<u8>, Vec<u8>)> {
    pairs
        .iter()
        .map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect()
}
