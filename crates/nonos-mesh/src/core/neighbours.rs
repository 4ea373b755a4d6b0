//! Whom a node is connected to of its own accord, so that nobody else decides what it hears.

mod place;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use nonos_types::{NodeId, Shards};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::{Prefix, Redial};

use self::place::{Have, Want};

/// Who made a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// This node dialled.
    Outbound,
    /// The peer did.
    Inbound,
}

/// What is known of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Regard {
    /// Nothing good, or next to nothing at all.
    Newcomer,
    /// It has done what it should, for a while.
    Known,
    /// It has done so for long.
    Trusted,
}

/// A peer that is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Who.
    pub peer: NodeId,
    /// Who dialled.
    pub way: Way,
    /// Where it is, as far as others should not be there, too.
    pub prefix: Option<Prefix>,
    /// The shards of which it hears everything, whatever it announces.
    pub shards: Shards,
    /// What is known of it.
    pub regard: Regard,
    /// Since when, in milliseconds of the clock that [`Neighbours::moves`] is called by.
    pub since_ms: u64,
    /// When something last came from it that was of use.
    pub served_ms: u64,
    /// It is not let go: the operator wants it, or there is work under way with it.
    pub held: bool,
}

/// A node that could be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub peer: NodeId,
    /// Where it says it is, as far as others should not be there, too.
    pub prefix: Option<Prefix>,
    /// The shards that it announces.
    pub shards: Shards,
    /// What is known of it.
    pub regard: Regard,
    /// How good that is, in millionths.
    pub trust_ppm: u32,
    /// Seconds since it last said that it is there.
    pub age_s: u64,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Dial this one.
    Dial(NodeId),
    /// End the connection to this one. It has done nothing wrong.
    LetGo(NodeId),
}

/// How many connections a node makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// In all.
    pub outbound: usize,
    /// Of them to nodes that are trusted, if there are any; beyond all others, if need be.
    pub trusted: usize,
    /// Of them to newcomers, who would never be known otherwise; likewise.
    pub newcomers: usize,
    /// The shards that this node hears, for each of which it has so many connections, and so many that it made itself, one
    /// of them to a newcomer; if there are any, and beyond all others, if need be.
    pub shards: Shards,
    /// Connections to nodes that hear a shard, whoever made them.
    pub of_shard: usize,
    /// Of them made by this node.
    pub outbound_of_shard: usize,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            outbound: 8,
            trusted: 2,
            newcomers: 1,
            shards: Shards::ALL,
            of_shard: 3,
            outbound_of_shard: 2,
        }
    }
}

/// Decides whom to dial and whom to let go.
///
/// Peers that dial this node do not count, but for one of each shard: whoever wants to surround it can dial as often as it likes. Those that it dials it draws by lot
/// among all it knows of, by trust and by how long ago they were heard of. Where one is, no second one is dialled as long as there are
/// others elsewhere, and all in one place have the chance of one: many names in one place are no better than one.
///
/// ```
/// use nonos_mesh::core::{Candidate, Move, Neighbours, Prefix, Regard, Wish};
/// use nonos_types::{NodeId, Shards};
///
/// let in_one_place = |seed| Candidate {
///     peer: NodeId::from_bytes([seed; 32]),
///     prefix: Some(Prefix::V4([192, 0, 2])),
///     shards: Shards::ALL,
///     regard: Regard::Newcomer,
///     trust_ppm: 300_000,
///     age_s: 60,
/// };
/// let elsewhere = Candidate { prefix: Some(Prefix::V4([198, 51, 100])), ..in_one_place(9) };
/// let candidates = [in_one_place(1), in_one_place(2), elsewhere];
/// let wish = Wish { outbound: 2, of_shard: 2, ..Wish::default() };
/// let mut neighbours = Neighbours::new(wish, &[7; 32]);
/// let moves = neighbours.moves(&[], &candidates, 0);
/// assert_eq!(moves.len(), 2);
/// assert!(moves.contains(&Move::Dial(elsewhere.peer)));
/// ```
#[derive(Clone, Debug)]
pub struct Neighbours {
    wish: Wish,
    seed: [u8; 32],
    rng: ChaCha8Rng,
    tried: BTreeMap<NodeId, Tried>,
    let_go_ms: Option<u64>,
}

