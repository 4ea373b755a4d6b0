//! The machine: what comes in, what goes out, and when.

mod attempt;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use nonos_types::{NodeId, OnionKey, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::{
    Anonymity, Ask, Counts, Cover, Frame, Guards, Hiding, Mix, NotHidden, Refused, Reply, RequestId,
    Settings,
    fragment::{Assembler, Content, Fragment},
    health::Health,
    keys::{Keys, Period},
    mixer::{Mixer, Outgoing},
    packet::{self, Hop, Opened},
    requests::{self, Requests},
    route::{self, Ends},
};
use crate::core::{Recent, budget::Bucket};

/// A point in time: by the calendar, and in milliseconds of a clock that is never set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the calendar, of which keys depend.
    pub time: Timestamp,
    /// Of a clock that is never set.
    pub millis: u64,
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// Who may be hops of this node's routes from now on.
    Mixes(Vec<Mix>),
    /// A neighbour is connected.
    Connected(NodeId),
    /// It no longer is.
    Disconnected(NodeId),
    /// A frame came from a neighbour.
    Frame {
        /// The neighbour.
        from: NodeId,
        /// The frame.
        frame: Frame,
    },
    /// The time came that [`Onion::deadline`] says.
    Tick,
}

/// What is to be done.
#[derive(Debug)]
pub enum Output {
    /// Send a frame to a neighbour.
    Send {
        /// The neighbour.
        to: NodeId,
        /// The frame.
        frame: Frame,
    },
    /// Connect to a node for which frames wait.
    Dial(NodeId),
    /// Tell others the keys of this node.
    Announce(Vec<OnionKey>),
    /// Keep the guards for the next start.
    Keep(Guards),
    /// Somebody asks. Answer with [`Onion::answer`]; the same question may come twice.
    Asked {
        /// What.
        body: Vec<u8>,
        /// Where the answer goes.
        reply: Reply,
    },
    /// An answer came.
    Answered {
        /// To which question.
        request: RequestId,
        /// From whom.
        from: NodeId,
        /// The answer.
        body: Vec<u8>,
    },
    /// No answer came in time, at any attempt.
    Failed {
        /// To which question.
        request: RequestId,
    },
}

/// A node's place in the onion layer; see [the module](super).
///
/// ```
/// use nonos_mesh::core::onion::{Hiding, Moment, Onion, Output, Settings};
/// use nonos_types::{NodeId, Timestamp};
///
/// let now = Moment { time: Timestamp::new(1_800_000_000), millis: 0 };
/// let mut onion = Onion::new(NodeId::from_bytes([7; 32]), Settings::default(), Default::default(), [9; 32], now);
/// let Some(Output::Announce(keys)) = onion.poll() else { panic!("others need its keys") };
/// assert_eq!(keys.len(), 2); // of this period and the next
/// assert!(matches!(onion.anonymity(now).hiding, Hiding::Not(_))); // it knows nobody yet
/// ```
pub struct Onion {
    me: NodeId,
    settings: Settings,
    rng: ChaCha20Rng,
    keys: Keys,
    own: Vec<OnionKey>,
    mixes: Vec<Mix>,
    connected: BTreeSet<NodeId>,
    guards: Guards,
    neighbours: Recent<NodeId, Bucket>,
    /// Frames of others, held for the time that their senders drew.
    mixer: Mixer,
    /// Frames of this node that say something, and of which question.
    queue: VecDeque<(Outgoing, Option<RequestId>)>,
    /// When the next frame of this node goes out, with or without something to say.
    emission: Option<u64>,
    /// Frames whose next hop is being dialled, and when they are lost.
    dialling: BTreeMap<NodeId, (u64, Vec<Frame>)>,
    incoming: Assembler,
    requests: Requests,
    /// Frames that went around of late and are not back: when they are lost, and by which nodes they went.
    around: BTreeMap<u64, (u64, BTreeSet<NodeId>)>,
    health: Health,
    /// Of the last of those, whether they came back.
    back: VecDeque<bool>,
    counts: Counts,
    outputs: VecDeque<Output>,
}

impl Onion {
    /// Frames of others that are held at a time.
    const MOST_HELD: usize = 1024;
    /// Frames of this node that wait to be sent.
    const MOST_QUEUED: usize = 256;
    /// Frames that wait for a connection, in all, and for how long.
    const MOST_DIALLING: usize = 256;
    const DIAL: u64 = 10_000;
    /// Messages that are put together at a time.
    const MOST_INCOMPLETE: usize = 256;
    /// Questions that wait for answers.
    const MOST_REQUESTS: usize = 64;
    /// Neighbours whose budgets are remembered.
    const NEIGHBOURS: usize = 1024;
    /// With fewer mixes, two nodes are a route.
    const ENOUGH: usize = 4;
    /// Frames that went around and are counted.
    const AROUNDS: usize = 100;

