use std::time::Duration;

use nonos_mesh::Limits;

use crate::{
    node::{Node, Setup, pair},
    sample::{NOW, claim, network},
};

/// Both hear each other.
async fn hear_each_other(alice: &mut Node, bob: &mut Node, slot: u16) {
    let there = claim(network(), 1, slot, NOW);
    alice.mesh.publish(&there).await.expect("published");
    assert_eq!(bob.message().await.0, there);
    let back = claim(network(), 2, slot, NOW);
    bob.mesh.publish(&back).await.expect("published");
    assert_eq!(alice.message().await.0, back);
}

#[tokio::test]
async fn a_static_peer_is_dialled_again_after_its_restart() {
    let (mut alice, mut bob) = pair().await;
    hear_each_other(&mut alice, &mut bob, 0).await;
    let listen = alice.address.clone();
    alice.mesh.shutdown().await;
    bob.disconnected(alice.id).await;
    let mut alice = Setup {
        listen,
        ..Setup::new(1)
    }
    .start()
    .await;
    alice.connected(bob.id).await;
    bob.connected(alice.id).await;
    hear_each_other(&mut alice, &mut bob, 1).await;
}

#[tokio::test]
async fn a_static_peer_that_comes_later_is_found() {
    let alice = Setup::new(1).start().await;
    let listen = alice.address.clone();
    alice.mesh.shutdown().await;
    let mut bob = Setup {
        peers: vec![listen.clone()],
        ..Setup::new(2)
    }
    .start()
    .await;
    let mut alice = Setup {
        listen,
        ..Setup::new(1)
    }
    .start()
    .await;
    bob.connected(alice.id).await;
    hear_each_other(&mut alice, &mut bob, 0).await;
}

#[tokio::test]
async fn two_nodes_that_dial_each_other_at_once_stay_connected_once() {
    let alice = Setup::new(1).start().await;
    let (of_alice, of_bob) = (alice.address.clone(), {
        let bob = Setup::new(2).start().await;
        let address = bob.address.clone();
        bob.mesh.shutdown().await;
        address
    });
    alice.mesh.shutdown().await;
    let start = |seed, listen, peer| Setup {
        listen,
        peers: vec![peer],
        ..Setup::new(seed)
    };
    let (mut alice, mut bob) = tokio::join!(
        start(1, of_alice.clone(), of_bob.clone()).start(),
        start(2, of_bob, of_alice).start(),
    );
    alice.connected(bob.id).await;
    bob.connected(alice.id).await;
    hear_each_other(&mut alice, &mut bob, 0).await;
    // Neither closed what the other kept.
    assert_eq!(alice.mesh.peers().await.len(), 1);
    assert_eq!(bob.mesh.peers().await.len(), 1);
}

/// Gossipsub tells its topics on the first connection to a peer only. A node that comes back before its peer has
/// noticed that it was gone is not told, and could hear but not speak.
#[tokio::test]
async fn a_node_that_is_back_before_it_was_missed_can_speak() {
    let mut alice = Setup::new(1).start().await;
    let mut before = Setup::new(2).start().await;
    before
        .mesh
        .dial(Some(alice.id), alice.address.clone())
        .await
        .expect("dialled");
    alice.connected(before.id).await;
    before.connected(alice.id).await;

    // The same node again, while its old connection is still there.
    let limits = Limits {
        hello_timeout: Duration::from_secs(3),
        ..Limits::default()
    };
    let mut after = Setup {
        limits,
        ..Setup::dialling(2, &alice)
    }
    .start()
    .await;
    after.connected(alice.id).await;
    hear_each_other(&mut alice, &mut after, 0).await;
    // The older connection is the one that was closed.
    before.disconnected(alice.id).await;
}

#[tokio::test]
async fn a_node_does_not_connect_to_itself() {
    let alice = Setup::new(1).start().await;
    let listen = alice.address.clone();
    alice.mesh.shutdown().await;
    let mut alice = Setup {
        peers: vec![listen.clone()],
        listen,
        ..Setup::new(1)
    }
    .start()
    .await;
    let mut bob = Setup::dialling(2, &alice).start().await;
    bob.connected(alice.id).await;
    alice.connected(bob.id).await;
    assert_eq!(alice.mesh.peers().await.len(), 1);
}
