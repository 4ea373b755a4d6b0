//! `operator capsule plan`: what a proof of a run would take by each backend, from a dry run.

use crate::{
    backend::{self, DryRun},
    commands::Context,
    failure::Failure,
    output::Table,
};
use nonos_machine::{End, Inputs, Subject, tables::witness};
use nonos_node::{
    Backends,
    choice::{Choice, Method, Profile},
};
use nonos_types::Fuel;
use nonos_verify::ProveError;
use nonos_verify_halo2::{REFERENCE_WORK, reference_work};
use serde::Serialize;
use std::{path::PathBuf, thread, time::Instant};

/// Runs the capsule's entry and predicts what its proof would take by each backend. Proves nothing.
///
/// Steps, rows and halo2's size are exact; time, memory and the STARK's size are estimates.
#[derive(Debug, clap::Args)]
pub(crate) struct Plan {
    /// The package.
    package: PathBuf,
    #[command(flatten)]
    inputs: super::InputFiles,
    #[command(flatten)]
    backend: backend::Options,
}

#[derive(Serialize)]
struct Planned {
    outcome: String,
    fuel: Fuel,
    steps: u64,
    /// Rows of each table that has any.
    rows: Vec<Rows>,
    /// The one that `capsule prove` would take.
    backend: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'static str>,
    backend_reason: String,
    /// Each, if it can prove the run at all.
    plans: Vec<Costs>,
    /// Memory that is free now, where the system tells.
    free_memory_mb: Option<u64>,
}

#[derive(Serialize)]
struct Rows {
    table: &'static str,
    rows: usize,
}

/// What a proof takes by one method.
#[derive(Serialize)]
struct Costs {
    backend: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'static str>,
    /// halo2's proof has 2^k rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    k: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<usize>,
    /// Cells that the STARK commits to.
    #[serde(skip_serializing_if = "Option::is_none")]
    cells: Option<u64>,
    proof_bytes: usize,
    prove_seconds: f64,
    peak_memory_mb: u64,
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
        let backends = backend::all(context)?;
        let dry = DryRun::new(&program, inputs, fuel, tapes.sealed.is_some());
        let choice = self.backend.choose(&dry, &backends)?;
        let planned = Planned::new(&dry, choice, &backends)?;
        context.output.show(&planned, || planned.table())
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
    fn new(dry: &DryRun<'_>, choice: Choice, backends: &Backends) -> Result<Self, Failure> {
        let (trace, public) = dry.traced().ok_or_else(|| dry.too_long_to_plan())?;
        let witness = witness(dry.program(), &trace);
        let rows = backends.stark().rows(&witness);
        let scale = slowness() / parallelism();
        let mut plans = Vec::new();
        for profile in Profile::ALL {
            let method = Method::Stark(profile);
            let estimate = backends.stark().estimate(profile, &public, &witness);
            let estimate = estimate.map_err(Failure::Prove)?;
            plans.push(Costs {
                backend: method.system().id().to_string(),
                profile: method.profile(),
                k: None,
                columns: None,
                cells: Some(estimate.cells),
                proof_bytes: estimate.proof_bytes,
                prove_seconds: estimate.cpu_seconds * scale,
                peak_memory_mb: estimate.memory.div_ceil(1 << 20),
            });
        }
        match backends.halo2().estimate(dry.program(), &trace, &public) {
            Ok(estimate) => plans.push(Costs {
                backend: Method::Halo2.system().id().to_string(),
                profile: None,
                k: Some(estimate.layout.k()),
                columns: Some(estimate.columns),
                cells: None,
                proof_bytes: estimate.proof_bytes,
                prove_seconds: estimate.cpu_seconds * scale,
                peak_memory_mb: estimate.memory.div_ceil(1 << 20),
            }),
            // The table says what there is.
            Err(ProveError::TooLarge { .. }) => {}
            Err(error) => return Err(Failure::Prove(error)),
        }
        Ok(Self {
            outcome: outcome(&dry.run.end),
            fuel: dry.run.fuel,
            steps: dry.run.steps,
            rows: rows
                .into_iter()
                .filter(|(_, rows)| *rows > 0)
                .map(|(table, rows)| Rows { table, rows })
                .collect(),
            backend: choice.method.system().id().to_string(),
            profile: choice.method.profile(),
            backend_reason: choice.reason,
            plans,
            free_memory_mb: backend::free_memory().map(|free| free.get() >> 20),
        })
    }

    fn table(&self) -> Table {
        let rows = self.rows.iter();
        let rows: Vec<String> = rows
            .map(|Rows { table, rows }| format!("{table} {rows}"))
            .collect();
        let mut table = vec![
            ("outcome", self.outcome.clone()),
            ("fuel", self.fuel.to_string()),
            ("steps", self.steps.to_string()),
            ("rows", rows.join(", ")),
            ("would take", named(&self.backend, self.profile)),
        ];
        for plan in &self.plans {
            table.extend([
                ("backend", named(&plan.backend, plan.profile)),
                ("  proof bytes", plan.size()),
                ("  prove seconds", format!("about {:.2}", plan.prove_seconds)),
                ("  peak MiB", self.memory(plan)),
            ]);
        }
        if let Some(free) = self.free_memory_mb {
            table.push(("free MiB", free.to_string()));
        }
        table
    }

    fn memory(&self, plan: &Costs) -> String {
        let verdict = match self.free_memory_mb {
            Some(free) if free < plan.peak_memory_mb => " (not enough free)",
            _ => "",
        };
        format!("about {}{verdict}", plan.peak_memory_mb)
    }
}

impl Costs {
    fn size(&self) -> String {
        match (self.k, self.columns, self.cells) {
            (Some(k), Some(columns), _) => format!("{} (k = {k}, {columns} columns)", self.proof_bytes),
            (_, _, Some(cells)) => format!("about {} ({cells} cells)", self.proof_bytes),
            _ => self.proof_bytes.to_string(),
        }
    }
}

fn named(backend: &str, profile: Option<&str>) -> String {
    match profile {
        Some(profile) => format!("{backend}, profile {profile}"),
        None => backend.to_owned(),
    }
}

/// How many cores' worth of work a proof gets done at once.
fn parallelism() -> f64 {
    /// Of the cores' time, what proving used where it was measured.
    const USED: f64 = 0.87;
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (USED * cores as f64).max(1.0)
}

/// How much slower than the cost models' this machine is, by the best of several tries.
#[expect(clippy::disallowed_methods, reason = "a prediction of time on this machine")]
fn slowness() -> f64 {
    let tries = (0..8).map(|_| {
        let started = Instant::now();
        reference_work();
        started.elapsed().as_secs_f64()
    });
    tries.fold(f64::INFINITY, f64::min) / REFERENCE_WORK.as_secs_f64()
}
