//! Runs of routines, and their traps, satisfy the constraints.

use nonos_machine::{
    End, Inputs, Limits, Options,
    check::check,
    execute_traced, lower,
    tables::{PublicRun, TapeWords, public, system, witness},
};
use nonos_package::HostSet;
use nonos_types::{Fuel, TrapKind};

use crate::{bulk, reference::PAGES, tables};

/// Runs a module and checks its witness.
fn constrained(wat: &str, arguments: [u64; 3], fuel: u64) -> End {
    in_constraints(wat, &arguments, fuel)
}

/// Runs a module and checks its witness.
pub(crate) fn in_constraints(wat: &str, arguments: &[u64], fuel: u64) -> End {
    let options = Options {
        entry: "run",
        max_pages: PAGES,
        hosts: HostSet::ALL,
    };
    let program = lower(&wat::parse_str(wat).unwrap(), &options).unwrap().program;
    let inputs = Inputs {
        arguments,
        ..Inputs::default()
    };
    let limits = Limits {
        fuel: Fuel::new(fuel),
        steps: 1 << 16,
    };
    let (run, trace) = execute_traced(&program, &inputs, limits);
    let trace = trace.unwrap();
    let words = TapeWords {
        words: arguments.to_vec(),
        len: 8 * arguments.len() as u64,
    };
    let tapes = [
        TapeWords::default(),
        TapeWords::default(),
        TapeWords::default(),
        words,
    ];
    let public = public(&program, &PublicRun::of(&program, &trace, tapes));
    let witness = witness(&program, &trace);
    let heights: Vec<usize> = witness.tables.iter().map(|table| table.len() + 1).collect();
    let verdict = check(&system(), &heights, &public, |table, i, row| {
        witness.row(table, i, row)
    });
    assert_eq!(verdict, Ok(()), "{wat} {arguments:?} {fuel}");
    run.end
}

const ENOUGH: u64 = 1 << 16;

#[test]
fn moves_bytes_within_the_constraints() {
    let operands = "local.get 0 local.get 1 local.get 2";
    let outside = End::Trap(TrapKind::MemoryOutOfBounds);
    for operator in ["copy", "fill", "init $first"] {
        let wat = bulk::segments(90, &format!("{operands} memory.{operator} data.drop $first"));
        for [to, from, count] in [[0, 0, 0], [9, 3, 87], [3, 9, 81], [65_500, 2, 36], [1, 1, 7]] {
            assert_eq!(constrained(&wat, [to, from, count], ENOUGH), End::Return(vec![]));
        }
        for [to, from, count] in [[65_530, 2, 7], [u64::from(u32::MAX), 1, 9], [65_537, 2, 0]] {
            assert_eq!(constrained(&wat, [to, from, count], ENOUGH), outside);
        }
        for fuel in [0, 18, 20, 40] {
            assert_eq!(constrained(&wat, [9, 3, 87], fuel), End::OutOfFuel);
        }
    }
    for operator in ["copy", "fill"] {
        let wat = bulk::segments(
            9,
            &format!("local.get 0 local.get 1 i32.const 15 memory.{operator}"),
        );
        assert_eq!(constrained(&wat, [3, 5, 0], ENOUGH), End::Return(vec![]));
        assert_eq!(constrained(&wat, [65_522, 5, 0], ENOUGH), outside);
        assert_eq!(constrained(&wat, [3, 5, 0], 19), End::OutOfFuel);
    }
}

#[test]
fn moves_entries_within_the_constraints() {
    let outside = End::Trap(TrapKind::TableOutOfBounds);
    let three = "local.get 0 local.get 1 local.get 2";
    let fill = "local.get 0 global.get $kept local.get 2";
    for body in [
        format!("{three} table.copy $t $t"),
        format!("{three} table.copy $u $t"),
        format!("{three} table.init $u $passive elem.drop $passive"),
        format!("{fill} table.fill $g"),
        "ref.func $one local.get 2 table.grow $u drop
            local.get 0 local.get 0 table.get $t table.set $g"
            .to_owned(),
    ] {
        let wat = tables::module("", &body);
        for arguments in [[2, 1, 2], [1, 2, 1], [3, 0, 0]] {
            let end = constrained(&wat, arguments, ENOUGH);
            assert!(matches!(end, End::Return(_)), "{body} {arguments:?}: {end:?}");
        }
        assert_eq!(constrained(&wat, [11, 1, 1], ENOUGH), outside);
        assert_eq!(constrained(&wat, [2, 1, 2], 21), End::OutOfFuel);
    }
}

#[test]
fn divides_and_counts_within_the_constraints() {
    for ty in ["i32", "i64"] {
        for (name, a, b, end) in [
            ("div_s", 7, 2, None),
            ("rem_s", 7, 2, None),
            ("div_u", 7, 2, None),
            ("rem_u", 7, 2, None),
            ("div_s", 7, 0, Some(TrapKind::DivisionByZero)),
            ("rem_u", 7, 0, Some(TrapKind::DivisionByZero)),
            ("div_s", 0, 1, Some(TrapKind::IntegerOverflow)),
            ("rem_s", 0, 1, None),
        ] {
            // The least number and −1, where the operands are 0 and 1.
            let bits = if ty == "i32" { 31 } else { 63 };
            let (a, b) = match (a, b) {
                (0, 1) => (format!("{ty}.const 1 {ty}.const {bits} {ty}.shl"), -1),
                _ => (format!("{ty}.const {a}"), b),
            };
            let wat = format!(
                r#"(module (func (export "run") (param i32 i32 i32) (local {ty} {ty})
                    {a} local.set 3 {ty}.const {b} local.set 4
                    local.get 3 local.get 4 {ty}.{name} {ty}.clz
                    local.get 3 {ty}.ctz {ty}.add local.get 4 {ty}.popcnt {ty}.add drop))"#
            );
            let expected = end.map_or(End::Return(vec![]), End::Trap);
            assert_eq!(constrained(&wat, [0; 3], ENOUGH), expected);
        }
    }
}

#[test]
fn calls_hosts_within_the_constraints() {
    let wat = |body: &str| {
        format!(
            r#"(module (import "nonos" "write" (func $write (param i32 i64)))
                (import "nonos" "commit_len" (func $commit (param i32 i64)))
                (func (export "run") (param i32 i32 i32) {body}))"#
        )
    };
    let bad = End::Trap(TrapKind::BadTapeCall);
    let write = "local.get 0 i64.const 5 call $write";
    let commit = "local.get 0 local.get 1 i64.extend_i32_s call $commit";
    for tape in 0..8 {
        let is_output = (3..6).contains(&tape);
        let expected = if is_output {
            End::Return(vec![])
        } else {
            bad.clone()
        };
        assert_eq!(constrained(&wat(write), [tape, 0, 0], ENOUGH), expected);
        let both = wat(&format!("{write} {write} {commit}"));
        for bytes in [8_u64, 9, 15, 16, 17, u64::from(u32::MAX)] {
            let fits = is_output && (9..=16).contains(&bytes);
            let expected = if fits { End::Return(vec![]) } else { bad.clone() };
            assert_eq!(constrained(&both, [tape, bytes, 0], ENOUGH), expected);
        }
    }
    let stuck = wat(&format!("{write} {commit} {write}"));
    assert_eq!(constrained(&stuck, [3, 3, 0], ENOUGH), bad);
    assert_eq!(constrained(&stuck, [3, 8, 0], ENOUGH), End::Return(vec![]));
}
