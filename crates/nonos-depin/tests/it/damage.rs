//! Whatever is changed in the store is found, and named.

use std::sync::Arc;

use nonos_depin::{Damage, Error, Ledger, Report};
use nonos_store::{Batch, Durability::Durable, KeyRange, MemoryStore, Store as _};
use nonos_types::*;

use crate::support::*;

/// Books with an entry of every kind.
fn books() -> Node {
    let (alice, bob) = (Node::new(1), key(2));
    alice.hold(1, 10).expect("held");
    alice
        .pay(id(&bob), &[line(1, FeeKind::Execute, 7)])
        .expect("paid");
    alice.release(1).expect("released");
    alice
        .claim(&receipt(&alice.key, 2, 9, 0), id(&bob))
        .expect("noted");
    let voucher = voucher(&bob, alice.id(), 1, 9, &[line(2, FeeKind::Execute, 9)]);
    assert_eq!(
        alice.receive(&voucher).expect("booked"),
        nonos_depin::Received::Booked
    );
    assert_eq!(alice.ledger.verify().expect("they are whole").entries, ENTRIES);
    alice
}

const ENTRIES: u64 = 5;

fn get(store: &MemoryStore, key: &[u8]) -> Vec<u8> {
    store.get(key).expect("a read").expect("it is there")
}

fn named(result: Result<Report, Error>) -> (u64, Damage) {
    match result {
        Err(Error::Corrupt { entry, source }) => (entry.get(), source),
        other => panic!("no damage is named: {other:?}"),
    }
}

fn table(result: Result<Report, Error>) -> String {
    match result {
        Err(Error::Derived { table }) => table,
        other => panic!("no table is named: {other:?}"),
    }
}

#[test]
fn names_the_entry_of_any_flipped_byte() {
    let alice = books();
    for sequence in 1..=ENTRIES {
        let key = entry_key(sequence);
        let good = get(&alice.store, &key);
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 0x20;
            alice.store.put(&key, &bytes, Durable).expect("a write");
            let (entry, _) = named(alice.ledger.verify());
            assert_eq!(entry, sequence, "byte {at}");
        }
        alice.store.put(&key, &good, Durable).expect("a write");
    }
    alice.ledger.verify().expect("they are whole again");
}

#[test]
fn refuses_to_open_over_a_damaged_newest_entry() {
    let alice = books();
    let key = entry_key(ENTRIES);
    let good = get(&alice.store, &key);
    let open = || Ledger::open(alice.store.clone(), NETWORK, alice.id());
    for bytes in [&good[..good.len() - 1], &[], &[good.clone(), vec![0]].concat()] {
        alice.store.put(&key, bytes, Durable).expect("a write");
        match open() {
            Err(Error::Corrupt {
                entry,
                source: Damage::Unreadable(_),
            }) => assert_eq!(entry.get(), ENTRIES),
            other => panic!("{other:?}"),
        }
        assert_eq!(get(&alice.store, &key), bytes, "it is left as it is");
    }
    alice.store.delete(&key, Durable).expect("a write");
    let missing = open().expect_err("the head names it");
    assert!(
        matches!(missing, Error::Corrupt { entry, source: Damage::Missing } if entry.get() == ENTRIES),
        "{missing:?}"
    );
    alice.store.put(&key, &good, Durable).expect("a write");
    open().expect("they open again");
}

#[test]
fn names_a_removed_entry() {
    for removed in 1..=ENTRIES {
        let alice = books();
        alice.store.delete(&entry_key(removed), Durable).expect("a write");
        let (entry, damage) = named(alice.ledger.verify());
        assert_eq!(entry, removed);
        assert!(matches!(damage, Damage::Missing), "{damage:?}");
    }
}

#[test]
fn names_the_first_of_two_swapped_entries() {
    let alice = books();
    let [two, four] = [2, 4].map(|it| get(&alice.store, &entry_key(it)));
    alice.store.put(&entry_key(2), &four, Durable).expect("a write");
    alice.store.put(&entry_key(4), &two, Durable).expect("a write");
    let (entry, damage) = named(alice.ledger.verify());
    assert_eq!(entry, 2);
    assert!(matches!(damage, Damage::OutOfPlace), "{damage:?}");
}

