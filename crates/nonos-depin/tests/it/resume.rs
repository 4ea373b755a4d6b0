use std::sync::Arc;

use ed25519_dalek::SigningKey;
use nonos_depin::{
    Body, Entry, EntryDigest, Error, FeedHead, Heard, Ledger, MAX_INCARNATION, Reason, Received, Resume,
};
use nonos_store::MemoryStore;
use nonos_types::*;

use crate::support::*;

const EXECUTE: FeeKind = FeeKind::Execute;

fn head(incarnation: u32, sequence: u64) -> FeedHead {
    FeedHead {
        incarnation: Incarnation::new(incarnation),
        sequence: Sequence::new(sequence),
        digest: EntryDigest::from_bytes([9; 32]),
    }
}

/// Goes on after all that was signed.
fn resume(node: &Node, last: FeedHead) -> Result<FeedHead, Error> {
    node.ledger.resume(last, Reason::Behind, &node.key, NOW)
}

/// A voucher as its payer could have signed it in that incarnation.
fn voucher_in(
    payer: &SigningKey,
    payee: NodeId,
    incarnation: u32,
    sequence: u64,
    total: u128,
    lines: &[Line],
) -> Signed<Voucher> {
    let mut it = voucher(payer, payee, sequence, total, lines).value().clone();
    it.incarnation = Incarnation::new(incarnation);
    Signed::new(it, payer)
}

#[test]
fn vouchers_begin_anew_and_what_was_owed_stays_owed() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    let first = alice
        .pay(bob.id(), &[line(1, EXECUTE, 7)])
        .expect("paid")
        .expect("new");
    assert_eq!(bob.receive(&first).expect("good"), Received::Booked);
    let at = resume(&alice, alice.ledger.head().expect("a head")).expect("it goes on");
    assert_eq!((at.incarnation.get(), at.sequence.get()), (1, 2));
    let next = alice
        .pay(bob.id(), &[line(2, EXECUTE, 5)])
        .expect("paid")
        .expect("new");
    assert_eq!(
        (next.incarnation.get(), next.sequence.get(), next.total.atto()),
        (1, 1, 5)
    );
    assert_eq!(
        alice.ledger.last_voucher(bob.id()).expect("one"),
        Some(next.clone())
    );
    assert_eq!(bob.receive(&next).expect("good"), Received::Booked);
    assert_eq!(bob.receive(&first).expect("good"), Received::Known);
    assert_eq!(bob.receive(&next).expect("good"), Received::Known);
    assert_eq!((alice.owed_by(bob.id()), bob.owed_by(alice.id())), (-12, 12));
    // What was paid is not paid again.
    assert_eq!(
        alice.pay(bob.id(), &[line(1, EXECUTE, 7)]).expect("nothing"),
        None
    );
    alice.ledger.verify().expect("whole");
    bob.ledger.verify().expect("whole");
}

#[test]
fn what_was_lost_is_taken_back_in_its_order_and_once() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    let lost: Vec<_> = (1..=3)
        .map(|n| {
            let total = u128::from(n) * 5;
            voucher_in(&alice.key, bob.id(), 0, n, total, &[line(n as u8, EXECUTE, 5)])
        })
        .collect();
    let take = |it| alice.ledger.take_back(it, &alice.key, NOW);
    let early = take(&lost[0]);
    assert!(matches!(early, Err(Error::OtherIncarnation { .. })), "{early:?}");
    resume(&alice, head(0, 50)).expect("it goes on");
    let have = Sequence::ZERO;
    assert_eq!(take(&lost[1]).expect("good"), Received::Gap { have });
    for it in &lost {
        assert_eq!(take(it).expect("good"), Received::Booked);
        assert_eq!(take(it).expect("good"), Received::Known);
    }
    assert_eq!(alice.owed_by(bob.id()), -15);
    assert_eq!(
        alice.pay(bob.id(), &[line(2, EXECUTE, 5)]).expect("nothing"),
        None
    );
    let other = voucher_in(&alice.key, bob.id(), 0, 1, 4, &[line(9, EXECUTE, 4)]);
    assert!(matches!(take(&other), Err(Error::Conflict { .. })));
    let foreign = voucher_in(&bob.key, alice.id(), 0, 1, 4, &[line(9, EXECUTE, 4)]);
    assert!(matches!(take(&foreign), Err(Error::WrongKey { .. })));
    let mut elsewhere = lost[0].value().clone();
    elsewhere.network = NetworkId::named("elsewhere");
    let elsewhere = Signed::new(elsewhere, &alice.key);
    assert!(matches!(take(&elsewhere), Err(Error::ForeignNetwork { .. })));
    let wrong = voucher_in(&alice.key, bob.id(), 0, 4, 16, &[line(4, EXECUTE, 2)]);
    assert!(matches!(take(&wrong), Err(Error::WrongTotal { .. })));
    alice.ledger.verify().expect("whole");
}

