//! What relays sign for, and what becomes of those that sign for what is invalid.

use nonos_trust::{Cause, Context, Deed, State};
use nonos_types::*;

use super::world::*;
use crate::{Conduct, engine::Input};

const HOUR_MS: u64 = 3_600_000;

/// Some nodes in the hour after they were started, in which they sign.
fn relays(nodes: u8) -> World {
    let mut world = World::new(nodes);
    world.millis += HOUR_MS;
    world.pass(1);
    world
}

/// The second of three passes on what it has not checked, from the next hour on with its signature.
fn careless() -> World {
    let mut world = World::new(3);
    world.stop(1);
    world.nodes[1].conduct = Conduct::RelayUnchecked;
    world.start(1);
    world.millis += HOUR_MS;
    world.pass(1);
    world
}

fn heads(world: &World, node: usize, of: usize) -> Vec<Signed<RelayHead>> {
    let relay = world.id(of);
    let heads = journal(world, node).into_iter().filter_map(|it| match it {
        Message::RelayHead(head) if head.signer() == relay => Some(head),
        _ => None,
    });
    heads.collect()
}

/// A receipt of a job of the first node with a proof that does not hold, of one who is none of the nodes.
fn forged(world: &mut World, salt: u8) -> Signed<Receipt> {
    let job = world.submit(salt, 0, 6000).expect("a job");
    let offer = world.nodes[0].engine.jobs[&job].offer.clone();
    let forged = receipt(&offer, &key(100 + salt), 0, world.time());
    world.invalid.insert(forged.receipt_id());
    forged
}

/// Its executor hands it to the second node, and that to the first one.
fn hand_over(world: &mut World, forged: &Signed<Receipt>) {
    world.message(1, forged.signer(), forged.clone().into());
    world.message(0, world.id(1), forged.clone().into());
    world.run();
}

/// What a node was told of the relay's fault, if it convicted the relay.
fn evidence(world: &World, node: usize, relay: usize) -> Option<Evidence> {
    let trust = &world.nodes[node].engine.trust;
    let convictions = trust.convictions().expect("a list");
    let (_, id) = convictions.into_iter().find(|(it, _)| *it == world.id(relay))?;
    let accusation = trust.evidence(id).expect("readable")?;
    Some(accusation.evidence.clone())
}

/// Its deeds as a relay, as a node counts them.
fn as_relay(world: &World, node: usize, relay: usize) -> Vec<(Deed, Cause)> {
    let points = world.nodes[node].engine.trust.explain(world.id(relay));
    let points = points.expect("deeds").into_iter();
    points
        .filter(|it| it.context == Context::Relay)
        .map(|it| (it.deed, it.cause))
        .collect()
}

#[test]
fn a_node_signs_for_what_it_accepted_once_and_for_nothing_of_its_own() {
    let mut world = relays(3);
    let job = world.submit(1, 1, 6000).expect("a job");
    world.pass(100);
    let good = world.good(0, job);
    let receipt = world.nodes[0].engine.receipts[&good].clone();
    for node in 0..3 {
        let signed = heads(&world, node, node);
        if world.id(node) == receipt.signer() {
            assert_eq!(signed, [], "its own receipt it has not passed on");
            continue;
        }
        let [head] = &signed[..] else {
            panic!("one head: {signed:?}")
        };
        assert_eq!((head.size, head.root), (1, JournalRoot::leaf(&receipt.id())));
        assert_eq!(head.epoch, Epoch::of(head.at));
        for other in 0..3 {
            assert_eq!(heads(&world, other, node), signed, "all have it");
        }
    }
}

#[test]
fn heads_are_half_a_minute_apart_and_each_names_the_one_before() {
    let mut world = relays(2);
    for salt in 1..20 {
        world.submit(salt, 0, 6000).expect("a job");
        world.pass(11);
    }
    world.pass(60);
    let signed = heads(&world, 1, 0);
    assert!(signed.len() >= 5, "{}", signed.len());
    for pair in signed.windows(2) {
        assert!(pair[0].at.get() / 30 < pair[1].at.get() / 30);
        assert_eq!(pair[1].previous, Some(pair[0].id()));
        assert!(pair[0].size < pair[1].size);
    }
    assert_eq!(signed.last().expect("some").size, 19);
}

#[test]
fn a_node_signs_nothing_in_the_hour_of_a_start() {
    let mut world = World::new(2);
    world.submit(1, 0, 6000).expect("a job");
    world.pass(100);
    assert_eq!(heads(&world, 0, 0), []);
    world.millis += HOUR_MS;
    world.submit(2, 0, 6000).expect("a job");
    world.pass(100);
    let [before] = &heads(&world, 0, 0)[..] else {
        panic!("one head")
    };
    world.stop(0);
    world.start(0);
    world.submit(3, 0, 6000).expect("a job");
    world.pass(100);
    let left = heads(&world, 0, 0);
    assert_eq!(left, std::slice::from_ref(before), "it may have forgotten others");
    world.millis += HOUR_MS;
    world.submit(4, 0, 6000).expect("a job");
    world.pass(100);
    let signed = heads(&world, 0, 0);
    assert_eq!(signed.len(), 2);
    assert_eq!(signed[1].previous, Some(before.id()));
    assert_eq!(signed[1].epoch.get(), before.epoch.get() + 1);
}

