//! Between records and their protobuf messages.

use super::{Attested, Commitment, CommitmentScheme, ExecutionRecord, Output, Proven};
use crate::{
    ByteLen, Digest, Error, ExecHash, Fuel, MachineVersion, NodeId, Outcome, Pages, Payload, Slot, Tag,
    TrapKind, Value,
    wire::{self, proto},
};

const RECORD: &str = "execution record";
const PROVEN: &str = "proven part";
const ATTESTED: &str = "attested part";
const MAX: ByteLen = ByteLen::new(64 << 10);

impl Payload for ExecutionRecord {
    const TYPE: &'static str = "execution-record";
    const MAX: ByteLen = MAX;
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&proto::ExecutionRecord {
            proven: Some(self.proven.to_proto()),
            attested: Some(self.attested.to_proto()),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::ExecutionRecord = wire::decode(RECORD, MAX, bytes)?;
        let missing = |field| Error::Missing {
            message: RECORD,
            field,
        };
        Ok(Self {
            proven: Proven::from_proto(message.proven.ok_or(missing("proven"))?)?,
            attested: Attested::from_proto(message.attested.ok_or(missing("attested"))?)?,
        })
    }
}

impl ExecutionRecord {
    /// Names the run: digest of the proven and the attested bytes.
    pub fn exec_hash(&self) -> ExecHash {
        ExecHash::hash(&[&self.proven.to_bytes(), &self.attested.to_bytes()])
    }
}

impl Proven {
    /// Most bytes of an entry's name.
    pub const MAX_ENTRY: usize = 256;
    /// Most arguments, and most results.
    pub const MAX_VALUES: usize = 1000;

    /// The statement bytes: what a proof's transcript absorbs.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&self.to_proto())
    }

    /// Reads statement bytes.
    ///
    /// # Errors
    /// If they are not the bytes [`to_bytes`](Self::to_bytes) gives for some valid value.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::from_proto(wire::decode(PROVEN, MAX, bytes)?)
    }

    fn to_proto(&self) -> proto::Proven {
        proto::Proven {
            network_id: self.network.as_bytes().to_vec(),
            job_id: self.job.as_bytes().to_vec(),
            slot: self.slot.get().into(),
            nonce: self.nonce.as_bytes().to_vec(),
            executor: self.executor.as_bytes().to_vec(),
            capsule_hash: self.capsule.as_bytes().to_vec(),
            machine_version: self.machine.get(),
            policy_hash: self.policy.as_bytes().to_vec(),
            entry: self.entry.clone(),
            arguments: values_to_proto(&self.arguments),
            input_digest: self.input.as_bytes().to_vec(),
            sealed_input: self.sealed_input.map(Commitment::to_proto),
            inbound_digest: self.inbound.as_bytes().to_vec(),
            output: Some(match self.output {
                Output::Digest(digest) => proto::proven::Output::OutputDigest(digest.as_bytes().to_vec()),
                Output::Commitment(commitment) => {
                    proto::proven::Output::OutputCommitment(commitment.to_proto())
                }
            }),
            outcome: Some(outcome_to_proto(&self.outcome)),
            fuel_used: self.fuel_used.get(),
            peak_pages: self.peak_pages.get(),
            segment_chain: self.segment_chain.as_bytes().to_vec(),
        }
    }

    fn from_proto(message: proto::Proven) -> Result<Self, Error> {
        let missing = |field| Error::Missing {
            message: PROVEN,
            field,
        };
        let bad = |field| Error::BadField {
            message: PROVEN,
            field,
        };
        if message.entry.len() > Self::MAX_ENTRY {
            return Err(bad("entry"));
        }
        Ok(Self {
            network: digest(PROVEN, "network_id", &message.network_id)?,
            job: digest(PROVEN, "job_id", &message.job_id)?,
            slot: Slot::new(message.slot.try_into().map_err(|_| bad("slot"))?),
            nonce: digest(PROVEN, "nonce", &message.nonce)?,
            executor: NodeId::from_bytes(wire::fixed(PROVEN, "executor", &message.executor)?),
            capsule: digest(PROVEN, "capsule_hash", &message.capsule_hash)?,
            machine: MachineVersion::new(message.machine_version),
            policy: digest(PROVEN, "policy_hash", &message.policy_hash)?,
            entry: message.entry,
            arguments: values_from_proto(PROVEN, "arguments", &message.arguments)?,
            input: digest(PROVEN, "input_digest", &message.input_digest)?,
            sealed_input: message
                .sealed_input
                .map(|it| Commitment::from_proto("sealed_input", &it))
                .transpose()?,
            inbound: digest(PROVEN, "inbound_digest", &message.inbound_digest)?,
            output: match message.output.ok_or(missing("output"))? {
                proto::proven::Output::OutputDigest(bytes) => {
                    Output::Digest(digest(PROVEN, "output_digest", &bytes)?)
                }
                proto::proven::Output::OutputCommitment(commitment) => {
                    Output::Commitment(Commitment::from_proto("output_commitment", &commitment)?)
                }
            },
            outcome: outcome_from_proto(message.outcome.ok_or(missing("outcome"))?)?,
            fuel_used: Fuel::new(message.fuel_used),
            peak_pages: Pages::new(message.peak_pages),
            segment_chain: digest(PROVEN, "segment_chain", &message.segment_chain)?,
        })
    }
}

