//! From a program and a proof file to a verdict, and to what was proved.

use crate::{
    backend,
    commands::Context,
    failure::Failure,
    files,
    output::Table,
    peak,
    proof_file::{self, ProofFile},
};
use nonos_machine::{ExecutionStatement, Subject, tables::TapeWords};
use nonos_types::{
    Attested, Commitment, ExecutionRecord, Fuel, Outcome, Output, Payload as _, Proven, Timestamp, Value,
    VkDigest,
};
use nonos_verify::{ProofObject, Public, Statement as _};
use serde::Serialize;
use std::{path::PathBuf, time::Instant};

/// What to verify, for commands that do.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The proof file.
    proof: PathBuf,
    /// Refuses a proof about another public input than this one ("-" for stdin).
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

/// What a proof that verifies proves.
#[derive(Serialize)]
pub(crate) struct Verified<'a> {
    verified: bool,
    entry: &'a str,
    arguments: &'a [Value],
    outcome: &'a Outcome,
    fuel: Fuel,
    result_hex: String,
    outbound_hex: String,
    log_hex: String,
    input_bytes: usize,
    /// All that is proved.
    proven: &'a Proven,
    /// Said by the executor, not proved.
    attested: &'a Attested,
    backend: String,
    vk_digest: VkDigest,
    proof_bytes: usize,
    /// Said by the prover, not proved.
    timestamp: Timestamp,
    verify_ms: u128,
    peak_rss_mb: Option<u64>,
}

impl Options {
    /// Checks the proof against `subject`, the program that the user named, and shows what it proves.
    #[expect(clippy::disallowed_methods, reason = "the figures")]
    pub(crate) fn verify(&self, subject: &Subject, context: &Context) -> Result<(), Failure> {
        let file = ProofFile::from_bytes(&files::read(&self.proof, proof_file::MAX_BYTES)?)?;
        let object = ProofObject::decode(&file.object).map_err(Failure::Object)?;
        let record = ExecutionRecord::from_bytes(&file.record)?;
        object.is_about(&record).map_err(Failure::Object)?;
        let (proven, named) = (record.proven.capsule, subject.capsule_hash());
        if proven != named {
            return Err(Failure::OtherProgram { proven, named });
        }
        let backends = backend::all(context)?;
        let verifier =
            backends
                .verifier(&object.backend, object.proof.vk)
                .map_err(|_| Failure::UnknownBackend {
                    backend: object.backend.clone(),
                })?;
        let public = Public::new(file.record)
            .attach(subject.to_bytes())
            .attach(file.tapes);

        let started = Instant::now();
        verifier
            .verify(&public, &object.proof)
            .map_err(Failure::Refused)?;
        let verify_ms = started.elapsed().as_millis();

        let statement =
            ExecutionStatement::decode(&public).map_err(|error| Failure::Refused(error.into()))?;
        if let Some(path) = &self.input
            && files::read(path, files::INPUT_BYTES)? != statement.tapes().input
        {
            return Err(Failure::OtherInput);
        }
        let besides = Besides {
            backend: object.backend.to_string(),
            vk_digest: object.proof.vk,
            proof_bytes: object.proof.bytes.len(),
            timestamp: object.timestamp,
            verify_ms,
        };
        let verified = Verified::new(&statement, besides);
        context.output.show(&verified, || verified.table())
    }
}

/// What is shown of a proof besides what it proves.
pub(crate) struct Besides {
    pub(crate) backend: String,
    pub(crate) vk_digest: VkDigest,
    pub(crate) proof_bytes: usize,
    /// Said by the prover, not proved.
    pub(crate) timestamp: Timestamp,
    pub(crate) verify_ms: u128,
}

impl<'a> Verified<'a> {
    /// Of a statement whose proof verifies.
    pub(crate) fn new(statement: &'a ExecutionStatement, besides: Besides) -> Self {
        let ExecutionRecord { proven, attested } = statement.record();
        let tapes = statement.tapes();
        let [result_hex, outbound_hex, log_hex] =
            tapes.outputs.each_ref().map(|t| hex::encode(TapeWords::bytes(t)));
        Self {
            verified: true,
            entry: &proven.entry,
            arguments: &proven.arguments,
            outcome: &proven.outcome,
            fuel: proven.fuel_used,
            result_hex,
            outbound_hex,
            log_hex,
            input_bytes: tapes.input.len(),
            proven,
            attested,
            backend: besides.backend,
            vk_digest: besides.vk_digest,
            proof_bytes: besides.proof_bytes,
            timestamp: besides.timestamp,
            verify_ms: besides.verify_ms,
            peak_rss_mb: peak::mebibytes(),
        }
    }

    /// For people.
    pub(crate) fn table(&self) -> Table {
        let Self { proven, attested, .. } = self;
        let arguments: Vec<String> = self.arguments.iter().map(Value::to_string).collect();
        let mut table = vec![
            ("proved", "the proof verifies".to_owned()),
            ("program", proven.capsule.to_string()),
            ("policy", proven.policy.to_string()),
            ("entry", self.entry.to_owned()),
            ("arguments", arguments.join(" ")),
            (
                "public input",
                format!("{} ({} bytes)", proven.input, self.input_bytes),
            ),
            ("outcome", self.outcome.to_string()),
        ];
        if let Some(commitment) = proven.sealed_input {
            table.push(("sealed input", sealed(commitment)));
        }
        match proven.output {
            Output::Digest(_) => table.extend([
                ("result", self.result_hex.clone()),
                ("outbound", self.outbound_hex.clone()),
                ("log", self.log_hex.clone()),
            ]),
            Output::Commitment(commitment) => table.push(("sealed output", sealed(commitment))),
        }
        table.extend([
            ("fuel", self.fuel.to_string()),
            (
                "peak memory",
                format!("{} pages of 64 KiB", proven.peak_pages.get()),
            ),
            ("machine", format!("version {}", proven.machine.get())),
        ]);
        if *proven.job.as_bytes() != [0; 32] {
            table.extend([
                ("network", proven.network.to_string()),
                ("job", proven.job.to_string()),
                ("slot", proven.slot.to_string()),
                ("executor", proven.executor.to_string()),
                ("nonce", proven.nonce.to_string()),
            ]);
        }
        table.extend([
            ("not proved", "what the prover says besides:".to_owned()),
            ("  checkpoints", attested.checkpoint_root.to_string()),
            ("  host calls", attested.audit_root.to_string()),
            ("  made at", format!("{} s since 1970", self.timestamp.get())),
            ("backend", self.backend.clone()),
            ("verifying key", self.vk_digest.to_string()),
            ("proof bytes", self.proof_bytes.to_string()),
            ("verify ms", self.verify_ms.to_string()),
        ]);
        table
    }
}

fn sealed(commitment: Commitment) -> String {
    format!(
        "commitment {} of scheme {}",
        hex::encode(commitment.digest),
        commitment.scheme.0
    )
}
