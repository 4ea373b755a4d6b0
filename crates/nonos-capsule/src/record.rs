//! From a run to its record.

use nonos_package::Policy;
use nonos_types::{
    Attested, CapsuleHash, Commitment, ExecutionRecord, InboundDigest, InputDigest, MachineVersion, Output,
    OutputDigest, PoiHash, Proven, SegmentChain, Value,
};

use crate::{Claim, Error, Inputs, Outputs, Run};

/// What a record says besides the run itself.
#[derive(Debug)]
pub struct Context<'a> {
    /// What it ran under.
    pub policy: &'a Policy,
    /// Its name.
    pub hash: CapsuleHash,
    /// Meaning of the instructions: the version of the machine that proves such runs.
    pub machine: MachineVersion,
    /// Arguments of the entry.
    pub arguments: &'a [Value],
    /// The tapes it read.
    pub inputs: &'a Inputs,
    /// The commitment to the sealed input, from the job's offer; where there is a sealed input, and only there.
    pub sealed_input: Option<Commitment>,
    /// State of this machine before the run.
    pub poi_pre: Option<PoiHash>,
    /// State of this machine after the run.
    pub poi_post: Option<PoiHash>,
}

impl Run {
    /// The record of this run under a claim, which is spent.
    ///
    /// The segment chain is zero: a run proved in one piece. The sealed input's commitment is taken as it is;
    /// the proof shows that it fits.
    ///
    /// # Errors
    /// [`Error::SealMismatch`].
    pub fn record(&self, claim: Claim, context: &Context<'_>) -> Result<ExecutionRecord, Error> {
        let sealed = context.inputs.sealed.is_some();
        if sealed != context.sealed_input.is_some() {
            return Err(Error::SealMismatch { sealed });
        }
        let assignment = claim.assignment();
        let policy = context.policy;
        let proven = Proven {
            network: assignment.network,
            job: assignment.job,
            slot: assignment.slot,
            nonce: assignment.nonce(),
            executor: assignment.executor,
            capsule: context.hash,
            machine: context.machine,
            policy: policy.hash(),
            entry: policy.entry.clone(),
            arguments: context.arguments.to_vec(),
            input: InputDigest::hash(&[&context.inputs.input]),
            sealed_input: context.sealed_input,
            inbound: InboundDigest::hash(&[&context.inputs.inbound]),
            output: Output::Digest(self.outputs.digest()),
            outcome: self.outcome.clone(),
            fuel_used: self.fuel_used,
            peak_pages: self.peak_pages,
            segment_chain: SegmentChain::ZERO,
        };
        let attested = Attested {
            checkpoint_root: self.checkpoints.root(),
            audit_root: self.audit_root,
            poi_pre: context.poi_pre,
            poi_post: context.poi_post,
        };
        Ok(ExecutionRecord { proven, attested })
    }
}

impl Outputs {
    /// Digest of result, outbound and log, in this order.
    pub fn digest(&self) -> OutputDigest {
        OutputDigest::hash(&[&self.result, &self.outbound, &self.log])
    }
}
