//! Entries of a feed and their bytes. See `docs/spec/ledger.md`.

use nonos_types::{
    Amount, ByteLen, Digest, EntryDigest, Error, FeedHead, Incarnation, JobId, NetworkId, NodeId, Payload,
    ReceiptId, Sequence, Signed, Slot, Tag, Timestamp, Voucher, wire,
};
use serde::{Serialize, Serializer, ser::SerializeStruct as _};

/// The generated messages of `proto/`.
mod proto {
    #![expect(unreachable_pub, reason = "generated")]
    include!(concat!(env!("OUT_DIR"), "/nonos.feed.v1.rs"));
}

const NAME: &str = "feed-entry";

/// One thing that happened, as its author signs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Network of the books.
    pub network: NetworkId,
    /// Which life of the books.
    pub incarnation: Incarnation,
    /// Position in the feed, from 1.
    pub sequence: Sequence,
    /// The entry before it; zero for the first.
    pub prev: EntryDigest,
    /// What happened.
    pub body: Body,
    /// When, by the author's clock.
    pub at: Timestamp,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Body {
    /// The author, as requester, sets an amount aside for a job.
    Hold {
        /// The job.
        job: JobId,
        /// How much.
        amount: Amount,
    },
    /// The author ends that.
    Release {
        /// The job.
        job: JobId,
    },
    /// The author, as executor, asks for the fee of a receipt.
    Claimed(Claimed),
    /// The author signed a voucher.
    Paid {
        /// The voucher.
        #[serde(serialize_with = "voucher_json")]
        voucher: Box<Signed<Voucher>>,
    },
    /// The author got a voucher.
    Received {
        /// The voucher.
        #[serde(serialize_with = "voucher_json")]
        voucher: Box<Signed<Voucher>>,
    },
    /// The author goes on in a new incarnation.
    Resume(Resume),
}

/// What an author that goes on in a new incarnation knows of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Resume {
    /// The newest entry that it knows to have signed, whether or not it has it.
    pub last: FeedHead,
    /// Why it does not go on from there.
    pub reason: Reason,
}

/// Why books are resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Entries are missing: the books were put back to an older state.
    Behind,
    /// Something came with the author's signature that it does not know to have signed.
    Doubled,
}

impl Reason {
    const ALL: [Self; 2] = [Self::Behind, Self::Doubled];

    const fn code(self) -> u32 {
        match self {
            Self::Behind => 1,
            Self::Doubled => 2,
        }
    }
}

/// What an executor asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Claimed {
    /// The receipt.
    pub receipt: ReceiptId,
    /// Who is to pay.
    pub requester: NodeId,
    /// The job.
    pub job: JobId,
    /// Its slot.
    pub slot: Slot,
    /// The whole fee, shares of seeders and verifiers included.
    pub amount: Amount,
}

impl Entry {
    /// Its name, if `author` signs it.
    pub fn digest(&self, author: NodeId) -> EntryDigest {
        EntryDigest::hash(&[author.as_bytes(), &self.to_bytes()])
    }
}

impl Payload for Entry {
    const TYPE: &'static str = NAME;
    const MAX: ByteLen = ByteLen::new(10 << 10);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&proto::Entry {
            network_id: self.network.as_bytes().to_vec(),
            incarnation: self.incarnation.get(),
            sequence: self.sequence.get(),
            prev: self.prev.as_bytes().to_vec(),
            body: self.body.to_proto(),
            at: self.at.get(),
            resume: self.body.to_resume(),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Entry = wire::decode(NAME, Self::MAX, bytes)?;
        if message.sequence == 0 {
            return Err(bad("sequence"));
        }
        let body = match (message.body, message.resume) {
            (Some(body), None) => Body::from_proto(body)?,
            (None, Some(resume)) => Body::from_resume(&resume)?,
            (None, None) => {
                return Err(Error::Missing {
                    message: NAME,
                    field: "body",
                });
            }
            (Some(_), Some(_)) => return Err(bad("body")),
        };
        Ok(Self {
            network: digest("network_id", &message.network_id)?,
            incarnation: Incarnation::new(message.incarnation),
            sequence: Sequence::new(message.sequence),
            prev: digest("prev", &message.prev)?,
            body,
            at: Timestamp::new(message.at),
        })
    }
}

