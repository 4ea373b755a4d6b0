//! In whatever order messages come, and wherever a node stops, the end is the same.

use nonos_types::{FeeKind, JobId, NodeId};

use super::world::*;

/// What a node knows of a job, but for times and the order of what came.
fn known(world: &World, node: usize, job: JobId) -> String {
    let engine = &world.nodes[node].engine;
    let job = &engine.jobs[&job];
    let seat = &job.seats[0];
    let sorted = |mut nodes: Vec<NodeId>| {
        nodes.sort_unstable();
        nodes
    };
    let verdicts = seat
        .receipts
        .iter()
        .flat_map(|id| engine.verdicts.get(id))
        .flatten();
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        sorted(
            seat.claims
                .iter()
                .copied()
                .filter(|it| *it != world.id(node))
                .collect()
        ),
        seat.executor(),
        seat.receipts,
        sorted(
            verdicts
                .map(|(node, _)| *node)
                .filter(|it| *it != world.id(node))
                .collect()
        ),
        sorted(job.booked.iter().map(|(_, it)| it.peer).collect()),
        seat.paid,
    )
}

/// One job from the first of three nodes, with two bounties; how much time it takes does not matter.
fn run_one(world: &mut World) -> JobId {
    let job = world.submit(1, 1, 6000);
    world.pass(120);
    // A crash while it was submitted: nobody was told its name, and it may or may not have been offered.
    job.or_else(|| world.nodes[0].engine.jobs.keys().next().copied())
        .or_else(|| {
            let job = world.submit(2, 1, 6000);
            world.pass(120);
            job
        })
        .expect("a job")
}

fn assert_done(world: &World, job: JobId, what: &str) {
    let paid = world.paid(0);
    let count = |kind| paid.iter().filter(|it| it.1 == kind).count();
    assert_eq!(
        (count(FeeKind::Execute), count(FeeKind::Verify)),
        (1, 1),
        "{what}: {paid:?}"
    );
    assert_eq!(paid.iter().map(|it| it.2).sum::<u128>(), 100, "{what}");
    assert_eq!(world.held(0), 0, "{what}");
    world.assert_books_agree();
    for node in &world.nodes {
        assert!(node.engine.jobs[&job].is_paid(), "{what}");
    }
}

#[test]
fn gossip_in_any_order_ends_the_same() {
    for seed in 0..40 {
        let mut world = World::new(4);
        world.seed = Some(seed);
        let job = run_one(&mut world);
        assert_done(&world, job, &format!("seed {seed}"));
    }
}

#[test]
fn a_node_that_stops_anywhere_goes_on_where_it_was() {
    let mut world = World::new(3);
    run_one(&mut world);
    let inputs = world.inputs.clone();
    for (node, inputs) in inputs.into_iter().enumerate() {
        let mut crashed = 0;
        // Most inputs are ticks at the end, when all is done.
        for step in 8..inputs.min(110) {
            let mut world = World::new(3);
            world.crash = Some((node, step));
            let job = run_one(&mut world);
            crashed += world.nodes[node].crashes;
            assert_done(&world, job, &format!("node {node} stopped at {step}"));
        }
        assert!(crashed > 20);
    }
}

#[test]
fn what_is_heard_backwards_is_understood_all_the_same() {
    let mut known_by = vec![];
    for backwards in [false, true] {
        let mut world = World::new(4);
        world.stop(3);
        let job = run_one(&mut world);
        let mut messages = journal(&world, 0);
        if backwards {
            messages.reverse();
        }
        // Alone: what it does not hear now it never will.
        for node in 0..3 {
            world.stop(node);
        }
        world.start(3);
        for message in messages {
            world.message(3, world.id(0), message);
            world.run();
        }
        known_by.push(known(&world, 3, job));
        let job = &world.nodes[3].engine.jobs[&job];
        assert!(job.is_paid() && job.receipts().count() == 1);
    }
    assert_eq!(known_by[0], known_by[1]);
}
