//! Whom a node knows, and how it finds them again.

use nonos_types::{Further, Message, NodeId, Sequence, Signed, Stamp};

use super::{hostile::head, world::*};
use crate::{api::Request, engine::Input};

const WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1000;

fn listen(world: &mut World, node: usize, address: &str) {
    world.give(node, Input::Listening(address.to_owned()));
    world.run();
}

#[test]
fn a_node_that_was_away_for_a_week_dials_those_it_was_connected_to() {
    let mut world = World::new(3);
    for (node, address) in [(1, "/ip4/127.0.0.1/tcp/4001"), (2, "/ip4/127.0.0.1/tcp/4002")] {
        listen(&mut world, node, address);
    }
    // Their descriptors came after they were connected.
    world.pass(20);
    for node in 0..3 {
        world.stop(node);
    }
    world.millis += WEEK_MS;
    world.dialled.clear();
    world.start(0);
    world.pass(1);
    let mut dialled: Vec<_> = world.dialled.iter().filter(|(node, _)| *node == 0).collect();
    dialled.sort();
    // At once, and again a second later.
    dialled.dedup();
    let expected = ["/ip4/127.0.0.1/tcp/4001", "/ip4/127.0.0.1/tcp/4002"].map(|it| (0, it.to_owned()));
    assert_eq!(dialled, expected.iter().collect::<Vec<_>>());
    assert_eq!(
        world.nodes[0].engine.directory.len(),
        1,
        "no descriptor but its own is valid"
    );
}

/// Node 0, when it has lost nodes 1 and 2, which listen at ports 1 and 2.
fn lost_two() -> World {
    let mut world = World::new(3);
    listen(&mut world, 1, "/ip4/127.0.0.1/tcp/1");
    listen(&mut world, 2, "/ip4/127.0.0.1/tcp/2");
    world.pass(20);
    for node in [1, 2] {
        world.give(0, Input::Disconnected(world.id(node)));
    }
    world.dialled.clear();
    world
}

/// How often node 0 dialled the node that listens at this port, within so many seconds.
fn dials(world: &mut World, port: u16, seconds: u64) -> usize {
    let before = world.dialled.len();
    world.pass(seconds);
    let address = format!("/ip4/127.0.0.1/tcp/{port}");
    world.dialled[before..]
        .iter()
        .filter(|(node, to)| (*node, to) == (0, &address))
        .count()
}

#[test]
fn a_peer_that_is_lost_is_dialled_again_and_less_often_each_time() {
    let mut world = lost_two();
    let first = dials(&mut world, 1, 30);
    assert!((4..=6).contains(&first), "{first}");
    world.pass(200);
    let later = dials(&mut world, 1, 180);
    assert!((3..=5).contains(&later), "{later}");
}

#[test]
fn when_one_of_the_lost_is_back_the_others_are_dialled_at_once() {
    let mut world = lost_two();
    world.pass(300);
    world.give(0, Input::Connected(world.id(1)));
    assert!(dials(&mut world, 2, 4) >= 2);
    assert_eq!(dials(&mut world, 1, 60), 0, "it is connected");
}

#[test]
fn who_is_blacklisted_or_avoided_is_not_dialled_again() {
    let mut world = lost_two();
    let peers = vec![world.id(1)];
    assert!(world.ask(0, Request::Avoid { peers }).is_ok());
    // One relay with two logs.
    for root in [1, 2] {
        world.message(0, world.id(1), head(3, root));
    }
    world.run();
    assert!(world.blacklisted(0, world.id(2)));
    world.dialled.clear();
    assert_eq!(dials(&mut world, 1, 120), 0);
    assert_eq!(dials(&mut world, 2, 120), 0);
}

#[test]
fn an_invitation_is_kept_over_a_restart() {
    let mut world = World::new(1);
    let join = |invitation: &str| Request::Join {
        invitation: invitation.to_owned(),
    };
    let address = "/ip4/192.0.2.7/tcp/4710";
    assert!(world.ask(0, join(&format!("nonos:tests@{address}"))).is_ok());
    assert_eq!(world.kept, [(0, address.to_owned())]);
    for (line, words) in [
        (
            "nonos:others@/ip4/192.0.2.8/tcp/1",
            "set `network` in config.toml",
        ),
        ("nonos:tests@/ip4/192.0.2.8/tcp/none", "is not a multiaddr"),
        ("192.0.2.8", "an invitation starts with `nonos:`"),
    ] {
        let refused = world.ask(0, join(line)).expect_err("no invitation to this mesh");
        assert!(refused.message.contains(words), "{refused}");
        assert_eq!(refused.fault, "caller");
    }
    world.kept.clear();
    world.stop(0);
    world.start(0);
    world.pass(1);
    assert_eq!(world.kept, [(0, address.to_owned())]);
}

