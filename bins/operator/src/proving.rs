//! From a program and its input to a proof file.

use crate::{
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
use nonos_machine::{ExecutionStatement, Limits, Secret, Subject, VERSION, execute, tables::MAX_ROWS};
use nonos_package::Policy;
use nonos_types::{BackendId, ExecHash, ExecutionRecord, Fuel, Outcome, Timestamp, Value};
use nonos_verify::{Erased, Progress, ProofObject, Prover as _, Proving, Seed, Statement as _};
use nonos_verify_halo2::{Halo2, ParamsEvent, ParamsStore};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde::Serialize;
use std::{
    path::PathBuf,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// A proof system.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(crate) enum Backend {
    /// halo2: compact proofs, no trusted setup.
    #[default]
    Halo2,
}

impl Backend {
    /// Its name among proof systems.
    pub(crate) fn id(self) -> BackendId {
        match self {
            Self::Halo2 => Halo2::ID,
        }
    }
}

/// How to prove, for commands that do.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The proof system.
    #[arg(long, value_enum, default_value_t)]
    backend: Backend,
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
    steps: u32,
    backend: String,
    prove_ms: u128,
    proof_bytes: usize,
    peak_rss_mb: Option<u64>,
    result_hex: String,
    exec_hash: ExecHash,
}

/// The halo2 backend, with its parameters in their directory.
pub(crate) fn halo2(context: &Context) -> Result<Erased<ExecutionStatement, Halo2>, Failure> {
    let params = ParamsStore::in_directory(context.params()?).on_event(|event| match event {
        ParamsEvent::Generating { k } => say(&format!("deriving the public parameters for k = {k}, once")),
        ParamsEvent::Replacing { k } => say(&format!(
            "the parameters for k = {k} on disk are damaged: replacing them"
        )),
        ParamsEvent::NotCached { k, cause } => say(&format!(
            "the parameters for k = {k} cannot be kept on disk ({cause}): deriving them each time"
        )),
        _ => (),
    });
    Ok(Erased::new(Halo2::new(params).map_err(Failure::Halo2)?))
}

/// The record of a run, whose outputs are not sealed.
pub(crate) fn record(
    run: &Run,
    claim: Claim,
    policy: &Policy,
    subject: &Subject,
    arguments: &[Value],
    inputs: &Inputs,
) -> Result<ExecutionRecord, Failure> {
    let context = nonos_capsule::Context {
        policy,
        hash: subject.capsule_hash(),
        machine: VERSION,
        arguments,
        inputs,
        sealed_input: sealing::input(inputs).map(|input| input.commitment()),
        poi_pre: None,
        poi_post: None,
    };
    Ok(run.record(claim, &context)?)
}

impl Job {
    /// Runs under `claim`, proves, writes the proof file, and shows the figures.
    pub(crate) fn prove(self, claim: Claim, options: &Options, context: &Context) -> Result<(), Failure> {
        let Backend::Halo2 = options.backend;
        let (run, record) = self.run(claim, &options.sandbox)?;
        let steps = self.steps()?;
        let secret = options.sealing.secret(&self.inputs)?;
        let statement = self.statement(record, &secret)?;
        options.sealing.keep(&statement.0, &secret)?;
        let proof = statement.prove(&secret, context)?;
        if let Some(path) = &options.output {
            files::write(path, &proof.file()?)?;
            say(&format!("proof written to {}", path.display()));
        }
        let proved = Proved {
            outcome: run.outcome,
            fuel: run.fuel_used,
            steps,
            backend: Halo2::ID.to_string(),
            prove_ms: proof.ms,
            proof_bytes: proof.object.proof.bytes.len(),
            peak_rss_mb: peak::mebibytes(),
            result_hex: hex::encode(&run.outputs.result),
            exec_hash: proof.object.exec,
        };
        context.output.show(&proved, || proved.table())
    }

    /// The run in the sandbox, and its record.
    fn run(&self, claim: Claim, sandbox: &sandbox::Options) -> Result<(Run, ExecutionRecord), Failure> {
        let policy = self.subject.policy(&self.entry);
        let (run, _) = sandbox.run(&nonos_worker::Job {
            module: self.subject.module(),
            policy: &policy,
            arguments: &self.arguments,
            inputs: &self.inputs,
        })?;
        let record = record(&run, claim, &policy, &self.subject, &self.arguments, &self.inputs)?;
        Ok((run, record))
    }

    /// How many steps the machine takes for it.
    fn steps(&self) -> Result<u32, Failure> {
        let program = self.subject.lower(&self.entry)?.program;
        let arguments: Vec<u64> = self.arguments.iter().map(|value| value.word()).collect();
        let inputs = nonos_machine::Inputs {
            input: &self.inputs.input,
            inbound: &self.inputs.inbound,
            sealed: self.inputs.sealed.as_ref().map_or(&[], |sealed| &sealed.bytes),
            arguments: &arguments,
        };
        let limits = Limits {
            fuel: self.subject.policy(&self.entry).fuel,
            steps: u32::try_from(MAX_ROWS).expect("a table has fewer rows than that"),
        };
        Ok(execute(&program, &inputs, limits).steps)
    }

    fn statement(self, record: ExecutionRecord, secret: &Secret) -> Result<Provable, Failure> {
        let Inputs { input, inbound, .. } = self.inputs;
        Ok(Provable(ExecutionStatement::of_run(
            self.subject,
            record,
            input,
            inbound,
            secret,
        )?))
    }
}

struct Provable(ExecutionStatement);

struct Made {
    statement: ExecutionStatement,
    object: ProofObject,
    ms: u128,
}

impl Provable {
    #[expect(clippy::disallowed_methods, reason = "the figures, and the proof's timestamp")]
    fn prove(self, secret: &Secret, context: &Context) -> Result<Made, Failure> {
        let Self(statement) = self;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(Failure::Random)?;
        let mut random = ChaCha20Rng::from_seed(seed);
        let mut seeds = move || {
            let mut fresh = [0; 32];
            random.fill_bytes(&mut fresh);
            Seed::new(fresh)
        };
        let backend = halo2(context)?;
        let bar = output::progress();
        let mut show = |progress: Progress| advance(&bar, progress);
        let started = Instant::now();
        let proof = backend.prove(
            &statement,
            secret,
            &mut Proving::new(&mut seeds).on_progress(&mut show),
        );
        let ms = started.elapsed().as_millis();
        bar.finish_and_clear();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let object = ProofObject {
            capsule: statement.record().proven.capsule,
            exec: statement.record().exec_hash(),
            proof: proof.map_err(Failure::Prove)?,
            timestamp: Timestamp::new(now),
            backend: Halo2::ID,
        };
        Ok(Made {
            statement,
            object,
            ms,
        })
    }
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
    fn file(&self) -> Result<Vec<u8>, Failure> {
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
            ("prove ms", self.prove_ms.to_string()),
            ("proof bytes", self.proof_bytes.to_string()),
            ("peak MiB", or_none(self.peak_rss_mb.map(|peak| peak.to_string()))),
        ]
    }
}
