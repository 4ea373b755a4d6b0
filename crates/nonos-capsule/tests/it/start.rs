//! The start function: called before the entry, metered as any, and what ends it ends the run.

use nonos_capsule::Inputs;
use nonos_package::{HostSet, Policy, limits};
use nonos_types::{Fuel, Outcome, TrapKind};

use crate::support::{i32, policy, run, trap, try_run};

fn starts(start: &str) -> String {
    format!(
        r#"(module (import "nonos" "write" (func $write (param i32 i64))) (import "nonos" "exit" (func $exit (param i32)))
            (global $g (mut i32) (i32.const 1))
            (func $start {start}) (start $start)
            (func (export "run") (result i32) (call $write (i32.const 3) (i64.const 2)) (global.get $g)))"#
    )
}

#[test]
fn it_runs_before_the_entry_and_pays() {
    let run = run(
        &starts("(call $write (i32.const 3) (i64.const 1)) (global.set $g (i32.const 7))"),
        &[],
    );
    assert_eq!(run.outcome, Outcome::Return(vec![i32(7)]));
    let words: Vec<u8> = [1u64, 2].iter().flat_map(|word| word.to_le_bytes()).collect();
    assert_eq!(run.outputs.result, words);
    assert_eq!(run.fuel_used.get(), (2 + 13 + 2) + (2 + 13 + 1));
    assert_eq!(run.host_calls, 2);
}

#[test]
fn what_ends_it_ends_the_run() {
    for (start, outcome) in [
        ("unreachable", trap(TrapKind::Unreachable)),
        (
            "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
            trap(TrapKind::DivisionByZero),
        ),
        ("(call $exit (i32.const 4))", Outcome::Exit(4)),
        ("(call $start)", trap(TrapKind::StackExhausted)),
    ] {
        let run = run(&starts(start), &[]);
        assert_eq!(run.outcome, outcome, "{start}");
        assert!(run.outputs.result.is_empty());
    }
}

#[test]
fn every_budget_ends_where_it_must() {
    let text = starts("(global.set $g (i32.const 7))");
    for budget in 0..20 {
        let policy = Policy {
            fuel: Fuel::new(budget),
            ..policy()
        };
        let run = try_run(&text, &policy, &[], &Inputs::default()).unwrap();
        if budget < 18 {
            assert_eq!((run.outcome, run.fuel_used.get()), (Outcome::OutOfFuel, budget));
        } else {
            assert_eq!(
                (run.outcome, run.fuel_used.get()),
                (Outcome::Return(vec![i32(7)]), 18)
            );
        }
    }
}

#[test]
fn it_gives_its_room_back() {
    let limit = i32::from(limits::CALL_DEPTH);
    let text = format!(
        "(module (global $n (mut i32) (i32.const 0))
            (func $down (param i32) (if (i32.gt_s (local.get 0) (i32.const 1)) (then (call $down (i32.sub (local.get 0) (i32.const 1))))))
            (func $start (call $down (i32.const {}))) (start $start)
            (func (export \"run\") (param i32) (call $down (local.get 0))))",
        limit - 1
    );
    assert_eq!(run(&text, &[i32(limit - 1)]).outcome, Outcome::Return(vec![]));
    assert_eq!(run(&text, &[i32(limit)]).outcome, trap(TrapKind::StackExhausted));
}

#[test]
fn a_host_call_can_be_the_start_function() {
    let text = r#"(module (import "nonos" "checkpoint" (func $c)) (start $c) (func (export "run")))"#;
    let run = run(text, &[]);
    assert_eq!(
        (run.outcome, run.fuel_used.get(), run.host_calls),
        (Outcome::Return(vec![]), 1024, 1)
    );
    let none = Policy {
        host: HostSet::EMPTY,
        ..policy()
    };
    let run = try_run(text, &none, &[], &Inputs::default()).unwrap();
    assert_eq!(
        (run.outcome, run.fuel_used.get()),
        (trap(TrapKind::ForbiddenHostCall), 1024)
    );
}
