//! Nodes in virtual time, with links that take time and lose frames, as a seed says.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use nonos_types::{NodeId, OnionKey, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use crate::core::onion::{
    Ask, Frame, Guards, Input, Mix, Moment, NotHidden, Onion, Output, RequestId, Settings, Target,
};

pub(super) const START: u64 = 1_800_000_000;

pub(super) fn name(number: usize) -> NodeId {
    let mut bytes = [0; 32];
    bytes[0] = u8::try_from(number + 1).expect("few nodes");
    bytes[31] = 0xee;
    NodeId::from_bytes(bytes)
}

enum Event {
    Frame { from: usize, to: usize, frame: Frame },
    Connect { a: usize, b: usize },
}

/// What a world is like.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) nodes: usize,
    pub(super) seed: u64,
    pub(super) settings: Settings,
    /// Each is connected to so many that follow it in a ring.
    pub(super) neighbours: usize,
    /// Frames that a link loses, in thousandths.
    pub(super) loss: u32,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            nodes: 12,
            seed: 1,
            settings: Settings {
                min_age_s: 0,
                ..Settings::default()
            },
            neighbours: 3,
            loss: 0,
        }
    }
}

pub(super) struct World {
    pub(super) now: u64,
    pub(super) plan: Plan,
    /// By how many seconds the clock of each is off.
    pub(super) skew: Vec<i64>,
    /// Frames that tests made.
    pub(super) sent: u64,
    pub(super) nodes: Vec<Onion>,
    pub(super) keys: Vec<Vec<OnionKey>>,
    pub(super) guards: Vec<Guards>,
    pub(super) down: BTreeSet<usize>,
    /// Every frame that went over a link: when, from, to.
    pub(super) seen: Vec<(u64, usize, usize, Frame)>,
    /// What each node was asked.
    pub(super) asked: Vec<Vec<Vec<u8>>>,
    pub(super) answers: BTreeMap<(usize, RequestId), (u64, NodeId, Vec<u8>)>,
    pub(super) failed: BTreeSet<(usize, RequestId)>,
    stale: bool,
    links: BTreeSet<(usize, usize)>,
    events: BinaryHeap<Reverse<(u64, u64, usize)>>,
    waiting: BTreeMap<usize, Event>,
    number: usize,
    rng: ChaCha20Rng,
}