impl Attested {
    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&self.to_proto())
    }

    /// Reads its bytes.
    ///
    /// # Errors
    /// If they are not the bytes [`to_bytes`](Self::to_bytes) gives for some valid value.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::from_proto(wire::decode(ATTESTED, MAX, bytes)?)
    }

    fn to_proto(&self) -> proto::Attested {
        proto::Attested {
            checkpoint_root: self.checkpoint_root.as_bytes().to_vec(),
            audit_root: self.audit_root.as_bytes().to_vec(),
            poi_pre: self.poi_pre.map(|it| it.as_bytes().to_vec()),
            poi_post: self.poi_post.map(|it| it.as_bytes().to_vec()),
        }
    }

    fn from_proto(message: proto::Attested) -> Result<Self, Error> {
        Ok(Self {
            checkpoint_root: digest(ATTESTED, "checkpoint_root", &message.checkpoint_root)?,
            audit_root: digest(ATTESTED, "audit_root", &message.audit_root)?,
            poi_pre: message
                .poi_pre
                .map(|it| digest(ATTESTED, "poi_pre", &it))
                .transpose()?,
            poi_post: message
                .poi_post
                .map(|it| digest(ATTESTED, "poi_post", &it))
                .transpose()?,
        })
    }
}

impl Commitment {
    fn to_proto(self) -> proto::Commitment {
        proto::Commitment {
            scheme: self.scheme.0,
            digest: self.digest.to_vec(),
        }
    }

    fn from_proto(field: &'static str, message: &proto::Commitment) -> Result<Self, Error> {
        let digest = wire::fixed(PROVEN, field, &message.digest)?;
        Ok(Self {
            scheme: CommitmentScheme(message.scheme),
            digest,
        })
    }
}

pub(crate) fn digest<T: Tag>(
    message: &'static str,
    field: &'static str,
    bytes: &[u8],
) -> Result<Digest<T>, Error> {
    wire::fixed(message, field, bytes).map(Digest::from_bytes)
}

pub(crate) fn values_to_proto(values: &[Value]) -> Vec<proto::Value> {
    let word = |value: &Value| match *value {
        Value::I32(it) => proto::value::Value::I32(it),
        Value::I64(it) => proto::value::Value::I64(it),
    };
    values
        .iter()
        .map(|value| proto::Value {
            value: Some(word(value)),
        })
        .collect()
}

pub(crate) fn values_from_proto(
    message: &'static str,
    field: &'static str,
    values: &[proto::Value],
) -> Result<Vec<Value>, Error> {
    let bad = Error::BadField { message, field };
    if values.len() > Proven::MAX_VALUES {
        return Err(bad);
    }
    let word = |value: &proto::Value| match value.value {
        Some(proto::value::Value::I32(it)) => Ok(Value::I32(it)),
        Some(proto::value::Value::I64(it)) => Ok(Value::I64(it)),
        None => Err(bad.clone()),
    };
    values.iter().map(word).collect()
}

fn outcome_to_proto(outcome: &Outcome) -> proto::Outcome {
    use proto::outcome::Outcome as Message;
    let message = match outcome {
        Outcome::Return(values) => Message::Return(proto::Values {
            values: values_to_proto(values),
        }),
        Outcome::Exit(code) => Message::Exit(*code),
        Outcome::Trap(kind) => Message::Trap(kind.code().into()),
        Outcome::OutOfFuel => Message::OutOfFuel(proto::OutOfFuel {}),
    };
    proto::Outcome {
        outcome: Some(message),
    }
}

fn outcome_from_proto(message: proto::Outcome) -> Result<Outcome, Error> {
    use proto::outcome::Outcome as Message;
    let bad = Error::BadField {
        message: PROVEN,
        field: "outcome",
    };
    Ok(match message.outcome.ok_or(bad.clone())? {
        Message::Return(it) => Outcome::Return(values_from_proto(PROVEN, "outcome", &it.values)?),
        Message::Exit(code) => Outcome::Exit(code),
        Message::Trap(code) => {
            Outcome::Trap(u8::try_from(code).ok().and_then(TrapKind::from_code).ok_or(bad)?)
        }
        Message::OutOfFuel(_) => Outcome::OutOfFuel,
    })
}
