//! Who is shut out, by whom, for how long, and from what.

use nonos_trust::{Act, Cause, Context, Deed};
use nonos_types::*;

use super::{
    hostile::{job_and_offer, list},
    world::*,
};
use crate::api::Request;

const DAY: u64 = 24 * 60 * 60;

fn block(world: &mut World, node: usize, whom: NodeId, for_s: Option<u64>) {
    let reason = "it spams".to_owned();
    let request = Request::Block {
        node: whom,
        reason,
        for_s,
    };
    world.ask(node, request).expect("it is blocked");
}

fn is_connected(world: &World, node: usize, to: NodeId) -> bool {
    world.nodes[node].engine.connected.contains_key(&to)
}

#[test]
fn the_operator_shuts_a_peer_out_for_a_time() {
    let mut world = World::new(2);
    world.pass(1);
    let peer = world.id(1);
    assert!(is_connected(&world, 0, peer));
    block(&mut world, 0, peer, Some(100));
    assert!(world.blacklisted(0, peer) && !is_connected(&world, 0, peer));
    assert!(!world.blacklisted(1, world.id(0)), "it is one node's decision");
    assert!(journal(&world, 0).iter().all(|it| it.kind() != Kind::Accusation));
    world.pass(98);
    assert_eq!(world.let_in, []);
    world.pass(3);
    assert_eq!(world.let_in, [(0, peer)]);
    assert!(!world.blacklisted(0, peer));
    world.pass(10);
    assert_eq!(world.let_in.len(), 1, "once");
}

#[test]
fn without_a_time_it_stays_until_the_operator_acts() {
    let mut world = World::new(2);
    let peer = world.id(1);
    block(&mut world, 0, peer, None);
    world.millis += 1000 * DAY * 1000;
    world.pass(1);
    assert!(world.blacklisted(0, peer));
    assert_eq!(world.let_in, []);
    world
        .ask(0, Request::Unblock { node: peer })
        .expect("it is taken off");
    assert!(!world.blacklisted(0, peer));
    assert_eq!(world.let_in, [(0, peer)]);
    let acts = world.nodes[0].engine.trust.acts(peer).expect("acts");
    assert_eq!(
        acts.iter().map(|(_, act)| *act).collect::<Vec<_>>(),
        [Act::Block, Act::Unblock]
    );
}

#[test]
fn refuses_to_block_itself_for_no_reason_or_for_no_time() {
    let mut world = World::new(2);
    let (me, peer) = (world.id(0), world.id(1));
    for (node, reason, for_s) in [
        (me, "it spams", None),
        (peer, "", None),
        (peer, "two\nlines", None),
        (peer, &*"x".repeat(513), None),
        (peer, "it spams", Some(0)),
        (peer, "it spams", Some(11 * 365 * DAY)),
    ] {
        let reason = reason.to_owned();
        let refused = world.ask(0, Request::Block { node, reason, for_s });
        assert_eq!(refused.expect_err("refused").fault, "caller");
        assert!(!world.blacklisted(0, node));
    }
}

#[test]
fn who_is_blocked_is_shut_out_after_a_restart_too() {
    let mut world = World::new(2);
    // Whoever it is does not come by himself.
    let peer = id(&key(50));
    block(&mut world, 0, peer, None);
    world.stop(0);
    world.start(0);
    world.pass(1);
    assert!(world.nodes[0].engine.barred.contains(&peer));
    assert!(!is_connected(&world, 0, peer));
}

/// What the operator wants apart from that stays as he said.
#[test]
fn who_is_avoided_is_not_let_in_when_a_block_ends() {
    let mut world = World::new(2);
    let peer = world.id(1);
    block(&mut world, 0, peer, Some(10));
    world
        .ask(0, Request::Avoid { peers: vec![peer] })
        .expect("avoided");
    world.pass(20);
    assert!(!world.blacklisted(0, peer));
    assert_eq!(world.let_in, []);
}

#[test]
fn who_fails_again_and_again_is_shut_out_for_thirty_days() {
    let mut world = World::new(2);
    world.pass(1);
    let peer = world.id(1);
    for day in 0..3_u8 {
        world.millis += DAY * 1000;
        let cause = Cause::Job(JobId::hash(&[&[day]]));
        let engine = &mut world.nodes[0].engine;
        engine.now = super::super::Moment {
            time: Timestamp::new(START + world.millis / 1000),
            millis: world.millis,
        };
        engine
            .observe(peer, Context::Execute, Deed::Bad, cause)
            .expect("counted");
    }
    assert!(is_connected(&world, 0, peer), "not within whatever found it");
    world.pass(1);
    assert!(world.blacklisted(0, peer) && !is_connected(&world, 0, peer));
    world.millis += 29 * DAY * 1000;
    world.pass(1);
    assert_eq!(world.let_in, []);
    world.millis += DAY * 1000;
    world.pass(1);
    assert_eq!(world.let_in, [(0, peer)]);
}

