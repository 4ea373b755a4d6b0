//! `operator capsule run`: a run in the sandbox.

use crate::{commands::Context, failure::Failure, files, output::say, proving, sandbox};
use nonos_machine::Subject;
use nonos_types::{
    AuditRoot, CheckpointRoot, CommitmentScheme, ExecHash, Fuel, MemoryHash, Nonce, Outcome, Pages,
};
use nonos_worker::{Job, Protection};
use serde::Serialize;
use std::{path::PathBuf, time::Instant};

/// Runs the capsule's entry in the sandbox and shows how it ended.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// The package.
    package: PathBuf,
    #[command(flatten)]
    inputs: super::InputFiles,
    #[command(flatten)]
    assignment: super::AssignmentArgs,
    /// Writes the result tape to a file.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    sandbox: sandbox::Options,
}

#[derive(Serialize)]
struct Ran {
    outcome: Outcome,
    fuel: Fuel,
    peak_pages: Pages,
    result_hex: String,
    outbound_hex: String,
    log_hex: String,
    memory_hash: MemoryHash,
    host_calls: u64,
    audit_root: AuditRoot,
    checkpoint_root: CheckpointRoot,
    nonce: Nonce,
    exec_hash: ExecHash,
    run_ms: u128,
    /// What the process that ran it had given up; `null` if it was this one.
    sandbox: Option<Protection>,
}

impl Run {
    /// Does it.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long it took is part of what is shown"
    )]
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let package = super::open(&self.package)?;
        let inputs = self.inputs.read()?;
        let claim = self.assignment.claim()?;
        let started = Instant::now();
        let (run, protection) = self.sandbox.run(&Job {
            module: package.module(),
            policy: package.policy(),
            arguments: &[],
            inputs: &inputs,
        })?;
        let run_ms = started.elapsed().as_millis();
        let policy = package.policy().clone();
        let subject = Subject::Capsule(Box::new(package));
        // Nothing says yet who will prove it: the scheme that is everybody's default.
        let scheme = CommitmentScheme::POSEIDON_PALLAS_1;
        let record = proving::record(&run, claim, &policy, &subject, &[], &inputs, scheme)?;
        if let Some(path) = &self.output {
            files::write(path, &run.outputs.result)?;
            say(&format!("result tape written to {}", path.display()));
        }
        let ran = Ran {
            outcome: run.outcome,
            fuel: run.fuel_used,
            peak_pages: run.peak_pages,
            result_hex: hex::encode(run.outputs.result),
            outbound_hex: hex::encode(run.outputs.outbound),
            log_hex: hex::encode(run.outputs.log),
            memory_hash: run.memory,
            host_calls: run.host_calls,
            audit_root: run.audit_root,
            checkpoint_root: run.checkpoints.root(),
            nonce: record.proven.nonce,
            exec_hash: record.exec_hash(),
            run_ms,
            sandbox: protection,
        };
        context.output.show(&ran, || {
            vec![
                ("outcome", ran.outcome.to_string()),
                ("fuel", ran.fuel.to_string()),
                ("peak memory", format!("{} pages of 64 KiB", ran.peak_pages.get())),
                ("result", ran.result_hex.clone()),
                ("outbound", ran.outbound_hex.clone()),
                ("log", ran.log_hex.clone()),
                ("memory hash", ran.memory_hash.to_string()),
                ("host calls", ran.host_calls.to_string()),
                ("audit root", ran.audit_root.to_string()),
                ("checkpoints", ran.checkpoint_root.to_string()),
                ("nonce", ran.nonce.to_string()),
                ("exec hash", ran.exec_hash.to_string()),
                ("run ms", ran.run_ms.to_string()),
                ("process gave up", sandbox::shown(ran.sandbox)),
            ]
        })
    }
}
