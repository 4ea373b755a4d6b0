//! The engine's part of the onion layer.

use nonos_mesh::{Cursor, core::onion::Guards};
use nonos_types::{Descriptor, Message, OnionKey, Signed, Timestamp};

use super::world::*;
use crate::{
    config::Policy,
    engine::{Input, Measured, Origin, onion::guards},
};

fn keys(world: &World, of: u8) -> Vec<OnionKey> {
    let period = world.time() / 21_600;
    let key = |epoch| OnionKey { epoch, key: [of; 32] };
    vec![key(period), key(period + 1)]
}

/// Tells a node its keys, as the mesh does when it starts.
fn has_keys(world: &mut World, node: usize, of: u8) {
    let keys = keys(world, of);
    world.give(node, Input::OnionKeys(keys));
    world.run();
}

fn listen(world: &mut World, node: usize, address: &str) {
    world.give(node, Input::Listening(address.to_owned()));
    world.run();
}

fn descriptors(world: &World, of: usize) -> Vec<Signed<Descriptor>> {
    (world.published.iter())
        .filter_map(|(node, message)| match message {
            Message::Descriptor(it) if *node == of => Some(it.clone()),
            _ => None,
        })
        .collect()
}

/// Nodes in four networks, that have keys and have been listed for an hour.
pub(super) fn mesh() -> World {
    let mut world = World::new(4);
    for node in 0..4 {
        has_keys(&mut world, node, u8::try_from(node).expect("few"));
        listen(&mut world, node, &format!("/ip4/192.0.{node}.7/tcp/1"));
    }
    world.pass(3700);
    world
}

#[test]
fn others_are_told_new_keys_at_once() {
    let mut world = World::new(1);
    listen(&mut world, 0, "/ip4/192.0.2.7/tcp/1");
    let before = descriptors(&world, 0);
    assert!(before.iter().all(|it| it.onion_keys.is_empty()));
    for of in [7, 8] {
        world.pass(3);
        let before = descriptors(&world, 0);
        has_keys(&mut world, 0, of);
        let told = descriptors(&world, 0);
        assert_eq!(told.len(), before.len() + 1);
        let (old, new) = (before.last().expect("one"), told.last().expect("one"));
        assert!(new.sequence > old.sequence);
        assert_eq!(new.onion_keys, keys(&world, of));
        assert_eq!(new.addresses, ["/ip4/192.0.2.7/tcp/1"]);
    }
}

#[test]
fn who_is_listed_for_an_hour_may_be_a_hop() {
    let mut world = World::new(4);
    for node in 0..4 {
        has_keys(&mut world, node, u8::try_from(node).expect("few"));
        listen(&mut world, node, &format!("/ip4/192.0.{node}.7/tcp/1"));
    }
    world.pass(3500);
    assert!(world.mixes.is_empty(), "nobody, and that is not said");
    world.pass(200);
    let hops = |world: &World, node| -> Vec<_> { world.mixes[&node].iter().map(|mix| mix.node).collect() };
    let mut others: Vec<_> = (1..4).map(|node| world.id(node)).collect();
    others.sort();
    assert_eq!(hops(&world, 0), others);
    assert_eq!(world.mixes[&0][0].keys.len(), 2);
    // One that the operator blocks, or that is avoided, is none.
    let (peer, now) = (world.id(1), world.now().time);
    world.nodes[0].engine.trust.block(peer, now).expect("blocked");
    let avoided = [world.id(2)].into();
    world.nodes[0].engine.avoid(avoided).expect("avoided");
    world.pass(20);
    assert_eq!(hops(&world, 0), [world.id(3)]);
    assert_eq!(hops(&world, 3).len(), 3);
}

/// What it knew of others it has on disk, and it counts from there.
#[test]
fn a_restart_does_not_cost_an_hour() {
    let mut world = mesh();
    world.pass(30);
    let before = world.mixes[&0].clone();
    assert!(before.len() == 3 && before.iter().all(|mix| mix.confirmed && mix.introducer.is_some()));
    world.stop(0);
    world.pass(600);
    world.mixes.clear();
    world.start(0);
    world.pass(20);
    assert_eq!(world.mixes[&0], before);
}