/// Each node's jobs over an hour's end.
fn work(world: &mut World) {
    for salt in 1..5 {
        if world.submit(salt, 0, 6000).is_none() {
            world.submit(salt + 100, 0, 6000).expect("the store fails once");
        }
        world.pass(17);
    }
}

#[test]
fn a_node_that_is_killed_at_any_point_never_signs_for_two_logs() {
    let mut signed = 0;
    for written in [false, true] {
        for failing in (0..60).step_by(3) {
            let mut world = World::failing(2, written);
            world.millis += 2 * HOUR_MS - 40_000;
            world.pass(1);
            world.nodes[0].store.fail_after(failing);
            work(&mut world);
            world.millis += HOUR_MS;
            work(&mut world);
            let heads = heads(&world, 1, 0);
            signed += heads.len();
            for (n, one) in heads.iter().enumerate() {
                for other in &heads[..n] {
                    assert_eq!(ForkedHead::of(one, other), None, "{failing}");
                }
            }
            assert!(!world.blacklisted(1, world.id(0)), "{failing}");
        }
    }
    assert!(signed >= 40, "{signed}");
}

#[test]
fn a_node_whose_key_is_used_twice_signs_for_nothing() {
    let mut world = relays(2);
    world.nodes[0].engine.doubled = true;
    // A job of the second node's, which the first one only watches.
    let stranger = key(50);
    let offered = offer(1, world.time(), world.time() + 600);
    let offered = Signed::new(offered, &world.nodes[1].key.clone());
    world.message(0, world.id(1), offered.clone().into());
    let given = receipt(&offered, &stranger, 0, world.time());
    world.message(0, id(&stranger), given.into());
    world.pass(100);
    assert_eq!(world.nodes[0].engine.receipts.len(), 1);
    assert_eq!(heads(&world, 0, 0), []);
}

#[test]
fn a_relay_that_signed_for_an_invalid_receipt_is_convicted_by_all() {
    let mut world = careless();
    let forged = forged(&mut world, 1);
    hand_over(&mut world, &forged);
    assert!(!world.blacklisted(0, world.id(1)));
    world.pass(60);
    for node in [0, 2] {
        assert!(world.blacklisted(node, world.id(1)), "{node}");
        assert!(world.blacklisted(node, forged.signer()), "{node}");
        let Some(Evidence::BadRelay(shown)) = evidence(&world, node, 1) else {
            panic!("convicted of something else")
        };
        assert_eq!(shown.item.receipt, forged);
        assert_eq!(shown.head.signer(), world.id(1));
        assert!(shown.is_included());
        let cause = Cause::Evidence(Evidence::BadRelay(shown).id());
        assert_eq!(as_relay(&world, node, 1), [(Deed::Bad, cause)]);
        let other = 2 - node;
        assert!(!world.blacklisted(node, world.id(other)), "the honest are not");
    }
}

#[test]
fn a_relay_that_shows_nothing_is_not_convicted_and_loses_its_standing() {
    let mut world = careless();
    world.refusing = true;
    let forged = forged(&mut world, 1);
    hand_over(&mut world, &forged);
    world.pass(110);
    assert!(world.asked_relays > 0);
    assert_eq!(as_relay(&world, 0, 1), [], "there is time to answer");
    world.pass(60);
    assert_eq!(as_relay(&world, 0, 1), [(Deed::Bad, Cause::Message(forged.id()))]);
    let standing = (world.nodes[0].engine.trust).standing(world.id(1), world.now().time);
    assert_eq!(standing.expect("a standing").state, State::Probation);
    for node in [0, 2] {
        assert!(!world.blacklisted(node, world.id(1)), "{node}");
    }
}

#[test]
fn a_relay_that_refuses_again_and_again_is_blacklisted_for_a_time() {
    let mut world = careless();
    world.refusing = true;
    for day in 1..=3 {
        let forged = forged(&mut world, day);
        hand_over(&mut world, &forged);
        world.pass(200);
        assert_eq!(as_relay(&world, 0, 1).len(), usize::from(day));
        assert_eq!(world.blacklisted(0, world.id(1)), day == 3, "{day}");
        world.millis += 25 * HOUR_MS;
        world.pass(1);
    }
    assert_eq!(evidence(&world, 0, 1), None, "on nobody's evidence");
}

