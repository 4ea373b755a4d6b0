//! The bytes of batches, and which batch follows which.

use nonos_depin::rollup::{RollupStatement, Root, State, Sums, empty_root};
use nonos_depin::{Batch, BatchError, BatchId, EntriesRoot, Entry};
use nonos_types::*;
use nonos_verify::{Public, Statement as _};

use crate::support::*;

/// Of a second implementation: two batches of `feed.hex`, each followed by the statement of its one chunk.
const BATCHES: &str = include_str!("../vectors/batch.hex");
const FEED: &str = include_str!("../vectors/feed.hex");
const LIMIT: Amount = Amount::from_atto(1_000_000);
const IDS: [&str; 2] = [
    "29a4b9649e2bd6ae6ff6a7feb5c892462d80732956c80a48184f2c675d0b88f0",
    "68efc504116ee3c7c813d6cd9fd48918901700a01b94e9fcedeac76ff359b449",
];

fn vectors() -> Vec<Vec<u8>> {
    BATCHES
        .lines()
        .map(|line| hex::decode(line).expect("hex"))
        .collect()
}

fn entries() -> Vec<Signed<Entry>> {
    let read = |line| Signed::from_bytes(&hex::decode(line).expect("hex")).expect("an entry");
    FEED.lines().map(read).collect()
}

#[test]
fn batches_have_the_bytes_of_the_second_implementation() {
    let (entries, vectors) = (entries(), vectors());
    let mut state = State::new(NETWORK, id(&key(7)));
    for (number, part) in [&entries[..3], &entries[3..]].into_iter().enumerate() {
        let made = state.batch(part, LIMIT).expect("a batch");
        assert_eq!(
            hex::encode(made.batch.to_bytes()),
            hex::encode(&vectors[2 * number])
        );
        assert_eq!(made.batch.id().to_string(), IDS[number]);
        let [(statement, witness)] = &made.chunks[..] else {
            panic!("one chunk")
        };
        assert_eq!(
            hex::encode(statement.bytes()),
            hex::encode(&vectors[2 * number + 1])
        );
        statement.check(witness).expect("it holds");
        state = made.state;
    }
}

#[test]
fn reads_the_batches_of_the_second_implementation() {
    let vectors = vectors();
    let read = |at: usize| Batch::from_bytes(&vectors[at]).expect("a batch");
    let (first, second) = (read(0), read(2));
    assert_eq!(
        (first.to_bytes(), second.to_bytes()),
        (vectors[0].clone(), vectors[2].clone())
    );
    second.follows(&first).expect("it follows");
    for (batch, at) in [(first, 1), (second, 3)] {
        let statement = RollupStatement::decode(&Public::new(vectors[at].clone())).expect("a statement");
        batch.check_chunks(&[statement]).expect("its chunk");
    }
}

fn first() -> Batch {
    Batch::from_bytes(&vectors()[0]).expect("a batch")
}

fn second() -> Batch {
    Batch::from_bytes(&vectors()[2]).expect("a batch")
}

#[track_caller]
fn refused(batch: Batch, field: &str) {
    match Batch::from_bytes(&batch.to_bytes()) {
        Err(Error::BadField { field: found, .. } | Error::Missing { field: found, .. }) => {
            assert_eq!(found, field);
        }
        other => panic!("{other:?}"),
    }
}

fn sums(sum: Amount) -> Sums {
    let mut sums = *second().sums.amounts();
    sums[7] = sum;
    Sums::new(sums)
}

