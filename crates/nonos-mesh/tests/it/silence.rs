//! What ends a connection: that nothing is heard; and what does not: that much else is under way.

use std::time::Duration;

use nonos_mesh::{Event, FetchError, Limits, Object};
use nonos_types::{NodeId, ProofDigest};
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    line::Line,
    node::{Node, QUIC, Setup, Shelf, TCP, fetch, soon},
    sample::{at, receipt},
};

const SILENCE: Duration = Duration::from_secs(3);
/// Until the last connection to a silent peer is gone, with what the machine takes.
const GONE: Duration = Duration::from_secs(6);
const OBJECT: Object = Object::Proof(ProofDigest::from_bytes([7; 32]));

fn limits() -> Limits {
    Limits {
        silence: SILENCE,
        ..Limits::default()
    }
}

/// One that listens there and has an object of so many bytes.
async fn seeder(listen: &str, len: usize) -> Node {
    let mut shelf = Shelf::empty();
    shelf.objects.insert(OBJECT, vec![7; len]);
    Setup {
        listen: listen.parse().expect("an address"),
        limits: limits(),
        shelf,
        ..Setup::new(1)
    }
    .start()
    .await
}

/// One that is connected to it by a line.
async fn by_line(alice: &mut Node, line: &Line) -> Node {
    let mut bob = Setup {
        limits: limits(),
        ..Setup::new(2)
    }
    .start()
    .await;
    let dialled = bob.mesh.dial(Some(alice.id), line.address.clone()).await;
    dialled.expect("dialled");
    bob.connected(alice.id).await;
    alice.connected(bob.id).await;
    bob
}

/// Four fetches of the object at once.
fn fetch_much(bob: &Node, from: NodeId) -> Vec<JoinHandle<Result<Vec<u8>, FetchError>>> {
    let fetch_it = |_| {
        let mesh = bob.mesh.clone();
        tokio::spawn(async move { fetch(&mesh, from, OBJECT).await })
    };
    (0..4).map(fetch_it).collect()
}

/// Both notice in time that they are no longer connected.
async fn both_notice(alice: &mut Node, bob: &mut Node) {
    let since = Instant::now();
    let (of_alice, of_bob) = (alice.id, bob.id);
    tokio::join!(alice.disconnected(of_bob), bob.disconnected(of_alice));
    assert!(since.elapsed() <= GONE, "{:?}", since.elapsed());
    assert!(alice.mesh.peers().await.is_empty());
    assert!(bob.mesh.peers().await.is_empty());
}

async fn notices_silence(alice: &mut Node, line: Line) {
    let mut bob = by_line(alice, &line).await;
    // As long as the line is there, they hear each other, though nothing happens.
    tokio::time::sleep(2 * SILENCE).await;
    assert_eq!(alice.mesh.peers().await.len(), 1);
    assert_eq!(bob.mesh.peers().await.len(), 1);
    line.die();
    both_notice(alice, &mut bob).await;
}

#[tokio::test]
async fn who_is_not_heard_by_tcp_is_soon_not_connected() {
    let mut alice = seeder(TCP, 0).await;
    let line = Line::to(&alice.address, None).await;
    notices_silence(&mut alice, line).await;
}

#[tokio::test]
async fn who_is_not_heard_by_quic_is_soon_not_connected() {
    let mut alice = seeder(QUIC, 0).await;
    let line = Line::to_quic(&alice.address).await;
    notices_silence(&mut alice, line).await;
}

/// More is on its way than the socket takes, so that closing it waits for bytes to go that never will.
#[tokio::test]
async fn a_connection_whose_last_bytes_cannot_go_ends_all_the_same() {
    let mut alice = seeder(TCP, 8 << 20).await;
    let line = Line::to(&alice.address, Some(64 << 10)).await;
    let mut bob = by_line(&mut alice, &line).await;
    let fetching = fetch_much(&bob, alice.id);
    tokio::time::sleep(Duration::from_millis(500)).await;
    line.die();
    for second in 0..4_500 {
        // Gossip that a peer does not take in time is left out.
        let _ = alice.mesh.publish(&receipt(1, 0, at(second))).await;
    }
    both_notice(&mut alice, &mut bob).await;
    for fetched in fetching {
        assert!(fetched.await.expect("it does not panic").is_err());
    }
}

/// A mebibyte is asked for at a time, which takes more than twice the silence here: no answer to anything comes before it.
#[tokio::test]
async fn a_slow_line_is_not_taken_for_a_dead_one() {
    let mut alice = seeder(TCP, 400 << 10).await;
    let line = Line::to(&alice.address, Some(128 << 10)).await;
    let mut bob = by_line(&mut alice, &line).await;
    let started = Instant::now();
    for fetched in fetch_much(&bob, alice.id) {
        let fetched = soon("an object", fetched).await.expect("it does not panic");
        assert_eq!(fetched.expect("fetched").len(), 400 << 10);
    }
    assert!(started.elapsed() > 3 * SILENCE, "{:?}", started.elapsed());
    for node in [&mut alice, &mut bob] {
        while let Ok(event) = node.events.try_recv() {
            assert!(!matches!(event, Event::Disconnected(_)), "{event:?}");
        }
    }
}