/// A node that was dialled, or was connected, and is not.
#[derive(Clone, Debug)]
struct Tried {
    redial: Redial,
    due_ms: u64,
    /// Until when it may still answer.
    until_ms: u64,
    /// It was connected.
    lost: bool,
    prefix: Option<Prefix>,
    shards: Shards,
    regard: Regard,
}

impl Neighbours {
    /// Most nodes of which it is remembered when they were dialled.
    pub const MOST: usize = 512;
    /// Milliseconds for which a node that was dialled counts as one that will be connected.
    const DIALLING_MS: u64 = 5_000;
    /// Milliseconds for which a connection is kept in any case, and for which one that is not needed may serve nothing.
    const IDLE_MS: u64 = 10 * 60 * 1000;
    /// Milliseconds between two that are let go.
    const PAUSE_MS: u64 = 60_000;

    /// Knows nobody. `seed` should be another for each node and start, and known to nobody else.
    pub fn new(wish: Wish, seed: &[u8; 32]) -> Self {
        Self {
            wish,
            seed: *seed,
            rng: ChaCha8Rng::from_seed(*seed),
            tried: BTreeMap::new(),
            let_go_ms: None,
        }
    }

    /// These are the shards that the node hears from now on.
    pub fn hear(&mut self, shards: Shards) {
        self.wish.shards = shards;
    }

    /// A peer is connected. If it had been lost, whatever parted the nodes is over, and others may be found again, too.
    pub fn connected(&mut self, peer: NodeId, now_ms: u64) {
        if self.tried.remove(&peer).is_some_and(|it| it.lost) {
            for it in self.tried.values_mut() {
                it.redial.succeeded();
                it.due_ms = it.due_ms.min(now_ms);
            }
        }
    }

    /// It no longer is.
    pub fn lost(&mut self, peer: NodeId, now_ms: u64) {
        let mut it = self.take(peer);
        (it.until_ms, it.lost) = (now_ms, true);
        it.wait(now_ms);
        self.remember(peer, it);
    }

    /// A node is dialled for another reason; it counts.
    pub fn dialled(&mut self, candidate: &Candidate, now_ms: u64) {
        let mut it = self.take(candidate.peer);
        it.until_ms = now_ms.saturating_add(Self::DIALLING_MS);
        (it.prefix, it.shards, it.regard) = (candidate.prefix, candidate.shards, candidate.regard);
        it.wait(now_ms);
        self.remember(candidate.peer, it);
    }

    /// Was it dialled a moment ago?
    pub fn is_dialling(&self, peer: NodeId, now_ms: u64) -> bool {
        self.tried.get(&peer).is_some_and(|it| it.until_ms > now_ms)
    }

    /// Could somebody be wanted, now that these are connected? If not, there is no need to look for candidates.
    pub fn wants(&self, links: &[Link], now_ms: u64) -> bool {
        let have = Have::of(links, &self.tried, now_ms);
        have.outbound < self.wish.outbound
            || have.trusted < self.wish.trusted
            || have.newcomers < self.wish.newcomers
            || self
                .wish
                .shards
                .iter()
                .any(|shard| have.lacks_of(self.wish, shard))
            || have.is_crowded()
    }