impl World {
    pub(super) fn new(plan: Plan) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(plan.seed);
        let moment = Moment {
            time: Timestamp::new(START),
            millis: 0,
        };
        let nodes: Vec<Onion> = (0..plan.nodes)
            .map(|it| {
                let mut seed = [0; 32];
                rng.fill_bytes(&mut seed);
                Onion::new(name(it), plan.settings, Guards::default(), seed, moment)
            })
            .collect();
        let mut world = Self {
            now: 0,
            skew: vec![0; plan.nodes],
            sent: 0,
            keys: vec![vec![]; plan.nodes],
            guards: vec![Guards::default(); plan.nodes],
            down: BTreeSet::new(),
            seen: vec![],
            asked: vec![vec![]; plan.nodes],
            answers: BTreeMap::new(),
            failed: BTreeSet::new(),
            stale: false,
            links: BTreeSet::new(),
            events: BinaryHeap::new(),
            waiting: BTreeMap::new(),
            number: 0,
            nodes,
            rng,
            plan,
        };
        (0..world.nodes.len()).for_each(|it| world.drain(it));
        let count = world.nodes.len();
        for a in 0..count {
            for step in 1..=world.plan.neighbours {
                world.connect(a, (a + step) % count);
            }
        }
        world.tell();
        world
    }

    pub(super) fn moment(&self) -> Moment {
        Moment {
            time: Timestamp::new(START + self.now / 1000),
            millis: self.now,
        }
    }

    fn moment_of(&self, node: usize) -> Moment {
        let true_time = self.moment();
        let time = true_time.time.get().checked_add_signed(self.skew[node]);
        Moment {
            time: Timestamp::new(time.expect("after 1970")),
            ..true_time
        }
    }

    /// Time passes in which nobody sends anything.
    pub(super) fn leap(&mut self, to: u64) {
        self.now = self.now.max(to);
    }

    fn index(&self, node: NodeId) -> Option<usize> {
        (0..self.nodes.len()).find(|it| name(*it) == node)
    }

    pub(super) fn connect(&mut self, a: usize, b: usize) {
        let link = (a.min(b), a.max(b));
        if a != b && !self.down.contains(&a) && !self.down.contains(&b) && self.links.insert(link) {
            let (of_a, of_b) = (self.moment_of(a), self.moment_of(b));
            self.nodes[a].handle(Input::Connected(name(b)), of_a);
            self.nodes[b].handle(Input::Connected(name(a)), of_b);
            self.drain(a);
            self.drain(b);
        }
    }

    /// A node is gone, and its neighbours notice.
    pub(super) fn kill(&mut self, node: usize) {
        self.down.insert(node);
        for link in self.links.clone() {
            if link.0 == node || link.1 == node {
                self.links.remove(&link);
                let other = if link.0 == node { link.1 } else { link.0 };
                let now = self.moment_of(other);
                self.nodes[other].handle(Input::Disconnected(name(node)), now);
                self.drain(other);
            }
        }
    }

    /// All are told who there is, dead or not: a directory learns of that only in time.
    pub(super) fn tell(&mut self) {
        self.stale = false;
        let all: Vec<Mix> = (self.keys.iter().enumerate())
            .map(|(it, keys)| Mix {
                node: name(it),
                keys: keys.clone(),
                prefix: None,
                family: None,
                introducer: None,
                confirmed: true,
                weight_ppm: 1_000_000,
            })
            .collect();
        for it in 0..self.nodes.len() {
            let now = self.moment_of(it);
            let mixes = all.iter().filter(|mix| mix.node != name(it)).cloned().collect();
            self.nodes[it].handle(Input::Mixes(mixes), now);
            self.drain(it);
        }
    }

    pub(super) fn ask(
        &mut self,
        node: usize,
        to: Target,
        body: &[u8],
        longest: usize,
    ) -> Result<RequestId, NotHidden> {
        let ask = Ask {
            to,
            body: body.to_vec(),
            longest_answer: longest,
            least_hops: 2,
        };
        let now = self.moment_of(node);
        let id = self.nodes[node].ask(ask, now);
        self.drain(node);
        id
    }

    /// Lets a frame come in as if `from` had sent it.
    pub(super) fn inject(&mut self, from: NodeId, to: usize, frame: Frame) {
        let now = self.moment_of(to);
        self.nodes[to].handle(Input::Frame { from, frame }, now);
        self.drain(to);
    }

    fn later(&mut self, after: u64, event: Event) {
        self.number += 1;
        self.waiting.insert(self.number, event);
        self.events
            .push(Reverse((self.now + after, self.number as u64, self.number)));
    }

    fn drain(&mut self, node: usize) {
        while let Some(output) = self.nodes[node].poll() {
            match output {
                Output::Send { to, frame } => {
                    let to = self.index(to).expect("a node of this world");
                    let link = (node.min(to), node.max(to));
                    assert!(self.links.contains(&link), "sent to who is not connected");
                    self.seen.push((self.now, node, to, frame.clone()));
                    let lost = self.rng.next_u32() % 1000 < self.plan.loss;
                    let after = 10 + u64::from(self.rng.next_u32() % 40);
                    if !lost {
                        self.later(
                            after,
                            Event::Frame {
                                from: node,
                                to,
                                frame,
                            },
                        );
                    }
                }
                Output::Dial(to) => {
                    let to = self.index(to).expect("a node of this world");
                    self.later(100, Event::Connect { a: node, b: to });
                }
                Output::Announce(keys) => {
                    self.keys[node] = keys;
                    self.stale = true;
                }
                Output::Keep(guards) => self.guards[node] = guards,
                Output::Asked { body, reply } => {
                    self.asked[node].push(body.clone());
                    // The answer is the question, as often as there is room for it.
                    let copies = (reply.room() / body.len().max(1)).clamp(1, 2);
                    let now = self.moment_of(node);
                    self.nodes[node].answer(reply, &body.repeat(copies), now);
                }
                Output::Answered { request, from, body } => {
                    self.answers.insert((node, request), (self.now, from, body));
                }
                Output::Failed { request } => {
                    self.failed.insert((node, request));
                }
            }
        }
    }

    /// Lets so many milliseconds pass.
    pub(super) fn run(&mut self, millis: u64) {
        let end = self.now + millis;
        loop {
            if self.stale {
                self.tell();
            }
            let event = self.events.peek().map(|Reverse((at, ..))| *at);
            let ticks = self.nodes.iter().enumerate();
            let tick = ticks
                .filter(|(it, _)| !self.down.contains(it))
                .filter_map(|(it, node)| Some((node.deadline()?.max(self.now), it)))
                .min();
            match (event, tick) {
                (Some(at), tick) if at <= end && tick.is_none_or(|(due, _)| at <= due) => {
                    self.now = self.now.max(at);
                    let Reverse((.., id)) = self.events.pop().expect("it was there");
                    match self.waiting.remove(&id).expect("it waits") {
                        Event::Connect { a, b } => self.connect(a, b),
                        Event::Frame { from, to, frame } => {
                            if !self.down.contains(&to) {
                                self.inject(name(from), to, frame);
                            }
                        }
                    }
                }
                (_, Some((due, node))) if due <= end => {
                    self.now = due;
                    let now = self.moment_of(node);
                    self.nodes[node].handle(Input::Tick, now);
                    self.drain(node);
                }
                _ => break,
            }
        }
        self.now = end;
    }
}
