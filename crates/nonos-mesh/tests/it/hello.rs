//! What nodes say when they meet: of two that use one key each hears of the other, also if it is never connected.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use nonos_mesh::{Config, Cursor, Event, Limits, Object, Objects, Page, Part, start};
use nonos_types::{ByteLen, Descriptor, Message, NodeId, Sequence, Shards, Signed, Timestamp};
use tokio::sync::mpsc;

use crate::{
    node::{Fixed, Node, Setup, TCP, soon, until},
    raw::Raw,
    sample::{NOW, at, claim, descriptor, key, network, node, tampered},
};

/// Remembers of each node its newest descriptor, as it is told.
#[derive(Default)]
struct Book(Mutex<BTreeMap<NodeId, Vec<u8>>>);

impl Objects for Book {
    fn read(&self, _: &Object, _: ByteLen, _: ByteLen) -> Option<Part> {
        None
    }

    fn messages_after(&self, cursor: Cursor, _: usize) -> Page {
        Page {
            next: cursor,
            messages: vec![],
        }
    }

    fn newest(&self, of: NodeId) -> Option<Vec<u8>> {
        self.0.lock().expect("not poisoned").get(&of).cloned()
    }
}

/// A descriptor of a node, another for each number.
fn said(author: u8, number: u64) -> Message {
    said_at(author, number, NOW)
}

fn said_at(author: u8, number: u64, from: Timestamp) -> Message {
    let Message::Descriptor(it) = descriptor(author, from, Timestamp::new(from.get() + 3600)) else {
        unreachable!("it is one")
    };
    let value = Descriptor {
        sequence: Sequence::new(number),
        ..it.value().clone()
    };
    Signed::new(value, &key(author)).into()
}

/// What a node was told of late.
async fn told(node: &mut Node) -> (Message, NodeId) {
    loop {
        if let Event::Told { message, from } = node.event().await {
            return (message, from);
        }
    }
}

#[tokio::test]
async fn who_dials_says_what_it_says_of_itself_and_hears_what_is_known_of_it() {
    let book = Arc::new(Book::default());
    let known = said(2, 7);
    book.0
        .lock()
        .expect("not poisoned")
        .insert(node(2), known.to_bytes());
    let mut alice = Setup::new(1).start_with(Arc::clone(&book) as _).await;
    let mut bob = Setup::new(2).start().await;
    bob.mesh.publish(&said(2, 1)).await.expect("published");
    let address = alice.address.clone();
    bob.mesh.dial(Some(alice.id), address).await.expect("dialled");
    assert_eq!(told(&mut alice).await, (said(2, 1), bob.id));
    assert_eq!(told(&mut bob).await, (known, alice.id));
}

/// The first is connected; the second comes from another host, with the same key.
#[tokio::test]
async fn two_nodes_that_use_one_key_hear_of_each_other() {
    let book = Arc::new(Book::default());
    let config = Config {
        network: network(),
        listen: [TCP, "/ip6/::1/tcp/0"]
            .map(|it| it.parse().expect("an address"))
            .to_vec(),
        peers: vec![],
        limits: Limits::default(),
        clock: Arc::new(Fixed),
        shards: Shards::ALL,
        onion: None,
    };
    let (mesh, mut events) = start(config, &key(1), Arc::clone(&book) as _).expect("it starts");
    soon("two addresses", async {
        while mesh.addresses().len() < 2 {
            tokio::task::yield_now().await
        }
    })
    .await;
    let addresses = mesh.addresses();
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        (addresses.iter()).partition(|it| it.to_string().starts_with("/ip4"));
    // What it is told it believes, and what is newer replaces what is older.
    let (heard, mut hears) = mpsc::unbounded_channel();
    let keeping = tokio::spawn({
        let book = Arc::clone(&book);
        async move {
            while let Some(event) = events.recv().await {
                if let Event::Told { message, .. } = event {
                    let mut book = book.0.lock().expect("not poisoned");
                    book.insert(message.signer(), message.to_bytes());
                    let _ = heard.send(message);
                }
            }
        }
    });
    let twin = |number: u64, at: &nonos_mesh::Multiaddr| {
        let at = at.clone();
        async move {
            let twin = Setup::new(2).start().await;
            twin.mesh.publish(&said(2, number)).await.expect("published");
            twin.mesh.dial(Some(node(1)), at).await.expect("dialled");
            twin
        }
    };
    let mut first = twin(1, here[0]).await;
    first.connected(node(1)).await;
    assert_eq!(soon("the first", hears.recv()).await, Some(said(2, 1)));
    let mut second = twin(2, elsewhere[0]).await;
    let mut connected = false;
    let message = loop {
        match second.event().await {
            Event::Told { message, .. } => break message,
            Event::Connected(_) => connected = true,
            _ => {}
        }
    };
    assert_eq!((message, connected), (said(2, 1), false));
    assert_eq!(soon("the second", hears.recv()).await, Some(said(2, 2)));
    // What it says then is heard, too, although it is not connected.
    second.mesh.publish(&said(2, 3)).await.expect("published");
    assert_eq!(soon("its answer", hears.recv()).await, Some(said(2, 3)));
    keeping.abort();
}

