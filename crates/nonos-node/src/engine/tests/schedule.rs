//! Who runs a job, without anyone who assigns it.

use std::collections::BTreeSet;

use nonos_mesh::core::Schedule;
use nonos_types::{
    Cancel, Capacity, Claim, FeeKind::Execute, FeeKind::Verify, Kind, NodeId, Signed, Slot, Timestamp,
};

use super::world::*;
use crate::api::{JobState, Request, Submission};

/// The order that every node reckons.
fn order(world: &World, job: nonos_types::JobId) -> Vec<usize> {
    let executors = (1..world.nodes.len()).map(|node| (world.id(node), Capacity::ONE));
    let schedule = Schedule::new(job, executors);
    let place = |id: &NodeId| (1..world.nodes.len()).find(|it| world.id(*it) == *id);
    schedule
        .order()
        .iter()
        .map(|id| place(id).expect("one of them"))
        .collect()
}

fn several(slots: u8) -> Submission {
    Submission {
        slots,
        ..submission(1, 600)
    }
}

#[test]
fn only_the_first_in_order_claims_and_it_is_not_the_same_for_all_jobs() {
    let mut firsts = BTreeSet::new();
    for salt in 0..20 {
        let mut world = World::new(5);
        let job = world.submit(salt, 0, 600).expect("a job");
        world.pass(20);
        let first = order(&world, job)[0];
        let claims = &world.nodes[0].engine.jobs[&job].seats[0].claims;
        assert_eq!(*claims, [world.id(first)], "salt {salt}");
        assert_eq!(world.paid(0), [(world.id(first), Execute, 100)]);
        firsts.insert(first);
    }
    assert_eq!(firsts.len(), 4, "every node gets work");
}

#[test]
fn the_next_in_order_steps_in_for_those_that_are_gone() {
    // A job's name is the same in every world.
    let mut world = World::new(5);
    let job = world.submit(1, 0, 600).expect("a job");
    let order = order(&world, job);
    let mut world = World::new(5);
    world.stop(order[0]);
    world.stop(order[1]);
    assert_eq!(world.submit(1, 0, 600), Some(job));
    let claimed = |world: &World| world.nodes[0].engine.jobs[&job].seats[0].claims.clone();
    world.pass(1);
    assert_eq!(claimed(&world), [], "two back-offs are not over");
    world.pass(1);
    assert_eq!(claimed(&world), [world.id(order[2])]);
    world.pass(10);
    assert_eq!(world.paid(0), [(world.id(order[2]), Execute, 100)]);
}

#[test]
fn an_executor_that_dies_with_the_award_is_succeeded() {
    let mut world = World::new(4);
    let job = world.submit(1, 0, 600).expect("a job");
    let order = order(&world, job);
    world.stop(order[0]);
    world.pass(29);
    assert_eq!(world.nodes[0].engine.jobs[&job].seats[0].claims.len(), 1);
    // The patience of half a minute, and the back-off of the second.
    world.pass(3);
    let claims = &world.nodes[0].engine.jobs[&job].seats[0].claims;
    assert_eq!(claims[1], world.id(order[1]), "in order");
    world.pass(40);
    assert_eq!(world.paid(0), [(world.id(order[1]), Execute, 100)]);
}

#[test]
fn each_slot_is_run_by_another_and_paid_once() {
    for slots in [2, 3] {
        let mut world = World::new(5);
        let job = world.submit_as(several(slots), 1).expect("a job");
        let held = world.nodes[0].engine.ledger.balance().expect("a balance").held;
        assert_eq!(held.atto(), 1000 * u128::from(slots));
        world.pass(30);
        let paid = world.paid(0);
        let executors: BTreeSet<_> = paid.iter().filter(|it| it.1 == Execute).map(|it| it.0).collect();
        let bounties = paid.iter().filter(|it| it.1 == Verify).count();
        assert_eq!(
            (executors.len(), bounties),
            (slots.into(), slots.into()),
            "{paid:?}"
        );
        assert_eq!(paid.iter().map(|it| it.2).sum::<u128>(), 100 * u128::from(slots));
        let first = order(&world, job)[..slots.into()]
            .iter()
            .map(|it| world.id(*it))
            .collect();
        assert_eq!(executors, first, "the first in order");
        assert_eq!(world.held(0), 0);
        world.assert_books_agree();
        for node in &world.nodes {
            assert!(node.engine.jobs[&job].is_paid() && node.engine.open.is_empty());
        }
    }
}

/// With fewer nodes than slots the rest waits until the deadline, and what was delivered is paid.
#[test]
fn nobody_runs_two_slots_of_a_job() {
    let mut world = World::new(3);
    world
        .submit_as(
            Submission {
                verifiers: 0,
                ..several(3)
            },
            1,
        )
        .expect("a job");
    world.pass(300);
    let executors: Vec<_> = world.paid(0).iter().map(|it| (it.0, it.1)).collect();
    let expected: BTreeSet<_> = [1, 2].map(|node| (world.id(node), Execute)).into();
    assert_eq!(executors.len(), 2);
    assert_eq!(executors.into_iter().collect::<BTreeSet<_>>(), expected);
    assert_eq!(world.held(0), 1);
    world.pass(301);
    assert_eq!(world.held(0), 0);
}

