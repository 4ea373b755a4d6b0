//! The node on the network: a swarm in a task of its own, and what stands around it.

mod address;
mod ask;
mod behaviour;
mod codec;
mod counted;
mod driver;
mod error;
mod gate;
mod heard;
mod hello;
mod onion;
mod peers;
mod pulse;
mod serve;
mod statics;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use ed25519_dalek::SigningKey;
use libp2p::{Multiaddr, PeerId, gossipsub};
use nonos_types::{ByteLen, Clock, Kind, Message, NetworkId, NodeId, OnionKey, Shard, Shards};
use tokio::sync::{Semaphore, mpsc, oneshot};

pub use self::{
    address::{node_id, with_peer},
    counted::Traffic,
    error::{Error, FetchError},
    onion::{HiddenError, OnionConfig},
};
use self::{counted::Meter, driver::Command, gate::Gate};
use crate::{
    Object, Objects,
    core::{
        Acceptance, Budgets, Drops, IntakeLimits, Kbits, Refusal, Skew, Topic,
        onion::{Anonymity, Guards, Mix, Target},
    },
};

/// What a mesh is started with.
pub struct Config {
    /// The network; peers of others are cut.
    pub network: NetworkId,
    /// Where to listen: `/ip4/0.0.0.0/tcp/4001`, `/ip4/0.0.0.0/udp/4001/quic-v1`; port 0 for any.
    pub listen: Vec<Multiaddr>,
    /// Peers to stay connected to; with or without `/p2p/…`.
    pub peers: Vec<Multiaddr>,
    /// How much of everything.
    pub limits: Limits,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// The shards of whose capsules it hears what becomes of their jobs, always. See [`Mesh::listen`].
    pub shards: Shards,
    /// The onion layer; without it, this node neither hides nor helps others to.
    pub onion: Option<OnionConfig>,
}

/// How much of everything. All that a peer can make grow has a bound here or in `docs/spec/mesh.md`.
#[derive(Clone, Debug)]
pub struct Limits {
    /// What is let in.
    pub budgets: Budgets,
    /// What waits to be let in.
    pub intake: IntakeLimits,
    /// Events that wait for the node to take them; then messages wait in the intake.
    pub events: usize,
    /// Most connections from peers. One more makes the worst of them give way: of the least weight, of these where most
    /// are, of these the last one.
    pub inbound: u32,
    /// Most connections to peers.
    pub outbound: u32,
    /// Most connections being made, in each direction.
    pub pending: u32,
    /// Requests of peers that are answered at a time.
    pub answers: usize,
    /// How fast peers get objects, all together. Messages are not held back.
    pub upload: Option<Kbits>,
    /// How long a peer may take to answer a request, a part of an object each.
    pub part_timeout: Duration,
    /// How long a relay may take to say what is in its journal, however often it says it is busy.
    pub journal_timeout: Duration,
    /// How long a peer may be connected without having said its network and its topics; then it is cut, and dialled
    /// again if it was dialled.
    pub hello_timeout: Duration,
    /// How long nothing may come from a peer before it counts as gone. A peer that is there lets itself be heard several times
    /// as often.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            budgets: Budgets::default(),
            intake: IntakeLimits::default(),
            events: 256,
            inbound: 64,
            outbound: 32,
            pending: 16,
            answers: 64,
            upload: None,
            part_timeout: Duration::from_secs(10),
            journal_timeout: Duration::from_secs(2),
            hello_timeout: Duration::from_secs(5),
            silence: Duration::from_secs(15),
        }
    }
}

/// What happens; ends when the mesh is shut down.
pub type Events = mpsc::Receiver<Event>;

/// Something that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A message passed every check there is without knowing what it is about: length, form, signature, network,
    /// time, budgets, and that it is new. Answer with [`Mesh::report`].
    Message {
        /// The message.
        message: Message,
        /// Who forwarded it.
        from: NodeId,
        /// What to answer with.
        ticket: Ticket,
    },
    /// A peer hears everything of these shards, and not of others. Told when it changes; of who is connected and of whom
    /// nothing was told before that, it is all.
    Shards(NodeId, Shards),
    /// A peer of this network is connected and listens: what is published from now on reaches it, of its shards.
    Connected(NodeId),
    /// It no longer is.
    Disconnected(NodeId),
    /// The node listens there.
    Listening(Multiaddr),
    /// Keys for onion packets, to be announced in this node's descriptor instead of those before.
    OnionKeys(Vec<OnionKey>),
    /// Guards, to be kept for the next start.
    Guards(Guards),
    /// Somebody who does not show itself asks this node to publish a message. It passed the same checks as one that is
    /// gossiped. If it is right, [`Mesh::publish`] it.
    Entrusted(Message),
    /// Frames wait for a connection to this node.
    Wanted(NodeId),
    /// A peer that has just met this node says so of itself, or hands over what it has of this node; in whatever way, it passed
    /// the same checks as a message that was gossiped or asked for.
    Told {
        /// A descriptor: the peer's own, or one with this node's signature.
        message: Message,
        /// The peer.
        from: NodeId,
    },
}

