//! Puts the parts together: store, books, trust, proofs, mesh, and the engine that decides.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    num::NonZeroUsize,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use nonos_depin::Ledger;
use nonos_mesh::{
    Event, Events, Mesh, Multiaddr, Object, Objects, Page, Part,
    core::{
        Way, feed, journal,
        onion::Guards,
        reconcile::{Answer, Ask, Serve},
        segment,
    },
};
use nonos_package::Package;
use nonos_state::{Snapshot, probe};
use nonos_store::{Batch, Durability, Store, Table};
use nonos_trust::{Identity, Judgement, TrustBook, judge, keystore};
use nonos_types::{
    Accusation, ByteLen, Capacity, Clock as _, Envelope, FeedHead, MessageId, NetworkId, NodeId, Outline,
    PoiHash, SegmentTask, Sequence, Shards, Signed, Stamp, Timestamp,
};
use nonos_worker::Runner;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::{
    Backends, Config, DataDir, Error,
    api::{ProfileView, Request, RequestError},
    clock::SystemClock,
    config::{Disk, Probe, Upload},
    datadir,
    engine::{self, About, Connection, Effect, Engine, Gives, Input, Machine, Origin, Parts, Unchecked},
    http::Http,
    journal::Journal,
    machine,
    objects::ObjectStore,
    proofs::{Checker, Proofs},
    relay::Relay,
    restore, server,
    settle::{self, Settler},
    worker::{self, Bundles, Configured, Forged, Runs, Worker},
};

/// The signed snapshot of the machine.
const SNAPSHOT: Table<PoiHash, Vec<u8>> = Table::new("poi-snapshot");
/// The nonce of this node's stamp, by network.
const STAMP: Table<NetworkId, Sequence> = Table::new("stamp");

/// Inputs that wait for the engine, effects that wait to be done.
const QUEUE: usize = 1024;
/// How often the engine is told by what this node is connected.
const LOOK: Duration = Duration::from_secs(5);

/// How a node behaves. All but honest are for tests and for devnets that show what becomes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conduct {
    /// As it should.
    #[default]
    Honest,
    /// It signs receipts for results that it has changed, with proofs of other runs.
    ForgeResults,
    /// It passes on receipts that it has not checked, and keeps them as if it had.
    RelayUnchecked,
    /// It gives executors whom it helps proofs of segments that are none.
    ForgeSegments,
    /// It shows some of those it has dealings with other books than the rest.
    ForkBooks,
}

/// What a node is started with.
#[derive(Debug)]
pub struct NodeOptions {
    /// Its data directory, which stays locked while it runs.
    pub data: DataDir,
    /// Its key.
    pub identity: Identity,
    /// What its operator wants.
    pub config: Config,
    /// The proof systems; nodes of one process can share them.
    pub proofs: Arc<Proofs>,
    /// How it behaves.
    pub conduct: Conduct,
    /// Start also if the books are behind what was signed: then nothing is signed before they are resumed
    /// ([`Request::ResumeBooks`]). Else it is an error.
    pub old_books: bool,
}

/// An operator node, running.
///
/// It runs until it is told to stop by [`Node::shutdown`] or a [`Request::Stop`], or until its store fails.
#[derive(Debug)]
pub struct Node {
    id: NodeId,
    handle: Handle,
    page: Option<SocketAddr>,
    stopped: watch::Receiver<bool>,
    // Dropped last.
    _data: Arc<DataDir>,
}

/// Asks a node; clones ask the same.
#[derive(Clone, Debug)]
pub struct Handle {
    inputs: mpsc::Sender<Input>,
}

