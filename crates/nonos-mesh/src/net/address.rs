use std::net::IpAddr;

use libp2p::{
    Multiaddr, PeerId,
    identity::{PublicKey, ed25519},
    multiaddr::Protocol,
};
use nonos_types::NodeId;

use super::Error;

/// The node of a peer: the ed25519 key that its name contains. Peers of other keys are no nodes.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use libp2p::identity::Keypair;
///
/// let key = SigningKey::from_bytes(&[7; 32]);
/// let peer = Keypair::ed25519_from_bytes([7; 32])?.public().to_peer_id();
/// let node = nonos_mesh::node_id(&peer).expect("an ed25519 key");
/// assert_eq!(*node.as_bytes(), key.verifying_key().to_bytes());
/// # Ok::<_, libp2p::identity::DecodingError>(())
/// ```
pub fn node_id(peer: &PeerId) -> Option<NodeId> {
    // Names of short keys are the keys themselves, by the identity function as hash.
    const IDENTITY: u64 = 0;
    let hash = peer.as_ref();
    if hash.code() != IDENTITY {
        return None;
    }
    let key = PublicKey::try_decode_protobuf(hash.digest()).ok()?;
    let key = key.try_into_ed25519().ok()?;
    Some(NodeId::from_bytes(key.to_bytes()))
}

/// The peer of a node, unless its name is not a key.
pub(super) fn peer_id(node: &NodeId) -> Option<PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(node.as_bytes()).ok()?;
    Some(PublicKey::from(key).to_peer_id())
}

/// An address with the name of the node there, as peers are given it: `/ip4/192.0.2.7/tcp/4710/p2p/12D3…`. As it
/// is, if the name is not a usable key.
///
/// ```
/// use nonos_mesh::{Multiaddr, with_peer};
/// use nonos_types::NodeId;
/// # use ed25519_dalek::SigningKey;
///
/// # let id = NodeId::from_bytes(SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes());
/// let address: Multiaddr = "/ip4/203.0.113.7/tcp/4001".parse()?;
/// assert!(with_peer(address, &id).to_string().starts_with("/ip4/203.0.113.7/tcp/4001/p2p/"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn with_peer(address: Multiaddr, node: &NodeId) -> Multiaddr {
    match peer_id(node) {
        Some(peer) => address.with_p2p(peer).unwrap_or_else(|address| address),
        None => address,
    }
}

/// Refuses what needs a name server, or a transport that is not there.
pub(super) fn check(address: &Multiaddr) -> Result<(), Error> {
    let named = |it: &Protocol<'_>| {
        matches!(
            it,
            Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_)
        )
    };
    if address.iter().any(|it| named(&it)) {
        return Err(Error::NameInAddress {
            address: address.to_string(),
        });
    }
    let parts: Vec<_> = address.iter().collect();
    match parts.as_slice() {
        [Protocol::Ip4(_) | Protocol::Ip6(_), Protocol::Tcp(_), rest @ ..]
        | [
            Protocol::Ip4(_) | Protocol::Ip6(_),
            Protocol::Udp(_),
            Protocol::QuicV1,
            rest @ ..,
        ] if matches!(rest, [] | [Protocol::P2p(_)]) => Ok(()),
        _ => Err(Error::UnsupportedAddress {
            address: address.to_string(),
        }),
    }
}

/// The peer that an address names.
pub(super) fn named_peer(address: &Multiaddr) -> Option<PeerId> {
    address.iter().find_map(|it| match it {
        Protocol::P2p(peer) => Some(peer),
        _ => None,
    })
}

/// Can strangers from the internet reach it?
pub(super) fn is_public(address: &Multiaddr) -> bool {
    address.iter().any(|it| match it {
        Protocol::Ip4(ip) => is_public_ip(ip.into()),
        Protocol::Ip6(ip) => is_public_ip(ip.into()),
        _ => false,
    })
}

fn is_public_ip(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !(ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()),
        IpAddr::V6(ip) => {
            !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified())
        }
    }
}
