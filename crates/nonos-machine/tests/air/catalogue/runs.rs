//! Rows about the course of a run.

use nonos_machine::isa::{Space, ext};

use crate::asm::*;
use crate::attacks::claim::Claim;
use crate::attacks::liar::{Lies, State};
use crate::attacks::{accepted, refused_by};
use crate::mutate::runs::{Run, runs};

fn honest(run: &Run) -> Claim {
    Claim::new(&run.program, &run.tapes, &run.trace)
}

fn by_name(name: &str) -> Run {
    runs()
        .into_iter()
        .find(|run| run.name == name)
        .expect("there is such a run")
}

fn with_next(run: &Run, change: &dyn Fn(usize, &mut State)) -> Claim {
    let lies = Lies {
        fuel: Some(run.fuel),
        next: Some(change),
        ..Lies::default()
    };
    Claim::lie(&run.program, &run.tapes, lies)
}

#[test]
fn catalogue_02_forged_returns() {
    // A call's row left out, a return made twice, a return into another frame or to another instruction.
    let run = by_name("calls");
    let claim = honest(&run);
    accepted(&claim);
    let row_of = |bit: &str| claim.clone().first_row("STEP", bit, 1);
    let (call, back) = (row_of("flags[11]"), row_of("flags[12]"));
    let mut dropped = claim.clone();
    dropped.take("STEP", call);
    assert!(!dropped.verdict().is_empty());
    let mut twice = claim.clone();
    let row = twice.take("STEP", back);
    twice.insert("STEP", back, row.clone());
    twice.insert("STEP", back, row);
    assert!(!twice.verdict().is_empty());
    let next = |change: &dyn Fn(&mut State)| {
        with_next(&run, &|i, state| {
            if i == back {
                change(state);
            }
        })
    };
    assert!(next(&|state| state.fp += 4).verdict().contains("STEP/fp-next"));
    assert!(next(&|state| state.pc += 1).verdict().contains("STEP/pc-next"));
    assert!(
        next(&|state| state.room += 1)
            .verdict()
            .contains("STEP/room-next")
    );
}

#[test]
fn catalogue_15_a_cell_initialised_twice() {
    let claim = honest(&by_name("globals"));
    for row in 0..claim.clone().rows("CELLS") {
        let mut twice = claim.clone();
        let cell = twice.take("CELLS", row);
        twice.insert("CELLS", row, cell.clone());
        twice.insert("CELLS", row, cell);
        assert!(twice.verdict().contains("CELLS/order"), "row {row}");
    }
}

#[test]
fn catalogue_16_compared_keys_have_ranges() {
    // A key or gap of 30 bits or more, which the order could not tell from a smaller one in a 31-bit field.
    let claim = honest(&by_name("globals"));
    for [hi, hi13, rule] in [
        ["key_hi", "key13", "CELLS/key13"],
        ["gap_hi", "gap13", "CELLS/gap13"],
    ] {
        let mut wide = claim.clone();
        *wide.cell("CELLS", 0, hi) = 1 << 13;
        assert!(wide.verdict().contains(rule));
        *wide.cell("CELLS", 0, hi13) = 1 << 16;
        let against = wide.verdict();
        assert!(
            against.contains("CELLS/Range16") && !against.contains(rule),
            "{against:?}"
        );
    }
}

#[test]
fn catalogue_18_every_step_says_where_it_goes() {
    for run in runs() {
        let steps = run.trace.steps.len();
        for at in 0..steps - 1 {
            for wrong in [1, 2, u32::MAX] {
                let claim = with_next(&run, &|i, state| {
                    if i == at {
                        state.pc = state.pc.wrapping_add(wrong) % run.program.code.len() as u32;
                    }
                });
                assert!(claim.verdict().contains("STEP/pc-next"), "{} at {at}", run.name);
            }
        }
    }
}

