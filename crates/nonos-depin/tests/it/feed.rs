//! The bytes of the feed.

use nonos_depin::{Body, Claimed, Entry, EntryDigest, Ledger};
use nonos_store::{Durability, MemoryStore, Store as _};
use nonos_types::*;
use proptest::prelude::*;

use crate::support::*;

/// One entry's envelope a line; made by a second implementation.
const FEED: &str = include_str!("../vectors/feed.hex");
const HEAD: &str = "3f86845e75f548a775f68f355c4982227d28483c889e9ab23c005fea2290a5bc";

fn envelopes() -> Vec<Vec<u8>> {
    FEED.lines().map(|line| hex::decode(line).expect("hex")).collect()
}

fn fee(job: u8, slot: u16, receipt: u8, atto: u128) -> Line {
    Line {
        slot: Slot::new(slot),
        receipt: ReceiptId::from_bytes([receipt; 32]),
        ..line(job, FeeKind::Execute, atto)
    }
}

fn bodies() -> [Body; 5] {
    let (author, peer) = (key(7), key(8));
    [
        Body::Hold {
            job: job(2),
            amount: Amount::from_atto(1000),
        },
        Body::Paid {
            voucher: Box::new(voucher(&author, id(&peer), 1, 700, &[fee(2, 3, 3, 700)])),
        },
        Body::Release { job: job(2) },
        Body::Claimed(Claimed {
            receipt: ReceiptId::from_bytes([4; 32]),
            requester: id(&peer),
            job: job(5),
            slot: Slot::new(1),
            amount: Amount::from_atto(900),
        }),
        Body::Received {
            voucher: Box::new(voucher(&peer, id(&author), 1, 650, &[fee(5, 1, 4, 650)])),
        },
    ]
}

#[test]
fn entries_have_the_bytes_of_the_second_implementation() {
    let store = feed(&key(7), &bodies());
    for (expected, sequence) in envelopes().iter().zip(1..) {
        let stored = store
            .get(&entry_key(sequence))
            .expect("a read")
            .expect("it is there");
        assert_eq!(hex::encode(stored), hex::encode(expected), "entry {sequence}");
    }
}

#[test]
fn the_feed_of_the_second_implementation_is_whole() {
    let store = MemoryStore::new();
    for (envelope, sequence) in envelopes().iter().zip(1..) {
        store
            .put(&entry_key(sequence), envelope, Durability::Durable)
            .expect("a write");
    }
    let author = id(&key(7));
    let report = Ledger::rebuild(&store, NETWORK, author).expect("it is whole");
    assert_eq!((report.entries, report.head.to_string()), (5, HEAD.to_owned()));
    let ledger = Ledger::open(std::sync::Arc::new(store), NETWORK, author).expect("it opens");
    assert_eq!(ledger.verify().expect("it is whole"), report);
    let balance = ledger.balance().expect("a balance");
    assert_eq!(balance.spent.execute.atto(), 700);
    assert_eq!(balance.earned.execute.atto(), 650);
    assert_eq!((balance.held.atto(), balance.due.atto()), (0, 0));
    assert_eq!(ledger.owed_by(id(&key(8))).expect("a balance").atto(), -50);
    let read = ledger.entries(None, 9).expect("entries");
    assert_eq!(read.into_iter().map(|it| it.body).collect::<Vec<_>>(), bodies());
}

#[test]
fn the_books_write_these_entries() {
    let node = Node::new(7);
    node.hold(2, 1000).expect("held");
    let voucher = node.pay(id(&key(8)), &[fee(2, 3, 3, 700)]).expect("paid");
    assert!(voucher.is_some());
    node.release(2).expect("released");
    for (expected, sequence) in envelopes()[..3].iter().zip(1..) {
        let stored = node
            .store
            .get(&entry_key(sequence))
            .expect("a read")
            .expect("it is there");
        assert_eq!(hex::encode(stored), hex::encode(expected), "entry {sequence}");
    }
}

fn hold() -> Entry {
    Entry {
        network: NETWORK,
        incarnation: Incarnation::ZERO,
        sequence: Sequence::new(1),
        prev: EntryDigest::ZERO,
        body: Body::Hold {
            job: job(2),
            amount: Amount::from_atto(1000),
        },
        at: NOW,
    }
}

