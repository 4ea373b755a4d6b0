//! How much may be unpaid between two nodes. Each job here costs 100, and may cost 1000.

use nonos_types::{Amount, FeeKind, JobId, Line, ReceiptId, Slot};

use super::world::*;

fn is_paid(world: &World, job: JobId) -> bool {
    world.nodes[0].engine.jobs[&job].is_paid()
}

fn refused(world: &World, node: usize, job: JobId) -> Option<&str> {
    let job = &world.nodes[node].engine.jobs[&job];
    job.refused.as_ref().map(|it| it.code)
}

/// The second node, by itself, runs for the first; a job is paid, and another is offered.
fn second_job(node: usize, config: &str) -> (World, JobId) {
    let mut world = World::new(2);
    world.configure(node, config);
    let first = world.submit(1, 0, 6000).expect("a job");
    world.pass(20);
    assert!(is_paid(&world, first));
    assert_eq!(
        world.nodes[1]
            .engine
            .ledger
            .owed_by(world.id(0))
            .expect("a sum")
            .atto(),
        100
    );
    let second = world.submit(2, 0, 6000).expect("a job");
    world.pass(100);
    (world, second)
}

#[test]
fn nothing_is_run_for_who_would_leave_more_unpaid_than_it_may() {
    let (world, job) = second_job(1, "[credit]\nbase = \"1100\"\n");
    assert!(is_paid(&world, job), "it may leave just that much");
    let (mut world, job) = second_job(1, "[credit]\nbase = \"1099\"\n");
    assert!(!is_paid(&world, job));
    assert_eq!(refused(&world, 1, job), Some("credit"));
    assert!(world.nodes[0].engine.jobs[&job].seats[0].claims.is_empty());
    world.configure(1, "[credit]\nbase = \"1100\"\n");
    world.pass(200);
    assert!(is_paid(&world, job), "the operator trusts it further");
}

/// What was asked and is not signed is unpaid, too.
#[test]
fn a_requester_that_signs_nothing_gets_no_further() {
    let mut world = World::new(2);
    world.configure(1, "[credit]\nbase = \"1099\"\n");
    let first = world.submit(1, 0, 6000).expect("a job");
    world.pass(3);
    // It stops before it could pay; the receipt is made.
    let requester = world.id(0);
    world.stop(0);
    world.pass(20);
    let ledger = &world.nodes[1].engine.ledger;
    assert_eq!(ledger.owed_by(requester).expect("a sum").atto(), 0);
    assert_eq!(ledger.unpaid_by(requester).expect("a sum").atto(), 100);
    world.message(1, id(&key(9)), signed(offer(9, START, START + 6000), &key(1)));
    world.run();
    let second = nonos_types::Signed::new(offer(9, START, START + 6000), &key(1)).job();
    assert_eq!(refused(&world, 1, second), Some("credit"));
    assert_eq!(refused(&world, 1, first), None);
    // Another requester owes nothing.
    world.message(1, id(&key(9)), signed(offer(9, START, START + 6000), &key(8)));
    world.run();
    let other = nonos_types::Signed::new(offer(9, START, START + 6000), &key(8)).job();
    assert_eq!(refused(&world, 1, other), None);
}

#[test]
fn a_run_that_is_awarded_unasked_is_not_begun_beyond_the_limit() {
    let mut world = World::new(2);
    world.configure(1, "[credit]\nbase = \"999\"\n");
    let job = world.submit(1, 0, 6000).expect("a job");
    let award = nonos_types::Award {
        network: network(),
        job,
        slot: Slot::ZERO,
        executor: world.id(1),
        at: nonos_types::Timestamp::new(world.time()),
        sealed_key: None,
    };
    // What it was offered is prepared all the same.
    let facts = std::sync::Arc::new(facts());
    let result = Ok(facts);
    world.give(1, crate::engine::Input::Prepared { job, result });
    world.message(1, world.id(0), signed(award, &key(1)));
    world.run();
    world.pass(60);
    assert_eq!(refused(&world, 1, job), Some("credit"));
    assert_eq!((world.nodes[1].ran.len(), world.nodes[1].running.len()), (0, 0));
}

#[test]
fn nobody_gets_a_slot_who_would_be_owed_more_than_the_requester_wants() {
    let (world, job) = second_job(0, "[credit]\nmost_owed = \"1100\"\n");
    assert!(is_paid(&world, job), "it may owe just that much");
    let (mut world, job) = second_job(0, "[credit]\nmost_owed = \"1099\"\n");
    let seat = &world.nodes[0].engine.jobs[&job].seats[0];
    assert!(seat.award.is_none() && seat.claims == [world.id(1)]);
    let why = world.nodes[0].engine.why_not_about(&job.to_string());
    let why = why.expect("readable").expect("a name").expect("a job");
    assert!(why.findings[0].text.contains("most_owed"), "{why:?}");
    world.configure(0, "[credit]\nmost_owed = \"1100\"\n");
    world.pass(200);
    assert!(is_paid(&world, job));
}

/// What it has the award for and is not paid yet counts in full.
#[test]
fn awards_together_promise_no_more_than_the_requester_wants_to_owe() {
    for (most, awarded) in [(1999, 1), (2000, 2)] {
        let mut world = World::new(2);
        world.proving_s = 1000;
        world.configure(0, &format!("[credit]\nmost_owed = \"{most}\"\n"));
        for salt in 1..=2 {
            let job = world.submit(salt, 0, 6000).expect("a job");
            let claim = nonos_types::Claim {
                network: network(),
                job,
                slot: Slot::ZERO,
                at: nonos_types::Timestamp::new(world.time()),
                box_key: None,
            };
            world.message(0, world.id(1), signed(claim, &key(2)));
            world.run();
        }
        let jobs = world.nodes[0].engine.jobs.values();
        let awards = jobs.filter(|job| job.seats[0].award.is_some()).count();
        assert_eq!(awards, awarded, "{most}");
    }
}

#[test]
fn no_job_is_offered_for_more_than_the_requester_wants_to_owe() {
    for (most, taken) in [(999, false), (1000, true)] {
        let mut world = World::new(2);
        world.configure(0, &format!("[credit]\nmost_owed = \"{most}\"\n"));
        assert_eq!(world.submit(1, 0, 600).is_some(), taken);
    }
}

#[test]
fn nothing_is_paid_that_would_be_owed_beyond_the_limit() {
    let mut world = World::new(2);
    world.configure(0, "[credit]\nmost_owed = \"100\"\n");
    let peer = world.id(1);
    for (amount, slot, owed) in [(101, 0, 0), (99, 1, 99), (2, 2, 99), (1, 3, 100), (1, 4, 100)] {
        let line = Line {
            job: JobId::from_bytes([7; 32]),
            slot: Slot::new(slot),
            kind: FeeKind::Verify,
            receipt: ReceiptId::from_bytes([7; 32]),
            amount: Amount::from_atto(amount),
        };
        world.nodes[0].engine.pay(peer, line).expect("no reason to stop");
        assert_eq!(
            world.nodes[0].engine.ledger.owed_by(peer).expect("a sum").atto(),
            -owed
        );
    }
}