#[test]
fn nothing_is_heard_of_who_is_blacklisted() {
    let mut world = World::new(2);
    let (job, offer) = job_and_offer(&mut world, 0);
    world.pass(20);
    let good = world.good(0, job);
    let outcast = key(50);
    list(&mut world, &outcast);
    block(&mut world, 0, id(&outcast), None);
    let at = Timestamp::new(START);
    let (network, slot) = (network(), Slot::ZERO);
    let unseen = receipt(&offer, &key(51), 0, START);
    let item = InvalidProof {
        receipt: unseen.clone(),
        tapes: TAPES.to_vec(),
        proof: PROOF.to_vec(),
    };
    world.invalid.insert(unseen.receipt_id());
    let accusation = Accusation {
        network,
        evidence: Evidence::InvalidProof(Box::new(item)),
        at,
    };
    let receipt_id = good;
    let root = Digest::from_bytes([1; 32]);
    let messages = [
        signed(super::world::offer(77, START, START + 600), &outcast),
        signed(
            Claim {
                network,
                job,
                slot,
                at,
                box_key: None,
            },
            &outcast,
        ),
        receipt(&offer, &outcast, 0, START).into(),
        signed(
            Verdict {
                network,
                receipt: receipt_id,
                valid: true,
                at,
                shard: None,
                work: None,
            },
            &outcast,
        ),
        signed(accusation, &outcast),
        signed(
            RelayHead {
                network,
                epoch: Epoch::of(at),
                size: 1,
                root,
                previous: None,
                at,
            },
            &outcast,
        ),
    ];
    let checks = world.checks.len();
    for message in messages {
        let kind = message.kind();
        world.message(0, world.id(1), message.clone());
        world.run();
        assert!(!journal(&world, 0).contains(&message), "{kind:?}");
        // The other node, which has nothing against it, takes it.
        if !matches!(kind, Kind::Claim | Kind::Receipt | Kind::Accusation) {
            world.message(1, world.id(0), message.clone());
            world.run();
            assert!(journal(&world, 1).contains(&message), "{kind:?}");
        }
    }
    assert_eq!(world.checks.len(), checks, "nor is anything of it checked");
    assert!(!world.blacklisted(0, id(&key(51))));
}

#[test]
fn who_is_blacklisted_loses_an_award() {
    for blocked in [false, true] {
        let mut world = World::new(2);
        world.proving_s = 30;
        let (job, _) = job_and_offer(&mut world, 0);
        world.pass(2);
        let award = |world: &World| world.nodes[0].engine.jobs[&job].seats[0].executor();
        assert_eq!(award(&world), Some(world.id(1)));
        if blocked {
            let peer = world.id(1);
            block(&mut world, 0, peer, None);
        }
        let (network, slot, at) = (network(), Slot::ZERO, Timestamp::new(world.time()));
        let box_key = None;
        let claim = Claim {
            network,
            job,
            slot,
            at,
            box_key,
        };
        world.inject(&signed(claim, &key(50)));
        let expected = if blocked { id(&key(50)) } else { world.id(1) };
        assert_eq!(award(&world), Some(expected));
    }
}

#[test]
fn who_is_blacklisted_gets_no_bounty() {
    for blocked in [false, true] {
        let mut world = World::new(3);
        world.proving_s = 30;
        let (job, _) = job_and_offer(&mut world, 1);
        world.pass(2);
        let executor = world.nodes[0].engine.jobs[&job].seats[0]
            .executor()
            .expect("awarded");
        let verifier = [1, 2]
            .map(|it| world.id(it))
            .into_iter()
            .find(|it| *it != executor);
        let verifier = verifier.expect("the other");
        if blocked {
            block(&mut world, 0, verifier, None);
        }
        world.pass(60);
        let bounty = (verifier, FeeKind::Verify, 20);
        let expected: Vec<_> = [(executor, FeeKind::Execute, 80)]
            .into_iter()
            .chain((!blocked).then_some(bounty))
            .collect();
        assert_eq!(world.paid(0), expected);
    }
}

#[test]
fn who_is_blacklisted_is_no_hop() {
    let mut world = super::onion::mesh();
    let peer = world.id(1);
    let is_hop = |world: &World| world.mixes[&0].iter().any(|mix| mix.node == peer);
    assert!(is_hop(&world));
    block(&mut world, 0, peer, None);
    world.pass(100);
    assert!(!is_hop(&world));
}
