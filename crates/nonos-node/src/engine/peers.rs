//! Peers: who they are, and reading what they have accepted.

use nonos_mesh::Cursor;
use nonos_types::{Descriptor, NodeId, Role, Sequence, Signed, Timestamp};

use super::{Decision, Effect, Engine, Error, Origin};
use crate::api::What;

/// Descriptors that are kept.
const DIRECTORY: usize = 10_000;
/// Seconds between two reads of what a peer has accepted, and if something is known to be missing.
const CATCH_UP_S: u64 = 10;
const SOON_S: u64 = 2;
/// Seconds until a journal is read from its start again, at first and at most; each time it is twice as long.
const AGAIN_S: u64 = 10;
const AGAIN_MOST_S: u64 = 60 * 60;
/// Pages of one peer that are read without a pause.
const PAGES: u32 = 64;
/// Seconds a descriptor is published before it ends.
const DESCRIPTOR_S: u64 = 6 * 60 * 60;
/// Most peers this node dials of its own accord.
const DIAL: usize = 16;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PeerState {
    /// How far its journal was read.
    cursor: Cursor,
    /// Is a page on its way?
    reading: bool,
    read_at: Timestamp,
    /// Pages read without a pause.
    pages: u32,
    /// Something it has is missing here.
    soon: bool,
    /// Something was left out for want of room: to be read from the start then.
    again_at: Option<u64>,
    again_after: u64,
}

impl Engine {
    pub(super) fn judge_descriptor(&self, it: &Signed<Descriptor>) -> Decision {
        let old = self.directory.get(&it.signer());
        let full = self.directory.len() >= DIRECTORY && !self.connected.contains_key(&it.signer());
        if it.valid_until < self.now.time
            || old.is_some_and(|old| old.sequence >= it.sequence)
            || (old.is_none() && full)
        {
            Decision::Ignore
        } else {
            Decision::Accept
        }
    }

    pub(super) fn apply_descriptor(&mut self, it: &Signed<Descriptor>) {
        let (id, now) = (it.signer(), self.now.time);
        let old = self.directory.get(&id);
        if old.is_some_and(|old| old.sequence >= it.sequence) || (it.valid_until < now && id != self.me) {
            return;
        }
        if old.is_none() && self.directory.len() >= DIRECTORY {
            let stranger = |peer: &&NodeId| **peer != self.me && !self.connected.contains_key(*peer);
            let Some(out) = self.directory.keys().find(stranger).copied() else {
                return;
            };
            self.directory.remove(&out);
        }
        self.directory.insert(id, it.clone());
    }

    pub(super) fn peer_connected(&mut self, peer: NodeId) -> Result<(), Error> {
        if self.trust.is_blacklisted(peer)? {
            self.effects.push(Effect::Block(peer));
            return Ok(());
        }
        if self.connected.insert(peer, PeerState::default()).is_none() {
            self.event(None, What::Connected { peer });
        }
        self.read_on(peer);
        Ok(())
    }

    /// Dials a node whose descriptor is new, if more peers are wanted.
    pub(super) fn dial(&mut self, descriptor: &Signed<Descriptor>) {
        let peer = descriptor.signer();
        if peer != self.me && !self.connected.contains_key(&peer) && self.connected.len() < DIAL {
            for address in descriptor.addresses.clone() {
                self.effects.push(Effect::Dial { peer, address });
            }
        }
    }

    /// Publishes this node's descriptor.
    pub(super) fn describe(&mut self) -> Result<(), Error> {
        let executor = self.config.executor.enabled.then_some(Role::Executor);
        let roles = [Role::Seeder, Role::Verifier, Role::Broadcaster];
        let known = self.directory.get(&self.me).map_or(0, |it| it.sequence.get() + 1);
        self.descriptor_at = self.now.time;
        self.say(Descriptor {
            network: self.network,
            sequence: Sequence::new(known.max(self.now.time.get())),
            valid_from: self.now.time,
            valid_until: Timestamp::new(self.now.time.get() + Descriptor::MAX_VALIDITY),
            addresses: self.addresses.clone(),
            roles: roles.into_iter().chain(executor).collect(),
            profile: self.about.snapshot,
            software: concat!("nonos-node/", env!("CARGO_PKG_VERSION")).to_owned(),
        })?;
        Ok(())
    }

    /// Asks a peer for what it has accepted since, unless it was just asked.
    fn read_on(&mut self, peer: NodeId) {
        let now = self.now.time;
        if let Some(state) = self.connected.get_mut(&peer)
            && !state.reading
        {
            if state.again_at.is_some_and(|at| at <= now.get()) {
                state.again_at = None;
                state.cursor = Cursor::START;
            }
            state.soon = false;
            state.reading = true;
            state.read_at = now;
            let cursor = state.cursor;
            self.effects.push(Effect::Read { peer, cursor });
        }
    }

    /// A page of a peer's journal was read, and its messages handled before this.
    pub(super) fn read(&mut self, peer: NodeId, next: Option<Cursor>, messages: usize) {
        let Some(state) = self.connected.get_mut(&peer) else {
            return;
        };
        state.reading = false;
        let Some(next) = next else { return };
        state.cursor = next;
        // A journal without an end is read in steps.
        if messages > 0 && state.pages < PAGES {
            state.pages += 1;
            self.read_on(peer);
        } else {
            state.pages = 0;
        }
    }

    /// A message came before what it is about: whoever passed it on should have that, too, where its journal goes on.
    pub(super) fn read_soon(&mut self, origin: &Origin) {
        if let Some(peer) = origin.peer
            && let Some(state) = self.connected.get_mut(&peer)
        {
            state.soon = true;
        }
    }

    /// Something could not be taken for want of room: it is read again from the start, ever more seldom, since who
    /// fills the room may go on.
    pub(super) fn read_again(&mut self) {
        let now = self.now.time.get();
        for state in self.connected.values_mut() {
            if state.again_at.is_none() {
                state.again_after = (state.again_after * 2).clamp(AGAIN_S, AGAIN_MOST_S);
                state.again_at = Some(now + state.again_after);
            }
        }
    }

    pub(super) fn tick_peers(&mut self) -> Result<(), Error> {
        let now = self.now.time;
        let due: Vec<NodeId> = (self.connected.iter())
            .filter(|(_, state)| {
                let again = state.again_at.is_some_and(|at| at <= now.get());
                now.get() >= state.read_at.get() + if state.soon || again { SOON_S } else { CATCH_UP_S }
            })
            .map(|(peer, _)| *peer)
            .collect();
        for peer in due {
            self.read_on(peer);
        }
        let me = self.me;
        self.directory.retain(|id, it| it.valid_until >= now || *id == me);
        if now.get() >= self.descriptor_at.get() + DESCRIPTOR_S {
            self.describe()?;
        }
        Ok(())
    }
}
