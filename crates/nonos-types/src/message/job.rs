use std::num::NonZeroU8;

use crate::{
    Amount, BackendId, BoxKey, ByteLen, CapsuleHash, Error, Further, Inbound, InboundDigest, InboundTape,
    InputDigest, JobId, NetworkId, NodeId, Payload, Proven, SealedKey, SealedTape, Slot, Timestamp, Value,
    Weights,
    record::bytes::{digest, values_from_proto, values_to_proto},
    wire::{self, proto},
};

const OFFER: &str = "offer";
const CLAIM: &str = "claim";
const AWARD: &str = "award";
const CANCEL: &str = "cancel";

/// Makes two offers of the same job different jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Salt([u8; 16]);

impl Salt {
    /// These bytes; they should be random.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A requester, who signs it, offers a job. Its name is [`Signed::job`](crate::Signed::job).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Network of the job.
    pub network: NetworkId,
    /// What to run.
    pub capsule: CapsuleHash,
    /// Function to call; at most 256 bytes.
    pub entry: String,
    /// Its arguments; at most 1000.
    pub arguments: Vec<Value>,
    /// The public input, which executors fetch by this digest.
    pub input: InputDigest,
    /// Its length.
    pub input_len: ByteLen,
    /// The proof system to prove by.
    pub backend: BackendId,
    /// Most the requester pays for a slot, verifiers and seeders included.
    pub max_fee: Amount,
    /// What it pays, beyond the capsule's base fee, for a million units of fuel.
    pub fuel_price: Amount,
    /// How many verifiers it pays for each slot.
    pub verifiers: u16,
    /// How many executors run it, each in a slot of its own; at most [`Offer::MAX_SLOTS`].
    pub slots: NonZeroU8,
    /// When it was made.
    pub created: Timestamp,
    /// Until when a receipt is wanted.
    pub deadline: Timestamp,
    /// Makes it unique.
    pub salt: Salt,
    /// An input that only the requester and those it awards a slot may see.
    pub sealed: Option<SealedTape>,
    /// If the results are for the requester alone: what they are encrypted to.
    pub result_key: Option<BoxKey>,
    /// Whom the requester would have run it, more than others or not at all.
    pub weights: Weights,
    /// The messages of channels that the run reads; `None` if there are none.
    pub inbound: Option<Inbound>,
}

impl Offer {
    /// Most executors of one job.
    pub const MAX_SLOTS: u8 = 8;

    /// Is there anything that its proofs must not show?
    pub fn hides(&self) -> bool {
        self.sealed.is_some() || self.result_key.is_some()
    }

    /// Its slots, in order.
    pub fn slots(&self) -> impl Iterator<Item = Slot> + use<> {
        (0..u16::from(self.slots.get())).map(Slot::new)
    }

    /// Digest of the mesh inbound tape of its run.
    pub fn inbound_digest(&self) -> InboundDigest {
        match &self.inbound {
            Some(inbound) => inbound.digest(),
            None => InboundDigest::hash(&[b""]),
        }
    }
}

impl Payload for Offer {
    const TYPE: &'static str = OFFER;
    const MAX: ByteLen = ByteLen::new(16 << 10);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&proto::Offer {
            network_id: self.network.as_bytes().to_vec(),
            capsule_hash: self.capsule.as_bytes().to_vec(),
            entry: self.entry.clone(),
            arguments: values_to_proto(&self.arguments),
            input_digest: self.input.as_bytes().to_vec(),
            input_len: self.input_len.get(),
            backend: self.backend.as_str().to_owned(),
            max_fee: self.max_fee.to_be_bytes().to_vec(),
            fuel_price: self.fuel_price.to_be_bytes().to_vec(),
            verifiers: self.verifiers.into(),
            created: self.created.get(),
            deadline: self.deadline.get(),
            salt: self.salt.0.to_vec(),
            further_slots: u32::from(self.slots.get() - 1),
            sealed: self.sealed.map(SealedTape::to_proto),
            result_key: key_bytes(self.result_key.as_ref()),
            weights: self.weights.to_proto(),
            inbound: (self.inbound.iter().flat_map(Inbound::receipts))
                .map(|it| it.as_bytes().to_vec())
                .collect(),
            inbound_tape: self.inbound.as_ref().map(|it| proto::InboundTape {
                digest: it.digest().as_bytes().to_vec(),
                len: it.len().get(),
            }),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Offer = Further::refuse(OFFER, Self::MAX, bytes)?;
        let bad = |field| Error::BadField {
            message: OFFER,
            field,
        };
        if message.entry.len() > Proven::MAX_ENTRY {
            return Err(bad("entry"));
        }
        if message.deadline < message.created {
            return Err(bad("deadline"));
        }
        let slots = message.further_slots.checked_add(1);
        let slots = slots
            .and_then(|slots| u8::try_from(slots).ok())
            .filter(|slots| *slots <= Self::MAX_SLOTS);
        Ok(Self {
            network: digest(OFFER, "network_id", &message.network_id)?,
            capsule: digest(OFFER, "capsule_hash", &message.capsule_hash)?,
            entry: message.entry,
            arguments: values_from_proto(OFFER, "arguments", &message.arguments)?,
            input: digest(OFFER, "input_digest", &message.input_digest)?,
            input_len: ByteLen::new(message.input_len),
            backend: message.backend.parse().map_err(|_| bad("backend"))?,
            max_fee: amount(OFFER, "max_fee", &message.max_fee)?,
            fuel_price: amount(OFFER, "fuel_price", &message.fuel_price)?,
            verifiers: message.verifiers.try_into().map_err(|_| bad("verifiers"))?,
            slots: slots.and_then(NonZeroU8::new).ok_or(bad("further_slots"))?,
            created: Timestamp::new(message.created),
            deadline: Timestamp::new(message.deadline),
            salt: Salt(wire::fixed(OFFER, "salt", &message.salt)?),
            sealed: (message.sealed.as_ref())
                .map(|it| SealedTape::from_proto(OFFER, it))
                .transpose()?,
            result_key: BoxKey::optional(OFFER, "result_key", &message.result_key)?,
            weights: Weights::from_proto(OFFER, &message.weights)?,
            inbound: inbound(&message.inbound, message.inbound_tape.as_ref())?,
        })
    }
}

