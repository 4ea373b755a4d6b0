use nonos_mesh::{Acceptance, Config, Error, Limits};
use nonos_types::{Message, NetworkId};
use std::sync::Arc;

use crate::{
    node::{Fixed, Node, QUIC, Setup, Shelf, TCP, pair, soon},
    sample::{NOW, claim, key, network, receipt},
};

async fn exchange_over(listen: &str) {
    let listen = |seed| Setup {
        listen: listen.parse().expect("an address"),
        ..Setup::new(seed)
    };
    let mut alice = listen(1).start().await;
    let mut bob = Setup {
        peers: vec![alice.address.clone()],
        ..listen(2)
    }
    .start()
    .await;
    alice.connected(bob.id).await;
    bob.connected(alice.id).await;

    let there = claim(network(), 1, 0, NOW);
    alice.mesh.publish(&there).await.expect("published");
    let (message, from, _) = bob.message().await;
    assert_eq!((message, from), (there, alice.id));

    let back = receipt(2, 0xff, NOW);
    bob.mesh.publish(&back).await.expect("published");
    let (message, from, _) = alice.message().await;
    assert_eq!((message, from), (back, bob.id));

    let peers = alice.mesh.peers().await;
    assert_eq!(peers.len(), 1);
    assert_eq!((peers[0].id, peers[0].outbound), (bob.id, false));
    assert_eq!(peers[0].messages, 1);
    let peers = bob.mesh.peers().await;
    assert_eq!((peers[0].id, peers[0].outbound), (alice.id, true));
    assert_eq!(alice.mesh.addresses(), [alice.address.clone()]);
}

#[tokio::test]
async fn two_nodes_exchange_messages_over_tcp() {
    exchange_over(TCP).await;
}

#[tokio::test]
async fn two_nodes_exchange_messages_over_quic() {
    exchange_over(QUIC).await;
}

/// Three nodes; the outer ones do not know each other.
async fn line() -> (Node, Node, Node) {
    let (mut alice, bob) = pair().await;
    let mut carol = Setup::dialling(3, &alice).start().await;
    alice.connected(carol.id).await;
    carol.connected(alice.id).await;
    (bob, alice, carol)
}

#[tokio::test]
async fn what_the_middle_accepts_reaches_the_end_and_nothing_else_does() {
    let (first, mut middle, mut last) = line().await;
    let verdicts = [Acceptance::Ignore, Acceptance::Reject, Acceptance::Accept];
    for (slot, acceptance) in (0..).zip(verdicts) {
        let message = claim(network(), 2, slot, NOW);
        first.mesh.publish(&message).await.expect("published");
        let (read, from, ticket) = middle.message().await;
        assert_eq!((read, from), (message, first.id));
        middle.mesh.report(ticket, acceptance).await;
    }
    let (message, from, _) = last.message().await;
    assert_eq!(message, claim(network(), 2, 2, NOW));
    assert_eq!((message.signer(), from), (first.id, middle.id));
}

#[tokio::test]
async fn a_message_is_heard_once() {
    let (alice, mut bob) = pair().await;
    let (first, second) = (claim(network(), 1, 0, NOW), claim(network(), 1, 1, NOW));
    for message in [&first, &first, &second] {
        alice.mesh.publish(message).await.expect("published");
    }
    assert_eq!(bob.message().await.0, first);
    assert_eq!(bob.message().await.0, second);
}

#[tokio::test]
async fn publishing_with_nobody_there_is_no_error() {
    let alone = Setup::new(1).start().await;
    let message = claim(network(), 1, 0, NOW);
    alone.mesh.publish(&message).await.expect("no error");
    alone.mesh.publish(&message).await.expect("nor again");
}

#[tokio::test]
async fn refuses_to_publish_for_another_network() {
    let alone = Setup::new(1).start().await;
    let refused = alone
        .mesh
        .publish(&claim(NetworkId::named("another"), 1, 0, NOW))
        .await;
    assert!(matches!(refused, Err(Error::ForeignNetwork)), "{refused:?}");
}

#[tokio::test]
async fn a_node_that_takes_no_events_does_not_stop_the_swarm() {
    let limits = Limits {
        events: 1,
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
    let sent: Vec<Message> = (0..20).map(|slot| claim(network(), 2, slot, NOW)).collect();
    for message in &sent {
        bob.mesh.publish(message).await.expect("published");
    }
    // It answers commands while twenty messages wait, and loses neither those nor the arrival of the peer.
    soon("twenty messages", async {
        while alice.mesh.peers().await.iter().all(|peer| peer.messages < 20) {}
    })
    .await;
    alice.connected(bob.id).await;
    for message in sent {
        assert_eq!(alice.message().await.0, message);
    }
}

fn refused_start(listen: &str, peer: Option<&str>) -> Error {
    let config = Config {
        network: network(),
        listen: vec![listen.parse().expect("an address")],
        peers: peer.iter().map(|it| it.parse().expect("an address")).collect(),
        limits: Limits::default(),
        clock: Arc::new(Fixed),
        shards: nonos_types::Shards::ALL,
        onion: None,
    };
    let started = nonos_mesh::start(config, &key(1), Arc::new(Shelf::empty()));
    started.err().expect("refused")
}

#[tokio::test]
async fn refuses_addresses_with_names_and_of_other_transports() {
    for name in [
        "/dns/example.org/tcp/1",
        "/dns4/example.org/tcp/1",
        "/dnsaddr/example.org",
    ] {
        let error = refused_start(TCP, Some(name));
        assert!(matches!(error, Error::NameInAddress { .. }), "{error:?}");
        let node = Setup::new(1).start().await;
        let dialled = node.mesh.dial(None, name.parse().expect("an address")).await;
        assert!(matches!(dialled, Err(Error::NameInAddress { .. })), "{dialled:?}");
    }
    for other in ["/ip4/127.0.0.1/tcp/1/ws", "/ip4/127.0.0.1/udp/1", "/memory/1"] {
        let error = refused_start(other, None);
        assert!(matches!(error, Error::UnsupportedAddress { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn says_where_it_cannot_listen() {
    let alice = Setup::new(1).start().await;
    // A documentation address, which no interface has.
    let error = refused_start("/ip4/192.0.2.1/tcp/0", None);
    assert!(matches!(error, Error::Listen { .. }), "{error:?}");
    drop(alice);
}

#[test]
fn refuses_to_start_outside_of_a_runtime() {
    let error = refused_start(TCP, None);
    assert!(matches!(error, Error::NoRuntime), "{error:?}");
}

#[tokio::test]
async fn a_mesh_that_was_shut_down_says_so() {
    let mut alice = Setup::new(1).start().await;
    let clone = alice.mesh.clone();
    clone.shutdown().await;
    let published = alice.mesh.publish(&claim(network(), 1, 0, NOW)).await;
    assert!(matches!(published, Err(Error::Stopped)), "{published:?}");
    assert!(alice.events.recv().await.is_none());
}
