//! A hundred nodes in virtual time, on links that lose messages, cut in two for minutes: afterwards all have all.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use nonos_mesh::core::reconcile::{Answer, Ask, Limits, ORDER, Pace, Round, Serve, Summary};
use nonos_types::{Hasher, Kind, MessageId, Tag, Timestamp};

const NODES: usize = 100;
const NEIGHBOURS: usize = 4;
const START: u64 = 1_700_000_000;
/// When the halves are joined again, in seconds.
const HEAL: u64 = 300;
/// When the last message is made.
const LAST: u64 = 290;
/// Messages that one fetch brings.
const PAGE: usize = 256;

enum Dice {}

impl Tag for Dice {
    const DOMAIN: &'static str = "nonos/v1/test-swarm-dice";
}

/// Numbers that follow from a seed.
struct Rng {
    seed: u64,
    drawn: u64,
}

impl Rng {
    fn below(&mut self, bound: u64) -> u64 {
        self.drawn += 1;
        let digest = Hasher::<Dice>::new()
            .part(&self.seed.to_le_bytes())
            .part(&self.drawn.to_le_bytes())
            .finish();
        let [a, b, c, d, ..] = *digest.as_bytes();
        u64::from(u32::from_le_bytes([a, b, c, d])) % bound
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Tick,
    Made,
    Ask(usize, Vec<u8>),
    Answer(usize, Vec<u8>),
    Fetch(usize, Vec<MessageId>),
    Fetched(Vec<MessageId>),
}

/// What a node remembers of a neighbour.
struct Link {
    pace: Pace,
    serve: Serve,
    /// The round under way, and when it last moved.
    round: Option<(Round, u64)>,
    first: Kind,
}

struct Node {
    summary: Summary,
    links: BTreeMap<usize, Link>,
}

struct Swarm {
    rng: Rng,
    /// In thousandths, of all messages.
    loss: u64,
    /// In milliseconds.
    now: u64,
    numbered: u64,
    queue: BinaryHeap<Reverse<(u64, u64, usize, What)>>,
    nodes: Vec<Node>,
    made: BTreeMap<MessageId, Timestamp>,
    bytes: u64,
    largest_round: u64,
}

/// What a swarm came to.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// Seconds after the halves were joined until all had all; none if that did not happen within ten minutes.
    converged: Option<u64>,
    messages: usize,
    /// Of reconciliation, by all nodes.
    bytes: u64,
    largest_round: u64,
}

impl Swarm {
    fn new(seed: u64, loss: u64) -> Self {
        let mut rng = Rng { seed, drawn: 0 };
        let mut links = vec![BTreeSet::new(); NODES];
        for node in 0..NODES {
            // A ring, so that all are connected, and others at random.
            let others = (1..NEIGHBOURS).map(|_| rng.below(NODES as u64) as usize);
            for other in std::iter::once((node + 1) % NODES)
                .chain(others)
                .filter(|it| *it != node)
            {
                links[node].insert(other);
                links[other].insert(node);
            }
        }
        let link = |node: usize, other: usize| Link {
            pace: Pace::new(
                MessageId::hash(&[&[node as u8, other as u8], &seed.to_le_bytes()]).as_bytes(),
                time(0),
            ),
            serve: Serve::new(time(0)),
            round: None,
            first: ORDER[0],
        };
        let nodes = links.iter().enumerate().map(|(node, others)| Node {
            summary: Summary::new(Summary::MOST),
            links: others.iter().map(|other| (*other, link(node, *other))).collect(),
        });
        let mut swarm = Self {
            nodes: nodes.collect(),
            rng,
            loss,
            now: 0,
            numbered: 0,
            queue: BinaryHeap::new(),
            made: BTreeMap::new(),
            bytes: 0,
            largest_round: 0,
        };
        for node in 0..NODES {
            swarm.after(node as u64 * 7, node, What::Tick);
            swarm.after(500 + node as u64 * 11, node, What::Made);
        }
        swarm
    }

    fn after(&mut self, wait: u64, node: usize, what: What) {
        self.numbered += 1;
        self.queue
            .push(Reverse((self.now + wait, self.numbered, node, what)));
    }

    /// Even nodes are one half, odd ones the other.
    fn is_cut(&self, one: usize, other: usize) -> bool {
        self.now < HEAL * 1000 && one % 2 != other % 2
    }

    /// Sends over a link, which may lose it.
    fn send(&mut self, from: usize, to: usize, what: What) {
        if self.is_cut(from, to) || self.rng.below(1000) < self.loss {
            return;
        }
        let wait = 20 + self.rng.below(200);
        self.after(wait, to, what);
    }

    fn run(mut self) -> Outcome {
        let end = (HEAL + 600) * 1000;
        let mut converged = None;
        let mut healed = false;
        while let Some(Reverse((at, _, node, what))) = self.queue.pop() {
            self.now = at;
            if at >= HEAL * 1000 && !healed {
                healed = true;
                self.heal();
            }
            let brought = matches!(what, What::Fetched(_));
            self.handle(node, what);
            if healed
                && brought
                && self
                    .nodes
                    .iter()
                    .all(|it| it.summary.len(Kind::Receipt) == self.made.len())
            {
                converged = Some((self.now - HEAL * 1000).div_ceil(1000));
                break;
            }
            if self.now > end {
                break;
            }
        }
        Outcome {
            converged,
            messages: self.made.len(),
            bytes: self.bytes,
            largest_round: self.largest_round,
        }
    }

