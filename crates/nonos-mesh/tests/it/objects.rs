use std::time::Duration;

use nonos_mesh::{
    FetchError, Limits, Object,
    core::{Download, Kbits},
};
use nonos_types::{ByteLen, CapsuleHash, InputDigest, NodeId};

use crate::{
    node::{Node, QUIC, Setup, Shelf, TCP, fetch, pair, soon},
    raw::{Answer, Raw},
    sample::{NOW, claim, network, node},
};

const OBJECT: Object = Object::Capsule(CapsuleHash::ZERO);
const MOST: ByteLen = ByteLen::new(8 << 20);

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index % 251) as u8).collect()
}

/// A node that has an object of this length, and one that fetches it.
async fn seeder_and_leech(listen: &str, len: usize) -> (Node, Node, Accounts) {
    let mut shelf = Shelf::empty();
    shelf.objects.insert(OBJECT, bytes(len));
    let accounts = shelf.accounts();
    let seeder = Setup {
        shelf,
        listen: listen.parse().expect("an address"),
        ..Setup::new(1)
    };
    let seeder = seeder.start().await;
    let mut leech = Setup {
        listen: listen.parse().expect("an address"),
        ..Setup::dialling(2, &seeder)
    }
    .start()
    .await;
    leech.connected(seeder.id).await;
    (seeder, leech, accounts)
}

type Accounts = tokio::sync::mpsc::UnboundedReceiver<(nonos_types::NodeId, Object, ByteLen)>;

async fn fetches_over(listen: &str, len: usize) {
    let (seeder, leech, mut accounts) = seeder_and_leech(listen, len).await;
    let fetched = soon("an object", fetch(&leech.mesh, seeder.id, OBJECT)).await;
    assert_eq!(fetched.expect("fetched"), bytes(len));
    let mut sent = 0;
    loop {
        let (to, object, bytes) = soon("an account", accounts.recv()).await.expect("open");
        assert_eq!((to, object), (leech.id, OBJECT));
        sent += bytes.get();
        if sent == len as u64 {
            break;
        }
    }
}

#[tokio::test]
async fn objects_come_in_parts_over_tcp_and_are_accounted() {
    for len in [0, 1, (256 << 10) + 64, (256 << 10) + 65, 700_000] {
        fetches_over(TCP, len).await;
    }
}

#[tokio::test]
async fn objects_come_in_parts_over_quic_and_are_accounted() {
    fetches_over(QUIC, 700_000).await;
}

#[tokio::test]
async fn many_objects_are_fetched_at_once() {
    let (seeder, leech, _accounts) = seeder_and_leech(TCP, 300_000).await;
    let fetches = (0..32).map(|_| fetch(&leech.mesh, seeder.id, OBJECT));
    let fetched = soon("objects", futures::future::join_all(fetches)).await;
    for object in fetched {
        assert_eq!(object.expect("fetched").len(), 300_000);
    }
}

/// A node that has these bytes under a name.
async fn seeder(seed: u8, object: Object, bytes: Vec<u8>) -> Node {
    let mut shelf = Shelf::empty();
    shelf.objects.insert(object, bytes);
    Setup {
        shelf,
        ..Setup::new(seed)
    }
    .start()
    .await
}

