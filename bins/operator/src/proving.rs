//! From a program and its input to a proof file.

use crate::{
    backend::{self, DryRun},
    commands::Context,
    failure::Failure,
    files,
    output::{self, Table, say},
    peak,
    proof_file::ProofFile,
    sandbox, sealing,
};
use indicatif::ProgressBar;
use nonos_capsule::{Claim, Inputs, Run};
use nonos_machine::{ExecutionStatement, Secret, Subject, VERSION};
use nonos_node::{Backends, choice::Choice};
use nonos_package::Policy;
use nonos_types::{BackendId, CommitmentScheme, ExecHash, ExecutionRecord, Fuel, Outcome, Timestamp, Value};
use nonos_verify::{Progress, Proof, ProofObject, Prover, Proving, Seed, Statement};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde::Serialize;
use std::{
    path::PathBuf,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// How to prove, for commands that do.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    backend: backend::Options,
    /// Writes the proof, with what its verifier needs beside the program, to a file.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    sandbox: sandbox::Options,
    #[command(flatten)]
    sealing: sealing::Options,
}

/// A run to prove.
pub(crate) struct Job {
    /// The program.
    pub(crate) subject: Subject,
    /// Its entry.
    pub(crate) entry: String,
    /// Arguments of the entry.
    pub(crate) arguments: Vec<Value>,
    /// The tapes.
    pub(crate) inputs: Inputs,
}

#[derive(Serialize)]
struct Proved {
    outcome: Outcome,
    fuel: Fuel,
    steps: u64,
    backend: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'static str>,
    backend_reason: String,
    prove_ms: u128,
    proof_bytes: usize,
    peak_rss_mb: Option<u64>,
    result_hex: String,
    exec_hash: ExecHash,
}

/// The record of a run, whose outputs are not sealed.
pub(crate) fn record(
    run: &Run,
    claim: Claim,
    policy: &Policy,
    subject: &Subject,
    arguments: &[Value],
    inputs: &Inputs,
    scheme: CommitmentScheme,
) -> Result<ExecutionRecord, Failure> {
    let context = nonos_capsule::Context {
        policy,
        hash: subject.capsule_hash(),
        machine: VERSION,
        arguments,
        inputs,
        sealed_input: sealing::input(inputs).and_then(|input| input.commitment_by(scheme)),
        poi_pre: None,
        poi_post: None,
    };
    Ok(run.record(claim, &context)?)
}

impl Job {
    /// Takes a proof system, then runs under what `claim` gives, proves, writes the proof file, and shows the figures.
    pub(crate) fn prove(
        self,
        claim: impl FnOnce() -> Result<Claim, Failure>,
        options: &Options,
        context: &Context,
    ) -> Result<(), Failure> {
        let backends = backend::all(context)?;
        // Before a nonce is spent.
        let (choice, steps) = self.choose(options, &backends)?;
        let scheme = choice.method.system().scheme();
        let (run, record) = self.run(claim()?, &options.sandbox, scheme)?;
        let secret = options.sealing.secret(&self.inputs, scheme)?;
        let statement = self.statement(record, &secret)?;
        options.sealing.keep(&statement, &secret)?;
        let prover = backends.prover_within(choice.method, options.backend.memory());
        let (proof, ms) = timed(&statement, &secret, &*prover)?;
        let proof = Made::new(statement, proof, prover.backend_id(), ms);
        if let Some(path) = &options.output {
            files::write(path, &proof.file()?)?;
            say(&format!("proof written to {}", path.display()));
        }
        let proved = Proved {
            outcome: run.outcome,
            fuel: run.fuel_used,
            steps,
            backend: proof.object.backend.to_string(),
            profile: choice.method.profile(),
            backend_reason: choice.reason,
            prove_ms: proof.ms,
            proof_bytes: proof.object.proof.bytes.len(),
            peak_rss_mb: peak::mebibytes(),
            result_hex: hex::encode(&run.outputs.result),
            exec_hash: proof.object.exec,
        };
        context.output.show(&proved, || proved.table())
    }

    /// The run in the sandbox, and its record.
    pub(crate) fn run(
        &self,
        claim: Claim,
        sandbox: &sandbox::Options,
        scheme: CommitmentScheme,
    ) -> Result<(Run, ExecutionRecord), Failure> {
        let policy = self.subject.policy(&self.entry);
        let (run, _) = sandbox.run(&nonos_worker::Job {
            module: self.subject.module(),
            policy: &policy,
            arguments: &self.arguments,
            inputs: &self.inputs,
        })?;
        let (subject, arguments, inputs) = (&self.subject, &self.arguments, &self.inputs);
        let record = record(&run, claim, &policy, subject, arguments, inputs, scheme)?;
        Ok((run, record))
    }

