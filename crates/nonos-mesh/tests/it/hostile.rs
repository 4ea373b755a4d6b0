use std::time::Duration;

use libp2p::identity::Keypair;
use nonos_mesh::{
    Drops, Error, Limits,
    core::{Budgets, IntakeLimits, Rate, Topic},
};
use nonos_types::{ByteLen, Kind, Message, NetworkId};

use crate::{
    node::{Fixed, Node, Setup, pair, until},
    raw::{self, Raw},
    sample::{NOW, at, claim, descriptor, network, newer, receipt, tampered},
};

/// What a node counts when a peer sends these bytes and then a good message. Only that one is heard.
async fn refused(topic: Topic, bytes: Vec<u8>) -> Drops {
    let mut alice = Setup::new(1).start().await;
    let raw = Raw::dialling(3, &alice).await;
    alice.connected(raw.id).await;
    let good = claim(network(), 4, 7, NOW);
    raw.publish(topic, bytes);
    raw.publish(Topic::of(&good), good.to_bytes());
    let (message, from, _) = alice.message().await;
    assert_eq!((message, from), (good, raw.id));
    alice.mesh.drops()
}

fn sum(drops: &Drops) -> u64 {
    drops.iter().map(|(_, count)| count).sum()
}

fn topic(kind: Kind) -> Topic {
    Topic::all()
        .find(|topic| topic.kind() == kind)
        .expect("it is there")
}

#[tokio::test]
async fn an_oversize_message_is_refused_and_counted() {
    let long = vec![7; usize::try_from(Kind::Claim.max_len().get()).expect("short") + 1];
    let drops = refused(topic(Kind::Claim), long).await;
    assert_eq!((drops.oversize, sum(&drops)), (1, 1));
}

#[tokio::test]
async fn garbage_is_refused_and_counted() {
    let drops = refused(topic(Kind::Claim), b"garbage".to_vec()).await;
    assert_eq!((drops.malformed, sum(&drops)), (1, 1));
}

#[tokio::test]
async fn a_bad_signature_is_refused_and_counted() {
    let message = claim(network(), 4, 0, NOW);
    let drops = refused(Topic::of(&message), tampered(&message)).await;
    assert_eq!((drops.bad_signature, sum(&drops)), (1, 1));
}

#[tokio::test]
async fn a_message_of_a_foreign_network_is_refused_and_counted() {
    let message = claim(NetworkId::named("another"), 4, 0, NOW);
    let drops = refused(Topic::of(&message), message.to_bytes()).await;
    assert_eq!((drops.foreign_network, sum(&drops)), (1, 1));
}

#[tokio::test]
async fn a_stale_message_is_refused_and_counted() {
    let message = claim(network(), 4, 0, at(-2401));
    let drops = refused(Topic::of(&message), message.to_bytes()).await;
    assert_eq!((drops.stale, sum(&drops)), (1, 1));
}

#[tokio::test]
async fn a_receipt_of_another_shard_is_refused_and_counted() {
    let (low, high) = (receipt(4, 0, NOW), receipt(4, 0xff, NOW));
    let drops = refused(Topic::of(&low), high.to_bytes()).await;
    assert_eq!((drops.malformed, sum(&drops)), (1, 1));
}

/// A peer of a newer version says what this one does not know, in topics that it has and has not: that costs it nothing. What
/// it says of itself goes on to others as it is.
#[tokio::test]
async fn a_newer_peer_is_heard_and_its_descriptor_goes_on() {
    let mut alice = Setup::new(1).start().await;
    let mut bob = Setup::dialling(2, &alice).start().await;
    alice.connected(bob.id).await;
    bob.connected(alice.id).await;
    let newest = raw::Setup {
        newer: 10,
        ..raw::Setup::new(3)
    };
    let mut raw = newest.dial(&alice).await;
    raw.told().await;
    alice.connected(raw.id).await;
    for slot in 0..50 {
        let claim = claim(network(), 4, slot, NOW);
        raw.publish(Topic::of(&claim), newer(&claim, 4, 100));
    }
    let good = claim(network(), 4, 60, NOW);
    raw.publish(Topic::of(&good), good.to_bytes());
    let (message, from, _) = alice.message().await;
    assert_eq!((message, from), (good, raw.id), "as if nothing had happened");
    let drops = alice.mesh.drops();
    assert_eq!((drops.newer, sum(&drops)), (50, 50));

    let listed = descriptor(3, NOW, at(3600));
    let bytes = newer(&listed, 3, 100);
    raw.publish(Topic::of(&listed), bytes.clone());
    let (message, _, ticket) = alice.message().await;
    assert_eq!(message.to_bytes(), bytes);
    alice.mesh.report(ticket, nonos_mesh::Acceptance::Accept).await;
    let (message, from, _) = bob.message().await;
    assert_eq!((message.to_bytes(), from), (bytes, alice.id));
}

