//! A run outside of any job, for the targets that need a true statement.

use nonos_machine::{End, Inputs, Limits, PublicTapes, Subject, VERSION, execute, tables::TapeWords};
use nonos_types::{
    Assignment, Attested, AuditRoot, CheckpointRoot, ExecutionRecord, InboundDigest, InputDigest, Outcome,
    Output, Proven, SegmentChain, Value,
};

/// Runs the entry `f` of a module with two numbers, and records it.
///
/// # Errors
/// If the module does not lower, or its run does not return.
pub fn run(subject: &Subject) -> Result<(ExecutionRecord, PublicTapes), Box<dyn std::error::Error>> {
    let policy = subject.policy("f");
    let program = subject.lower("f")?.program;
    let inputs = Inputs {
        input: b"input",
        arguments: &[6, 7],
        ..Inputs::default()
    };
    let limits = Limits {
        fuel: policy.fuel,
        steps: 1000,
    };
    let run = execute(&program, &inputs, limits);
    let End::Return(words) = run.end else {
        return Err(format!("{:?}", run.end).into());
    };
    let tapes = PublicTapes {
        input: inputs.input.to_vec(),
        inbound: vec![],
        outputs: run.outputs.map(|bytes| TapeWords::from_bytes(&bytes)),
    };
    let job = Assignment::NONE;
    let proven = Proven {
        network: job.network,
        job: job.job,
        slot: job.slot,
        nonce: job.nonce(),
        executor: job.executor,
        capsule: subject.capsule_hash(),
        machine: VERSION,
        policy: policy.hash(),
        entry: "f".to_owned(),
        arguments: vec![Value::I64(6), Value::I64(7)],
        input: InputDigest::hash(&[&tapes.input]),
        sealed_input: None,
        inbound: InboundDigest::hash(&[b""]),
        output: Output::Digest(tapes.output_digest()),
        outcome: Outcome::Return(words.into_iter().map(Value::I64).collect()),
        fuel_used: run.fuel,
        peak_pages: run.pages,
        segment_chain: SegmentChain::ZERO,
    };
    let attested = Attested {
        checkpoint_root: CheckpointRoot::ZERO,
        audit_root: AuditRoot::ZERO,
        poi_pre: None,
        poi_post: None,
    };
    Ok((ExecutionRecord { proven, attested }, tapes))
}