#[test]
fn names_an_entry_of_another_sequence() {
    let alice = Node::new(1);
    alice.hold(1, 10).expect("held");
    let mut other = alice.ledger.entries(None, 1).expect("entries").remove(0);
    other.sequence = Sequence::new(2);
    let other = Signed::new(other, &alice.key).to_bytes();
    let store = MemoryStore::new();
    store.put(&entry_key(1), &other, Durable).expect("a write");
    let (entry, damage) = named(Ledger::rebuild(&store, NETWORK, alice.id()));
    assert_eq!(entry, 1);
    assert!(matches!(damage, Damage::OutOfPlace), "{damage:?}");
}

#[test]
fn names_an_entry_that_does_not_follow_the_one_before() {
    let alice = books();
    // The author signed another second entry: the third still names the first.
    let mut other = alice
        .ledger
        .entries(Some(Sequence::new(1)), 1)
        .expect("entries")
        .remove(0);
    other.at = Timestamp::new(7);
    let other = Signed::new(other, &alice.key).to_bytes();
    alice.store.put(&entry_key(2), &other, Durable).expect("a write");
    let (entry, damage) = named(alice.ledger.verify());
    assert_eq!(entry, 3);
    assert!(matches!(damage, Damage::OutOfPlace), "{damage:?}");
}

#[test]
fn names_a_newest_entry_that_is_not_the_heads() {
    let alice = books();
    let mut other = alice
        .ledger
        .entries(Some(Sequence::new(ENTRIES - 1)), 1)
        .expect("entries")
        .remove(0);
    other.at = Timestamp::new(7);
    let other = Signed::new(other, &alice.key).to_bytes();
    alice
        .store
        .put(&entry_key(ENTRIES), &other, Durable)
        .expect("a write");
    let (entry, damage) = named(alice.ledger.verify());
    assert_eq!(entry, ENTRIES);
    assert!(matches!(damage, Damage::NotHead), "{damage:?}");
    let open = Ledger::open(alice.store.clone(), NETWORK, alice.id()).map(drop);
    assert!(
        matches!(
            open,
            Err(Error::Corrupt {
                source: Damage::NotHead,
                ..
            })
        ),
        "{open:?}"
    );
}

#[test]
fn names_an_entry_that_another_signed() {
    let alice = books();
    let entry = alice.ledger.entries(None, 1).expect("entries").remove(0);
    let forged = Signed::new(entry, &key(2)).to_bytes();
    alice.store.put(&entry_key(1), &forged, Durable).expect("a write");
    let (entry, damage) = named(alice.ledger.verify());
    assert_eq!(entry, 1);
    assert!(
        matches!(damage, Damage::Author { signer } if signer == id(&key(2))),
        "{damage:?}"
    );
}

#[test]
fn names_an_entry_with_a_forged_signature() {
    let alice = books();
    let bytes = get(&alice.store, &entry_key(1));
    let forged = Signed::new(alice.ledger.entries(None, 1).expect("entries").remove(0), &key(2)).to_bytes();
    // Alice's entry and key, another's signature.
    let bytes = [&bytes[..bytes.len() - 64], &forged[forged.len() - 64..]].concat();
    alice.store.put(&entry_key(1), &bytes, Durable).expect("a write");
    let (entry, damage) = named(alice.ledger.verify());
    assert_eq!(entry, 1);
    assert!(
        matches!(damage, Damage::Unreadable(nonos_types::Error::BadSignature)),
        "{damage:?}"
    );
}

#[test]
fn names_an_entry_of_another_network() {
    let alice = books();
    let mut entry = alice.ledger.entries(None, 1).expect("entries").remove(0);
    entry.network = NetworkId::named("elsewhere");
    let foreign = Signed::new(entry, &alice.key).to_bytes();
    alice
        .store
        .put(&entry_key(1), &foreign, Durable)
        .expect("a write");
    let (entry, damage) = named(alice.ledger.verify());
    assert_eq!(entry, 1);
    assert!(
        matches!(&damage, Damage::Rule(it) if matches!(**it, Error::ForeignNetwork { .. })),
        "{damage:?}"
    );
}

