//! Whom this node dials and lets go: what it knows of nodes, told to [`Neighbours`], and what those decide, done.

use std::collections::{BTreeMap, BTreeSet};

use nonos_mesh::core::{Candidate, Link, Move, Neighbours, Prefix, Regard, Way, Wish};
use nonos_trust::State;
use nonos_types::{Descriptor, Digest, NodeId, Shards, Signed, Tag};

use super::{Effect, Engine, Error, Moment};

/// Milliseconds between two looks at all that could be dialled.
const LOOK_MS: u64 = 10_000;

enum Seed {}

impl Tag for Seed {
    const DOMAIN: &'static str = "nonos/v1/neighbours-seed";
}

/// A connection, as the mesh sees it.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) peer: NodeId,
    pub(crate) way: Way,
    pub(crate) address: String,
    /// Messages that came by it.
    pub(crate) messages: u64,
    /// The operator wants it.
    pub(crate) kept: bool,
}

/// Those that are connected, those that could be, and what decides.
#[derive(Debug)]
pub(super) struct Around {
    neighbours: Neighbours,
    links: BTreeMap<NodeId, Seen>,
    candidates: BTreeMap<NodeId, Candidate>,
    looked_ms: Option<u64>,
}

#[derive(Debug)]
struct Seen {
    link: Link,
    messages: u64,
    kept: bool,
}

impl Around {
    /// Draws otherwise than any other node, and at each start: nobody can tell whom it will dial.
    pub(super) fn new(secret: &[u8; 32], now: Moment) -> Self {
        let (time, millis) = (now.time.get().to_le_bytes(), now.millis.to_le_bytes());
        let seed = Digest::<Seed>::hash(&[secret, &time, &millis]);
        Self {
            neighbours: Neighbours::new(Wish::default(), seed.as_bytes()),
            links: BTreeMap::new(),
            candidates: BTreeMap::new(),
            looked_ms: None,
        }
    }

    /// Looks again at all that could be dialled.
    pub(super) fn look(&mut self) {
        self.looked_ms = None;
    }
}

impl Engine {
    /// A peer is connected. By whom it was dialled is soon said; until then, by whoever tried to.
    pub(super) fn link_made(&mut self, peer: NodeId) {
        let now = self.now.millis;
        let way = if self.around.neighbours.is_dialling(peer, now) {
            Way::Outbound
        } else {
            Way::Inbound
        };
        let prefix = self.directory.get(peer).map(|it| Prefix::of(it));
        let link = Link {
            peer,
            way,
            prefix: prefix.and_then(|prefix| self.counted(prefix)),
            shards: self.listening.of_peer(peer),
            regard: Regard::Newcomer,
            since_ms: now,
            served_ms: now,
            held: false,
        };
        let seen = Seen {
            link,
            messages: 0,
            kept: false,
        };
        self.around.links.insert(peer, seen);
        self.around.candidates.remove(&peer);
        self.around.neighbours.connected(peer, now);
    }

    pub(super) fn link_lost(&mut self, peer: NodeId) {
        self.around.links.remove(&peer);
        self.around.neighbours.lost(peer, self.now.millis);
        self.around.look();
    }

    /// What the mesh says of its connections.
    pub(super) fn links(&mut self, connections: Vec<Connection>) {
        let now = self.now.millis;
        for it in connections {
            let prefix = Prefix::at(&it.address).and_then(|prefix| self.counted(prefix));
            if let Some(seen) = self.around.links.get_mut(&it.peer) {
                if it.messages > seen.messages {
                    seen.link.served_ms = now;
                }
                (seen.messages, seen.kept) = (it.messages, it.kept);
                (seen.link.way, seen.link.prefix) = (it.way, prefix);
            }
        }
    }

    /// A prefix in which no two should be: not that of a house in which all nodes are.
    fn counted(&self, prefix: Prefix) -> Option<Prefix> {
        let counts = !(self.config.directory.lan && prefix.is_private());
        (counts && prefix != Prefix::Nowhere).then_some(prefix)
    }

    /// A node whose descriptor is new could be dialled.
    pub(super) fn new_candidate(&mut self, it: &Signed<Descriptor>) -> Result<(), Error> {
        let room = self.around.candidates.len() < self.config.directory.most;
        if let Some(candidate) = self.candidate(it.signer(), &it.addresses, Some(it)).transpose()?
            && room
        {
            self.around.candidates.insert(candidate.peer, candidate);
        }
        Ok(())
    }

