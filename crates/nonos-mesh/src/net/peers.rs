use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use libp2p::{Multiaddr, PeerId, core::ConnectedPoint, swarm::ConnectionId};
use nonos_types::{ByteLen, NodeId, Shards};
use tokio::time::Instant;

use super::PeerInfo;
use crate::core::{Guest, Prefix, Promise, Topic, Way, gives_way};

/// Who is connected, and by what.
pub(super) struct Peers {
    own: PeerId,
    peers: BTreeMap<PeerId, Peer>,
    /// Connections there ever were.
    number: u64,
}

pub(super) struct Peer {
    pub(super) node: NodeId,
    /// One, or two for a moment.
    connections: Vec<Connection>,
    since: Instant,
    /// If it has said that it is of this network: what else it has said then.
    promised: Option<Promise>,
    /// Topics it has subscribed to. Only its first connection tells.
    topics: BTreeSet<Topic>,
    /// Shards that were told of it: all, if nothing was.
    told: Shards,
    /// Did it say both, once?
    pub(super) ready: bool,
    pub(super) messages: u64,
    pub(super) bytes: u64,
}

struct Connection {
    id: ConnectionId,
    address: Multiaddr,
    outbound: bool,
    since: Instant,
    number: u64,
    /// It is being closed, to make room for others.
    gone: bool,
}

impl Peers {
    /// Two connections made within this time were dialled from both sides at once.
    const AT_ONCE: Duration = Duration::from_secs(2);
    /// How long the connection that is closed may still deliver what is in it, such as topics.
    const LINGER: Duration = Duration::from_secs(1);
    /// And if both are closed, for one that has just come to hear what is known here of its node, and to answer.
    const HAND_OVER: Duration = Duration::from_secs(3);

    pub(super) fn new(own: PeerId) -> Self {
        Self {
            own,
            peers: BTreeMap::new(),
            number: 0,
        }
    }

    pub(super) fn connected(
        &mut self,
        peer: PeerId,
        node: NodeId,
        id: ConnectionId,
        endpoint: &ConnectedPoint,
        now: Instant,
    ) {
        self.number += 1;
        let connection = Connection {
            id,
            address: endpoint.get_remote_address().clone(),
            outbound: endpoint.is_dialer(),
            since: now,
            number: self.number,
            gone: false,
        };
        let peer = self.peers.entry(peer).or_insert_with(|| Peer {
            node,
            connections: Vec::new(),
            since: now,
            promised: None,
            topics: BTreeSet::new(),
            told: Shards::ALL,
            ready: false,
            messages: 0,
            bytes: 0,
        });
        peer.connections.push(connection);
    }

    /// Returns the peer if this was its last connection.
    pub(super) fn closed(&mut self, peer: &PeerId, id: ConnectionId) -> Option<Peer> {
        let it = self.peers.get_mut(peer)?;
        it.connections.retain(|connection| connection.id != id);
        if it.connections.is_empty() {
            self.peers.remove(peer)
        } else {
            None
        }
    }

    pub(super) fn get(&self, peer: &PeerId) -> Option<&Peer> {
        self.peers.get(peer)
    }

    pub(super) fn get_mut(&mut self, peer: &PeerId) -> Option<&mut Peer> {
        self.peers.get_mut(peer)
    }

    /// The peer is of this network. Returns it if it can be talked to from now on.
    pub(super) fn identified(&mut self, peer: &PeerId, promise: Promise) -> Option<NodeId> {
        let it = self.peers.get_mut(peer)?;
        // What it said first is what it is held to.
        it.promised.get_or_insert(promise);
        it.becomes_ready()
    }

    /// The peer listens to one topic more. Returns it if it can be talked to from now on.
    pub(super) fn subscribed(&mut self, peer: &PeerId, topic: Topic) -> Option<NodeId> {
        let it = self.peers.get_mut(peer)?;
        it.topics.insert(topic);
        it.becomes_ready()
    }

    pub(super) fn unsubscribed(&mut self, peer: &PeerId, topic: Topic) {
        if let Some(it) = self.peers.get_mut(peer) {
            it.topics.remove(&topic);
        }
    }

