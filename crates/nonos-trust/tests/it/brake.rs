use nonos_store::MemoryStore;
use nonos_trust::{Conviction, Deed, TrustBook};
use nonos_types::Timestamp;
use std::sync::Arc;

use crate::sample::*;

const MINUTE: u64 = 60;

/// A book that knows peers 1 to `known`.
fn knowing(known: u8) -> TrustBook {
    let book = book();
    for seed in 1..=known {
        runs(&book, peer(seed), Deed::Good, 0..1, NOW);
    }
    book
}

fn convict(book: &TrustBook, seed: u8, at: Timestamp) -> Conviction {
    let accusation = accusation(&key(seed), 0);
    book.convict(&accusation, &guilty(&accusation), at)
        .expect("is judged")
}

#[test]
fn more_than_a_fifth_and_at_least_three_freeze_convictions() {
    let book = knowing(14);
    for seed in [1, 2] {
        assert_eq!(convict(&book, seed, NOW), Conviction::New);
        assert!(!book.frozen(NOW).expect("is answered"));
    }
    let before = book.standing(peer(3), NOW).expect("is known");
    assert_eq!(convict(&book, 3, NOW), Conviction::Frozen);
    assert!(book.frozen(NOW).expect("is answered"));
    assert!(!book.is_blacklisted(peer(3)).expect("is answered"));
    assert_eq!(book.standing(peer(3), NOW).expect("is known"), before);
    assert!(
        book.is_blacklisted(peer(1)).expect("is answered"),
        "who was convicted stays so"
    );

    let third = accusation(&key(3), 0);
    let id = third.evidence.id();
    assert_eq!(book.held().expect("is answered"), [(peer(3), id)]);
    assert_eq!(book.evidence(id).expect("is answered"), Some(third));
    assert_eq!(book.convictions().expect("is answered").len(), 2);
}

#[test]
fn a_fifth_is_not_more_than_a_fifth() {
    let book = knowing(15);
    for seed in [1, 2, 3] {
        assert_eq!(convict(&book, seed, NOW), Conviction::New);
    }
    assert_eq!(convict(&book, 4, NOW), Conviction::Frozen);
}

/// In a mesh of four, one or two malicious are plausible.
#[test]
fn two_of_few_do_not_freeze() {
    let book = knowing(3);
    assert_eq!(convict(&book, 1, NOW), Conviction::New);
    assert_eq!(convict(&book, 2, NOW), Conviction::New);
    assert_eq!(convict(&book, 3, NOW), Conviction::Frozen);
}

#[test]
fn many_accusations_of_one_peer_do_not_freeze() {
    let book = knowing(5);
    for job in 0..10 {
        let accusation = accusation(&key(1), job);
        book.convict(&accusation, &guilty(&accusation), NOW)
            .expect("is judged");
        book.unblock(peer(1), NOW).expect("is recorded");
    }
    assert_eq!(book.convictions().expect("is answered").len(), 10);
    assert!(!book.frozen(NOW).expect("is answered"));
}

#[test]
fn guilt_spread_over_more_than_ten_minutes_does_not_freeze() {
    let book = knowing(5);
    assert_eq!(convict(&book, 1, NOW), Conviction::New);
    assert_eq!(convict(&book, 2, later(5 * MINUTE)), Conviction::New);
    assert_eq!(convict(&book, 3, later(10 * MINUTE)), Conviction::New);
    assert_eq!(convict(&book, 4, later(15 * MINUTE - 1)), Conviction::Frozen);
}

#[test]
fn the_same_accusation_convicts_when_the_freeze_is_over() {
    let book = knowing(5);
    for seed in [1, 2, 3, 4, 5] {
        convict(&book, seed, NOW);
    }
    // To hear it again neither convicts nor makes the freeze longer.
    for seed in [3, 4, 5] {
        assert_eq!(convict(&book, seed, later(9 * MINUTE)), Conviction::Frozen);
    }
    assert!(book.frozen(later(10 * MINUTE - 1)).expect("is answered"));
    assert!(!book.frozen(later(10 * MINUTE)).expect("is answered"));
    assert_eq!(convict(&book, 3, later(10 * MINUTE)), Conviction::New);
    assert!(book.is_blacklisted(peer(3)).expect("is answered"));
    assert_eq!(book.held().expect("is answered").len(), 2);
}

