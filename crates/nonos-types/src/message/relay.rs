use crate::{
    ByteLen, Epoch, Error, EvidenceId, Further, Inclusion, InvalidProof, JournalRoot, MessageId, NetworkId,
    NodeId, Payload, Signed, Timestamp,
    record::bytes::digest,
    wire::{self, proto},
};

const NAME: &str = "relay-head";

/// A relay, who signs it, says which messages it has accepted within an hour: those of the log with this root.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_types::{Epoch, Inclusion, JournalRoot, MessageId, NetworkId, RelayHead, Signed, Timestamp};
///
/// let accepted = MessageId::hash(&[b"a message"]);
/// let at = Timestamp::new(1_800_000_000);
/// let head = RelayHead {
///     network: NetworkId::named("example"),
///     epoch: Epoch::of(at),
///     size: 1,
///     root: JournalRoot::leaf(&accepted),
///     previous: None,
///     at,
/// };
/// let head = Signed::new(head, &SigningKey::from_bytes(&[1; 32]));
/// let alone = Inclusion { index: 0, path: vec![] };
/// assert_eq!(alone.root(&accepted, head.size), Some(head.root));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayHead {
    /// Network of the messages.
    pub network: NetworkId,
    /// The hour.
    pub epoch: Epoch,
    /// How many messages: 1 to [`RelayHead::MAX_SIZE`].
    pub size: u64,
    /// Root of the tree over them, in the order in which they were accepted.
    pub root: JournalRoot,
    /// The head this relay signed before, of this hour or another; none in the first it ever signs.
    pub previous: Option<MessageId>,
    /// When, within the hour or the one after it.
    pub at: Timestamp,
}

impl RelayHead {
    /// Most messages of an hour.
    pub const MAX_SIZE: u64 = 1 << 20;
    /// Longest path in a tree of so many.
    pub const MAX_PATH: usize = 20;
}

impl Payload for RelayHead {
    const TYPE: &'static str = NAME;
    const MAX: ByteLen = ByteLen::new(160);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&proto::RelayHead {
            network_id: self.network.as_bytes().to_vec(),
            epoch: self.epoch.get(),
            size: self.size,
            root: self.root.as_bytes().to_vec(),
            previous: self.previous.map(|it| it.as_bytes().to_vec()),
            at: self.at.get(),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::RelayHead = Further::refuse(NAME, Self::MAX, bytes)?;
        let bad = |field| Error::BadField { message: NAME, field };
        if message.size == 0 || message.size > Self::MAX_SIZE {
            return Err(bad("size"));
        }
        let previous = message.previous.as_deref();
        let (epoch, at) = (Epoch::new(message.epoch), Timestamp::new(message.at));
        let since = Epoch::of(at).checked_sub(epoch).ok_or(bad("at"))?;
        if since > Epoch::new(1) {
            return Err(bad("at"));
        }
        Ok(Self {
            network: digest(NAME, "network_id", &message.network_id)?,
            epoch,
            size: message.size,
            root: digest(NAME, "root", &message.root)?,
            previous: previous.map(|it| digest(NAME, "previous", it)).transpose()?,
            at,
        })
    }
}

/// A relay's signed head, and a receipt among what it says it accepted, with what shows that it is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRelay {
    /// What the relay signed.
    pub head: Signed<RelayHead>,
    /// Where in its log the receipt is.
    pub inclusion: Inclusion,
    /// The receipt, and why it is invalid.
    pub item: InvalidProof,
}

impl BadRelay {
    /// Did the relay accept this very receipt, as far as it has signed for that? Whether the receipt is invalid is
    /// another question.
    pub fn is_included(&self) -> bool {
        let root = self.inclusion.root(&self.item.receipt.id(), self.head.size);
        self.item.receipt.network() == self.head.network && root == Some(self.head.root)
    }

    /// The evidence's name: the relay's and the receipt's, since a relay has one such fault per receipt, in however
    /// many heads it is.
    pub fn id(&self) -> EvidenceId {
        let (relay, receipt) = (self.head.signer(), self.item.receipt.receipt_id());
        EvidenceId::hash(&[b"bad-relay", relay.as_bytes(), receipt.as_bytes()])
    }
}

/// Two heads that one relay signed for logs of the same hour and size that are not the same.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_types::{Epoch, ForkedHead, JournalRoot, MessageId, NetworkId, RelayHead, Signed, Timestamp};
///
/// let at = Timestamp::new(1_800_000_000);
/// let head = |message: &[u8], relay: &SigningKey| {
///     let root = JournalRoot::leaf(&MessageId::hash(&[message]));
///     let network = NetworkId::named("example");
///     let head = RelayHead { network, epoch: Epoch::of(at), size: 1, root, previous: None, at };
///     Signed::new(head, relay)
/// };
/// let [one, another] = [1, 2].map(|seed| SigningKey::from_bytes(&[seed; 32]));
/// assert!(ForkedHead::of(&head(b"a", &one), &head(b"b", &one)).is_some());
/// assert!(ForkedHead::of(&head(b"a", &one), &head(b"a", &one)).is_none());
/// assert!(ForkedHead::of(&head(b"a", &one), &head(b"b", &another)).is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkedHead {
    /// That with the lesser root, so that the same two make one evidence.
    pub first: Signed<RelayHead>,
    /// The other.
    pub second: Signed<RelayHead>,
}

impl ForkedHead {
    /// The fork that these two heads show, if they show one.
    pub fn of(one: &Signed<RelayHead>, other: &Signed<RelayHead>) -> Option<Self> {
        let (first, second) = super::pair::ordered(one, other, |it| it.root);
        let fork = Self {
            first: first.clone(),
            second: second.clone(),
        };
        fork.is_fork().then_some(fork)
    }

    /// Are they two, and about the same?
    pub fn is_fork(&self) -> bool {
        let about = |head: &Signed<RelayHead>| (head.signer(), head.network, head.epoch, head.size);
        about(&self.first) == about(&self.second) && self.first.root < self.second.root
    }

    /// Whose fault it would be.
    pub fn subject(&self) -> NodeId {
        self.first.signer()
    }

    /// The evidence's name: the relay's, its network's and the hour's. However many heads it forks into within an
    /// hour, it is one fault.
    pub fn id(&self) -> EvidenceId {
        let (relay, head) = (self.first.signer(), self.first.value());
        let epoch = head.epoch.get().to_le_bytes();
        EvidenceId::hash(&[b"forked-head", relay.as_bytes(), head.network.as_bytes(), &epoch])
    }
}
