mod seen;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, Ipv6Addr},
};

use nonos_types::{Descriptor, MessageId, NodeId, Sequence, Signed, Timestamp};

pub use self::seen::Seen;

/// What a [`Directory`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryLimits {
    /// Most descriptors.
    pub most: usize,
    /// Least bits of work in a descriptor's stamp.
    pub stamp_bits: u32,
    /// Most nodes with their first address in one /24 (IPv4) or /48 (IPv6), and most without any address.
    pub of_prefix: usize,
    /// Do private and loopback addresses count as one prefix each, too? Not where all nodes are in one house.
    pub private_prefixes: bool,
}

impl Default for DirectoryLimits {
    fn default() -> Self {
        Self {
            most: 10_000,
            stamp_bits: 16,
            of_prefix: 8,
            private_prefixes: true,
        }
    }
}

/// What a descriptor would do to a [`Directory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the first of its node.
    New,
    /// It takes the place of an older one.
    Newer,
    /// It is there.
    Known,
    /// There is a newer one.
    Old,
    /// There is or was another with the same number, signed by the same node: [`Directory::twin`] names it. Together they show
    /// that the node says different things to different peers.
    Equivocates,
    /// It is no longer valid.
    Expired,
    /// Its stamp is not worth the work that is asked for.
    TooLittleWork {
        /// What it is worth.
        bits: u32,
    },
    /// Too many nodes are of the same prefix, and none of them gives way.
    PrefixFull,
    /// There are too many descriptors, and none of them gives way.
    Full,
}

/// Where a node is, as far as many nodes of one owner would be in the same place.
///
/// ```
/// use nonos_mesh::core::Prefix;
///
/// let at = |address| Prefix::at(address).expect("an address");
/// assert_eq!(at("/ip4/203.0.113.7/tcp/4001"), Prefix::V4([203, 0, 113]));
/// assert_eq!(at("/ip4/203.0.113.7/tcp/4001"), at("/ip4/203.0.113.200/udp/9/quic-v1"));
/// assert!(at("/ip4/192.168.1.2/tcp/1").is_private());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prefix {
    /// A /24.
    V4([u8; 3]),
    /// A /48.
    V6([u8; 6]),
    /// It names no address.
    Nowhere,
}

impl Prefix {
    /// That of the first address of a descriptor.
    pub fn of(descriptor: &Descriptor) -> Self {
        let address = descriptor.addresses.first();
        address.map_or(Self::Nowhere, |address| {
            Self::at(address).unwrap_or(Self::Nowhere)
        })
    }

    /// That of a multiaddr, if it starts with an IP address.
    pub fn at(address: &str) -> Option<Self> {
        let mut parts = address.split('/').skip(1);
        match (parts.next()?, parts.next()?) {
            ("ip4", ip) => {
                let [a, b, c, _] = ip.parse::<Ipv4Addr>().ok()?.octets();
                Some(Self::V4([a, b, c]))
            }
            ("ip6", ip) => {
                let octets = ip.parse::<Ipv6Addr>().ok()?.octets();
                Some(Self::V6(*octets.first_chunk().expect("16 bytes")))
            }
            _ => None,
        }
    }

    /// Is it of addresses that are not on the internet?
    pub fn is_private(self) -> bool {
        match self {
            Self::V4([a, b, c]) => {
                let ip = Ipv4Addr::new(a, b, c, 1);
                ip.is_private() || ip.is_loopback() || ip.is_link_local()
            }
            Self::V6([a, b, rest @ ..]) => {
                let unique_local = a & 0xfe == 0xfc;
                let link_local = a == 0xfe && b & 0xc0 == 0x80;
                let loopback = (a, b, rest) == (0, 0, [0; 4]);
                unique_local || link_local || loopback
            }
            Self::Nowhere => false,
        }
    }
}

#[derive(Clone, Debug)]
struct Listed {
    descriptor: Signed<Descriptor>,
    prefix: Prefix,
    bits: u32,
    seen: Seen,
    /// The numbers before this one and what had them, the newest last, up to [`Directory::PAST`]: what is said twice is often
    /// noticed after a third thing was said.
    past: Vec<(Sequence, MessageId)>,
}