    /// By what to prove it, and how many steps the machine takes for it.
    fn choose(&self, options: &Options, backends: &Backends) -> Result<(Choice, u64), Failure> {
        let program = self.subject.lower(&self.entry)?.program;
        let arguments: Vec<u64> = self.arguments.iter().map(|value| value.word()).collect();
        let inputs = nonos_machine::Inputs {
            input: &self.inputs.input,
            inbound: &self.inputs.inbound,
            sealed: self.inputs.sealed.as_ref().map_or(&[], |sealed| &sealed.bytes),
            arguments: &arguments,
        };
        let fuel = self.subject.policy(&self.entry).fuel;
        let sealed = options.sealing.seals(&self.inputs);
        let dry = DryRun::new(&program, inputs, fuel, sealed);
        Ok((options.backend.choose(&dry, backends)?, dry.run.steps))
    }

    /// The statement of its run.
    pub(crate) fn statement(
        self,
        record: ExecutionRecord,
        secret: &Secret,
    ) -> Result<ExecutionStatement, Failure> {
        let Inputs { input, inbound, .. } = self.inputs;
        let subject = self.subject;
        Ok(ExecutionStatement::of_run(
            subject, record, input, inbound, secret,
        )?)
    }
}

/// A run with its proof.
pub(crate) struct Made {
    statement: ExecutionStatement,
    object: ProofObject,
    ms: u128,
}

/// Proves, with a bar, and says how many milliseconds it took.
#[expect(clippy::disallowed_methods, reason = "the figures")]
pub(crate) fn timed<S: Statement>(
    statement: &S,
    witness: &S::Witness,
    prover: &dyn Prover<S>,
) -> Result<(Proof, u128), Failure> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(Failure::Random)?;
    let mut random = ChaCha20Rng::from_seed(seed);
    let mut seeds = move || {
        let mut fresh = [0; 32];
        random.fill_bytes(&mut fresh);
        Seed::new(fresh)
    };
    let bar = output::progress();
    let mut show = |progress: Progress| advance(&bar, progress);
    let started = Instant::now();
    let mut proving = Proving::new(&mut seeds).on_progress(&mut show);
    let proof = prover.prove(statement, witness, &mut proving);
    let ms = started.elapsed().as_millis();
    bar.finish_and_clear();
    Ok((proof.map_err(Failure::Prove)?, ms))
}

fn advance(
    bar: &ProgressBar,
    Progress {
        stage, done, total, ..
    }: Progress,
) {
    bar.set_length(total);
    bar.set_position(done);
    bar.set_message(stage);
}

impl Made {
    /// A proof that was made just now.
    #[expect(clippy::disallowed_methods, reason = "the proof's timestamp")]
    pub(crate) fn new(statement: ExecutionStatement, proof: Proof, backend: BackendId, ms: u128) -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let object = ProofObject {
            capsule: statement.record().proven.capsule,
            exec: statement.record().exec_hash(),
            proof,
            timestamp: Timestamp::new(now),
            backend,
        };
        Self {
            statement,
            object,
            ms,
        }
    }

    /// The proof file.
    pub(crate) fn file(&self) -> Result<Vec<u8>, Failure> {
        let public = self.statement.public();
        let file = ProofFile {
            object: self.object.encode().map_err(Failure::Object)?,
            record: public.statement().to_vec(),
            tapes: public.attachment(1).unwrap_or_default().to_vec(),
        };
        Ok(file.to_bytes())
    }
}

impl Proved {
    fn table(&self) -> Table {
        let or_none = |figure: Option<String>| figure.unwrap_or_else(|| "-".to_owned());
        vec![
            ("outcome", self.outcome.to_string()),
            ("result", self.result_hex.clone()),
            ("exec hash", self.exec_hash.to_string()),
            ("fuel", self.fuel.to_string()),
            ("steps", self.steps.to_string()),
            ("backend", self.backend.clone()),
            ("profile", or_none(self.profile.map(str::to_owned))),
            ("prove ms", self.prove_ms.to_string()),
            ("proof bytes", self.proof_bytes.to_string()),
            ("peak MiB", or_none(self.peak_rss_mb.map(|peak| peak.to_string()))),
        ]
    }
}
