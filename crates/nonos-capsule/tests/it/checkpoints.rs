//! When checkpoints are taken and what they tell.

use nonos_capsule::{Inputs, Run};
use nonos_package::Policy;
use nonos_types::Fuel;

use crate::support::{hosted, i32, policy, run, try_run};

/// Stores its counter in each round, for 9 fuel.
const COUNT: &str = "(module (memory 1) (func (export \"run\") (param i32)
    (loop (i32.store (i32.const 0) (local.get 0))
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))";

fn every(text: &str, every: u64, rounds: i32) -> Run {
    let policy = Policy {
        checkpoint_every: Some(Fuel::new(every)),
        ..policy()
    };
    try_run(text, &policy, &[i32(rounds)], &Inputs::default()).unwrap()
}

fn fuels(run: &Run) -> Vec<u64> {
    run.checkpoints
        .checkpoints()
        .iter()
        .map(|checkpoint| checkpoint.fuel_used.get())
        .collect()
}

#[test]
fn checkpoints_come_before_the_block_that_passes_the_interval() {
    let run = every(COUNT, 10_000, 5_000);
    // Rounds cost 9: after 1111 rounds 9999 are used, and the next would pass 10 000.
    assert_eq!(run.fuel_used.get(), 45_000);
    assert_eq!(fuels(&run), [9_999, 19_998, 29_997, 39_996, 45_000]);
}

#[test]
fn a_block_that_ends_on_the_interval_is_covered_by_it() {
    assert_eq!(fuels(&every(COUNT, 9_900, 2_200)), [9_900, 19_800]);
}

#[test]
fn without_an_interval_only_the_end_is_one() {
    let run = run(COUNT, &[i32(5_000)]);
    assert_eq!(fuels(&run), [45_000]);
}

#[test]
fn the_interval_changes_no_result() {
    let (a, b) = (every(COUNT, 10_000, 5_000), run(COUNT, &[i32(5_000)]));
    assert_eq!(
        (a.outcome, a.fuel_used, a.memory, a.state),
        (b.outcome, b.fuel_used, b.memory, b.state)
    );
    assert_ne!(a.checkpoints.root(), b.checkpoints.root());
}

#[test]
fn an_interval_shorter_than_hashing_is_worth_is_stretched() {
    assert_eq!(fuels(&every(COUNT, 1, 2_000)), [8_190, 16_380, 18_000]);
}

#[test]
fn runs_out_of_fuel_at_the_budget_with_any_interval() {
    for every in [8_192, 10_000, 30_000] {
        for fuel in [9_000, 20_000, 44_999] {
            let policy = Policy {
                fuel: Fuel::new(fuel),
                checkpoint_every: Some(Fuel::new(every)),
                ..policy()
            };
            let run = try_run(COUNT, &policy, &[i32(5_000)], &Inputs::default()).unwrap();
            assert_eq!(run.outcome, nonos_types::Outcome::OutOfFuel);
            assert_eq!(run.fuel_used.get(), fuel);
        }
    }
}

#[test]
fn a_capsule_asks_for_checkpoints_but_cannot_flood() {
    let run = run(
        &hosted("(call $checkpoint) (call $checkpoint) (call $checkpoint)"),
        &[],
    );
    assert_eq!(fuels(&run), [3 * 1024, 3 * 1024], "the first, and the end");
    assert_eq!(run.host_calls, 3);
}

#[test]
fn the_state_holds_memory_globals_and_tapes() {
    let state = |body: &str| {
        run(
            &format!("(module (memory 1) (global (mut i64) (i64.const 0)) (func (export \"run\") {body}))"),
            &[],
        )
        .state
    };
    let none = state("");
    assert_ne!(state("(i32.store8 (i32.const 65535) (i32.const 1))"), none);
    assert_ne!(state("(global.set 0 (i64.const 1))"), none);
    assert_ne!(state("(drop (memory.grow (i32.const 1)))"), none);
    let tapes = |body: &str| run(&hosted(body), &[]).state;
    assert_ne!(tapes("(call $write (i32.const 3) (i64.const 0))"), tapes(""));
}