impl Handle {
    /// Asks, and waits for the answer as JSON, whose type the request names.
    ///
    /// # Errors
    /// The node's words.
    pub async fn ask(&self, request: Request) -> Result<serde_json::Value, RequestError> {
        let stopped = || RequestError {
            message: "the node has stopped".to_owned(),
            fault: "environment".to_owned(),
        };
        let (reply, answer) = oneshot::channel();
        self.inputs
            .send(Input::Request { request, reply })
            .await
            .map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

/// Makes a data directory with a new key and a configuration.
///
/// # Errors
/// [`Error`]; what is there already is left as it is.
pub fn init(
    path: &Path,
    passphrase: &keystore::Passphrase,
    cost: keystore::Cost,
    config_text: &str,
) -> Result<NodeId, Error> {
    Config::parse(config_text)?;
    let mut entropy = keystore::Entropy {
        seed: [0; 32],
        salt: [0; 16],
        nonce: [0; 24],
    };
    for part in [
        &mut entropy.seed[..],
        &mut entropy.salt[..],
        &mut entropy.nonce[..],
    ] {
        getrandom::fill(part).map_err(|_| Error::Random)?;
    }
    let id = Identity::from_seed(entropy.seed).node_id();
    let data = DataDir::create(path, id)?;
    let identity = keystore::create(&data.keystore(), entropy, passphrase, cost)?;
    datadir::write_new(&data.config(), config_text.as_bytes())?;
    Ok(identity.node_id())
}

impl Node {
    /// Opens the books and joins the mesh, within the current tokio runtime.
    ///
    /// # Errors
    /// [`Error`] names what is wrong and what to do.
    pub async fn start(options: NodeOptions) -> Result<Self, Error> {
        let NodeOptions {
            data,
            identity,
            config,
            proofs,
            conduct,
            old_books,
        } = options;
        let (data, identity) = (Arc::new(data), Arc::new(identity));
        let (id, network) = (identity.node_id(), NetworkId::named(&config.network));
        let clock = SystemClock::new();
        let addresses = |texts: &[String]| {
            let parse = |text: &String| {
                let bad = |_| Error::BadAddress {
                    address: text.clone(),
                };
                text.parse::<Multiaddr>().map_err(bad)
            };
            texts.iter().map(parse).collect::<Result<Vec<_>, _>>()
        };
        let (listen, peers) = (addresses(&config.listen)?, addresses(&config.peers)?);

        let opened = {
            let (data, identity, config) = (Arc::clone(&data), Arc::clone(&identity), config.clone());
            let backends = Backends::known().to_vec();
            tokio::task::spawn_blocking(move || open(&data, &identity, &config, backends, clock, old_books))
                .await
                .map_err(|source| Error::Io {
                    action: "open the data directory",
                    source: source.into(),
                })??
        };
        let runner = config.sandbox.runner();
        let protection = match &runner {
            Runner::Process(worker) if config.executor.enabled => {
                let worker = worker.clone();
                let checked = tokio::task::spawn_blocking(move || worker.check()).await;
                let checked = checked.map_err(|source| Error::Io {
                    action: "start a thread",
                    source: source.into(),
                })?;
                Some(checked.map_err(Error::Worker)?)
            }
            _ => None,
        };
        let Opened {
            store,
            ledger,
            behind,
            trust,
            about,
            guards,
        } = opened;
        let snapshot = about.snapshot;
        let objects = {
            let (path, most) = (data.path().to_owned(), config.limits.disk.map(Disk::get));
            let opened = tokio::task::spawn_blocking(move || ObjectStore::new(&path, most)).await;
            Arc::new(opened.map_err(|source| Error::Io {
                action: "start a thread",
                source: source.into(),
            })?)
        };
        let (inputs, inbox) = mpsc::channel(QUEUE);
        let (outbox, effects) = mpsc::channel(QUEUE);

        let (journal, relay) = (Journal::new(Arc::clone(&store)), Relay::default());
        let giving = Arc::new(Giving::default());
        let settler = Arc::new(Settler::new(settle::Parts {
            store: Arc::downgrade(&store),
            identity: Arc::clone(&identity),
            network,
            config: config.settlement.clone(),
            data: data.path().to_owned(),
            proofs: Arc::clone(&proofs),
            clock,
        }));
        let given = Arc::new(Given {
            settler: Arc::clone(&settler),
            objects: Arc::clone(&objects),
            journal: journal.clone(),
            relay: relay.clone(),
            serving: Mutex::default(),
            giving: Arc::clone(&giving),
            clock,
            inputs: inputs.clone(),
        });
        let mesh_config = nonos_mesh::Config {
            network,
            listen,
            peers,
            limits: nonos_mesh::Limits {
                upload: config.limits.upload_kbit_s.map(Upload::get),
                ..nonos_mesh::Limits::default()
            },
            clock: Arc::new(clock),
            shards: config.mesh.shards,
            onion: onion(&config, guards)?,
        };
        let (mesh, events) = nonos_mesh::start(mesh_config, identity.signing_key(), given)?;
        let parts = Parts {
            identity: Arc::clone(&identity),
            config: config.clone(),
            conduct,
            store: Arc::clone(&store),
            journal: journal.clone(),
            relay,
            ledger,
            behind,
            trust,
            about,
        };
        let engine = tokio::task::spawn_blocking(move || Engine::open(parts, clock.moment()))
            .await
            .map_err(|source| Error::Io {
                action: "read the journal",
                source: source.into(),
            })??;
        let socket = DataDir::socket(data.path());
        let listener = server::listen(&socket).map_err(|source| Error::Io {
            action: "listen on the data directory's socket",
            source,
        })?;

        let handle = Handle {
            inputs: inputs.clone(),
        };
        let page = Http::open(config.http, data.path(), handle.clone(), clock).await?;
        let at = page.as_ref().map(Http::at);
        let (stop, stopped) = watch::channel(false);
        let (thought, thinking) = oneshot::channel();
        thread::Builder::new()
            .name("engine".to_owned())
            .spawn({
                let data = Arc::clone(&data);
                move || {
                    // With the engine its part of the store is dropped.
                    think(engine, inbox, &outbox, clock);
                    drop(data);
                    let _nobody_waits = thought.send(());
                }
            })
            .map_err(|source| Error::Io {
                action: "start a thread",
                source,
            })?;
        let worker = Arc::new(Worker {
            mesh: mesh.clone(),
            objects: Arc::clone(&objects),
            giving,
            proofs,
            identity,
            network,
            snapshot,
            store: Arc::downgrade(&store),
            inputs: inputs.clone(),
            clock,
            configured: Configured::new(&config),
            config_file: data.config(),
            forged: Forged::default(),
            runner,
            protection,
            journal,
            onion: config.onion,
            passed: Mutex::default(),
            bundles: Bundles::default(),
            conduct,
            settler: Arc::clone(&settler),
            runs: Runs::default(),
            long: Semaphore::new(worker::LONG_ONES),
        });
        drop(store);
        let answering = tokio::spawn(server::serve(listener, handle.clone()));
        let hearing = tokio::spawn(hear(events, inputs.clone()));
        let watching = tokio::spawn(machine::watch(mesh.clone(), objects, inputs.clone()));
        let looking = tokio::spawn(look(mesh.clone(), inputs.clone()));
        let settling = tokio::spawn(settler.keep_on(mesh.clone(), inputs.clone()));
        let ticking = tokio::spawn(tick(inputs));
        tokio::spawn(async move {
            worker.work(effects).await;
            answering.abort();
            if let Some(page) = page {
                page.close();
            }
            ticking.abort();
            watching.abort();
            looking.abort();
            settling.abort();
            mesh.shutdown().await;
            hearing.abort();
            // The engine ends with its effects; a store that is still written to must not see the process end.
            let _ended = thinking.await;
            let _ = std::fs::remove_file(socket);
            let _nobody_waits = stop.send(true);
        });
        Ok(Self {
            id,
            handle,
            page: at,
            stopped,
            _data: data,
        })
    }

    /// Its name.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Where its page is served, if it is; [`Link`](crate::Link) opens it.
    pub fn page(&self) -> Option<SocketAddr> {
        self.page
    }

    /// Asks it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Waits until it has stopped.
    pub async fn stopped(&self) {
        let mut stopped = self.stopped.clone();
        // The sender is dropped only after it has sent.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }

    /// Stops it, and waits until it has. A run that goes on is abandoned, and taken up at the next start.
    pub async fn shutdown(self) {
        // One that has stopped already answers with an error.
        let _ = self.handle.ask(Request::Stop).await;
        self.stopped().await;
    }
}

struct Opened {
    store: Arc<dyn Store>,
    ledger: Ledger,
    behind: Option<FeedHead>,
    trust: TrustBook,
    about: About,
    guards: Guards,
}

fn open(
    data: &DataDir,
    identity: &Identity,
    config: &Config,
    backends: Vec<nonos_types::BackendId>,
    clock: SystemClock,
    old_books: bool,
) -> Result<Opened, Error> {
    let store = data.store().open(&data.database())?;
    let network = NetworkId::named(&config.network);
    let ledger = Ledger::open(Arc::clone(&store), network, identity.node_id())?;
    let (ledger, behind) = restore::open_books(ledger, data, old_books)?;
    let trust = TrustBook::open(Arc::clone(&store))?.brake_from(config.brake_peers);
    let (snapshot, profile, machine) =
        snapshot(&*store, data.path(), identity, network, config.probe, clock)?;
    let cores = config.limits.cores(machine::cores());
    let about = About {
        machine,
        cores: u32::try_from(cores.get()).unwrap_or(u32::MAX),
        data_dir: data.path().display().to_string(),
        snapshot,
        profile,
        backends,
        stamp: stamp(&*store, network, identity.node_id(), config.directory.stamp_bits)?,
        capacity: Capacity::new(cores.get()),
        started_ms: clock.millis(),
    };
    Ok(Opened {
        guards: engine::guards(&*store)?,
        store,
        ledger,
        behind,
        trust,
        about,
    })
}

/// Whose data a store has, if it has any: a node that starts keeps its signed snapshot before all else.
pub(crate) fn whose(store: &dyn Store) -> Result<Option<NodeId>, nonos_store::Error> {
    let kept = SNAPSHOT.get(store, &PoiHash::ZERO)?;
    let kept = kept.and_then(|bytes| Signed::<Snapshot>::from_bytes(&bytes).ok());
    Ok(kept.map(|it| it.signer()))
}

/// How the onion layer is started, if it is.
fn onion(config: &Config, guards: Guards) -> Result<Option<nonos_mesh::OnionConfig>, Error> {
    let Some(settings) = config.onion.settings(config.directory.lan) else {
        return Ok(None);
    };
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| Error::Random)?;
    Ok(Some(nonos_mesh::OnionConfig {
        settings,
        guards,
        seed,
    }))
}

/// Work for this node's name: the one that is kept, if it is enough, else more.
fn stamp(store: &dyn Store, network: NetworkId, node: NodeId, bits: u32) -> Result<Stamp, Error> {
    let kept = STAMP.get(store, &network)?.map(|nonce| Stamp::new(nonce.get()));
    if let Some(stamp) = kept.filter(|stamp| stamp.bits(network, node) >= bits) {
        return Ok(stamp);
    }
    let stamp = Stamp::find(network, node, bits);
    let mut batch = Batch::new();
    STAMP.put(&mut batch, &network, &Sequence::new(stamp.get()));
    store.write(&batch, Durability::Durable)?;
    Ok(stamp)
}

/// The signed snapshot: the one that is kept, while it lasts, else a new one.
fn snapshot(
    store: &dyn Store,
    data_dir: &Path,
    identity: &Identity,
    network: NetworkId,
    effort: Probe,
    clock: SystemClock,
) -> Result<(PoiHash, ProfileView, Machine), Error> {
    let now = clock.now();
    let kept = SNAPSHOT.get(store, &PoiHash::ZERO)?;
    let kept = kept.and_then(|bytes| Signed::<Snapshot>::from_bytes(&bytes).ok());
    let signed = match kept {
        Some(it)
            if it.check_at(now).is_ok() && it.network == network && it.signer() == identity.node_id() =>
        {
            it
        }
        _ => {
            let effort = match effort {
                Probe::Quick => probe::Effort::quick(),
                Probe::Full => probe::Effort::default(),
            };
            let snapshot = Snapshot {
                network,
                node: identity.node_id(),
                profile: probe::measure(data_dir, effort)?,
                taken_at: now,
                expires: Timestamp::new(now.get() + Snapshot::MAX_VALIDITY),
            };
            let signed = Signed::new(snapshot, identity.signing_key());
            let mut batch = Batch::new();
            SNAPSHOT.put(&mut batch, &PoiHash::ZERO, &signed.to_bytes());
            store.write(&batch, Durability::Durable)?;
            signed
        }
    };
    let context = nonos_state::Context {
        runtime: nonos_state::RuntimeHash::hash(&[
            env!("CARGO_PKG_NAME").as_bytes(),
            env!("CARGO_PKG_VERSION").as_bytes(),
        ]),
        // The export is made as the node starts, before it has joined the mesh.
        network_up: Duration::ZERO,
        capsule: None,
    };
    let view = ProfileView {
        profile: serde_json::to_value(&signed.profile).expect("plain data"),
        taken_at: signed.taken_at,
        snapshot: signed.hash(),
        signed_hex: hex::encode(signed.to_bytes()),
        poi_v1_hex: hex::encode(signed.to_poi_v1(identity.signing_key(), &context)?),
    };
    let machine = Machine {
        millicores: signed.profile.usable_cpu().get(),
        memory: signed.profile.usable_memory(),
        storage_free: signed.profile.storage_free,
    };
    Ok((signed.hash(), view, machine))
}

/// Runs the engine until its store fails or it is told to stop.
fn think(
    mut engine: Engine,
    mut inbox: mpsc::Receiver<Input>,
    outbox: &mpsc::Sender<Effect>,
    clock: SystemClock,
) {
    loop {
        for effect in engine.effects() {
            let last = matches!(effect, Effect::Stop);
            if outbox.blocking_send(effect).is_err() || last {
                return;
            }
        }
        let Some(input) = inbox.blocking_recv() else {
            return;
        };
        if let Err(error) = engine.handle(input, clock.moment()) {
            tracing::error!(%error, "the node stops: it cannot keep its word");
            let _ = outbox.blocking_send(Effect::Stop);
            return;
        }
    }
}

/// Tells the engine what the mesh says.
async fn hear(mut events: Events, inputs: mpsc::Sender<Input>) {
    while let Some(event) = events.recv().await {
        let input = match event {
            Event::Message {
                message,
                from,
                ticket,
            } => Input::Message {
                message: Box::new(message),
                origin: Origin {
                    peer: Some(from),
                    shard: ticket.shard(),
                    ticket: Some(ticket),
                    entrusted: false,
                },
            },
            Event::Entrusted(message) => Input::Message {
                message: Box::new(message),
                origin: Origin {
                    entrusted: true,
                    ..Origin::default()
                },
            },
            Event::Told { message, from } => Input::Message {
                message: Box::new(message),
                origin: Origin {
                    peer: Some(from),
                    // It may be heard here only.
                    entrusted: true,
                    ..Origin::default()
                },
            },
            Event::OnionKeys(keys) => Input::OnionKeys(keys),
            Event::Guards(guards) => Input::Guards(guards),
            Event::Wanted(peer) => Input::Wanted(peer),
            Event::Shards(peer, shards) => Input::Shards(peer, shards),
            Event::Connected(peer) => Input::Connected(peer),
            Event::Disconnected(peer) => Input::Disconnected(peer),
            Event::Listening(address) => Input::Listening(address.to_string()),
            _ => continue,
        };
        if inputs.send(input).await.is_err() {
            return;
        }
    }
}

/// Tells the engine by what it is connected.
async fn look(mesh: Mesh, inputs: mpsc::Sender<Input>) {
    let mut interval = tokio::time::interval(LOOK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let peers = mesh.peers().await.into_iter();
        let connections = peers.map(|it| Connection {
            peer: it.id,
            way: if it.outbound { Way::Outbound } else { Way::Inbound },
            address: it.address.to_string(),
            messages: it.messages,
            kept: it.kept,
        });
        if inputs.send(Input::Links(connections.collect())).await.is_err() {
            return;
        }
    }
}

async fn tick(inputs: mpsc::Sender<Input>) {
    let mut interval = tokio::time::interval(Duration::from_secs(1));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        interval.tick().await;
        if inputs.send(Input::Tick).await.is_err() {
            return;
        }
    }
}

/// What peers are given now: the engine says it, and those who read objects look at it.
#[derive(Debug, Default)]
pub(crate) struct Giving(AtomicU8);

impl Giving {
    const NOTHING: u8 = 0;
    const OWN: u8 = 1;
    const ALL: u8 = 2;