    /// A machine that knows nobody. `seed` must be another each time it is started, and known to nobody else: its keys
    /// follow from it. Settings out of range are brought into it.
    pub fn new(me: NodeId, mut settings: Settings, guards: Guards, seed: [u8; 32], now: Moment) -> Self {
        settings.hops = settings.hops.clamp(2, Settings::MOST_HOPS);
        settings.attempts = settings.attempts.max(1);
        settings.of_key = settings.of_key.max(1);
        let mut it = Self {
            me,
            settings,
            rng: ChaCha20Rng::from_seed(seed),
            keys: Keys::default(),
            own: vec![],
            mixes: vec![],
            connected: BTreeSet::new(),
            guards,
            neighbours: Recent::new(Self::NEIGHBOURS),
            mixer: Mixer::new(Self::MOST_HELD),
            queue: VecDeque::new(),
            emission: None,
            dialling: BTreeMap::new(),
            incoming: Assembler::new(Self::MOST_INCOMPLETE),
            requests: Requests::default(),
            around: BTreeMap::new(),
            health: Health::default(),
            back: VecDeque::new(),
            counts: Counts::default(),
            outputs: VecDeque::new(),
        };
        it.schedule(now.millis);
        it.advance(now);
        it
    }

    /// Says what happened.
    pub fn handle(&mut self, input: Input, now: Moment) {
        match input {
            Input::Mixes(mixes) => {
                self.mixes = mixes;
                self.update_guards(now);
            }
            Input::Connected(peer) => {
                self.connected.insert(peer);
                for frame in self
                    .dialling
                    .remove(&peer)
                    .into_iter()
                    .flat_map(|(_, frames)| frames)
                {
                    self.outputs.push_back(Output::Send { to: peer, frame });
                }
                self.update_guards(now);
            }
            Input::Disconnected(peer) => {
                self.connected.remove(&peer);
                self.update_guards(now);
            }
            Input::Frame { from, frame } => {
                self.counts.received += 1;
                if let Err(refused) = self.receive(from, &frame, now) {
                    *self.counts.refused.entry(refused).or_default() += 1;
                }
            }
            Input::Tick => {}
        }
        self.advance(now);
    }

    /// Asks without being seen.
    ///
    /// # Errors
    /// [`NotHidden`]: nothing was sent.
    pub fn ask(&mut self, ask: Ask, now: Moment) -> Result<RequestId, NotHidden> {
        let len = requests::joined_len(Fragment::count(ask.longest_answer), ask.body.len());
        if len > Fragment::LONGEST || Fragment::count(ask.longest_answer) > Fragment::MOST {
            let most = Fragment::LONGEST;
            return Err(NotHidden::TooLong { len, most });
        }
        if self.requests.len() >= Self::MOST_REQUESTS {
            return Err(NotHidden::Congested);
        }
        let id = self.requests.begin(ask, self.settings.attempts);
        let begun = self.attempt(id, now);
        if begun.is_err() {
            self.requests.end(id);
        }
        self.advance(now);
        begun.map(|()| id)
    }

    /// Answers a question. `false` if the answer is longer than there is room for: then nothing is sent.
    pub fn answer(&mut self, reply: Reply, body: &[u8], now: Moment) -> bool {
        let fits = Fragment::count(body.len()) <= reply.blocks.len()
            && self.queue.len() + reply.blocks.len() <= Self::MOST_QUEUED;
        if fits {
            let contents = Fragment::all(self.name(), body);
            for (block, content) in reply.blocks.into_iter().zip(contents) {
                if let Some((to, frame)) = packet::reply(block, reply.head, &content) {
                    self.queue(Outgoing { to, frame }, None, now);
                }
            }
            self.advance(now);
        }
        fits
    }