    /// What to do, with these peers connected and these nodes known.
    pub fn moves(&mut self, links: &[Link], candidates: &[Candidate], now_ms: u64) -> Vec<Move> {
        let connected: BTreeSet<NodeId> = links.iter().map(|it| it.peer).collect();
        let mut have = Have::of(links, &self.tried, now_ms);
        let is_due = |it: &Candidate| {
            self.tried
                .get(&it.peer)
                .is_none_or(|tried| tried.due_ms <= now_ms)
        };
        let mut left: Vec<Candidate> = (candidates.iter())
            .filter(|it| !connected.contains(&it.peer) && is_due(it))
            .copied()
            .collect();
        let mut moves = Vec::new();
        // Those that are dialled already, and have not answered, are dialled again without taking the place of another.
        left.retain(|it| {
            let dialling = self.is_dialling(it.peer, now_ms);
            if dialling {
                self.dialled(it, now_ms);
                moves.push(Move::Dial(it.peer));
            }
            !dialling
        });
        while let Some(want) = have.lacks(self.wish, &left) {
            let Some(index) = self.draw(&left, &have, want) else {
                break;
            };
            let chosen = left.swap_remove(index);
            self.dialled(&chosen, now_ms);
            have.add(chosen.prefix, chosen.shards, chosen.regard);
            moves.push(Move::Dial(chosen.peer));
        }
        if let Some(peer) = self.let_go(links, &left, &have, now_ms) {
            self.let_go_ms = Some(now_ms);
            moves.push(Move::LetGo(peer));
        }
        moves
    }

    /// One by lot, of those that are wanted.
    fn draw(&mut self, left: &[Candidate], have: &Have, want: Want) -> Option<usize> {
        let fits = |it: &Candidate| want.is(it);
        let is_new = |it: &Candidate| {
            it.prefix
                .is_none_or(|prefix| !have.prefixes.contains_key(&prefix))
        };
        let elsewhere = left.iter().any(|it| fits(it) && is_new(it));
        let mut of_prefix = BTreeMap::<Prefix, u64>::new();
        for prefix in left.iter().filter(|it| fits(it)).filter_map(|it| it.prefix) {
            *of_prefix.entry(prefix).or_default() += 1;
        }
        let weight = |it: &Candidate| {
            if !fits(it) || elsewhere && !is_new(it) {
                return 0;
            }
            let share = it.prefix.map_or(1, |prefix| of_prefix[&prefix]);
            (it.weight() / share).max(1)
        };
        let all: u64 = left.iter().map(weight).sum();
        if all == 0 {
            return None;
        }
        let mut ticket = self.rng.next_u64() % all;
        left.iter().position(|it| {
            let weight = weight(it);
            let drawn = ticket < weight;
            ticket = ticket.saturating_sub(weight);
            drawn
        })
    }

    /// One that is not needed: beyond what is wished and of no use, or where another is while there are others elsewhere.
    fn let_go(&self, links: &[Link], left: &[Candidate], have: &Have, now_ms: u64) -> Option<NodeId> {
        let over = |since: u64, ms: u64| now_ms.saturating_sub(since) >= ms;
        if self.let_go_ms.is_some_and(|at| !over(at, Self::PAUSE_MS)) {
            return None;
        }
        let old = (links.iter())
            .filter(|it| it.way == Way::Outbound && !it.held && over(it.since_ms, Self::IDLE_MS));
        let is_crowded = |it: &Link| it.prefix.is_some_and(|prefix| have.prefixes[&prefix] > 1);
        let elsewhere = || {
            (left.iter()).any(|it| {
                it.prefix
                    .is_some_and(|prefix| !have.prefixes.contains_key(&prefix))
            })
        };
        let goes = |it: &&Link| {
            let idle = over(it.served_ms, Self::IDLE_MS);
            (have.outbound > self.wish.outbound && idle) || (is_crowded(it) && elsewhere())
        };
        // Nor one without which too few of a shard would be left, unless another of it is to be had that is better.
        let lacked = |it: &Link| -> Shards {
            let shards = (self.wish.shards & it.shards).iter();
            shards
                .filter(|shard| have.needs(self.wish, *shard, it.regard))
                .collect()
        };
        let spared = |it: &&Link| {
            let lacked = lacked(it);
            let takes_over = |other: &Candidate| {
                let is_elsewhere = other
                    .prefix
                    .is_some_and(|prefix| !have.prefixes.contains_key(&prefix));
                other.shards.includes(lacked) && is_elsewhere && other.regard == it.regard
            };
            lacked.is_empty() || is_crowded(it) && left.iter().any(takes_over)
        };
        // Where two of a sort are needed, neither of them goes.
        let spare = |it: &&Link| match it.regard {
            Regard::Trusted => have.trusted > self.wish.trusted,
            Regard::Known => true,
            Regard::Newcomer => have.newcomers > self.wish.newcomers,
        };
        let worst = |it: &&Link| (it.regard, Reverse(is_crowded(it)), Reverse(it.since_ms));
        old.filter(goes)
            .filter(spare)
            .filter(spared)
            .min_by_key(worst)
            .map(|it| it.peer)
    }