    pub(crate) fn set(&self, gives: Gives) {
        let gives = match gives {
            Gives::Nothing => Self::NOTHING,
            Gives::Own => Self::OWN,
            Gives::All => Self::ALL,
        };
        self.0.store(gives, Ordering::Relaxed);
    }

    /// Messages?
    fn messages(&self) -> bool {
        self.0.load(Ordering::Relaxed) != Self::NOTHING
    }

    /// An object, if it is this node's own?
    fn object(&self, is_own: impl FnOnce() -> bool) -> bool {
        match self.0.load(Ordering::Relaxed) {
            Self::ALL => true,
            Self::OWN => is_own(),
            _ => false,
        }
    }
}

/// What the node gives to peers.
struct Given {
    settler: Arc<Settler>,
    objects: Arc<ObjectStore>,
    journal: Journal,
    relay: Relay,
    /// How far peers are in comparing what they have.
    serving: Mutex<BTreeMap<NodeId, Serve>>,
    giving: Arc<Giving>,
    clock: SystemClock,
    inputs: mpsc::Sender<Input>,
}

impl Given {
    /// Peers whose comparisons are kept; there are fewer connections.
    const SERVING: usize = 256;
    /// How long the engine may take to answer a task.
    const PATIENCE: Duration = Duration::from_secs(2);
}

impl Objects for Given {
    fn read(&self, object: &Object, offset: ByteLen, most: ByteLen) -> Option<Part> {
        if !self.giving.object(|| self.objects.is_own(object)) {
            return None;
        }
        let (total, bytes) = self.objects.part(object, offset, most).ok()?;
        Some(Part { total, bytes })
    }

