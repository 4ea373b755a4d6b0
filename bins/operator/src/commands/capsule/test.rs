//! `operator capsule test`: runs of a capsule with what must come of them.

use crate::{
    backend,
    commands::Context,
    failure::Failure,
    output::{self, Grid},
    proving, sandbox,
    sdk::{self, Case, Made, SdkError, Take},
    sealing,
};
use ed25519_dalek::SigningKey;
use nonos_capsule::{Claim, Inputs, Run, Sealed};
use nonos_link::Names;
use nonos_machine::{End, Limits, Secret, Subject, execute};
use nonos_node::{
    Backends,
    choice::{Method, Profile},
};
use nonos_package::{Package, builder::Builder};
use nonos_types::{Fuel, Outcome};
use nonos_verify::Statement as _;
use serde::Serialize;
use std::{error::Error as _, fmt::Write as _, path::PathBuf};

/// Steps of a case, at most: about a minute.
const PATIENCE: u64 = 1 << 32;

/// Runs the cases of `DIR/tests/*.toml`, in the sandbox and in the provable machine, and compares what comes of them with what
/// the cases say and with one another.
///
/// The module is `DIR/capsule.wasm` or what the source gives, as for `capsule build`; no key is needed.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// Directory with `manifest.toml`, source or `capsule.wasm`, and `tests`.
    dir: PathBuf,
    /// Proves each run, too (by the STARK, profile fast), and verifies the proof.
    #[arg(long)]
    prove: bool,
    #[command(flatten)]
    sandbox: sandbox::Options,
}

#[derive(Serialize)]
struct Tested {
    passed: usize,
    failed: usize,
    toolchain: Option<String>,
    cases: Vec<Judged>,
}

#[derive(Serialize)]
struct Judged {
    name: String,
    passed: bool,
    outcome: Option<String>,
    fuel: Option<Fuel>,
    steps: Option<u64>,
    /// Of the proof, if it was to be made and verifies.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof_bytes: Option<usize>,
    /// What is not as it should be.
    problems: Vec<String>,
    /// Sandbox and machine differ: that is no fault of the capsule's.
    #[serde(skip)]
    is_disagreement: bool,
}

impl Test {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let cases = sdk::cases(&self.dir)?;
        let made = sdk::make(&self.dir, Take::Any, Names::Strip)?;
        let backends = if self.prove {
            Some(backend::all(context)?)
        } else {
            None
        };
        let mut judged = Vec::new();
        for case in cases {
            judged.push(self.judge(case, &made, backends.as_ref())?);
        }
        let failed = judged.iter().filter(|it| !it.passed).count();
        let tested = Tested {
            passed: judged.len() - failed,
            failed,
            toolchain: made.toolchain,
            cases: judged,
        };
        context.output.print(&tested, || tested.text())?;
        let disagreements = tested.cases.iter().filter(|it| it.is_disagreement).count();
        if disagreements > 0 {
            return Err(SdkError::Disagreement { cases: disagreements }.into());
        }
        if failed > 0 {
            let cases = tested.cases.len();
            return Err(SdkError::Failed { failed, cases }.into());
        }
        Ok(())
    }

    fn judge(&self, case: Case, made: &Made, backends: Option<&Backends>) -> Result<Judged, Failure> {
        let mut it = Judged {
            name: case.name.clone(),
            passed: false,
            outcome: None,
            fuel: None,
            steps: None,
            proof_bytes: None,
            problems: Vec::new(),
            is_disagreement: false,
        };
        let inputs = Inputs {
            input: case.input.clone(),
            sealed: case.sealed.clone().map(|bytes| Sealed { bytes, salt: [0; 32] }),
            inbound: case.inbound.clone(),
        };
        let package = package(&case, made)?;
        let job = proving::Job {
            entry: package.policy().entry.clone(),
            subject: Subject::Capsule(Box::new(package)),
            arguments: Vec::new(),
            inputs,
        };
        let method = Method::Stark(Profile::Fast);
        let scheme = method.system().scheme();
        let (run, record) = match job.run(Claim::outside_jobs(), &self.sandbox, scheme) {
            Ok(done) => done,
            // What the environment does is no verdict on the capsule.
            Err(failure) if failure.fault() == nonos_types::Fault::Environment => return Err(failure),
            Err(failure) => {
                it.problems.push(told(&failure));
                return Ok(it);
            }
        };
        it.outcome = Some(run.outcome.to_string());
        it.fuel = Some(run.fuel_used);
        it.problems = unexpected(&case, &run);
        let (steps, differences) = machine(&job, &run)?;
        it.steps = Some(steps);
        it.is_disagreement = !differences.is_empty();
        it.problems.extend(differences);
        if let (Some(backends), false) = (backends, it.is_disagreement) {
            let secret = Secret {
                input: sealing::input(&job.inputs),
                outputs: None,
                scheme,
            };
            let statement = job.statement(record, &secret)?;
            let prover = backends.prover_within(method, None);
            let proved = proving::timed(&statement, &secret, &*prover).and_then(|(proof, _)| {
                let unknown = |_| Failure::UnknownBackend {
                    backend: prover.backend_id(),
                };
                let verifier = backends
                    .verifier(&prover.backend_id(), proof.vk)
                    .map_err(unknown)?;
                verifier
                    .verify(&statement.public(), &proof)
                    .map_err(Failure::Refused)?;
                Ok(proof.bytes.len())
            });
            match proved {
                Ok(bytes) => it.proof_bytes = Some(bytes),
                Err(failure) => it.problems.push(told(&failure)),
            }
        }
        it.passed = it.problems.is_empty();
        Ok(it)
    }
}