/// Whichever of them comes first, on both sides.
#[test]
fn of_a_fee_that_was_signed_in_several_incarnations_the_largest_counts_once() {
    let (alice, bob) = (key(1), key(2));
    let amounts = [5, 7, 6];
    let vouchers: Vec<_> = (0..3)
        .map(|life| {
            let amount = amounts[life as usize];
            voucher_in(&alice, id(&bob), life, 1, amount, &[line(1, EXECUTE, amount)])
        })
        .collect();
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (payer, payee) = (Node::new(1), Node::new(2));
        resume(&payer, head(2, 50)).expect("it goes on");
        for it in order {
            assert_eq!(payee.receive(&vouchers[it]).expect("good"), Received::Booked);
            let back = payer.ledger.take_back(&vouchers[it], &payer.key, NOW);
            assert_eq!(back.expect("good"), Received::Booked);
        }
        assert_eq!(
            (payer.owed_by(id(&bob)), payee.owed_by(id(&alice))),
            (-7, 7),
            "{order:?}"
        );
        // Not twice in one of them, whichever counts.
        for life in 0..3 {
            let amount = amounts[life as usize] + 9;
            let again = voucher_in(&alice, id(&bob), life, 2, amount, &[line(1, EXECUTE, 9)]);
            let refused = payee.receive(&again);
            assert!(
                matches!(refused, Err(Error::SameLine { .. })),
                "{order:?}, {life}: {refused:?}"
            );
        }
        for node in [&payer, &payee] {
            node.ledger.verify().expect("whole");
        }
    }
}

#[test]
fn two_executors_of_one_slot_are_both_owed_if_one_was_forgotten() {
    let (alice, bob, carol) = (Node::new(1), id(&key(2)), id(&key(3)));
    resume(&alice, head(0, 50)).expect("it goes on");
    alice.pay(carol, &[line(1, EXECUTE, 7)]).expect("paid");
    let second = alice.pay(bob, &[line(1, EXECUTE, 7)]);
    assert!(matches!(second, Err(Error::PaidToAnother { .. })), "{second:?}");
    let forgotten = voucher_in(&alice.key, bob, 0, 1, 7, &[line(1, EXECUTE, 7)]);
    let back = alice.ledger.take_back(&forgotten, &alice.key, NOW);
    assert_eq!(back.expect("it was signed"), Received::Booked);
    assert_eq!((alice.owed_by(bob), alice.owed_by(carol)), (-7, -7));
    alice.ledger.verify().expect("whole");
}

#[test]
fn books_are_resumed_only_after_all_that_they_have() {
    let alice = Node::new(1);
    for job in 1..=3 {
        alice.hold(job, 5).expect("held");
    }
    let refused = resume(&alice, head(0, 2));
    assert!(matches!(refused, Err(Error::NotAfter { .. })), "{refused:?}");
    assert_eq!(resume(&alice, head(4, 1)).expect("after").incarnation.get(), 5);
    let refused = resume(&alice, head(4, 99));
    assert!(matches!(refused, Err(Error::NotAfter { .. })), "{refused:?}");
    let most = FeedHead {
        incarnation: MAX_INCARNATION,
        ..head(0, 1)
    };
    let refused = resume(&alice, most);
    assert!(
        matches!(refused, Err(Error::TooManyIncarnations { .. })),
        "{refused:?}"
    );
    alice.ledger.verify().expect("whole");
}

