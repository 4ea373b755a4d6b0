//! After any failed write the books are whole, and what failed can be repeated without paying or booking twice.

use nonos_depin::{Error, Received};
use nonos_types::*;

use crate::support::*;

type Step = fn(&Node<Failing>, &Node) -> Result<(), Error>;

/// What a node does with its books; each step writes once.
const STEPS: &[Step] = &[
    |alice, _| alice.hold(1, 10),
    |alice, bob| {
        let lines = [line(1, FeeKind::Execute, 7), line(1, FeeKind::Seed, 1)];
        alice.pay(bob.id(), &lines).map(drop)
    },
    |alice, _| alice.release(1),
    |alice, bob| alice.claim(&receipt(&alice.key, 2, 9, 0), bob.id()),
    |alice, bob| {
        let voucher = voucher(&bob.key, alice.id(), 1, 9, &[line(2, FeeKind::Execute, 9)]);
        alice.receive(&voucher).map(drop)
    },
    |alice, bob| alice.pay(bob.id(), &[line(3, FeeKind::Verify, 2)]).map(drop),
];

/// The sums and how many entries they took.
fn outcome(alice: &Node<Failing>, bob: &Node) -> (String, usize, i128) {
    let balance = format!("{:?}", alice.ledger.balance().expect("a balance"));
    (balance, alice.entries(), alice.owed_by(bob.id()))
}

#[test]
fn any_failed_write_can_be_repeated() {
    let (undisturbed, bob) = (Node::over(1, Failing::new(Failure::Lost)), Node::new(2));
    for step in STEPS {
        step(&undisturbed, &bob).expect("no write fails");
    }
    let expected = outcome(&undisturbed, &bob);
    assert_eq!(expected.1, STEPS.len());

    for failure in [Failure::Lost, Failure::Unconfirmed] {
        for failing in 0..STEPS.len() {
            let (mut alice, bob) = (Node::over(1, Failing::new(failure)), Node::new(2));
            alice.store.fail_after(failing);
            for step in STEPS {
                let entries = alice.entries();
                let Err(error) = step(&alice, &bob) else { continue };
                assert!(matches!(error, Error::Store(_)), "{error:?}");
                alice.reopen();
                let written = usize::from(failure == Failure::Unconfirmed);
                assert_eq!(alice.entries(), entries + written);
                alice.ledger.verify().expect("they are whole");
                step(&alice, &bob).expect("it can be repeated");
            }
            assert!(alice.store.has_failed());
            alice.ledger.verify().expect("they are whole");
            assert_eq!(outcome(&alice, &bob), expected, "{failure:?}, write {failing}");
            fetch_all(&alice, &bob);
            assert_eq!(bob.ledger.balance().expect("a balance").earned.execute.atto(), 7);
            assert_eq!(bob.ledger.balance().expect("a balance").earned.verify.atto(), 2);
        }
    }
}

#[test]
fn a_voucher_that_was_written_and_not_returned_can_be_found() {
    let (alice, bob) = (Node::over(1, Failing::new(Failure::Unconfirmed)), Node::new(2));
    alice.store.fail_after(0);
    let lines = [line(1, FeeKind::Execute, 7)];
    assert!(alice.pay(bob.id(), &lines).is_err());
    assert_eq!(alice.pay(bob.id(), &lines).expect("it is paid"), None);
    let voucher = alice
        .ledger
        .last_voucher(bob.id())
        .expect("a voucher")
        .expect("paid");
    assert_eq!(bob.receive(&voucher).expect("booked"), Received::Booked);
    assert_eq!(bob.owed_by(alice.id()), -alice.owed_by(bob.id()));
}

#[test]
fn a_voucher_that_was_lost_was_never_signed_away() {
    let (alice, bob) = (Node::over(1, Failing::new(Failure::Lost)), Node::new(2));
    alice.store.fail_after(0);
    assert!(alice.pay(bob.id(), &[line(1, FeeKind::Execute, 7)]).is_err());
    assert_eq!(alice.ledger.last_voucher(bob.id()).expect("none"), None);
    assert_eq!(alice.ledger.paid(job(1), Slot::ZERO).expect("none"), None);
    assert_eq!(alice.owed_by(bob.id()), 0);
}

/// Bob asks for what he lacks, from the newest voucher back.
fn fetch_all(alice: &Node<Failing>, bob: &Node) {
    let newest = alice
        .ledger
        .last_voucher(bob.id())
        .expect("a voucher")
        .expect("paid");
    while let Received::Gap { have } = bob.receive(&newest).expect("a good voucher") {
        let next = alice
            .ledger
            .voucher(bob.id(), Incarnation::ZERO, Sequence::new(have.get() + 1));
        let next = next.expect("a voucher").expect("paid");
        assert_eq!(bob.receive(&next).expect("a good voucher"), Received::Booked);
    }
    assert_eq!(bob.receive(&newest).expect("a good voucher"), Received::Known);
}
