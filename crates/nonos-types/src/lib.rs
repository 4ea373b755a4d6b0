//! The values every part of a NØN-OS operator node speaks in.
#![forbid(unsafe_code)]

mod amount;
mod digest;
mod error;
mod id;
mod outcome;
mod record;
mod units;

pub use crate::{
    amount::Amount,
    digest::{
        AuditRoot, CapsuleHash, CheckpointRoot, Digest, ExecHash, Hasher, InboundDigest, InputDigest, JobId,
        MemoryHash, NetworkId, Nonce, OutputDigest, PoiHash, PolicyHash, ProofDigest, SegmentChain,
        StateHash, Tag, VkDigest, tag,
    },
    error::{Error, Fault},
    id::NodeId,
    outcome::{Outcome, TrapKind, Value, ValueType},
    record::{Attested, Commitment, CommitmentScheme, ExecutionRecord, Output, Proven},
    units::{Attempt, ByteLen, Clock, Fuel, MachineVersion, Pages, Slot, Timestamp},
};
