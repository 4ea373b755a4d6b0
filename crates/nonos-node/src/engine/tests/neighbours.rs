//! Whom a node dials and lets go.

use nonos_mesh::core::Way;
use nonos_types::{
    Capacity, Descriptor, Message, NodeId, PoiHash, Roles, Sequence, Signed, Stamp, Timestamp,
};

use super::{hostile::head, world::*};
use crate::{
    api::Request,
    engine::{Connection, Input},
};

/// What a node of this seed says of itself, being at this address.
fn listed(world: &World, seed: u8, address: &str) -> Message {
    let descriptor = Descriptor {
        network: network(),
        sequence: Sequence::new(1),
        valid_from: world.now().time,
        valid_until: Timestamp::new(world.time() + 24 * 60 * 60),
        addresses: vec![address.to_owned()],
        roles: Roles::NONE,
        profile: PoiHash::ZERO,
        software: String::new(),
        capacity: Capacity::NONE,
        onion_keys: vec![],
        stamp: Stamp::NONE,
        shards: nonos_types::Shards::ALL,
        family: None,
        books: None,
        further: nonos_types::Further::NONE,
    };
    Signed::new(descriptor, &key(seed)).into()
}

fn node(seed: u8) -> NodeId {
    id(&key(seed))
}

/// In a place of its own.
fn elsewhere(seed: u8) -> String {
    format!("/ip4/8.8.{seed}.1/tcp/4001")
}

/// Node 0, which has heard of these.
fn hears_of(world: &mut World, seeds: impl Iterator<Item = u8>) {
    for seed in seeds {
        let message = listed(world, seed, &elsewhere(seed));
        world.message(0, node(99), message);
    }
    world.run();
}

fn connection(seed: u8, way: Way, messages: u64) -> Connection {
    Connection {
        peer: node(seed),
        way,
        address: elsewhere(seed),
        messages,
        kept: false,
    }
}

/// Node 0 is connected to these.
fn connect(world: &mut World, connections: &[Connection]) {
    for it in connections {
        world.give(0, Input::Connected(it.peer));
    }
    world.give(0, Input::Links(connections.to_vec()));
    world.run();
}

/// Whom it dials within so many seconds.
fn dialled(world: &mut World, seconds: u64) -> Vec<String> {
    let before = world.dialled.len();
    world.pass(seconds);
    let dialled = world.dialled[before..].iter().map(|(_, address)| address.clone());
    let mut dialled: Vec<_> = dialled.collect();
    dialled.sort_unstable();
    dialled.dedup();
    dialled
}

#[test]
fn eight_are_dialled_however_many_have_dialled_this_node() {
    let mut world = World::new(1);
    let guests: Vec<_> = (100..164).map(|seed| connection(seed, Way::Inbound, 0)).collect();
    connect(&mut world, &guests);
    hears_of(&mut world, 10..40);
    assert_eq!(dialled(&mut world, 1).len(), 8);
    // They answer, and nobody else is dialled.
    let first: Vec<_> = (10..40)
        .filter(|seed| world.dialled.contains(&(0, elsewhere(*seed))))
        .map(|seed| connection(seed, Way::Outbound, 0))
        .collect();
    connect(&mut world, &[&guests[..], &first].concat());
    assert_eq!(dialled(&mut world, 60), [""; 0]);
    // One is lost, and its place is another's in a moment.
    world.give(0, Input::Disconnected(first[0].peer));
    assert!(!dialled(&mut world, 1).is_empty());
}

#[test]
fn a_peer_that_this_node_has_just_dialled_counts_before_the_mesh_says_so() {
    let mut world = World::new(1);
    hears_of(&mut world, 10..12);
    assert_eq!(dialled(&mut world, 1).len(), 2);
    world.give(0, Input::Connected(node(10)));
    world.give(0, Input::Connected(node(11)));
    hears_of(&mut world, 20..40);
    assert_eq!(dialled(&mut world, 1).len(), 6);
}

#[test]
fn nobody_is_dialled_twice_in_one_place_while_there_are_others() {
    let mut world = World::new(1);
    // Five in one place, seven each alone.
    for host in 1..6_u8 {
        let message = listed(&world, 100 + host, &format!("/ip4/9.9.9.{host}/tcp/4001"));
        world.message(0, node(99), message);
    }
    hears_of(&mut world, 10..17);
    let dialled = dialled(&mut world, 1);
    assert_eq!(dialled.len(), 8);
    let in_one = dialled.iter().filter(|it| it.starts_with("/ip4/9.9.9.")).count();
    assert_eq!(in_one, 1, "{dialled:?}");
}

#[test]
fn who_is_wanted_by_the_onion_layer_counts() {
    let mut world = World::new(1);
    hears_of(&mut world, 10..40);
    for seed in 10..13 {
        world.give(0, Input::Wanted(node(seed)));
    }
    world.run();
    assert_eq!(world.dialled.len(), 3);
    // Those three may be dialled again, and five others are.
    let wanted = [10, 11, 12].map(elsewhere);
    let mut others = dialled(&mut world, 1);
    others.retain(|address| !wanted.contains(address));
    assert_eq!(others.len(), 5);
}

#[test]
fn who_is_blacklisted_after_it_was_drawn_for_is_not_dialled() {
    let mut world = World::new(1);
    let peers = (11..40).map(node).collect();
    assert!(world.ask(0, Request::Avoid { peers }).is_ok());
    hears_of(&mut world, 10..40);
    for root in [1, 2] {
        world.message(0, node(99), head(10, root));
    }
    assert!(world.blacklisted(0, node(10)));
    assert_eq!(dialled(&mut world, 30), [""; 0]);
    // Those that are avoided no longer are dialled soon.
    assert!(world.ask(0, Request::Avoid { peers: vec![] }).is_ok());
    assert_eq!(dialled(&mut world, 1).len(), 8);
}

#[test]
fn one_dialled_too_many_is_let_go_when_it_serves_nothing() {
    let mut world = World::new(1);
    let mut links: Vec<_> = (10..19).map(|seed| connection(seed, Way::Outbound, 0)).collect();
    connect(&mut world, &links);
    world.pass(9 * 60);
    // All but three pass something on, and of these the operator wants one.
    for it in &mut links[3..] {
        it.messages = 1;
    }
    links[2].kept = true;
    world.give(0, Input::Links(links.clone()));
    world.pass(59);
    assert_eq!(world.let_go, []);
    world.pass(60);
    assert!(
        world.let_go == [(0, node(10))] || world.let_go == [(0, node(11))],
        "{:?}",
        world.let_go
    );
    let gone = world.let_go[0].1;
    world.give(0, Input::Disconnected(gone));
    world.pass(600);
    assert_eq!(world.let_go.len(), 1, "eight are left");
}

#[test]
fn who_has_an_open_job_is_not_let_go() {
    let mut world = World::new(1);
    let links: Vec<_> = (10..19).map(|seed| connection(seed, Way::Outbound, 0)).collect();
    connect(&mut world, &links);
    for seed in 10..18 {
        let offer = offer(seed, world.time(), world.time() + 3600);
        world.message(0, node(99), signed(offer, &key(seed)));
    }
    world.pass(640);
    assert_eq!(world.let_go, [(0, node(18))]);
}
