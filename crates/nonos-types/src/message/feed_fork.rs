use super::{accusation::bad, pair};
use crate::{
    ByteLen, Error, EvidenceId, Further, Incarnation, NetworkId, NodeId, Payload, Sequence, Signed,
    record::bytes::digest,
    wire::{self, proto},
};

const NAME: &str = "feed-entry";

/// Of an entry of a node's books, where it stands; what it says is not read here. It is the same message as the books' own
/// entry, and has its type and limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedPlace {
    /// Network of the books.
    pub network: NetworkId,
    /// Which life of them.
    pub incarnation: Incarnation,
    /// Position, from 1.
    pub sequence: Sequence,
    /// All the rest, as it was signed.
    pub rest: Further,
}

impl Payload for FeedPlace {
    const TYPE: &'static str = NAME;
    const MAX: ByteLen = ByteLen::new(10 << 10);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = wire::encode(&proto::FeedPlace {
            network_id: self.network.as_bytes().to_vec(),
            incarnation: self.incarnation.get(),
            sequence: self.sequence.get(),
        });
        bytes.extend(self.rest.as_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (head, rest): (proto::FeedPlace, _) = Further::decode(NAME, Self::MAX, bytes)?;
        if head.sequence == 0 {
            return Err(Error::BadField {
                message: NAME,
                field: "sequence",
            });
        }
        Ok(Self {
            network: digest(NAME, "network_id", &head.network_id)?,
            incarnation: Incarnation::new(head.incarnation),
            sequence: Sequence::new(head.sequence),
            rest,
        })
    }
}

/// Two entries that one author signed for one place in its books and that are not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedFork {
    /// That with the lesser name, so that the same two make one evidence.
    pub first: Signed<FeedPlace>,
    /// The other.
    pub second: Signed<FeedPlace>,
}

impl FeedFork {
    /// The fault that these two entries show, if they show one.
    pub fn of(one: &Signed<FeedPlace>, other: &Signed<FeedPlace>) -> Option<Self> {
        let (first, second) = pair::ordered(one, other, Signed::id);
        let both = Self {
            first: first.clone(),
            second: second.clone(),
        };
        both.is_fork().then_some(both)
    }

    /// Are they two, and in one place?
    pub fn is_fork(&self) -> bool {
        let place = |it: &Signed<FeedPlace>| (it.signer(), it.network, it.incarnation, it.sequence);
        place(&self.first) == place(&self.second) && self.first.id() < self.second.id()
    }

    /// Whose fault it would be.
    pub fn subject(&self) -> NodeId {
        self.first.signer()
    }

    /// The evidence's name: the author's, its network's, and the place. However many entries there are of one, it is one fault.
    pub fn id(&self) -> EvidenceId {
        let (author, first) = (self.subject(), self.first.value());
        EvidenceId::hash(&[
            b"feed-fork",
            author.as_bytes(),
            first.network.as_bytes(),
            &first.incarnation.get().to_le_bytes(),
            &first.sequence.get().to_le_bytes(),
        ])
    }

    /// Of an accusation for this network.
    pub(super) fn read(first: &[u8], second: &[u8], network: NetworkId) -> Result<Self, Error> {
        let (first, second) = pair::read(first, second)?;
        let evidence = Self { first, second };
        if evidence.first.network != network {
            return Err(bad("network_id"));
        }
        if !evidence.is_fork() {
            return Err(bad("feed_fork"));
        }
        Ok(evidence)
    }
}
