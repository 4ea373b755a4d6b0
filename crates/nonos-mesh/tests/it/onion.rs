//! The onion layer over real connections.

use std::time::Duration;

use nonos_mesh::{
    Event, HiddenError, Object, OnionConfig,
    core::onion::{Cover, Frame, Guards, Hiding, Mix, NotHidden, Settings, Target},
};
use nonos_types::{ByteLen, CapsuleHash, Message, NetworkId, NodeId, OnionKey};

use crate::{
    node::{Node, Setup, soon},
    raw::Raw,
    sample::{NOW, claim, network, node},
};

const MANY: u8 = 5;

pub(crate) fn config(seed: u8) -> OnionConfig {
    OnionConfig {
        settings: Settings {
            cover: Cover::Metered,
            mean_delay: Duration::from_millis(5),
            min_age_s: 0,
            ..Settings::default()
        },
        guards: Guards::default(),
        seed: [seed; 32],
    }
}

fn capsule(bytes: &[u8]) -> Object {
    Object::Capsule(CapsuleHash::hash(&[bytes]))
}

fn mix(node: NodeId, keys: &[OnionKey]) -> Mix {
    Mix {
        node,
        keys: keys.to_vec(),
        prefix: None,
        family: None,
        introducer: None,
        confirmed: true,
        weight_ppm: 1_000_000,
    }
}

