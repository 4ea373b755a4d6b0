//! The task that owns the swarm. It decodes nothing, verifies nothing, reads no disk and never waits for the node.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures::StreamExt as _;
use libp2p::{
    Multiaddr, PeerId, Swarm,
    core::ConnectedPoint,
    gossipsub, identify, request_response,
    swarm::{ConnectionId, DialError, SwarmEvent},
};
use nonos_types::{NetworkId, NodeId, Shards};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior},
};

use super::{
    Config, Error, Event, FetchError, PeerInfo, Ticket, Weight,
    address::node_id,
    behaviour::{self, Behaviour, BehaviourEvent},
    gate::{Gate, Inbound},
    hello::Hello,
    onion::{Feed, Task, link::Received},
    peers::{Peer, Peers},
    serve::{Answer, Server},
    statics::{self, Statics},
};
use crate::{
    Objects,
    core::{Acceptance, Promise, Recent, Refusal, Topic, Way, onion::Frame},
    wire::{Request, Response},
};

const TICK: Duration = Duration::from_millis(250);
/// How long after a peer was cut for its silence it is dialled again.
const AGAIN: Duration = Duration::from_secs(1);
const WEIGHTS: usize = 4096;

/// What the swarm's task is told to do.
pub(super) enum Command {
    Publish {
        topic: Topic,
        bytes: Vec<u8>,
        done: oneshot::Sender<Result<(), Error>>,
    },
    /// What this node says of itself from now on.
    Describe {
        own: Vec<u8>,
    },
    Listen {
        shards: Shards,
    },
    Report {
        ticket: Ticket,
        acceptance: Acceptance,
    },
    Request {
        peer: PeerId,
        request: Request,
        done: oneshot::Sender<Result<Response, FetchError>>,
    },
    Peers {
        done: oneshot::Sender<Vec<PeerInfo>>,
    },
    Dial {
        peer: Option<PeerId>,
        address: Multiaddr,
        done: oneshot::Sender<Result<(), Error>>,
    },
    Keep {
        address: Multiaddr,
    },
    Block {
        peer: PeerId,
        blocked: bool,
        done: oneshot::Sender<()>,
    },
    LetGo {
        peer: PeerId,
    },
    Weigh {
        peer: PeerId,
        weight: Weight,
    },
    Frame {
        peer: PeerId,
        frame: Frame,
    },
    Shutdown {
        done: oneshot::Sender<()>,
    },
}

/// Runs a swarm until it is shut down or nobody can command it any more.
pub(super) fn spawn(
    swarm: Swarm<Behaviour>,
    config: Config,
    gate: Arc<Gate>,
    objects: Arc<dyn Objects>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    onion: Option<(Task, Feed)>,
) {
    let (refused, refusals) = mpsc::channel(256);
    let admitting = tokio::spawn({
        let (gate, events) = (Arc::clone(&gate), events.clone());
        async move { gate.admit_all(events, refused).await }
    });
    let (server, answers) = Server::new(objects, &config.limits, Arc::clone(&gate), events.clone());
    let (task, feed) = onion.unzip();
    let hiding = task.map(|task| tokio::spawn(task.run()));
    let driver = Driver::new(swarm, config, gate, server, feed, events.clone());
    tokio::spawn(async move {
        let done = driver.run(commands, refusals, answers, events).await;
        admitting.abort();
        hiding.inspect(tokio::task::JoinHandle::abort);
        // Connections and listeners are closed by now; a caller that no longer waits need not know.
        done.map(|done| done.send(()));
    });
}

/// Whom, and where the answer goes.
type Asked = (PeerId, oneshot::Sender<Result<Response, FetchError>>);

struct Driver {
    swarm: Swarm<Behaviour>,
    gate: Arc<Gate>,
    server: Server,
    network: NetworkId,
    hello_timeout: Duration,
    inbound: u32,
    topics: BTreeMap<gossipsub::TopicHash, Topic>,
    /// Shards that it listens to always, and topics that it listens to now.
    shards: Shards,
    listening: BTreeSet<Topic>,
    peers: Peers,
    statics: Statics,
    /// Peers to dial once more, because they were cut for their silence.
    again: BTreeMap<PeerId, (Instant, Multiaddr)>,
    weights: Recent<PeerId, Weight>,
    asked: BTreeMap<request_response::OutboundRequestId, Asked>,
    hello: Hello,
    /// Whom it has said hello to, until they answer.
    greeted: BTreeMap<request_response::OutboundRequestId, NodeId>,
    pending: Pending,
    feed: Option<Feed>,
}