/// Receipts and their tape: both or neither.
fn inbound(receipts: &[Vec<u8>], tape: Option<&proto::InboundTape>) -> Result<Option<Inbound>, Error> {
    let Some(tape) = tape else {
        let field = "inbound_tape";
        let message = OFFER;
        return (receipts.is_empty().then_some(None)).ok_or(Error::Missing { message, field });
    };
    if receipts.len() > InboundTape::MAX_MESSAGES {
        return Err(Error::BadField {
            message: OFFER,
            field: "inbound",
        });
    }
    let receipts = receipts.iter().map(|it| digest(OFFER, "inbound", it));
    let receipts = receipts.collect::<Result<_, _>>()?;
    let digest = digest(OFFER, "inbound_tape", &tape.digest)?;
    Inbound::new(receipts, digest, ByteLen::new(tape.len)).map(Some)
}

/// An executor, who signs it, would run a slot of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Network of the job.
    pub network: NetworkId,
    /// The job.
    pub job: JobId,
    /// Which of its executors.
    pub slot: Slot,
    /// When.
    pub at: Timestamp,
    /// If the job has a sealed input: what its key is to be encrypted to.
    pub box_key: Option<BoxKey>,
}

impl Payload for Claim {
    const TYPE: &'static str = CLAIM;
    const MAX: ByteLen = ByteLen::new(128);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&proto::Claim {
            network_id: self.network.as_bytes().to_vec(),
            job_id: self.job.as_bytes().to_vec(),
            slot: self.slot.get().into(),
            at: self.at.get(),
            box_key: key_bytes(self.box_key.as_ref()),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Claim = Further::refuse(CLAIM, Self::MAX, bytes)?;
        Ok(Self {
            network: digest(CLAIM, "network_id", &message.network_id)?,
            job: digest(CLAIM, "job_id", &message.job_id)?,
            slot: slot(CLAIM, message.slot)?,
            at: Timestamp::new(message.at),
            box_key: BoxKey::optional(CLAIM, "box_key", &message.box_key)?,
        })
    }
}

/// The requester of a job, who signs it, lets an executor run a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Award {
    /// Network of the job.
    pub network: NetworkId,
    /// The job.
    pub job: JobId,
    /// Which of its executors.
    pub slot: Slot,
    /// Who may run it. A later award of the same slot takes it from an earlier one.
    pub executor: NodeId,
    /// When.
    pub at: Timestamp,
    /// If the job has a sealed input: its key, for this executor.
    pub sealed_key: Option<SealedKey>,
}

impl Payload for Award {
    const TYPE: &'static str = AWARD;
    const MAX: ByteLen = ByteLen::new(224);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&proto::Award {
            network_id: self.network.as_bytes().to_vec(),
            job_id: self.job.as_bytes().to_vec(),
            slot: self.slot.get().into(),
            executor: self.executor.as_bytes().to_vec(),
            at: self.at.get(),
            sealed_key: (self.sealed_key).map_or_else(Vec::new, |key| key.as_bytes().to_vec()),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Award = Further::refuse(AWARD, Self::MAX, bytes)?;
        Ok(Self {
            network: digest(AWARD, "network_id", &message.network_id)?,
            job: digest(AWARD, "job_id", &message.job_id)?,
            slot: slot(AWARD, message.slot)?,
            executor: NodeId::from_bytes(wire::fixed(AWARD, "executor", &message.executor)?),
            at: Timestamp::new(message.at),
            sealed_key: SealedKey::optional(AWARD, "sealed_key", &message.sealed_key)?,
        })
    }
}

/// The requester of a job, who signs it, wants no further executor: what is not awarded is not run. Who has an award may
/// still deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// Network of the job.
    pub network: NetworkId,
    /// The job.
    pub job: JobId,
    /// When.
    pub at: Timestamp,
}

impl Payload for Cancel {
    const TYPE: &'static str = CANCEL;
    const MAX: ByteLen = ByteLen::new(128);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&proto::Cancel {
            network_id: self.network.as_bytes().to_vec(),
            job_id: self.job.as_bytes().to_vec(),
            at: self.at.get(),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Cancel = Further::refuse(CANCEL, Self::MAX, bytes)?;
        Ok(Self {
            network: digest(CANCEL, "network_id", &message.network_id)?,
            job: digest(CANCEL, "job_id", &message.job_id)?,
            at: Timestamp::new(message.at),
        })
    }
}

fn key_bytes(key: Option<&BoxKey>) -> Vec<u8> {
    key.map_or_else(Vec::new, |key| key.as_bytes().to_vec())
}

pub(crate) fn amount(message: &'static str, field: &'static str, bytes: &[u8]) -> Result<Amount, Error> {
    wire::fixed(message, field, bytes).map(Amount::from_be_bytes)
}

pub(crate) fn slot(message: &'static str, slot: u32) -> Result<Slot, Error> {
    let bad = Error::BadField {
        message,
        field: "slot",
    };
    slot.try_into().map(Slot::new).map_err(|_| bad)
}