/// Every record but the entries: where it is and what it is.
fn derived(store: &MemoryStore) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    store
        .scan(&KeyRange::ALL, &mut |key, value| {
            if !key.starts_with(b"ledger-entry\0") {
                found.push((key.to_vec(), value.to_vec()));
            }
            std::ops::ControlFlow::Continue(())
        })
        .expect("a scan");
    found
}

#[test]
fn names_the_table_of_any_edited_record() {
    let alice = books();
    let records = derived(&alice.store);
    assert!(records.len() > 15, "there are many to edit");
    for (key, value) in &records {
        let is_head = key.starts_with(b"ledger-head\0");
        let name = String::from_utf8_lossy(key.split(|it| *it == 0).next().expect("a name")).into_owned();
        let mut edited = value.clone();
        *edited.last_mut().expect("no record is empty") ^= 1;
        alice.store.put(key, &edited, Durable).expect("a write");
        if is_head {
            // Head and entry disagree, and the head is what was written last.
            assert_eq!(named(alice.ledger.verify()).0, ENTRIES);
        } else {
            assert_eq!(table(alice.ledger.verify()), name);
        }

        alice.store.delete(key, Durable).expect("a write");
        assert_eq!(table(alice.ledger.verify()), name);
        alice.store.put(key, value, Durable).expect("a write");
        alice.ledger.verify().expect("they are whole again");

        let extra = [&key[..], b"x"].concat();
        alice.store.put(&extra, value, Durable).expect("a write");
        assert_eq!(table(alice.ledger.verify()), name);
        alice.store.delete(&extra, Durable).expect("a write");
    }
}

#[test]
fn derived_tables_can_be_built_again() {
    let alice = books();
    let good = derived(&alice.store);
    let mut batch = Batch::new();
    for (key, _) in &good[..good.len() / 2] {
        batch.delete(key.clone());
    }
    batch.put(good[good.len() / 2].0.clone(), b"garbage".to_vec());
    batch.put(b"ledger-paid\0garbage".to_vec(), vec![]);
    alice.store.write(&batch, Durable).expect("a write");
    assert!(alice.ledger.verify().is_err());

    let report = Ledger::rebuild(&*alice.store, NETWORK, alice.id()).expect("the entries are whole");
    assert_eq!(report.entries, ENTRIES);
    assert_eq!(derived(&alice.store), good);
}

#[test]
fn nothing_is_built_from_damaged_entries() {
    let alice = books();
    alice.store.delete(&entry_key(ENTRIES), Durable).expect("a write");
    let before = derived(&alice.store);
    let result = Ledger::rebuild(&*alice.store, NETWORK, alice.id());
    assert_eq!(named(result).0, ENTRIES);
    assert_eq!(derived(&alice.store), before);
}

#[test]
fn refuses_to_open_entries_without_a_head() {
    let alice = books();
    alice.store.delete(b"ledger-head\0", Durable).expect("a write");
    let open = Ledger::open(alice.store.clone(), NETWORK, alice.id()).map(drop);
    assert!(
        matches!(&open, Err(Error::Derived { table }) if table == "ledger-head"),
        "{open:?}"
    );
}

#[test]
fn refuses_to_open_with_entries_after_the_head() {
    let alice = books();
    let head = get(&alice.store, b"ledger-head\0");
    alice.hold(9, 1).expect("held");
    alice
        .store
        .put(b"ledger-head\0", &head, Durable)
        .expect("a write");
    let store: Arc<MemoryStore> = alice.store.clone();
    let open = Ledger::open(store, NETWORK, alice.id()).map(drop);
    assert!(
        matches!(&open, Err(Error::Derived { table }) if table == "ledger-head"),
        "{open:?}"
    );
}

#[test]
fn an_error_of_the_books_says_what_to_do() {
    let alice = books();
    alice
        .store
        .put(&entry_key(2), b"garbage", Durable)
        .expect("a write");
    let error = alice.ledger.verify().expect_err("it is damaged");
    assert!(error.to_string().starts_with("entry 2 of the books is damaged"));
    assert!(error.to_string().contains("restore"));
    assert_eq!(error.fault(), Fault::Environment);
}