impl Driver {
    fn new(
        swarm: Swarm<Behaviour>,
        config: Config,
        gate: Arc<Gate>,
        server: Server,
        feed: Option<Feed>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let own = *swarm.local_peer_id();
        let node = node_id(&own).expect("this node's key is an ed25519 key");
        let network = config.network;
        Self {
            swarm,
            hello: Hello::new(node, Arc::clone(&gate), events),
            greeted: BTreeMap::new(),
            gate,
            server,
            network,
            hello_timeout: config.limits.hello_timeout,
            inbound: config.limits.inbound,
            topics: Topic::all()
                .map(|topic| (behaviour::hash(topic, network), topic))
                .collect(),
            shards: config.shards,
            listening: Topic::of_shards(config.shards).collect(),
            peers: Peers::new(own),
            statics: Statics::new(config.peers, node.as_bytes(), Instant::now()),
            again: BTreeMap::new(),
            weights: Recent::new(WEIGHTS),
            asked: BTreeMap::new(),
            pending: Pending::default(),
            feed,
        }
    }

    async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut refusals: mpsc::Receiver<(Ticket, Refusal)>,
        mut answers: mpsc::Receiver<Answer>,
        events: mpsc::Sender<Event>,
    ) -> Option<oneshot::Sender<()>> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_swarm(event),
                command = commands.recv() => match command {
                    Some(Command::Shutdown { done }) => return Some(done),
                    Some(command) => self.on_command(command),
                    None => return None,
                },
                Some((ticket, refusal)) = refusals.recv() => self.report(&ticket, refusal.acceptance()),
                Some(answer) = answers.recv() => self.on_answer(answer),
                room = events.reserve(), if !self.pending.0.is_empty() => match room {
                    Ok(room) => room.send(self.pending.0.pop_front().expect("not empty")),
                    // Nobody listens.
                    Err(_) => self.pending.0.clear(),
                },
                _ = tick.tick() => self.on_tick(),
            }
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Publish { topic, bytes, done } => {
                let _ = done.send(self.publish(topic, bytes));
            }
            Command::Describe { own } => {
                self.hello.describe(own);
                for peer in self.peers.met() {
                    self.greet(&peer);
                }
            }
            Command::Listen { shards } => self.listen(shards),
            Command::Report { ticket, acceptance } => self.report(&ticket, acceptance),
            Command::Request { peer, request, done } => self.request(&peer, request, done),
            Command::Peers { done } => {
                let list = self.peers.list(|peer| self.statics.contains(peer));
                let _ = done.send(list);
            }
            Command::Dial { peer, address, done } => {
                let _ = done.send(self.dial(peer, address));
            }
            Command::Keep { address } => self.statics.add(address, Instant::now()),
            Command::Block { peer, blocked, done } => {
                self.set_blocked(peer, blocked);
                let _ = done.send(());
            }
            Command::LetGo { peer } => {
                let busy = self.asked.values().any(|(of, _)| *of == peer);
                if !busy && !self.statics.contains(&peer) {
                    // It may have gone by itself.
                    let _ = self.swarm.disconnect_peer_id(peer);
                }
            }
            Command::Weigh { peer, weight } => {
                *self.weights.entry(peer, || weight) = weight;
                self.score(&peer);
            }
            Command::Frame { peer, frame } => {
                if let Some(links) = self.swarm.behaviour_mut().onion.as_mut() {
                    links.send(peer, frame);
                }
            }
            Command::Shutdown { .. } => unreachable!("ends the loop"),
        }
    }

    fn publish(&mut self, topic: Topic, bytes: Vec<u8>) -> Result<(), Error> {
        let hash = behaviour::hash(topic, self.network);
        match self.swarm.behaviour_mut().gossip.publish(hash, bytes) {
            Ok(_) => Ok(()),
            Err(gossipsub::PublishError::Duplicate | gossipsub::PublishError::NoPeersSubscribedToTopic) => {
                Ok(())
            }
            Err(error) => {
                tracing::debug!(%error, "not published");
                Err(Error::Congested)
            }
        }
    }

    fn listen(&mut self, shards: Shards) {
        let wanted: BTreeSet<Topic> = Topic::of_shards(self.shards | shards).collect();
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        let named = |topic: &Topic| gossipsub::IdentTopic::new(topic.name(self.network));
        for topic in self.listening.difference(&wanted) {
            gossip.unsubscribe(&named(topic));
        }
        for topic in wanted.difference(&self.listening) {
            if let Err(error) = gossip.subscribe(&named(topic)) {
                tracing::error!(%error, ?topic, "not listened to");
            }
        }
        self.listening = wanted;
    }

    fn report(&mut self, ticket: &Ticket, acceptance: Acceptance) {
        let acceptance = match acceptance {
            Acceptance::Accept => gossipsub::MessageAcceptance::Accept,
            Acceptance::Reject => gossipsub::MessageAcceptance::Reject,
            Acceptance::Ignore => gossipsub::MessageAcceptance::Ignore,
        };
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        if !gossip.report_message_validation_result(&ticket.id, &ticket.peer, acceptance) {
            tracing::debug!(message = %ticket.id, "reported too late");
        }
    }

    fn request(
        &mut self,
        peer: &PeerId,
        request: Request,
        done: oneshot::Sender<Result<Response, FetchError>>,
    ) {
        if !self.swarm.is_connected(peer) {
            let _ = done.send(Err(FetchError::NotConnected));
            return;
        }
        let id = self.swarm.behaviour_mut().objects.send_request(peer, request);
        self.asked.insert(id, (*peer, done));
    }

    fn dial(&mut self, peer: Option<PeerId>, address: Multiaddr) -> Result<(), Error> {
        match self.swarm.dial(statics::dial(peer, address)) {
            Ok(()) | Err(DialError::DialPeerConditionFalse(_)) => Ok(()),
            Err(error) => {
                tracing::debug!(%error, "not dialled");
                Err(Error::DialRefused)
            }
        }
    }

    fn set_blocked(&mut self, peer: PeerId, blocked: bool) {
        let behaviour = self.swarm.behaviour_mut();
        if blocked {
            behaviour.blocked.block_peer(peer);
            behaviour.gossip.blacklist_peer(&peer);
        } else {
            behaviour.blocked.unblock_peer(peer);
            behaviour.gossip.remove_blacklisted_peer(&peer);
        }
    }

    fn score(&mut self, peer: &PeerId) {
        if let Some(weight) = self.weights.get(peer) {
            let points = f64::from(weight.get());
            self.swarm
                .behaviour_mut()
                .gossip
                .set_application_score(peer, points);
        }
    }

    fn on_answer(&mut self, answer: Answer) {
        let Answer {
            id,
            channel,
            response,
        } = answer;
        let objects = &mut self.swarm.behaviour_mut().objects;
        if objects.send_response(channel, response).is_err() {
            self.server.failed(&id);
        }
    }

    fn on_tick(&mut self) {
        let now = Instant::now();
        for connection in self.peers.superfluous(now) {
            self.swarm.close_connection(connection);
        }
        for (peer, dialled) in self.peers.silent(self.hello_timeout, now) {
            tracing::debug!(%peer, "cut, having said nothing");
            if let Some(address) = dialled.filter(|_| !self.statics.contains(&peer)) {
                self.again.insert(peer, (now + AGAIN, address));
            }
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let mut dials = self.statics.due(now, |peer| self.swarm.is_connected(peer));
        self.again.retain(|peer, (at, address)| {
            let wait = *at > now;
            if !wait {
                dials.push(statics::dial(Some(*peer), address.clone()));
            }
            wait
        });
        for dial in dials {
            let id = dial.connection_id();
            if let Err(error) = self.swarm.dial(dial) {
                self.statics.failed(id, &error, now);
            }
        }
    }

    fn on_swarm(&mut self, event: SwarmEvent<BehaviourEvent>) {
        let now = Instant::now();
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(event)) => self.on_gossip(event),
            SwarmEvent::Behaviour(BehaviourEvent::Objects(event)) => self.on_objects(event),
            SwarmEvent::Behaviour(BehaviourEvent::Onion(Received { peer, frame })) => {
                // Of who has not yet said its network nothing is taken.
                let from = self.peers.get(&peer).filter(|it| it.ready).map(|it| it.node);
                if let (Some(from), Some(feed)) = (from, &self.feed) {
                    feed.frame(from, frame);
                }
            }
            SwarmEvent::Behaviour(BehaviourEvent::Identify(event)) => self.on_identify(event),
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => self.on_connection(peer_id, connection_id, &endpoint, now),
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                cause,
                ..
            } => {
                if let Some(cause) = cause {
                    tracing::debug!(peer = %peer_id, %cause, "a connection failed");
                }
                if let Some(peer) = self.peers.closed(&peer_id, connection_id) {
                    self.statics.lost(peer_id, now);
                    if peer.ready {
                        self.gate.connected(peer.node, None);
                        if let Some(feed) = &self.feed {
                            feed.connected(peer.node, false);
                        }
                        self.pending.disconnected(peer.node);
                    }
                }
            }
            SwarmEvent::OutgoingConnectionError {
                connection_id, error, ..
            } => {
                tracing::debug!(%error, "dialling failed");
                self.statics.failed(connection_id, &error, now);
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                self.listening();
                self.pending.0.push_back(Event::Listening(address));
            }
            SwarmEvent::ExpiredListenAddr { .. } => self.listening(),
            SwarmEvent::ListenerClosed { reason, .. } => {
                if let Err(error) = reason {
                    tracing::error!(%error, "no longer listening");
                }
                self.listening();
            }
            _ => {}
        }
    }

    fn listening(&self) {
        self.gate.set_addresses(self.swarm.listeners().cloned().collect());
    }

    fn on_connection(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint, now: Instant) {
        self.statics.dialled(id, peer);
        if let Some(node) = node_id(&peer) {
            self.peers.connected(peer, node, id, endpoint, now);
            let weight = |peer: &PeerId| match self.weights.get(peer) {
                _ if self.statics.contains(peer) => i32::MAX,
                weight => weight.copied().unwrap_or_default().get(),
            };
            if let Some(one) = self.peers.one_too_many(self.inbound, weight) {
                tracing::debug!("one gives way, too many having dialled this node");
                self.swarm.close_connection(one);
            }
        } else {
            self.gate.counters().count_foreign_peer();
            self.swarm.close_connection(id);
        }
    }

    fn on_identify(&mut self, event: identify::Event) {
        let identify::Event::Received { peer_id, info, .. } = event else {
            // Who does not say its network in time is cut for that.
            return;
        };
        if info.protocol_version != behaviour::protocol_version(self.network) {
            self.gate.counters().count_foreign_peer();
            tracing::debug!(peer = %peer_id, "cut, being of another network");
            let _ = self.swarm.disconnect_peer_id(peer_id);
            return;
        }
        let promise = Promise::of_text(&info.agent_version);
        let ready = self.peers.identified(&peer_id, promise);
        if self
            .peers
            .get(&peer_id)
            .is_some_and(|it| it.way() == Way::Outbound)
        {
            self.greet(&peer_id);
        }
        self.on_ready(peer_id, ready);
    }

    fn greet(&mut self, peer: &PeerId) {
        let node = self.peers.get(peer).map(|it| it.node);
        if let (Some(node), Some(hello)) = (node, self.hello.to_say()) {
            let id = self.swarm.behaviour_mut().objects.send_request(peer, hello);
            self.greeted.insert(id, node);
        }
    }

    /// It is of this network and listens to what it has promised to: what is published from now on reaches it.
    fn on_ready(&mut self, peer: PeerId, node: Option<NodeId>) {
        if let Some((node, shards)) = self.peers.news(&peer) {
            self.pending.shards(node, shards);
        }
        if let Some(node) = node {
            if let Some(feed) = &self.feed {
                feed.connected(node, true);
            }
            self.gate.connected(node, self.peers.get(&peer).map(Peer::way));
            self.pending.connected(node);
            self.statics.succeeded(peer);
            self.score(&peer);
        }
    }

    fn on_gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            } => self.on_message(propagation_source, message_id, message),
            gossipsub::Event::Subscribed { peer_id, topic } => {
                if let Some(topic) = self.topics.get(&topic) {
                    let ready = self.peers.subscribed(&peer_id, *topic);
                    self.on_ready(peer_id, ready);
                }
            }
            gossipsub::Event::Unsubscribed { peer_id, topic } => {
                if let Some(topic) = self.topics.get(&topic) {
                    self.peers.unsubscribed(&peer_id, *topic);
                    self.on_ready(peer_id, None);
                }
            }
            // Who takes no gossip is no node; it is cut for its silence.
            gossipsub::Event::GossipsubNotSupported { .. } | gossipsub::Event::SlowPeer { .. } => {}
        }
    }

    fn on_message(&mut self, peer: PeerId, id: gossipsub::MessageId, message: gossipsub::Message) {
        let Some(&topic) = self.topics.get(&message.topic) else {
            tracing::error!(topic = %message.topic, "nobody listens to this topic");
            return;
        };
        let ticket = Ticket { id, peer, topic };
        let from = self.peers.get_mut(&peer);
        // What came before it was no longer listened to is nobody's fault.
        let (Some(from), true) = (from, self.listening.contains(&topic)) else {
            self.report(&ticket, Acceptance::Ignore);
            return;
        };
        from.messages += 1;
        from.bytes += message.data.len() as u64;
        let inbound = Inbound {
            topic,
            bytes: message.data,
            ticket,
        };
        if let Err(refused) = self.gate.take(from.node, inbound) {
            let (ticket, refusal) = *refused;
            self.report(&ticket, refusal.acceptance());
        }
    }

    fn on_objects(&mut self, event: request_response::Event<Request, Response>) {
        use request_response::{Event, Message};
        match event {
            Event::Message { peer, message, .. } => match message {
                Message::Request {
                    request_id,
                    request,
                    channel,
                } => {
                    let node = self.peers.get(&peer).map(|it| it.node);
                    let busy = match node {
                        Some(node) => self.server.serve(node, request_id, request, channel),
                        None => Some(channel),
                    };
                    if let Some(channel) = busy {
                        self.gate.counters().count_busy();
                        let objects = &mut self.swarm.behaviour_mut().objects;
                        // The peer may be gone.
                        let _ = objects.send_response(channel, Response::Busy);
                    }
                }
                Message::Response { request_id, response } => self.answered(&request_id, Ok(response)),
            },
            Event::OutboundFailure {
                request_id, error, ..
            } => self.answered(&request_id, Err(failure(error))),
            Event::InboundFailure { request_id, .. } => self.server.failed(&request_id),
            Event::ResponseSent { request_id, .. } => self.server.sent(&request_id),
        }
    }

    fn answered(&mut self, id: &request_response::OutboundRequestId, answer: Result<Response, FetchError>) {
        if let Some((_, done)) = self.asked.remove(id) {
            let _ = done.send(answer);
        } else if let Some(peer) = self.greeted.remove(id) {
            match answer {
                Ok(response) => self.hello.heard(peer, response),
                // One of an older version does not know what is asked.
                Err(error) => tracing::debug!(%peer, %error, "said nothing of this node"),
            }
        }
    }
}