#[tokio::test]
async fn a_flooding_peer_is_held_to_its_budget_and_others_are_heard() {
    let budgets = Budgets {
        forwarder: Rate {
            per_second: 1,
            burst: 20,
        },
        ..Budgets::default()
    };
    let limits = Limits {
        budgets,
        ..Limits::default()
    };
    let mut alice = Setup {
        limits,
        ..Setup::new(1)
    }
    .start()
    .await;
    let mut bob = Setup::dialling(2, &alice).start().await;
    bob.connected(alice.id).await;
    let flooder = Raw::dialling(3, &alice).await;
    alice.connected(flooder.id).await;
    for slot in 0..100 {
        flooder.publish(topic(Kind::Claim), claim(network(), 4, slot, NOW).to_bytes());
    }
    until("drops", || alice.mesh.drops().over_budget == 80).await;
    let message = claim(network(), 2, 0, NOW);
    bob.mesh.publish(&message).await.expect("published");
    for _ in 0..20 {
        assert_eq!(alice.message().await.1, flooder.id);
    }
    let (heard, from, _) = alice.message().await;
    assert_eq!((heard, from), (message, bob.id));
}

#[tokio::test]
async fn what_finds_no_room_is_counted_and_nobody_else_pays() {
    let limits = Limits {
        events: 1,
        intake: IntakeLimits {
            per_source: 2,
            ..IntakeLimits::default()
        },
        ..Limits::default()
    };
    let mut alice = Setup {
        limits,
        ..Setup::new(1)
    }
    .start()
    .await;
    let mut bob = Setup::dialling(2, &alice).start().await;
    bob.connected(alice.id).await;
    let flooder = Raw::dialling(3, &alice).await;
    alice.connected(flooder.id).await;
    // One is among the events, two wait; the node takes none.
    for slot in 0..20 {
        flooder.publish(topic(Kind::Claim), claim(network(), 4, slot, NOW).to_bytes());
    }
    until("drops", || alice.mesh.drops().queue_full == 17).await;
    let message = claim(network(), 2, 0, NOW);
    bob.mesh.publish(&message).await.expect("published");
    let heard = async {
        let mut before = 0;
        while alice.message().await.1 != bob.id {
            before += 1;
        }
        before
    };
    assert!(heard.await <= 3);
    assert_eq!(alice.mesh.drops().queue_full, 17);
}

/// Waits until the node has cut the peer.
async fn cut(setup: raw::Setup, limits: Limits) -> Node {
    let alice = Setup {
        limits,
        ..Setup::new(1)
    }
    .start()
    .await;
    let mut raw = setup.dial(&alice).await;
    raw.cut().await;
    assert!(alice.mesh.peers().await.is_empty());
    alice
}

#[tokio::test]
async fn a_peer_of_a_foreign_network_is_cut_and_counted() {
    let foreign = raw::Setup {
        version: format!("/nonos/{}/1", NetworkId::named("another")),
        ..raw::Setup::new(3)
    };
    let limits = Limits {
        // Cut for what it says, not for what it does not.
        hello_timeout: Duration::from_secs(1000),
        ..Limits::default()
    };
    let alice = cut(foreign, limits).await;
    assert_eq!(alice.mesh.drops().foreign_peers, 1);
}

#[tokio::test]
async fn a_peer_that_listens_to_nothing_is_cut() {
    let deaf = raw::Setup {
        topics: vec![],
        ..raw::Setup::new(3)
    };
    let limits = Limits {
        hello_timeout: Duration::from_millis(500),
        ..Limits::default()
    };
    let alice = cut(deaf, limits).await;
    assert_eq!(alice.mesh.drops().foreign_peers, 0);
}