/// Names a message that waits for its report. It is forwarded only after [`Acceptance::Accept`], and waits for that
/// for 30 seconds at most.
#[derive(Debug)]
pub struct Ticket {
    id: gossipsub::MessageId,
    peer: PeerId,
    topic: Topic,
}

impl Ticket {
    /// The shard of the topic by which the message came. Claims, awards and cancels do not say it themselves: whether
    /// it is right is for who knows their offers.
    pub fn shard(&self) -> Option<Shard> {
        self.topic.shard()
    }
}

/// What the application thinks of a peer, in points of its score. A peer of 0 or less is a newcomer to the budgets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(i32);

impl Weight {
    /// Nothing is known of it.
    pub const NEUTRAL: Self = Self(0);
    /// It may listen, and is no longer told anything at its first fault.
    pub const PROBATION: Self = Self(-60);
    /// It is not heard.
    pub const BLACKLISTED: Self = Self(-10_000);
    /// It is trusted in full.
    pub const TRUSTED: Self = Self(10);

    /// So many points, cut to the range from [`Weight::BLACKLISTED`] to [`Weight::TRUSTED`].
    pub fn new(points: i32) -> Self {
        Self(points.clamp(Self::BLACKLISTED.0, Self::TRUSTED.0))
    }

    /// The points.
    pub fn get(self) -> i32 {
        self.0
    }
}

/// A peer that is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// Its name.
    pub id: NodeId,
    /// Where.
    pub address: Multiaddr,
    /// Did this node dial it?
    pub outbound: bool,
    /// Messages it forwarded to this node, let in or not.
    pub messages: u64,
    /// Their bytes.
    pub bytes: ByteLen,
    /// Is it one that this node stays connected to?
    pub kept: bool,
    /// The shards of which it hears everything.
    pub shards: Shards,
}

/// A node's place in the mesh. Clones are the same mesh; it ends with [`Mesh::shutdown`] or the last of them.
#[derive(Clone)]
pub struct Mesh {
    me: NodeId,
    commands: mpsc::Sender<Command>,
    gate: Arc<Gate>,
    meter: Arc<Meter>,
    fetching: Arc<Mutex<BTreeMap<NodeId, Arc<Semaphore>>>>,
    part_timeout: Duration,
    hidden: onion::Hidden,
    journal_timeout: Duration,
}

/// Starts a mesh within the current tokio runtime, in tasks of its own.
///
/// # Errors
/// [`Error::NoRuntime`], [`Error::NameInAddress`], [`Error::UnsupportedAddress`], [`Error::Listen`],
/// [`Error::Transport`].
pub fn start(config: Config, key: &SigningKey, objects: Arc<dyn Objects>) -> Result<(Mesh, Events), Error> {
    let runtime = tokio::runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
    for address in config.listen.iter().chain(&config.peers) {
        address::check(address)?;
    }
    let _within = runtime.enter();
    let meter = Arc::default();
    let mut swarm = behaviour::swarm(
        config.network,
        key,
        &config.limits,
        &config.listen,
        config.onion.is_some(),
        config.shards,
        &meter,
    )?;
    for address in &config.listen {
        let listening = swarm.listen_on(address.clone());
        listening.map_err(|error| Error::Listen {
            address: address.to_string(),
            source: match error {
                libp2p::TransportError::Other(source) => source,
                libp2p::TransportError::MultiaddrNotSupported(_) => std::io::ErrorKind::Unsupported.into(),
            },
        })?;
    }
    let (commands, mailbox) = mpsc::channel(256);
    let (events, received) = mpsc::channel(config.limits.events.max(1));
    let (part_timeout, journal_timeout) = (config.limits.part_timeout, config.limits.journal_timeout);
    let gate = Arc::new(Gate::new(&config));
    let me = NodeId::from_bytes(key.verifying_key().to_bytes());
    let onion = config.onion.clone().map(|onion| {
        let (gate, objects) = (Arc::clone(&gate), Arc::clone(&objects));
        let clock = Arc::clone(&config.clock);
        onion::Task::new(
            me,
            onion,
            clock,
            gate,
            objects,
            commands.downgrade(),
            events.clone(),
        )
    });
    let (onion, voice) = onion.map(|(task, feed, voice)| ((task, feed), voice)).unzip();
    driver::spawn(swarm, config, Arc::clone(&gate), objects, mailbox, events, onion);
    let mesh = Mesh {
        me,
        commands,
        gate,
        meter,
        fetching: Arc::default(),
        part_timeout,
        hidden: onion::Hidden(voice),
        journal_timeout,
    };
    Ok((mesh, received))
}

