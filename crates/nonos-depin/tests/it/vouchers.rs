use nonos_depin::{Error, MAX_AMOUNT, Received};
use nonos_types::*;

use crate::support::*;

const EXECUTE: FeeKind = FeeKind::Execute;

#[test]
fn pays_what_is_not_paid_yet() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    let first = [line(1, EXECUTE, 7), line(1, FeeKind::Seed, 2)];
    let voucher = alice.pay(bob.id(), &first).expect("paid").expect("new");
    assert_eq!((voucher.sequence.get(), voucher.total.atto()), (1, 9));
    assert_eq!(voucher.lines, first);

    let second = [
        line(1, EXECUTE, 7),
        line(1, FeeKind::Verify, 1),
        line(2, EXECUTE, 5),
    ];
    let voucher = alice.pay(bob.id(), &second).expect("paid").expect("new");
    assert_eq!((voucher.sequence.get(), voucher.total.atto()), (2, 15));
    assert_eq!(voucher.lines, second[1..]);

    assert_eq!(alice.pay(bob.id(), &second).expect("nothing is left"), None);
    assert_eq!(alice.owed_by(bob.id()), -15);
    assert_eq!(
        alice.ledger.paid(job(1), Slot::ZERO).expect("a mark"),
        Some(bob.id())
    );
    assert_eq!(alice.ledger.paid(job(3), Slot::ZERO).expect("no mark"), None);
}

#[test]
fn a_line_that_was_paid_is_not_paid_again_at_another_amount() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    alice.pay(bob.id(), &[line(1, EXECUTE, 7)]).expect("paid");
    assert_eq!(
        alice.pay(bob.id(), &[line(1, EXECUTE, 8)]).expect("paid before"),
        None
    );
    let twice = [line(2, EXECUTE, 1), line(2, EXECUTE, 3)];
    let voucher = alice.pay(bob.id(), &twice).expect("paid").expect("new");
    assert_eq!(voucher.lines, twice[..1]);
    assert_eq!(alice.owed_by(bob.id()), -8);
}

#[test]
fn leaves_out_lines_of_nothing() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    assert_eq!(
        alice.pay(bob.id(), &[line(1, EXECUTE, 0)]).expect("nothing"),
        None
    );
    assert_eq!(alice.pay(bob.id(), &[]).expect("nothing"), None);
    assert_eq!(alice.entries(), 0);
}

#[test]
fn pays_one_executor_per_slot() {
    let (alice, bob, carol) = (Node::new(1), Node::new(2), Node::new(3));
    alice.pay(bob.id(), &[line(1, EXECUTE, 7)]).expect("paid");
    let lines = [line(1, FeeKind::Seed, 2), line(1, EXECUTE, 7)];
    let second = alice.pay(carol.id(), &lines);
    assert!(
        matches!(second, Err(Error::PaidToAnother { job: it, payee, .. }) if it == job(1) && payee == bob.id()),
        "{second:?}"
    );
    assert_eq!(alice.owed_by(carol.id()), 0);
    // Of seeders and verifiers there may be several, and of slots.
    let other_slot = Line {
        slot: Slot::new(1),
        ..lines[1]
    };
    let voucher = alice.pay(carol.id(), &[lines[0], other_slot]).expect("paid");
    assert_eq!(voucher.expect("new").lines.len(), 2);
    alice.ledger.verify().expect("they are whole");
}

#[test]
fn refuses_to_pay_oneself_or_too_many_lines() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    let own = alice.pay(alice.id(), &[line(1, EXECUTE, 7)]);
    assert!(matches!(own, Err(Error::Oneself)), "{own:?}");
    let lines: Vec<_> = (0..65).map(|job| line(job, EXECUTE, 1)).collect();
    let many = alice.pay(bob.id(), &lines);
    assert!(matches!(many, Err(Error::TooManyLines { most: 64 })), "{many:?}");
    let most = alice.pay(bob.id(), &lines[..64]).expect("paid").expect("new");
    assert_eq!(bob.receive(&most).expect("booked"), Received::Booked);
    bob.ledger.verify().expect("they are whole");
}

#[test]
fn books_a_voucher_once() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    let first = alice
        .pay(bob.id(), &[line(1, EXECUTE, 7)])
        .expect("paid")
        .expect("new");
    let second = alice
        .pay(bob.id(), &[line(2, EXECUTE, 5)])
        .expect("paid")
        .expect("new");
    assert_eq!(bob.receive(&first).expect("booked"), Received::Booked);
    assert_eq!(bob.receive(&first).expect("known"), Received::Known);
    assert_eq!(bob.receive(&second).expect("booked"), Received::Booked);
    assert_eq!(bob.receive(&first).expect("known"), Received::Known);
    assert_eq!(bob.owed_by(alice.id()), 12);
    assert_eq!(bob.entries(), 2);
    let stored = bob
        .ledger
        .received(alice.id(), Incarnation::ZERO, Sequence::new(1))
        .expect("a voucher");
    assert_eq!(stored, Some(first));
}

