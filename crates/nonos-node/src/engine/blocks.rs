//! Who is shut out: by evidence, by faults, by the operator. And who is let in again when that is over.

use nonos_trust::{Block, Reason, State};
use nonos_types::{JobId, NodeId, Timestamp};

use super::{Effect, Engine, Error};
use crate::api::{BlockView, Done, RequestError, TrustPoint};

/// Longest time for which the operator blocks a peer, in seconds: ten years. Who is to stay longer stays until he acts.
const LONGEST: u64 = 10 * 365 * 24 * 60 * 60;

impl Engine {
    /// Nothing is taken from this peer or given to it from now on.
    pub(super) fn shut_out(&mut self, peer: NodeId) -> Result<(), Error> {
        self.connected.remove(&peer);
        self.directory.keep(peer, false);
        self.bar(peer);
        let jobs: Vec<JobId> = self.open.iter().copied().collect();
        for job in jobs {
            self.award(job)?;
        }
        self.consider_all()
    }

    /// Cuts the connection to this peer, and makes no other.
    pub(super) fn bar(&mut self, peer: NodeId) {
        self.barred.insert(peer);
        self.effects.push(Effect::Block(peer));
    }

    /// At the start: everyone who is on the blacklist.
    pub(super) fn bar_all(&mut self) -> Result<(), Error> {
        for (peer, standing) in self.trust.list(self.now.time)? {
            if standing.state == State::Blacklisted {
                self.bar(peer);
            }
        }
        Ok(())
    }

    /// Shuts out those whose faults have become too many, and lets in those whose time is over.
    pub(super) fn tick_blocks(&mut self) -> Result<(), Error> {
        let connected: Vec<NodeId> = self.connected.keys().copied().collect();
        for peer in connected {
            if self.trust.is_blacklisted(peer)? {
                self.shut_out(peer)?;
            }
        }
        let barred: Vec<NodeId> = self.barred.iter().copied().collect();
        for peer in barred {
            if !self.trust.is_blacklisted(peer)? {
                self.let_in(peer);
            }
        }
        Ok(())
    }

    pub(super) fn let_in(&mut self, peer: NodeId) {
        self.barred.remove(&peer);
        if !self.avoided.contains(&peer) {
            self.effects.push(Effect::Unblock(peer));
        }
    }

    /// The operator has enough of a peer.
    pub(super) fn block(
        &mut self,
        node: NodeId,
        reason: &str,
        for_s: Option<u64>,
    ) -> Result<Result<Done, RequestError>, Error> {
        let refused = |message: &str| {
            Ok(Err(RequestError {
                message: message.to_owned(),
                fault: "caller".to_owned(),
            }))
        };
        if node == self.me {
            return refused("that is this node itself");
        }
        let Some(reason) = Reason::new(reason) else {
            return refused("the reason has to be one line of 1 to 512 bytes");
        };
        if for_s.is_some_and(|it| it == 0 || it > LONGEST) {
            return refused("the time has to be between a second and ten years");
        }
        let now = self.now.time;
        let until = for_s.map(|it| Timestamp::new(now.get().saturating_add(it)));
        self.trust.block_for(node, &reason, until, now)?;
        self.shut_out(node)?;
        Ok(Ok(Done {}))
    }

    /// Why a peer is on the blacklist, if it is.
    pub(super) fn block_view(&self, node: NodeId) -> Result<Option<BlockView>, Error> {
        let Some(block) = self.trust.block_of(node, self.now.time)? else {
            return Ok(None);
        };
        let (by, until) = match block {
            Block::Evidence(_) => ("evidence", None),
            Block::Operator { until } => ("operator", until),
            Block::Faults { until } => ("faults", Some(until)),
        };
        Ok(Some(BlockView {
            by: by.to_owned(),
            until,
            reason: self.trust.reason(node)?.map(|it| it.to_string()),
        }))
    }

    /// What the operator did about a peer, as its deeds are shown. The reason is that of the last time.
    pub(super) fn acts_view(&self, node: NodeId) -> Result<Vec<TrustPoint>, Error> {
        let (acts, reason) = (self.trust.acts(node)?, self.trust.reason(node)?);
        let last = acts.len().saturating_sub(1);
        let view = |(number, (at, act)): (usize, (Timestamp, nonos_trust::Act))| {
            let good = act == nonos_trust::Act::Unblock;
            let cause = match (&reason, good) {
                (_, true) => "taken off the blacklist".to_owned(),
                (Some(reason), false) if number == last => format!("blacklisted: {reason}"),
                (_, false) => "blacklisted".to_owned(),
            };
            TrustPoint {
                at,
                context: "operator".to_owned(),
                good,
                cause,
            }
        };
        Ok(acts.into_iter().enumerate().map(view).collect())
    }
}
