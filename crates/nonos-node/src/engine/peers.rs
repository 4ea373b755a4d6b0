//! Peers: who they are, and reading what they have accepted.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use nonos_mesh::{
    Cursor, Multiaddr, Protocol,
    core::{
        Invitation, Prefix, Standing,
        reconcile::{ORDER, Pace},
    },
    with_peer,
};
use nonos_store::{Batch, Durability, Table};
use nonos_types::{Capacity, Descriptor, Further, Kind, Message, NodeId, Role, Sequence, Signed, Timestamp};

use super::{Decision, Effect, Engine, Error, Origin};
use crate::api::{Done, Invited, RequestError, What};

/// When this node was last connected to a peer.
const LAST_GOOD: Table<NodeId, Timestamp> = Table::new("last-good");
/// Peers of which that is remembered.
const LAST_GOODS: usize = 256;
/// Addresses of invitations, and when those were accepted.
const JOINED: Table<Vec<u8>, Timestamp> = Table::new("joined");
const MOST_JOINED: usize = 64;
/// Seconds between two reads of what a peer has accepted, and if something is known to be missing.
const CATCH_UP_S: u64 = 10;
const SOON_S: u64 = 2;
/// Pages of one peer that are read without a pause.
const PAGES: u32 = 64;
/// Seconds a descriptor is published before it ends.
const DESCRIPTOR_S: u64 = 6 * 60 * 60;

#[derive(Clone, Debug)]
pub(super) struct PeerState {
    /// How far its journal was read, from where it ended when it was connected: what was before is reconciled.
    cursor: Cursor,
    /// Is a page on its way?
    reading: bool,
    read_at: Timestamp,
    /// Pages read without a pause.
    pages: u32,
    /// Something it has is missing here.
    soon: bool,
    /// When to compare with it what both have.
    pace: Pace,
    /// Is that going on?
    comparing: bool,
    /// The kind to begin with.
    from: Kind,
}

impl PeerState {
    fn new(me: NodeId, peer: NodeId, now: Timestamp) -> Self {
        Self {
            cursor: Cursor::END,
            reading: false,
            read_at: Timestamp::ZERO,
            pages: 0,
            soon: false,
            pace: Pace::new(&seed_of(me, peer), now),
            comparing: false,
            from: ORDER[0],
        }
    }
}

/// Another number for each pair of nodes, and each way.
fn seed_of(me: NodeId, peer: NodeId) -> [u8; 32] {
    let mut seed = *me.as_bytes();
    for (byte, other) in seed.iter_mut().zip(peer.as_bytes()) {
        *byte ^= other.rotate_left(1);
    }
    seed
}

/// Peers this node was connected to: when, and the addresses of the newest descriptor of each, valid or not.
#[derive(Debug, Default)]
pub(super) struct LastGood(pub(super) BTreeMap<NodeId, (Timestamp, Vec<String>)>);

impl LastGood {
    /// Where a peer was.
    pub(super) fn addresses(&self, peer: NodeId) -> Option<Vec<String>> {
        self.0.get(&peer).map(|(_, addresses)| addresses.clone())
    }

    /// Those of the last connections first.
    pub(super) fn latest(&self) -> Vec<(NodeId, Vec<String>)> {
        let mut peers: Vec<_> = self
            .0
            .iter()
            .map(|(peer, (at, to))| (*at, *peer, to.clone()))
            .collect();
        peers.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
        peers
            .into_iter()
            .map(|(_, peer, addresses)| (peer, addresses))
            .collect()
    }
}

impl Engine {
    pub(super) fn judge_descriptor(&mut self, it: &Signed<Descriptor>) -> Result<Decision, Error> {
        Ok(match self.directory.judge(it, self.now.time) {
            Standing::New | Standing::Newer => Decision::Accept,
            Standing::PrefixFull => {
                self.crowded |= Prefix::of(it).is_private();
                Decision::Ignore
            }
            Standing::Equivocates => self.saw_equivocation(it)?,
            // Whoever passed it on may have others there, or ask for less work.
            _ => Decision::Ignore,
        })
    }

    pub(super) fn apply_descriptor(&mut self, it: &Signed<Descriptor>) {
        if it.signer() == self.me {
            self.saw_own_descriptor(it);
        }
        if let Some((_, addresses)) = self.last_good.0.get_mut(&it.signer()) {
            addresses.clone_from(&it.addresses);
        }
        let old = self.directory.get(it.signer());
        if let Some(old) = old.filter(|old| old.sequence < it.sequence) {
            self.journal.superseded(&Message::from(old.clone()));
        }
        self.directory.learn(it, None, self.now.time);
    }

    /// Reads whom this node was connected to, before the journal says where those are.
    pub(super) fn read_last_good(&mut self) -> Result<(), Error> {
        let peers = LAST_GOOD.entries(&*self.store, Bound::Unbounded, LAST_GOODS)?;
        self.last_good.0 = peers.into_iter().map(|(peer, at)| (peer, (at, vec![]))).collect();
        Ok(())
    }