/// Nodes that all know each other and are connected; the last of them has these objects.
async fn mesh(shelf: &[(Object, Vec<u8>)]) -> Vec<Node> {
    let mut nodes: Vec<Node> = vec![];
    let mut mixes = vec![];
    for seed in 1..=MANY {
        let mut setup = Setup::new(seed);
        setup.peers = nodes.iter().map(|it| it.address.clone()).collect();
        setup.onion = Some(config(seed));
        if seed == MANY {
            setup.shelf.objects = shelf.iter().cloned().collect();
        }
        let node = setup.start().await;
        mixes.push(mix(node.id, &node.keys));
        nodes.push(node);
    }
    for node in &nodes {
        let others = mixes.iter().filter(|mix| mix.node != node.id).cloned().collect();
        node.mesh.set_mixes(others).await;
    }
    for it in &nodes {
        soon("a mesh", async {
            while it.mesh.peers().await.len() < usize::from(MANY) - 1
                || it
                    .mesh
                    .anonymity()
                    .await
                    .is_none_or(|it| it.hiding != Hiding::Full)
            {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    nodes
}

#[tokio::test]
async fn an_object_is_fetched_by_way_of_others() {
    let small = vec![7; 30_000];
    let large = vec![8; 70_000];
    let nodes = mesh(&[(capsule(b"small"), small.clone()), (capsule(b"large"), large)]).await;
    let (alice, last) = (&nodes[0], node(MANY));
    let from = || Target::Of(vec![last]);
    let most = ByteLen::new(64 << 10);
    let fetched = soon(
        "the object",
        alice.mesh.fetch_hidden(capsule(b"small"), from(), most, 3),
    )
    .await;
    assert_eq!(fetched.expect("it is there"), (last, small));
    let fetched = soon(
        "a word",
        alice.mesh.fetch_hidden(capsule(b"large"), from(), most, 3),
    )
    .await;
    assert!(matches!(fetched, Err(HiddenError::TooLarge { total }) if total == ByteLen::new(70_000)));
    let little = ByteLen::new(10_000);
    let fetched = soon(
        "a word",
        alice.mesh.fetch_hidden(capsule(b"small"), from(), little, 3),
    )
    .await;
    assert!(matches!(fetched, Err(HiddenError::TooLarge { total }) if total == ByteLen::new(30_000)));
    let fetched = soon(
        "a word",
        alice.mesh.fetch_hidden(capsule(b"none"), from(), most, 3),
    )
    .await;
    assert!(matches!(fetched, Err(HiddenError::NotFound)), "{fetched:?}");
    // It passed by others: the frames of no question went to where they ended.
    let anonymity = alice.mesh.anonymity().await.expect("it is on");
    assert_eq!((anonymity.counts.answered, anonymity.counts.failed), (4, 0));
    let mut forwarded = 0;
    for node in &nodes[1..] {
        forwarded += node.mesh.anonymity().await.expect("it is on").counts.forwarded;
    }
    assert!(forwarded >= 2 * 4 * 2, "{forwarded}");
}

#[tokio::test]
async fn a_message_is_entrusted_to_another_that_is_to_publish_it() {
    let mut nodes = mesh(&[]).await;
    let message: Message = claim(network(), 1, 7, NOW);
    let to = Target::Of(vec![node(3)]);
    let by = soon("word", nodes[0].mesh.publish_hidden(&message, to, 3)).await;
    assert_eq!(by.expect("it is taken on"), node(3));
    let entrusted = loop {
        match nodes[2].event().await {
            Event::Entrusted(message) => break message,
            Event::Message { .. } => panic!("gossiped"),
            _ => {}
        }
    };
    assert_eq!(entrusted, message);
    nodes[2].mesh.publish(&entrusted).await.expect("it is short");
    let (heard, from, _) = nodes[1].message().await;
    assert_eq!((heard, from), (message.clone(), node(3)));
    // Once more: whoever has it has taken it on.
    let again = soon(
        "word",
        nodes[0]
            .mesh
            .publish_hidden(&message, Target::Of(vec![node(3)]), 3),
    )
    .await;
    again.expect("it is there");
}

#[tokio::test]
async fn a_message_that_would_not_be_let_in_is_not_taken_on() {
    let nodes = mesh(&[]).await;
    // Of another network; one that does not verify is no message here, either.
    let message = claim(NetworkId::named("another"), 1, 7, NOW);
    let to = Target::Of(vec![node(3)]);
    let refused = soon("word", nodes[0].mesh.publish_hidden(&message, to, 3)).await;
    assert!(matches!(refused, Err(HiddenError::Refused)), "{refused:?}");
}

#[tokio::test]
async fn without_the_layer_nothing_is_asked() {
    let alice = Setup::new(1).start().await;
    let asked = alice
        .mesh
        .publish_hidden(&claim(network(), 1, 7, NOW), Target::Any, 2)
        .await;
    assert!(matches!(asked, Err(HiddenError::Off)));
    assert!(alice.mesh.anonymity().await.is_none());
    let mut setup = Setup::new(2);
    setup.onion = Some(config(2));
    let bob = setup.start().await;
    let asked = bob
        .mesh
        .publish_hidden(&claim(network(), 2, 7, NOW), Target::Any, 2)
        .await;
    assert!(matches!(
        asked,
        Err(HiddenError::NotHidden(NotHidden::TooFewMixes { known: 0, .. }))
    ));
}

#[tokio::test]
async fn a_node_that_takes_no_frames_is_as_good_a_peer_as_another() {
    let mut setup = Setup::new(1);
    setup.onion = Some(config(1));
    let mut alice = setup.start().await;
    let mut bob = Setup::dialling(2, &alice).start().await;
    bob.connected(alice.id).await;
    alice.connected(bob.id).await;
    // Alice is told that it does, and sends it some.
    let keys = vec![OnionKey {
        epoch: NOW.get() / 21_600,
        key: [9; 32],
    }];
    let mixes = vec![mix(bob.id, &keys), mix(node(3), &keys), mix(node(4), &keys)];
    alice.mesh.set_mixes(mixes).await;
    let mesh = alice.mesh.clone();
    tokio::spawn(async move {
        mesh.publish_hidden(&claim(network(), 1, 7, NOW), Target::Any, 2)
            .await
    });
    soon("a frame", async {
        while alice.mesh.anonymity().await.is_none_or(|it| it.counts.own == 0) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    alice
        .mesh
        .publish(&claim(network(), 1, 8, NOW))
        .await
        .expect("it is short");
    assert_eq!(bob.message().await.0, claim(network(), 1, 8, NOW));
}

#[tokio::test]
async fn what_is_no_frame_ends_its_stream_and_nothing_else() {
    let shelf = [(capsule(b"small"), vec![7; 100])];
    let nodes = mesh(&shelf).await;
    let last = nodes.last().expect("there are some");
    let raw = Raw::dialling(77, last).await;
    // Three that are well formed, and noise to this node; one of another version; one more that is well formed.
    let well_formed = [&[4][..], &vec![7; Frame::LEN - 1]].concat();
    let other_version = vec![0xff; Frame::LEN];
    raw.frames([well_formed.repeat(3), other_version, well_formed.clone()].concat());
    let received = || async {
        let counts = last.mesh.anonymity().await.expect("it is on").counts;
        counts.refused.values().sum::<u64>()
    };
    soon("frames", async {
        while received().await < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Half a frame, by another stream.
    raw.frames(well_formed[..1000].to_vec());
    let most = ByteLen::new(1000);
    let from = Target::Of(vec![last.id]);
    let fetched = soon("it", nodes[0].mesh.fetch_hidden(capsule(b"small"), from, most, 3)).await;
    assert_eq!(fetched.expect("it is there").1, vec![7; 100]);
    assert_eq!(received().await, 3, "behind what is no frame nothing was read");
}

#[tokio::test]
async fn the_mesh_ends_with_the_last_who_can_command_it() {
    let mut setup = Setup::new(1);
    setup.onion = Some(config(1));
    let mut alice = setup.start().await;
    let mut bob = Setup::dialling(2, &alice).start().await;
    bob.connected(alice.id).await;
    alice.connected(bob.id).await;
    let id = alice.id;
    drop(alice.mesh);
    bob.disconnected(id).await;
}
