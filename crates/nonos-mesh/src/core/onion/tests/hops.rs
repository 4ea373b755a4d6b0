use std::time::Duration;

use nonos_types::{NodeId, OnionKey, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use sphinx_packet::{
    SphinxPacketBuilder,
    header::delays::Delay,
    route::{Destination, DestinationAddressBytes, Node, NodeAddressBytes},
    version::{PAYLOAD_KEYS_SEEDS_VERSION, SINGLE_SEED_SURB_VERSION, Version},
};
use x25519_dalek::PublicKey;

use super::world::{START, name};
use crate::core::onion::{
    BadFrame, Frame, Refused,
    frame::Head,
    keys::{Keys, Period},
    packet::{self, Hop, LONGEST_DELAY, Opened, PLAINTEXT},
};

const MOST: usize = 1000;

struct Hopper {
    me: NodeId,
    keys: Keys,
}

impl Hopper {
    fn open(&mut self, frame: &Frame) -> Result<Opened, Refused> {
        packet::open(&mut self.keys, self.me, frame, MOST)
    }

    fn hop(&self, period: Period) -> Hop {
        packet::own_hop(self.me, &self.keys.announced(), period).expect("it has a key")
    }
}

fn now() -> (Timestamp, Period) {
    let now = Timestamp::new(START);
    (now, Period::of(now))
}

fn nodes(count: usize) -> (ChaCha20Rng, Vec<Hopper>, Vec<Hop>) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (time, period) = now();
    let nodes: Vec<Hopper> = (0..count)
        .map(|it| {
            let mut keys = Keys::default();
            assert!(keys.advance(&mut rng, time, MOST));
            Hopper { me: name(it), keys }
        })
        .collect();
    let hops = nodes.iter().map(|node| node.hop(period)).collect();
    (rng, nodes, hops)
}

fn wrapped(rng: &mut ChaCha20Rng, hops: &[Hop], plaintext: &[u8]) -> Frame {
    packet::wrap(rng, hops, now().1, Duration::from_millis(100), plaintext)
}

fn onward(opened: Result<Opened, Refused>) -> (NodeId, Frame, Duration) {
    match opened {
        Ok(Opened::Onward { to, frame, delay }) => (to, frame, delay),
        Ok(_) => panic!("it ends here"),
        Err(refused) => panic!("{refused}"),
    }
}

fn refused(opened: Result<Opened, Refused>) -> Refused {
    opened.err().expect("it is refused")
}

/// A packet as somebody makes it who does not use this crate.
fn crafted(version: Version, hops: &[Hop], delay: Duration) -> Frame {
    let nodes: Vec<Node> = hops
        .iter()
        .map(|hop| {
            Node::new(
                NodeAddressBytes::from_bytes(*hop.node.as_bytes()),
                PublicKey::from(hop.key),
            )
        })
        .collect();
    let delays = vec![Delay::new_from_nanos(u64::try_from(delay.as_nanos()).expect("short")); hops.len()];
    let destination = Destination::new(DestinationAddressBytes::from_bytes([0; 32]), [0; 16]);
    let packet = SphinxPacketBuilder::new()
        .with_version(version)
        .with_payload_size(Frame::PACKET - 348)
        .build_packet(b"content", &nodes, &destination, &delays)
        .expect("a packet");
    Frame::new(Head::of(now().1), &packet.to_bytes())
}

#[test]
fn each_hop_takes_off_one_layer_and_the_last_reads_it() {
    for count in 2..=5 {
        let (mut rng, mut nodes, hops) = nodes(count);
        let plaintext = vec![9; PLAINTEXT];
        let mut frame = wrapped(&mut rng, &hops, &plaintext);
        for (index, node) in nodes[..count - 1].iter_mut().enumerate() {
            assert_eq!(frame.as_bytes().len(), Frame::LEN);
            let (to, next, _) = onward(node.open(&frame));
            assert_eq!(to, name(index + 1));
            assert_ne!(next, frame);
            frame = next;
        }
        let Ok(Opened::Message { plaintext: read, .. }) = nodes[count - 1].open(&frame) else {
            panic!("it ends there")
        };
        assert_eq!(read, plaintext);
    }
}

#[test]
fn a_header_that_was_changed_anywhere_is_refused_and_uses_up_nothing() {
    let (mut rng, mut nodes, hops) = nodes(3);
    let frame = wrapped(&mut rng, &hops, b"content");
    for at in 1..=348 {
        let mut bytes = frame.as_bytes().to_vec();
        bytes[at] ^= 1 << (at % 8);
        let changed = Frame::from_bytes(bytes).expect("a frame");
        assert_eq!(refused(nodes[0].open(&changed)), Refused::Header, "byte {at}");
    }
    onward(nodes[0].open(&frame));
}