impl Body {
    fn to_proto(&self) -> Option<proto::entry::Body> {
        use proto::entry::Body as Message;
        Some(match self {
            Self::Hold { job, amount } => Message::Hold(proto::Hold {
                job_id: job.as_bytes().to_vec(),
                amount: amount.to_be_bytes().to_vec(),
            }),
            Self::Release { job } => Message::Release(proto::Release {
                job_id: job.as_bytes().to_vec(),
            }),
            Self::Claimed(it) => Message::Claimed(proto::Claimed {
                receipt: it.receipt.as_bytes().to_vec(),
                requester: it.requester.as_bytes().to_vec(),
                job_id: it.job.as_bytes().to_vec(),
                slot: it.slot.get().into(),
                amount: it.amount.to_be_bytes().to_vec(),
            }),
            Self::Paid { voucher } => Message::Paid(voucher.to_bytes()),
            Self::Received { voucher } => Message::Received(voucher.to_bytes()),
            Self::Resume(_) => return None,
        })
    }

    fn to_resume(&self) -> Option<proto::Resume> {
        let Self::Resume(Resume { last, reason }) = self else {
            return None;
        };
        Some(proto::Resume {
            incarnation: last.incarnation.get(),
            sequence: last.sequence.get(),
            digest: last.digest.as_bytes().to_vec(),
            reason: reason.code(),
        })
    }

    fn from_resume(message: &proto::Resume) -> Result<Self, Error> {
        let reason = Reason::ALL.into_iter().find(|it| it.code() == message.reason);
        let last = FeedHead {
            incarnation: Incarnation::new(message.incarnation),
            sequence: Sequence::new(message.sequence),
            digest: digest("digest", &message.digest)?,
        };
        // Of no entry there is no name.
        if (last.sequence == Sequence::ZERO) != (last.digest == EntryDigest::ZERO) {
            return Err(bad("digest"));
        }
        Ok(Self::Resume(Resume {
            last,
            reason: reason.ok_or(bad("reason"))?,
        }))
    }

    fn from_proto(message: proto::entry::Body) -> Result<Self, Error> {
        use proto::entry::Body as Message;
        Ok(match message {
            Message::Hold(it) => Self::Hold {
                job: digest("job_id", &it.job_id)?,
                amount: amount(&it.amount)?,
            },
            Message::Release(it) => Self::Release {
                job: digest("job_id", &it.job_id)?,
            },
            Message::Claimed(it) => Self::Claimed(Claimed {
                receipt: digest("receipt", &it.receipt)?,
                requester: NodeId::from_bytes(wire::fixed(NAME, "requester", &it.requester)?),
                job: digest("job_id", &it.job_id)?,
                slot: Slot::new(it.slot.try_into().map_err(|_| bad("slot"))?),
                amount: amount(&it.amount)?,
            }),
            Message::Paid(bytes) => Self::Paid {
                voucher: Box::new(Signed::from_bytes(&bytes)?),
            },
            Message::Received(bytes) => Self::Received {
                voucher: Box::new(Signed::from_bytes(&bytes)?),
            },
        })
    }
}

fn bad(field: &'static str) -> Error {
    Error::BadField { message: NAME, field }
}

fn digest<T: Tag>(field: &'static str, bytes: &[u8]) -> Result<Digest<T>, Error> {
    wire::fixed(NAME, field, bytes).map(Digest::from_bytes)
}

/// More than nothing: an entry that moves nothing is none.
fn amount(bytes: &[u8]) -> Result<Amount, Error> {
    let amount = wire::fixed(NAME, "amount", bytes).map(Amount::from_be_bytes)?;
    if amount == Amount::ZERO {
        Err(bad("amount"))
    } else {
        Ok(amount)
    }
}

fn voucher_json<S: Serializer>(voucher: &Signed<Voucher>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut json = serializer.serialize_struct("Voucher", 5)?;
    json.serialize_field("payer", &voucher.signer())?;
    json.serialize_field("payee", &voucher.payee)?;
    json.serialize_field("sequence", &voucher.sequence)?;
    json.serialize_field("total", &voucher.total)?;
    json.serialize_field("lines", &voucher.lines)?;
    json.end()
}
