//! What nodes say of themselves, and what becomes of those that say two things at once.

use nonos_types::*;

use super::{
    hostile::{head, list},
    world::*,
};
use crate::engine::Input;

/// Descriptors of one node that were published, in order.
fn published(world: &World, node: usize) -> Vec<Signed<Descriptor>> {
    let all = world.published.iter().filter_map(|(by, it)| match it {
        Message::Descriptor(it) if *by == node => Some(it.clone()),
        _ => None,
    });
    all.collect()
}

fn assert_honest(said: &[Signed<Descriptor>]) {
    for (n, one) in said.iter().enumerate() {
        for other in &said[..n] {
            assert_eq!(Equivocation::of(one, other), None);
        }
    }
}

fn listen(world: &mut World, node: usize, port: u16) {
    world.give(node, Input::Listening(format!("/ip4/8.8.8.8/tcp/{port}")));
    world.run();
}

/// What `key` says under a number, each in a place of its own.
pub(super) fn said(
    key: &ed25519_dalek::SigningKey,
    sequence: u64,
    software: &str,
    now: u64,
) -> Signed<Descriptor> {
    let [a, b, ..] = key.verifying_key().to_bytes();
    let descriptor = Descriptor {
        network: network(),
        sequence: Sequence::new(sequence),
        valid_from: Timestamp::new(now),
        valid_until: Timestamp::new(now + 3600),
        addresses: vec![format!("/ip4/9.{a}.{b}.7/tcp/1")],
        roles: Roles::NONE,
        profile: PoiHash::ZERO,
        software: software.to_owned(),
        capacity: Capacity::NONE,
        onion_keys: vec![],
        stamp: Stamp::NONE,
        shards: Shards::ALL,
        family: None,
        books: None,
        further: Further::NONE,
    };
    Signed::new(descriptor, key)
}

fn accusations(world: &World, node: usize) -> Vec<Signed<Accusation>> {
    let all = journal(world, node).into_iter().filter_map(|it| match it {
        Message::Accusation(it) => Some(it),
        _ => None,
    });
    all.collect()
}

#[test]
fn a_node_that_says_two_things_under_one_number_is_blacklisted_by_all() {
    let mut world = World::new(3);
    let (liar, honest) = (key(50), key(51));
    let now = world.time();
    world.message(0, world.id(1), said(&liar, 7, "one", now).into());
    world.message(0, world.id(1), said(&honest, 7, "one", now).into());
    world.run();
    // Another number is another descriptor, and the same one again is nothing new.
    world.message(0, world.id(1), said(&liar, 8, "another", now).into());
    world.message(0, world.id(1), said(&honest, 7, "one", now).into());
    world.run();
    assert!((0..3).all(|node| !world.blacklisted(node, id(&liar))));
    // Long after others were shown the first.
    world.message(0, world.id(1), said(&liar, 7, "another", now).into());
    world.run();
    assert!(world.blacklisted(0, id(&liar)), "at once");
    // Others learn first that there is such a node.
    world.pass(60);
    for node in 0..3 {
        assert!(world.blacklisted(node, id(&liar)), "{node}");
        assert!(!world.blacklisted(node, id(&honest)), "{node}");
        let [accusation] = &accusations(&world, node)[..] else {
            panic!("one accusation")
        };
        assert!(matches!(accusation.evidence, Evidence::Equivocation(_)));
    }
}

#[test]
fn the_last_descriptor_is_compared_as_those_before_it_are() {
    let mut world = World::new(2);
    let (liar, now) = (key(50), world.time());
    world.message(0, world.id(1), said(&liar, 7, "one", now).into());
    world.message(0, world.id(1), said(&liar, 7, "another", now).into());
    world.pass(60);
    assert!((0..2).all(|node| world.blacklisted(node, id(&liar))));
}

#[test]
fn however_many_things_a_node_says_it_is_accused_once() {
    let mut world = World::new(2);
    let (liar, now) = (key(50), world.time());
    for sequence in 1..20 {
        for software in ["one", "another", "a_third"] {
            let it = said(&liar, sequence, software, now);
            world.message(0, world.id(1), it.into());
            world.run();
        }
    }
    world.pass(60);
    assert_eq!(accusations(&world, 0).len(), 1);
    assert_eq!(accusations(&world, 1).len(), 1);
}