#[tokio::test]
async fn a_node_of_another_network_never_connects() {
    let mut alice = Setup::new(1).start().await;
    let config = nonos_mesh::Config {
        network: NetworkId::named("another"),
        listen: vec![],
        peers: vec![alice.address.clone()],
        limits: Limits::default(),
        clock: std::sync::Arc::new(Fixed),
        shards: nonos_types::Shards::ALL,
        onion: None,
    };
    let shelf = std::sync::Arc::new(crate::node::Shelf::empty());
    let (stranger, _events) = nonos_mesh::start(config, &crate::sample::key(9), shelf).expect("it starts");
    let foreign = || stranger.drops().foreign_peers + alice.mesh.drops().foreign_peers;
    until("a cut", || foreign() > 0).await;
    let mut bob = Setup::dialling(2, &alice).start().await;
    bob.connected(alice.id).await;
    // Nobody came before.
    let event = alice.event().await;
    assert!(
        matches!(event, nonos_mesh::Event::Connected(it) if it == bob.id),
        "{event:?}"
    );
}

#[tokio::test]
async fn a_blocked_peer_is_cut_and_kept_out_until_it_is_unblocked() {
    let (mut alice, mut bob) = pair().await;
    alice.mesh.block(bob.id).await;
    alice.disconnected(bob.id).await;
    bob.disconnected(alice.id).await;
    let dialled = alice.mesh.dial(Some(bob.id), bob.address.clone()).await;
    assert!(matches!(dialled, Err(Error::DialRefused)), "{dialled:?}");
    // It is let in by the transport and cut before it says anything.
    let mut raw = raw::Setup::new(2).dial(&alice).await;
    raw.cut().await;
    assert!(alice.mesh.peers().await.is_empty());
    alice.mesh.unblock(bob.id).await;
    alice.connected(bob.id).await;
    bob.connected(alice.id).await;
}

#[tokio::test]
async fn requests_that_are_none_are_not_answered() {
    let mut alice = Setup::new(1).start().await;
    let mut raw = Raw::dialling(3, &alice).await;
    alice.connected(raw.id).await;
    let framed = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
    for request in [
        framed(b"garbage"),
        framed(b""),
        framed(&[7; 1000]),
        u32::MAX.to_be_bytes().to_vec(),
        // Nothing of an unknown kind of object.
        framed(&[0x0a, 2, 0x08, 9]),
    ] {
        assert_eq!(raw.request(request).await, None);
    }
    // From the start: an empty page, at the start.
    assert_eq!(raw.request(framed(&[0x12, 0])).await, Some(framed(&[0x12, 0])));
}

#[tokio::test]
async fn peers_without_an_ed25519_key_are_no_nodes() {
    // A key of another type has a name that no node can have.
    let name: libp2p::PeerId = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
        .parse()
        .expect("a name");
    assert_eq!(nonos_mesh::node_id(&name), None);
    let ed25519 = Keypair::ed25519_from_bytes([3; 32]).expect("32 bytes");
    let node = nonos_mesh::node_id(&ed25519.public().to_peer_id());
    assert_eq!(node, Some(crate::sample::node(3)));
}

#[tokio::test]
async fn a_heavier_peer_is_known_to_the_budgets() {
    let one = Rate {
        per_second: 0,
        burst: 1,
    };
    let budgets = Budgets {
        newcomers: one,
        known: Rate {
            per_second: 0,
            burst: 100,
        },
        ..Budgets::default()
    };
    let limits = Limits {
        budgets,
        ..Limits::default()
    };
    let mut alice = Setup {
        limits,
        ..Setup::new(1)
    }
    .start()
    .await;
    let mut bob = Setup::dialling(2, &alice).start().await;
    alice.connected(bob.id).await;
    bob.connected(alice.id).await;
    let publish = async |slots: std::ops::Range<u16>| {
        for slot in slots {
            let message: Message = claim(network(), 2, slot, NOW);
            bob.mesh.publish(&message).await.expect("published");
        }
    };
    publish(0..3).await;
    alice.message().await;
    until("drops", || alice.mesh.drops().over_budget == 2).await;
    alice.mesh.weigh(bob.id, nonos_mesh::Weight::TRUSTED).await;
    publish(3..6).await;
    for slot in 3..6 {
        assert_eq!(alice.message().await.0, claim(network(), 2, slot, NOW));
    }
    assert_eq!(alice.mesh.peers().await[0].messages, 6);
    assert!(alice.mesh.peers().await[0].bytes > ByteLen::ZERO);
}
