//! What a node says keeps something from being done.

use nonos_types::JobId;

use super::world::*;
use crate::{
    api::{Finding, Request, Subject, Submission, WhyNot},
    engine::Answer,
};

fn why(world: &World, node: usize, about: impl ToString) -> WhyNot {
    let answer = world.nodes[node].engine.why_not_about(&about.to_string());
    answer
        .expect("readable")
        .expect("a name")
        .expect("a job or a node")
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|it| it.code.as_str()).collect()
}

#[track_caller]
fn assert_why(world: &World, node: usize, about: impl ToString, expected: &[&str]) {
    let answer = why(world, node, about);
    assert_eq!(codes(&answer.findings), expected, "{answer:?}");
}

/// A job of the first node that the second alone could run.
fn refused_by(config: &str) -> (World, JobId) {
    let mut world = World::new(2);
    world.configure(1, config);
    let job = world.submit(1, 0, 600).expect("a job");
    world.pass(5);
    (world, job)
}

#[test]
fn a_job_that_is_paid_or_runs_lacks_nothing() {
    let mut world = World::new(2);
    let job = world.submit(1, 0, 600).expect("a job");
    world.pass(1);
    assert_why(&world, 1, job, &[]);
    world.pass(20);
    assert_why(&world, 0, job, &[]);
    assert_why(&world, 1, job, &[]);
    assert_eq!(why(&world, 0, job).subject, Subject::Job);
}

#[test]
fn the_requester_hears_that_nobody_is_there() {
    let mut world = World::new(1);
    let job = world.submit(1, 0, 600).expect("a job");
    assert_why(&world, 0, job, &["no-peers", "no-executors", "no-claims"]);
}

#[test]
fn the_requester_hears_that_nobody_claims() {
    let (world, job) = refused_by("[roles]\nexecutor = \"off\"\n");
    assert_why(&world, 0, job, &["no-executors", "no-claims"]);
    let (world, job) = refused_by("[executor]\nmax_fuel = 1\n");
    assert_why(&world, 0, job, &["no-claims"]);
}

#[test]
fn the_requester_hears_who_lets_it_wait_and_how_long() {
    let mut world = World::new(2);
    let job = world.submit(1, 0, 600).expect("a job");
    world.stop(1);
    world.pass(3);
    assert_why(&world, 0, job, &["no-peers", "awarded"]);
    let text = why(&world, 0, job).findings[1].text.clone();
    let expected = format!("slot 0: {} has had the award for 3 s, and 57 s more", world.id(1));
    assert!(text.starts_with(&expected), "{text}");
}

#[test]
fn a_claim_that_gets_no_award_is_explained() {
    let mut world = World::new(1);
    let job = world
        .submit_as(
            Submission {
                slots: 2,
                ..submission(0, 600)
            },
            1,
        )
        .expect("a job");
    for slot in [0, 1] {
        let claim = nonos_types::Claim {
            network: network(),
            job,
            slot: nonos_types::Slot::new(slot),
            at: world.now().time,
            box_key: None,
        };
        world.inject(&signed(claim, &key(50)));
    }
    let findings = why(&world, 0, job).findings;
    let waits = findings
        .iter()
        .find(|it| it.code == "no-claims")
        .expect("one slot is free");
    let expected = format!(
        "{} claims it, and does not get it, since it has another slot",
        id(&key(50))
    );
    assert!(waits.text.contains(&expected), "{}", waits.text);
}

#[test]
fn a_job_that_is_cancelled_or_late_is_said_to_be() {
    let (mut world, job) = refused_by("[executor]\nmax_fuel = 1\n");
    world.ask(0, Request::Cancel { job }).expect("its own");
    for node in [0, 1] {
        assert_why(&world, node, job, &["cancelled"]);
    }
    let (mut world, job) = refused_by("[executor]\nmax_fuel = 1\n");
    world.pass(600);
    for node in [0, 1] {
        assert_why(&world, node, job, &["late"]);
    }
    // A day later it is no longer kept.
    world.pass(24 * 60 * 60 + 1);
    assert_why(&world, 1, job, &["over"]);
}