/// Not even while too many are guilty for anyone to be convicted.
#[test]
fn while_convictions_are_frozen_a_node_is_accused_once_too() {
    let mut world = World::new(2);
    let now = world.time();
    for liar in 50..53 {
        list(&mut world, &key(liar));
        for root in [1, 2] {
            world.message(0, world.id(1), head(liar, root));
        }
    }
    world.run();
    let frozen = |world: &World| {
        (world.nodes[0].engine.trust)
            .frozen(world.now().time)
            .expect("known")
    };
    assert!(frozen(&world));
    let before = accusations(&world, 0).len();
    for sequence in 1..20 {
        for software in ["one", "another", "a_third"] {
            let it = said(&key(60), sequence, software, now);
            world.message(0, world.id(1), it.into());
            world.run();
        }
    }
    assert!(!world.blacklisted(0, id(&key(60))));
    assert_eq!(accusations(&world, 0).len(), before + 1);
    // Afterwards it is convicted of what it does then.
    world.pass(11 * 60);
    assert!(!frozen(&world));
    for software in ["one", "another"] {
        let it = said(&key(60), 50, software, world.time());
        world.message(0, world.id(1), it.into());
    }
    world.run();
    assert!(world.blacklisted(0, id(&key(60))));
}

#[test]
fn a_node_that_was_away_learns_it_when_it_comes_back() {
    let mut world = World::new(3);
    world.stop(2);
    let (liar, now) = (key(50), world.time());
    for software in ["one", "another"] {
        world.message(0, world.id(1), said(&liar, 7, software, now).into());
    }
    world.pass(30);
    world.start(2);
    world.pass(90);
    assert!(world.blacklisted(2, id(&liar)));
    world.stop(2);
    world.start(2);
    assert!(world.blacklisted(2, id(&liar)), "a restart forgives nothing");
}

/// Whatever an honest node goes through, it never gives evidence against itself.
#[test]
fn a_node_says_two_things_under_one_number_in_no_second_and_after_no_restart() {
    let mut world = World::new(2);
    world.pass(10);
    for port in 1..=8 {
        listen(&mut world, 0, port);
    }
    world.stop(0);
    world.start(0);
    world.run();
    // Its clock runs ahead for two days, in which what it said is over, and is set back.
    world.millis += 2 * 86_400_000;
    world.stop(0);
    world.start(0);
    world.pass(2);
    world.millis -= 2 * 86_400_000 + 5000;
    world.stop(0);
    world.start(0);
    world.pass(2);
    let said = published(&world, 0);
    assert!(said.len() >= 10, "{}", said.len());
    assert!(said.is_sorted_by(|a, b| a.sequence < b.sequence));
    assert_honest(&said);
}

/// Its own directory has no room for a node of this place, and it says three things there within a second.
#[test]
fn a_node_whose_place_is_full_says_two_things_under_no_number() {
    let mut world = World::new(10);
    for node in 0..10 {
        listen(&mut world, node, 1);
        listen(&mut world, node, 2);
        listen(&mut world, node, 3);
    }
    for node in 0..10 {
        assert_honest(&published(&world, node));
        assert!((0..10).all(|other| !world.blacklisted(other, world.id(node))));
    }
}

/// What it said since is forgotten, and its clock shows what it did then. Another runs with the same key.
#[test]
fn a_node_restored_from_a_backup_and_a_copied_key_give_no_evidence() {
    let mut said = vec![];
    for port in 1..=4 {
        let mut world = World::new(1);
        listen(&mut world, 0, port);
        listen(&mut world, 0, port + 10);
        said.extend(published(&world, 0));
    }
    said.sort_by_key(Signed::id);
    said.dedup();
    assert!(said.len() > 8, "{}", said.len());
    assert_honest(&said);
}

#[test]
fn a_node_that_hears_of_a_higher_number_of_its_own_goes_on_from_there() {
    let mut world = World::new(2);
    let ahead = published(&world, 0).last().expect("one").sequence.get() + (900 << 32);
    let elsewhere = said(&world.nodes[0].key.clone(), ahead, "elsewhere", world.time());
    world.message(0, world.id(1), elsewhere.into());
    listen(&mut world, 0, 1);
    assert!(published(&world, 0).last().expect("one").sequence.get() > ahead);
}