    /// Of which shards a peer that can be talked to hears everything, if that has not been told.
    pub(super) fn news(&mut self, peer: &PeerId) -> Option<(NodeId, Shards)> {
        let it = self.peers.get_mut(peer).filter(|it| it.ready)?;
        let shards = it.shards();
        (std::mem::replace(&mut it.told, shards) != shards).then_some((it.node, shards))
    }

    /// The connections to close because there are two to the same peer.
    pub(super) fn superfluous(&self, now: Instant) -> Vec<ConnectionId> {
        let of = |(peer, it): (&PeerId, &Peer)| match it.connections.as_slice() {
            [older, newer, ..] if Self::are_elsewhere(older, newer) => {
                let due = newer.since + Self::HAND_OVER <= now;
                if due { vec![older.id, newer.id] } else { vec![] }
            }
            [older, newer, ..] if newer.since + Self::LINGER <= now => vec![self.worse(peer, older, newer)],
            _ => vec![],
        };
        self.peers.iter().flat_map(of).collect()
    }

    /// Did the peer dial from one host, and later from another? It has moved, or its key is used by two nodes. Gossipsub tells its
    /// topics on the first connection only, so that the second is of little use: without both, the peer dials again. Of two nodes
    /// with one key the one that is back first shuts the other out, so that it has to hear of it by what is said when they meet.
    fn are_elsewhere(older: &Connection, newer: &Connection) -> bool {
        let dialled = !older.outbound && !newer.outbound;
        dialled
            && newer.since - older.since >= Self::AT_ONCE
            && older.address.iter().next() != newer.address.iter().next()
    }

    /// Of two that were dialled from both sides at once, both nodes must close the same: that which the greater of
    /// them dialled. Else the older one, whose other end may be gone.
    fn worse(&self, peer: &PeerId, older: &Connection, newer: &Connection) -> ConnectionId {
        let at_once = newer.since - older.since < Self::AT_ONCE && older.outbound != newer.outbound;
        let own_is_greater = self.own > *peer;
        if at_once && newer.outbound == own_is_greater {
            newer.id
        } else {
            older.id
        }
    }

    /// The connection to close because more peers than `most` have dialled this node; nothing else is done with it from now on.
    pub(super) fn one_too_many(
        &mut self,
        most: u32,
        weight: impl Fn(&PeerId) -> i32,
    ) -> Option<ConnectionId> {
        let guests: Vec<Guest<ConnectionId>> = (self.peers.iter())
            .flat_map(|(peer, it)| it.connections.iter().map(move |connection| (peer, connection)))
            .filter(|(_, it)| !it.outbound && !it.gone)
            .map(|(peer, it)| Guest {
                id: it.id,
                weight: weight(peer),
                prefix: Prefix::at(&it.address.to_string()),
                number: it.number,
            })
            .collect();
        if u32::try_from(guests.len()).unwrap_or(u32::MAX) <= most {
            return None;
        }
        let id = gives_way(&guests)?;
        let connections = self.peers.values_mut().flat_map(|it| &mut it.connections);
        connections.filter(|it| it.id == id).for_each(|it| it.gone = true);
        Some(id)
    }

    /// Who has not said its network and all topics in time, with the address if this node dialled it.
    pub(super) fn silent(&self, timeout: Duration, now: Instant) -> Vec<(PeerId, Option<Multiaddr>)> {
        let is_silent = |it: &Peer| !it.says_all() && it.since + timeout <= now;
        let dialled = |it: &Peer| {
            let connection = it.connections.iter().rfind(|it| it.outbound)?;
            it.promised.map(|_| connection.address.clone())
        };
        self.peers
            .iter()
            .filter(|(_, it)| is_silent(it))
            .map(|(peer, it)| (*peer, dialled(it)))
            .collect()
    }

