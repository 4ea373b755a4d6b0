//! A peer driven by hand, that need not keep to any rule.

use std::io;

use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, StreamExt as _};
use libp2p::{
    Multiaddr, StreamProtocol, Swarm, SwarmBuilder, gossipsub, identify, identity::Keypair, noise,
    request_response, swarm::NetworkBehaviour, swarm::SwarmEvent, tcp, yamux,
};
use nonos_mesh::{core::Topic, node_id};
use nonos_types::NodeId;
use tokio::sync::mpsc;

use crate::{
    node::{Node, soon},
    sample::network,
};

/// What it does with a request.
pub(crate) enum Answer {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
}

pub(crate) struct Setup {
    pub(crate) keypair: Keypair,
    pub(crate) version: String,
    /// How its program calls itself.
    pub(crate) agent: String,
    pub(crate) topics: Vec<Topic>,
    /// Topics of a newer version.
    pub(crate) newer: usize,
}

impl Setup {
    /// One that says what it should.
    pub(crate) fn new(seed: u8) -> Self {
        Self {
            keypair: Keypair::ed25519_from_bytes([seed; 32]).expect("32 bytes"),
            version: format!("/nonos/{}/1", network()),
            agent: "nonos".to_owned(),
            topics: Topic::all().collect(),
            newer: 0,
        }
    }

    pub(crate) async fn dial(self, node: &Node) -> Raw {
        Raw::start(self, node.address.clone()).await
    }
}

pub(crate) struct Raw {
    pub(crate) id: NodeId,
    commands: mpsc::UnboundedSender<Command>,
    happened: mpsc::UnboundedReceiver<Happened>,
}

enum Command {
    Publish(Topic, Vec<u8>),
    Request(Vec<u8>),
    Answer(Answer),
    Onion(Vec<u8>),
}

#[derive(Debug, PartialEq)]
enum Happened {
    Connected,
    Told,
    Cut,
    Asked,
    Answered(Option<Vec<u8>>),
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    gossip: gossipsub::Behaviour,
    objects: request_response::Behaviour<Bytes>,
    onion: request_response::Behaviour<Bytes>,
}

impl Raw {
    /// One that says what it should, connected, and told what the node listens to.
    pub(crate) async fn dialling(seed: u8, node: &Node) -> Self {
        let mut raw = Setup::new(seed).dial(node).await;
        raw.told().await;
        raw
    }

    /// Waits until it knows what the node listens to: before that nothing can be published.
    pub(crate) async fn told(&mut self) {
        self.until(&Happened::Told).await;
    }

    async fn start(setup: Setup, address: Multiaddr) -> Self {
        let peer = setup.keypair.public().to_peer_id();
        let mut swarm = swarm(setup);
        swarm.dial(address).expect("it dials");
        let (commands, mailbox) = mpsc::unbounded_channel();
        let (happens, happened) = mpsc::unbounded_channel();
        tokio::spawn(run(swarm, mailbox, happens));
        let mut raw = Self {
            id: node_id(&peer).unwrap_or(NodeId::NONE),
            commands,
            happened,
        };
        raw.until(&Happened::Connected).await;
        raw
    }

    pub(crate) fn publish(&self, topic: Topic, bytes: Vec<u8>) {
        self.command(Command::Publish(topic, bytes));
    }

    /// Opens a stream for frames, and sends these bytes.
    pub(crate) fn frames(&self, bytes: Vec<u8>) {
        self.command(Command::Onion(bytes));
    }

    /// Sends bytes as a request; returns the answer, if there is one.
    pub(crate) async fn request(&mut self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        self.command(Command::Request(bytes));
        loop {
            if let Happened::Answered(answer) = self.next().await {
                return answer;
            }
        }
    }

    /// Waits for a request.
    pub(crate) async fn asked(&mut self) {
        self.until(&Happened::Asked).await;
    }

    pub(crate) async fn answer(&self, answer: Answer) {
        self.command(Command::Answer(answer));
    }

    /// Waits until the node has cut it.
    pub(crate) async fn cut(&mut self) {
        self.until(&Happened::Cut).await;
    }

    async fn until(&mut self, what: &Happened) {
        while self.next().await != *what {}
    }

    async fn next(&mut self) -> Happened {
        soon("the raw peer", self.happened.recv()).await.expect("it runs")
    }

    fn command(&self, command: Command) {
        assert!(self.commands.send(command).is_ok(), "it runs");
    }
}