/// Whatever it says of itself, and however far back it sets its clock.
#[test]
fn a_newcomer_is_no_hop_for_an_hour_after_a_restart_of_those_who_knew_it() {
    let mut world = mesh();
    let stranger = key(50);
    let old = Descriptor {
        onion_keys: keys(&world, 50),
        valid_from: Timestamp::new(world.time() - 80_000),
        valid_until: Timestamp::new(world.time() + 6000),
        ..super::describe::said(&stranger, 1, "old", world.time())
            .value()
            .clone()
    };
    let it = Signed::new(old, &stranger);
    for neighbour in [1, 2] {
        world.message(0, world.id(neighbour), it.clone().into());
    }
    world.run();
    let is_hop = |world: &World| world.mixes[&0].iter().any(|mix| mix.node == it.signer());
    world.pass(1000);
    assert!(world.nodes[0].engine.directory.get(it.signer()).is_some());
    world.stop(0);
    world.start(0);
    world.pass(2400);
    assert!(!is_hop(&world), "listed for less than an hour");
    world.pass(300);
    assert!(is_hop(&world), "for more, the restart included");
}

/// As many rows as there are nodes, and none of nodes that are gone.
#[test]
fn what_is_kept_of_nodes_goes_with_them() {
    let mut world = World::new(1);
    let rows = |world: &mut World| {
        world.pass(2);
        let mut directory = nonos_mesh::core::Directory::new(Default::default());
        let engine = &mut world.nodes[0].engine;
        std::mem::swap(&mut engine.directory, &mut directory);
        engine.read_seen().expect("readable");
        std::mem::swap(&mut engine.directory, &mut directory);
        directory.forget();
        directory.take_changed().len()
    };
    assert_eq!(rows(&mut world), 1, "its own");
    for stranger in 50..60 {
        let it = super::describe::said(&key(stranger), 1, "here", world.time());
        world.message(0, id(&key(stranger)), it.into());
    }
    assert_eq!(rows(&mut world), 11);
    world.millis += 3_700_000;
    assert_eq!(rows(&mut world), 1);
}

#[test]
fn whose_month_is_used_up_is_no_hop_and_has_none() {
    let mut world = mesh();
    world.configure(0, "[limits]\nmonthly = \"1MB\"\n");
    has_keys(&mut world, 0, 0);
    world.pass(20);
    let me = world.id(0);
    let is_hop = |world: &World, of: usize| world.mixes[&of].iter().any(|mix| mix.node == me);
    assert!(is_hop(&world, 1));
    assert_eq!(world.mixes[&0].len(), 3);
    world.measure(
        0,
        Measured {
            sent: 1_000_000,
            ..Measured::default()
        },
    );
    world.pass(20);
    assert!(!is_hop(&world, 1));
    assert_eq!(world.mixes[&0], []);
    let told = descriptors(&world, 0);
    assert_eq!(told.last().expect("one").onion_keys, []);
}

#[test]
fn without_the_layer_nothing_is_said_of_hops_and_receipts_are_not_held() {
    let mut world = World::new(2);
    for node in 0..2 {
        world.nodes[node].engine.config.onion.policy = Policy::Off;
    }
    world.withhold = true;
    has_keys(&mut world, 1, 1);
    listen(&mut world, 1, "/ip4/192.0.2.7/tcp/1");
    world.pass(3700);
    assert!(world.mixes.is_empty());
    world.submit(1, 0, 600).expect("a job");
    world.pass(60);
    let receipt = published_receipt(&world).1.id();
    for node in 0..2 {
        assert!(journal_of(&world, node).contains(&receipt));
    }
}

fn published_receipt(world: &World) -> (usize, Message) {
    let receipt = world.published.iter().find_map(|(node, message)| match message {
        Message::Receipt(_) => Some((*node, message.clone())),
        _ => None,
    });
    receipt.expect("it was to be published")
}

#[test]
fn a_receipt_is_nowhere_to_be_had_until_another_has_published_it() {
    let mut world = World::new(2);
    world.withhold = true;
    world.submit(1, 0, 600).expect("a job");
    world.pass(100);
    let (author, receipt) = published_receipt(&world);
    let journal = world.nodes[author].engine.journal.clone();
    let id = receipt.id();
    let listed = |journal: &crate::journal::Journal| {
        let page = journal
            .page(Cursor::new(0), 1000, nonos_types::Shards::ALL)
            .expect("a page");
        let messages = page
            .messages
            .iter()
            .map(|it| Message::from_bytes_of_any_kind(it).expect("one"));
        (messages.filter(|it| it.id() == id).count(), page.next)
    };
    let other = journal_of(&world, 1 - author);
    assert!(!other.contains(&id), "it went by comparing journals");
    assert_eq!(journal.give(id).expect("readable"), None);
    let (before, end) = listed(&journal);
    assert_eq!(before, 0);
    assert_eq!(
        end,
        journal
            .page(Cursor::END, 1, nonos_types::Shards::ALL)
            .expect("a page")
            .next,
        "the rest is listed"
    );
    assert!(journal.get(id).expect("readable").is_some(), "it is kept");

    journal.release(&receipt);
    assert!(journal.give(id).expect("readable").is_some());
    assert_eq!(listed(&journal).0, 1);
    // The other finds it where it compares.
    world.pass(100);
    assert!(journal_of(&world, 1 - author).contains(&id));
}

