//! Roles and limits, and what they do.

use nonos_mesh::Acceptance;
use nonos_types::{FeeKind::Execute, FeeKind::Verify, Pages, Role, Roles, Signed};

use super::world::*;
use crate::{
    choice::System,
    engine::{Gives, Measured},
};

/// What another node believes that it does.
fn announced(world: &World, node: usize) -> Roles {
    let (me, other) = (world.id(node), usize::from(node == 0));
    let descriptor = world.nodes[other].engine.directory.get(me);
    descriptor.expect("it has heard of it").roles
}

fn refused(world: &World, node: usize, job: nonos_types::JobId) -> Option<&'static str> {
    let refused = world.nodes[node].engine.jobs[&job].refused.as_ref();
    refused.map(|it| it.code)
}

fn last_gives(world: &World, node: usize) -> Option<Gives> {
    let of_node = world.gives.iter().rev().find(|(it, _)| *it == node);
    of_node.map(|(_, gives)| *gives)
}

const ALL: [Role; 4] = Role::ALL;

#[test]
fn who_is_no_executor_claims_nothing_and_says_why() {
    for text in ["[roles]\nexecutor = \"off\"\n", "[executor]\nenabled = false\n"] {
        let mut world = World::new(3);
        world.configure(1, text);
        assert!(!announced(&world, 1).contains(Role::Executor));
        assert!(announced(&world, 2).contains(Role::Executor));
        for salt in 0..5 {
            let job = world.submit(salt, 0, 600).expect("a job");
            world.pass(20);
            assert_eq!(world.nodes[0].engine.jobs[&job].seats[0].claims, [world.id(2)]);
            assert_eq!(refused(&world, 1, job), Some("pinned"));
        }
        assert_eq!(world.nodes[1].ran, []);
    }
}

#[test]
fn who_is_no_verifier_verifies_and_leaves_the_bounty() {
    for (verifier, bounties) in [("on", 1), ("off", 0)] {
        let mut world = World::new(3);
        for node in [1, 2] {
            world.configure(node, &format!("[roles]\nverifier = \"{verifier}\"\n"));
        }
        let job = world.submit(1, 1, 600).expect("a job");
        world.pass(30);
        let paid = world.paid(0);
        assert_eq!(paid.iter().filter(|it| it.1 == Execute).count(), 1);
        assert_eq!(
            paid.iter().filter(|it| it.1 == Verify).count(),
            bounties,
            "{verifier}"
        );
        let receipt = world.good(0, job);
        assert!(
            world
                .nodes
                .iter()
                .all(|it| it.engine.receipts.contains_key(&receipt))
        );
        assert_eq!(announced(&world, 1).contains(Role::Verifier), verifier == "on");
    }
}

#[test]
fn who_is_no_broadcaster_passes_nothing_on_and_blames_nobody_less() {
    let mut world = World::new(2);
    for (text, accepted) in [
        ("", Acceptance::Accept),
        ("[roles]\nbroadcaster = \"off\"\n", Acceptance::Ignore),
    ] {
        world.configure(1, text);
        let engine = &world.nodes[1].engine;
        assert_eq!(engine.passes_on(Acceptance::Accept), accepted);
        for other in [Acceptance::Reject, Acceptance::Ignore] {
            assert_eq!(engine.passes_on(other), other);
        }
    }
    assert!(!announced(&world, 1).contains(Role::Broadcaster));
}

#[test]
fn who_is_no_seeder_gives_its_own() {
    let mut world = World::new(2);
    assert_eq!(last_gives(&world, 1), Some(Gives::All));
    world.configure(1, "[roles]\nseeder = \"off\"\n");
    assert_eq!(last_gives(&world, 1), Some(Gives::Own));
    assert!(!announced(&world, 1).contains(Role::Seeder));
}

