//! Wasm from strangers: what the instruction set's check accepts can be lowered for each of its exports, runs to an
//! end without a panic, the same with and without recording, and the record satisfies every constraint.

use nonos_machine::{
    End, Inputs, Limits, LowerError, Options, check as constraints, execute, execute_traced, lower,
    tables::{PublicRun, TapeWords, public, system, witness},
};
use nonos_package::{HostSet, instructions};
use nonos_types::{Fuel, Pages};

/// Fuel and steps of a run.
const LIMIT: u64 = 2_000;
/// Steps of a run whose constraints are checked: that takes the most time.
const CHECKED: u64 = 200;
const INPUT: &[u8] = b"twenty-one input bytes";

/// Checks one input.
pub fn check(bytes: &[u8]) {
    let Ok(module) = instructions::check(bytes) else {
        return;
    };
    for (entry, export) in &module.exports {
        let options = Options {
            entry,
            max_pages: Pages::new(4),
            hosts: HostSet::ALL,
        };
        match lower(bytes, &options) {
            Ok(lowered) => run(&lowered.program, export.signature.params.len()),
            Err(
                LowerError::ImportedEntry { .. } | LowerError::Memory { .. } | LowerError::TooLong { .. },
            ) => {}
            Err(error) => panic!("accepted, but not lowered: {error}"),
        }
    }
}

fn run(program: &nonos_machine::isa::Program, arguments: usize) {
    let arguments: Vec<u64> = (3..).take(arguments).collect();
    let inputs = Inputs {
        input: INPUT,
        arguments: &arguments,
        ..Inputs::default()
    };
    let limits = Limits {
        fuel: Fuel::new(LIMIT),
        steps: LIMIT,
    };
    let plain = execute(program, &inputs, limits);
    let (run, trace) = execute_traced(program, &inputs, limits);
    assert_eq!(
        (&plain.end, plain.fuel, plain.steps, &plain.outputs),
        (&run.end, run.fuel, run.steps, &run.outputs)
    );
    assert_eq!(trace.is_some(), run.end != End::TooManySteps);
    let Some(trace) = trace.filter(|_| run.steps <= CHECKED) else {
        return;
    };
    let words = TapeWords {
        len: 8 * arguments.len() as u64,
        words: arguments,
    };
    let tapes = [
        TapeWords::from_bytes(INPUT),
        TapeWords::default(),
        TapeWords::default(),
        words,
    ];
    let public = public(program, &PublicRun::of(program, &trace, tapes));
    let witness = witness(program, &trace);
    let heights: Vec<usize> = witness.tables.iter().map(|table| table.len() + 1).collect();
    let verdict = constraints::check(&system(), &heights, &public, |table, row, out| {
        witness.row(table, row, out)
    });
    assert_eq!(verdict, Ok(()), "a true run is refused");
}
