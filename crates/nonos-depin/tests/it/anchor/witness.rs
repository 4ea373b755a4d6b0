use std::sync::Arc;

use nonos_depin::anchor::{BatchId, Commitment, Countersignature, Error, Quorum, StateRoot, WitnessBook};
use nonos_store::MemoryStore;
use nonos_types::*;

use super::{NODE, commitment};
use crate::support::{NOW, id, key};

const WITNESS: u8 = 21;

fn signed(commitment: &Commitment) -> Envelope {
    Envelope::sign(commitment, &key(NODE))
}

#[test]
fn signs_a_chain_in_its_order_and_the_same_again() {
    let store = Arc::new(MemoryStore::new());
    for number in [1, 1, 2, 3, 3] {
        // A new book each time: what was signed is in the store.
        let mut book = WitnessBook::new(store.clone());
        let answer = book
            .countersign(&signed(&commitment(number)), NOW, &key(WITNESS))
            .expect("it follows, or is the newest");
        let (answer, signer) = answer.open::<Countersignature>().expect("it is signed");
        assert_eq!(answer.commitment, commitment(number).digest());
        assert_eq!((answer.at, signer), (NOW, id(&key(WITNESS))));
    }
}

#[test]
fn signs_no_two_in_one_place() {
    let mut book = WitnessBook::new(MemoryStore::new());
    for number in [1, 2] {
        book.countersign(&signed(&commitment(number)), NOW, &key(WITNESS))
            .expect("it follows");
    }
    let good = commitment(2);
    let mut refuse = |bad: Commitment| {
        book.countersign(&signed(&bad), NOW, &key(WITNESS))
            .expect_err("it is signed only once")
    };
    let other_root = refuse(Commitment {
        root: StateRoot::ZERO,
        ..good
    });
    assert!(
        matches!(other_root, Error::Differs { field: "root", .. }),
        "{other_root:?}"
    );
    let other_name = refuse(Commitment {
        batch: BatchId::from_bytes([9; 32]),
        ..good
    });
    assert!(
        matches!(other_name, Error::OtherBatch { anchored, .. } if anchored == good.batch),
        "{other_name:?}"
    );
    let behind = refuse(commitment(1));
    assert!(
        matches!(behind, Error::StalePrev { head, .. } if head == good.batch),
        "{behind:?}"
    );
    let ahead = refuse(commitment(4));
    assert!(
        matches!(ahead, Error::StalePrev { head, .. } if head == good.batch),
        "{ahead:?}"
    );
    let nameless = refuse(Commitment {
        batch: BatchId::ZERO,
        prev: good.batch,
        ..good
    });
    assert!(matches!(nameless, Error::BadBatch), "{nameless:?}");
}

#[test]
fn keeps_the_chains_of_nodes_apart() {
    let mut book = WitnessBook::new(MemoryStore::new());
    book.countersign(&signed(&commitment(1)), NOW, &key(WITNESS))
        .expect("the first of a chain");
    let other = Commitment {
        submitter: id(&key(2)),
        root: StateRoot::ZERO,
        ..commitment(1)
    };
    book.countersign(&Envelope::sign(&other, &key(2)), NOW, &key(WITNESS))
        .expect("another node's first");
}

#[test]
fn signs_nothing_that_its_node_did_not() {
    let mut book = WitnessBook::new(MemoryStore::new());
    let forged = Envelope::sign(&commitment(1), &key(3));
    let refused = book.countersign(&forged, NOW, &key(WITNESS));
    assert!(matches!(refused, Err(Error::Unreadable(_))), "{refused:?}");
    let own = book.countersign(&signed(&commitment(1)), NOW, &key(NODE));
    assert!(matches!(own, Err(Error::Oneself)), "{own:?}");
}

#[test]
fn a_quorum_is_of_some_of_its_witnesses() {
    let witnesses = [id(&key(1)), id(&key(2)), id(&key(2))];
    for (needed, good) in [(0, false), (1, true), (2, true), (3, false)] {
        let quorum = Quorum::new(witnesses, needed);
        assert_eq!(quorum.is_ok(), good, "{needed} of two");
    }
}