async fn run(
    mut swarm: Swarm<Behaviour>,
    mut mailbox: mpsc::UnboundedReceiver<Command>,
    happens: mpsc::UnboundedSender<Happened>,
) {
    let mut asked = std::collections::VecDeque::new();
    let mut topics = 0;
    loop {
        let happened = tokio::select! {
            command = mailbox.recv() => {
                match command {
                    None => return,
                    Some(Command::Publish(topic, bytes)) => {
                        let topic = gossipsub::IdentTopic::new(topic.name(network()));
                        swarm.behaviour_mut().gossip.publish(topic, bytes).expect("somebody listens");
                    }
                    Some(Command::Request(bytes)) => {
                        let peer = *swarm.connected_peers().next().expect("connected");
                        swarm.behaviour_mut().objects.send_request(&peer, bytes);
                    }
                    Some(Command::Onion(bytes)) => {
                        let peer = *swarm.connected_peers().next().expect("connected");
                        swarm.behaviour_mut().onion.send_request(&peer, bytes);
                    }
                    Some(Command::Answer(Answer::Bytes(bytes))) => {
                        let channel = asked.pop_front().expect("asked");
                        swarm.behaviour_mut().objects.send_response(channel, bytes).expect("open");
                    }
                }
                continue;
            }
            event = swarm.select_next_some() => match event {
                SwarmEvent::ConnectionEstablished { .. } => Happened::Connected,
                SwarmEvent::ConnectionClosed { num_established: 0, .. } => Happened::Cut,
                SwarmEvent::Behaviour(BehaviourEvent::Gossip(gossipsub::Event::Subscribed { .. })) => {
                    topics += 1;
                    if topics < Topic::COUNT {
                        continue;
                    }
                    Happened::Told
                }
                SwarmEvent::Behaviour(BehaviourEvent::Objects(event)) => match event {
                    request_response::Event::Message { message, .. } => match message {
                        request_response::Message::Request { channel, .. } => {
                            asked.push_back(channel);
                            Happened::Asked
                        }
                        request_response::Message::Response { response, .. } => {
                            Happened::Answered(Some(response))
                        }
                    },
                    request_response::Event::OutboundFailure { .. } => Happened::Answered(None),
                    _ => continue,
                },
                _ => continue,
            },
        };
        // The test may have ended.
        let _ = happens.send(happened);
    }
}

fn swarm(setup: Setup) -> Swarm<Behaviour> {
    let network = network();
    let gossip = gossipsub::ConfigBuilder::default()
        .protocol_id(format!("/nonos/{network:.8}/gossip/1"), gossipsub::Version::V1_1)
        .validation_mode(gossipsub::ValidationMode::Anonymous)
        .max_transmit_size(1 << 20)
        .message_id_fn(|message| gossipsub::MessageId::new(&message.data))
        .build()
        .expect("a configuration");
    let mut gossip: gossipsub::Behaviour =
        gossipsub::Behaviour::new(gossipsub::MessageAuthenticity::Anonymous, gossip).expect("a behaviour");
    for topic in setup.topics {
        let topic = gossipsub::IdentTopic::new(topic.name(network));
        gossip.subscribe(&topic).expect("no filter");
    }
    for number in 0..setup.newer {
        let topic = gossipsub::IdentTopic::new(format!("/nonos/{network:.8}/1/newer/{number}"));
        gossip.subscribe(&topic).expect("no filter");
    }
    let by_hand = |name: &str| {
        let protocol = StreamProtocol::try_from_owned(format!("/nonos/{network:.8}/{name}/1"));
        let protocol = protocol.expect("starts with a slash");
        let config = request_response::Config::default();
        request_response::Behaviour::with_codec(
            Bytes,
            [(protocol, request_response::ProtocolSupport::Full)],
            config.with_request_timeout(std::time::Duration::from_secs(100)),
        )
    };
    let (objects, onion) = (by_hand("objects"), by_hand("onion"));
    let (version, agent) = (setup.version, setup.agent);
    SwarmBuilder::with_existing_identity(setup.keypair)
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .expect("a transport")
        .with_behaviour(|keypair| Behaviour {
            identify: identify::Behaviour::new(
                identify::Config::new(version, keypair.public()).with_agent_version(agent),
            ),
            gossip,
            objects,
            onion,
        })
        .expect("a behaviour")
        .with_swarm_config(|config| config.with_idle_connection_timeout(std::time::Duration::from_secs(1000)))
        .build()
}

/// Requests are read as they are framed; what is written is written as it is.
#[derive(Clone)]
struct Bytes;

impl request_response::Codec for Bytes {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut len = [0; 4];
        io.read_exact(&mut len).await?;
        let mut bytes = vec![0; usize::try_from(u32::from_be_bytes(len)).expect("64 bits")];
        io.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut bytes = Vec::new();
        io.read_to_end(&mut bytes).await?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await?;
        io.flush().await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await?;
        io.flush().await
    }
}