    fn outline(&self, object: &Object) -> Option<Outline> {
        if !self.giving.object(|| self.objects.is_own(object)) {
            return None;
        }
        self.objects.outline(object).unwrap_or_else(|error| {
            tracing::error!(%error, ?object, "an object cannot be read");
            None
        })
    }

    fn reconcile(&self, from: NodeId, ask: &Ask) -> Option<Answer> {
        if !self.giving.messages() {
            return None;
        }
        let now = self.clock.now();
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        if serving.len() >= Self::SERVING && !serving.contains_key(&from) {
            serving.pop_first();
        }
        let serve = serving.entry(from).or_insert_with(|| Serve::new(now));
        let answer = serve.answer(&self.journal.known().summary, ask, now);
        answer
            .inspect_err(|error| tracing::debug!(peer = %from, %error, "not reconciled"))
            .ok()
    }

    fn journal(&self, from: NodeId, ask: &journal::Ask) -> Option<journal::Answer> {
        self.relay.answer(from, ask, self.clock.now())
    }

    fn segment(&self, from: NodeId, task: Signed<SegmentTask>) -> Option<segment::Answer> {
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        let task = Box::new(task);
        // Whoever asks comes again; an engine that has much to do is not waited for.
        self.inputs.try_send(Input::Asked { from, task, reply }).ok()?;
        answer.recv_timeout(Self::PATIENCE).ok()
    }

