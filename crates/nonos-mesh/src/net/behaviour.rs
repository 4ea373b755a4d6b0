use std::{collections::HashSet, sync::Arc, time::Duration};

use ed25519_dalek::SigningKey;
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, Transport, allow_block_list, connection_limits,
    core::{muxing::StreamMuxerBox, upgrade::Version},
    gossipsub, identify,
    identity::Keypair,
    noise, quic, request_response,
    swarm::{NetworkBehaviour, behaviour::toggle::Toggle},
    tcp, yamux,
};
use nonos_types::{Hasher, Kind, NetworkId, Shards, Tag};

use super::{
    Error, Limits, address,
    codec::Codec,
    counted::{Counted, Meter},
    heard::Heard,
    onion::link::Links,
    pulse::Pulse,
};
use crate::core::{Promise, Topic};

type Filter = gossipsub::MaxCountSubscriptionFilter<gossipsub::WhitelistSubscriptionFilter>;
pub(super) type Gossip = gossipsub::Behaviour<gossipsub::IdentityTransform, Filter>;

/// What a swarm does.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    pub(super) blocked: allow_block_list::Behaviour<allow_block_list::BlockedPeers>,
    limits: connection_limits::Behaviour,
    identify: identify::Behaviour,
    pulse: Pulse,
    pub(super) gossip: Gossip,
    pub(super) objects: request_response::Behaviour<Codec>,
    pub(super) onion: Toggle<Links>,
}

/// Names the content of a gossiped message.
enum Gossiped {}

impl Tag for Gossiped {
    const DOMAIN: &'static str = "nonos/v1/gossip";
}

const HEARTBEAT: Duration = Duration::from_secs(1);
/// So often is a byte sent within the time after which a silent peer is given up.
const BEATS: u32 = 5;
/// So many times as long as it may be silent may a peer take nothing.
const PATIENCE: u32 = 4;
/// Connections are closed by rules of this crate, not for being idle.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What identify must say: the whole name of the network.
pub(super) fn protocol_version(network: NetworkId) -> String {
    format!("/nonos/{network}/1")
}

pub(super) fn gossip_protocol(network: NetworkId) -> String {
    format!("/nonos/{network:.8}/gossip/1")
}

pub(super) fn objects_protocol(network: NetworkId) -> String {
    format!("/nonos/{network:.8}/objects/1")
}

pub(super) fn pulse_protocol(network: NetworkId) -> String {
    format!("/nonos/{network:.8}/pulse/1")
}

pub(super) fn onion_protocol(network: NetworkId) -> String {
    format!("/nonos/{network:.8}/onion/1")
}

/// A swarm that listens on nothing yet and knows nobody.
pub(super) fn swarm(
    network: NetworkId,
    key: &SigningKey,
    limits: &Limits,
    listen: &[Multiaddr],
    onion: bool,
    shards: Shards,
    meter: &Arc<Meter>,
) -> Result<Swarm<Behaviour>, Error> {
    let mut seed = key.to_bytes();
    let keypair = Keypair::ed25519_from_bytes(&mut seed).map_err(transport)?;
    let public = listen.iter().any(address::is_public);
    let gossip = gossip(network, public, shards).map_err(transport)?;
    let behaviour = |keypair: &Keypair| Behaviour {
        blocked: allow_block_list::Behaviour::default(),
        limits: connection_limits::Behaviour::new(connection_limits(limits)),
        identify: identify(network, keypair, shards),
        pulse: pulse(network, limits.silence / BEATS),
        gossip,
        objects: objects(network, limits),
        onion: onion.then(|| links(network)).into(),
    };
    let connections = connections(&keypair, limits.silence, Arc::clone(meter))?;
    let swarm = SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_other_transport(|_| connections)
        .map_err(transport)?
        .with_behaviour(behaviour)
        .map_err(transport)?
        .with_swarm_config(|config| {
            config
                .with_idle_connection_timeout(NEVER)
                .with_max_negotiating_inbound_streams(32)
        })
        .build();
    Ok(swarm)
}

