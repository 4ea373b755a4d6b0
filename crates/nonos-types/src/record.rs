//! The record of a run: what is proved of it, and what its executor signs for.

pub(crate) mod bytes;

use serde::Serialize;

use crate::{
    AuditRoot, CapsuleHash, CheckpointRoot, Fuel, InboundDigest, InputDigest, JobId, MachineVersion,
    NetworkId, NodeId, Nonce, Outcome, OutputDigest, Pages, PoiHash, PolicyHash, SegmentChain, Slot, Value,
};

/// Everything there is to say of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExecutionRecord {
    /// The statement of the proof.
    pub proven: Proven,
    /// Signed by the executor and comparable by running again; *not* proved.
    pub attested: Attested,
}

/// The part of a record that a proof shows; its bytes are what the proof's transcript absorbs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proven {
    /// Network of the job.
    pub network: NetworkId,
    /// The job.
    pub job: JobId,
    /// Position of the executor in the job.
    pub slot: Slot,
    /// Makes the run unique.
    pub nonce: Nonce,
    /// Who ran it.
    pub executor: NodeId,
    /// What was run.
    pub capsule: CapsuleHash,
    /// Meaning of the instructions.
    pub machine: MachineVersion,
    /// Limits and rights of the run.
    pub policy: PolicyHash,
    /// Name of the exported function that was called; at most 256 bytes.
    pub entry: String,
    /// Its arguments; at most 1000.
    pub arguments: Vec<Value>,
    /// The public input tape.
    pub input: InputDigest,
    /// The sealed input tape, if there is one.
    pub sealed_input: Option<Commitment>,
    /// The mesh inbound tape.
    pub inbound: InboundDigest,
    /// The output tapes.
    pub output: Output,
    /// How the run ended.
    pub outcome: Outcome,
    /// Fuel used.
    pub fuel_used: Fuel,
    /// Most pages of memory the run had.
    pub peak_pages: Pages,
    /// Chain of the proof's segments; zero for a run proved in one piece.
    pub segment_chain: SegmentChain,
}

/// The part of a record that its executor answers for, without proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attested {
    /// End of the chain of checkpoints.
    pub checkpoint_root: CheckpointRoot,
    /// End of the chain of host calls.
    pub audit_root: AuditRoot,
    /// State of the machine before the run.
    pub poi_pre: Option<PoiHash>,
    /// State of the machine after the run.
    pub poi_post: Option<PoiHash>,
}

/// The output tapes, open or hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// Digest of result, outbound and log tape.
    Digest(OutputDigest),
    /// Commitment to the same, for a run whose result is sealed.
    Commitment(Commitment),
}

/// A hiding commitment; what its digest means depends on its scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Commitment {
    /// How it was made.
    pub scheme: CommitmentScheme,
    /// Its bytes.
    #[serde(serialize_with = "hex::serde::serialize")]
    pub digest: [u8; 32],
}

/// Which hash and encoding a commitment uses; backends declare theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct CommitmentScheme(pub u32);

impl CommitmentScheme {
    /// Poseidon (`P128Pow5T3`) over the Pallas base field, of a salt and words in blocks: `docs/spec/seal.md`.
    pub const POSEIDON_PALLAS_1: Self = Self(1);
    /// Poseidon2 of width 16 over the KoalaBear field, of a salt and words in blocks: `docs/spec/seal.md`.
    pub const POSEIDON2_KOALABEAR_1: Self = Self(2);
}
