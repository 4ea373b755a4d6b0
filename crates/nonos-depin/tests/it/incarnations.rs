//! Batches of books that were resumed: accounts of later incarnations, and two batches of one number.

use nonos_depin::{
    Batch, BatchError, FeedHead, MAX_AMOUNT, Reason,
    anchor::{self, WitnessBook},
    rollup::{AccountId, State},
    settlement::{Settlement, commitment},
};
use nonos_store::MemoryStore;
use nonos_types::*;
use nonos_verify::Statement as _;

use crate::support::*;

const EXECUTE: FeeKind = FeeKind::Execute;

fn settlement(node: &Node) -> Settlement {
    Settlement::open(node.store.clone(), NETWORK, node.id()).expect("it opens")
}

fn batch(node: &Node) -> Signed<Batch> {
    let made = settlement(node).batch(&node.ledger, MAX_AMOUNT, &node.key);
    made.expect("a batch")
}

/// Goes on in the next incarnation.
fn resume(node: &Node) -> FeedHead {
    let head = node.ledger.head().expect("a head");
    let resumed = node.ledger.resume(head, Reason::Behind, &node.key, NOW);
    resumed.expect("it goes on")
}

fn pay(payer: &Node, payee: &Node, job: u8, atto: u128) {
    let paid = payer.pay(payee.id(), &[line(job, EXECUTE, atto)]);
    let voucher = paid.expect("paid").expect("a voucher");
    let booked = payee.receive(&voucher);
    assert_eq!(booked.expect("it is good"), nonos_depin::Received::Booked);
}

fn in_life(life: u32) -> Incarnation {
    Incarnation::new(life)
}

#[test]
fn each_incarnation_of_a_peer_has_an_account_of_its_own() {
    let (author, peer) = (id(&key(1)), id(&key(2)));
    let of = |life| AccountId::of(NETWORK, author, peer, in_life(life));
    assert_eq!(of(0), AccountId::new(NETWORK, author, peer));
    let accounts: std::collections::BTreeSet<_> = (0..64).map(of).collect();
    assert_eq!(accounts.len(), 64);
    assert_ne!(of(1), AccountId::of(NETWORK, author, id(&key(3)), in_life(1)));
    assert_ne!(of(1), AccountId::of(NETWORK, peer, author, in_life(1)));
}

/// On both sides: what is paid in incarnation 1 is numbered and summed by itself, beside that of incarnation 0.
#[test]
fn vouchers_of_a_later_incarnation_are_posted_to_its_account_only() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    pay(&alice, &bob, 1, 7);
    pay(&alice, &bob, 2, 4);
    resume(&alice);
    pay(&alice, &bob, 3, 5);
    for (node, peer) in [(&alice, &bob), (&bob, &alice)] {
        let entries = node.ledger.feed(Sequence::ZERO, 100).expect("entries");
        let made = State::new(NETWORK, node.id())
            .batch(&entries, MAX_AMOUNT)
            .expect("a batch");
        for (statement, witness) in &made.chunks {
            statement.check(witness).expect("it holds");
        }
        let channel = |life| {
            made.state
                .channel_in(peer.id(), in_life(life))
                .expect("an account")
        };
        let pays = node.id() == alice.id();
        let of = |life| {
            let it = channel(life);
            if pays {
                (
                    it.spent.atto(),
                    it.issued.get(),
                    it.earned.atto(),
                    it.received.get(),
                )
            } else {
                (
                    it.earned.atto(),
                    it.received.get(),
                    it.spent.atto(),
                    it.issued.get(),
                )
            }
        };
        assert_eq!((of(0), of(1)), ((11, 2, 0, 0), (5, 1, 0, 0)));
        assert_eq!(made.state.channel_in(peer.id(), in_life(2)), None);
        assert_eq!(made.state.channel(peer.id()), Some(channel(0)));
        // The entries alone tell it, too.
        let audited = State::new(NETWORK, node.id())
            .audit(&made.batch, &entries)
            .expect("it is what they come to");
        assert_eq!(audited.root(), made.state.root());
    }
}

/// The account is the payer's incarnation's: the payee that was resumed goes on with its payer where they were.
#[test]
fn a_payee_that_is_resumed_has_its_payers_account_as_before() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    pay(&alice, &bob, 1, 7);
    resume(&bob);
    pay(&alice, &bob, 2, 4);
    let entries = bob.ledger.feed(Sequence::ZERO, 100).expect("entries");
    let made = State::new(NETWORK, bob.id())
        .batch(&entries, MAX_AMOUNT)
        .expect("a batch");
    let channel = made.state.channel(alice.id()).expect("an account");
    assert_eq!((channel.earned.atto(), channel.received.get()), (11, 2));
    assert_eq!(made.state.channel_in(alice.id(), in_life(1)), None);
}

/// Another life of the same node's: it has a store of its own, and the same key.
fn twice() -> (Node, Signed<Batch>, Node, Signed<Batch>) {
    let (before, after, bob) = (Node::new(1), Node::new(1), Node::new(2));
    pay(&before, &bob, 1, 7);
    let first = batch(&before);
    let resumed = after.ledger.resume(
        before.ledger.head().expect("a head"),
        Reason::Behind,
        &after.key,
        NOW,
    );
    resumed.expect("it goes on");
    after.pay(bob.id(), &[line(2, EXECUTE, 4)]).expect("paid");
    // It knows of none.
    let second = batch(&after);
    (before, first, after, second)
}

#[test]
fn a_store_that_lost_a_batch_signs_another_of_its_number() {
    let (_, first, _, second) = twice();
    assert_eq!((first.number, second.number), (1, 1));
    assert_ne!(first.value().id(), second.value().id());
    let follows = second.follows(&first).expect_err("it is in its place");
    assert!(
        matches!(follows, BatchError::NotNext { field: "number" }),
        "{follows:?}"
    );
}

#[test]
fn a_witness_of_the_first_refuses_the_second_and_what_follows_it() {
    let (_, first, after, second) = twice();
    let mut book = WitnessBook::new(MemoryStore::new());
    let mut countersign = |batch: &Signed<Batch>| {
        let signed = Envelope::sign(&commitment(batch.value()), &key(1));
        book.countersign(&signed, NOW, &key(21))
    };
    countersign(&first).expect("the first of a chain");
    let refused = countersign(&second).expect_err("it has signed another in its place");
    assert!(
        matches!(refused, anchor::Error::OtherBatch { anchored, .. } if anchored == first.value().id()),
        "{refused:?}"
    );
    after.pay(id(&key(2)), &[line(3, EXECUTE, 1)]).expect("paid");
    let third = batch(&after);
    third.follows(&second).expect("of its own chain");
    let refused = countersign(&third).expect_err("its chain is another");
    assert!(matches!(refused, anchor::Error::StalePrev { .. }), "{refused:?}");
    countersign(&first).expect("the same again");
}

#[test]
fn the_entries_of_one_are_not_those_of_the_other() {
    let (before, first, after, second) = twice();
    for (node, right, wrong) in [(&before, &first, &second), (&after, &second, &first)] {
        let entries = node.ledger.feed(Sequence::ZERO, 100).expect("entries");
        let state = State::new(NETWORK, node.id());
        state.audit(right, &entries).expect("its own");
        let refused = state.audit(wrong, &entries).map(|it| it.root());
        assert!(refused.is_err(), "{refused:?}");
    }
}