    /// What is to be done; ask until there is nothing.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to say [`Input::Tick`], in milliseconds, if nothing happens before.
    pub fn deadline(&self) -> Option<u64> {
        let dialling = self.dialling.values().map(|(until, _)| *until).min();
        [self.mixer.due(), self.emission, dialling, self.requests.due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// How well this node is hidden.
    pub fn anonymity(&self, now: Moment) -> Anonymity {
        let back = self.back.iter().filter(|back| **back).count();
        let counted = |it: usize| u32::try_from(it).expect("at most a hundred");
        Anonymity {
            hiding: self.hiding(now),
            mixes: self.mixes.len(),
            unconfirmed: self.mixes.iter().filter(|mix| !mix.confirmed).count(),
            introducers_apart: self.mixes.iter().all(|mix| mix.introducer.is_some()),
            guards: self.entries().len(),
            cover: self.settings.cover != Cover::Metered,
            around: (counted(self.back.len()), counted(back)),
            counts: self.counts.clone(),
        }
    }

    /// How far a question would be hidden now.
    pub fn hiding(&self, now: Moment) -> Hiding {
        // What is drawn here is not what will be drawn.
        let mut rng = self.rng.clone();
        let guards = self.entries();
        let (hops, period) = (self.most_hops(), Period::of(now.time));
        let fits = |hops: &usize| {
            let among = Ends {
                first: Some(&guards),
                ..Ends::default()
            };
            route::draw(&mut rng, &self.mixes, &self.health, period, *hops, among).is_some()
        };
        match (2..=hops).rev().find(fits) {
            Some(hops) if hops == self.settings.hops => Hiding::Full,
            Some(hops) => Hiding::Fewer { hops },
            None => Hiding::Not(self.why_not(2)),
        }
    }

    fn why_not(&self, needed: usize) -> NotHidden {
        if self.mixes.len() >= needed && self.entries().is_empty() {
            return NotHidden::NoGuard;
        }
        NotHidden::TooFewMixes {
            known: self.mixes.len(),
            needed: if needed > 2 {
                needed.max(Self::ENOUGH)
            } else {
                needed
            },
        }
    }

    /// With few mixes a longer route hides no better: all of them are on each.
    fn most_hops(&self) -> usize {
        if self.mixes.len() < Self::ENOUGH {
            2
        } else {
            self.settings.hops
        }
    }

    /// Guards that frames can enter by now.
    fn entries(&self) -> BTreeSet<NodeId> {
        let mut entries = self.guards.usable(&self.connected);
        entries.retain(|node| self.mixes.iter().any(|mix| mix.node == *node));
        entries
    }

    fn update_guards(&mut self, now: Moment) {
        let period = Period::of(now.time);
        let changed = self
            .guards
            .update(&mut self.rng, &self.mixes, &self.connected, period, now.time);
        if changed {
            self.outputs.push_back(Output::Keep(self.guards.clone()));
        }
    }

    fn receive(&mut self, from: NodeId, frame: &Frame, now: Moment) -> Result<(), Refused> {
        let rate = self.settings.of_neighbour;
        let bucket = self.neighbours.entry(from, || Bucket::new(rate, now.time));
        if !bucket.take_pieces(1, now.time) {
            return Err(Refused::TooMany);
        }
        match packet::open(&mut self.keys, self.me, frame, self.settings.of_key)? {
            Opened::Onward { to, frame, delay } => {
                self.counts.forwarded += 1;
                let due = now.millis.saturating_add(millis(delay));
                if !self.mixer.hold(Outgoing { to, frame }, due) {
                    self.counts.lost += 1;
                }
            }
            Opened::Message { head, plaintext } => {
                self.counts.ended += 1;
                match Content::read(&plaintext).ok_or(Refused::Payload)? {
                    Content::Cover => {}
                    Content::Loop(number) => {
                        if let Some((_, nodes)) = self.around.remove(&number) {
                            self.went_around(&nodes, true);
                        }
                    }
                    Content::Fragment(fragment) => {
                        if let Some(message) = self.incoming.take(fragment, now.millis) {
                            let (reply, body) = requests::split(head, &message).ok_or(Refused::Payload)?;
                            self.outputs.push_back(Output::Asked { body, reply });
                        }
                    }
                }
            }
            Opened::Sealed { identifier, payload } => {
                self.counts.ended += 1;
                let taken = self.requests.take(identifier, payload, now.millis);
                if let Some((request, from, body)) = taken.ok_or(Refused::Payload)? {
                    if let Some(request) = self.requests.end(request) {
                        self.health.passed(&request.nodes);
                    }
                    self.counts.answered += 1;
                    self.outputs.push_back(Output::Answered { request, from, body });
                }
            }
        }
        Ok(())
    }

    /// Does what is due.
    fn advance(&mut self, now: Moment) {
        if self.keys.advance(&mut self.rng, now.time, self.settings.of_key) {
            self.own = self.keys.announced();
            self.outputs.push_back(Output::Announce(self.own.clone()));
        }
        while let Some(outgoing) = self.mixer.release(now.millis) {
            self.pass(outgoing, now);
        }
        // After a sleep, what was not sent in it is not sent at once.
        if self
            .emission
            .is_some_and(|at| at.saturating_add(5_000) < now.millis)
        {
            self.emission = Some(now.millis);
        }
        while let Some(at) = self.emission.filter(|at| *at <= now.millis) {
            self.emission = None;
            self.emit(now);
            self.schedule(at);
        }
        for id in self.requests.overdue(now.millis) {
            self.retry(id, now);
        }
        let lost = self.dialling.extract_if(.., |_, (until, _)| *until <= now.millis);
        self.counts.lost += lost.map(|(_, (_, frames))| frames.len() as u64).sum::<u64>();
        let over: Vec<_> = (self.around)
            .extract_if(.., |_, (until, _)| *until <= now.millis)
            .collect();
        for (_, (_, nodes)) in over {
            self.went_around(&nodes, false);
        }
        self.health.advance(now.millis);
        self.incoming.expire(now.millis);
    }

    /// Draws when the next frame of this node goes out.
    fn schedule(&mut self, from: u64) {
        let pace = match self.settings.cover.interval() {
            Some(interval) => interval,
            None if self.queue.is_empty() => return,
            None => self.settings.cover.pace(),
        };
        if self.emission.is_none() {
            let wait = packet::exponential(&mut self.rng, pace);
            self.emission = Some(from.saturating_add(millis(wait)));
        }
    }

    /// Sends what waits, or else something that looks like it.
    fn emit(&mut self, now: Moment) {
        if let Some((outgoing, request)) = self.queue.pop_front() {
            self.counts.own += 1;
            if let Some(request) = request.and_then(|id| self.requests.get_mut(id)) {
                let frames = Fragment::count(request.ask.longest_answer);
                let timeout = self.settings.timeout(u32::try_from(frames).expect("at most 25"));
                request.unsent = request.unsent.saturating_sub(1);
                if request.unsent == 0 {
                    request.until = Some(now.millis.saturating_add(millis(timeout)));
                }
            }
            self.pass(outgoing, now);
        } else if let Some(outgoing) = self.cover(now) {
            self.counts.cover += 1;
            self.pass(outgoing, now);
        }
    }

    /// A frame that says nothing, to anybody or around.
    fn cover(&mut self, now: Moment) -> Option<Outgoing> {
        let period = Period::of(now.time);
        let around = self.rng.next_u32() % 100 < u32::from(Cover::LOOPS_PERCENT);
        let guards = self.entries();
        let ends = Ends {
            first: Some(&guards),
            end: around
                .then(|| packet::own_hop(self.me, &self.own, period))
                .flatten(),
            ..Ends::default()
        };
        let hops = self.most_hops() + usize::from(around);
        let route = (2..=hops)
            .rev()
            .find_map(|hops| route::draw(&mut self.rng, &self.mixes, &self.health, period, hops, ends))?;
        let content = if around {
            let number = self.rng.next_u64();
            let until = now.millis.saturating_add(millis(self.settings.timeout(1)));
            let nodes = route.iter().map(|hop| hop.node).collect();
            self.around.insert(number, (until, nodes));
            Content::going_around(number)
        } else {
            Content::cover()
        };
        Some(self.wrap(&route, period, &content))
    }

    fn went_around(&mut self, nodes: &BTreeSet<NodeId>, back: bool) {
        if back {
            self.health.passed(nodes);
        } else {
            self.health.lost(nodes);
        }
        self.back.push_back(back);
        if self.back.len() > Self::AROUNDS {
            self.back.pop_front();
        }
    }

    fn wrap(&mut self, route: &[Hop], period: Period, content: &[u8]) -> Outgoing {
        let frame = packet::wrap(&mut self.rng, route, period, self.settings.mean_delay, content);
        Outgoing {
            to: route[0].node,
            frame,
        }
    }

    fn queue(&mut self, outgoing: Outgoing, request: Option<RequestId>, now: Moment) {
        self.queue.push_back((outgoing, request));
        self.schedule(now.millis);
    }

    /// Gives a frame to its next hop, or waits for a connection to it if it is a node that is known.
    fn pass(&mut self, Outgoing { to, frame }: Outgoing, now: Moment) {
        if self.connected.contains(&to) {
            self.outputs.push_back(Output::Send { to, frame });
            return;
        }
        let waiting: usize = self.dialling.values().map(|(_, frames)| frames.len()).sum();
        let known = self.mixes.iter().any(|mix| mix.node == to);
        if !known || waiting >= Self::MOST_DIALLING {
            self.counts.lost += 1;
            return;
        }
        let (_, frames) = self.dialling.entry(to).or_insert_with(|| {
            self.outputs.push_back(Output::Dial(to));
            (now.millis.saturating_add(Self::DIAL), vec![])
        });
        frames.push(frame);
    }

    fn name(&mut self) -> [u8; 16] {
        let mut name = [0; 16];
        self.rng.fill_bytes(&mut name);
        name
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
