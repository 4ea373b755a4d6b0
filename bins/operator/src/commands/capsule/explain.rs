//! `operator capsule explain`: where a run spends its steps, rows and fuel.

use crate::{backend::DryRun, commands::Context, failure::Failure, output::Grid};
use nonos_machine::{
    End, Inputs, Limits, Options,
    profile::{Part, Profile},
    tables,
};
use nonos_types::{Fuel, Pages};
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

/// Steps that are counted, at most: about a minute.
const PATIENCE: u64 = 1 << 32;

/// Runs the capsule's entry in the provable machine and shows what it spends where: by function, and by operator.
///
/// Steps and fuel add up to those of the run. Rows are those of the tables that a proof fills; the widest table is the one that
/// bounds it. `capsule build --names` keeps the names of functions.
#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// The package.
    package: PathBuf,
    #[command(flatten)]
    inputs: super::InputFiles,
    /// How many functions and operators to show; `--json` has all.
    #[arg(long, value_name = "N", default_value_t = 15)]
    top: usize,
}

#[derive(Serialize)]
struct Explained {
    outcome: String,
    fuel: Fuel,
    steps: u64,
    pages: Pages,
    host_calls: BTreeMap<String, u64>,
    /// Tables of the proof that have rows, most cells first.
    tables: Vec<TableSize>,
    /// The one with the most cells, where the run is short enough for one proof.
    widest: Option<&'static str>,
    functions: Vec<Spent>,
    operators: Vec<Spent>,
}

#[derive(Serialize)]
struct TableSize {
    table: &'static str,
    rows: u64,
    columns: usize,
    /// Cells that are committed to: rows filled up to a power of two, times columns. What else a proof system adds is not
    /// counted.
    cells: u64,
}

#[derive(Serialize)]
struct Spent {
    name: String,
    /// How often, of an operator.
    #[serde(skip_serializing_if = "is_zero")]
    times: u64,
    steps: u64,
    /// In all tables.
    rows: u64,
    rows_by_table: BTreeMap<&'static str, u64>,
    fuel: Fuel,
}

fn is_zero(times: &u64) -> bool {
    *times == 0
}

impl Explain {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let package = super::open(&self.package)?;
        let tapes = self.inputs.read()?;
        let policy = package.policy().clone();
        let inputs = Inputs {
            input: &tapes.input,
            inbound: &tapes.inbound,
            sealed: tapes.sealed.as_ref().map_or(&[][..], |sealed| &sealed.bytes),
            arguments: &[],
        };
        let options = Options {
            entry: &policy.entry,
            max_pages: policy.max_pages,
            hosts: policy.host,
        };
        let limits = Limits {
            fuel: policy.fuel,
            steps: PATIENCE,
        };
        let profile = Profile::of(package.module(), &options, &inputs, limits)
            .map_err(nonos_machine::StatementError::from)?;
        // CELLS has a row per cell, which only a recorded run tells.
        let dry = DryRun::new(&profile.program, inputs, policy.fuel, false);
        let cells = dry.traced().map(|(trace, _)| trace.cells.len() as u64);
        let explained = Explained::new(&profile, cells);
        let top = self.top;
        context.output.print(&explained, || explained.text(top))
    }
}

impl Explained {
    fn new(profile: &Profile, cells: Option<u64>) -> Self {
        let system = tables::system();
        let mut sizes: Vec<TableSize> = system
            .tables
            .iter()
            .zip(profile.rows)
            .map(|(table, rows)| {
                let rows = if table.name == "CELLS" {
                    cells.unwrap_or(0)
                } else {
                    rows
                };
                let columns = table.columns.len();
                TableSize {
                    table: table.name,
                    rows,
                    columns,
                    cells: rows.next_power_of_two() * columns as u64,
                }
            })
            .filter(|table| table.rows > 0)
            .collect();
        sizes.sort_by_key(|table| (std::cmp::Reverse(table.cells), table.table));
        let names: Vec<&'static str> = system.tables.iter().map(|table| table.name).collect();
        let spent = |part: &Part| Spent {
            name: part.name.clone(),
            times: part.times,
            steps: part.steps,
            rows: part.rows.iter().sum(),
            rows_by_table: names
                .iter()
                .copied()
                .zip(part.rows)
                .filter(|(_, rows)| *rows > 0)
                .collect(),
            fuel: part.fuel,
        };
        let calls = profile.host_calls.iter();
        Self {
            outcome: outcome(&profile.run.end),
            fuel: profile.run.fuel,
            steps: profile.run.steps,
            pages: profile.run.pages,
            host_calls: calls.map(|(call, times)| (call.to_string(), *times)).collect(),
            widest: cells.and(sizes.first()).map(|table| table.table),
            tables: sizes,
            functions: profile.functions.iter().map(spent).collect(),
            operators: profile.operators.iter().map(spent).collect(),
        }
    }

    fn text(&self, top: usize) -> String {
        let calls: Vec<String> = self
            .host_calls
            .iter()
            .map(|(call, times)| format!("{call} {times}"))
            .collect();
        let mut text = String::new();
        for (name, value) in [
            ("outcome", self.outcome.clone()),
            ("fuel", self.fuel.to_string()),
            ("steps", self.steps.to_string()),
            ("memory", format!("{} pages of 64 KiB", self.pages.get())),
            ("host calls", calls.join(", ")),
            (
                "widest table",
                self.widest
                    .unwrap_or("the run is longer than one proof, and proved in segments")
                    .to_owned(),
            ),
        ] {
            let _ = writeln!(text, "{name:12}  {value}");
        }
        let grid = Grid {
            head: &["table", "rows", "columns", "cells"],
            rows: self
                .tables
                .iter()
                .map(|it| {
                    vec![
                        it.table.to_owned(),
                        it.rows.to_string(),
                        it.columns.to_string(),
                        it.cells.to_string(),
                    ]
                })
                .collect(),
        };
        let _ = write!(text, "\n{}", grid.lines());
        let parts = |head, parts: &[Spent]| {
            let share = |part: u64, whole: u64| format!("{:.1}", 100.0 * part as f64 / whole.max(1) as f64);
            let row = |it: &Spent| {
                vec![
                    it.name.clone(),
                    it.steps.to_string(),
                    share(it.steps, self.steps),
                    it.rows.to_string(),
                    it.fuel.to_string(),
                    share(it.fuel.get(), self.fuel.get()),
                    if it.times == 0 {
                        "-".to_owned()
                    } else {
                        it.times.to_string()
                    },
                ]
            };
            Grid {
                head,
                rows: parts.iter().take(top).map(row).collect(),
            }
            .lines()
        };
        let functions = parts(
            &["function", "steps", "%", "rows", "fuel", "%", "times"],
            &self.functions,
        );
        let operators = parts(
            &["operator", "steps", "%", "rows", "fuel", "%", "times"],
            &self.operators,
        );
        let _ = write!(text, "\n{functions}\n{operators}");
        text
    }
}

fn outcome(end: &End) -> String {
    match end {
        End::Return(_) => "return".to_owned(),
        End::Exit(code) => format!("exit {code}"),
        End::Trap(kind) => format!("trap: {kind}"),
        End::OutOfFuel => "out of fuel".to_owned(),
        End::TooManySteps => "not at its end after 2^32 steps".to_owned(),
    }
}
