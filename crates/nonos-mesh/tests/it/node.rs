use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use nonos_mesh::{
    Config, Cursor, Event, Events, FetchError, Limits, Mesh, Multiaddr, Object, Objects, OnionConfig, Page,
    Part, Ticket, start,
};
use nonos_types::{ByteLen, Clock, Message, NodeId, OnionKey, Shards, Timestamp};
use tokio::sync::mpsc;

use crate::sample::{NOW, key, network, node};

pub(crate) const TCP: &str = "/ip4/127.0.0.1/tcp/0";
pub(crate) const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";

/// A guard against waiting for ever, not a measure of anything.
pub(crate) async fn soon<T>(what: &str, it: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), it)
        .await
        .unwrap_or_else(|_| panic!("waited for {what}"))
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    soon(what, async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

pub(crate) struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// What a node gives to others.
pub(crate) struct Shelf {
    pub(crate) objects: BTreeMap<Object, Vec<u8>>,
    pub(crate) log: Vec<Vec<u8>>,
    pub(crate) sent: Mutex<Option<mpsc::UnboundedSender<(NodeId, Object, ByteLen)>>>,
}

impl Shelf {
    pub(crate) fn empty() -> Self {
        Self {
            objects: BTreeMap::new(),
            log: vec![],
            sent: Mutex::new(None),
        }
    }

    /// Tells what was sent to whom.
    pub(crate) fn accounts(&self) -> mpsc::UnboundedReceiver<(NodeId, Object, ByteLen)> {
        let (sender, receiver) = mpsc::unbounded_channel();
        *self.sent.lock().expect("not poisoned") = Some(sender);
        receiver
    }
}

impl Objects for Shelf {
    fn read(&self, object: &Object, offset: ByteLen, most: ByteLen) -> Option<Part> {
        let bytes = self.objects.get(object)?;
        let index = |len: u64| usize::try_from(len).unwrap_or(usize::MAX).min(bytes.len());
        let end = index(offset.get().saturating_add(most.get()));
        Some(Part {
            total: ByteLen::from(bytes.len()),
            bytes: bytes[index(offset.get())..end].to_vec(),
        })
    }

    fn messages_after(&self, cursor: Cursor, most: usize) -> Page {
        let start = usize::try_from(cursor.get()).unwrap_or(usize::MAX);
        let mut page = Page {
            next: cursor,
            messages: vec![],
        };
        let mut bytes = 0;
        for message in self.log.iter().skip(start).take(most) {
            bytes += message.len() as u64;
            if bytes > Page::MAX_BYTES.get() {
                break;
            }
            page.messages.push(message.clone());
            page.next = Cursor::new(page.next.get() + 1);
        }
        page
    }

    fn sent(&self, to: NodeId, object: &Object, bytes: ByteLen) {
        if let Some(sender) = &*self.sent.lock().expect("not poisoned") {
            sender.send((to, *object, bytes)).expect("the test listens");
        }
    }
}

/// An object, part after part, as this peer gives it.
pub(crate) async fn fetch(mesh: &Mesh, from: NodeId, object: Object) -> Result<Vec<u8>, FetchError> {
    let mut whole = Vec::new();
    loop {
        let offset = ByteLen::from(whole.len());
        let (total, bytes) = mesh.part(from, object, offset, Part::MAX).await?;
        whole.extend(bytes);
        if ByteLen::from(whole.len()) == total {
            return Ok(whole);
        }
    }
}

/// How a node is started.
pub(crate) struct Setup {
    pub(crate) seed: u8,
    pub(crate) listen: Multiaddr,
    pub(crate) peers: Vec<Multiaddr>,
    pub(crate) limits: Limits,
    pub(crate) shelf: Shelf,
    pub(crate) shards: Shards,
    pub(crate) onion: Option<OnionConfig>,
    pub(crate) clock: Arc<dyn Clock + Send + Sync>,
}

impl Setup {
    pub(crate) fn new(seed: u8) -> Self {
        Self {
            seed,
            listen: TCP.parse().expect("an address"),
            peers: vec![],
            limits: Limits::default(),
            shelf: Shelf::empty(),
            shards: Shards::ALL,
            onion: None,
            clock: Arc::new(Fixed),
        }
    }

    pub(crate) fn dialling(seed: u8, peer: &Node) -> Self {
        Self {
            peers: vec![peer.address.clone()],
            ..Self::new(seed)
        }
    }

    /// Starts it, and waits until it listens.
    pub(crate) async fn start(mut self) -> Node {
        let shelf = std::mem::replace(&mut self.shelf, Shelf::empty());
        self.start_with(Arc::new(shelf)).await
    }

    /// Starts it with other objects than its shelf's.
    pub(crate) async fn start_with(self, objects: Arc<dyn Objects>) -> Node {
        let config = Config {
            network: network(),
            listen: vec![self.listen],
            peers: self.peers,
            limits: self.limits,
            clock: self.clock,
            shards: self.shards,
            onion: self.onion.clone(),
        };
        let (mesh, mut events) = start(config, &key(self.seed), objects).expect("it starts");
        let (mut address, mut keys) = (None, vec![]);
        let with_keys = self.onion.is_some();
        soon("a listener", async {
            while address.is_none() || (with_keys && keys.is_empty()) {
                match events.recv().await.expect("not shut down") {
                    Event::Listening(at) => address = Some(at),
                    Event::OnionKeys(of_it) => keys = of_it,
                    _ => {}
                }
            }
        })
        .await;
        Node {
            address: address.expect("it listens"),
            id: node(self.seed),
            mesh,
            events,
            keys,
        }
    }
}

/// A running node.
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) address: Multiaddr,
    pub(crate) mesh: Mesh,
    pub(crate) events: Events,
    /// For onion packets.
    pub(crate) keys: Vec<OnionKey>,
}

impl Node {
    pub(crate) async fn event(&mut self) -> Event {
        let event = soon("an event", self.events.recv()).await;
        event.expect("not shut down")
    }

    /// The next message; others may come and go meanwhile.
    pub(crate) async fn message(&mut self) -> (Message, NodeId, Ticket) {
        loop {
            if let Event::Message {
                message,
                from,
                ticket,
            } = self.event().await
            {
                return (message, from, ticket);
            }
        }
    }

    pub(crate) async fn connected(&mut self, peer: NodeId) {
        while !matches!(self.event().await, Event::Connected(it) if it == peer) {}
    }

    pub(crate) async fn disconnected(&mut self, peer: NodeId) {
        while !matches!(self.event().await, Event::Disconnected(it) if it == peer) {}
    }
}

/// Two nodes that know each other.
pub(crate) async fn pair() -> (Node, Node) {
    let mut alice = Setup::new(1).start().await;
    let mut bob = Setup::dialling(2, &alice).start().await;
    alice.connected(bob.id).await;
    bob.connected(alice.id).await;
    (alice, bob)
}
