//! Many nodes of one process, each with an application behind it that does what a node's engine does with messages: it
//! keeps a directory, dials whom it reads of there until it has peers enough, reads what peers have accepted, and takes
//! its time to verify.

mod delivery;
mod duplicates;
mod eclipse;
mod flood;
mod overload;

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use nonos_mesh::{
    Acceptance, Config, Cursor, Event, Events, Limits, Mesh, Multiaddr, Object, Objects, Page, Part,
    core::{Directory, DirectoryLimits},
    start,
};
use nonos_types::{ByteLen, Clock, Kind, Message, MessageId, NodeId, Timestamp};
use tokio::{sync::mpsc, time::Instant};

use crate::{
    node::TCP,
    sample::{NOW, at, key, listed_at, network, node},
};

/// Peers of its own accord, as a node has.
const DIAL: usize = 16;

/// Seconds go by for budgets, from a time that does not change.
struct Running(Instant);

impl Clock for Running {
    fn now(&self) -> Timestamp {
        at(i64::try_from(self.0.elapsed().as_secs()).expect("a short test"))
    }
}

/// How an application verifies.
#[derive(Clone)]
struct Judge {
    /// How long a message takes it.
    cost: Duration,
    /// What it finds invalid.
    refuses: fn(&Message) -> bool,
}

/// A node, and what its application knows.
struct Member {
    id: NodeId,
    address: Multiaddr,
    mesh: Mesh,
    known: Arc<Known>,
}

struct Known {
    directory: Mutex<Directory>,
    log: Mutex<Vec<Vec<u8>>>,
    /// When what was accepted was.
    accepted: Mutex<BTreeMap<MessageId, Instant>>,
    /// Who forwarded what is invalid: how often, and when last.
    refused: Mutex<BTreeMap<NodeId, (u64, Instant)>>,
}

impl Objects for Known {
    fn read(&self, _: &Object, _: ByteLen, _: ByteLen) -> Option<Part> {
        None
    }

    fn messages_after(&self, cursor: Cursor, most: usize) -> Page {
        let log = lock(&self.log);
        let start = usize::try_from(cursor.get()).unwrap_or(usize::MAX);
        let messages: Vec<_> = log.iter().skip(start).take(most).cloned().collect();
        Page {
            next: Cursor::new(cursor.get().saturating_add(messages.len() as u64)),
            messages,
        }
    }
}

impl Known {
    fn new() -> Self {
        let limits = DirectoryLimits {
            stamp_bits: 0,
            private_prefixes: false,
            ..DirectoryLimits::default()
        };
        Self {
            directory: Mutex::new(Directory::new(limits)),
            log: Mutex::default(),
            accepted: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    /// Keeps what is valid; whether it is new.
    fn keep(&self, message: &Message) -> bool {
        let new = lock(&self.accepted)
            .insert(message.id(), Instant::now())
            .is_none();
        if new {
            lock(&self.log).push(message.to_bytes());
            if let Message::Descriptor(it) = message {
                lock(&self.directory).learn(it, None, NOW);
            }
        }
        new
    }
}

impl Member {
    /// Starts one of this seed, which knows these addresses, and waits until it listens.
    async fn start(seed: u8, peers: Vec<Multiaddr>, limits: Limits, judge: Judge) -> Self {
        let config = Config {
            network: network(),
            listen: vec![TCP.parse().expect("an address")],
            peers,
            limits,
            clock: Arc::new(Running(Instant::now())),
            shards: nonos_types::Shards::ALL,
            onion: None,
        };
        let known = Arc::new(Known::new());
        let (mesh, mut events) =
            start(config, &key(seed), Arc::clone(&known) as Arc<dyn Objects>).expect("it starts");
        let address = loop {
            if let Event::Listening(address) = events.recv().await.expect("not shut down") {
                break address;
            }
        };
        let member = Self {
            id: node(seed),
            address: address.clone(),
            mesh: mesh.clone(),
            known: Arc::clone(&known),
        };
        member.publish(&listed_at(seed, &address)).await;
        tokio::spawn(live(mesh, events, known, judge));
        member
    }

    async fn publish(&self, message: &Message) {
        self.known.keep(message);
        self.mesh.publish(message).await.expect("published");
    }

    fn listed(&self) -> usize {
        lock(&self.known.directory).len()
    }

    /// When it had accepted a message.
    fn accepted(&self, message: &MessageId) -> Option<Instant> {
        lock(&self.known.accepted).get(message).copied()
    }
}

/// Lives until its mesh is shut down.
async fn live(mesh: Mesh, mut events: Events, known: Arc<Known>, judge: Judge) {
    let (read, mut page) = mpsc::channel(64);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                None => return,
                Some(Event::Connected(peer)) => {
                    tokio::spawn(read_log(mesh.clone(), peer, read.clone()));
                }
                Some(Event::Message { message, from, ticket }) => {
                    // Messages about nodes are believed at once.
                    if message.kind() != Kind::Descriptor {
                        tokio::time::sleep(judge.cost).await;
                    }
                    let acceptance = if (judge.refuses)(&message) {
                        let mut refused = lock(&known.refused);
                        let (count, last) = refused.entry(from).or_insert((0, Instant::now()));
                        (*count, *last) = (*count + 1, Instant::now());
                        Acceptance::Reject
                    } else {
                        learn(&mesh, &known, &message).await;
                        Acceptance::Accept
                    };
                    mesh.report(ticket, acceptance).await;
                }
                Some(_) => {}
            },
            Some(message) = page.recv() => learn(&mesh, &known, &message).await,
        }
    }
}

async fn learn(mesh: &Mesh, known: &Known, message: &Message) {
    if known.keep(message)
        && let Message::Descriptor(it) = message
        && mesh.peers().await.len() < DIAL
    {
        for address in &it.addresses {
            let address = address.parse().expect("an address");
            // Too many dials at once are refused; others will do.
            let _ = mesh.dial(Some(it.signer()), address).await;
        }
    }
}

/// What a peer has accepted before it was connected.
async fn read_log(mesh: Mesh, peer: NodeId, read: mpsc::Sender<Message>) {
    let mut cursor = Cursor::START;
    while let Ok(page) = mesh.messages_after(peer, cursor, nonos_types::Shards::ALL).await {
        if page.messages.is_empty() {
            return;
        }
        cursor = page.next;
        for bytes in page.messages {
            if let Ok(message) = mesh.check(&bytes, peer) {
                // The test may be over.
                let _ = read.send(message).await;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("not poisoned")
}

/// Asks until it is so; how long it took.
async fn within(what: &str, most: Duration, is_so: impl Fn() -> bool) -> Duration {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() <= most, "not within {most:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    started.elapsed()
}

/// Most memory of this process so far, in MiB; 0 where that is not told.
fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.map(|line| line.trim().trim_end_matches(" kB").parse::<u64>());
    kib.and_then(Result::ok).unwrap_or(0) >> 10
}

/// The load of the machine, for figures to be read with it.
fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    format!("load {} on {cores} cores", load.split(' ').next().unwrap_or("?"))
}
