//! Many who forge at once; and a verifier that finds everybody guilty, which must not be believed.

use nonos_trust::{Cause, Context, Deed, Observation};
use nonos_types::*;

use super::world::*;

const HONEST: u8 = 35;
const FORGERS: std::ops::Range<u8> = 100..115;

/// All nodes have found ten runs of each of these right, a while ago.
fn establish(world: &World, peers: impl Iterator<Item = NodeId> + Clone) {
    for node in &world.nodes {
        for peer in peers.clone() {
            for run in 0..10_u8 {
                let observation = Observation {
                    peer,
                    context: Context::Execute,
                    deed: Deed::Good,
                    cause: Cause::Job(JobId::from_bytes([run; 32])),
                };
                let counted = node.engine.trust.observe(&observation, world.now().time);
                counted.expect("counted");
            }
        }
    }
}

fn forgers() -> impl Iterator<Item = NodeId> + Clone {
    FORGERS.map(|forger| id(&key(forger)))
}

/// How many pairs of a node and one of these are blacklisted.
fn blacklisted(world: &World, peers: impl Iterator<Item = NodeId> + Clone) -> usize {
    let pairs = (0..world.nodes.len()).flat_map(|node| peers.clone().map(move |peer| (node, peer)));
    pairs
        .filter(|(node, peer)| world.blacklisted(*node, *peer))
        .count()
}

fn offers(world: &mut World, salts: std::ops::RangeInclusive<u8>) -> Vec<Signed<Offer>> {
    let submit = |salt| {
        let job = world.submit(salt, 0, 6000).expect("a job");
        world.nodes[0].engine.jobs[&job].offer.clone()
    };
    salts.map(submit).collect()
}

/// Nodes that hear forgers for so many seconds at most, so many forged receipts of each in a second, for jobs of which there is
/// another each three seconds: after how many seconds how many pairs of node and forger are blacklisted.
fn flood(world: &mut World, rate: u32, seconds: u64) -> (u64, usize) {
    // Of those that a job was not awarded to no more than eight are tried: who is to be caught must forge for several.
    let mut jobs = offers(world, 1..=3);
    let all = world.nodes.len() * FORGERS.len();
    let mut attempt = 0;
    for second in 1..=seconds {
        if second % 3 == 0 {
            let salt = 10 + second as u8;
            jobs.extend(offers(world, salt..=salt));
        }
        for _ in 0..rate {
            attempt += 1;
            for forger in FORGERS.map(key) {
                let offer = &jobs[attempt as usize % jobs.len()];
                let forged = receipt(offer, &forger, attempt, START);
                world.invalid.insert(forged.receipt_id());
                for node in 0..world.nodes.len() {
                    // The network lets nothing through of who is blacklisted.
                    if !world.blacklisted(node, id(&forger)) {
                        world.message(node, id(&forger), forged.clone().into());
                    }
                }
                world.run();
            }
        }
        world.pass(1);
        if blacklisted(world, forgers()) == all {
            return (second, all);
        }
    }
    (seconds, blacklisted(world, forgers()))
}

fn nobody_else_is_blacklisted(world: &World) {
    for node in 0..world.nodes.len() {
        for other in 0..world.nodes.len() {
            assert!(
                !world.blacklisted(node, world.id(other)),
                "{node} blacklists {other}"
            );
        }
        // A few for each forger are enough; accusations save all others the work.
        let checks = world.checks.iter().filter(|((of, _), _)| *of == node);
        let checks: usize = checks.map(|(_, count)| count).sum();
        assert!(checks <= 4 * FORGERS.len(), "{node}: {checks}");
    }
}

#[test]
fn fifteen_forgers_of_fifty_are_blacklisted_by_all_others_and_nobody_else_is() {
    let mut world = World::new(HONEST);
    // A mesh in which there is something to do.
    world.proving_s = 1;
    offers(&mut world, 200..=200);
    world.pass(4);
    let (seconds, pairs) = flood(&mut world, 20, 60);
    assert_eq!(pairs, usize::from(HONEST) * FORGERS.len(), "after {seconds} s");
    nobody_else_is_blacklisted(&world);
}

/// Nothing was ever proved here before; and the forgers are all that ever did, so that they are far more than a fifth.
#[test]
fn forgers_that_were_honest_for_long_are_blacklisted_as_soon_as_others_prove_something() {
    let mut world = World::new(HONEST);
    establish(&world, forgers());
    world.proving_s = 1;
    let (seconds, pairs) = flood(&mut world, 2, 60);
    assert_eq!(pairs, usize::from(HONEST) * FORGERS.len(), "after {seconds} s");
    nobody_else_is_blacklisted(&world);
    for node in &world.nodes {
        let held = node.engine.trust.held().expect("held");
        let left = held
            .iter()
            .filter(|(peer, _)| !node.engine.trust.is_blacklisted(*peer).expect("known"));
        assert_eq!(left.count(), 0, "nobody waits for the operator");
    }
}

/// Receipts of ten executors that a node has known for long, for jobs of its own: of these, those who are blacklisted.
fn delivered_by_ten(world: &mut World, jobs: &[Signed<Offer>]) -> usize {
    let executors = FORGERS.take(10).map(key);
    for (number, executor) in executors.enumerate() {
        let at = world.time();
        let good = receipt(&jobs[number / 5], &executor, 1, at);
        world.message(1, id(&executor), good.into());
        world.run();
    }
    let of_ten = forgers().take(10);
    of_ten.filter(|peer| world.blacklisted(1, *peer)).count()
}

