//! Which shards this node hears of: those that its operator wants, and for a while those of its own jobs.

use std::collections::BTreeMap;

use nonos_mesh::core::{Budgets, reconcile::Scope};
use nonos_types::{JobId, Message, NodeId, Shard, Shards, Timestamp};

use super::{Decision, Effect, Engine, Error, Origin, job::Mine};

/// Offers that are asked for because a voucher to this node is about them, and how long each is waited for.
const WANTED: usize = 64;
const WANTED_MS: u64 = 60_000;

/// What this node listens to, and what its peers do.
#[derive(Debug)]
pub(super) struct Listening {
    /// What the operator wants.
    base: Shards,
    /// Others in which this node has something to do, and from when on it is there.
    guest: Shards,
    since: Timestamp,
    /// What those that are connected hear everything of.
    peers: BTreeMap<NodeId, Shards>,
    /// Jobs of other shards whose offers are wanted, and until when.
    wanted: BTreeMap<JobId, u64>,
}

impl Listening {
    pub(super) fn new(base: Shards) -> Self {
        Self {
            base,
            guest: Shards::NONE,
            since: Timestamp::ZERO,
            peers: BTreeMap::new(),
            wanted: BTreeMap::new(),
        }
    }

    /// What it announces.
    pub(super) fn base(&self) -> Shards {
        self.base
    }

    /// What it hears everything of now.
    pub(super) fn now(&self) -> Shards {
        self.base | self.guest
    }

    /// What a peer does. One that has not said so is taken to hear everything.
    pub(super) fn of_peer(&self, peer: NodeId) -> Shards {
        self.peers.get(&peer).copied().unwrap_or(Shards::ALL)
    }

    pub(super) fn peer_said(&mut self, peer: NodeId, shards: Shards) {
        self.peers.insert(peer, shards);
    }

    pub(super) fn peer_lost(&mut self, peer: NodeId) {
        self.peers.remove(&peer);
    }

    #[cfg(test)]
    pub(super) fn wanted(&self) -> usize {
        self.wanted.len()
    }

    /// What there is to reconcile with a peer.
    pub(super) fn scope_with(&self, peer: NodeId) -> Scope {
        let scope = Scope {
            shards: self.base,
            guest: self.guest,
            since: self.since,
        };
        scope.with(self.of_peer(peer))
    }
}

impl Engine {
    /// This node offers a job: it hears from its shard before it does.
    pub(super) fn visit(&mut self, shard: Shard) {
        let guest = self.listening.guest | Shards::from(shard).without(self.listening.base);
        let since = self.now.time.get().saturating_sub(Budgets::WINDOW);
        self.listen(guest, Timestamp::new(since));
    }

    /// Leaves the shards in which there is nothing to do any more.
    pub(super) fn reckon_shards(&mut self) {
        if self.listening.base.is_all() {
            return;
        }
        let me = self.me;
        let open = self.open.iter().filter_map(|id| self.jobs.get(id));
        let own = open.filter(|job| {
            let pays = job.offer.signer() == me && !job.settled;
            pays || job.mine == Mine::Running || job.seats.iter().any(|seat| seat.executor() == Some(me))
        });
        let places = own.map(|job| (Shard::of(&job.offer.capsule), job.offer.created));
        let elsewhere = places.filter(|(shard, _)| !self.listening.base.contains(*shard));
        let (mut guest, mut since) = (Shards::NONE, self.now.time);
        for (shard, created) in elsewhere {
            guest = guest | shard.into();
            since = since.min(created);
        }
        let since = since.get().saturating_sub(Budgets::WINDOW);
        self.listen(guest, Timestamp::new(since));
    }

    fn listen(&mut self, guest: Shards, since: Timestamp) {
        let before = self.listening.guest;
        if guest == before {
            // As long as it is there it is there from the same time on, or what was heard before is asked for again.
            self.listening.since = self.listening.since.min(since);
            return;
        }
        let stays = !(guest & before).is_empty();
        self.listening.since = match stays {
            true => self.listening.since.min(since),
            false => since,
        };
        self.listening.guest = guest;
        self.effects.push(Effect::Listen(guest));
    }

    /// What there is to say to a message for its shard alone: nothing, if it is one to look at.
    pub(super) fn judge_shard(&self, message: &Message, origin: &Origin) -> Option<Decision> {
        let known = self.shard_of(message);
        let said = match message {
            Message::Claim(_) | Message::Award(_) | Message::Cancel(_) => origin.shard,
            Message::Offer(it) => Some(Shard::of(&it.capsule)),
            Message::Receipt(it) => Some(Shard::of(&it.record.proven.capsule)),
            Message::Verdict(it) => it.shard,
            _ => None,
        };
        match (known, said) {
            // Who passed it on can know what it is about, since only those pass it on who do.
            (Some(known), Some(said)) if known != said => Some(Decision::Reject),
            // What an operator brings in is wanted.
            (None, Some(said)) if origin.peer.is_some() && !self.listening.now().contains(said) => {
                let wanted = match message {
                    Message::Offer(it) => self.listening.wanted.contains_key(&it.job()),
                    _ => false,
                };
                (!wanted).then_some(Decision::Ignore)
            }
            _ => None,
        }
    }

    /// The shard of a message, if what it is about is known here.
    fn shard_of(&self, message: &Message) -> Option<Shard> {
        let of_job = |job: &JobId| self.jobs.get(job).map(|job| Shard::of(&job.offer.capsule));
        match message {
            Message::Claim(it) => of_job(&it.job),
            Message::Award(it) => of_job(&it.job),
            Message::Cancel(it) => of_job(&it.job),
            Message::Receipt(it) => of_job(&it.record.proven.job),
            Message::Verdict(it) => {
                let receipt = self.receipts.get(&it.receipt)?;
                Some(Shard::of(&receipt.record.proven.capsule))
            }
            _ => None,
        }
    }

    /// May a peer be blamed that passes on what only those can judge who know this shard?
    pub(super) fn could_judge(&self, origin: &Origin, shard: Shard) -> bool {
        origin
            .peer
            .is_none_or(|peer| self.listening.of_peer(peer).contains(shard))
    }

    /// A voucher to this node is about a job of which it knows nothing: perhaps one of a shard that it does not hear of.
    /// Whoever passed the voucher on may know.
    pub(super) fn want_offer(&mut self, job: JobId, origin: &Origin) {
        let now = self.now.millis;
        self.listening.wanted.retain(|_, until| *until > now);
        let room = self.listening.wanted.len() < WANTED && !self.listening.wanted.contains_key(&job);
        if let Some(peer) = origin.peer.filter(|_| room && !self.listening.now().is_all()) {
            self.listening.wanted.insert(job, now + WANTED_MS);
            self.effects.push(Effect::GetOffer { peer, job });
        }
    }

    /// Does a voucher between others count without its job being known? Its payer owes it wherever the job was.
    pub(super) fn is_elsewhere(&self, job: JobId) -> Result<bool, Error> {
        Ok(!self.listening.now().is_all()
            && !self.jobs.contains_key(&job)
            && self.journal.offer(job)?.is_none())
    }
}