#[test]
fn vouchers_of_more_incarnations_than_there_are_are_refused() {
    let bob = Node::new(2);
    let last = MAX_INCARNATION.get();
    let good = voucher_in(&key(1), bob.id(), last, 1, 7, &[line(1, EXECUTE, 7)]);
    assert_eq!(bob.receive(&good).expect("good"), Received::Booked);
    let more = voucher_in(&key(1), bob.id(), last + 1, 1, 7, &[line(2, EXECUTE, 7)]);
    let refused = bob.receive(&more);
    assert!(
        matches!(refused, Err(Error::TooManyIncarnations { .. })),
        "{refused:?}"
    );
}

#[test]
fn knows_its_own_entries_from_those_it_lacks() {
    let alice = Node::new(1);
    let hear = |it| alice.ledger.hear(&it).expect("readable");
    assert_eq!(hear(FeedHead::NONE), Heard::Ours);
    assert_eq!(hear(head(0, 1)), Heard::Elsewhere);
    alice.hold(1, 5).expect("held");
    let first = alice.ledger.head().expect("a head");
    alice.hold(2, 5).expect("held");
    assert_eq!(
        (hear(first), hear(head(0, 1)), hear(head(0, 3))),
        (Heard::Ours, Heard::Elsewhere, Heard::Elsewhere)
    );
    assert_eq!(hear(head(1, 1)), Heard::Later);
    resume(&alice, head(0, 9)).expect("it goes on");
    assert_eq!(
        (hear(first), hear(head(0, 9)), hear(head(1, 9))),
        (Heard::Ours, Heard::Past, Heard::Elsewhere)
    );
}

/// Entries that are well signed and chained, and of an incarnation that they cannot be of.
#[test]
fn an_incarnation_begins_with_a_resume_entry_and_with_no_other() {
    let key = key(1);
    let hold = |n| Body::Hold {
        job: job(n),
        amount: Amount::from_atto(5),
    };
    let resume = |incarnation, sequence| {
        let (last, reason) = (head(incarnation, sequence), Reason::Doubled);
        Body::Resume(Resume { last, reason })
    };
    let verify = |entries: &[(u32, Body)]| {
        let store = MemoryStore::new();
        let mut prev = EntryDigest::ZERO;
        for ((incarnation, body), sequence) in entries.iter().zip(1..) {
            let entry = Entry {
                network: NETWORK,
                incarnation: Incarnation::new(*incarnation),
                sequence: Sequence::new(sequence),
                prev,
                body: body.clone(),
                at: NOW,
            };
            prev = entry.digest(id(&key));
            let bytes = Signed::new(entry, &key).to_bytes();
            let durable = nonos_store::Durability::Durable;
            nonos_store::Store::put(&store, &entry_key(sequence), &bytes, durable).expect("a write");
        }
        let store = Arc::new(store);
        Ledger::rebuild(&*store, NETWORK, id(&key))?;
        Ledger::open(store, NETWORK, id(&key))?.verify()
    };
    verify(&[(0, hold(1)), (1, resume(0, 1)), (1, hold(2))]).expect("as it should be");
    verify(&[(3, resume(2, 7)), (3, hold(2))]).expect("also without anything before");
    for wrong in [
        vec![(1, hold(1))],
        vec![(0, hold(1)), (1, hold(2))],
        vec![(0, hold(1)), (1, resume(0, 1)), (0, hold(2))],
        vec![(0, hold(1)), (2, resume(0, 1))],
        vec![(0, hold(1)), (0, resume(0, 1))],
        vec![(0, hold(1)), (0, hold(2)), (1, resume(0, 1))],
        vec![(0, hold(1)), (64, resume(63, 1))],
    ] {
        let refused = verify(&wrong);
        assert!(
            matches!(refused, Err(Error::Corrupt { .. })),
            "{wrong:?}: {refused:?}"
        );
    }
}