    /// A peer was reached: it will be tried again after a restart, even if by then no descriptor of it is valid.
    fn was_good(&mut self, peer: NodeId) -> Result<(), Error> {
        let now = self.now.time;
        let addresses = self
            .directory
            .get(peer)
            .map(|it| it.addresses.clone())
            .unwrap_or_default();
        let mut batch = Batch::new();
        if self.last_good.0.len() >= LAST_GOODS && !self.last_good.0.contains_key(&peer) {
            let oldest = self.last_good.latest().pop().map(|(peer, _)| peer);
            if let Some(oldest) = oldest {
                self.last_good.0.remove(&oldest);
                LAST_GOOD.delete(&mut batch, &oldest);
            }
        }
        self.last_good.0.insert(peer, (now, addresses));
        LAST_GOOD.put(&mut batch, &peer, &now);
        Ok(self.store.write(&batch, Durability::Buffered)?)
    }

    /// Cuts these peers and no others, but for those that are blacklisted.
    pub(super) fn avoid(&mut self, peers: BTreeSet<NodeId>) -> Result<(), Error> {
        let before = std::mem::replace(&mut self.avoided, peers);
        for peer in self.avoided.difference(&before) {
            self.effects.push(Effect::Block(*peer));
        }
        for peer in before.difference(&self.avoided) {
            if !self.trust.is_blacklisted(*peer)? {
                self.effects.push(Effect::Unblock(*peer));
            }
        }
        self.around.look();
        Ok(())
    }

    pub(super) fn peer_connected(&mut self, peer: NodeId) -> Result<(), Error> {
        if self.trust.is_blacklisted(peer)? {
            self.bar(peer);
            return Ok(());
        }
        if self.avoided.contains(&peer) {
            self.effects.push(Effect::Block(peer));
            return Ok(());
        }
        let state = PeerState::new(self.me, peer, self.now.time);
        if self.connected.insert(peer, state).is_none() {
            self.directory.keep(peer, true);
            self.was_good(peer)?;
            self.event(None, What::Connected { peer });
        }
        self.link_made(peer);
        self.read_on(peer);
        self.catch_up(peer);
        Ok(())
    }

    pub(super) fn peer_disconnected(&mut self, peer: NodeId) {
        self.listening.peer_lost(peer);
        if self.connected.remove(&peer).is_some() {
            self.directory.keep(peer, false);
            self.event(None, What::Disconnected { peer });
            self.link_lost(peer);
        }
    }

    /// Compares with a peer what both have, unless that is going on.
    fn catch_up(&mut self, peer: NodeId) {
        let now = self.now.time;
        if let Some(state) = self.connected.get_mut(&peer)
            && !state.comparing
        {
            state.comparing = true;
            state.pace.began(now);
            let (from, scope) = (state.from, self.listening.scope_with(peer));
            self.effects.push(Effect::CatchUp { peer, from, scope });
        }
    }

    /// It was compared, and what was missing here was handled before this.
    pub(super) fn caught_up(&mut self, peer: NodeId, resume: Option<Kind>, needed: Option<usize>) {
        let now = self.now.time;
        if let Some(state) = self.connected.get_mut(&peer) {
            state.comparing = false;
            state.from = resume.unwrap_or(ORDER[0]);
            if needed.is_none() {
                state.pace.failed(now);
            } else if resume.is_none() {
                self.compared_with(peer);
            }
        }
    }

    /// How others find this node.
    pub(super) fn invite(&self) -> Result<serde_json::Value, RequestError> {
        let refuse = |message: String, fault: &str| RequestError {
            message,
            fault: fault.to_owned(),
        };
        let named = |address: &Multiaddr| with_peer(address.clone(), &self.me).to_string();
        let listening: Vec<Multiaddr> = self.addresses.iter().filter_map(|it| it.parse().ok()).collect();
        let elsewhere = |it: &&Multiaddr| {
            !it.iter().any(|part| match part {
                Protocol::Ip4(ip) => ip.is_loopback(),
                Protocol::Ip6(ip) => ip.is_loopback(),
                _ => false,
            })
        };
        let mut addresses: Vec<String> = listening.iter().filter(elsewhere).map(named).collect();
        let only_here = addresses.is_empty();
        if only_here {
            addresses = listening.iter().map(named).collect();
        }
        addresses.truncate(Invitation::MAX_ADDRESSES);
        if addresses.is_empty() {
            let message = "this node listens nowhere: set `listen` in config.toml".to_owned();
            return Err(refuse(message, "environment"));
        }
        let invitation = Invitation::new(self.config.network.clone(), addresses);
        let invitation = invitation.map_err(|error| refuse(error.to_string(), "caller"))?;
        super::json(&Invited {
            invitation: invitation.to_string(),
            only_here,
        })
    }

