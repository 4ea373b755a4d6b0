//! The state's hash covers tables and references.

use nonos_capsule::Run;
use nonos_state::{RunState, TapePositions};
use nonos_types::StateHash;

use crate::support::run;

fn state(run: &Run, globals: &[u64], tables: &[Vec<u64>]) -> StateHash {
    RunState {
        memory: run.memory,
        globals,
        tables,
        tapes: TapePositions([0; 6]),
    }
    .hash()
}

#[test]
fn references_are_function_indices() {
    let text = |body: &str| {
        format!(
            r#"(module (import "nonos" "checkpoint" (func $host)) (memory 1) (table $t 3 9 funcref) (table 1 externref)
            (global $g (mut funcref) (ref.func $two)) (global i32 (i32.const -1)) (global externref (ref.null extern))
            (func $one) (func $two) (elem (i32.const 1) func $one $host)
            (func (export "run") {body}))"#
        )
    };
    let end = run(&text(""), &[]);
    let high = u64::from(u32::MAX);
    assert_eq!(end.state, state(&end, &[3, high, 0], &[vec![0, 2, 1], vec![0]]));
    let end = run(&text("(global.set $g (table.get $t (i32.const 2)))"), &[]);
    assert_eq!(end.state, state(&end, &[1, high, 0], &[vec![0, 2, 1], vec![0]]));
    let end = run(&text("(drop (table.grow $t (global.get $g) (i32.const 2)))"), &[]);
    assert_eq!(
        end.state,
        state(&end, &[3, high, 0], &[vec![0, 2, 1, 3, 3], vec![0]])
    );
}

#[test]
fn entries_count_where_checkpoints_are_paid() {
    // 512 entries are as much as a page: a second checkpoint is due 8192 fuel later.
    let rounds = |entries: u32| {
        let text = format!(
            r#"(module (import "nonos" "checkpoint" (func $checkpoint)) (table {entries} funcref)
                (func (export "run") (loop (call $checkpoint) (br 0))))"#
        );
        let policy = nonos_package::Policy {
            fuel: nonos_types::Fuel::new(100_000),
            ..crate::support::policy()
        };
        let run = crate::support::try_run(&text, &policy, &[], &nonos_capsule::Inputs::default()).unwrap();
        run.checkpoints.checkpoints().len()
    };
    // A round costs 1025: each of 97 takes one, or every eighth, or every sixteenth; the end is one more.
    assert_eq!(rounds(0), 97 + 1);
    assert_eq!(rounds(1), 13 + 1);
    assert_eq!(rounds(512), 13 + 1);
    assert_eq!(rounds(513), 7 + 1);
}