#[test]
fn a_resume_entry_has_bytes_of_its_own() {
    let entry = Entry {
        network: NETWORK,
        incarnation: Incarnation::new(2),
        sequence: Sequence::new(9),
        prev: EntryDigest::from_bytes([4; 32]),
        body: Body::Resume(Resume {
            last: head(1, 300),
            reason: Reason::Doubled,
        }),
        at: NOW,
    };
    let mut expected = vec![0x0a, 32];
    expected.extend([1; 32]);
    expected.extend([0x10, 2, 0x18, 9, 0x22, 32]);
    expected.extend([4; 32]);
    expected.extend([0x50, 0x80, 0xa4, 0xa7, 0xda, 0x06]);
    let body: Vec<u8> = [&[0x08, 1, 0x10, 0xac, 0x02, 0x1a, 32][..], &[9; 32], &[0x20, 2]].concat();
    let whole = [&expected[..], &[0x5a, body.len() as u8], &body].concat();
    assert_eq!(entry.to_bytes(), whole);
    assert_eq!(Entry::from_bytes(&whole).as_ref(), Ok(&entry));
    let with = |body: &[u8]| Entry::from_bytes(&[&expected[..], &[0x5a, body.len() as u8], body].concat());
    let reason = [&body[..body.len() - 1], &[3]].concat();
    assert!(matches!(
        with(&reason),
        Err(nonos_types::Error::BadField { field: "reason", .. })
    ));
    let nothing = [&[0x08, 1, 0x1a, 32][..], &[9; 32], &[0x20, 2]].concat();
    assert!(matches!(
        with(&nothing),
        Err(nonos_types::Error::BadField { field: "digest", .. })
    ));
    let unnamed = [&[0x08, 1, 0x10, 1, 0x1a, 32][..], &[0; 32], &[0x20, 2]].concat();
    assert!(matches!(
        with(&unnamed),
        Err(nonos_types::Error::BadField { field: "digest", .. })
    ));
    // Nor has an entry two bodies.
    let hold = [&[0x0a, 32][..], &[5; 32], &[0x12, 16], &5_u128.to_be_bytes()].concat();
    let at = expected.len() - 6;
    let twice = [
        &expected[..at],
        &[0x2a, hold.len() as u8],
        &hold,
        &expected[at..],
        &[0x5a, body.len() as u8],
        &body,
    ]
    .concat();
    assert!(matches!(
        Entry::from_bytes(&twice),
        Err(nonos_types::Error::BadField { field: "body", .. })
    ));
}

#[test]
fn several_are_paid_in_one_write_or_none() {
    let alice = Node::new(1);
    let (bob, carol) = (id(&key(2)), id(&key(3)));
    let pay = |dues: Vec<(NodeId, Vec<Line>)>| alice.ledger.pay_all(dues, &alice.key, NOW);
    let paid = pay(vec![
        (bob, vec![line(1, EXECUTE, 7)]),
        (carol, vec![line(1, FeeKind::Verify, 2)]),
        (bob, vec![line(1, EXECUTE, 7), line(2, EXECUTE, 5)]),
    ]);
    let paid = paid.expect("paid");
    let named: Vec<_> = paid
        .iter()
        .map(|it| (it.payee, it.sequence.get(), it.total.atto()))
        .collect();
    assert_eq!(
        named,
        [(bob, 1, 7), (carol, 1, 2), (bob, 2, 12)],
        "what is paid is left out"
    );
    // The second executor of a slot is nobody's due: nobody is paid.
    let refused = pay(vec![
        (bob, vec![line(3, EXECUTE, 7)]),
        (carol, vec![line(3, EXECUTE, 7)]),
    ]);
    assert!(matches!(refused, Err(Error::PaidToAnother { .. })), "{refused:?}");
    assert_eq!((alice.entries(), alice.owed_by(bob)), (3, -12));
    assert_eq!(pay(vec![(bob, vec![line(1, EXECUTE, 7)])]).expect("nothing"), []);
    alice.ledger.verify().expect("whole");
}