#[test]
fn a_verifier_that_finds_everything_wrong_convicts_two_and_then_nobody() {
    let mut world = World::new(2);
    establish(&world, forgers());
    let jobs = offers(&mut world, 2..=3);
    world.defect = Some(0);
    assert!(delivered_by_ten(&mut world, &jobs) <= 3);
    assert!(
        world.nodes[1]
            .engine
            .trust
            .in_doubt(world.now().time)
            .expect("known")
    );
    world.pass(300);
    let of_ten = forgers().take(10).filter(|peer| world.blacklisted(1, *peer));
    assert!(of_ten.count() <= 3, "nor later, by itself");
    let waits = world.nodes[1].engine.trust.held().expect("held").len();
    assert!(waits >= 7, "{waits}");
}

/// It found proofs right before, but that is too long ago to say anything.
#[test]
fn a_verifier_that_fails_after_a_while_convicts_few_too() {
    let mut world = World::new(2);
    establish(&world, forgers());
    let first = offers(&mut world, 1..=1);
    world.pass(20);
    assert!(world.nodes[1].engine.jobs[&first[0].job()].good_ms.is_some());
    world.pass(100);
    world.defect = Some(world.millis);
    let jobs = offers(&mut world, 2..=3);
    assert!(delivered_by_ten(&mut world, &jobs) <= 3);
}

/// What only this node finds wrong is its own fault, whatever else it finds right.
#[test]
fn what_those_who_are_known_find_right_is_not_certainly_wrong() {
    let blacklists = |contradicted: Option<u8>| {
        let mut world = World::new(3);
        establish(&world, forgers());
        let jobs = offers(&mut world, 2..=3);
        // Something else is found right just now, by who has not run it.
        world.pass(20);
        let checked = world.checks.keys().map(|(node, _)| *node).find(|node| *node != 0);
        let node = checked.expect("one of the two has checked what the other ran");
        for (number, executor) in FORGERS.take(10).map(key).enumerate() {
            let forged = receipt(&jobs[number / 5], &executor, 1, world.time());
            let verdict = Verdict {
                network: network(),
                receipt: forged.receipt_id(),
                valid: true,
                at: world.now().time,
                shard: None,
                work: None,
            };
            if let Some(by) = contradicted {
                world.message(node, id(&key(by)), signed(verdict, &key(by)));
            }
            world.invalid.insert(forged.receipt_id());
            world.message(node, id(&executor), forged.into());
            world.run();
        }
        let of_ten = forgers().take(10);
        of_ten.filter(|peer| world.blacklisted(node, *peer)).count()
    };
    assert_eq!(blacklists(None), 10);
    // Who is no newcomer, and none of those.
    assert!(blacklists(Some(114)) <= 3);
    // Names cost nothing, nor does what they say.
    assert_eq!(blacklists(Some(130)), 10);
}

/// That proofs of other capsules are found right says nothing of what goes wrong with those of one.
#[test]
fn what_is_frozen_waits_for_a_proof_of_its_own_kind() {
    let mut world = World::new(3);
    establish(&world, forgers());
    for salt in 0..2 {
        let own = Offer {
            capsule: CapsuleHash::from_bytes([9; 32]),
            ..offer(salt, START, START + 6000)
        };
        let own = Signed::new(own, &key(99));
        for executor in FORGERS.skip(5 * usize::from(salt)).take(5).map(key) {
            let forged = receipt(&own, &executor, 1, START);
            world.invalid.insert(forged.receipt_id());
            for node in 1..3 {
                world.message(node, id(&key(99)), own.clone().into());
                world.message(node, id(&executor), forged.clone().into());
            }
            world.run();
        }
    }
    offers(&mut world, 2..=3);
    world.pass(60);
    let checked = world
        .checks
        .keys()
        .filter(|(_, receipt)| !world.invalid.contains(receipt));
    let node = checked.map(|(node, _)| *node).find(|node| *node != 0);
    let node = node.expect("one of the two has checked what the other ran");
    let of_ten = forgers().take(10).filter(|peer| world.blacklisted(node, *peer));
    assert!(of_ten.count() <= 3);
    let waits = world.nodes[node].engine.trust.held().expect("held").len();
    assert!(waits >= 7, "{waits}");
}

/// Names cost nothing: whoever throws many away must not keep others from being convicted, nor shut out verifiers.
#[test]
fn forgers_by_hundreds_of_new_names_freeze_nothing_but_themselves() {
    let mut world = World::new(2);
    establish(&world, forgers());
    // Their own jobs, of their own capsule, for which nobody ever proves anything.
    let mut names = (0..200_u64).map(|number| {
        let seed = JobId::hash(&[&number.to_be_bytes()]);
        ed25519_dalek::SigningKey::from_bytes(seed.as_bytes())
    });
    for salt in 0..25 {
        let own = Offer {
            capsule: CapsuleHash::from_bytes([9; 32]),
            ..offer(salt, START, START + 6000)
        };
        let own = Signed::new(own, &key(99));
        world.message(1, id(&key(99)), own.clone().into());
        for name in names.by_ref().take(8) {
            let forged = receipt(&own, &name, 1, START);
            world.invalid.insert(forged.receipt_id());
            world.message(1, id(&name), forged.into());
            world.run();
        }
    }
    let trust = &world.nodes[1].engine.trust;
    assert!(trust.frozen(world.now().time).expect("known"), "of newcomers");
    assert!(!trust.in_doubt(world.now().time).expect("known"));
    // One that has proved runs, of a capsule of which just now nothing else was proved.
    let own = Offer {
        capsule: CapsuleHash::from_bytes([8; 32]),
        ..offer(77, START, START + 6000)
    };
    let own = Signed::new(own, &key(99));
    world.message(1, id(&key(99)), own.clone().into());
    let forged = receipt(&own, &key(100), 1, START);
    world.invalid.insert(forged.receipt_id());
    world.message(1, id(&key(100)), forged.into());
    world.run();
    assert!(world.blacklisted(1, id(&key(100))));
}