    fn heal(&mut self) {
        let now = time(self.now);
        for (one, node) in self.nodes.iter_mut().enumerate() {
            for (other, link) in &mut node.links {
                if one % 2 != other % 2 {
                    link.pace.reconnected(now);
                }
            }
        }
    }

    fn handle(&mut self, node: usize, what: What) {
        match what {
            What::Tick => {
                self.tick(node);
                self.after(500, node, What::Tick);
            }
            What::Made => {
                let id = MessageId::hash(&[&self.numbered.to_le_bytes(), b"made"]);
                let at = time(self.now);
                self.made.insert(id, at);
                self.nodes[node].summary.insert_name(Kind::Receipt, at, id);
                if self.now < LAST * 1000 {
                    let wait = 3000 + self.rng.below(6000);
                    self.after(wait, node, What::Made);
                }
            }
            What::Ask(from, bytes) => {
                let me = &mut self.nodes[node];
                let link = me.links.get_mut(&from).expect("a neighbour");
                let ask = Ask::from_bytes(&bytes).expect("sound");
                match link.serve.answer(&me.summary, &ask, time(self.now)) {
                    Ok(answer) => self.send(node, from, What::Answer(node, answer.to_bytes())),
                    Err(error) => panic!("an honest peer is refused: {error}"),
                }
            }
            What::Answer(from, bytes) => self.heard(node, from, &bytes),
            What::Fetch(from, ids) => {
                // It gives what it has, a page at a time.
                let has = |id: &MessageId| {
                    self.nodes[node]
                        .summary
                        .contains(Kind::Receipt, self.made[id], *id)
                };
                let ids = ids.into_iter().filter(has).collect();
                self.send(node, from, What::Fetched(ids));
            }
            What::Fetched(ids) => {
                for id in ids {
                    self.nodes[node]
                        .summary
                        .insert_name(Kind::Receipt, self.made[&id], id);
                }
            }
        }
    }

    fn tick(&mut self, node: usize) {
        let now = time(self.now);
        let others: Vec<_> = self.nodes[node].links.keys().copied().collect();
        for other in others {
            let (cut, millis) = (self.is_cut(node, other), self.now);
            let Node { summary, links } = &mut self.nodes[node];
            let link = links.get_mut(&other).expect("a neighbour");
            match &link.round {
                Some((round, moved)) if millis - moved > 10_000 => {
                    link.first = round.resume_at().unwrap_or(ORDER[0]);
                    link.round = None;
                    link.pace.failed(now);
                }
                None if link.pace.due() <= now && !cut => {
                    let (round, ask) = Round::begin(summary, link.first, now);
                    link.round = Some((round, millis));
                    link.pace.began(now);
                    self.ask(node, other, &ask);
                }
                _ => {}
            }
        }
    }

    fn ask(&mut self, node: usize, other: usize, ask: &Ask) {
        let bytes = ask.to_bytes();
        self.bytes += bytes.len() as u64;
        self.send(node, other, What::Ask(node, bytes));
    }

    fn heard(&mut self, node: usize, from: usize, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        let now = self.now;
        let Node { summary, links } = &mut self.nodes[node];
        let link = links.get_mut(&from).expect("a neighbour");
        // An answer that comes after its round was given up.
        let Some((mut round, _)) = link.round.take() else {
            return;
        };
        let answer = Answer::from_bytes(bytes).expect("sound");
        let Ok(heard) = round.hear(summary, &answer) else {
            link.pace.failed(time(now));
            return;
        };
        let spent = Limits::ROUND.get() - round.left().get();
        self.largest_round = self.largest_round.max(spent);
        match &heard.ask {
            Some(_) => link.round = Some((round, now)),
            None => link.first = round.resume_at().unwrap_or(ORDER[0]),
        }
        for page in heard.found.need.chunks(PAGE) {
            self.send(node, from, What::Fetch(node, page.to_vec()));
        }
        if let Some(ask) = heard.ask {
            self.ask(node, from, &ask);
        }
    }
}

fn time(millis: u64) -> Timestamp {
    Timestamp::new(START + millis / 1000)
}

#[expect(clippy::print_stdout, reason = "the figures are worth knowing")]
fn swarm(seed: u64, loss: u64, within: u64) {
    let outcome = Swarm::new(seed, loss).run();
    println!("seed {seed}, {NODES} nodes, loss {loss} ‰: {outcome:?}");
    let converged = outcome.converged;
    assert!(
        converged.is_some_and(|it| it <= within),
        "seed {seed}: {outcome:?}"
    );
    assert!(
        outcome.messages > 3000 && outcome.largest_round <= Limits::ROUND.get(),
        "seed {seed}: {outcome:?}"
    );
}

#[test]
fn after_a_partition_a_hundred_nodes_have_the_union_within_a_minute() {
    for seed in 1..=2 {
        swarm(seed, 0, 60);
    }
}

#[test]
fn after_a_partition_they_have_it_within_seven_minutes_when_links_lose_a_tenth() {
    // A round asks at least once for each kind, and an answer that is lost ends it.
    for seed in 4..=5 {
        swarm(seed, 100, 420);
    }
}

#[test]
fn the_same_seed_has_the_same_outcome() {
    assert_eq!(Swarm::new(7, 100).run(), Swarm::new(7, 100).run());
}
