//! `operator capsule plan`: what a proof of a run would take, from a dry run.

use crate::{commands::Context, failure::Failure, output::Table, proving};
use nonos_machine::{
    End, Inputs, Limits, Subject, execute, execute_traced,
    isa::Program,
    tables::{MAX_ROWS, PublicRun, TapeWords, public},
};
use nonos_types::Fuel;
use nonos_verify_halo2::{Estimate, REFERENCE_WORK, reference_work};
use serde::Serialize;
use std::{path::PathBuf, thread, time::Instant};

/// Runs the capsule's entry and predicts what its proof would take. Proves nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Plan {
    /// The package.
    package: PathBuf,
    #[command(flatten)]
    inputs: super::InputFiles,
}

#[derive(Serialize)]
struct Planned {
    outcome: String,
    fuel: Fuel,
    steps: u32,
    /// Rows of each table that has any.
    rows: Vec<Rows>,
    /// The proof has 2^k rows.
    k: u8,
    columns: usize,
    proof_bytes: usize,
    prove_seconds: f64,
    peak_memory_mb: u64,
    /// Memory that is free now, where the system tells.
    free_memory_mb: Option<u64>,
}

#[derive(Serialize)]
struct Rows {
    table: &'static str,
    rows: usize,
}

impl Plan {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let package = super::open(&self.package)?;
        let tapes = self.inputs.read()?;
        let entry = package.policy().entry.clone();
        let fuel = package.policy().fuel;
        let program = Subject::Capsule(Box::new(package)).lower(&entry)?.program;
        let inputs = Inputs {
            input: &tapes.input,
            inbound: &tapes.inbound,
            sealed: tapes.sealed.as_ref().map_or(&[][..], |sealed| &sealed.bytes),
            arguments: &[],
        };
        let steps = u32::try_from(MAX_ROWS).expect("a table has fewer rows than that");
        let (run, trace) = execute_traced(&program, &inputs, Limits { fuel, steps });
        let Some(trace) = trace else {
            return Err(too_long(&program, &inputs, fuel));
        };
        let input_tapes = [inputs.input, &[], inputs.inbound, &[]].map(TapeWords::from_bytes);
        let public = public(&program, &PublicRun::of(&program, &trace, input_tapes));
        let backend = proving::halo2(context)?;
        let estimate = backend
            .backend()
            .estimate(&program, &trace, &public)
            .map_err(Failure::Prove)?;
        let planned = Planned::new(outcome(&run.end), run.fuel, run.steps, &estimate);
        context.output.show(&planned, || planned.table())
    }
}

/// How many steps a run takes that has more than a proof can have, as far as there is patience to count.
fn too_long(program: &Program, inputs: &Inputs<'_>, fuel: Fuel) -> Failure {
    const PATIENCE: u32 = 1 << 30;
    let run = execute(
        program,
        inputs,
        Limits {
            fuel,
            steps: PATIENCE,
        },
    );
    Failure::TooManySteps {
        steps: run.steps,
        at_least: run.end == End::TooManySteps,
        limit: MAX_ROWS,
    }
}

fn outcome(end: &End) -> String {
    match end {
        End::Return(_) => "return".to_owned(),
        End::Exit(code) => format!("exit {code}"),
        End::Trap(kind) => format!("trap: {kind}"),
        End::OutOfFuel | End::TooManySteps => "out of fuel".to_owned(),
    }
}

impl Planned {
    fn new(outcome: String, fuel: Fuel, steps: u32, estimate: &Estimate) -> Self {
        let rows = estimate.rows.iter().filter(|(_, rows)| *rows > 0);
        Self {
            outcome,
            fuel,
            steps,
            rows: rows.map(|&(table, rows)| Rows { table, rows }).collect(),
            k: estimate.layout.k(),
            columns: estimate.columns,
            proof_bytes: estimate.proof_bytes,
            prove_seconds: estimate.cpu_seconds * slowness() / parallelism(),
            peak_memory_mb: estimate.memory.div_ceil(1 << 20),
            free_memory_mb: free_memory(),
        }
    }

    fn table(&self) -> Table {
        let mut table = vec![
            ("outcome", self.outcome.clone()),
            ("fuel", self.fuel.to_string()),
            ("steps", self.steps.to_string()),
        ];
        let rows = self.rows.iter();
        let rows: Vec<String> = rows
            .map(|Rows { table, rows }| format!("{table} {rows}"))
            .collect();
        table.push(("rows", rows.join(", ")));
        table.extend([
            ("k", self.k.to_string()),
            ("columns", self.columns.to_string()),
            ("proof bytes", self.proof_bytes.to_string()),
            ("prove seconds", format!("about {:.1}", self.prove_seconds)),
            ("peak MiB", format!("about {}", self.peak_memory_mb)),
        ]);
        if let Some(free) = self.free_memory_mb {
            let verdict = if free < self.peak_memory_mb {
                " (not enough)"
            } else {
                ""
            };
            table.push(("free MiB", format!("{free}{verdict}")));
        }
        table
    }
}

/// How many cores' worth of work a proof gets done at once.
fn parallelism() -> f64 {
    /// Of the cores' time, what proving used where it was measured.
    const USED: f64 = 0.87;
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (USED * cores as f64).max(1.0)
}

/// How much slower than the cost model's this machine is, by the best of several tries.
#[expect(clippy::disallowed_methods, reason = "a prediction of time on this machine")]
fn slowness() -> f64 {
    let tries = (0..8).map(|_| {
        let started = Instant::now();
        reference_work();
        started.elapsed().as_secs_f64()
    });
    tries.fold(f64::INFINITY, f64::min) / REFERENCE_WORK.as_secs_f64()
}

/// Free memory in MiB (Linux).
fn free_memory() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes / 1024)
}
