//! The life of a job.

use nonos_types::FeeKind::{Execute, Verify};

use super::world::*;
use crate::engine::job::Mine;

#[test]
fn a_job_is_paid_once_and_the_books_agree() {
    let mut world = World::new(3);
    let job = world.submit(1, 1, 600).expect("a job");
    world.pass(20);
    let paid = world.paid(0);
    let executors: Vec<_> = paid.iter().filter(|it| it.1 == Execute).collect();
    let verifiers: Vec<_> = paid.iter().filter(|it| it.1 == Verify).collect();
    assert_eq!((executors.len(), verifiers.len()), (1, 1), "{paid:?}");
    assert_ne!(executors[0].0, verifiers[0].0);
    assert_eq!(executors[0].2 + verifiers[0].2, 100);
    assert_eq!(world.held(0), 0);
    world.assert_books_agree();
    for node in &world.nodes {
        assert!(node.engine.open.is_empty(), "what is finished costs nothing");
        assert!(node.engine.jobs[&job].is_paid());
        assert_eq!(node.engine.parked.len(), 0);
    }
}

#[test]
fn an_award_that_brings_nothing_moves_to_the_next_claimant() {
    let mut world = World::new(3);
    world.proving_s = 1000;
    let job = world.submit(1, 0, 600).expect("a job");
    let first = world.nodes[0].engine.jobs[&job].seats[0]
        .award
        .clone()
        .expect("awarded")
        .executor;
    let slow = (1..3).find(|it| world.id(*it) == first).expect("one of two");
    world.pass(30);
    assert_eq!(
        world.nodes[0].engine.jobs[&job].seats[0]
            .award
            .as_ref()
            .expect("awarded")
            .executor,
        first
    );
    world.stop(slow);
    world.proving_s = 5;
    world.pass(40);
    let second = world.nodes[0].engine.jobs[&job].seats[0]
        .award
        .clone()
        .expect("awarded")
        .executor;
    assert_ne!(first, second);
    assert_eq!(world.paid(0), [(second, Execute, 80)].map(|it| (it.0, it.1, 100)));
}

#[test]
fn a_blacklisted_executor_loses_the_job_to_the_next() {
    let mut world = World::new(3);
    let job = world.submit(1, 0, 600).expect("a job");
    let offer = world.nodes[0].engine.jobs[&job].offer.clone();
    let award = world.nodes[0].engine.jobs[&job].seats[0]
        .award
        .clone()
        .expect("awarded");
    let bad = (1..3)
        .find(|it| world.id(*it) == award.executor)
        .expect("one of two");
    let forged = receipt(&offer, &world.nodes[bad].key, 7, START);
    world.invalid.insert(forged.receipt_id());
    world.message(0, award.executor, forged.into());
    world.run();
    let other = 3 - bad;
    for node in [0, other] {
        assert!(world.blacklisted(node, award.executor));
    }
    // The back-off of the next one.
    world.pass(1);
    assert_eq!(
        world.nodes[other].engine.jobs[&job].seats[0]
            .award
            .as_ref()
            .expect("awarded")
            .executor,
        world.id(other)
    );
    world.pass(10);
    assert_eq!(world.paid(0), [(world.id(other), Execute, 100)]);
}

#[test]
fn an_executor_that_is_busy_takes_the_next_job_when_it_is_done() {
    let mut world = World::new(2);
    let jobs: Vec<_> = (1..4)
        .map(|salt| world.submit(salt, 0, 600).expect("a job"))
        .collect();
    let claimed = |world: &World| {
        jobs.iter()
            .filter(|id| !world.nodes[0].engine.jobs[id].seats[0].claims.is_empty())
            .count()
    };
    assert_eq!(claimed(&world), 1);
    world.pass(40);
    assert_eq!(claimed(&world), 3);
    assert_eq!(world.paid(0).len(), 3);
    assert_eq!(world.nodes[1].ran.len(), 3);
}

