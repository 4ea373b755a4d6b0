use std::ops::Bound;

use nonos_store::{Batch, Durability, Error, Key, MemoryStore, Record, Store, Table};
use nonos_types::*;
use proptest::prelude::*;

const SLOTS: Table<Slot, Timestamp> = Table::new("slot");
const SLOTS_2: Table<Slot, Timestamp> = Table::new("slot-2");
const BYTES: Table<Vec<u8>, Vec<u8>> = Table::new("slot-bytes");

fn write(store: &MemoryStore, fill: impl FnOnce(&mut Batch)) {
    let mut batch = Batch::new();
    fill(&mut batch);
    store.write(&batch, Durability::Durable).expect("a write");
}

#[test]
fn tables_do_not_see_each_other() {
    let store = MemoryStore::new();
    let (slot, time) = (Slot::new(1), Timestamp::new(2));
    write(&store, |batch| {
        SLOTS_2.put(batch, &slot, &time);
        BYTES.put(batch, &vec![], &vec![]);
        BYTES.put(batch, &vec![0xff; 40], &vec![]);
    });
    assert_eq!(SLOTS.get(&store, &slot).expect("a read"), None);
    assert_eq!(SLOTS.entries(&store, Bound::Unbounded, 10).expect("a scan"), []);
    assert_eq!(
        SLOTS_2.entries(&store, Bound::Unbounded, 10).expect("a scan"),
        [(slot, time)]
    );
    assert_eq!(
        BYTES.entries(&store, Bound::Unbounded, 10).expect("a scan").len(),
        2
    );
    write(&store, |batch| SLOTS_2.delete(batch, &slot));
    assert_eq!(SLOTS_2.get(&store, &slot).expect("a read"), None);
}

#[test]
fn pages_through_entries_in_the_order_of_keys() {
    let store = MemoryStore::new();
    write(&store, |batch| {
        for slot in [256, 3, 255, 65_535, 1] {
            SLOTS.put(batch, &Slot::new(slot), &Timestamp::new(slot.into()));
        }
    });
    let page = |from: Bound<u16>, limit| {
        let from = from.map(Slot::new);
        let entries = SLOTS.entries(&store, from.as_ref(), limit).expect("a scan");
        entries
            .into_iter()
            .map(|(slot, _)| slot.get())
            .collect::<Vec<_>>()
    };
    assert_eq!(page(Bound::Unbounded, 2), [1, 3]);
    assert_eq!(page(Bound::Excluded(3), 2), [255, 256]);
    assert_eq!(page(Bound::Included(256), 9), [256, 65_535]);
    assert_eq!(page(Bound::Excluded(65_535), 9), [0; 0]);
    assert_eq!(page(Bound::Unbounded, 0), [0; 0]);
}

#[test]
fn refuses_to_insert_twice() {
    let store = MemoryStore::new();
    write(&store, |batch| {
        SLOTS.insert(batch, &Slot::new(1), &Timestamp::new(1))
    });
    let mut batch = Batch::new();
    SLOTS.put(&mut batch, &Slot::new(2), &Timestamp::new(2));
    SLOTS.insert(&mut batch, &Slot::new(1), &Timestamp::new(2));
    let error = store
        .write(&batch, Durability::Durable)
        .expect_err("the key is there");
    assert!(matches!(error, Error::Exists { .. }), "{error:?}");
    assert_eq!(error.fault(), Fault::Caller);
    assert_eq!(
        SLOTS.get(&store, &Slot::new(1)).expect("a read"),
        Some(Timestamp::new(1))
    );
    assert_eq!(SLOTS.get(&store, &Slot::new(2)).expect("a read"), None);
}

#[test]
fn names_the_table_of_an_entry_it_cannot_read() {
    let bad_entry = |result: Result<bool, Error>| {
        let error = result.expect_err("unreadable");
        assert!(matches!(error, Error::BadEntry { table: "slot" }), "{error:?}");
    };
    let store = MemoryStore::new();
    store
        .put(b"slot\0\0\x01", b"short", Durability::Durable)
        .expect("a write");
    bad_entry(SLOTS.get(&store, &Slot::new(1)).map(|it| it.is_some()));
    bad_entry(
        SLOTS
            .entries(&store, Bound::Unbounded, 10)
            .map(|it| it.is_empty()),
    );

    let store = MemoryStore::new();
    store
        .put(b"slot\0long key", &[0; 8], Durability::Durable)
        .expect("a write");
    bad_entry(
        SLOTS
            .entries(&store, Bound::Unbounded, 10)
            .map(|it| it.is_empty()),
    );
}

proptest! {
    #[test]
    fn keys_and_records_are_read_as_written(time: u64, atto: u128, node: [u8; 32], digest: [u8; 32], bytes: Vec<u8>) {
        let time = Timestamp::new(time);
        prop_assert_eq!(Timestamp::from_key(&time.to_key()), Some(time));
        let amount = Amount::from_atto(atto);
        prop_assert_eq!(Amount::from_record(&amount.to_record()), Some(amount));
        let pair = (NodeId::from_bytes(node), Nonce::from_bytes(digest));
        prop_assert_eq!(Key::from_key(&pair.to_key()), Some(pair));
        prop_assert_eq!(Vec::<u8>::from_record(&bytes.to_record()), Some(bytes));
        prop_assert_eq!(<(NodeId, Nonce)>::from_key(&node), None);
    }

    #[test]
    fn numbers_order_as_numbers(left: u64, right: u64) {
        let key = |number| Fuel::new(number).to_key();
        prop_assert_eq!(key(left).cmp(&key(right)), left.cmp(&right));
    }
}