/// The tests begin at eight o'clock.
#[test]
fn in_quiet_hours_nothing_is_run_or_seeded_for_others() {
    let mut world = World::new(2);
    world.configure(1, "[limits]\nquiet_hours = [\"08:01-08:11\"]\n");
    assert_eq!(last_gives(&world, 1), Some(Gives::All));
    world.pass(60);
    let job = world.submit(1, 0, 6000).expect("a job");
    assert_eq!(last_gives(&world, 1), Some(Gives::Own));
    let roles = announced(&world, 1);
    assert_eq!(ALL.map(|role| roles.contains(role)), [false, false, true, true]);
    world.pass(599);
    assert_eq!(refused(&world, 1, job), Some("limits.quiet-hours"));
    assert_eq!(world.nodes[0].engine.jobs[&job].seats[0].claims, []);
    world.pass(300);
    assert_eq!(last_gives(&world, 1), Some(Gives::All));
    assert_eq!(world.paid(0), [(world.id(1), Execute, 100)]);
}

#[test]
fn what_was_awarded_before_quiet_hours_and_not_begun_waits_for_their_end() {
    let mut world = World::new(2);
    world.configure(0, "");
    world.configure(1, "[limits]\nquiet_hours = [\"08:01-08:11\"]\n");
    world.proving_s = 100_000;
    let job = world.submit(1, 0, 60_000).expect("a job");
    world.pass(1);
    assert_eq!(
        world.nodes[0].engine.jobs[&job].seats[0].executor(),
        Some(world.id(1))
    );
    world.stop(1);
    world.pass(120);
    world.proving_s = 5;
    world.start(1);
    world.run();
    world.pass(400);
    assert_eq!(world.nodes[1].ran, []);
    world.pass(400);
    assert_eq!(world.nodes[1].ran.len(), 1);
    assert_eq!(world.paid(0), [(world.id(1), Execute, 100)]);
}

fn moved(bytes: u64) -> Measured {
    Measured {
        sent: bytes,
        received: 1,
        ..Measured::default()
    }
}

#[test]
fn when_the_months_traffic_is_used_up_nothing_is_done_for_others_until_the_next() {
    let mut world = World::new(3);
    world.configure(2, "[limits]\nmonthly = \"1MB\"\n");
    world.measure(2, moved(999_998));
    assert_eq!(last_gives(&world, 2), Some(Gives::All));
    world.measure(2, moved(999_999));
    assert_eq!(last_gives(&world, 2), Some(Gives::Nothing));
    assert_eq!(announced(&world, 2), Roles::NONE);
    let job = world.submit(1, 1, 600).expect("a job");
    world.pass(60);
    assert_eq!(refused(&world, 2, job), Some("limits.monthly"));
    let receipt = world.good(0, job);
    assert!(
        !world.checks.contains_key(&(2, receipt)),
        "it fetches nothing to check it"
    );
    assert_eq!(world.paid(0), [(world.id(1), Execute, 80)]);

    // A restart makes no new month, and counts from zero anew.
    world.stop(2);
    world.start(2);
    world.run();
    assert_eq!(last_gives(&world, 2), Some(Gives::Nothing));
    world.measure(2, moved(10));
    let used = world.nodes[2].engine.limits_view();
    assert_eq!(
        (used.sent_this_month.get(), used.received_this_month.get()),
        (1_000_009, 2)
    );
    assert_eq!(used.reached, ["limits.monthly"]);
    let warnings = world.nodes[2].engine.status().expect("a status").warnings;
    assert!(
        warnings.iter().any(|it| it.contains("limits.monthly")),
        "{warnings:?}"
    );

    // From the 15th of January to February.
    world.millis += 17 * 86_400_000;
    world.pass(301);
    assert_eq!(last_gives(&world, 2), Some(Gives::All));
    assert_eq!(announced(&world, 2), ALL.into_iter().collect());
    assert_eq!(world.nodes[2].engine.limits_view().sent_this_month.get(), 0);
}

#[test]
fn its_own_jobs_are_verified_however_much_was_moved() {
    let mut world = World::new(2);
    world.configure(0, "[limits]\nmonthly = \"1MB\"\n");
    world.measure(0, moved(2_000_000));
    let job = world.submit(1, 0, 600).expect("a job");
    world.pass(20);
    assert_eq!(world.paid(0), [(world.id(1), Execute, 100)]);
    let receipt = world.good(0, job);
    assert_eq!(world.checks.get(&(0, receipt)), Some(&1));
}