#[test]
fn a_frame_is_for_one_node_only() {
    let (mut rng, mut nodes, hops) = nodes(3);
    let frame = wrapped(&mut rng, &hops, b"content");
    assert_eq!(refused(nodes[1].open(&frame)), Refused::Header);
}

#[test]
fn a_replay_is_refused_whatever_it_carries() {
    let (mut rng, mut nodes, hops) = nodes(3);
    let frame = wrapped(&mut rng, &hops, b"content");
    onward(nodes[0].open(&frame));
    assert_eq!(refused(nodes[0].open(&frame)), Refused::Replayed);
    let mut bytes = frame.as_bytes().to_vec();
    bytes[2000] ^= 1;
    let other = Frame::from_bytes(bytes).expect("a frame");
    assert_eq!(refused(nodes[0].open(&other)), Refused::Replayed);
    // Nor does the bit help that X25519 ignores.
    let mut bytes = frame.as_bytes().to_vec();
    bytes[32] ^= 0x80;
    let other = Frame::from_bytes(bytes).expect("a frame");
    assert_eq!(refused(nodes[0].open(&other)), Refused::Replayed);
}

#[test]
fn a_payload_that_was_changed_is_noise_where_it_ends() {
    let (mut rng, mut nodes, hops) = nodes(3);
    for at in [349, 2000, Frame::LEN - 1] {
        let frame = wrapped(&mut rng, &hops, b"content");
        let mut bytes = frame.as_bytes().to_vec();
        bytes[at] ^= 1;
        let mut frame = Frame::from_bytes(bytes).expect("a frame");
        for node in &mut nodes[..2] {
            frame = onward(node.open(&frame)).1;
        }
        assert_eq!(refused(nodes[2].open(&frame)), Refused::Payload);
    }
}

#[test]
fn a_hop_holds_a_frame_no_longer_than_ten_seconds() {
    let (_, mut nodes, hops) = nodes(3);
    for (asked, held) in [
        (Duration::from_secs(9), Duration::from_secs(9)),
        (Duration::from_secs(365 * 24 * 3600), LONGEST_DELAY),
        (Duration::from_nanos(u64::MAX), LONGEST_DELAY),
    ] {
        let frame = crafted(SINGLE_SEED_SURB_VERSION, &hops, asked);
        let (.., delay) = onward(nodes[0].open(&frame));
        assert_eq!(delay, held);
    }
}

#[test]
fn other_versions_of_sphinx_are_refused() {
    let (_, mut nodes, hops) = nodes(3);
    for version in [
        Version(1),
        Version(257),
        Version(258),
        PAYLOAD_KEYS_SEEDS_VERSION,
        Version(261),
    ] {
        let frame = crafted(version, &hops, Duration::ZERO);
        assert_eq!(refused(nodes[0].open(&frame)), Refused::Version, "{version:?}");
    }
    onward(nodes[0].open(&crafted(SINGLE_SEED_SURB_VERSION, &hops, Duration::ZERO)));
}

#[test]
fn a_frame_does_not_go_in_a_circle() {
    let (mut rng, mut nodes, hops) = nodes(2);
    let frame = wrapped(&mut rng, &[hops[0], hops[0], hops[1]], b"content");
    assert_eq!(refused(nodes[0].open(&frame)), Refused::Circle);
}

#[test]
fn keys_are_of_the_last_this_and_the_next_period() {
    let (mut rng, _, hops) = nodes(3);
    let (time, period) = now();
    let later = |periods: u64| Timestamp::new(time.get() + periods * Period::SECONDS);
    let of = |it: &Hopper| -> Vec<u64> { it.keys.announced().iter().map(|key| key.epoch).collect() };
    let mut node = Hopper {
        me: name(0),
        keys: Keys::default(),
    };
    assert!(node.keys.advance(&mut rng, time, MOST));
    assert!(!node.keys.advance(&mut rng, time, MOST), "others are told once");
    assert_eq!(of(&node), [period.get(), period.get() + 1]);
    let first = node.keys.announced();
    let to = |node: &Hopper, rng: &mut ChaCha20Rng, period: u64| {
        let period = Period::new(period);
        packet::wrap(
            rng,
            &[node.hop(period), hops[1]],
            period,
            Duration::ZERO,
            b"content",
        )
    };
    let (this, next) = (
        to(&node, &mut rng, period.get()),
        to(&node, &mut rng, period.get() + 1),
    );
    let last = to(&node, &mut rng, period.get());
    onward(node.open(&this));
    onward(node.open(&next));

    assert!(node.keys.advance(&mut rng, later(1), MOST));
    assert_eq!(of(&node), [period.get(), period.get() + 1, period.get() + 2]);
    assert_eq!(node.keys.announced()[..2], first[..], "what was told is kept");
    onward(node.open(&last));
    assert_eq!(refused(node.open(&this)), Refused::Replayed);

    assert!(node.keys.advance(&mut rng, later(2), MOST));
    assert_eq!(of(&node), [period.get() + 1, period.get() + 2, period.get() + 3]);
    // Nobody has the key any more; a frame of that period could be one of four periods later.
    assert_eq!(refused(node.open(&last)), Refused::NoKey);
}

