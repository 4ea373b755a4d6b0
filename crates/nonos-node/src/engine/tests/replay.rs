//! Scenario 8: what is said again costs nothing, and two things under one nonce convict.

use std::collections::BTreeSet;

use nonos_depin::Body;
use nonos_store::Store;
use nonos_trust::TrustBook;
use nonos_types::*;

use super::{hostile::list, world::*};
use crate::journal::Journal;

/// All that a node has journalled.
fn all(world: &World, node: usize) -> Vec<Message> {
    let store: std::sync::Arc<dyn Store> = std::sync::Arc::clone(&world.nodes[node].store) as _;
    let journal = Journal::new(store);
    let (mut last, mut messages) = (Sequence::ZERO, vec![]);
    loop {
        let page = journal.after(last, 1000).expect("messages");
        let Some((end, _)) = page.last() else {
            return messages;
        };
        last = *end;
        let read = |(_, bytes): (_, Vec<u8>)| Message::from_bytes_of_any_kind(&bytes).expect("a message");
        messages.extend(page.into_iter().map(read));
    }
}

fn checks(world: &World) -> usize {
    world.checks.values().sum()
}

/// Which fees a node has booked as paid: each job, slot, payee and kind.
fn fees(world: &World, node: usize) -> Vec<(JobId, Slot, NodeId, u8)> {
    let entries = world.nodes[node].engine.ledger.entries(None, usize::MAX);
    let mut fees = vec![];
    for entry in entries.expect("entries") {
        if let Body::Paid { voucher } = entry.body {
            let of = |line: &Line| (line.job, line.slot, voucher.payee, line.kind as u8);
            fees.extend(voucher.lines.iter().map(of));
        }
    }
    fees
}

fn assert_once(fees: &[(JobId, Slot, NodeId, u8)]) {
    let once: BTreeSet<_> = fees.iter().collect();
    assert_eq!(once.len(), fees.len(), "no fee twice");
}

/// Two nodes, one of which has paid the other for so many jobs.
fn after_jobs(jobs: usize) -> World {
    let mut world = World::new(2);
    world.proving_s = 1;
    for job in 0..jobs {
        // Jobs are told apart by their time, too.
        let salt = u8::try_from(job % 200).expect("less than 200");
        world.submit(salt, 1, 600).expect("a job");
        world.pass(4);
    }
    world.pass(60);
    world
}

/// Everything is said again, by one who says nothing else, to nodes that have long forgotten the jobs.
fn replayed(jobs: usize) {
    let mut world = after_jobs(jobs);
    let receipts: Vec<Message> = all(&world, 0)
        .into_iter()
        .filter(|it| matches!(it.kind(), Kind::Receipt | Kind::Voucher | Kind::Verdict))
        .collect();
    let of = |kind| receipts.iter().filter(|it| it.kind() == kind).count();
    assert!(
        of(Kind::Receipt) >= jobs && of(Kind::Voucher) > 0,
        "{}",
        receipts.len()
    );
    let kept = |world: &World, node| {
        let all = all(world, node).into_iter();
        all.filter(|it| it.kind() != Kind::Descriptor).count()
    };
    let before = (
        checks(&world),
        fees(&world, 0),
        [0, 1].map(|node| kept(&world, node)),
    );
    assert!(before.0 >= jobs && before.1.len() >= jobs);
    assert_once(&before.1);
    world.millis += 3 * 86_400_000;
    world.pass(1);
    let stranger = id(&key(250));
    for _ in 0..2 {
        for node in 0..2 {
            for message in &receipts {
                world.message(node, stranger, message.clone());
            }
            world.run();
        }
        world.pass(30);
        let after = (
            checks(&world),
            fees(&world, 0),
            [0, 1].map(|node| kept(&world, node)),
        );
        assert_eq!(after, before, "nothing is verified, paid or kept again");
        for node in 0..2 {
            world.stop(node);
            world.start(node);
        }
        world.run();
    }
    world.assert_books_agree();
}

#[test]
fn receipts_that_are_replayed_are_neither_verified_nor_paid_again() {
    replayed(60);
}

#[test]
fn heavy_ten_thousand_receipts_that_are_replayed_are_neither_verified_nor_paid_again() {
    replayed(10_000);
}

/// The same attempt, which has used other fuel.
fn again(it: &Signed<Receipt>, key: &ed25519_dalek::SigningKey, fuel: u64) -> Signed<Receipt> {
    let mut value = it.value().clone();
    value.record.proven.fuel_used = Fuel::new(fuel);
    Signed::new(value, key)
}

/// So many executors, each of whom says two and more things of one run.
fn reused(executors: u8) {
    let mut world = World::new(2);
    for node in &mut world.nodes {
        let store = std::sync::Arc::clone(&node.store) as std::sync::Arc<dyn Store>;
        node.engine.trust = TrustBook::open(store).expect("a book").brake_from(256);
    }
    let keys: Vec<_> = (0..executors).map(|it| key(100 + it)).collect();
    let mut seconds = BTreeSet::new();
    for (number, key) in keys.iter().enumerate() {
        list(&mut world, key);
        let salt = u8::try_from(number).expect("few");
        let job = world.submit(salt, 0, 6000).expect("a job");
        let offer = world.nodes[0].engine.jobs[&job].offer.clone();
        let first = receipt(&offer, key, 0, world.time());
        world.inject(&first.clone().into());
        world.pass(1);
        assert!(!world.blacklisted(0, id(key)));
        // The same run, proved and signed once more, is no fault.
        let mut proved = first.value().clone();
        proved.at = Timestamp::new(world.time() + 1);
        world.inject(&Signed::new(proved, key).into());
        world.run();
        assert!(!world.blacklisted(0, id(key)) && !world.blacklisted(1, id(key)));
        for fuel in 1..4 {
            let second = again(&first, key, fuel);
            seconds.insert(second.receipt_id());
            world.inject(&second.into());
            world.run();
        }
    }
    world.pass(120);
    for node in 0..2 {
        let convictions = world.nodes[node].engine.trust.convictions().expect("a list");
        assert_eq!(convictions.len(), keys.len(), "{node}");
        let names: BTreeSet<_> = convictions.iter().map(|(_, evidence)| evidence).collect();
        assert_eq!(names.len(), keys.len(), "distinct");
        for (peer, evidence) in &convictions {
            let shown = world.nodes[node]
                .engine
                .trust
                .evidence(*evidence)
                .expect("readable");
            let shown = shown.expect("kept");
            assert!(matches!(shown.evidence, Evidence::NonceReuse(_)));
            assert!(keys.iter().any(|key| id(key) == *peer));
        }
        assert_once(&fees(&world, node));
    }
    let again = world.checks.keys().filter(|(_, id)| seconds.contains(id)).count();
    assert_eq!(again, 0, "it takes no proof to be checked");
    world.assert_books_agree();
}

#[test]
fn executors_that_use_a_nonce_twice_are_convicted_each_of_its_own() {
    reused(10);
}

#[test]
fn heavy_a_hundred_executors_that_use_a_nonce_twice_are_convicted_each_of_its_own() {
    reused(100);
}
