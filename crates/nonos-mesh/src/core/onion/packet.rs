//! Wrapping and taking off a layer.

use std::time::Duration;

use nonos_types::{NodeId, OnionKey};
use rand_core::CryptoRng;
pub(super) use sphinx_packet::SURB;
use sphinx_packet::{
    ProcessedPacketData, SURBMaterial, SphinxPacket, SphinxPacketBuilder, SurbReplyRecovery,
    header::{HEADER_SIZE, delays::Delay},
    payload::{PAYLOAD_OVERHEAD_SIZE, Payload},
    route::{Destination, DestinationAddressBytes, Node, NodeAddressBytes},
    version::SINGLE_SEED_SURB_VERSION,
};
use x25519_dalek::{PublicKey, StaticSecret};

use super::{
    frame::{Frame, Head},
    keys::{Keys, Period},
};

const PAYLOAD: usize = Frame::PACKET - HEADER_SIZE;
/// Bytes that a frame carries for whoever it ends at.
pub(super) const PLAINTEXT: usize = PAYLOAD - PAYLOAD_OVERHEAD_SIZE;
/// Bytes of a reply block.
pub(super) const SURB_LEN: usize = HEADER_SIZE + 32 + 16;
/// Longest time that a hop holds a frame, whatever its sender says.
pub(super) const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// Names a reply block to whoever made it; zero names none.
pub(super) type Identifier = [u8; 16];
const NONE: Identifier = [0; 16];

/// A hop of a route, with its key for the period of the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) node: NodeId,
    pub(super) key: [u8; 32],
}

impl From<&Hop> for Node {
    fn from(hop: &Hop) -> Self {
        Self::new(
            NodeAddressBytes::from_bytes(*hop.node.as_bytes()),
            PublicKey::from(hop.key),
        )
    }
}

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Its neighbour sends more than a neighbour may.
    #[error("too many frames of one neighbour")]
    TooMany,
    /// It is wrapped for a key that this node does not have: of another period, or from before it was started.
    #[error("no key of that period")]
    NoKey,
    /// Its header was changed, or is not for this node.
    #[error("the header does not authenticate")]
    Header,
    /// It was taken before.
    #[error("replayed")]
    Replayed,
    /// The key has taken as many as one may, and is being replaced.
    #[error("the key is worn out")]
    Worn,
    /// It is of another version of Sphinx.
    #[error("another version of Sphinx")]
    Version,
    /// It is to go on to this node again.
    #[error("its next hop is this node")]
    Circle,
    /// What it carries is no fragment, or belongs to no reply block of this node.
    #[error("the payload is damaged or unknown")]
    Payload,
}

/// What is in a frame once this node's layer is off.
pub(super) enum Opened {
    Onward {
        to: NodeId,
        frame: Frame,
        delay: Duration,
    },
    /// It ends here.
    Message { head: Head, plaintext: Vec<u8> },
    /// It ends here, in a reply block that this node made.
    Sealed {
        identifier: Identifier,
        payload: Payload,
    },
}

/// Takes off this node's layer. The header is authenticated before anything is remembered or decrypted by it; only then
/// is it a replay or not, so that nobody can use up tags of packets that are not his.
pub(super) fn open(keys: &mut Keys, me: NodeId, frame: &Frame, most_seen: usize) -> Result<Opened, Refused> {
    let head = frame.head();
    let (period, key) = keys.get(head).ok_or(Refused::NoKey)?;
    let packet = SphinxPacket::from_bytes(frame.packet()).map_err(|_| Refused::Header)?;
    let secret = packet.header.compute_expanded_shared_secret(&key.secret);
    let authentic = packet.header.ensure_header_integrity(&secret);
    authentic.map_err(|_| Refused::Header)?;
    if keys.is_worn(period, most_seen) {
        return Err(Refused::Worn);
    }
    let tag = secret.replay_tag().first_chunk().expect("a tag has 32 bytes");
    if !keys.saw(period, *tag) {
        return Err(Refused::Replayed);
    }
    let opened = packet.process_with_expanded_secret(&secret);
    let opened = opened.map_err(|_| Refused::Header)?;
    // Older versions hand out keys of their reply blocks.
    if opened.version != SINGLE_SEED_SURB_VERSION {
        return Err(Refused::Version);
    }
    match opened.data {
        ProcessedPacketData::ForwardHop {
            next_hop_packet,
            next_hop_address,
            delay,
        } => {
            let to = NodeId::from_bytes(next_hop_address.to_bytes());
            if to == me {
                return Err(Refused::Circle);
            }
            Ok(Opened::Onward {
                to,
                frame: Frame::new(head, &next_hop_packet.to_bytes()),
                delay: delay.to_duration().min(LONGEST_DELAY),
            })
        }
        ProcessedPacketData::FinalHop {
            identifier, payload, ..
        } if identifier == NONE => {
            let plaintext = payload.recover_plaintext().map_err(|_| Refused::Payload)?;
            Ok(Opened::Message { head, plaintext })
        }
        ProcessedPacketData::FinalHop {
            identifier, payload, ..
        } => Ok(Opened::Sealed { identifier, payload }),
    }
}

