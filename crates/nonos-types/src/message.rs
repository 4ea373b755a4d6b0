//! What nodes send one another, each in an envelope its author signed.

mod accusation;
mod descriptor;
mod equivocation;
mod false_accusation;
mod false_verdict;
mod feed_fork;
pub(crate) mod job;
mod nonce_reuse;
mod pair;
mod receipt;
mod relay;
mod sealed;
mod shard;
mod signed;
mod voucher;
mod voucher_conflict;

use crate::{
    Envelope, Error, EvidenceId, JobId, MessageId, NetworkId, NodeId, Payload as _, ReceiptId, Timestamp,
};

pub use self::{
    accusation::{Accusation, Evidence, InvalidProof},
    descriptor::{Capacity, Descriptor, OnionKey, Role, Roles, Stamp},
    equivocation::Equivocation,
    false_accusation::FalseAccusation,
    false_verdict::FalseVerdict,
    feed_fork::{FeedFork, FeedPlace},
    job::{Award, Cancel, Claim, Offer, Salt},
    nonce_reuse::NonceReuse,
    receipt::{Receipt, Transfer, Verdict, Work},
    relay::{BadRelay, ForkedHead, RelayHead},
    sealed::{BoxKey, SealedKey, SealedResult, SealedTape, Weights},
    shard::{Shard, Shards},
    signed::Signed,
    voucher::{FeeKind, Line, Voucher},
    voucher_conflict::VoucherConflict,
};

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A message of the mesh whose signature was verified and whose bytes are kept as they came.
        ///
        /// ```
        /// use ed25519_dalek::SigningKey;
        /// use nonos_types::{JobId, Kind, Message, NetworkId, Signed, Slot, Timestamp};
        ///
        /// let key = SigningKey::from_bytes(&[1; 32]);
        /// let network = NetworkId::named("example");
        /// let (job, slot, at) = (JobId::ZERO, Slot::ZERO, Timestamp::new(7));
        /// let claim = nonos_types::Claim { network, job, slot, at, box_key: None };
        /// let sent = Message::from(Signed::new(claim, &key)).to_bytes();
        ///
        /// let received = Message::from_bytes(Kind::Claim, &sent)?;
        /// assert_eq!((received.network(), received.at()), (network, Timestamp::new(7)));
        /// assert!(Message::from_bytes(Kind::Award, &sent).is_err());
        /// # Ok::<_, nonos_types::Error>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[expect(clippy::large_enum_variant, reason = "read one at a time, never kept in great numbers")]
        pub enum Message {
            $($(#[$doc])* $name(Signed<$name>),)*
        }

        /// Which message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Type in the envelope.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $name::TYPE,)*
                }
            }

            /// Most bytes of such a message, envelope included.
            pub const fn max_len(self) -> crate::ByteLen {
                match self {
                    $(Self::$name => Envelope::max_len::<$name>(),)*
                }
            }
        }

        impl Message {
            /// Reads a message of a known kind and verifies its signature.
            ///
            /// # Errors
            /// Those of [`Envelope::from_bytes`] and [`Envelope::open`].
            pub fn from_bytes(kind: Kind, bytes: &[u8]) -> Result<Self, Error> {
                match kind {
                    $(Kind::$name => Signed::from_bytes(bytes).map(Self::$name),)*
                }
            }

            /// Which kind.
            pub fn kind(&self) -> Kind {
                match self {
                    $(Self::$name(_) => Kind::$name,)*
                }
            }

            /// Who signed it.
            pub fn signer(&self) -> NodeId {
                match self {
                    $(Self::$name(it) => it.signer(),)*
                }
            }

            /// Network it is for.
            pub fn network(&self) -> NetworkId {
                match self {
                    $(Self::$name(it) => it.network(),)*
                }
            }

            /// When its signer says it was made.
            pub fn at(&self) -> Timestamp {
                match self {
                    $(Self::$name(it) => it.at(),)*
                }
            }

            /// The envelope's bytes, as signed.
            pub fn to_bytes(&self) -> Vec<u8> {
                match self {
                    $(Self::$name(it) => it.to_bytes(),)*
                }
            }

            /// Its name: the same for the same message, whoever forwards it.
            pub fn id(&self) -> MessageId {
                match self {
                    $(Self::$name(it) => it.id(),)*
                }
            }
        }

        $(impl From<Signed<$name>> for Message {
            fn from(message: Signed<$name>) -> Self {
                Self::$name(message)
            }
        })*
    };
}

messages! {
    /// A node about itself.
    Descriptor,
    /// A requester offers a job.
    Offer,
    /// An executor would run it.
    Claim,
    /// The requester lets one of them.
    Award,
    /// The requester wants no further one.
    Cancel,
    /// The executor has run and proved it.
    Receipt,
    /// A verifier has checked that.
    Verdict,
    /// The requester pays.
    Voucher,
    /// A node accuses another, with proof.
    Accusation,
    /// A relay says which messages it has accepted.
    RelayHead,
}

impl Message {
    /// Reads a message whose kind its envelope says. Nothing of it is believed before it is verified.
    ///
    /// # Errors
    /// [`Error::TooLong`] for more than any message has, [`Error::BadField`] for an unknown kind, and those of
    /// [`Message::from_bytes`].
    pub fn from_bytes_of_any_kind(bytes: &[u8]) -> Result<Self, Error> {
        let most = Kind::ALL.iter().map(|kind| kind.max_len()).max();
        let envelope = Envelope::from_bytes_within(most.expect("there are kinds"), bytes)?;
        let kind = Kind::ALL.iter().find(|kind| kind.name() == envelope.kind());
        let kind = *kind.ok_or(Error::BadField {
            message: "envelope",
            field: "type",
        })?;
        Self::from_bytes(kind, bytes)
    }
}

impl Signed<Offer> {
    /// The job's name.
    pub fn job(&self) -> JobId {
        self.digest()
    }
}

impl Signed<Receipt> {
    /// The receipt's name.
    pub fn receipt_id(&self) -> ReceiptId {
        self.digest()
    }
}

impl InvalidProof {
    /// The evidence's name: that of the receipt, since there is one such fault per receipt.
    pub fn id(&self) -> EvidenceId {
        EvidenceId::hash(&[b"invalid-proof", self.receipt.receipt_id().as_bytes()])
    }
}
