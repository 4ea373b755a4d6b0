use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    ByteLen, Error, NetworkId, Payload, PoiHash, Sequence, Timestamp,
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
}

impl Descriptor {
    /// Longest time a descriptor is valid, in seconds.
    pub const MAX_VALIDITY: u64 = 24 * 60 * 60;
    /// Most addresses.
    pub const MAX_ADDRESSES: usize = 8;
    const MAX_ADDRESS: usize = 128;
    const MAX_SOFTWARE: usize = 32;
}

impl Payload for Descriptor {
    const TYPE: &'static str = NAME;
    const MAX: ByteLen = ByteLen::new(1300);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&proto::Descriptor {
            network_id: self.network.as_bytes().to_vec(),
            sequence: self.sequence.get(),
            valid_from: self.valid_from.get(),
            valid_until: self.valid_until.get(),
            addresses: self.addresses.clone(),
            roles: self.roles.0.into(),
            profile: self.profile.as_bytes().to_vec(),
            software: self.software.clone(),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Descriptor = wire::decode(NAME, Self::MAX, bytes)?;
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
        Ok(Self {
            network: digest(NAME, "network_id", &message.network_id)?,
            sequence: Sequence::new(message.sequence),
            valid_from: Timestamp::new(message.valid_from),
            valid_until: Timestamp::new(message.valid_until),
            addresses: message.addresses,
            roles: Roles::from_bits(message.roles).ok_or(bad("roles"))?,
            profile: digest(NAME, "profile", &message.profile)?,
            software: message.software,
        })
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