#[test]
fn says_what_it_has_where_vouchers_are_missing() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    for job in 1..=3 {
        alice.pay(bob.id(), &[line(job, EXECUTE, 5)]).expect("paid");
    }
    let newest = alice
        .ledger
        .last_voucher(bob.id())
        .expect("a voucher")
        .expect("paid");
    assert_eq!(newest.sequence.get(), 3);
    let gap = |have| Received::Gap {
        have: Sequence::new(have),
    };
    assert_eq!(bob.receive(&newest).expect("a gap"), gap(0));
    assert_eq!(bob.entries(), 0);
    for sequence in 1..=2 {
        let voucher = alice
            .ledger
            .voucher(bob.id(), Incarnation::ZERO, Sequence::new(sequence));
        let voucher = voucher.expect("a voucher").expect("paid");
        assert_eq!(bob.receive(&voucher).expect("booked"), Received::Booked);
    }
    assert_eq!(bob.receive(&newest).expect("booked"), Received::Booked);
    assert_eq!(bob.owed_by(alice.id()), 15);
    let none = alice
        .ledger
        .voucher(bob.id(), Incarnation::ZERO, Sequence::new(4))
        .expect("none");
    assert_eq!(none, None);
}

#[test]
fn refuses_a_voucher_to_another_payee() {
    let (bob, carol) = (Node::new(2), Node::new(3));
    // Whether or not it would be the next.
    for sequence in 1..=2 {
        let refused = bob.receive(&voucher(&key(1), carol.id(), sequence, 7, &[line(1, EXECUTE, 7)]));
        assert!(
            matches!(refused, Err(Error::NotPayee { payee }) if payee == carol.id()),
            "{refused:?}"
        );
    }
    assert_eq!(bob.entries(), 0);
}

#[test]
fn refuses_a_voucher_of_another_network() {
    let bob = Node::new(2);
    // Whether or not it would be the next.
    for sequence in 1..=2 {
        let mut foreign = voucher(&key(1), bob.id(), sequence, 7, &[line(1, EXECUTE, 7)])
            .value()
            .clone();
        foreign.network = NetworkId::named("elsewhere");
        let refused = bob.receive(&Signed::new(foreign, &key(1)));
        assert!(
            matches!(refused, Err(Error::ForeignNetwork { expected, .. }) if expected == NETWORK),
            "{refused:?}"
        );
    }
    assert_eq!(bob.entries(), 0);
}

#[test]
fn refuses_a_voucher_with_a_wrong_total() {
    let bob = Node::new(2);
    for (sequence, right, wrong) in [(1, 7, 8), (2, 14, 13), (2, 14, 7), (2, 14, 15)] {
        let lines = [line(sequence, EXECUTE, 7)];
        let refused = bob.receive(&voucher(&key(1), bob.id(), sequence.into(), wrong, &lines));
        match refused {
            Err(Error::WrongTotal { expected, actual }) => {
                assert_eq!((expected.atto(), actual.atto()), (right, wrong));
            }
            other => panic!("{other:?}"),
        }
        let good = voucher(&key(1), bob.id(), sequence.into(), right, &lines);
        if bob.owed_by(id(&key(1))) == 0 {
            assert_eq!(bob.receive(&good).expect("booked"), Received::Booked);
        }
    }
    assert_eq!(bob.owed_by(id(&key(1))), 7);
}

#[test]
fn refuses_a_voucher_of_more_than_the_books_take() {
    let bob = Node::new(2);
    let too_much = MAX_AMOUNT.atto() + 1;
    let lines = [line(1, EXECUTE, too_much)];
    let refused = bob.receive(&voucher(&key(1), bob.id(), 1, too_much, &lines));
    assert!(matches!(refused, Err(Error::TotalTooLarge { .. })), "{refused:?}");
}

#[test]
fn refuses_two_different_vouchers_of_one_sequence() {
    let bob = Node::new(2);
    let first = voucher(&key(1), bob.id(), 1, 7, &[line(1, EXECUTE, 7)]);
    let other = voucher(&key(1), bob.id(), 1, 5, &[line(2, EXECUTE, 5)]);
    assert_eq!(bob.receive(&first).expect("booked"), Received::Booked);
    let conflict = bob.receive(&other);
    assert!(
        matches!(conflict, Err(Error::Conflict { payer, sequence }) if payer == id(&key(1)) && sequence.get() == 1),
        "{conflict:?}"
    );
    assert_eq!(bob.owed_by(id(&key(1))), 7);
}

#[test]
fn refuses_a_voucher_that_pays_a_fee_again() {
    let bob = Node::new(2);
    let first = voucher(&key(1), bob.id(), 1, 7, &[line(1, EXECUTE, 7)]);
    assert_eq!(bob.receive(&first).expect("booked"), Received::Booked);
    let again = bob.receive(&voucher(&key(1), bob.id(), 2, 14, &[line(1, EXECUTE, 7)]));
    assert!(
        matches!(again, Err(Error::SameLine { job: it, .. }) if it == job(1)),
        "{again:?}"
    );
    assert_eq!(bob.owed_by(id(&key(1))), 7);
}

#[test]
fn debts_in_both_directions_are_set_off() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    let there = alice
        .pay(bob.id(), &[line(1, EXECUTE, 7)])
        .expect("paid")
        .expect("new");
    let back = bob
        .pay(alice.id(), &[line(2, FeeKind::Verify, 2)])
        .expect("paid")
        .expect("new");
    assert_eq!(bob.receive(&there).expect("booked"), Received::Booked);
    assert_eq!(alice.receive(&back).expect("booked"), Received::Booked);
    assert_eq!((alice.owed_by(bob.id()), bob.owed_by(alice.id())), (-5, 5));
    let balance = alice.ledger.balance().expect("a balance");
    assert_eq!(balance.spent.execute.atto(), 7);
    assert_eq!(balance.earned.verify.atto(), 2);
    assert_eq!(balance.net.atto(), -5);
    let peers = alice.ledger.peers().expect("peers");
    assert_eq!(peers.len(), 1);
    assert_eq!((peers[0].0, peers[0].1.atto()), (bob.id(), -5));
}
