use nonos_types::{CapsuleHash, Kind, Message, NetworkId};

/// A part of the capsules: those whose hash starts with the same two bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u8);

impl Shard {
    /// How many there are.
    pub const COUNT: u8 = 4;

    /// The shard of a capsule.
    pub fn of(capsule: &CapsuleHash) -> Self {
        Self(capsule.as_bytes()[0] >> 6)
    }
}

/// Where messages of one kind travel; receipts in one topic per shard.
///
/// ```
/// use nonos_mesh::core::Topic;
/// use nonos_types::{Kind, NetworkId};
///
/// let presence = Topic::all().find(|topic| topic.kind() == Kind::Descriptor).expect("it is there");
/// assert_eq!(presence.name(NetworkId::ZERO), "/nonos/00000000/1/presence");
/// assert_eq!(Topic::all().count(), Topic::COUNT);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    kind: Kind,
    shard: Option<Shard>,
}

impl Topic {
    /// How many there are.
    pub const COUNT: usize = Kind::ALL.len() - 1 + Shard::COUNT as usize;

    /// Every topic.
    pub fn all() -> impl Iterator<Item = Self> {
        Kind::ALL.iter().flat_map(|&kind| {
            let shards = match kind {
                Kind::Receipt => (0..Shard::COUNT).map(|shard| Some(Shard(shard))).collect(),
                _ => vec![None],
            };
            shards.into_iter().map(move |shard| Self { kind, shard })
        })
    }

    /// Where a message belongs.
    pub fn of(message: &Message) -> Self {
        let shard = match message {
            Message::Receipt(receipt) => Some(Shard::of(&receipt.record.proven.capsule)),
            _ => None,
        };
        Self {
            kind: message.kind(),
            shard,
        }
    }

    /// The kind of message it carries.
    pub fn kind(self) -> Kind {
        self.kind
    }

    /// Its name on the wire.
    pub fn name(self, network: NetworkId) -> String {
        let name = match self.kind {
            Kind::Descriptor => "presence",
            Kind::Offer => "job/offer",
            Kind::Claim => "job/claim",
            Kind::Award => "job/award",
            Kind::Cancel => "job/cancel",
            Kind::Receipt => "proof",
            Kind::Verdict => "attest",
            Kind::Voucher => "voucher",
            Kind::Accusation => "evidence",
            Kind::RelayHead => "heads",
        };
        let shard = self.shard.map(|Shard(shard)| format!("/{shard}"));
        format!("/nonos/{network:.8}/1/{name}{}", shard.unwrap_or_default())
    }
}