#[test]
fn catalogue_19_steps_in_another_order() {
    // Two neighbouring steps change places, their clocks with them or not.
    let run = by_name("sums");
    let claim = honest(&run);
    for row in 0..claim.clone().rows("STEP") - 1 {
        for keeps_clock in [false, true] {
            let mut swapped = claim.clone();
            let first = swapped.take("STEP", row);
            swapped.insert("STEP", row + 1, first);
            if keeps_clock {
                *swapped.cell("STEP", row, "clk") = row as u64 + 1;
                *swapped.cell("STEP", row + 1, "clk") = row as u64 + 2;
            }
            assert!(!swapped.verdict().is_empty(), "row {row}");
        }
    }
}

#[test]
fn catalogue_20_a_prefix_is_no_run() {
    for run in runs() {
        for len in 1..run.trace.steps.len() {
            let mut trace = run.trace.clone();
            trace.steps.truncate(len);
            let mut claim = honest(&run);
            let width = claim.witness.tables[0].width;
            claim.witness.tables[0].cells.truncate(len * width);
            // Whatever end is claimed for it.
            let last = trace.steps[len - 1];
            claim.public.last = vec![u64::from(last.pc), last.fuel, u64::from(last.pages)];
            let against = claim.verdict();
            assert!(
                against.contains("STEP/halt-last"),
                "{} cut to {len}: {against:?}",
                run.name
            );
        }
    }
}

#[test]
fn catalogue_39_a_word_of_the_data_claimed_to_be_zero() {
    for name in ["globals", "memory", "aside"] {
        let run = by_name(name);
        let claim = honest(&run);
        let (key, _) = run.program.data[0];
        // The run uses zero, and the verifier waits for the word; the mark taken away; another word.
        let mut without = run.program.clone();
        without.data.clear();
        let lies = Lies {
            fuel: Some(run.fuel),
            ..Lies::default()
        };
        let mut zero = Claim::lie(&without, &run.tapes, lies);
        zero.public.received = claim.public.received.clone();
        refused_by(&zero, &["Data"]);
        let mut unmarked = claim.clone();
        let row = unmarked.cell_row(key);
        *unmarked.cell("CELLS", row, "data") = 0;
        refused_by(&unmarked, &["CELLS/zero-init", "Data"]);
    }
    // A cell that has no data claimed to have some.
    let run = by_name("globals");
    let mut claim = honest(&run);
    let row = claim.cell_row(Space::Register.key(1));
    *claim.cell("CELLS", row, "data") = 1;
    refused_by(&claim, &["Data"]);
}

#[test]
fn catalogue_43_fuel_under_reported_at_any_step() {
    for run in runs() {
        let steps = run.trace.steps.len();
        for at in 0..steps - 1 {
            let claim = with_next(&run, &|i, state| {
                if i == at {
                    state.fuel = state.fuel.saturating_sub(1);
                }
            });
            let was_free = run.trace.steps[at + 1].fuel == 0;
            assert!(
                was_free || claim.verdict().contains("STEP/fuel-next"),
                "{} at {at}",
                run.name
            );
        }
    }
}

#[test]
fn catalogue_43_exhaustion_exactly_where_the_fuel_does_not_suffice() {
    // At every budget up to what the run costs: exhausted below it, not at it; and neither can be claimed of the other.
    let code = [set(1, 1), set(2, 2), state(ext::GROW, 1, 3, 4), set(4, 4)];
    let program = program(code.into_iter().chain(give(3)));
    let whole = 6;
    for fuel in 0..=whole {
        let row = |at: usize, row: u8| {
            let row = move |i: usize, due: &mut u8| {
                *due = if i == at { row } else { 0 };
            };
            let lies = Lies {
                fuel: Some(fuel),
                row: Some(&row),
                ..Lies::default()
            };
            Claim::lie(&program, &NO_TAPES, lies)
        };
        for at in 0..whole {
            let claim = row(at as usize, 1);
            let out = claim.public.last[0] == u64::from(program.halts.out_of_fuel);
            assert!(out, "the alternative ends there");
            let mut stated = claim.clone();
            stated.public.last[1] = fuel;
            // Fuel does not suffice for step `at` exactly if `fuel = at`, each step costing 1.
            assert_eq!(
                stated.verdict().is_empty(),
                fuel == at,
                "budget {fuel}, exhausted at {at}"
            );
        }
    }
}
