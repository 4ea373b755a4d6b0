//! Many who forge at once.

use std::sync::Arc;

use nonos_store::Store;
use nonos_trust::TrustBook;

use super::world::*;

const HONEST: u8 = 35;
const FORGERS: std::ops::Range<u8> = 100..115;
/// Forged receipts of each forger to each node, in a second.
const RATE: u32 = 20;

/// Nodes that hear forgers for so many seconds at most, with brakes that work from so many guilty peers on: after how
/// many seconds which share of the pairs of node and forger is blacklisted.
fn flood(brake_peers: usize, seconds: u64) -> (World, u64, usize) {
    let mut world = World::new(HONEST);
    for node in &mut world.nodes {
        let store = Arc::clone(&node.store) as Arc<dyn Store>;
        node.engine.trust = TrustBook::open(store).expect("a book").brake_from(brake_peers);
    }
    // Of those that a job was not awarded to no more than eight are tried: who is to be caught must forge for several.
    let offers = [1, 2, 3].map(|salt| {
        let job = world.submit(salt, 0, 6000).expect("a job");
        world.nodes[0].engine.jobs[&job].offer.clone()
    });
    let blacklisted = |world: &World| {
        let pairs = (0..world.nodes.len()).flat_map(|node| FORGERS.map(move |forger| (node, forger)));
        pairs
            .filter(|(node, forger)| world.blacklisted(*node, id(&key(*forger))))
            .count()
    };
    let all = usize::from(HONEST) * FORGERS.len();
    let mut attempt = 0;
    for second in 1..=seconds {
        for _ in 0..RATE {
            attempt += 1;
            for forger in FORGERS.map(key) {
                let offer = &offers[attempt as usize % offers.len()];
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
        if blacklisted(&world) == all {
            return (world, second, all);
        }
    }
    let blacklisted = blacklisted(&world);
    (world, seconds, blacklisted)
}

#[test]
fn fifteen_forgers_of_fifty_are_blacklisted_by_all_others_and_nobody_else_is() {
    let (world, seconds, pairs) = flood(FORGERS.len() + 1, 60);
    assert_eq!(pairs, usize::from(HONEST) * FORGERS.len(), "after {seconds} s");
    assert!(seconds <= 60);
    for node in 0..world.nodes.len() {
        for other in 0..world.nodes.len() {
            assert!(
                !world.blacklisted(node, world.id(other)),
                "{node} blacklists {other}"
            );
        }
        // One for each forger is enough; its accusation saves all others the work.
        let checks = world.checks.iter().filter(|((of, _), _)| *of == node);
        let checks: usize = checks.map(|(_, count)| count).sum();
        assert!(checks <= 4 * FORGERS.len(), "{node}: {checks}");
    }
}

/// So many at once may as well be a fault of the program: the operator decides.
#[test]
fn forgers_beyond_a_fifth_of_all_are_left_to_the_operator() {
    let (_, _, pairs) = flood(TrustBook::BRAKE_PEERS, 3);
    assert!(pairs < usize::from(HONEST) * FORGERS.len() * 95 / 100, "{pairs}");
}