#[test]
fn who_claims_two_slots_gets_one() {
    let mut world = World::new(1);
    let job = world.submit_as(several(2), 1).expect("a job");
    for slot in [0, 1] {
        let claim = Claim {
            network: network(),
            job,
            slot: Slot::new(slot),
            at: Timestamp::new(START),
            box_key: None,
        };
        world.inject(&signed(claim, &key(50)));
    }
    world.pass(5);
    let executors: Vec<_> = world.nodes[0].engine.jobs[&job]
        .seats
        .iter()
        .map(|it| it.executor())
        .collect();
    assert_eq!(executors, [Some(id(&key(50))), None]);
}

#[test]
fn refuses_a_job_with_no_executor_or_too_many() {
    let mut world = World::new(2);
    for slots in [0, 9, 255] {
        assert_eq!(world.submit_as(several(slots), 1), None, "{slots}");
    }
    assert!(world.submit_as(several(8), 1).is_some());
}

#[test]
fn a_claim_of_a_slot_that_the_job_does_not_have_is_refused() {
    let mut world = World::new(2);
    let job = world.submit_as(several(2), 1).expect("a job");
    let claim = |slot| Claim {
        network: network(),
        job,
        slot: Slot::new(slot),
        at: Timestamp::new(START),
        box_key: None,
    };
    for slot in [1, 2] {
        world.inject(&signed(claim(slot), &key(50)));
    }
    let seats = &world.nodes[0].engine.jobs[&job].seats;
    let claimed = seats
        .iter()
        .filter(|seat| seat.claims.contains(&id(&key(50))))
        .count();
    assert_eq!(claimed, 1);
}

#[test]
fn a_cancelled_job_is_begun_by_nobody_and_what_was_held_is_free() {
    let mut world = World::new(3);
    for node in 1..3 {
        world.nodes[node].unprepared = true;
    }
    let job = world.submit(1, 0, 600).expect("a job");
    assert_eq!(world.held(0), 1);
    assert!(world.ask(0, Request::Cancel { job }).is_ok());
    assert_eq!(world.held(0), 0);
    // What was on its way comes too late, but not so soon after a failure that it would not be looked at.
    world.pass(15);
    for node in 1..3 {
        world.nodes[node].unprepared = false;
        let result = Ok(std::sync::Arc::new(facts()));
        world.give(node, crate::engine::Input::Prepared { job, result });
        world.run();
        assert_eq!(world.nodes[node].engine.jobs[&job].seats[0].claims, []);
    }
    world.pass(100);
    assert_eq!(world.paid(0), []);
    for node in &world.nodes {
        assert!(node.engine.jobs[&job].cancelled && node.ran.is_empty());
        assert_eq!(node.engine.state(&node.engine.jobs[&job]), JobState::Cancelled);
    }
}

#[test]
fn who_has_begun_a_cancelled_job_is_paid_if_it_delivers() {
    let mut world = World::new(3);
    let job = world.submit(1, 0, 600).expect("a job");
    world.pass(1);
    assert!(world.ask(0, Request::Cancel { job }).is_ok());
    assert_eq!(world.held(0), 1);
    world.pass(10);
    assert_eq!(world.paid(0).len(), 1);
    assert_eq!(world.held(0), 0);
}

#[test]
fn a_run_of_a_cancelled_job_is_not_taken_up_again() {
    let mut world = World::new(3);
    let job = world.submit(1, 0, 600).expect("a job");
    world.pass(1);
    let executor = order(&world, job)[0];
    assert!(world.ask(0, Request::Cancel { job }).is_ok());
    world.stop(executor);
    world.start(executor);
    world.pass(100);
    assert_eq!(world.nodes[executor].ran, []);
    assert_eq!((world.paid(0), world.held(0)), (vec![], 0));
}

