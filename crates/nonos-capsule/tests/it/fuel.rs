//! Fuel is charged per block, on entry, before any effect.

use nonos_capsule::{Error, Inputs, Run};
use nonos_types::{Fuel, Outcome, Value};

use crate::support::{hosted, i32, policy, run, try_run};

fn with_fuel(text: &str, fuel: u64, args: &[Value]) -> Run {
    let policy = nonos_package::Policy {
        fuel: Fuel::new(fuel),
        ..policy()
    };
    try_run(text, &policy, args, &Inputs::default()).unwrap()
}

#[test]
fn counts_what_the_table_says() {
    let used = |body: &str| {
        run(
            &format!("(module (memory 1) (func (export \"run\") {body}))"),
            &[],
        )
        .fuel_used
        .get()
    };
    assert_eq!(used(""), 0);
    assert_eq!(used("i32.const 1 drop"), 1);
    assert_eq!(used("(local i32 i32 i64)"), 3, "locals have to be cleared");
    assert_eq!(
        used("(i32.store (i32.const 0) (i32.mul (i32.const 1) (i32.const 2)))"),
        7
    );
    assert_eq!(used("(drop (memory.grow (i32.const 0)))"), 65);
    assert_eq!(used("br 0 i32.const 1 drop"), 1, "what cannot run costs nothing");
    assert_eq!(used("(call 1)) (func (drop (i32.const 5))"), 4);
    assert_eq!(
        used("(if (i32.const 0) (then (drop (i32.const 1))))"),
        2,
        "only the arm that is taken"
    );
    assert_eq!(
        used("(if (i32.const 1) (then (drop (i32.const 1))) (else nop))"),
        3
    );
    let host = |body: &str| run(&hosted(body), &[]).fuel_used.get();
    assert_eq!(host("(drop (call $len (i32.const 0)))"), 14);
    assert_eq!(host("(call $checkpoint)"), 1024);
}

#[test]
fn each_round_of_a_loop_pays() {
    let text = "(module (func (export \"run\") (param i32)
        (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))";
    for rounds in [1, 2, 1000] {
        assert_eq!(
            run(text, &[i32(rounds)]).fuel_used.get(),
            5 * u64::from(rounds.cast_unsigned())
        );
    }
    let forever = with_fuel("(module (func (export \"run\") (loop (br 0))))", 1_000_000, &[]);
    assert_eq!(
        (forever.outcome, forever.fuel_used.get()),
        (Outcome::OutOfFuel, 1_000_000)
    );
}

/// Writes a word in each of three rounds.
const WRITER: &str = "(local i32) (loop
    (call $write (i32.const 3) (i64.const -1))
    (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 3))))";

#[test]
fn at_each_budget_the_blocks_it_covers_have_run_and_no_other() {
    let text = hosted(WRITER);
    let full = run(&text, &[]);
    let (entry, round) = (1, 2 + 13 + 6 + 1);
    assert_eq!(full.fuel_used.get(), entry + 3 * round);
    for budget in 1..full.fuel_used.get() + 3 {
        let run = with_fuel(&text, budget, &[]);
        if budget < full.fuel_used.get() {
            assert_eq!((run.outcome, run.fuel_used.get()), (Outcome::OutOfFuel, budget));
        } else {
            assert_eq!(
                (run.outcome, run.fuel_used),
                (full.outcome.clone(), full.fuel_used)
            );
        }
        let words = (budget.saturating_sub(entry) / round).min(3) as usize;
        assert_eq!(run.outputs.result.len(), words * 8, "budget {budget}");
        assert_eq!(run.host_calls, words as u64);
    }
}

#[test]
fn a_block_that_is_not_covered_has_no_effect() {
    // One block: 3 + 3 for the stores' operands and 2 + 2.
    let text = "(module (memory 1) (func (export \"run\")
        (i32.store (i32.const 0) (i32.const 1)) (i32.store (i32.const 4) (i32.const 2))))";
    assert_eq!(run(text, &[]).fuel_used.get(), 8);
    let untouched = run("(module (memory 1) (func (export \"run\")))", &[]).memory;
    assert_eq!(with_fuel(text, 7, &[]).memory, untouched);
    assert_ne!(with_fuel(text, 8, &[]).memory, untouched);
}

#[test]
fn a_trap_keeps_the_fuel_of_the_blocks_entered() {
    let text = "(module (func (export \"run\") (param i32)
        (if (local.get 0) (then (drop (i32.const 1)) unreachable)) (drop (i32.const 2))))";
    assert_eq!(run(text, &[i32(1)]).fuel_used.get(), 3);
    assert_eq!(run(text, &[i32(0)]).fuel_used.get(), 3);
}

#[test]
fn refuses_a_budget_past_the_limit() {
    let policy = nonos_package::Policy {
        fuel: Fuel::MAX,
        ..policy()
    };
    let error = try_run(
        "(module (func (export \"run\")))",
        &policy,
        &[],
        &Inputs::default(),
    )
    .unwrap_err();
    let Error::BudgetTooLarge { .. } = error else {
        panic!("{error}")
    };
}