    fn witness(&self, from: NodeId, asked: &Envelope) -> Option<Envelope> {
        self.settler.witness(from, asked)
    }

    fn messages(&self, ids: &[MessageId]) -> Vec<Vec<u8>> {
        if !self.giving.messages() {
            return Vec::new();
        }
        let read = |id: &MessageId| self.journal.give(*id).ok().flatten();
        ids.iter().filter_map(read).collect()
    }

    fn feed(&self, from: NodeId, ask: feed::Ask) -> Option<feed::Answer> {
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        self.inputs.try_send(Input::FeedAsked { from, ask, reply }).ok()?;
        answer.recv_timeout(Self::PATIENCE).ok()?
    }

    fn newest(&self, of: NodeId) -> Option<Vec<u8>> {
        self.journal.newest_of(of).ok().flatten()
    }

    fn messages_after(&self, cursor: nonos_mesh::Cursor, most: usize) -> Page {
        self.messages_after_in(cursor, most, Shards::ALL)
    }

    fn messages_after_in(&self, cursor: nonos_mesh::Cursor, most: usize, shards: Shards) -> Page {
        if !self.giving.messages() {
            return Page {
                next: cursor,
                messages: Vec::new(),
            };
        }
        self.journal.page(cursor, most, shards).unwrap_or_else(|error| {
            tracing::error!(%error, "the journal cannot be read");
            Page {
                next: cursor,
                messages: Vec::new(),
            }
        })
    }