/// Wraps what fits a frame for the last of `route`, to be sent to the first.
pub(super) fn wrap(
    rng: &mut impl CryptoRng,
    route: &[Hop],
    period: Period,
    mean_delay: Duration,
    plaintext: &[u8],
) -> Frame {
    let secret = secret(rng);
    let nodes: Vec<Node> = route.iter().map(Node::from).collect();
    let delays = delays(rng, route.len(), mean_delay);
    let packet = SphinxPacketBuilder::new()
        .with_version(SINGLE_SEED_SURB_VERSION)
        .with_payload_size(PAYLOAD)
        .with_initial_secret(&secret)
        .build_packet(plaintext, &nodes, &destination(NONE), &delays)
        .expect("1 to 5 hops, and a plaintext that fits");
    Frame::new(Head::of(period), &packet.to_bytes())
}

/// A block in which whoever gets it can answer the last of `route`, without knowing who that is; and what that one reads
/// the answer with.
pub(super) fn reply_block(
    rng: &mut impl CryptoRng,
    route: &[Hop],
    mean_delay: Duration,
) -> (SURB, Identifier, SurbReplyRecovery) {
    let mut identifier = NONE;
    while identifier == NONE {
        rng.fill_bytes(&mut identifier);
    }
    let material = SURBMaterial::new(
        route.iter().map(Node::from).collect(),
        delays(rng, route.len(), mean_delay),
        destination(identifier),
        SINGLE_SEED_SURB_VERSION,
    );
    let (block, recovery) =
        SURB::new_recoverable(secret(rng), material).expect("1 to 5 hops, and a name that is not zero");
    (block, identifier, recovery)
}

/// Puts an answer into a reply block; where it goes first.
pub(super) fn reply(block: SURB, head: Head, plaintext: &[u8]) -> Option<(NodeId, Frame)> {
    let (packet, first) = block.use_surb(plaintext, PAYLOAD).ok()?;
    let first = NodeId::from_bytes(first.to_bytes());
    Some((first, Frame::new(head, &packet.to_bytes())))
}

/// This node's key of a period as a hop.
pub(super) fn own_hop(me: NodeId, keys: &[OnionKey], period: Period) -> Option<Hop> {
    let key = keys.iter().find(|it| it.epoch == period.get())?;
    Some(Hop {
        node: me,
        key: key.key,
    })
}

fn secret(rng: &mut impl CryptoRng) -> StaticSecret {
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    StaticSecret::from(seed)
}

/// Where a packet ends is its last hop; Sphinx's destination behind that is not used.
fn destination(identifier: Identifier) -> Destination {
    Destination::new(DestinationAddressBytes::from_bytes([0; 32]), identifier)
}

fn delays(rng: &mut impl CryptoRng, hops: usize, mean: Duration) -> Vec<Delay> {
    (0..hops)
        .map(|_| {
            let delay = exponential(rng, mean).min(LONGEST_DELAY);
            Delay::new_from_nanos(u64::try_from(delay.as_nanos()).expect("at most ten seconds"))
        })
        .collect()
}

/// A time until the next event of a Poisson process whose events are `mean` apart.
pub(super) fn exponential(rng: &mut impl CryptoRng, mean: Duration) -> Duration {
    mean.mul_f64(-(1.0 - unit(rng)).ln())
}

/// Evenly from 0 up to, but not including, 1.
pub(super) fn unit(rng: &mut impl CryptoRng) -> f64 {
    // 53 bits are what an f64 holds.
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}