    /// Those of this network that this node dialled and that cannot be talked to yet.
    pub(super) fn met(&self) -> Vec<PeerId> {
        let met = |it: &Peer| it.promised.is_some() && !it.ready && it.way() == Way::Outbound;
        let all = self.peers.iter().filter(|(_, it)| met(it));
        all.map(|(peer, _)| *peer).collect()
    }

    /// Those that can be talked to; `kept` says of whom the operator wants a connection.
    pub(super) fn list(&self, kept: impl Fn(&PeerId) -> bool) -> Vec<PeerInfo> {
        let info = |(peer, it): (&PeerId, &Peer)| {
            let connection = it.connections.last()?;
            it.ready.then(|| PeerInfo {
                id: it.node,
                address: connection.address.clone(),
                outbound: connection.outbound,
                messages: it.messages,
                bytes: ByteLen::new(it.bytes),
                kept: kept(peer),
                shards: it.shards(),
            })
        };
        self.peers.iter().filter_map(info).collect()
    }
}

impl Peer {
    /// By whom the connection was made that is used.
    pub(super) fn way(&self) -> Way {
        match self.connections.last() {
            Some(Connection { outbound: true, .. }) => Way::Outbound,
            _ => Way::Inbound,
        }
    }

    /// It listens to every topic that it has promised to.
    fn says_all(&self) -> bool {
        let keeps = |it: Promise| it.topics().iter().all(|topic| self.topics.contains(topic));
        self.promised.is_some_and(keeps)
    }

    fn shards(&self) -> Shards {
        let listens = |topic: Topic| self.topics.contains(&topic);
        self.promised.map_or(Shards::NONE, |it| it.shards(listens))
    }

    fn becomes_ready(&mut self) -> Option<NodeId> {
        let becomes = self.says_all() && !self.ready;
        self.ready |= becomes;
        becomes.then_some(self.node)
    }
}

#[cfg(test)]
mod tests {
    use libp2p::core::{Endpoint, transport::PortUse};

    use super::*;

    /// Connections of one peer, each made so many milliseconds after the first: which are closed in the end.
    fn closed(connections: &[(u64, &str, bool)]) -> Vec<usize> {
        let (own, peer) = (PeerId::random(), PeerId::random());
        let mut peers = Peers::new(own);
        let start = Instant::now();
        for (id, (after, address, outbound)) in connections.iter().enumerate() {
            let address: Multiaddr = address.parse().expect("an address");
            let endpoint = if *outbound {
                ConnectedPoint::Dialer {
                    address,
                    role_override: Endpoint::Dialer,
                    port_use: PortUse::Reuse,
                }
            } else {
                ConnectedPoint::Listener {
                    local_addr: Multiaddr::empty(),
                    send_back_addr: address,
                }
            };
            let (id, at) = (
                ConnectionId::new_unchecked(id),
                start + Duration::from_millis(*after),
            );
            peers.connected(peer, NodeId::from_bytes([1; 32]), id, &endpoint, at);
        }
        let later = start + Duration::from_secs(60);
        let name = |id: &ConnectionId| (0..2).find(|it| ConnectionId::new_unchecked(*it) == *id);
        peers.superfluous(later).iter().filter_map(name).collect()
    }

    const HERE: &str = "/ip4/10.0.0.1/tcp/1";
    const SAME_HOST: &str = "/ip4/10.0.0.1/udp/2/quic-v1";
    const ELSEWHERE: &str = "/ip4/10.0.0.2/tcp/1";

    #[test]
    fn of_two_connections_from_one_host_the_older_is_closed() {
        assert_eq!(closed(&[(0, HERE, false)]), [] as [usize; 0]);
        assert_eq!(closed(&[(0, HERE, false), (5000, SAME_HOST, false)]), [0]);
    }

    #[test]
    fn a_peer_that_dials_from_another_host_later_must_dial_again() {
        assert_eq!(closed(&[(0, HERE, false), (2000, ELSEWHERE, false)]), [0, 1]);
    }

    #[test]
    fn a_peer_that_dials_from_two_addresses_at_once_keeps_one() {
        assert_eq!(closed(&[(0, HERE, false), (1999, ELSEWHERE, false)]), [0]);
    }

