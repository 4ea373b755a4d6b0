use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    ByteLen, Digest, Error, FamilyId, FeedHead, Further, Incarnation, NetworkId, NodeId, Payload, PoiHash,
    Sequence, Shards, Tag, Timestamp,
    record::bytes::digest,
    wire::{self, proto},
};

const NAME: &str = "descriptor";

/// A node about itself: where it can be reached, and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Its network.
    pub network: NetworkId,
    /// The highest of a node counts.
    pub sequence: Sequence,
    /// From when on.
    pub valid_from: Timestamp,
    /// Until when; at most [`Descriptor::MAX_VALIDITY`] later.
    pub valid_until: Timestamp,
    /// Multiaddrs, without the node's name; at most 8 of 1 to 128 bytes of printable ASCII without blanks.
    pub addresses: Vec<String>,
    /// What it does.
    pub roles: Roles,
    /// Digest of its Proof-of-Infrastructure snapshot.
    pub profile: PoiHash,
    /// Name and version of the program; at most 32 bytes of printable ASCII without blanks.
    pub software: String,
    /// How much it executes, compared with others.
    pub capacity: Capacity,
    /// Keys for onion packets, one for each epoch, in their order; at most [`Descriptor::MAX_ONION_KEYS`].
    pub onion_keys: Vec<OnionKey>,
    /// Work that was done for this node's name.
    pub stamp: Stamp,
    /// Of which capsules it hears what becomes of their jobs; at least one shard.
    pub shards: Shards,
    /// Whose node it is, if others are in the same hand and say the same: no two of them are on one onion route.
    pub family: Option<FamilyId>,
    /// How far its books go, so that it is told if it ever forgets. None if there is nothing in them.
    pub books: Option<FeedHead>,
    /// What a newer program says of its node besides.
    pub further: Further,
}

impl Descriptor {
    /// Longest time a descriptor is valid, in seconds.
    pub const MAX_VALIDITY: u64 = 24 * 60 * 60;
    /// Most addresses.
    pub const MAX_ADDRESSES: usize = 8;
    /// Most keys for onion packets: of the last, this and the next epoch.
    pub const MAX_ONION_KEYS: usize = 3;
    const MAX_ADDRESS: usize = 128;
    const MAX_SOFTWARE: usize = 32;
}