    fn take(&mut self, peer: NodeId) -> Tried {
        self.tried.remove(&peer).unwrap_or_else(|| {
            let mut seed = self.seed;
            for (byte, other) in seed.iter_mut().zip(peer.as_bytes()) {
                *byte ^= other.rotate_left(1);
            }
            Tried {
                redial: Redial::new(&seed),
                due_ms: 0,
                until_ms: 0,
                lost: false,
                prefix: None,
                shards: Shards::NONE,
                regard: Regard::Newcomer,
            }
        })
    }

    /// Who has waited least gives way: of who was tried often it is remembered.
    fn remember(&mut self, peer: NodeId, it: Tried) {
        if self.tried.len() >= Self::MOST {
            let first = self.tried.iter().min_by_key(|(_, it)| it.due_ms);
            if let Some(first) = first.map(|(peer, _)| *peer) {
                self.tried.remove(&first);
            }
        }
        self.tried.insert(peer, it);
    }
}

impl Tried {
    /// Longer each time.
    fn wait(&mut self, now_ms: u64) {
        let wait = u64::try_from(self.redial.after_failure().as_millis()).expect("a minute at most");
        self.due_ms = now_ms.saturating_add(wait);
    }
}

impl Candidate {
    /// As likely as it is trusted, and the less the longer nothing was heard of it: a quarter after a day.
    fn weight(&self) -> u64 {
        let hour = 60 * 60;
        let fresh = 24_u64.saturating_sub(self.age_s / hour).max(6);
        u64::from(self.trust_ppm.max(1)) * fresh
    }
}

/// A peer that has dialled this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guest<T> {
    /// The connection.
    pub id: T,
    /// What is thought of the peer; more is better.
    pub weight: i32,
    /// Where it dialled from.
    pub prefix: Option<Prefix>,
    /// A number that is the greater the later it came.
    pub number: u64,
}

/// Of those that dialled, being too many, the one that gives way: of the least weight, of these where most are, of these the last one.
///
/// ```
/// use nonos_mesh::core::{Guest, Prefix, gives_way};
///
/// let guest = |id, weight, net, number| Guest { id, weight, prefix: Some(Prefix::V4([net; 3])), number };
/// let guests = [guest("a", 0, 1, 0), guest("b", 0, 1, 1), guest("c", 5, 1, 2), guest("d", 0, 2, 3)];
/// assert_eq!(gives_way(&guests), Some("b"));
/// ```
pub fn gives_way<T: Copy>(guests: &[Guest<T>]) -> Option<T> {
    let mut of_prefix = BTreeMap::<Prefix, usize>::new();
    for prefix in guests.iter().filter_map(|it| it.prefix) {
        *of_prefix.entry(prefix).or_default() += 1;
    }
    let crowd = |it: &Guest<T>| it.prefix.map_or(1, |prefix| of_prefix[&prefix]);
    let worst = guests
        .iter()
        .min_by_key(|it| (it.weight, Reverse(crowd(it)), Reverse(it.number)));
    worst.map(|it| it.id)
}

#[cfg(test)]
mod tests;