fn failure(error: request_response::OutboundFailure) -> FetchError {
    use std::io::ErrorKind;

    use request_response::OutboundFailure;
    match error {
        OutboundFailure::Timeout => FetchError::Timeout,
        OutboundFailure::DialFailure => FetchError::NotConnected,
        OutboundFailure::ConnectionClosed => FetchError::Broken {
            source: ErrorKind::ConnectionReset.into(),
        },
        OutboundFailure::UnsupportedProtocols => FetchError::BadAnswer,
        OutboundFailure::Io(source) => match source.kind() {
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => FetchError::BadAnswer,
            _ => FetchError::Broken { source },
        },
    }
}

/// Comings and goings that wait until there is room among the events: none is lost, and what cancels out is left
/// out, so that there are never more than three per peer.
#[derive(Default)]
struct Pending(VecDeque<Event>);

impl Pending {
    fn connected(&mut self, node: NodeId) {
        self.0.push_back(Event::Connected(node));
    }

    /// The last word counts.
    fn shards(&mut self, node: NodeId, shards: Shards) {
        let mut waiting = self.0.iter_mut();
        let waits = waiting.find_map(|event| match event {
            Event::Shards(it, shards) if *it == node => Some(shards),
            _ => None,
        });
        match waits {
            Some(it) => *it = shards,
            None => self.0.push_back(Event::Shards(node, shards)),
        }
    }

    fn disconnected(&mut self, node: NodeId) {
        self.0
            .retain(|event| !matches!(event, Event::Shards(it, _) if *it == node));
        let waits = |event: &Event| matches!(event, Event::Connected(it) if *it == node);
        if let Some(index) = self.0.iter().rposition(waits) {
            self.0.remove(index);
        } else {
            self.0.push_back(Event::Disconnected(node));
        }
    }
}