/// A peer that speaks as it likes: what it says of others, or what is no descriptor, is not believed.
#[tokio::test]
async fn what_is_said_at_a_meeting_is_believed_of_who_says_it_only() {
    let mut alice = Setup::new(1).start().await;
    let mut raw = Raw::dialling(9, &alice).await;
    let wrong: Vec<(&str, Vec<u8>)> = vec![
        ("of another", said(3, 1).to_bytes()),
        ("with a wrong signature", tampered(&said(9, 1))),
        ("no descriptor", claim(network(), 9, 0, NOW).to_bytes()),
        ("of a time that is over", said_at(9, 1, at(-100_000)).to_bytes()),
        ("cut off", said(9, 1).to_bytes()[..100].to_vec()),
        ("nothing", vec![]),
    ];
    for (what, own) in wrong {
        let before = dropped(&alice);
        assert_eq!(raw.request(hello(&own)).await.as_deref(), Some(NOTHING), "{what}");
        until(what, || dropped(&alice) > before).await;
    }
    let good = said(9, 2);
    assert_eq!(
        raw.request(hello(&good.to_bytes())).await.as_deref(),
        Some(NOTHING)
    );
    assert_eq!(told(&mut alice).await, (good, node(9)), "and nothing before it");
}

/// It has the budgets of what it gossips.
#[tokio::test]
async fn who_says_hello_without_end_is_not_heard() {
    let limits = Limits {
        budgets: nonos_mesh::core::Budgets {
            forwarder: nonos_mesh::core::Rate {
                per_second: 1,
                burst: 8,
            },
            ..Default::default()
        },
        ..Limits::default()
    };
    let alice = Setup {
        limits,
        ..Setup::new(1)
    };
    let mut alice = alice.start().await;
    let mut raw = Raw::dialling(9, &alice).await;
    for number in 0..50 {
        raw.request(hello(&said(9, number).to_bytes())).await;
    }
    let mut heard = 0;
    while let Ok(event) = alice.events.try_recv() {
        heard += usize::from(matches!(event, Event::Told { .. }));
    }
    assert_eq!(heard, 8);
}

/// A request that says this of its sender, and the answer of who knows nothing of it.
fn hello(own: &[u8]) -> Vec<u8> {
    let mut asked = vec![];
    if own.is_empty() {
        asked.extend([0x5a, 0]);
    } else if own.len() < 128 {
        asked.extend([0x5a, own.len() as u8]);
    } else {
        asked.extend([0x5a, own.len() as u8 | 0x80, (own.len() >> 7) as u8]);
    }
    asked.extend(own);
    let mut framed = (asked.len() as u32).to_be_bytes().to_vec();
    framed.extend(asked);
    framed
}

const NOTHING: &[u8] = &[0, 0, 0, 2, 0x62, 0];

fn dropped(node: &Node) -> u64 {
    node.mesh.drops().iter().map(|(_, count)| count).sum()
}

/// What a peer says is this node's is looked at, and nothing else.
#[tokio::test]
async fn what_is_handed_over_that_this_node_has_not_signed_is_left_alone() {
    for other in [said(3, 1), said(1, 1)] {
        let book = Arc::new(Book::default());
        let mut bytes = other.to_bytes();
        if other.signer() == node(1) {
            *bytes.last_mut().expect("not empty") ^= 1;
        }
        book.0.lock().expect("not poisoned").insert(node(1), bytes);
        let peer = Setup::new(2).start_with(Arc::clone(&book) as _).await;
        let mut alice = Setup::new(1).start().await;
        alice.mesh.publish(&said(1, 5)).await.expect("published");
        alice
            .mesh
            .dial(Some(peer.id), peer.address.clone())
            .await
            .expect("dialled");
        alice.connected(peer.id).await;
        let quiet = tokio::time::timeout(Duration::from_millis(300), told(&mut alice)).await;
        assert!(quiet.is_err(), "{quiet:?}");
    }
}