fn journal_of(world: &World, node: usize) -> Vec<nonos_types::MessageId> {
    journal(world, node).iter().map(Message::id).collect()
}

fn entrust(world: &mut World, node: usize, message: &Message) {
    world.published.clear();
    let origin = Origin {
        entrusted: true,
        ..Origin::default()
    };
    let message = Box::new(message.clone());
    world.give(node, Input::Message { message, origin });
    world.run();
}

#[test]
fn what_is_entrusted_to_a_node_is_published_if_it_is_right() {
    let mut world = World::new(3);
    let requester = key(99);
    let at = world.time();
    let offered = Signed::new(offer(1, at, at + 600), &requester);
    let message = Message::from(offered.clone());
    let published = |world: &World, node, id| {
        let of = world
            .published
            .iter()
            .filter(|(by, it)| *by == node && it.id() == id);
        of.count()
    };
    entrust(&mut world, 0, &message);
    assert_eq!(published(&world, 0, message.id()), 1);
    assert!(journal_of(&world, 2).contains(&message.id()));
    // What comes twice is published once.
    entrust(&mut world, 0, &message);
    assert_eq!(published(&world, 0, message.id()), 0);

    // A receipt, once its proof is verified.
    let executor = key(98);
    for (salt, valid) in [(2, true), (3, false)] {
        let at = world.time();
        let offered = Signed::new(offer(salt, at, at + 600), &requester);
        world.inject(&Message::from(offered.clone()));
        let made = receipt(&offered, &executor, 0, at);
        if !valid {
            world.invalid.insert(made.receipt_id());
        }
        let message = Message::from(made);
        award(&mut world, &offered, &requester, &executor);
        entrust(&mut world, 1, &message);
        assert_eq!(
            published(&world, 1, message.id()),
            usize::from(valid),
            "valid: {valid}"
        );
    }
}

/// The requester chooses this executor, and all hear of it.
fn award(
    world: &mut World,
    offered: &Signed<nonos_types::Offer>,
    requester: &ed25519_dalek::SigningKey,
    executor: &ed25519_dalek::SigningKey,
) {
    let at = Timestamp::new(world.time());
    let claim = nonos_types::Claim {
        network: network(),
        job: offered.job(),
        slot: nonos_types::Slot::ZERO,
        at,
        box_key: None,
    };
    world.inject(&signed(claim, executor));
    let award = nonos_types::Award {
        network: network(),
        job: offered.job(),
        slot: nonos_types::Slot::ZERO,
        executor: id(executor),
        at,
        sealed_key: None,
    };
    world.inject(&signed(award, requester));
}

#[test]
fn guards_outlast_a_restart_and_others_take_their_place() {
    let mut world = World::new(3);
    let kept = |world: &World| {
        guards(&*world.nodes[0].store)
            .expect("readable")
            .chosen()
            .to_vec()
    };
    assert_eq!(kept(&world), []);
    let mut two = vec![(world.id(1), Timestamp::new(5)), (world.id(2), Timestamp::new(6))];
    two.sort();
    world.give(0, Input::Guards(Guards::new(two.clone())));
    world.stop(0);
    world.start(0);
    assert_eq!(kept(&world), two);
    world.give(
        0,
        Input::Guards(Guards::new(vec![(world.id(2), Timestamp::new(7))])),
    );
    assert_eq!(kept(&world), [(world.id(2), Timestamp::new(7))]);
}

#[test]
fn a_node_for_which_frames_wait_is_dialled_where_its_descriptor_says() {
    let mut world = mesh();
    let wanted = world.id(2);
    world.dialled.clear();
    world.give(0, Input::Wanted(wanted));
    world.run();
    assert_eq!(world.dialled, [], "it is connected");
    world.give(0, Input::Disconnected(wanted));
    world.give(0, Input::Wanted(wanted));
    world.run();
    assert_eq!(world.dialled, [(0, "/ip4/192.0.2.7/tcp/1".to_owned())]);
    world.dialled.clear();
    world.give(0, Input::Wanted(id(&key(200))));
    world.run();
    assert_eq!(world.dialled, [], "nobody knows it");
}