#[test]
fn a_slot_is_claimed_once_by_a_node_and_never_when_it_is_done() {
    let three = || Submission {
        verifiers: 0,
        ..several(3)
    };
    let mut world = World::new(4);
    let job = world.submit_as(three(), 1).expect("a job");
    let late = order(&world, job)[2];
    let mut world = World::new(4);
    world.stop(late);
    assert_eq!(world.submit_as(three(), 1), Some(job));
    world.pass(100);
    assert_eq!(world.paid(0).len(), 2);
    world.start(late);
    world.pass(60);
    let seats = &world.nodes[0].engine.jobs[&job].seats;
    let of_late = seats.iter().map(|seat| seat.claims.contains(&world.id(late)));
    assert_eq!(of_late.collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(world.paid(0).len(), 3);

    // A job that its requester never awards.
    let mut world = World::new(1);
    let offered = Signed::new(offer(3, START, START + 600), &key(90));
    world.inject(&offered.clone().into());
    world.pass(120);
    let claims = journal(&world, 0)
        .into_iter()
        .filter(|it| it.kind() == Kind::Claim)
        .count();
    // At once, after 30 seconds, and after a minute more: ever more seldom.
    assert_eq!(claims, 3);
}

#[test]
fn a_claim_that_its_requester_did_not_hear_is_made_again() {
    let mut world = World::new(3);
    world.deaf.insert(0);
    let job = world.submit(1, 0, 600).expect("a job");
    world.pass(20);
    let claims = |world: &World, node: usize| world.nodes[node].engine.jobs[&job].seats[0].claims.len();
    assert_eq!(claims(&world, 0), 0);
    assert_eq!(claims(&world, 1), 2, "they know of each other");
    // Claims are not among what is compared: they are worth nothing when they are late.
    world.deaf.clear();
    world.pass(9);
    assert_eq!(claims(&world, 0), 0);
    world.pass(10);
    assert!(world.nodes[0].engine.jobs[&job].seats[0].award.is_some());
    world.pass(60);
    assert_eq!(world.paid(0).len(), 1);
}

#[test]
fn a_node_that_starts_again_claims_again_what_nobody_has() {
    let mut world = World::new(3);
    world.deaf.insert(0);
    let job = world.submit(1, 0, 600).expect("a job");
    world.pass(5);
    world.deaf.clear();
    world.stop(1);
    world.start(1);
    world.pass(5);
    let seat = &world.nodes[0].engine.jobs[&job].seats[0];
    assert_eq!(seat.executor(), Some(world.id(1)));
}

#[test]
fn what_is_held_for_a_cancelled_job_is_free_when_its_executor_is_too_late() {
    let mut world = World::new(3);
    world.proving_s = 10_000;
    let job = world.submit(1, 0, 600).expect("a job");
    world.pass(1);
    assert!(world.ask(0, Request::Cancel { job }).is_ok());
    world.pass(58);
    assert_eq!(world.held(0), 1);
    world.pass(2);
    assert_eq!(world.held(0), 0);
    assert_eq!(
        world.nodes[0].engine.jobs[&job].seats[0].awards, 1,
        "nobody else gets it"
    );
}

#[test]
fn only_its_requester_cancels_a_job() {
    let mut world = World::new(3);
    let job = world.submit(1, 0, 600).expect("a job");
    let foreign = Cancel {
        network: network(),
        job,
        at: Timestamp::new(START),
    };
    world.inject(&signed(foreign, &key(50)));
    let refused = world.ask(1, Request::Cancel { job }).expect_err("another's job");
    assert!(refused.message.contains("alone can cancel it"), "{refused}");
    world.pass(10);
    assert!(world.nodes.iter().all(|node| !node.engine.jobs[&job].cancelled));
    assert_eq!(world.paid(0).len(), 1);
    let refused = world.ask(0, Request::Cancel { job }).expect_err("it is over");
    assert!(refused.message.contains("nothing is left to cancel"), "{refused}");
    assert_eq!(refused.fault, "caller");
}

/// Two halves of a mesh each run a job that both know; the requester pays one of them.
#[test]
fn two_halves_may_both_run_a_job_and_one_is_paid() {
    let mut world = World::new(4);
    world.proving_s = 1000;
    let job = world.submit(1, 0, 6000).expect("a job");
    let award = world.nodes[0].engine.jobs[&job].seats[0]
        .award
        .clone()
        .expect("awarded");
    let offer = world.nodes[0].engine.jobs[&job].offer.clone();
    let other = (1..4)
        .find(|it| world.id(*it) != award.executor)
        .expect("another");
    let unpaid = receipt(&offer, &world.nodes[other].key, 0, START);
    world.inject(&unpaid.clone().into());
    world.pass(2);
    assert_eq!(world.paid(0), [], "it has no award");
    let paid = world
        .nodes
        .iter()
        .find(|node| id(&node.key) == award.executor)
        .expect("one of them");
    world.inject(&receipt(&offer, &paid.key.clone(), 0, START).into());
    world.pass(2);
    assert_eq!(world.paid(0), [(award.executor, Execute, 100)]);
}

#[test]
fn a_node_that_announces_no_capacity_is_not_waited_for() {
    let mut world = World::new(3);
    world.nodes[1].engine.about.capacity = Capacity::NONE;
    let now = world.now();
    world.nodes[1]
        .engine
        .handle(crate::engine::Input::Tick, now)
        .expect("a tick");
    world.nodes[1].engine.describe().expect("a descriptor");
    world.give(1, crate::engine::Input::Tick);
    world.run();
    for salt in 0..10 {
        let job = world.submit(salt, 0, 600).expect("a job");
        assert_eq!(
            world.nodes[0].engine.jobs[&job].seats[0].claims,
            [world.id(2)],
            "at once"
        );
        world.pass(10);
        assert_eq!(world.nodes[0].engine.jobs[&job].seats[0].claims, [world.id(2)]);
    }
}