/// The nodes of the mesh: the newest descriptor of each, as flooded. Who is there is looked up here, and nobody is asked.
///
/// It is bounded in all and by prefix, since names cost nothing but a stamp. A node that is *kept* ([`Directory::keep`]:
/// connected, or one's own) never gives way. Of the others, whoever did more work for its stamp stays, and of those who did
/// the same, whoever was there first; so whoever floods with new names drives out nobody who was known before.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_mesh::core::{Directory, DirectoryLimits, Standing};
/// # use nonos_types::{Capacity, Further, PoiHash, Roles, Sequence};
/// use nonos_types::{Descriptor, NetworkId, NodeId, Signed, Stamp, Timestamp};
///
/// let (network, now) = (NetworkId::named("example"), Timestamp::new(1_800_000_000));
/// let key = SigningKey::from_bytes(&[1; 32]);
/// let node = NodeId::from_bytes(key.verifying_key().to_bytes());
/// let descriptor = Descriptor {
///     addresses: vec!["/ip4/192.0.2.7/tcp/4710".to_owned()],
///     stamp: Stamp::find(network, node, 16), shards: nonos_types::Shards::ALL, family: None, books: None,
///     further: Further::NONE,
///     # network, sequence: Sequence::new(1), valid_from: now, valid_until: Timestamp::new(now.get() + 3600),
///     # roles: Roles::NONE, profile: PoiHash::ZERO, software: String::new(), capacity: Capacity::NONE, onion_keys: vec![],
///     // …
/// };
/// let mut directory = Directory::new(DirectoryLimits::default());
/// let signed = Signed::new(descriptor, &key);
/// assert_eq!(directory.learn(&signed, None, now), Standing::New);
/// assert_eq!(directory.learn(&signed, None, now), Standing::Known);
/// assert_eq!(directory.get(node), Some(&signed));
/// ```
#[derive(Clone, Debug)]
pub struct Directory {
    limits: DirectoryLimits,
    nodes: BTreeMap<NodeId, Listed>,
    kept: BTreeSet<NodeId>,
    by_prefix: BTreeMap<Prefix, usize>,
    /// What was known of nodes when this one last ran, until they are listed.
    remembered: BTreeMap<NodeId, Seen>,
    /// Nodes of which something else is to be remembered than was asked for last.
    changed: BTreeSet<NodeId>,
}

impl Directory {
    /// Descriptors before the last of a node whose numbers are remembered.
    pub const PAST: usize = 4;

    /// An empty one.
    pub fn new(limits: DirectoryLimits) -> Self {
        Self {
            limits,
            nodes: BTreeMap::new(),
            kept: BTreeSet::new(),
            by_prefix: BTreeMap::new(),
            remembered: BTreeMap::new(),
            changed: BTreeSet::new(),
        }
    }

    /// What the descriptor would do; it is not taken.
    pub fn judge(&self, it: &Signed<Descriptor>, now: Timestamp) -> Standing {
        match self.place(it, now) {
            Ok((standing, _)) | Err(standing) => standing,
        }
    }

    /// Takes the descriptor if it is new or newer; `from` is the neighbour that showed it.
    pub fn learn(&mut self, it: &Signed<Descriptor>, from: Option<NodeId>, now: Timestamp) -> Standing {
        let standing = match self.place(it, now) {
            Ok((standing, gives_way)) => {
                if let Some(node) = gives_way {
                    self.remove(node);
                }
                let (past, seen) = match self.remove(it.signer()) {
                    Some(mut old) => {
                        if old.past.len() == Self::PAST {
                            old.past.remove(0);
                        }
                        old.past.push((old.descriptor.sequence, old.descriptor.id()));
                        (old.past, old.seen)
                    }
                    None => {
                        let known = self.remembered.remove(&it.signer());
                        (vec![], known.unwrap_or_else(|| Seen::at(now)))
                    }
                };
                self.changed.insert(it.signer());
                let listed = Listed {
                    prefix: Prefix::of(it),
                    bits: it.stamp.bits(it.network, it.signer()),
                    descriptor: it.clone(),
                    seen,
                    past,
                };
                *self.by_prefix.entry(listed.prefix).or_default() += 1;
                self.nodes.insert(it.signer(), listed);
                standing
            }
            Err(standing) => standing,
        };
        if let (Standing::New | Standing::Newer | Standing::Known, Some(from)) = (standing, from)
            && let Some(listed) = self.nodes.get_mut(&it.signer())
            && listed.seen.by(from)
        {
            self.changed.insert(it.signer());
        }
        standing
    }

    /// What was known of a node when this one last ran: it counts if the node is listed before [`Directory::forget`].
    pub fn remember(&mut self, node: NodeId, seen: Seen) {
        if !self.nodes.contains_key(&node) && self.remembered.len() < self.limits.most {
            self.remembered.insert(node, seen);
        }
    }

    /// Forgets what was known of nodes that are not listed.
    pub fn forget(&mut self) {
        self.changed
            .extend(std::mem::take(&mut self.remembered).into_keys());
    }