#[test]
fn refuses_a_batch_out_of_its_domain() {
    let most = Amount::from_atto((1 << 127) - 1);
    let fits = Batch {
        sums: sums(most),
        ..second()
    };
    Batch::from_bytes(&fits.to_bytes()).expect("the largest sum");
    let (most, more) = (Amount::from_atto(1 << 96), Amount::from_atto((1 << 96) + 1));
    let fits = Batch {
        limit: most,
        ..second()
    };
    Batch::from_bytes(&fits.to_bytes()).expect("the largest limit");

    let other = Root::from_bytes([1; 32]).expect("an element");
    refused(
        Batch {
            number: 0,
            ..second()
        },
        "number",
    );
    refused(
        Batch {
            prev: BatchId::from_bytes([1; 32]),
            ..first()
        },
        "number",
    );
    refused(
        Batch {
            first: Sequence::new(2),
            ..first()
        },
        "number",
    );
    refused(
        Batch {
            old_root: other,
            ..first()
        },
        "number",
    );
    refused(
        Batch {
            prev: BatchId::ZERO,
            ..second()
        },
        "prev",
    );
    refused(
        Batch {
            first: Sequence::ZERO,
            ..second()
        },
        "first",
    );
    refused(
        Batch {
            last: Sequence::new(3),
            ..second()
        },
        "last",
    );
    let last = Sequence::new(4 + Batch::MAX_ENTRIES);
    refused(Batch { last, ..second() }, "last");
    refused(
        Batch {
            postings: Batch::MAX_POSTINGS + 1,
            ..second()
        },
        "postings",
    );
    refused(
        Batch {
            postings: 0,
            ..second()
        },
        "postings",
    );
    refused(
        Batch {
            sums: sums(Amount::from_atto(1 << 127)),
            ..second()
        },
        "sums",
    );
    refused(
        Batch {
            limit: more,
            ..second()
        },
        "limit",
    );
}

#[test]
fn refuses_a_root_that_is_no_field_element() {
    let bytes = second().to_bytes();
    let root = second().new_root.to_bytes();
    let at = bytes
        .windows(32)
        .position(|window| window == root)
        .expect("it is there");
    let mut bad = bytes.clone();
    bad[at + 31] |= 0x80;
    assert_eq!(Batch::from_bytes(&bytes), Ok(second()));
    let refused = Batch::from_bytes(&bad);
    assert!(
        matches!(
            refused,
            Err(Error::BadField {
                field: "new_root",
                ..
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn refuses_a_batch_that_is_cut_or_continued() {
    let bytes = second().to_bytes();
    for len in 0..bytes.len() {
        assert!(Batch::from_bytes(&bytes[..len]).is_err(), "{len} bytes");
    }
    assert!(Batch::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    let unknown = [&bytes[..], &[0x70, 1]].concat();
    assert_eq!(
        Batch::from_bytes(&unknown),
        Err(Error::NotCanonical { message: "batch" })
    );
    let long = Batch::from_bytes(&[0; 513]);
    assert!(matches!(long, Err(Error::TooLong { .. })), "{long:?}");
}

#[test]
fn only_the_author_signs_a_batch() {
    let own = Signed::new(first(), &key(7)).to_bytes();
    assert_eq!(
        Signed::<Batch>::from_bytes(&own).map(|it| it.value().clone()),
        Ok(first())
    );
    let others = Signed::new(first(), &key(8)).to_bytes();
    assert_eq!(
        Signed::<Batch>::from_bytes(&others),
        Err(Error::WrongSigner { message: "batch" })
    );
}

#[test]
fn refuses_a_batch_that_does_not_follow() {
    let follows = |batch: Batch| batch.follows(&first());
    assert_eq!(follows(second()), Ok(()));
    let not_next = |field| Err(BatchError::NotNext { field });
    assert_eq!(
        follows(Batch {
            network: NetworkId::from_bytes([2; 32]),
            ..second()
        }),
        not_next("network")
    );
    assert_eq!(
        follows(Batch {
            author: id(&key(8)),
            ..second()
        }),
        not_next("author")
    );
    assert_eq!(
        follows(Batch {
            number: 3,
            ..second()
        }),
        not_next("number")
    );
    assert_eq!(
        follows(Batch {
            prev: BatchId::from_bytes([9; 32]),
            ..second()
        }),
        not_next("prev")
    );
    assert_eq!(
        follows(Batch {
            old_root: empty_root(),
            ..second()
        }),
        not_next("old_root")
    );
    // An entry in two batches, and one in none.
    assert_eq!(
        follows(Batch {
            first: Sequence::new(3),
            ..second()
        }),
        not_next("first")
    );
    assert_eq!(
        follows(Batch {
            first: Sequence::new(5),
            ..second()
        }),
        not_next("first")
    );
}

#[test]
fn the_name_of_a_batch_is_that_of_all_its_fields() {
    let other = EntriesRoot::from_bytes([7; 32]);
    assert_ne!(
        Batch {
            entries_root: other,
            ..second()
        }
        .id(),
        second().id()
    );
    assert_ne!(
        Batch {
            limit: Amount::ZERO,
            ..second()
        }
        .id(),
        second().id()
    );
}