    fn sent(&self, to: NodeId, object: &Object, bytes: ByteLen) {
        if let Object::Capsule(_) = object {
            // An event that finds no room is not worth waiting for.
            let _full = self.inputs.try_send(Input::Sent { to, bytes });
        }
    }
}

/// An address with the name of its node, as peers are given.
pub(crate) fn with_peer(address: &Multiaddr, node: NodeId) -> String {
    nonos_mesh::with_peer(address.clone(), &node).to_string()
}

/// Judges an accusation offline, as anyone can who has the capsule it is about, where it is about one: without it, what takes
/// a proof to be checked is indeterminate.
///
/// # Errors
/// If the bytes are not an accusation or a package, or the proof system cannot be set up.
pub fn check_accusation(
    accusation: &[u8],
    package: Option<&[u8]>,
    params: &Path,
) -> Result<Judgement, Error> {
    let accusation = Signed::<Accusation>::from_bytes(accusation)?;
    let Some(package) = package else {
        return Ok(judge(&accusation, &Unchecked));
    };
    let package = Package::decode(package)?;
    let proofs = Proofs::new(params, NonZeroUsize::MIN, NonZeroUsize::MIN)?;
    let checker = Checker {
        proofs: &proofs,
        package: &package,
    };
    Ok(judge(&accusation, &checker))
}