#[test]
fn a_full_disk_takes_no_more_jobs() {
    let mut world = World::new(2);
    for node in [0, 1] {
        world.configure(node, "[limits]\ndisk = \"300MB\"\n");
    }
    let used = |spare| Measured {
        disk: 299_000_000,
        spare,
        ..Measured::default()
    };
    world.measure(1, used(200_000_000));
    assert!(
        announced(&world, 1).contains(Role::Executor),
        "what is spare can go"
    );
    world.measure(1, used(0));
    let roles = announced(&world, 1);
    assert_eq!(ALL.map(|role| roles.contains(role)), [true, false, false, true]);
    let job = world.submit(1, 0, 600).expect("a job");
    world.pass(20);
    assert!(!world.nodes[1].engine.jobs.contains_key(&job));
    world.measure(0, used(0));
    assert_eq!(world.submit(2, 0, 600), None);
    world.measure(0, used(200_000_000));
    world.measure(1, used(200_000_000));
    world.pass(400);
    assert!(world.submit(3, 0, 600).is_some());
    world.pass(10);
    assert_eq!(world.nodes[1].ran.len(), 2);
}

#[test]
fn jobs_that_take_more_memory_than_allowed_are_refused() {
    let mut world = World::new(1);
    world.configure(0, "[limits]\nmemory = \"256MiB\"\n");
    let engine = &world.nodes[0].engine;
    let code = |backend: System, pages: u32| {
        let mut wanted = offer(1, START, START + 600);
        wanted.backend = backend.id();
        let mut facts = facts();
        facts.pages = Pages::new(pages);
        let offer = Signed::new(wanted, &key(90));
        let refusal = engine.refusal(&offer, Some(&facts)).expect("readable");
        refusal.map(|it| (it.code(), it.to_string()))
    };
    assert_eq!(code(System::Stark, 4096), None);
    let (name, text) = code(System::Stark, 4097).expect("too much");
    assert_eq!(name, "memory");
    assert!(text.contains("4097") && text.contains("4096"), "{text}");
    assert_eq!(code(System::Halo2, 1).map(|it| it.0), Some("limits.memory"));
    world.configure(0, "");
    let halo2 = Signed::new(
        nonos_types::Offer {
            backend: System::Halo2.id(),
            ..offer(1, START, START + 600)
        },
        &key(90),
    );
    let refusal = world.nodes[0].engine.refusal(&halo2, None).expect("readable");
    assert_eq!(refusal, None);
}

#[test]
fn an_overloaded_executor_announces_that_it_is_none_and_later_that_it_is() {
    let mut world = World::new(3);
    let measured = |cpu| Measured {
        cpu,
        ..Measured::default()
    };
    world.measure(1, measured(100_000));
    world.pass(290);
    assert!(
        announced(&world, 1).contains(Role::Executor),
        "five minutes are not over"
    );
    world.pass(30);
    assert!(!announced(&world, 1).contains(Role::Executor));
    for salt in 0..3 {
        let job = world.submit(salt, 0, 6000).expect("a job");
        world.pass(10);
        assert_eq!(
            world.nodes[0].engine.jobs[&job].seats[0].claims,
            [world.id(2)],
            "at once"
        );
        assert_eq!(refused(&world, 1, job), Some("load.cpu"));
    }
    let view = &world.nodes[1].engine.role_views()[Role::Executor as usize];
    assert!(!view.taken && view.code == "load.cpu" && view.other_executors == 2);
    let failed: Vec<_> = view
        .checks
        .iter()
        .filter(|it| !it.holds)
        .map(|it| it.input.as_str())
        .collect();
    assert_eq!(failed, ["load.cpu"]);
    world.measure(1, measured(0));
    world.pass(900);
    assert!(announced(&world, 1).contains(Role::Executor));
}

/// A run that goes on is finished: its requester waits for it.
#[test]
fn who_stops_being_an_executor_keeps_its_word() {
    let mut world = World::new(2);
    world.configure(1, "[limits]\nquiet_hours = [\"08:01-09:00\"]\n");
    world.proving_s = 62;
    let job = world.submit(1, 0, 6000).expect("a job");
    world.pass(1);
    assert_eq!(
        world.nodes[0].engine.jobs[&job].seats[0].executor(),
        Some(world.id(1))
    );
    world.pass(59);
    assert!(!announced(&world, 1).contains(Role::Executor));
    world.pass(5);
    assert_eq!(world.paid(0), [(world.id(1), Execute, 100)]);
}
