//! The node on the network: a swarm in a task of its own, and what stands around it.

mod address;
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
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ed25519_dalek::SigningKey;
use futures::{StreamExt as _, stream::FuturesUnordered};
use libp2p::{Multiaddr, PeerId, gossipsub};
use nonos_types::{
    ByteLen, Clock, Envelope, Kind, Message, MessageId, NetworkId, NodeId, OnionKey, Outline, SegmentTask,
    Shard, Shards, Signed,
};
use tokio::sync::{Semaphore, mpsc, oneshot};

pub use self::{
    address::{node_id, with_peer},
    counted::Traffic,
    error::{Error, FetchError},
    onion::{HiddenError, OnionConfig},
};
use self::{counted::Meter, driver::Command, gate::Gate};
use crate::{
    Cursor, Object, Objects, Page, Part,
    core::{
        Acceptance, Ask, Budgets, Download, Drops, IntakeLimits, Kbits, Refusal, Skew, Topic, feed, journal,
        onion::{Anonymity, Guards, Mix, Target},
        reconcile, segment,
    },
    wire::{Request, Response},
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
    /// Requests to one peer at a time.
    const REQUESTS: usize = 4;
    /// Bytes of a group that are asked for at a time: two seconds at 256 kbit/s.
    const PIECE: usize = 64 << 10;
    /// How often, and how long apart, a busy peer is asked again.
    const RETRIES: u32 = 5;
    const RETRY: Duration = Duration::from_millis(200);

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

    /// Fetches an object of at most `most` from a peer, in parts. Whether it is the object is not checked: compare
    /// the digest.
    ///
    /// # Errors
    /// [`FetchError`]; after any of them the peer may be asked again.
    pub async fn fetch(&self, from: NodeId, object: Object, most: ByteLen) -> Result<Vec<u8>, FetchError> {
        let mut bytes = Vec::new();
        let mut total = None;
        loop {
            let offset = ByteLen::from(bytes.len());
            let request = Request::Read {
                object,
                offset,
                most: Part::MAX,
            };
            let part = match self.request(from, request).await? {
                Response::Part(part) => part,
                Response::NotFound => return Err(FetchError::NotFound),
                _ => return Err(FetchError::BadAnswer),
            };
            let total = *total.get_or_insert(part.total);
            if total > most {
                return Err(FetchError::TooLarge { total, most });
            }
            let left = total.checked_sub(offset).expect("parts never exceed the total");
            if part.total != total || ByteLen::from(part.bytes.len()) != left.min(Part::MAX) {
                return Err(FetchError::BadAnswer);
            }
            bytes.extend_from_slice(&part.bytes);
            if ByteLen::from(bytes.len()) == total {
                return Ok(bytes);
            }
        }
    }

    /// Fetches a part of an object from a peer: the bytes from `offset` on, `most` of them or as many as there are. With them comes
    /// how long the peer says the object is. Whether it is the object is not checked.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::BadAnswer`] if it is another number of bytes.
    pub async fn part(
        &self,
        from: NodeId,
        object: Object,
        offset: ByteLen,
        most: ByteLen,
    ) -> Result<(ByteLen, Vec<u8>), FetchError> {
        let request = Request::Read { object, offset, most };
        let part = match self.request(from, request).await? {
            Response::Part(part) => part,
            Response::NotFound => return Err(FetchError::NotFound),
            _ => return Err(FetchError::BadAnswer),
        };
        let left = part.total.checked_sub(offset).ok_or(FetchError::BadAnswer)?;
        if ByteLen::from(part.bytes.len()) == left.min(most) {
            Ok((part.total, part.bytes))
        } else {
            Err(FetchError::BadAnswer)
        }
    }

    /// Fetches an object of at most `most` from several peers at once, each group of it checked as it comes. It goes on with
    /// what is kept of an earlier try, and hands over each group that is new, to be kept. What its name does not cover is
    /// right if `is_whole` says so.
    ///
    /// # Errors
    /// [`FetchError::NotFound`] if no peer gives it.
    pub async fn gather(
        &self,
        download: &mut Download,
        mut keep: impl FnMut(&Outline, usize, &[u8]),
        is_whole: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<u8>, FetchError> {
        let object = download.object();
        let mut asked = FuturesUnordered::new();
        loop {
            if let Some(bytes) = download.finished() {
                if is_whole(&bytes) {
                    return Ok(bytes);
                }
                download.refuse_end();
            }
            for ask in download.asks() {
                asked.push(async move {
                    let answer = self.answer(object, &ask).await;
                    (ask, answer)
                });
            }
            for (peer, why) in download.dropped() {
                tracing::debug!(%peer, ?object, %why, "asked no more");
            }
            let Some((ask, answer)) = asked.next().await else {
                return Err(FetchError::NotFound);
            };
            match (&ask, answer) {
                (Ask::Outline { from }, Ok(Response::Outline(outline))) => download.outline(*from, outline),
                (Ask::Group { from, index, range }, Ok(Response::Part(part)))
                    if part.bytes.len() == range.len() =>
                {
                    if let Some((outline, bytes)) = download.group(*from, *index, part.bytes) {
                        keep(outline, *index, bytes);
                    }
                }
                (_, answer) => {
                    if let Err(FetchError::Stopped) = answer {
                        return Err(FetchError::Stopped);
                    }
                    download.failed(&ask);
                }
            }
        }
    }

    async fn answer(&self, object: Object, ask: &Ask) -> Result<Response, FetchError> {
        match ask {
            Ask::Outline { from } => self.request(*from, Request::Outline { object }).await,
            Ask::Group { from, range, .. } => self.group(object, *from, range.clone()).await,
        }
    }

    /// A group, in pieces that come in time by a slow line.
    async fn group(&self, object: Object, from: NodeId, range: Range<usize>) -> Result<Response, FetchError> {
        let mut whole: Option<Part> = None;
        loop {
            let have = whole.as_ref().map_or(0, |part| part.bytes.len());
            let left = range.len() - have;
            if let Some(part) = whole.take_if(|_| left == 0) {
                return Ok(Response::Part(part));
            }
            let request = Request::Read {
                object,
                offset: ByteLen::from(range.start + have),
                // A group without bytes is asked for by one more than there are.
                most: ByteLen::from(left.clamp(1, Self::PIECE)),
            };
            match self.request(from, request).await? {
                Response::Part(part) if range.is_empty() => return Ok(Response::Part(part)),
                // Pieces that are none would be asked for without end.
                Response::Part(part) if part.bytes.is_empty() || part.bytes.len() > left => {
                    return Err(FetchError::BadAnswer);
                }
                Response::Part(part) => {
                    let whole = whole.get_or_insert(Part {
                        total: part.total,
                        bytes: Vec::new(),
                    });
                    if whole.total != part.total {
                        return Err(FetchError::BadAnswer);
                    }
                    whole.bytes.extend(part.bytes);
                }
                answer => return Ok(answer),
            }
        }
    }

    /// Asks a peer for the messages it accepted after a position of its log, but for those of other shards than these.
    /// What comes must pass [`Mesh::check`] before anything acts on it.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn messages_after(
        &self,
        from: NodeId,
        cursor: Cursor,
        shards: Shards,
    ) -> Result<Page, FetchError> {
        match self.request(from, Request::After { cursor, shards }).await? {
            Response::Page(page) if page.is_sound(cursor, Page::MAX_MESSAGES) => Ok(page),
            Response::NotFound => Err(FetchError::NotFound),
            _ => Err(FetchError::BadAnswer),
        }
    }

    /// Asks a peer to help find out which messages only one of the two has.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn reconcile(
        &self,
        from: NodeId,
        ask: reconcile::Ask,
    ) -> Result<reconcile::Answer, FetchError> {
        match self.request(from, Request::Reconcile { ask }).await? {
            Response::Reconciled(answer) => Ok(answer),
            Response::NotFound => Err(FetchError::NotFound),
            _ => Err(FetchError::BadAnswer),
        }
    }

    /// Asks a relay about a head that it has signed. Whether the answer shows what was asked for is not checked: see
    /// [`nonos_types::Inclusion::root`] and [`nonos_types::Consistency::holds`].
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::BadAnswer`] also if it answers another question.
    pub async fn journal(&self, from: NodeId, ask: journal::Ask) -> Result<journal::Answer, FetchError> {
        use journal::{Answer, Ask};
        let asked = self.request(from, Request::Journal { ask });
        let answer = tokio::time::timeout(self.journal_timeout, asked).await;
        match (ask, answer.map_err(|_| FetchError::Timeout)??) {
            (_, Response::Journal(Answer::Absent)) => Ok(Answer::Absent),
            (Ask::Include { .. }, Response::Journal(it @ Answer::Included(_)))
            | (Ask::Extend { .. }, Response::Journal(it @ Answer::Extended(_))) => Ok(it),
            _ => Err(FetchError::BadAnswer),
        }
    }

    /// Asks a peer for entries of its books, or for one of another's that it has seen. Nothing of them is checked but their lengths.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn feed(&self, from: NodeId, ask: feed::Ask) -> Result<feed::Answer, FetchError> {
        match self.request(from, Request::Feed { ask }).await? {
            Response::Feed(answer) => Ok(answer),
            _ => Err(FetchError::BadAnswer),
        }
    }

    /// Asks a peer to prove a segment, or, if it was asked before, what has become of that. Whether the proof is one is for
    /// who fetches it.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::BadAnswer`] also if the result is another's, or of another task.
    pub async fn segment(
        &self,
        from: NodeId,
        task: &Signed<SegmentTask>,
    ) -> Result<segment::Answer, FetchError> {
        let request = Request::Segment {
            task: task.to_bytes(),
        };
        let Response::Segment(answer) = self.request(from, request).await? else {
            return Err(FetchError::BadAnswer);
        };
        match segment::Answer::from_bytes(&answer).map_err(|_| FetchError::BadAnswer)? {
            segment::Answer::Proved(it) if it.signer() != from || it.task != task.task() => {
                Err(FetchError::BadAnswer)
            }
            answer => Ok(answer),
        }
    }

    /// Asks a peer to sign as a witness what this node has signed: an envelope of at most 512 bytes. Its own signature, of at most
    /// 320 bytes, is not verified, but names the peer.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::NotFound`] if it does not, [`FetchError::BadAnswer`] also if another signed.
    pub async fn witness(&self, from: NodeId, asked: &Envelope) -> Result<Envelope, FetchError> {
        let asked = asked.clone();
        match self.request(from, Request::Witness { asked }).await? {
            Response::Witness(signed) if signed.signer() == from => Ok(signed),
            Response::NotFound => Err(FetchError::NotFound),
            _ => Err(FetchError::BadAnswer),
        }
    }

    /// Asks a peer for messages by their names, at most [`Page::MAX_MESSAGES`] of them; it gives those that it has and that
    /// fit an answer. What comes must pass [`Mesh::check`] before anything acts on it.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn messages(&self, from: NodeId, ids: Vec<MessageId>) -> Result<Vec<Vec<u8>>, FetchError> {
        let most = ids.len();
        match self.request(from, Request::Messages { ids }).await? {
            Response::Messages(messages) if messages.len() <= most => Ok(messages),
            _ => Err(FetchError::BadAnswer),
        }
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

    async fn request(&self, from: NodeId, request: Request) -> Result<Response, FetchError> {
        let peer = address::peer_id(&from).ok_or(FetchError::NotConnected)?;
        let permits = self.permits(from);
        let _permit = permits.acquire().await.expect("never closed");
        for attempt in 1..=Self::RETRIES {
            let request = request.clone();
            let asked = self.ask(|done| Command::Request { peer, request, done });
            let answer = tokio::time::timeout(self.part_timeout, asked).await;
            let answer = answer.map_err(|_| FetchError::Timeout)?;
            match answer.ok_or(FetchError::Stopped)?? {
                Response::Busy => tokio::time::sleep(Self::RETRY * attempt).await,
                answer => return Ok(answer),
            }
        }
        Err(FetchError::Busy)
    }

    /// The permits of a peer; those of peers that nobody asks are forgotten.
    fn permits(&self, of: NodeId) -> Arc<Semaphore> {
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        fetching.retain(|_, permits| Arc::strong_count(permits) > 1);
        let permits = fetching
            .entry(of)
            .or_insert_with(|| Arc::new(Semaphore::new(Self::REQUESTS)));
        Arc::clone(permits)
    }

    /// `None` if the mesh was shut down.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (done, answer) = oneshot::channel();
        self.commands.send(command(done)).await.ok()?;
        answer.await.ok()
    }
}