    /// What there is to say of a node, if it may be dialled.
    fn candidate(
        &self,
        peer: NodeId,
        addresses: &[String],
        descriptor: Option<&Signed<Descriptor>>,
    ) -> Option<Result<Candidate, Error>> {
        let address = addresses.first()?;
        if peer == self.me || self.avoided.contains(&peer) || self.connected.contains_key(&peer) {
            return None;
        }
        let standing = match self.trust.standing(peer, self.now.time) {
            Ok(standing) => standing,
            Err(error) => return Some(Err(error.into())),
        };
        let said = descriptor.map_or(0, |it| it.valid_from.get());
        Some(Ok(Candidate {
            peer,
            prefix: Prefix::at(address).and_then(|prefix| self.counted(prefix)),
            // Of whom there is no descriptor any more, nothing is known.
            shards: descriptor.map_or(Shards::NONE, |it| it.shards),
            regard: regard(standing.state)?,
            trust_ppm: standing.score.get(),
            age_s: self.now.time.get().saturating_sub(said),
        }))
    }

    /// All that could be dialled: those whose descriptors are valid, and those this node was connected to, wherever those were last.
    fn dialable(&self) -> Result<BTreeMap<NodeId, Candidate>, Error> {
        let listed =
            (self.directory.iter()).filter_map(|it| self.candidate(it.signer(), &it.addresses, Some(it)));
        let known = self.last_good.latest().into_iter();
        let known = known.filter(|(peer, _)| self.directory.get(*peer).is_none());
        let known = known.filter_map(|(peer, addresses)| self.candidate(peer, &addresses, None));
        let all = listed.chain(known);
        all.map(|it| it.map(|it| (it.peer, it))).collect()
    }

    /// Those with whom there is work under way.
    fn busy(&self) -> BTreeSet<NodeId> {
        let jobs = self.open.iter().filter_map(|id| self.jobs.get(id));
        jobs.flat_map(|job| {
            let executors = job.seats.iter().filter_map(|seat| seat.executor());
            executors.chain([job.offer.signer()])
        })
        .collect()
    }

    /// Says what is thought of those that are connected, and does what follows from it.
    pub(super) fn tick_neighbours(&mut self) -> Result<(), Error> {
        let now = self.now.millis;
        self.around.neighbours.hear(self.listening.now());
        let busy = self.busy();
        let mut links = Vec::new();
        for (peer, seen) in &self.around.links {
            let standing = self.trust.standing(*peer, self.now.time)?;
            links.push(Link {
                regard: regard(standing.state).unwrap_or(Regard::Newcomer),
                held: seen.kept || busy.contains(peer),
                shards: self.listening.of_peer(*peer),
                ..seen.link
            });
        }
        let due = (self.around.looked_ms).is_none_or(|at| now.saturating_sub(at) >= LOOK_MS);
        if due && self.around.neighbours.wants(&links, now) {
            self.around.candidates = self.dialable()?;
            self.around.looked_ms = Some(now);
        }
        let candidates: Vec<Candidate> = self.around.candidates.values().copied().collect();
        for next in self.around.neighbours.moves(&links, &candidates, now) {
            match next {
                // It may have been blacklisted since.
                Move::Dial(peer) if self.trust.is_blacklisted(peer)? => {
                    self.around.candidates.remove(&peer);
                }
                Move::Dial(peer) => self.dial(peer),
                Move::LetGo(peer) => self.effects.push(Effect::LetGo(peer)),
            }
        }
        Ok(())
    }

    /// Dials a node wherever it is known to be.
    fn dial(&mut self, peer: NodeId) {
        let listed = self.directory.get(peer).map(|it| it.addresses.clone());
        let addresses = listed.or_else(|| self.last_good.addresses(peer));
        let dials = addresses.into_iter().flatten();
        self.effects
            .extend(dials.map(|address| Effect::Dial { peer, address }));
    }

    /// Frames wait for a connection to a node: it is dialled, and counts among those that are.
    pub(super) fn dial_wanted(&mut self, peer: NodeId) -> Result<(), Error> {
        let Some(descriptor) = self.directory.get(peer) else {
            return Ok(());
        };
        let candidate = self.candidate(peer, &descriptor.addresses, Some(descriptor));
        if let Some(candidate) = candidate.transpose()? {
            self.around.neighbours.dialled(&candidate, self.now.millis);
            self.dial(peer);
        }
        Ok(())
    }
}

/// `None` of those that are blacklisted.
fn regard(state: State) -> Option<Regard> {
    match state {
        State::New | State::Probation => Some(Regard::Newcomer),
        State::Known => Some(Regard::Known),
        State::Trusted => Some(Regard::Trusted),
        State::Blacklisted => None,
    }
}