#[test]
fn a_freeze_outlives_a_restart() {
    let store = Arc::new(MemoryStore::new());
    let before = TrustBook::open(store.clone()).expect("opens");
    for seed in [1, 2, 3] {
        convict(&before, seed, NOW);
    }
    let after = TrustBook::open(store).expect("opens");
    assert!(after.frozen(NOW).expect("is answered"));
    assert_eq!(convict(&after, 4, NOW), Conviction::Frozen);
}

#[test]
fn what_is_kept_of_a_freeze_is_bounded() {
    let book = knowing(1);
    let many = u8::try_from(TrustBook::MAX_HELD).expect("is small") + 5;
    for seed in 1..=many {
        convict(&book, seed, later(seed.into()));
    }
    let held = book.held().expect("is answered");
    assert_eq!(held.len(), TrustBook::MAX_HELD);
    // 1 and 2 were convicted, 3 to 5 made room, with all that was kept of them.
    assert!(held.iter().all(|(who, _)| (1..=5).all(|seed| *who != peer(seed))));
    for seed in 3..=5 {
        let id = accusation(&key(seed), 0).evidence.id();
        assert_eq!(book.evidence(id).expect("is answered"), None);
    }
}

#[test]
fn an_operator_sets_from_how_many_guilty_on_it_brakes() {
    let book = TrustBook::open(Arc::new(MemoryStore::new()))
        .expect("opens")
        .brake_from(4);
    for seed in [1, 2, 3] {
        assert_eq!(convict(&book, seed, NOW), Conviction::New);
    }
    assert_eq!(convict(&book, 4, NOW), Conviction::Frozen);
}

/// Peers of these seeds with ten runs that were found right.
fn establish(book: &TrustBook, seeds: std::ops::RangeInclusive<u8>) {
    for seed in seeds {
        runs(book, peer(seed), Deed::Good, 0..10, NOW);
    }
}

#[test]
fn newcomers_in_great_number_freeze_no_convictions_but_their_own() {
    let book = knowing(5);
    establish(&book, 100..=119);
    for seed in 1..=40 {
        convict(&book, seed, NOW);
    }
    assert_eq!(convict(&book, 50, NOW), Conviction::Frozen);
    assert!(book.frozen(NOW).expect("is answered"));
    assert!(!book.in_doubt(NOW).expect("is answered"));
    // A fifth of those who have proved runs.
    for seed in 100..104 {
        assert_eq!(convict(&book, seed, NOW), Conviction::New);
    }
    assert_eq!(convict(&book, 104, NOW), Conviction::Frozen);
    assert!(book.in_doubt(NOW).expect("is answered"));
}

/// Nor do they make up a mesh in which many guilty are few.
#[test]
fn newcomers_in_great_number_do_not_release_the_brake() {
    let book = knowing(90);
    establish(&book, 100..=109);
    assert_eq!(convict(&book, 100, NOW), Conviction::New);
    assert_eq!(convict(&book, 101, NOW), Conviction::New);
    assert_eq!(convict(&book, 102, NOW), Conviction::Frozen);
}

/// Verdicts can be copied, and so can not make anyone more than a newcomer.
#[test]
fn nine_runs_and_a_thousand_verdicts_establish_nobody() {
    let book = book();
    for seed in 1..=10 {
        runs(&book, peer(seed), Deed::Good, 0..9, NOW);
        for job in 0..100 {
            let verdict = nonos_trust::Observation {
                context: nonos_trust::Context::Verify,
                ..run(peer(seed), Deed::Good, job)
            };
            book.observe(&verdict, NOW).expect("is counted");
        }
        convict(&book, seed, NOW);
    }
    assert!(book.frozen(NOW).expect("is answered"));
    assert!(!book.in_doubt(NOW).expect("is answered"));
}

#[test]
fn what_is_controlled_is_not_frozen_and_freezes_nothing() {
    let book = knowing(14);
    let controlled = |seed: u8| {
        let accusation = accusation(&key(seed), 0);
        let convicted = book.convict_controlled(&accusation, &guilty(&accusation), NOW);
        convicted.expect("is judged")
    };
    for seed in 1..=10 {
        assert_eq!(controlled(seed), Conviction::New);
        assert!(!book.frozen(NOW).expect("is answered"));
    }
    for seed in [11, 12] {
        assert_eq!(convict(&book, seed, NOW), Conviction::New);
    }
    assert_eq!(convict(&book, 13, NOW), Conviction::Frozen);
    // What was held convicts as soon as it is controlled.
    assert_eq!(controlled(13), Conviction::New);
    assert_eq!(book.held().expect("is answered"), []);
    assert!(book.is_blacklisted(peer(13)).expect("is answered"));
    assert_eq!(controlled(13), Conviction::Known);
}
