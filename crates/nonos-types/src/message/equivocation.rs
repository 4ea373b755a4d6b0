use super::{accusation::bad, pair};
use crate::{Descriptor, Error, EvidenceId, NetworkId, NodeId, Signed};

/// Two descriptors that one node signed for one network under one number and that are not the same: it shows itself to
/// some as this, and to others as that.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_types::{Descriptor, Equivocation, NetworkId, Sequence, Signed, Timestamp};
/// # use nonos_types::{Capacity, Further, PoiHash, Roles, Shards, Stamp};
///
/// let key = SigningKey::from_bytes(&[1; 32]);
/// let described = |address: &str, sequence| {
///     let descriptor = Descriptor {
///         sequence: Sequence::new(sequence),
///         addresses: vec![address.to_owned()],
///         # network: NetworkId::named("example"), valid_from: Timestamp::ZERO, valid_until: Timestamp::ZERO,
///         # roles: Roles::NONE, profile: PoiHash::ZERO, software: String::new(), capacity: Capacity::NONE,
///         # onion_keys: vec![], stamp: Stamp::NONE, family: None, books: None, shards: Shards::ALL, further: Further::NONE,
///         // …
///     };
///     Signed::new(descriptor, &key)
/// };
/// let first = described("/ip4/192.0.2.1/tcp/1", 7);
/// assert!(Equivocation::of(&first, &described("/ip4/192.0.2.2/tcp/1", 7)).is_some());
/// assert!(Equivocation::of(&first, &described("/ip4/192.0.2.2/tcp/1", 8)).is_none());
/// assert!(Equivocation::of(&first, &first).is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivocation {
    /// That with the lesser name, so that the same two make one evidence.
    pub first: Signed<Descriptor>,
    /// The other.
    pub second: Signed<Descriptor>,
}

impl Equivocation {
    /// The fault that these two descriptors show, if they show one.
    pub fn of(one: &Signed<Descriptor>, other: &Signed<Descriptor>) -> Option<Self> {
        let (first, second) = pair::ordered(one, other, Signed::id);
        let both = Self {
            first: first.clone(),
            second: second.clone(),
        };
        both.is_equivocal().then_some(both)
    }

    /// Are they two, and under one number? A name covers the signer and what is signed, but not the signature, of which
    /// there can be many for the same descriptor.
    pub fn is_equivocal(&self) -> bool {
        let about = |it: &Signed<Descriptor>| (it.signer(), it.network, it.sequence);
        about(&self.first) == about(&self.second) && self.first.id() < self.second.id()
    }

    /// Whose fault it would be.
    pub fn subject(&self) -> NodeId {
        self.first.signer()
    }

    /// The evidence's name: the node's, its network's and the number's. However many descriptors there are of one number,
    /// it is one fault. Another number is another one: who was convicted and was forgiven can do it again.
    pub fn id(&self) -> EvidenceId {
        let (node, first) = (self.first.signer(), self.first.value());
        let sequence = first.sequence.get().to_le_bytes();
        EvidenceId::hash(&[
            b"equivocation",
            node.as_bytes(),
            first.network.as_bytes(),
            &sequence,
        ])
    }

    /// Of an accusation for this network.
    pub(super) fn read(first: &[u8], second: &[u8], network: NetworkId) -> Result<Self, Error> {
        let (first, second) = pair::read(first, second)?;
        let evidence = Self { first, second };
        if evidence.first.network != network {
            return Err(bad("network_id"));
        }
        if !evidence.is_equivocal() {
            return Err(bad("equivocation"));
        }
        Ok(evidence)
    }
}
