use libp2p::{
    Multiaddr, PeerId,
    swarm::{ConnectionId, DialError, dial_opts::DialOpts},
};
use tokio::time::Instant;

use super::address::named_peer;
use crate::core::Redial;

/// The peers a node stays connected to.
pub(super) struct Statics {
    peers: Vec<Static>,
    seed: [u8; 32],
}

struct Static {
    address: Multiaddr,
    /// Whom it was last; or whom the address names.
    peer: Option<PeerId>,
    state: State,
    redial: Redial,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// From then on it may be dialled.
    Idle(Instant),
    Dialling(ConnectionId),
    Connected,
    /// It is this node.
    Own,
}

impl Statics {
    pub(super) fn new(addresses: Vec<Multiaddr>, seed: &[u8; 32], now: Instant) -> Self {
        let mut statics = Self {
            peers: Vec::new(),
            seed: *seed,
        };
        for address in addresses {
            statics.add(address, now);
        }
        statics
    }

    /// Stays connected to another, from now on.
    pub(super) fn add(&mut self, address: Multiaddr, now: Instant) {
        if self.peers.iter().any(|it| it.address == address) {
            return;
        }
        let mut seed = self.seed;
        // Each waits by itself.
        seed[0] = seed[0].wrapping_add(self.peers.len() as u8);
        self.peers.push(Static {
            peer: named_peer(&address),
            address,
            state: State::Idle(now),
            redial: Redial::new(&seed),
        });
    }

    /// Whom to dial now.
    pub(super) fn due(&mut self, now: Instant, is_connected: impl Fn(&PeerId) -> bool) -> Vec<DialOpts> {
        let mut due = Vec::new();
        for it in &mut self.peers {
            if it.state != State::Own && it.peer.is_some_and(|peer| is_connected(&peer)) {
                it.state = State::Connected;
            }
            if matches!(it.state, State::Idle(at) if at <= now) {
                let dial = dial(named_peer(&it.address), it.address.clone());
                it.state = State::Dialling(dial.connection_id());
                due.push(dial);
            }
        }
        due
    }

    pub(super) fn dialled(&mut self, connection: ConnectionId, peer: PeerId) {
        if let Some(it) = self.dialling(connection) {
            it.peer = Some(peer);
            it.state = State::Connected;
        }
    }

    pub(super) fn failed(&mut self, connection: ConnectionId, error: &DialError, now: Instant) {
        if let Some(it) = self.dialling(connection) {
            it.state = match error {
                DialError::LocalPeerId { .. } => State::Own,
                _ => State::Idle(now + it.redial.after_failure()),
            };
        }
    }

    /// The peer has said it is of this network.
    pub(super) fn succeeded(&mut self, peer: PeerId) {
        for it in self.of(peer) {
            it.redial.succeeded();
        }
    }

    /// The last connection to the peer is gone.
    pub(super) fn lost(&mut self, peer: PeerId, now: Instant) {
        for it in self.of(peer) {
            if it.state == State::Connected {
                it.state = State::Idle(now + it.redial.after_failure());
            }
        }
    }

    pub(super) fn contains(&self, peer: &PeerId) -> bool {
        self.peers.iter().any(|it| it.peer.as_ref() == Some(peer))
    }

    fn of(&mut self, peer: PeerId) -> impl Iterator<Item = &mut Static> {
        self.peers.iter_mut().filter(move |it| it.peer == Some(peer))
    }

    fn dialling(&mut self, connection: ConnectionId) -> Option<&mut Static> {
        self.peers
            .iter_mut()
            .find(|it| it.state == State::Dialling(connection))
    }
}

/// From a port of its own: two nodes that dial each other from the ports they listen on would meet in one half-made
/// connection.
pub(super) fn dial(peer: Option<PeerId>, address: Multiaddr) -> DialOpts {
    match peer {
        Some(peer) => DialOpts::peer_id(peer)
            .addresses(vec![address])
            .allocate_new_port()
            .build(),
        None => DialOpts::unknown_peer_id()
            .address(address)
            .allocate_new_port()
            .build(),
    }
}