#[test]
fn who_refuses_a_job_says_which_setting_would_let_it_in() {
    for (config, code, setting) in [
        ("[executor]\nmax_fuel = 1\n", "fuel", "max_fuel"),
        ("[executor]\nmax_pages = 0\n", "memory", "max_pages"),
        ("[executor]\nmax_input = 1\n", "input", "max_input"),
        ("[executor]\nmin_fuel_price = \"1\"\n", "price", "min_fuel_price"),
        ("[credit]\nbase = \"999\"\n", "credit", "`base` under [credit]"),
        ("[executor]\nenabled = false\n", "pinned", "executor = \"auto\""),
        (
            "[limits]\nquiet_hours = [\"00:00-12:00\", \"12:00-24:00\"]\n",
            "limits.quiet-hours",
            "quiet_hours",
        ),
    ] {
        let (world, job) = refused_by(config);
        assert_why(&world, 1, job, &[code]);
        let remedy = why(&world, 1, job).findings[0].remedy.clone();
        assert!(remedy.is_some_and(|it| it.contains(setting)), "{config}");
    }
}

#[test]
fn who_waits_for_its_turn_or_is_busy_says_so() {
    // Which of two comes first depends on the job's name: until the busy one would be first of the second job, too.
    let mut met = false;
    for salt in 2..12 {
        let mut world = World::new(3);
        let first = world.submit(1, 0, 600).expect("a job");
        let second = world.submit(salt, 0, 600).expect("a job");
        let claimants = |job| world.nodes[0].engine.jobs[&job].seats[0].claims.clone();
        let busy = (1..3)
            .find(|it| claimants(first) == [world.id(*it)])
            .expect("one claims at once");
        assert_why(&world, 3 - busy, first, &["taken"]);
        assert_why(&world, busy, first, &[]);
        if claimants(second).is_empty() {
            met = true;
            assert_why(&world, busy, second, &["busy"]);
            assert_why(&world, 3 - busy, second, &["turn"]);
        }
    }
    assert!(met);
}

#[test]
fn a_run_that_failed_is_not_hidden_by_its_award() {
    let mut world = World::new(2);
    world.nodes[1].failing_runs = 1;
    let job = world.submit(1, 0, 600).expect("a job");
    world.pass(7);
    assert_why(&world, 1, job, &["run"]);
    assert_eq!(why(&world, 1, job).findings[0].text, "it failed");
}

#[test]
fn a_peer_is_explained() {
    let mut world = World::new(3);
    world.pass(1);
    assert_why(&world, 0, world.id(0), &["self"]);
    assert_why(&world, 0, world.id(1), &[]);
    assert_eq!(why(&world, 0, world.id(1)).subject, Subject::Peer);

    world.configure(2, "[roles]\nexecutor = \"off\"\n");
    assert_why(&world, 0, world.id(2), &["no-executor"]);
    world.stop(2);
    assert_why(&world, 0, world.id(2), &["no-address", "no-executor"]);

    let peers = vec![world.id(1)];
    world.ask(0, Request::Avoid { peers }).expect("it may");
    assert_why(&world, 0, world.id(1), &["avoided"]);
    world.ask(0, Request::Avoid { peers: vec![] }).expect("it may");
    let engine = &world.nodes[0].engine;
    engine
        .trust
        .block(world.id(1), world.now().time)
        .expect("it is written");
    assert_why(&world, 0, world.id(1), &["blacklisted"]);
}

#[test]
fn a_name_that_nobody_knows_is_taken_for_a_capsules() {
    let (world, job) = refused_by("[executor]\nmax_fuel = 1\n");
    let engine = &world.nodes[1].engine;
    for (capsule, expected) in [
        (facts().capsule, vec!["fuel"]),
        (nonos_types::Digest::from_bytes([9; 32]), vec![]),
    ] {
        let answer = engine
            .why_not_about(&capsule.to_string())
            .expect("readable")
            .expect("a name");
        match answer {
            Err(Answer::WhyNotCapsule {
                capsule: of,
                findings,
                ..
            }) => {
                assert_eq!((of, codes(&findings)), (capsule, expected));
            }
            other => panic!("{other:?}"),
        }
    }
    let text = job.to_string();
    for name in ["", "job", &text[1..]] {
        let refused = engine
            .why_not_about(name)
            .expect("readable")
            .expect_err("no name");
        assert_eq!(refused.fault, "caller");
    }
}