    /// Nodes of which something else is to be kept than when this was asked last: what, or nothing more.
    pub fn take_changed(&mut self) -> Vec<(NodeId, Option<Seen>)> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        changed.map(|node| (node, self.seen(node).cloned())).collect()
    }

    /// How a node came to be listed.
    pub fn seen(&self, node: NodeId) -> Option<&Seen> {
        self.nodes.get(&node).map(|it| &it.seen)
    }

    /// The descriptor of a node.
    pub fn get(&self, node: NodeId) -> Option<&Signed<Descriptor>> {
        self.nodes.get(&node).map(|it| &it.descriptor)
    }

    /// The name of another descriptor with this one's number, of the same node, if one is or was there.
    pub fn twin(&self, it: &Signed<Descriptor>) -> Option<MessageId> {
        let listed = self.nodes.get(&it.signer())?;
        let there = (listed.descriptor.sequence, listed.descriptor.id());
        let mut all = listed.past.iter().chain(std::iter::once(&there));
        let (_, twin) = all.find(|(sequence, _)| *sequence == it.sequence)?;
        (*twin != it.id()).then_some(*twin)
    }

    /// All of them, by the node's name.
    pub fn iter(&self) -> impl Iterator<Item = &Signed<Descriptor>> {
        self.nodes.values().map(|it| &it.descriptor)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Since when a node is listed, without a gap.
    pub fn since(&self, node: NodeId) -> Option<Timestamp> {
        self.seen(node).map(Seen::since)
    }

    /// Lets a node never give way to others, or no longer.
    pub fn keep(&mut self, node: NodeId, kept: bool) {
        if kept {
            self.kept.insert(node);
        } else {
            self.kept.remove(&node);
        }
    }

    /// Drops what is no longer valid, but not one's own.
    pub fn expire(&mut self, me: NodeId, now: Timestamp) {
        let over: Vec<_> = (self.nodes.iter())
            .filter(|(node, it)| it.descriptor.valid_until < now && **node != me)
            .map(|(node, _)| *node)
            .collect();
        for node in over {
            self.remove(node);
        }
    }

    /// What a descriptor is here, and who gives way to it.
    fn place(&self, it: &Signed<Descriptor>, now: Timestamp) -> Result<(Standing, Option<NodeId>), Standing> {
        let node = it.signer();
        if it.valid_until < now {
            return Err(Standing::Expired);
        }
        let old = self.nodes.get(&node);
        if let Some(old) = old {
            if self.twin(it).is_some() {
                return Err(Standing::Equivocates);
            }
            match it.sequence.cmp(&old.descriptor.sequence) {
                std::cmp::Ordering::Less => return Err(Standing::Old),
                std::cmp::Ordering::Equal => return Err(Standing::Known),
                std::cmp::Ordering::Greater => {}
            }
        }
        let kept = self.kept.contains(&node);
        let bits = it.stamp.bits(it.network, node);
        if bits < self.limits.stamp_bits && !kept {
            return Err(Standing::TooLittleWork { bits });
        }
        let standing = if old.is_some() {
            Standing::Newer
        } else {
            Standing::New
        };
        let prefix = Prefix::of(it);
        let moves = old.is_none_or(|old| old.prefix != prefix);
        let of_prefix = self.by_prefix.get(&prefix).copied().unwrap_or(0);
        if moves && self.is_bounded(prefix) && of_prefix >= self.limits.of_prefix {
            let weakest = self.weakest(|listed| listed.prefix == prefix);
            return match weakest.filter(|(_, weakest)| kept || bits > *weakest) {
                Some((node, _)) => Ok((standing, Some(node))),
                None => Err(Standing::PrefixFull),
            };
        }
        if old.is_none() && self.nodes.len() >= self.limits.most {
            let weakest = self.weakest(|_| true);
            return match weakest.filter(|(_, weakest)| kept || bits > *weakest) {
                Some((node, _)) => Ok((standing, Some(node))),
                None => Err(Standing::Full),
            };
        }
        Ok((standing, None))
    }

    fn is_bounded(&self, prefix: Prefix) -> bool {
        self.limits.private_prefixes || !prefix.is_private()
    }

    /// Who did the least work, and of those who came last.
    fn weakest(&self, among: impl Fn(&Listed) -> bool) -> Option<(NodeId, u32)> {
        (self.nodes.iter())
            .filter(|(node, listed)| !self.kept.contains(*node) && among(listed))
            .min_by_key(|(_, listed)| (listed.bits, std::cmp::Reverse(listed.seen.since())))
            .map(|(node, listed)| (*node, listed.bits))
    }

    fn remove(&mut self, node: NodeId) -> Option<Listed> {
        let listed = self.nodes.remove(&node)?;
        let count = self.by_prefix.get_mut(&listed.prefix).expect("it was counted");
        *count -= 1;
        if *count == 0 {
            self.by_prefix.remove(&listed.prefix);
        }
        self.changed.insert(node);
        Some(listed)
    }
}

#[cfg(test)]
mod tests;