#[test]
fn a_run_that_fails_is_begun_five_times_at_most() {
    let mut world = World::new(2);
    world.nodes[1].failing_runs = u32::MAX;
    let job = world.submit(1, 0, 6000).expect("a job");
    world.pass(200);
    assert_eq!(world.nodes[1].ran.len(), 5);
    assert_eq!(world.nodes[1].engine.jobs[&job].mine, Mine::GivenUp);
    assert_eq!(
        world.nodes[1].engine.jobs[&job]
            .refused
            .as_ref()
            .map(|it| it.reason.as_str()),
        Some("it failed")
    );
    world.stop(1);
    world.start(1);
    world.pass(200);
    assert_eq!(world.nodes[1].ran.len(), 5, "a restart is no new chance");
}

#[test]
fn a_run_that_fails_once_succeeds_with_the_next_attempt() {
    let mut world = World::new(2);
    world.nodes[1].failing_runs = 2;
    world.submit(1, 0, 6000).expect("a job");
    world.pass(60);
    assert_eq!(world.nodes[1].ran.len(), 3);
    assert_eq!(world.paid(0).len(), 1);
}

#[test]
fn a_deadline_that_passes_releases_what_was_held() {
    let mut world = World::new(1);
    let job = world.submit(1, 0, 60).expect("a job");
    assert_eq!(world.held(0), 1);
    world.pass(59);
    assert_eq!(world.held(0), 1);
    world.pass(1);
    assert_eq!(world.held(0), 0);
    assert!(world.nodes[0].engine.open.is_empty());
    assert!(world.nodes[0].engine.jobs[&job].settled);
    world.pass(1);
    world.millis += 2 * 24 * 60 * 60 * 1000;
    world.pass(1);
    assert!(world.nodes[0].engine.jobs.is_empty(), "it is forgotten");
}

#[test]
fn exactly_as_many_verifiers_are_paid_as_were_offered() {
    for verifiers in [0, 1, 2, 3] {
        let mut world = World::new(6);
        world.submit(1, verifiers, 600).expect("a job");
        world.pass(20);
        let bounties = world.paid(0).iter().filter(|it| it.1 == Verify).count();
        assert_eq!(bounties, usize::from(verifiers));
        let sum: u128 = world.paid(0).iter().map(|it| it.2).sum();
        assert!(sum <= 100 && sum > 98, "{sum}");
        assert!(
            world.paid(0).iter().all(|it| it.0 != world.id(0)),
            "nobody pays himself"
        );
        assert_eq!(world.held(0), 0);
    }
}

fn is_commitment(said: &nonos_types::Message) -> bool {
    let nonos_types::Message::Verdict(it) = said else {
        return false;
    };
    matches!(it.work, Some(nonos_types::Work::Committed(_)))
}

#[test]
fn a_paid_verifier_that_is_blacklisted_later_costs_no_second_bounty() {
    let mut world = World::new(4);
    world.submit(1, 2, 600).expect("a job");
    world.pass(9);
    // Both have committed, and one of them says nothing for now, so that the job stays open.
    let verifies = |it: &usize| {
        world
            .published
            .iter()
            .any(|(node, said)| node == it && is_commitment(said))
    };
    let silent = (1..4).rfind(verifies).expect("a verifier");
    world.stop(silent);
    world.pass(25);
    let paid = world.paid(0);
    let verifier = paid.iter().find(|it| it.1 == Verify).expect("one bounty").0;
    world.nodes[0]
        .engine
        .trust
        .block(verifier, nonos_types::Timestamp::new(world.time()))
        .expect("blocked");
    world.start(silent);
    world.pass(20);
    let bounties: Vec<_> = world.paid(0).into_iter().filter(|it| it.1 == Verify).collect();
    assert_eq!(bounties.len(), 2);
    assert_eq!(world.paid(0).iter().map(|it| it.2).sum::<u128>(), 100);
}

#[test]
fn a_requester_that_was_away_pays_when_it_is_back() {
    let mut world = World::new(2);
    world.submit(1, 0, 6000).expect("a job");
    world.pass(1);
    world.stop(0);
    world.pass(300);
    assert_eq!(world.nodes[1].ran.len(), 1);
    world.start(0);
    world.pass(15);
    assert_eq!(world.paid(0), [(world.id(1), Execute, 100)]);
    let deeds = world.nodes[0].engine.trust.explain(world.id(1)).expect("deeds");
    assert!(
        deeds.iter().all(|it| it.deed == nonos_trust::Deed::Good),
        "nobody is blamed for that"
    );
    world.assert_books_agree();
}