#[test]
fn a_node_invites_to_where_others_can_reach_it() {
    let mut world = World::new(1);
    let refused = world.ask(0, Request::Invite).expect_err("it listens nowhere");
    assert!(refused.message.contains("set `listen`"), "{refused}");
    let invited = |world: &World| {
        let answer = world.nodes[0].engine.invite().expect("an invitation");
        serde_json::from_value::<crate::api::Invited>(answer).expect("of this type")
    };
    listen(&mut world, 0, "/ip4/127.0.0.1/tcp/4001");
    let line = invited(&world);
    assert!(
        line.only_here
            && line
                .invitation
                .starts_with("nonos:tests@/ip4/127.0.0.1/tcp/4001/p2p/")
    );
    listen(&mut world, 0, "/ip4/192.0.2.7/tcp/4001");
    let line = invited(&world);
    assert!(!line.only_here, "{line:?}");
    assert!(
        line.invitation
            .starts_with("nonos:tests@/ip4/192.0.2.7/tcp/4001/p2p/"),
        "{line:?}"
    );
    assert_eq!(line.invitation.matches("/tcp/").count(), 1);
}

/// A name costs work: a descriptor without it is not kept, unless its node is connected.
#[test]
fn strangers_without_a_stamp_are_not_listed() {
    let mut world = World::new(2);
    world.nodes[0].engine.directory = nonos_mesh::core::Directory::new(nonos_mesh::core::DirectoryLimits {
        stamp_bits: 8,
        ..Default::default()
    });
    let own = world.nodes[1]
        .engine
        .directory
        .get(world.id(1))
        .expect("its own")
        .clone();
    let stranger = key(77);
    let node: NodeId = id(&stranger);
    for (stamp, listed) in [(Stamp::NONE, false), (Stamp::find(network(), node, 8), true)] {
        let descriptor = nonos_types::Descriptor {
            stamp,
            sequence: Sequence::new(own.sequence.get() + 1),
            ..own.value().clone()
        };
        let signed = Signed::new(descriptor, &stranger);
        assert_eq!(signed.stamp.bits(network(), node) >= 8, listed);
        world.message(0, world.id(1), Message::from(signed));
        world.run();
        assert_eq!(world.nodes[0].engine.directory.get(node).is_some(), listed);
    }
}

#[test]
fn a_house_full_of_nodes_is_told_what_to_set() {
    for lan in [false, true] {
        let mut world = World::new(1);
        world.nodes[0].engine.directory = nonos_mesh::core::Directory::new(
            crate::config::Directory {
                stamp_bits: 0,
                lan,
                ..Default::default()
            }
            .limits(),
        );
        for seed in 50..80 {
            let stranger = key(seed);
            let descriptor = nonos_types::Descriptor {
                network: network(),
                sequence: Sequence::new(1),
                valid_from: world.now().time,
                valid_until: nonos_types::Timestamp::new(world.time() + 60),
                addresses: vec![format!("/ip4/192.168.1.{seed}/tcp/1")],
                roles: nonos_types::Roles::NONE,
                profile: nonos_types::PoiHash::ZERO,
                software: String::new(),
                capacity: nonos_types::Capacity::NONE,
                onion_keys: vec![],
                stamp: Stamp::NONE,
                shards: nonos_types::Shards::ALL,
                family: None,
                books: None,
                further: Further::NONE,
            };
            world.message(
                0,
                id(&stranger),
                Message::from(Signed::new(descriptor, &stranger)),
            );
        }
        let engine = &world.nodes[0].engine;
        assert_eq!(engine.directory.len(), if lan { 30 } else { 8 });
        let warnings = engine.status().expect("a status").warnings;
        let told = warnings.iter().any(|it| it.contains("set `lan = true`"));
        assert_eq!(told, !lan, "{warnings:?}");
    }
}
