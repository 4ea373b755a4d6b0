//! A store that fails at any write.

use std::sync::atomic::Ordering;

use nonos_types::FeeKind;

use super::world::*;

fn scenario(world: &mut World) {
    if world.submit(1, 1, 6000).is_none() && world.nodes[0].engine.jobs.is_empty() {
        world.submit(2, 1, 6000).expect("the store fails once");
    }
    world.pass(60);
}

#[test]
fn a_write_that_fails_pays_nothing_twice_and_loses_no_job() {
    for written in [false, true] {
        let mut world = World::failing(3, written);
        let before: Vec<_> = world
            .nodes
            .iter()
            .map(|it| it.store.writes.load(Ordering::Relaxed))
            .collect();
        scenario(&mut world);
        for (node, before) in before.into_iter().enumerate() {
            let writes = world.nodes[node].store.writes.load(Ordering::Relaxed) - before;
            assert!(writes > 10);
            for failing in 0..writes {
                let what = format!("written {written}, node {node}, write {failing}");
                let mut world = World::failing(3, written);
                world.nodes[node].store.fail_after(failing);
                scenario(&mut world);
                assert!(world.nodes[node].store.has_failed(), "{what}");
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
            }
        }
    }
}

#[test]
fn what_was_held_for_an_offer_that_was_never_made_is_released() {
    let mut world = World::failing(1, false);
    // The hold is written, the offer is not.
    world.nodes[0].store.fail_after(1);
    assert_eq!(world.submit(1, 0, 600), None);
    assert!(world.nodes[0].store.has_failed());
    assert!(world.nodes[0].engine.jobs.is_empty());
    let entries = world.nodes[0].engine.ledger.entries(None, 10).expect("entries");
    assert_eq!(entries.len(), 2, "held, and released");
    assert_eq!(world.held(0), 0);
}

#[test]
fn an_accusation_that_was_not_sent_before_a_stop_is_sent_after_it() {
    for failing in 0..8 {
        let mut world = World::failing(2, true);
        let job = world.submit(1, 0, 6000).expect("a job");
        let offer = world.nodes[0].engine.jobs[&job].offer.clone();
        let forger = key(77);
        let forged = receipt(&offer, &forger, 0, START);
        world.invalid.insert(forged.receipt_id());
        world.nodes[0].store.fail_after(failing);
        // Only the first node hears of it.
        world.message(0, id(&forger), forged.into());
        world.run();
        world.pass(20);
        for node in 0..2 {
            assert!(
                world.blacklisted(node, id(&forger)),
                "write {failing}, node {node}"
            );
        }
    }
}
