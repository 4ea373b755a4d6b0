use std::{collections::BTreeSet, time::Duration};

use super::world::{Plan, World, name};
use crate::core::{
    Rate,
    onion::{
        Cover, Frame, Moment, Output, Refused, Settings, Target,
        fragment::{Content, Fragment},
        keys::Period,
        packet::{self, Hop},
        requests,
    },
};

fn quiet() -> Plan {
    Plan {
        settings: Settings {
            cover: Cover::Metered,
            of_neighbour: Rate {
                per_second: 10_000,
                burst: 10_000,
            },
            ..Plan::default().settings
        },
        ..Plan::default()
    }
}

fn hop(world: &World, node: usize) -> Hop {
    let now = world.moment();
    packet::own_hop(name(node), &world.keys[node], Period::of(now.time)).expect("it has a key")
}

fn frame(world: &mut World, route: &[usize], content: &[u8]) -> Frame {
    use rand_core::SeedableRng as _;
    let hops: Vec<Hop> = route.iter().map(|node| hop(world, *node)).collect();
    let seed = world.seen.len() as u64 * 1000 + world.sent;
    world.sent += 1;
    let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(seed);
    packet::wrap(
        &mut rng,
        &hops,
        Period::of(world.moment().time),
        Duration::ZERO,
        content,
    )
}

fn refused(world: &World, node: usize, why: Refused) -> u64 {
    let counts = world.nodes[node].anonymity(world.moment()).counts;
    counts.refused.get(&why).copied().unwrap_or(0)
}

/// Scenario 14: a thousand replays, none of which goes on.
#[test]
fn no_replay_goes_on() {
    let mut world = World::new(quiet());
    for round in 0..20 {
        world
            .ask(0, Target::Any, &[round], 100)
            .expect("there are enough");
        world.run(1000);
    }
    world.run(20_000);
    let recorded = world.seen.clone();
    let before = world.seen.len();
    let mut replayed = 0;
    'all: loop {
        for (_, from, to, frame) in &recorded {
            world.inject(name(*from), *to, frame.clone());
            replayed += 1;
            if replayed == 1000 {
                break 'all;
            }
        }
    }
    world.run(30_000);
    assert_eq!(world.seen.len(), before, "nothing was sent for them");
    let of_all: u64 = (0..12).map(|node| refused(&world, node, Refused::Replayed)).sum();
    assert_eq!(of_all, 1000);
}

/// Scenario 14: frames with a bit turned, anywhere.
#[test]
fn frames_that_were_damaged_say_nothing_to_anybody() {
    let mut world = World::new(quiet());
    let message = requests::join(&[], b"a question");
    for at in (1..Frame::LEN).step_by(37) {
        let contents = Fragment::all([7; 16], &message);
        let frame = frame(&mut world, &[3, 4, 5], &contents[0]);
        let mut bytes = frame.as_bytes().to_vec();
        bytes[at] ^= 0x10;
        let damaged = Frame::from_bytes(bytes).expect("a frame");
        world.inject(name(2), 3, damaged);
    }
    world.run(30_000);
    assert!(world.asked.iter().all(Vec::is_empty));
    let headers = refused(&world, 3, Refused::Header);
    let payloads = refused(&world, 5, Refused::Payload);
    assert_eq!((headers, payloads), (10, 101));
}

#[test]
fn a_neighbour_that_sends_too_much_takes_nothing_from_others() {
    let mut plan = quiet();
    plan.settings.of_neighbour = Rate {
        per_second: 10,
        burst: 20,
    };
    let mut world = World::new(plan);
    for _ in 0..100 {
        let frame = frame(&mut world, &[3, 4], &Content::cover());
        world.inject(name(2), 3, frame);
    }
    assert_eq!(refused(&world, 3, Refused::TooMany), 80);
    let frame = frame(&mut world, &[3, 4], &Content::cover());
    world.inject(name(1), 3, frame);
    assert_eq!(refused(&world, 3, Refused::TooMany), 80);
}

#[test]
fn frames_for_who_is_not_known_are_lost_and_nobody_is_dialled() {
    let mut world = World::new(quiet());
    let mut stranger = hop(&world, 5);
    stranger.node = name(77);
    let hops = [hop(&world, 3), stranger];
    let mut rng = <rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::seed_from_u64(1);
    let period = Period::of(world.moment().time);
    let frame = packet::wrap(&mut rng, &hops, period, Duration::ZERO, &Content::cover());
    world.inject(name(2), 3, frame);
    world.run(20_000);
    assert!(world.seen.is_empty());
    assert_eq!(world.nodes[3].anonymity(world.moment()).counts.lost, 1);
}

