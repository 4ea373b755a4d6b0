use nonos_types::{Kind, Message, NetworkId, Shard, Shards};

/// Where messages of one kind travel; those about a job in one topic per shard of its capsule.
///
/// ```
/// use nonos_mesh::core::Topic;
/// use nonos_types::{Kind, NetworkId, Shards};
///
/// let presence = Topic::all().find(|topic| topic.kind() == Kind::Descriptor).expect("it is there");
/// assert_eq!(presence.name(NetworkId::ZERO), "/nonos/00000000/1/presence");
/// assert_eq!(Topic::all().count(), Topic::COUNT);
/// assert!(Topic::of_shards(Shards::NONE).all(|topic| topic.shard().is_none()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    kind: Kind,
    shard: Option<Shard>,
}

impl Topic {
    /// How many there are: one of each kind but receipts, and of each kind about a job one for each shard.
    pub const COUNT: usize = Kind::ALL.len() - 1 + Self::ABOUT_JOBS.len() * Shard::COUNT as usize;
    /// Kinds of what is said about a job.
    const ABOUT_JOBS: [Kind; 6] = [
        Kind::Offer,
        Kind::Claim,
        Kind::Award,
        Kind::Cancel,
        Kind::Receipt,
        Kind::Verdict,
    ];

    /// Every topic, those of programs included that have shards for receipts only.
    pub fn all() -> impl Iterator<Item = Self> {
        Kind::ALL.iter().flat_map(|&kind| {
            let whole = (kind != Kind::Receipt).then_some(Self { kind, shard: None });
            let shards = Shard::all().filter(move |_| Self::is_sharded(kind));
            let in_shards = shards.map(move |shard| Self {
                kind,
                shard: Some(shard),
            });
            whole.into_iter().chain(in_shards)
        })
    }

    /// What a node listens to that wants these shards: what is of no shard, and all that is of these. Only who wants
    /// all of them listens also to what programs publish that do not know of them.
    pub fn of_shards(shards: Shards) -> impl Iterator<Item = Self> {
        Self::all().filter(move |topic| match topic.shard {
            Some(shard) => shards.contains(shard),
            None => shards.is_all() || !Self::is_sharded(topic.kind),
        })
    }

    /// What a node listens to whose program has shards for receipts only.
    pub fn of_older() -> impl Iterator<Item = Self> {
        Self::all().filter(|topic| topic.shard.is_none() || topic.kind == Kind::Receipt)
    }

    /// Where a message belongs by what it says itself; claims, awards and cancels do not say their shard.
    pub fn of(message: &Message) -> Self {
        let shard = match message {
            Message::Offer(offer) => Some(Shard::of(&offer.capsule)),
            Message::Receipt(receipt) => Some(Shard::of(&receipt.record.proven.capsule)),
            Message::Verdict(verdict) => verdict.shard,
            _ => None,
        };
        Self {
            kind: message.kind(),
            shard,
        }
    }

    /// Where a message belongs that is about a capsule of this shard, as far as it does not say so itself.
    pub fn within(message: &Message, shard: Option<Shard>) -> Self {
        match message {
            Message::Claim(_) | Message::Award(_) | Message::Cancel(_) => Self {
                kind: message.kind(),
                shard,
            },
            _ => Self::of(message),
        }
    }

    /// Can a message be here? Whether claims, awards and cancels are about a capsule of the shard is for who knows the
    /// offer; an offer is also where programs have it that do not know of shards.
    pub fn carries(self, message: &Message) -> bool {
        self.kind == message.kind()
            && match self.kind {
                Kind::Claim | Kind::Award | Kind::Cancel => true,
                Kind::Offer => self.shard.is_none() || self == Self::of(message),
                _ => self == Self::of(message),
            }
    }

    /// Are messages of a kind about a job, and so of the shard of its capsule?
    pub fn is_sharded(kind: Kind) -> bool {
        Self::ABOUT_JOBS.contains(&kind)
    }

    /// The kind of message it carries.
    pub fn kind(self) -> Kind {
        self.kind
    }

    /// The shard of the capsules that its messages are about; nothing if they are about any.
    pub fn shard(self) -> Option<Shard> {
        self.shard
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
        let shard = self.shard.map(|shard| format!("/{}", shard.get()));
        format!("/nonos/{network:.8}/1/{name}{}", shard.unwrap_or_default())
    }
}

/// What a peer has said that it listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// To what its program has, which knows of shards for receipts only.
    Older,
    /// To these shards, and to what is of none.
    Shards(Shards),
}

impl Promise {
    const NAME: &str = "nonos";
    const SHARDS: &str = "nonos shards=";

    /// As it is said when peers meet: how the program calls itself.
    ///
    /// ```
    /// use nonos_mesh::core::Promise;
    /// use nonos_types::Shards;
    ///
    /// let promise = Promise::Shards(Shards::from_bits(0b0101).expect("two shards"));
    /// assert_eq!(promise.to_text(), "nonos shards=5");
    /// assert_eq!(Promise::of_text("nonos shards=5"), promise);
    /// assert_eq!(Promise::of_text("nonos"), Promise::Older);
    /// ```
    pub fn to_text(self) -> String {
        match self {
            Self::Older => Self::NAME.to_owned(),
            Self::Shards(shards) => format!("{}{}", Self::SHARDS, shards.bits()),
        }
    }

    /// What is said by this. What makes no sense is no promise of shards.
    pub fn of_text(text: &str) -> Self {
        let bits = text.strip_prefix(Self::SHARDS);
        let bits = bits.filter(|bits| bits.bytes().all(|it| it.is_ascii_digit()));
        let shards = bits
            .and_then(|bits| bits.parse().ok())
            .and_then(Shards::from_bits);
        shards.map_or(Self::Older, Self::Shards)
    }

    /// What it listens to, if it keeps it. To what older programs have it need not.
    pub fn topics(self) -> Vec<Topic> {
        match self {
            Self::Older => Topic::of_older().collect(),
            Self::Shards(shards) => {
                let is_whole = |topic: &Topic| topic.shard().is_none() && Topic::is_sharded(topic.kind());
                Topic::of_shards(shards)
                    .filter(|topic| !is_whole(topic))
                    .collect()
            }
        }
    }

    /// The shards of which it hears everything, if these are what it listens to.
    pub fn shards(self, listens: impl Fn(Topic) -> bool) -> Shards {
        match self {
            Self::Older => Shards::ALL,
            Self::Shards(_) => {
                let whole = |shard: &Shard| {
                    let mut of_it = Topic::all().filter(|topic| topic.shard() == Some(*shard));
                    of_it.all(&listens)
                };
                Shard::all().filter(whole).collect()
            }
        }
    }
}