fn bad_field(result: Result<Entry, Error>) -> &'static str {
    match result {
        Err(Error::BadField { field, .. } | Error::Missing { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn refuses_an_entry_out_of_its_domain() {
    let read = |entry: Entry| Entry::from_bytes(&entry.to_bytes());
    assert_eq!(read(hold()), Ok(hold()));
    let first = Entry {
        sequence: Sequence::ZERO,
        ..hold()
    };
    assert_eq!(bad_field(read(first)), "sequence");
    let nothing = Entry {
        body: Body::Hold {
            job: job(2),
            amount: Amount::ZERO,
        },
        ..hold()
    };
    assert_eq!(bad_field(read(nothing)), "amount");
    // network, sequence, prev, and no body.
    let bare = [&[0x0a, 32][..], &[1; 32], &[0x18, 1, 0x22, 32], &[0; 32]].concat();
    assert_eq!(bad_field(Entry::from_bytes(&bare)), "body");
}

#[test]
fn refuses_an_entry_that_is_cut_or_continued() {
    let bytes = hold().to_bytes();
    // Without its last field it is the same at time zero: that it was cut is for the signature to tell.
    let without_time = bytes.len() - 6;
    for len in (0..bytes.len()).filter(|len| *len != without_time) {
        assert!(Entry::from_bytes(&bytes[..len]).is_err(), "{len} bytes");
    }
    let at = Timestamp::ZERO;
    assert_eq!(
        Entry::from_bytes(&bytes[..without_time]),
        Ok(Entry { at, ..hold() })
    );
    let longer = [&bytes[..], &[0]].concat();
    assert!(Entry::from_bytes(&longer).is_err());
    let unknown = [&bytes[..], &[0x60, 1]].concat();
    assert_eq!(
        Entry::from_bytes(&unknown),
        Err(Error::NotCanonical {
            message: "feed-entry"
        })
    );
}

#[test]
fn refuses_an_entry_with_a_voucher_that_does_not_verify() {
    let [_, paid, ..] = bodies();
    let entry = Entry { body: paid, ..hold() };
    let mut bytes = entry.to_bytes();
    // The voucher's signature ends where the time begins: a tag and five bytes.
    let at = bytes.len() - 7;
    bytes[at] ^= 1;
    assert_eq!(Entry::from_bytes(&bytes), Err(Error::BadSignature));
}

#[test]
fn refuses_more_bytes_than_an_entry_has() {
    let long = vec![0; 10 * 1024 + 1];
    let refused = Entry::from_bytes(&long);
    assert!(matches!(refused, Err(Error::TooLong { .. })), "{refused:?}");
}

/// Who judges evidence about feeds knows where an entry stands, and not what it says.
#[test]
fn every_entry_is_read_by_who_knows_only_where_it_stands() {
    assert_eq!((FeedPlace::TYPE, FeedPlace::MAX), (Entry::TYPE, Entry::MAX));
    for bytes in envelopes() {
        let entry = Signed::<Entry>::from_bytes(&bytes).expect("an entry");
        let head = Signed::<FeedPlace>::from_bytes(&bytes).expect("the head of one");
        assert_eq!(head.network, entry.network);
        assert_eq!(
            (head.incarnation, head.sequence),
            (entry.incarnation, entry.sequence)
        );
        assert_eq!((head.id(), head.to_bytes()), (entry.id(), bytes));
        assert_eq!(head.value().to_bytes(), entry.value().to_bytes());
    }
}

#[test]
fn the_longest_voucher_fits_an_entry() {
    let lines: Vec<_> = (0..Voucher::MAX_LINES as u8)
        .map(|it| Line {
            slot: Slot::MAX,
            ..line(it, FeeKind::Verify, u128::MAX >> 8)
        })
        .collect();
    let voucher = Box::new(voucher(&key(1), id(&key(2)), u64::MAX, u128::MAX, &lines));
    let entry = Entry {
        body: Body::Paid { voucher },
        sequence: Sequence::MAX,
        incarnation: Incarnation::MAX,
        at: Timestamp::MAX,
        ..hold()
    };
    assert!(ByteLen::from(entry.to_bytes().len()) <= Entry::MAX);
}

proptest! {
    #[test]
    fn reads_nothing_it_would_write_otherwise(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(entry) = Entry::from_bytes(&bytes) {
            prop_assert_eq!(entry.to_bytes(), bytes);
        }
    }

    #[test]
    fn a_changed_entry_is_another_or_none(at in 0..130usize, bit in 0..8u8) {
        let mut bytes = hold().to_bytes();
        bytes[at] ^= 1 << bit;
        if let Ok(entry) = Entry::from_bytes(&bytes) {
            prop_assert_ne!(&entry, &hold());
            prop_assert_eq!(entry.to_bytes(), bytes);
        }
    }
}