impl Mesh {
    /// Gossips a message. That no peer is there to hear it is no error: peers that come ask for what they missed.
    ///
    /// # Errors
    /// [`Error::ForeignNetwork`], [`Error::TooLong`], [`Error::Congested`], [`Error::Stopped`].
    pub async fn publish(&self, message: &Message) -> Result<(), Error> {
        self.publish_in(message, None).await
    }

    /// Gossips a message that is about a capsule of this shard, as far as it does not say so itself: claims, awards and
    /// cancels.
    ///
    /// # Errors
    /// As [`Mesh::publish`].
    pub async fn publish_in(&self, message: &Message, shard: Option<Shard>) -> Result<(), Error> {
        if message.network() != self.gate.network() {
            return Err(Error::ForeignNetwork);
        }
        let bytes = message.to_bytes();
        let limit = message.kind().max_len();
        if ByteLen::from(bytes.len()) > limit {
            return Err(Error::TooLong { limit });
        }
        self.gate.saw(message);
        let topic = Topic::within(message, shard);
        if message.kind() == Kind::Descriptor && message.signer() == self.me {
            let own = bytes.clone();
            // A mesh that was shut down meets nobody.
            let _ = self.commands.send(Command::Describe { own }).await;
        }
        self.ask(|done| Command::Publish { topic, bytes, done })
            .await
            .ok_or(Error::Stopped)?
    }

    /// Listens to these shards, too, besides those of [`Config::shards`], and no longer to others.
    pub async fn listen(&self, shards: Shards) {
        // A mesh that was shut down hears nothing.
        let _ = self.commands.send(Command::Listen { shards }).await;
    }

    /// Says what becomes of a message. Too late, it has no effect.
    pub async fn report(&self, ticket: Ticket, acceptance: Acceptance) {
        let report = Command::Report { ticket, acceptance };
        // A mesh that was shut down forwards nothing, which is what the caller gets.
        let _ = self.commands.send(report).await;
    }

    /// Lets a message in that came by [`Mesh::messages_after`] or [`Mesh::messages`], by the same rules as one that is gossiped, but for
    /// the budgets, since who asks sets the pace, and for what was seen before, since it may be asked for again. Offers, awards, receipts, verdicts, vouchers and accusations may be of
    /// any age.
    ///
    /// It decodes and verifies, a tenth of a millisecond or so: for a page, call it where it does not hold up others.
    ///
    /// # Errors
    /// [`Refusal`], but not [`Refusal::Duplicate`].
    pub fn check(&self, bytes: &[u8], from: NodeId) -> Result<Message, Refusal> {
        self.gate.check(bytes, from)
    }

    /// Has a message gossiped by another node, which does not learn by whom. It is on its way when one of `to` has taken it on.
    ///
    /// # Errors
    /// [`HiddenError`]; this node has gossiped nothing.
    pub async fn publish_hidden(
        &self,
        message: &Message,
        to: Target,
        least_hops: usize,
    ) -> Result<NodeId, HiddenError> {
        self.gate.saw(message);
        self.hidden.publish(message, to, least_hops).await
    }

    /// Fetches an object of at most `most`, and at most 64 KiB, from one of `from`, which does not learn for whom. Whether
    /// it is the object is not checked: compare the digest. Also returns who gave it.
    ///
    /// # Errors
    /// [`HiddenError`]; [`HiddenError::TooLarge`] and [`HiddenError::NotFound`] if one of them said so.
    pub async fn fetch_hidden(
        &self,
        object: Object,
        from: Target,
        most: ByteLen,
        least_hops: usize,
    ) -> Result<(NodeId, Vec<u8>), HiddenError> {
        self.hidden.fetch(object, from, most, least_hops).await
    }