impl Payload for Descriptor {
    const TYPE: &'static str = NAME;
    const MAX: ByteLen = ByteLen::new(1500);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = wire::encode(&proto::Descriptor {
            network_id: self.network.as_bytes().to_vec(),
            sequence: self.sequence.get(),
            valid_from: self.valid_from.get(),
            valid_until: self.valid_until.get(),
            addresses: self.addresses.clone(),
            roles: self.roles.0.into(),
            profile: self.profile.as_bytes().to_vec(),
            software: self.software.clone(),
            capacity: self.capacity.0.into(),
            onion_keys: (self.onion_keys.iter())
                .map(|it| proto::OnionKey {
                    epoch: it.epoch,
                    key: it.key.to_vec(),
                })
                .collect(),
            stamp: self.stamp.0,
            shards: self.shards.to_wire(),
            family: self.family.map(|it| it.as_bytes().to_vec()),
            books: self.books.map(|it| proto::FeedHead {
                incarnation: it.incarnation.get(),
                sequence: it.sequence.get(),
                digest: it.digest.as_bytes().to_vec(),
            }),
        });
        bytes.extend(self.further.as_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (message, further): (proto::Descriptor, _) = Further::decode(NAME, Self::MAX, bytes)?;
        let bad = |field| Error::BadField { message: NAME, field };
        let printable = |text: &str, most| text.len() <= most && text.bytes().all(|b| b.is_ascii_graphic());
        let addresses = &message.addresses;
        if addresses.len() > Self::MAX_ADDRESSES
            || addresses
                .iter()
                .any(|it| it.is_empty() || !printable(it, Self::MAX_ADDRESS))
        {
            return Err(bad("addresses"));
        }
        if !printable(&message.software, Self::MAX_SOFTWARE) {
            return Err(bad("software"));
        }
        let validity = message.valid_until.checked_sub(message.valid_from);
        if validity.is_none_or(|seconds| seconds > Self::MAX_VALIDITY) {
            return Err(bad("valid_until"));
        }
        let onion_keys = (message.onion_keys.iter())
            .map(|it| {
                Ok(OnionKey {
                    epoch: it.epoch,
                    key: wire::fixed(NAME, "onion_keys", &it.key)?,
                })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        if onion_keys.len() > Self::MAX_ONION_KEYS || !onion_keys.is_sorted_by(|a, b| a.epoch < b.epoch) {
            return Err(bad("onion_keys"));
        }
        Ok(Self {
            network: digest(NAME, "network_id", &message.network_id)?,
            sequence: Sequence::new(message.sequence),
            valid_from: Timestamp::new(message.valid_from),
            valid_until: Timestamp::new(message.valid_until),
            addresses: message.addresses,
            roles: Roles::from_bits(message.roles).ok_or(bad("roles"))?,
            profile: digest(NAME, "profile", &message.profile)?,
            software: message.software,
            capacity: Capacity::from_u32(message.capacity).ok_or(bad("capacity"))?,
            onion_keys,
            stamp: Stamp(message.stamp),
            shards: Shards::from_wire(message.shards).ok_or(bad("shards"))?,
            family: (message.family.as_deref())
                .map(|it| digest(NAME, "family", it))
                .transpose()?,
            books: message.books.as_ref().map(books).transpose()?,
            further,
        })
    }
}

fn books(head: &proto::FeedHead) -> Result<FeedHead, Error> {
    if head.sequence == 0 {
        return Err(Error::BadField {
            message: NAME,
            field: "books",
        });
    }
    Ok(FeedHead {
        incarnation: Incarnation::new(head.incarnation),
        sequence: Sequence::new(head.sequence),
        digest: digest(NAME, "books", &head.digest)?,
    })
}

/// What a node executes, compared with others: of two nodes the one with twice the capacity is asked first twice as
/// often. 0 for a node that executes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capacity(u8);

impl Capacity {
    /// It executes nothing.
    pub const NONE: Self = Self(0);
    /// That of a node with one thread for proofs.
    pub const ONE: Self = Self(1);
    /// The most that counts.
    pub const MAX: Self = Self(16);

    /// This many; what is above [`Capacity::MAX`] counts as that.
    pub fn new(capacity: usize) -> Self {
        Self(u8::try_from(capacity).map_or(Self::MAX.0, |it| it.min(Self::MAX.0)))
    }

    /// As a number, at most 16.
    pub fn get(self) -> u8 {
        self.0
    }

    fn from_u32(capacity: u32) -> Option<Self> {
        let it = u8::try_from(capacity).ok().map(Self)?;
        (it <= Self::MAX).then_some(it)
    }
}

/// An X25519 public key that onion packets of an epoch are wrapped for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnionKey {
    /// Periods of six hours since 1970.
    pub epoch: u64,
    /// The key.
    pub key: [u8; 32],
}

/// Work done for a node's name, so that names in great numbers cost something (hashcash).
///
/// ```
/// use nonos_types::{NetworkId, NodeId, Stamp};
///
/// let (network, node) = (NetworkId::named("example"), NodeId::from_bytes([7; 32]));
/// let stamp = Stamp::find(network, node, 10);
/// assert!(stamp.bits(network, node) >= 10);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stamp(u64);

enum StampWork {}

impl Tag for StampWork {
    const DOMAIN: &'static str = "nonos/v1/stamp";
}

impl Stamp {
    /// No work.
    pub const NONE: Self = Self(0);

    /// A number that may be a stamp; [`Stamp::bits`] tells.
    pub const fn new(nonce: u64) -> Self {
        Self(nonce)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Leading zero bits of the digest of network, node and nonce: log2 of the hashes that it took.
    pub fn bits(self, network: NetworkId, node: NodeId) -> u32 {
        let parts = [&network.as_bytes()[..], node.as_bytes(), &self.0.to_be_bytes()];
        let digest = Digest::<StampWork>::hash(&parts);
        let (first, _) = digest.as_bytes().split_first_chunk().expect("32 bytes");
        u64::from_be_bytes(*first).leading_zeros()
    }

    /// Works for a stamp of so many bits: 2^`bits` hashes, more or less.
    pub fn find(network: NetworkId, node: NodeId, bits: u32) -> Self {
        let stamps = (0..=u64::MAX).map(Self);
        stamps
            .into_iter()
            .find(|stamp| stamp.bits(network, node) >= bits)
            .expect("there is one for every number of bits that anyone could work for")
    }
}

/// What a node does for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Gives capsules to those who ask.
    Seeder,
    /// Runs and proves.
    Executor,
    /// Checks proofs.
    Verifier,
    /// Makes new proofs known.
    Broadcaster,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Seeder, Self::Executor, Self::Verifier, Self::Broadcaster];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Seeder => "seeder",
            Self::Executor => "executor",
            Self::Verifier => "verifier",
            Self::Broadcaster => "broadcaster",
        })
    }
}

/// A set of roles.
///
/// ```
/// use nonos_types::{Role, Roles};
///
/// let roles: Roles = [Role::Seeder, Role::Verifier].into_iter().collect();
/// assert!(roles.contains(Role::Seeder) && !roles.contains(Role::Executor));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(u8);

impl Roles {
    /// No role.
    pub const NONE: Self = Self(0);

    /// Is this one of them?
    pub fn contains(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    /// In their order.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.contains(*role))
    }

    fn from_bits(bits: u32) -> Option<Self> {
        let all: Self = Role::ALL.into_iter().collect();
        u8::try_from(bits)
            .ok()
            .filter(|bits| bits & !all.0 == 0)
            .map(Self)
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |bits, role| bits | 1 << role as u8))
    }
}