    /// Stays connected to the nodes of an invitation from now on.
    pub(super) fn join(&mut self, text: &str) -> Result<Result<serde_json::Value, RequestError>, Error> {
        let refuse = |message: String| {
            Ok(Err(RequestError {
                message,
                fault: "caller".to_owned(),
            }))
        };
        let invitation: Invitation = match text.parse::<Invitation>() {
            Ok(invitation) => invitation,
            Err(error) => return refuse(error.to_string()),
        };
        if invitation.network() != self.config.network {
            return refuse(format!(
                "the invitation is to the network `{}`, this node is in `{}`: set `network` in config.toml and start it again",
                invitation.network(),
                self.config.network
            ));
        }
        let mut addresses = Vec::new();
        for address in invitation.addresses() {
            match address.parse::<Multiaddr>() {
                Ok(it) => addresses.push(it),
                Err(_) => return refuse(format!("`{address}` is not a multiaddr")),
            }
        }
        let known = JOINED.entries(&*self.store, Bound::Unbounded, MOST_JOINED)?.len();
        if known + addresses.len() > MOST_JOINED {
            return refuse(format!("this node stays connected to {known} addresses already"));
        }
        let mut batch = Batch::new();
        for address in &addresses {
            JOINED.put(&mut batch, &address.to_string().into_bytes(), &self.now.time);
        }
        self.store.write(&batch, Durability::Durable)?;
        let keep = addresses.into_iter().map(|address| Effect::Keep { address });
        self.effects.extend(keep);
        Ok(super::json(&Done {}))
    }

    /// Stays connected to those of invitations that were accepted before.
    pub(super) fn rejoin(&mut self) -> Result<(), Error> {
        for (address, _) in JOINED.entries(&*self.store, Bound::Unbounded, MOST_JOINED)? {
            if let Ok(address) = String::from_utf8_lossy(&address).parse() {
                self.effects.push(Effect::Keep { address });
            }
        }
        Ok(())
    }

    /// Publishes this node's descriptor.
    pub(super) fn describe(&mut self) -> Result<(), Error> {
        if self.is_superseded() {
            return Ok(());
        }
        let books = self.said_of_books()?;
        let roles = self.duties.roles.set();
        self.descriptor_at = self.now.time;
        self.describe_as(Descriptor {
            network: self.network,
            sequence: Sequence::ZERO,
            valid_from: self.now.time,
            valid_until: Timestamp::new(self.now.time.get() + Descriptor::MAX_VALIDITY),
            addresses: self.addresses.clone(),
            roles,
            profile: self.about.snapshot,
            capacity: if roles.contains(Role::Executor) {
                self.about.capacity
            } else {
                Capacity::NONE
            },
            onion_keys: self.onion_keys(),
            stamp: self.about.stamp,
            shards: self.listening.base(),
            family: self.config.onion.family_in(self.network),
            books,
            further: Further::NONE,
            software: concat!("nonos-node/", env!("CARGO_PKG_VERSION")).to_owned(),
        })
    }

    /// Asks a peer for what it has accepted since, unless it was just asked.
    fn read_on(&mut self, peer: NodeId) {
        let now = self.now.time;
        if let Some(state) = self.connected.get_mut(&peer)
            && !state.reading
        {
            state.soon = false;
            state.reading = true;
            state.read_at = now;
            let (cursor, shards) = (state.cursor, self.listening.now());
            self.effects.push(Effect::Read { peer, cursor, shards });
        }
    }

    /// A page of a peer's journal was read, and its messages handled before this.
    pub(super) fn read(&mut self, peer: NodeId, next: Option<Cursor>, messages: usize) {
        let Some(state) = self.connected.get_mut(&peer) else {
            return;
        };
        state.reading = false;
        let Some(next) = next else { return };
        // A page may have messages of other shards only, and so none.
        let moved = state.cursor != Cursor::END && next > state.cursor;
        state.cursor = next;
        // A journal without an end is read in steps.
        if (messages > 0 || moved) && state.pages < PAGES {
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

    pub(super) fn tick_peers(&mut self) -> Result<(), Error> {
        let now = self.now.time;
        let due: Vec<NodeId> = (self.connected.iter())
            .filter(|(_, state)| {
                now.get() >= state.read_at.get() + if state.soon { SOON_S } else { CATCH_UP_S }
            })
            .map(|(peer, _)| *peer)
            .collect();
        for peer in due {
            self.read_on(peer);
        }
        let due = self.connected.iter().filter(|(_, state)| state.pace.due() <= now);
        for peer in due.map(|(peer, _)| *peer).collect::<Vec<_>>() {
            self.catch_up(peer);
        }
        self.tick_neighbours()?;
        self.directory.expire(self.me, now);
        self.keep_seen()?;
        self.tick_onion()?;
        if now.get() >= self.descriptor_at.get() + DESCRIPTOR_S {
            self.describe()?;
        }
        Ok(())
    }
}