    /// Says who may be hops of this node's routes from now on.
    pub async fn set_mixes(&self, mixes: Vec<Mix>) {
        self.hidden.mixes(mixes).await;
    }

    /// How well this node is hidden; `None` if the onion layer is off.
    pub async fn anonymity(&self) -> Option<Anonymity> {
        self.hidden.anonymity().await
    }

    /// Who is connected.
    pub async fn peers(&self) -> Vec<PeerInfo> {
        self.ask(|done| Command::Peers { done }).await.unwrap_or_default()
    }

    /// Where this node listens.
    pub fn addresses(&self) -> Vec<Multiaddr> {
        self.gate.addresses()
    }

    /// Dials an address, once; whether it succeeds is told by [`Event::Connected`]. To stay connected to a peer, name
    /// it in [`Config::peers`], or use [`Mesh::keep`].
    ///
    /// # Errors
    /// [`Error::NameInAddress`], [`Error::UnsupportedAddress`], [`Error::BadPeer`], [`Error::DialRefused`] if the peer
    /// is blocked, is this node, or there are too many connections; [`Error::Stopped`].
    pub async fn dial(&self, peer: Option<NodeId>, address: Multiaddr) -> Result<(), Error> {
        address::check(&address)?;
        let peer = match peer {
            Some(node) => Some(address::peer_id(&node).ok_or(Error::BadPeer)?),
            None => address::named_peer(&address),
        };
        self.ask(|done| Command::Dial { peer, address, done })
            .await
            .ok_or(Error::Stopped)?
    }

    /// Stays connected to whoever is at an address, as to those of [`Config::peers`].
    ///
    /// # Errors
    /// [`Error::NameInAddress`], [`Error::UnsupportedAddress`], [`Error::Stopped`].
    pub async fn keep(&self, address: Multiaddr) -> Result<(), Error> {
        address::check(&address)?;
        let sent = self.commands.send(Command::Keep { address }).await;
        sent.map_err(|_| Error::Stopped)
    }

    /// Ends the connection to a peer that has done nothing wrong, unless it is one that this node stays connected to, or something was
    /// asked of it. It may connect again.
    pub async fn let_go(&self, peer: NodeId) {
        if let Some(peer) = address::peer_id(&peer) {
            // A mesh that was shut down is connected to nobody.
            let _ = self.commands.send(Command::LetGo { peer }).await;
        }
    }

    /// Cuts a peer, and keeps it from connecting.
    pub async fn block(&self, peer: NodeId) {
        self.set_blocked(peer, true).await;
    }

    /// Lets a peer connect again.
    pub async fn unblock(&self, peer: NodeId) {
        self.set_blocked(peer, false).await;
    }

    async fn set_blocked(&self, peer: NodeId, blocked: bool) {
        // What is not a key cannot connect.
        if let Some(peer) = address::peer_id(&peer) {
            self.ask(|done| Command::Block { peer, blocked, done }).await;
        }
    }

    /// Says what the application thinks of a peer.
    pub async fn weigh(&self, peer: NodeId, weight: Weight) {
        self.gate.know(peer, weight > Weight::NEUTRAL);
        if let Some(peer) = address::peer_id(&peer) {
            // A mesh that was shut down has no scores.
            let _ = self.commands.send(Command::Weigh { peer, weight }).await;
        }
    }

    /// What was not let in, and why, since the start.
    pub fn drops(&self) -> Drops {
        self.gate.drops()
    }

    /// What this node's clock and those of its peers look like, by what these sign.
    pub fn skew(&self) -> Skew {
        self.gate.skew()
    }

    /// What went over this node's connections since the start.
    pub fn traffic(&self) -> Traffic {
        self.meter.read()
    }

    /// Ends the mesh, for all clones. When it returns, connections and listeners are closed.
    pub async fn shutdown(self) {
        self.ask(|done| Command::Shutdown { done }).await;
    }

    /// `None` if the mesh was shut down.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (done, answer) = oneshot::channel();
        self.commands.send(command(done)).await.ok()?;
        answer.await.ok()
    }
}