/// TCP and QUIC, counted.
fn connections(
    keypair: &Keypair,
    silence: Duration,
    meter: Arc<Meter>,
) -> Result<
    impl Transport<
        Output = (PeerId, Counted<StreamMuxerBox>),
        Error: Send + Sync + 'static,
        Dial: Send,
        ListenerUpgrade: Send,
    > + Send
    + Unpin
    + 'static,
    Error,
> {
    let mut muxing = yamux::Config::default();
    muxing.set_max_num_streams(64);
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .map(move |socket, _| Heard::new(socket, silence))
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(keypair).map_err(transport)?)
        .multiplex(muxing)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let mut config = quic::Config::new(keypair);
    // Of QUIC whatever arrives counts, acknowledgements too, and closing waits for nobody.
    config.max_idle_timeout = u32::try_from(silence.as_millis()).unwrap_or(u32::MAX);
    config.keep_alive_interval = silence / BEATS;
    config.max_concurrent_stream_limit = 64;
    config.max_stream_data = 2 << 20;
    config.max_connection_data = 8 << 20;
    let quic = quic::tokio::Transport::new(config).map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    Ok(tcp.or_transport(quic).map(move |either, _| {
        let (peer, muxer) = either.into_inner();
        (peer, Counted::new(muxer, silence * PATIENCE, meter.clone()))
    }))
}

fn transport(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Transport {
        source: source.into(),
    }
}

/// Those that are being made may be made: then it is seen who gives way.
fn connection_limits(limits: &Limits) -> connection_limits::ConnectionLimits {
    connection_limits::ConnectionLimits::default()
        .with_max_pending_incoming(Some(limits.pending))
        .with_max_pending_outgoing(Some(limits.pending))
        .with_max_established_incoming(Some(limits.inbound.saturating_add(limits.pending)))
        .with_max_established_outgoing(Some(limits.outbound))
        .with_max_established_per_peer(Some(2))
}

fn identify(network: NetworkId, keypair: &Keypair, shards: Shards) -> identify::Behaviour {
    let config = identify::Config::new(protocol_version(network), keypair.public())
        .with_agent_version(Promise::Shards(shards).to_text())
        .with_hide_listen_addrs(true)
        .with_cache_size(0);
    identify::Behaviour::new(config)
}

fn objects(network: NetworkId, limits: &Limits) -> request_response::Behaviour<Codec> {
    let protocol = StreamProtocol::try_from_owned(objects_protocol(network)).expect("starts with a slash");
    let config = request_response::Config::default()
        .with_request_timeout(limits.part_timeout)
        .with_max_concurrent_streams(16);
    let full = request_response::ProtocolSupport::Full;
    request_response::Behaviour::with_codec(Codec, [(protocol, full)], config)
}

fn pulse(network: NetworkId, every: Duration) -> Pulse {
    let protocol = StreamProtocol::try_from_owned(pulse_protocol(network)).expect("starts with a slash");
    Pulse::new(protocol, every)
}

fn links(network: NetworkId) -> Links {
    Links::new(StreamProtocol::try_from_owned(onion_protocol(network)).expect("starts with a slash"))
}