#[test]
fn a_relay_that_never_signed_for_it_is_not_convicted() {
    let mut world = World::new(2);
    world.stop(1);
    world.nodes[1].conduct = Conduct::RelayUnchecked;
    world.start(1);
    // The hour of its start: it writes nothing down.
    let forged = forged(&mut world, 1);
    hand_over(&mut world, &forged);
    world.pass(200);
    assert_eq!(world.asked_relays, 0);
    assert_eq!(evidence(&world, 0, 1), None);
    assert_eq!(as_relay(&world, 0, 1), [(Deed::Bad, Cause::Message(forged.id()))]);
}

#[test]
fn those_who_pass_it_on_later_are_asked_too() {
    let mut world = careless();
    let forged = forged(&mut world, 1);
    // The first node has it from the forger, who answers for the receipt itself.
    world.message(0, forged.signer(), forged.clone().into());
    world.run();
    world.pass(200);
    assert!(world.blacklisted(0, forged.signer()));
    assert_eq!(world.asked_relays, 0);
    assert_eq!(as_relay(&world, 0, 1), []);

    // The relay knew nothing of that, and passes it on.
    let (relay, now) = (world.id(1), world.now().time);
    world.nodes[1].engine.relay.accept(forged.id(), now);
    world.pass(40);
    world.message(0, relay, forged.clone().into());
    world.pass(5);
    assert!(matches!(evidence(&world, 0, 1), Some(Evidence::BadRelay(_))));
    assert!(world.blacklisted(2, relay));
}

#[test]
fn nobody_is_asked_about_a_receipt_that_is_right() {
    let mut world = careless();
    let job = world.submit(1, 1, 6000).expect("a job");
    let offer = world.nodes[0].engine.jobs[&job].offer.clone();
    let right = receipt(&offer, &key(50), 0, world.time());
    hand_over(&mut world, &right);
    world.pass(200);
    assert!(world.nodes[0].engine.receipts.contains_key(&right.receipt_id()));
    assert_eq!(world.asked_relays, 0);
    for node in [0, 2] {
        assert_eq!(as_relay(&world, node, 1), []);
    }
}

#[test]
fn a_false_way_and_a_stranger_s_answer_convict_nobody() {
    let mut world = careless();
    world.refusing = true;
    let forged = forged(&mut world, 1);
    hand_over(&mut world, &forged);
    world.pass(60);
    let head = heads(&world, 0, 1).pop().expect("it signed");
    let other = Signed::new(*head.value(), &key(60));
    for (index, path) in [
        (0, vec![head.root]),
        (1, vec![]),
        (7, vec![JournalRoot::ZERO; 20]),
    ] {
        let said = |head: &Signed<RelayHead>| Input::RelaySaid {
            message: forged.id(),
            head: Box::new(head.clone()),
            inclusion: Some(Inclusion {
                index,
                path: path.clone(),
            }),
        };
        world.give(0, said(&head));
        world.give(0, said(&other));
    }
    world.run();
    assert!(!world.blacklisted(0, world.id(1)));
    assert!(!world.blacklisted(0, id(&key(60))));
    world.pass(100);
    assert_eq!(as_relay(&world, 0, 1).len(), 1, "that is no answer");
}

#[test]
fn however_much_a_relay_passes_on_it_is_asked_about_little_at_a_time() {
    let mut world = careless();
    world.refusing = true;
    let relay = world.id(1);
    for salt in 1..40 {
        let forged = forged(&mut world, salt);
        world.message(0, relay, forged.into());
        world.run();
    }
    world.pass(30);
    let asked = world.asked_relays;
    assert!(asked <= 4 * 6, "{asked}");
    world.pass(200);
    assert!(world.asked_relays <= 8 * 6, "{}", world.asked_relays);
}

#[test]
fn heads_are_forgotten_after_a_week_and_blame_nobody_when_they_come_again() {
    let mut world = relays(2);
    world.submit(1, 0, 6000).expect("a job");
    world.pass(60);
    world.millis += HOUR_MS;
    world.submit(2, 0, 6000).expect("a job");
    world.pass(60);
    let old = heads(&world, 0, 0);
    assert_eq!(old.len(), 2);
    world.millis += 8 * 24 * HOUR_MS;
    world.pass(2);
    assert_eq!(
        heads(&world, 0, 0),
        [old[1].clone()],
        "the last says where to go on"
    );
    assert_eq!(heads(&world, 1, 0), []);
    for node in 0..2 {
        world.message(node, world.id(1 - node), old[0].clone().into());
    }
    world.run();
    assert!(!world.nodes[0].engine.doubled);
    assert_eq!(heads(&world, 1, 0), []);

    world.stop(0);
    world.start(0);
    world.millis += HOUR_MS;
    world.submit(3, 0, 6000).expect("a job");
    world.pass(60);
    let new = heads(&world, 1, 0);
    assert_eq!(new[0].previous, Some(old[1].id()));
}