#[tokio::test]
async fn an_object_is_gathered_from_several_and_a_liar_does_no_harm() {
    let whole = bytes(3_000_000);
    let object = Object::Input(InputDigest::hash(&[&whole]));
    let mut forged = whole.clone();
    forged[1_500_000] ^= 1;
    let (one, two, liar) = (
        seeder(1, object, whole.clone()).await,
        seeder(2, object, whole.clone()).await,
        seeder(3, object, forged).await,
    );
    let leech = Setup {
        peers: [&one, &two, &liar].map(|it| it.address.clone()).to_vec(),
        ..Setup::new(4)
    }
    .start()
    .await;
    // In whatever order they come.
    soon("three peers", async {
        while leech.mesh.peers().await.len() < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut download = Download::new(object, MOST, [one.id, two.id, liar.id, node(9)]);
    let mut kept = vec![];
    let keep = |_: &nonos_types::Outline, index: usize, _: &[u8]| kept.push(index);
    let gathered = leech.mesh.gather(&mut download, keep, |_| true);
    let gathered = soon("an object", gathered).await.expect("gathered");
    assert!(gathered == whole);
    kept.sort_unstable();
    assert_eq!(kept, (0..12).collect::<Vec<_>>());
    let given: Vec<NodeId> = download.given().map(|(from, _)| from).collect();
    let mut honest = vec![one.id, two.id];
    honest.sort_unstable();
    assert_eq!(given, honest, "both gave, the liar nothing");

    // Taken up with all but one group, from one who has it.
    let outline = object.outline(&whole).expect("long enough");
    let mut download = Download::new(object, MOST, [two.id]);
    let here = (0..12).filter(|it| *it != 7);
    download.resume(
        outline.clone(),
        here.map(|it| (it, whole[outline.group(it)].to_vec())),
    );
    let mut kept = vec![];
    let keep = |_: &nonos_types::Outline, index: usize, _: &[u8]| kept.push(index);
    let gathered = leech.mesh.gather(&mut download, keep, |_| true);
    assert!(soon("an object", gathered).await.expect("gathered") == whole);
    assert_eq!(kept, [7]);

    let mut download = Download::new(object, MOST, [liar.id, node(9)]);
    let gathered = leech.mesh.gather(&mut download, |_, _, _| {}, |_| true);
    let gathered = soon("an error", gathered).await;
    assert!(matches!(gathered, Err(FetchError::NotFound)));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (alice, bob) = pair().await;
    let fetched = fetch(&alice.mesh, bob.id, OBJECT).await;
    assert!(matches!(fetched, Err(FetchError::NotFound)), "{fetched:?}");
}

#[tokio::test]
async fn a_part_comes_from_where_it_is_asked_for() {
    let (seeder, leech, _accounts) = seeder_and_leech(TCP, 1000).await;
    let whole = bytes(1000);
    for (offset, most, expected) in [(0, 10, 0..10), (500, 300, 500..800), (990, 4096, 990..1000)] {
        let (offset, most) = (ByteLen::new(offset), ByteLen::new(most));
        let part = leech.mesh.part(seeder.id, OBJECT, offset, most).await;
        assert_eq!(
            part.expect("a part"),
            (ByteLen::new(1000), whole[expected].to_vec())
        );
    }
    let absent = Object::Capsule(CapsuleHash::hash(&[b"another"]));
    let part = leech
        .mesh
        .part(seeder.id, absent, ByteLen::ZERO, ByteLen::new(1))
        .await;
    assert!(matches!(part, Err(FetchError::NotFound)), "{part:?}");
}

/// Two bytes of ten where three were asked for, and three of two; a page.
#[tokio::test]
async fn a_part_of_another_length_is_no_answer() {
    let (short, long) = (
        framed(&[0x0a, 6, 0x08, 10, 0x12, 2, 7, 7]),
        framed(&[0x0a, 7, 0x08, 2, 0x12, 3, 7, 7, 7]),
    );
    for (answer, good) in [
        (short, false),
        (long, false),
        (framed(&[0x12, 2, 0x08, 1]), false),
        (framed(&[0x0a, 7, 0x08, 10, 0x12, 3, 7, 7, 7]), true),
    ] {
        let mut alice = Setup::new(1).start().await;
        let mut peer = Raw::dialling(3, &alice).await;
        alice.connected(peer.id).await;
        let fetching = tokio::spawn({
            let (mesh, peer) = (alice.mesh.clone(), peer.id);
            async move { mesh.part(peer, OBJECT, ByteLen::new(1), ByteLen::new(3)).await }
        });
        peer.asked().await;
        peer.answer(Answer::Bytes(answer)).await;
        let part = soon("an answer", fetching).await.expect("no panic");
        assert_eq!(part.is_ok(), good, "{part:?}");
        assert!(good || matches!(part, Err(FetchError::BadAnswer)), "{part:?}");
    }
}

#[tokio::test]
async fn nothing_is_fetched_from_strangers() {
    let (alice, _bob) = pair().await;
    let fetched = fetch(&alice.mesh, node(9), OBJECT).await;
    assert!(matches!(fetched, Err(FetchError::NotConnected)), "{fetched:?}");
}

#[tokio::test]
async fn an_object_that_a_node_reads_wrongly_is_not_sent() {
    struct Short;
    impl nonos_mesh::Objects for Short {
        fn read(&self, _: &Object, _: ByteLen, _: ByteLen) -> Option<nonos_mesh::Part> {
            Some(nonos_mesh::Part {
                total: ByteLen::new(10),
                bytes: vec![7; 9],
            })
        }
        fn messages_after(&self, cursor: nonos_mesh::Cursor, _: usize) -> nonos_mesh::Page {
            nonos_mesh::Page {
                next: cursor,
                messages: vec![vec![]],
            }
        }
    }
    let alice = Setup::new(1).start_with(std::sync::Arc::new(Short)).await;
    let mut bob = Setup::dialling(2, &alice).start().await;
    bob.connected(alice.id).await;
    let fetched = fetch(&bob.mesh, alice.id, OBJECT).await;
    assert!(matches!(fetched, Err(FetchError::NotFound)), "{fetched:?}");
    let page = bob
        .mesh
        .messages_after(alice.id, nonos_mesh::Cursor::START, nonos_types::Shards::ALL)
        .await;
    assert!(matches!(page, Err(FetchError::NotFound)), "{page:?}");
}

#[tokio::test]
async fn gossip_goes_on_while_a_peer_does_not_answer() {
    let limits = Limits {
        part_timeout: Duration::from_secs(4),
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
    let mut silent = Raw::dialling(3, &alice).await;
    alice.connected(silent.id).await;

    let fetching = tokio::spawn({
        let (mesh, silent) = (alice.mesh.clone(), silent.id);
        async move { fetch(&mesh, silent, OBJECT).await }
    });
    silent.asked().await; // and does not answer

    let message = claim(network(), 2, 0, NOW);
    bob.mesh.publish(&message).await.expect("published");
    assert_eq!(alice.message().await.0, message);
    assert!(!fetching.is_finished());
    let fetched = soon("a timeout", fetching).await.expect("no panic");
    assert!(matches!(fetched, Err(FetchError::Timeout)), "{fetched:?}");
}

/// What a node makes of these bytes as the answer to its request.
async fn answered(answer: Vec<u8>) -> Result<Vec<u8>, FetchError> {
    let mut alice = Setup::new(1).start().await;
    let mut liar = Raw::dialling(3, &alice).await;
    alice.connected(liar.id).await;
    let fetching = tokio::spawn({
        let (mesh, liar) = (alice.mesh.clone(), liar.id);
        async move { fetch(&mesh, liar, Object::Input(InputDigest::ZERO)).await }
    });
    liar.asked().await;
    liar.answer(Answer::Bytes(answer)).await;
    soon("an error", fetching).await.expect("no panic")
}

fn framed(bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).expect("short");
    [&len.to_be_bytes()[..], bytes].concat()
}

#[tokio::test]
async fn refuses_answers_that_are_none() {
    for (what, answer) in [
        ("garbage", framed(b"garbage")),
        ("nothing", framed(b"")),
        ("longer than any answer", u32::MAX.to_be_bytes().to_vec()),
        ("cut off", framed(&[7; 100])[..50].to_vec()),
        ("no frame", vec![]),
        // A part of nothing of ten bytes.
        ("an empty part", framed(&[0x0a, 2, 0x08, 10])),
        // A part of two bytes, of one.
        ("more than there is", framed(&[0x0a, 6, 0x08, 1, 0x12, 2, 7, 7])),
        // A page at 1 without messages.
        ("a page", framed(&[0x12, 2, 0x08, 1])),
        ("another refusal", framed(&[0x18, 3])),
    ] {
        let fetched = answered(answer).await;
        assert!(
            matches!(fetched, Err(FetchError::BadAnswer)),
            "{what}: {fetched:?}"
        );
    }
    // The same peer, honest for once.
    let fetched = answered(framed(&[0x0a, 6, 0x08, 2, 0x12, 2, 7, 8])).await;
    assert_eq!(fetched.expect("fetched"), [7, 8]);
    let fetched = answered(framed(&[0x18, 1])).await;
    assert!(matches!(fetched, Err(FetchError::NotFound)), "{fetched:?}");
}

/// One that gives objects at this rate.
async fn slow_seeder_and_leech(kbits: u32, len: usize) -> (Node, Node) {
    let mut shelf = Shelf::empty();
    shelf.objects.insert(OBJECT, bytes(len));
    let limits = Limits {
        upload: Kbits::new(kbits),
        ..Limits::default()
    };
    let seeder = Setup {
        shelf,
        limits,
        ..Setup::new(1)
    };
    let seeder = seeder.start().await;
    let mut leech = Setup::dialling(2, &seeder).start().await;
    leech.connected(seeder.id).await;
    (seeder, leech)
}

#[tokio::test]
async fn objects_come_no_faster_than_the_seeder_wants() {
    // 500 KB a second, of which a second's worth goes at once.
    let (seeder, leech) = slow_seeder_and_leech(4_000, 700_000).await;
    let started = tokio::time::Instant::now();
    let fetched = soon("an object", fetch(&leech.mesh, seeder.id, OBJECT)).await;
    assert_eq!(fetched.expect("fetched"), bytes(700_000));
    assert!(started.elapsed() >= Duration::from_millis(390));
}

#[tokio::test]
async fn a_part_that_would_come_too_late_is_not_sent() {
    let (seeder, leech) = slow_seeder_and_leech(8, 700_000).await;
    let fetched = soon("an answer", fetch(&leech.mesh, seeder.id, OBJECT)).await;
    assert!(matches!(fetched, Err(FetchError::Busy)), "{fetched:?}");
    assert!(seeder.mesh.traffic().sent < ByteLen::new(100_000));
}

#[tokio::test]
async fn what_goes_over_a_connection_is_counted_on_both_sides() {
    for listen in [TCP, QUIC] {
        let (seeder, leech, _accounts) = seeder_and_leech(listen, 700_000).await;
        let before = (seeder.mesh.traffic().sent, leech.mesh.traffic().received);
        let fetched = soon("an object", fetch(&leech.mesh, seeder.id, OBJECT)).await;
        assert_eq!(fetched.expect("fetched").len(), 700_000);
        let after = (seeder.mesh.traffic().sent, leech.mesh.traffic().received);
        for (before, after) in [(before.0, after.0), (before.1, after.1)] {
            let moved = after.get() - before.get();
            assert!((700_000..800_000).contains(&moved), "{listen}: {moved}");
        }
    }
}