/// Lengths are bounded twice: frames here, by the longest kind; each message by its kind in the admission, which
/// counts what it refuses, as gossipsub's limits per topic do not.
fn gossip(network: NetworkId, public: bool, shards: Shards) -> Result<Gossip, &'static str> {
    let longest = Kind::ALL.iter().map(|kind| kind.max_len().get()).max();
    let longest = usize::try_from(longest.expect("there are kinds")).expect("below a gigabyte");
    let topics: HashSet<_> = Topic::all().map(|topic| hash(topic, network)).collect();
    let filter = gossipsub::MaxCountSubscriptionFilter {
        max_subscribed_topics: topics.len(),
        max_subscriptions_per_request: topics.len() * 2,
        filter: gossipsub::WhitelistSubscriptionFilter(topics),
    };
    let config = gossipsub::ConfigBuilder::default()
        .protocol_id(gossip_protocol(network), gossipsub::Version::V1_1)
        .validation_mode(gossipsub::ValidationMode::Anonymous)
        .message_id_fn(message_id)
        .validate_messages()
        .heartbeat_interval(HEARTBEAT)
        .history_length(30)
        .history_gossip(6)
        .duplicate_cache_time(Duration::from_secs(600))
        .mesh_n(4)
        .mesh_n_low(2)
        .mesh_n_high(8)
        .mesh_outbound_min(1)
        .flood_publish(true)
        .max_transmit_size(longest + 1024)
        .build()
        .map_err(|_| "gossip's settings contradict each other")?;
    let mut gossip = gossipsub::Behaviour::new_with_subscription_filter(
        gossipsub::MessageAuthenticity::Anonymous,
        config,
        filter,
    )?;
    let (params, thresholds) = scores(network, public);
    gossip
        .with_peer_score(params, thresholds)
        .map_err(|_| "gossip's scores contradict each other")?;
    for topic in Topic::of_shards(shards) {
        let topic = gossipsub::IdentTopic::new(topic.name(network));
        gossip.subscribe(&topic).map_err(|_| "a topic is filtered out")?;
    }
    Ok(gossip)
}

pub(super) fn hash(topic: Topic, network: NetworkId) -> gossipsub::TopicHash {
    gossipsub::IdentTopic::new(topic.name(network)).hash()
}

/// The same content has the same name, so that a replay is a duplicate.
fn message_id(message: &gossipsub::Message) -> gossipsub::MessageId {
    let digest = Hasher::<Gossiped>::new()
        .part(message.topic.as_str().as_bytes())
        .part(&message.data)
        .finish();
    gossipsub::MessageId::new(&digest.as_bytes()[..20])
}

/// One invalid message costs 20, two 80: no longer published to; three 180: no longer heard.
///
/// What a peer does not deliver is not held against it: messages come in bursts, and partitions happen.
fn scores(network: NetworkId, public: bool) -> (gossipsub::PeerScoreParams, gossipsub::PeerScoreThresholds) {
    let params = |topic: Topic| gossipsub::TopicScoreParams {
        topic_weight: if topic.kind() == Kind::Descriptor {
            0.3
        } else {
            1.0
        },
        time_in_mesh_weight: 5.0 / 3600.0,
        time_in_mesh_quantum: Duration::from_secs(1),
        time_in_mesh_cap: 3600.0,
        first_message_deliveries_weight: 0.5,
        first_message_deliveries_decay: 0.99235,
        first_message_deliveries_cap: 20.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -20.0,
        invalid_message_deliveries_decay: 0.99872,
        ..gossipsub::TopicScoreParams::default()
    };
    let topics = Topic::all().map(|topic| (hash(topic, network), params(topic)));
    let params = gossipsub::PeerScoreParams {
        topics: topics.collect(),
        topic_score_cap: 30.0,
        app_specific_weight: 1.0,
        // Behind one address are many where nobody has a public one.
        ip_colocation_factor_weight: if public { -5.0 } else { 0.0 },
        ip_colocation_factor_threshold: 16.0,
        behaviour_penalty_threshold: 3.0,
        decay_interval: HEARTBEAT,
        decay_to_zero: 0.01,
        retain_score: Duration::from_secs(6 * 60 * 60),
        slow_peer_weight: -1.0,
        slow_peer_decay: 0.1,
        ..gossipsub::PeerScoreParams::default()
    };
    let thresholds = gossipsub::PeerScoreThresholds {
        gossip_threshold: -40.0,
        publish_threshold: -80.0,
        graylist_threshold: -160.0,
        accept_px_threshold: 0.0,
        opportunistic_graft_threshold: 2.0,
    };
    (params, thresholds)
}