    #[test]
    fn a_peer_that_this_node_dials_at_another_address_keeps_the_newer() {
        assert_eq!(closed(&[(0, HERE, false), (5000, ELSEWHERE, true)]), [0]);
        assert_eq!(closed(&[(0, HERE, true), (5000, ELSEWHERE, false)]), [0]);
    }

    /// A node whose key another has, too: each dials from its host, and again when its connection is gone.
    struct Twin {
        address: &'static str,
        redial: crate::core::Redial,
        dials_at: Duration,
        connection: Option<ConnectionId>,
        /// Seconds at which it was told topics, and at which it met the peer.
        told: Vec<u64>,
        met: Vec<u64>,
    }

    /// What becomes of two of them within a minute, the second of which dials two seconds and a half after the first.
    fn twins(seed: u8) -> [Twin; 2] {
        let (own, peer) = (PeerId::random(), PeerId::random());
        let (mut peers, start) = (Peers::new(own), Instant::now());
        let twin = |seed, address, after| Twin {
            address,
            redial: crate::core::Redial::new(&[seed; 32]),
            dials_at: Duration::from_millis(after),
            connection: None,
            told: vec![],
            met: vec![],
        };
        let mut twins = [twin(seed, HERE, 0), twin(seed + 100, ELSEWHERE, 2500)];
        let mut made = 0;
        for step in 0..240 {
            let now = Duration::from_millis(250 * step);
            for twin in &mut twins {
                if twin.connection.is_some() || twin.dials_at > now {
                    continue;
                }
                let endpoint = ConnectedPoint::Listener {
                    local_addr: Multiaddr::empty(),
                    send_back_addr: twin.address.parse().expect("an address"),
                };
                let id = ConnectionId::new_unchecked(made);
                made += 1;
                twin.connection = Some(id);
                twin.met.push(now.as_secs());
                // Gossipsub tells its topics on the first connection only.
                if peers.get(&peer).is_none() {
                    twin.told.push(now.as_secs());
                    twin.redial.succeeded();
                }
                peers.connected(peer, NodeId::from_bytes([1; 32]), id, &endpoint, start + now);
            }
            for id in peers.superfluous(start + now) {
                peers.closed(&peer, id);
                let lost = twins.iter_mut().filter(|it| it.connection == Some(id));
                lost.for_each(|it| {
                    it.connection = None;
                    it.dials_at = now + it.redial.after_failure();
                });
            }
        }
        twins
    }

    /// Why they say hello: for half a minute one of two nodes with one key may not be told a single topic, so that it is not connected
    /// and hears nothing of what the other says. But it has met the peer.
    #[test]
    fn of_two_nodes_with_one_key_one_may_be_shut_out_and_meets_its_peers_all_the_same() {
        let is_soon = |at: &u64| *at <= 30;
        let shut_out = (0..20).filter(|seed| {
            let twins = twins(*seed);
            assert!(twins.iter().all(|it| it.met[0] <= 3));
            twins.iter().any(|it| !it.told.iter().any(is_soon))
        });
        let shut_out = shut_out.count();
        assert!(shut_out > 5, "{shut_out} of 20");
    }

    #[test]
    fn both_connections_of_a_node_that_dials_from_two_hosts_stay_until_what_is_known_of_it_is_handed_over() {
        let (own, peer) = (PeerId::random(), PeerId::random());
        let (mut peers, start) = (Peers::new(own), Instant::now());
        for (id, address) in [(0, HERE), (1, ELSEWHERE)] {
            let endpoint = ConnectedPoint::Listener {
                local_addr: Multiaddr::empty(),
                send_back_addr: address.parse().expect("an address"),
            };
            let at = start + Duration::from_secs(5 * id as u64);
            let id = ConnectionId::new_unchecked(id);
            peers.connected(peer, NodeId::from_bytes([1; 32]), id, &endpoint, at);
        }
        let closed = |millis| peers.superfluous(start + Duration::from_millis(millis)).len();
        assert_eq!([closed(6500), closed(7999), closed(8000)], [0, 0, 2]);
    }
}