/// The package of a case: its entry and its budget stand for the manifest's.
fn package(case: &Case, made: &Made) -> Result<Package, Failure> {
    // Nobody's: the package is never written.
    let key = SigningKey::from_bytes(&[1; 32]);
    let mut manifest = made.manifest.clone();
    // What is no TOML is refused with its line when it is packed as it stands.
    if let Ok(mut table) = manifest.parse::<toml::Table>() {
        let mut set = |section: &str, key: &str, value: Option<toml::Value>| {
            if let Some(toml::Value::Table(section)) = table.get_mut(section) {
                match value {
                    Some(value) => section.insert(key.to_owned(), value),
                    None => section.remove(key),
                };
            }
        };
        set("meta", "author_key", None);
        set("exec", "hash", None);
        if let Some(entry) = &case.entry {
            set("exec", "entry", Some(entry.clone().into()));
        }
        if let Some(fuel) = case.fuel.and_then(|fuel| i64::try_from(fuel.get()).ok()) {
            set("resources", "fuel", Some(fuel.into()));
        }
        manifest = toml::to_string(&table).expect("a table that was read can be written");
    }
    Ok(Builder::new(&made.wasm, &manifest).sign(&key)?)
}

/// What is not as the case says.
fn unexpected(case: &Case, run: &Run) -> Vec<String> {
    let mut problems = Vec::new();
    let outcome = run.outcome.to_string();
    if outcome != case.outcome {
        problems.push(format!("outcome: {outcome}, expected {}", case.outcome));
    }
    for (tape, expected, written) in [
        ("result", &case.result, &run.outputs.result),
        ("outbound", &case.outbound, &run.outputs.outbound),
        ("log", &case.log, &run.outputs.log),
    ] {
        if let Some(expected) = expected.as_ref().filter(|expected| *expected != written) {
            problems.push(format!(
                "{tape}: {}, expected {}",
                quoted(written),
                quoted(expected)
            ));
        }
    }
    problems
}

/// Bytes for people: as text if they are, else in hexadecimal; the first of them.
fn quoted(bytes: &[u8]) -> String {
    const SHOWN: usize = 64;
    let first = &bytes[..bytes.len().min(SHOWN)];
    let more = if bytes.len() > SHOWN {
        format!("… ({} bytes)", bytes.len())
    } else {
        String::new()
    };
    match std::str::from_utf8(first) {
        Ok(text) => format!("{text:?}{more}"),
        Err(_) => format!("{}{more}", hex::encode(first)),
    }
}

/// The run in the provable machine: its steps, and what differs from the sandbox's.
fn machine(job: &proving::Job, run: &Run) -> Result<(u64, Vec<String>), Failure> {
    let program = job.subject.lower(&job.entry)?.program;
    let inputs = nonos_machine::Inputs {
        input: &job.inputs.input,
        inbound: &job.inputs.inbound,
        sealed: job.inputs.sealed.as_ref().map_or(&[], |sealed| &sealed.bytes),
        arguments: &[],
    };
    let limits = Limits {
        fuel: job.subject.policy(&job.entry).fuel,
        steps: PATIENCE,
    };
    let machine = execute(&program, &inputs, limits);
    let mut differ = Vec::new();
    let mut same = |part: &str, same: bool| {
        if !same {
            differ.push(format!("sandbox and machine differ: {part}"));
        }
    };
    let ended = match (&machine.end, &run.outcome) {
        (End::Return(words), Outcome::Return(values)) => {
            values.iter().map(|it| it.word()).eq(words.iter().copied())
        }
        (End::Exit(code), Outcome::Exit(other)) => code == other,
        (End::Trap(kind), Outcome::Trap(other)) => kind == other,
        (End::OutOfFuel, Outcome::OutOfFuel) => true,
        // Longer than anybody waits here: no disagreement.
        (End::TooManySteps, _) => return Ok((machine.steps, Vec::new())),
        _ => false,
    };
    same("outcome", ended);
    same("fuel", machine.fuel == run.fuel_used);
    same("memory", machine.pages == run.peak_pages);
    let outputs = &run.outputs;
    same(
        "output",
        machine.outputs == [&outputs.result, &outputs.outbound, &outputs.log].map(Clone::clone),
    );
    Ok((machine.steps, differ))
}

/// A failure with its causes, in one line.
fn told(failure: &Failure) -> String {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

impl Tested {
    fn text(&self) -> String {
        let grid = Grid {
            head: &["case", "", "outcome", "fuel", "steps", "proof bytes"],
            rows: self
                .cases
                .iter()
                .map(|it| {
                    vec![
                        it.name.clone(),
                        if it.passed { "passed" } else { "FAILED" }.to_owned(),
                        output::or_dash(it.outcome.clone()),
                        output::or_dash(it.fuel),
                        output::or_dash(it.steps),
                        output::or_dash(it.proof_bytes),
                    ]
                })
                .collect(),
        };
        let problems = self.cases.iter().flat_map(|case| {
            let problems = case.problems.iter();
            problems.map(move |problem| format!("{}: {}\n", case.name, output::harmless(problem)))
        });
        grid.lines() + &problems.collect::<String>()
    }
}
