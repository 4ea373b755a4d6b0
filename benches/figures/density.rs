//! What a step of the machine costs in a trace: rows, cells, messages.

use nonos_machine::air::Bus;
use nonos_machine::tables::{Rows, system, witness};
use nonos_machine::{Inputs, Limits, execute_traced};

use crate::report::{Result, grouped, table};
use crate::samples::{ENTRY, Sample, sha256, sieve};

/// Steps of the longest run that is recorded here.
const STEPS: u64 = 1 << 22;

/// Tells how the samples' traces are made up.
pub(crate) fn density() -> Result<()> {
    let rows = [sha256(64, 0), sha256(1 << 10, 0), sieve(1_000)].map(|sample| row(&sample));
    let rows = rows.into_iter().collect::<Result<Vec<_>>>()?;
    let head = [
        "program",
        "steps",
        "rows per step",
        "committed cells per step",
        "range checks per step",
        "other messages per step",
    ];
    table(head, &rows);
    Ok(())
}

fn row(sample: &Sample) -> Result<[String; 6]> {
    let program = sample.subject().lower(ENTRY)?.program;
    let inputs = Inputs {
        input: &sample.input,
        ..Inputs::default()
    };
    let limits = Limits {
        fuel: sample.subject().policy(ENTRY).fuel,
        steps: STEPS,
    };
    let (run, trace) = execute_traced(&program, &inputs, limits);
    let witness = witness(&program, &trace.ok_or("the run is too long to record")?);
    let (mut rows, mut cells, mut ranges, mut others) = (0, 0, 0, 0);
    for (shape, filled) in system().tables.iter().zip(&witness.tables) {
        let is_range = |bus| matches!(bus, Bus::Range16 | Bus::Range8);
        let range_checks = shape
            .messages
            .iter()
            .filter(|message| is_range(message.bus))
            .count();
        let length = Rows::len(filled);
        rows += length;
        cells += length * shape.columns.len();
        ranges += length * range_checks;
        others += length * (shape.messages.len() - range_checks);
    }
    let per_step = |count: usize| format!("{:.1}", count as f64 / run.steps as f64);
    Ok([
        sample.name.clone(),
        grouped(run.steps),
        format!("{:.2}", rows as f64 / run.steps as f64),
        per_step(cells),
        per_step(ranges),
        per_step(others),
    ])
}