#[test]
fn frames_that_wait_for_a_connection_are_bounded_in_number_and_time() {
    let mut world = World::new(quiet());
    world.run(1000);
    let now = world.moment();
    // Node 9 is no neighbour of node 3, and nobody connects them here.
    let mut dialled = 0;
    for _ in 0..300 {
        let frame = frame(&mut world, &[3, 9], &Content::cover());
        let from = name(2);
        world.nodes[3].handle(crate::core::onion::Input::Frame { from, frame }, now);
    }
    while let Some(output) = world.nodes[3].poll() {
        assert!(matches!(output, Output::Dial(to) if to == name(9)));
        dialled += 1;
    }
    assert_eq!(dialled, 1);
    assert_eq!(world.nodes[3].anonymity(now).counts.lost, 300 - 256);
    assert_eq!(world.nodes[3].deadline(), Some(now.millis + 10_000));
    let later = Moment {
        millis: now.millis + 10_000,
        ..now
    };
    world.nodes[3].handle(crate::core::onion::Input::Tick, later);
    assert_eq!(world.nodes[3].anonymity(now).counts.lost, 300);
}

#[test]
fn what_ends_here_and_is_no_message_is_refused() {
    let mut world = World::new(quiet());
    let too_many_blocks = [&[26][..], &vec![0; 26 * packet::SURB_LEN]].concat();
    let cut_short = [&[2][..], &vec![0; 2 * packet::SURB_LEN - 1]].concat();
    let mut bad = vec![vec![], vec![9], vec![2; 10]];
    for message in [vec![], cut_short] {
        bad.extend(Fragment::all([7; 16], &message));
    }
    for content in &bad {
        let frame = frame(&mut world, &[3], content);
        world.inject(name(2), 3, frame);
    }
    assert_eq!(refused(&world, 3, Refused::Payload), bad.len() as u64);
    for content in Fragment::all([8; 16], &too_many_blocks) {
        let frame = frame(&mut world, &[3], &content);
        world.inject(name(2), 3, frame);
    }
    assert_eq!(refused(&world, 3, Refused::Payload), bad.len() as u64 + 1);
    assert!(world.asked.iter().all(Vec::is_empty));
    // One without reply blocks is a message to which there is no answer.
    let contents = Fragment::all([9; 16], &requests::join(&[], b"a question"));
    let frame = frame(&mut world, &[3], &contents[0]);
    world.inject(name(2), 3, frame);
    assert_eq!(world.asked[3], [b"a question"]);
}

#[test]
fn an_answer_that_nobody_waits_for_is_refused() {
    let mut world = World::new(quiet());
    let mut rng = <rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::seed_from_u64(1);
    let (block, ..) = packet::reply_block(&mut rng, &[hop(&world, 3)], Duration::ZERO);
    let head = crate::core::onion::frame::Head::of(Period::of(world.moment().time));
    let contents = Fragment::all([7; 16], b"an answer");
    let (_, frame) = packet::reply(block, head, &contents[0]).expect("it fits");
    world.inject(name(2), 3, frame);
    assert_eq!(refused(&world, 3, Refused::Payload), 1);
    assert!(world.answers.is_empty());
}

#[test]
fn an_answer_longer_than_there_is_room_for_is_not_sent() {
    let mut world = World::new(quiet());
    let contents = Fragment::all([9; 16], &requests::join(&[], b"a question"));
    let frame = frame(&mut world, &[3], &contents[0]);
    let now = world.moment();
    let from = name(2);
    world.nodes[3].handle(crate::core::onion::Input::Frame { from, frame }, now);
    let Some(Output::Asked { reply, .. }) = world.nodes[3].poll() else {
        panic!("it was asked")
    };
    assert_eq!(reply.room(), 0);
    assert!(!world.nodes[3].answer(reply, b"an answer", now));
}

/// A mix holds so many frames, and no more.
#[test]
fn frames_that_are_held_are_bounded() {
    let mut world = World::new(quiet());
    let now = world.moment();
    let period = Period::of(now.time);
    let hops = [hop(&world, 3), hop(&world, 4)];
    let mut rng = <rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::seed_from_u64(1);
    for _ in 0..1100 {
        let slow = Duration::from_secs(1_000_000);
        let frame = packet::wrap(&mut rng, &hops, period, slow, &Content::cover());
        let from = name(2);
        world.nodes[3].handle(crate::core::onion::Input::Frame { from, frame }, now);
    }
    let counts = world.nodes[3].anonymity(now).counts;
    assert_eq!((counts.forwarded, counts.lost), (1100, 1100 - 1024));
}

/// Who watches one hop cannot tell which of the frames that go out is one that came in: they share no bytes.
#[test]
fn what_goes_out_shares_nothing_with_what_came_in() {
    let mut world = World::new(quiet());
    world
        .ask(0, Target::Any, b"a question", 100)
        .expect("there are enough");
    world.run(20_000);
    let pieces: BTreeSet<&[u8]> = (world.seen.iter())
        .flat_map(|(.., frame)| frame.as_bytes()[1..].chunks(16))
        .collect();
    let all = world.seen.len() * (Frame::LEN - 1) / 16;
    assert_eq!(pieces.len(), all);
}
