//! Onion machines whose links are the fuzzer's: it delivers, loses, repeats and edits frames, and lets time pass. Whatever it does, a
//! question arrives as it was asked, an answer as it was given and from whom it was asked of, and each question ends once.
//!
//! An input is a schedule, two bytes an event.

use std::collections::{BTreeSet, VecDeque};

use nonos_mesh::core::onion::{Ask, Frame, Input, Mix, Moment, Onion, Output, RequestId, Settings, Target};
use nonos_types::{NodeId, OnionKey, Timestamp};

const NODES: u8 = 5;
const START: u64 = 1_800_000_000;

struct World {
    nodes: Vec<Onion>,
    /// Frames under way: from, to, what.
    links: VecDeque<(usize, usize, Frame)>,
    asked: BTreeSet<(usize, RequestId)>,
    answered: usize,
    questions: u8,
    millis: u64,
}

fn name(number: usize) -> NodeId {
    NodeId::from_bytes([number as u8 + 1; 32])
}

fn question(number: u8) -> Vec<u8> {
    [b"question ".as_slice(), &[number]].concat()
}

impl World {
    fn new() -> Self {
        let now = Moment {
            time: Timestamp::new(START),
            millis: 0,
        };
        let settings = Settings {
            min_age_s: 0,
            ..Settings::default()
        };
        let node = |it: u8| Onion::new(name(it.into()), settings, Default::default(), [it; 32], now);
        let mut world = Self {
            nodes: (0..NODES).map(node).collect(),
            links: VecDeque::new(),
            asked: BTreeSet::new(),
            answered: 0,
            questions: 0,
            millis: 0,
        };
        let keys: Vec<Vec<OnionKey>> = world.nodes.iter_mut().map(announced).collect();
        for me in 0..world.nodes.len() {
            let others = (0..world.nodes.len()).filter(|it| *it != me);
            let mixes = others.clone().map(|it| Mix {
                node: name(it),
                keys: keys[it].clone(),
                prefix: None,
                family: None,
                introducer: None,
                confirmed: true,
                weight_ppm: 1_000_000,
            });
            world.nodes[me].handle(Input::Mixes(mixes.collect()), now);
            others.for_each(|it| world.nodes[me].handle(Input::Connected(name(it)), now));
        }
        world
    }

    fn now(&self) -> Moment {
        Moment {
            time: Timestamp::new(START + self.millis / 1000),
            millis: self.millis,
        }
    }

    /// Does what the machines say, answers what they are asked, and looks at what they were answered.
    fn settle(&mut self) {
        let now = self.now();
        for me in 0..self.nodes.len() {
            while let Some(output) = self.nodes[me].poll() {
                match output {
                    Output::Send { to, frame } => {
                        let to = usize::from(to.as_bytes()[0]) - 1;
                        assert_ne!(to, me, "it sends itself frames");
                        // A link has only so much room.
                        if self.links.len() < 512 {
                            self.links.push_back((me, to, frame));
                        }
                    }
                    Output::Asked { body, reply } => {
                        let number = body.last().copied().unwrap_or_default();
                        assert!(
                            number < self.questions && body == question(number),
                            "nobody asked that"
                        );
                        self.nodes[me].answer(reply, &[&body[..], &[me as u8]].concat(), now);
                    }
                    Output::Answered { request, from, body } => {
                        assert!(self.asked.remove(&(me, request)), "it ends twice");
                        self.answered += 1;
                        let (by, question_of) = body.split_last().expect("an answer");
                        assert_eq!(name(usize::from(*by)), from, "another answered");
                        assert!(question_of.starts_with(b"question "));
                    }
                    Output::Failed { request } => assert!(self.asked.remove(&(me, request)), "it ends twice"),
                    Output::Dial(_) | Output::Announce(_) | Output::Keep(_) => {}
                }
            }
        }
    }

    fn ask(&mut self, me: usize, of: usize) {
        let to = if of == me {
            Target::Any
        } else {
            Target::Of(vec![name(of)])
        };
        let ask = Ask {
            to,
            body: question(self.questions),
            longest_answer: 64,
            least_hops: 2,
        };
        let now = self.now();
        if let Ok(request) = self.nodes[me].ask(ask, now) {
            self.questions = self.questions.saturating_add(1);
            self.asked.insert((me, request));
        }
    }

    fn step(&mut self, what: u8, how: u8) {
        let take = |links: &mut VecDeque<_>| match links.len() {
            0 => None,
            len => links.remove(usize::from(how) % len),
        };
        match what % 8 {
            0..=2 => {
                if let Some((from, to, frame)) = take(&mut self.links) {
                    self.deliver(from, to, frame);
                }
            }
            3 => {
                take(&mut self.links);
            }
            4 => {
                if let Some((from, to, frame)) = take(&mut self.links) {
                    self.deliver(from, to, frame.clone());
                    self.deliver(from, to, frame);
                }
            }
            5 => {
                if let Some((from, to, frame)) = take(&mut self.links) {
                    let mut bytes = frame.as_bytes().to_vec();
                    let at = (usize::from(what) << 8 | usize::from(how)) % bytes.len();
                    bytes[at] ^= 1 | what >> 3;
                    if let Ok(frame) = Frame::from_bytes(bytes) {
                        self.deliver(from, to, frame);
                    }
                }
            }
            6 => {
                self.millis += 50 * u64::from(how) + 1;
                let now = self.now();
                self.nodes
                    .iter_mut()
                    .for_each(|node| node.handle(Input::Tick, now));
            }
            _ => self.ask(usize::from(how % NODES), usize::from(how / NODES % NODES)),
        }
        self.settle();
    }

    fn deliver(&mut self, from: usize, to: usize, frame: Frame) {
        let from = name(from);
        let now = self.now();
        self.nodes[to].handle(Input::Frame { from, frame }, now);
    }
}

/// The keys that a machine has announced when it was made.
fn announced(node: &mut Onion) -> Vec<OnionKey> {
    let mut keys = vec![];
    while let Some(output) = node.poll() {
        if let Output::Announce(announced) = output {
            keys = announced;
        }
    }
    keys
}

/// Checks one input.
///
/// # Panics
/// If a machine does what it must not.
pub fn check(bytes: &[u8]) {
    if let Ok(frame) = Frame::from_bytes(bytes.to_vec()) {
        assert_eq!(frame.as_bytes(), bytes);
        let mut world = World::new();
        world.deliver(0, 1, frame);
        world.settle();
        return;
    }
    answered(bytes);
}

/// Runs a schedule, and says how many questions were answered.
///
/// # Panics
/// As [`check`].
pub fn answered(schedule: &[u8]) -> usize {
    let mut world = World::new();
    world.settle();
    for event in schedule.chunks_exact(2).take(256) {
        world.step(event[0], event[1]);
    }
    world.answered
}