#[test]
fn a_clock_that_is_set_back_brings_no_key_back() {
    let (mut rng, ..) = nodes(1);
    let (time, _) = now();
    let mut keys = Keys::default();
    keys.advance(&mut rng, time, MOST);
    let before = keys.announced();
    keys.advance(&mut rng, Timestamp::new(time.get() + 5 * Period::SECONDS), MOST);
    keys.advance(&mut rng, time, MOST);
    let after = keys.announced();
    assert_eq!(before.len(), after.len());
    assert!(
        before
            .iter()
            .zip(&after)
            .all(|(old, new)| old.epoch == new.epoch && old.key != new.key)
    );
}

#[test]
fn a_key_takes_so_many_packets_and_is_replaced() {
    let (mut rng, mut nodes, hops) = nodes(2);
    let node = &mut nodes[0];
    let (time, _) = now();
    let old = node.keys.announced();
    let few = 3;
    let frames: Vec<Frame> = (0..4).map(|_| wrapped(&mut rng, &hops, b"content")).collect();
    for frame in &frames[..few] {
        onward(packet::open(&mut node.keys, node.me, frame, few));
    }
    assert_eq!(
        refused(packet::open(&mut node.keys, node.me, &frames[3], few)),
        Refused::Worn
    );
    assert!(node.keys.advance(&mut rng, time, few));
    let new: Vec<OnionKey> = node.keys.announced();
    assert_eq!(new[0].epoch, old[0].epoch);
    assert_ne!(new[0].key, old[0].key);
    assert_eq!(new[1], old[1], "the other key is as good as before");
    // What was taken before is for a key that is gone.
    assert_eq!(
        refused(packet::open(&mut node.keys, node.me, &frames[0], few)),
        Refused::Header
    );
}

#[test]
fn an_answer_is_read_by_whoever_made_the_reply_block_and_comes_once() {
    let (mut rng, mut nodes, hops) = nodes(4);
    let head = Head::of(now().1);
    // From node 3 by 0 and 1 to 2, who made it.
    let (block, identifier, recovery) = packet::reply_block(&mut rng, &hops[..3], Duration::from_millis(1));
    let bytes = block.to_bytes();
    assert_eq!(bytes.len(), packet::SURB_LEN);
    let answer = |text: &[u8]| {
        let block = packet::SURB::from_bytes(&bytes).expect("a block");
        packet::reply(block, head, text).expect("it fits")
    };
    let (first, mut frame) = answer(b"the answer");
    assert_eq!(first, name(0));
    for node in &mut nodes[..2] {
        frame = onward(node.open(&frame)).1;
    }
    let Ok(Opened::Sealed {
        identifier: named,
        payload,
    }) = nodes[2].open(&frame)
    else {
        panic!("it ends there")
    };
    assert_eq!(named, identifier);
    assert!(payload.as_bytes() != b"the answer");
    assert_eq!(
        recovery.recover_plaintext(payload).expect("it is whole"),
        b"the answer"
    );
    // The same block once more is a replay to the first hop.
    let (_, again) = answer(b"another");
    assert_eq!(refused(nodes[0].open(&again)), Refused::Replayed);
}

#[test]
fn what_is_no_frame_is_refused() {
    assert_eq!(
        Frame::from_bytes(vec![4; Frame::LEN - 1]),
        Err(BadFrame::Length(Frame::LEN - 1))
    );
    assert_eq!(
        Frame::from_bytes(vec![4; Frame::LEN + 1]),
        Err(BadFrame::Length(Frame::LEN + 1))
    );
    assert_eq!(Frame::from_bytes(vec![8; Frame::LEN]), Err(BadFrame::Version(2)));
    assert!(Frame::from_bytes(vec![7; Frame::LEN]).is_ok());
}

#[test]
fn noise_is_refused() {
    let (mut rng, mut nodes, _) = nodes(1);
    for head in 4..8 {
        let mut bytes = vec![0; Frame::LEN];
        rng.fill_bytes(&mut bytes);
        bytes[0] = head;
        let frame = Frame::from_bytes(bytes).expect("a frame");
        let refused = refused(nodes[0].open(&frame));
        assert!([Refused::NoKey, Refused::Header].contains(&refused), "{refused}");
    }
}
