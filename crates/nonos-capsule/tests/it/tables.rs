//! Tables, references and indirect calls.

use nonos_capsule::{Inputs, Run};
use nonos_package::{HostCall, HostSet, Policy, limits};
use nonos_types::{Outcome, TrapKind, Value};

use crate::support::{i32, i64, policy, run, trap, try_run};

/// A table of three numbers and nothing, which `run` of `body` can work on. `$get` calls an entry.
fn numbered(body: &str) -> String {
    format!(
        "(module (type $number (func (result i32))) (table $t 4 6 funcref) (table $u 3 funcref) (table $x 2 externref)
            (func $one (type $number) i32.const 1) (func $two (type $number) i32.const 2) (func $three (type $number) i32.const 3)
            (func $other (result i64) i64.const 9)
            (elem (table $t) (i32.const 0) func $one $two $three)
            (elem $e funcref (ref.func $three) (ref.null func) (ref.func $other) (ref.func $one))
            (elem $declared declare func $two)
            (func $get (param i32) (result i32) (call_indirect $t (type $number) (local.get 0)))
            (func $null (param i32) (result i32) (ref.is_null (table.get $t (local.get 0))))
            (func (export \"run\") {body}))"
    )
}

fn ends(body: &str, args: &[Value]) -> Outcome {
    run(&numbered(body), args).outcome
}

fn returns(body: &str, value: i32) {
    assert_eq!(
        ends(&format!("(result i32) {body}"), &[]),
        Outcome::Return(vec![i32(value)]),
        "{body}"
    );
}

fn traps(body: &str, kind: TrapKind) {
    assert_eq!(ends(body, &[]), trap(kind), "{body}");
}

#[test]
fn calls_what_the_table_holds() {
    for (index, end) in [
        (0, Outcome::Return(vec![i32(1)])),
        (2, Outcome::Return(vec![i32(3)])),
        (3, trap(TrapKind::IndirectCallNull)),
        (4, trap(TrapKind::TableOutOfBounds)),
        (-1, trap(TrapKind::TableOutOfBounds)),
    ] {
        assert_eq!(
            ends(
                "(param i32) (result i32) (call $get (local.get 0))",
                &[i32(index)]
            ),
            end,
            "{index}"
        );
    }
    traps(
        "(drop (call_indirect $t (result i64) (i32.const 0)))",
        TrapKind::IndirectCallType,
    );
    traps(
        "(return_call_indirect $t (i32.const 0))",
        TrapKind::IndirectCallType,
    );
    traps(
        "(return_call_indirect $t (i32.const 3))",
        TrapKind::IndirectCallNull,
    );
    traps(
        "(return_call_indirect $t (i32.const 4))",
        TrapKind::TableOutOfBounds,
    );
}

#[test]
fn types_are_the_same_by_structure() {
    let text = "(module (type $a (func (result i32))) (type $b (func (result i32))) (table funcref (elem $f))
        (func $f (type $a) i32.const 8) (func (export \"run\") (result i32) (call_indirect (type $b) (i32.const 0))))";
    assert_eq!(run(text, &[]).outcome, Outcome::Return(vec![i32(8)]));
}

#[test]
fn entries_can_be_read_and_written() {
    returns(
        "(table.set $t (i32.const 3) (table.get $t (i32.const 1))) (call $get (i32.const 3))",
        2,
    );
    returns(
        "(table.set $t (i32.const 0) (ref.null func)) (call $null (i32.const 0))",
        1,
    );
    returns(
        "(table.set $t (i32.const 3) (ref.func $two)) (call $get (i32.const 3))",
        2,
    );
    returns("(call $null (i32.const 2))", 0);
    returns("(ref.is_null (table.get $x (i32.const 1)))", 1);
    traps("(drop (table.get $t (i32.const 4)))", TrapKind::TableOutOfBounds);
    traps("(drop (table.get $x (i32.const -1)))", TrapKind::TableOutOfBounds);
    traps(
        "(table.set $t (i32.const 4) (ref.null func))",
        TrapKind::TableOutOfBounds,
    );
}

#[test]
fn tables_grow_up_to_their_maximum() {
    returns("(table.grow $t (ref.func $two) (i32.const 2))", 4);
    returns(
        "(drop (table.grow $t (ref.func $two) (i32.const 2))) (call $get (i32.const 5))",
        2,
    );
    returns("(table.grow $t (ref.func $two) (i32.const 3))", -1);
    returns("(table.grow $t (ref.func $two) (i32.const -1))", -1);
    returns(
        "(drop (table.grow $t (ref.func $two) (i32.const 3))) (table.size $t)",
        4,
    );
    returns(
        "(drop (table.grow $t (ref.null func) (i32.const 1))) (table.size $t)",
        5,
    );
    returns("(table.grow $t (ref.null func) (i32.const 0))", 4);
    // Without a maximum of its own.
    let rest = limits::TABLE as i32 - 3;
    returns(&format!("(table.grow $u (ref.null func) (i32.const {rest}))"), 3);
    returns(
        &format!("(table.grow $u (ref.null func) (i32.const {}))", rest + 1),
        -1,
    );
    returns(
        "(drop (table.grow $x (ref.null extern) (i32.const 9))) (table.size $x)",
        11,
    );
}

#[test]
fn tables_are_filled_copied_and_initialised() {
    returns(
        "(table.fill $t (i32.const 2) (ref.func $one) (i32.const 2)) (call $get (i32.const 3))",
        1,
    );
    returns(
        "(table.fill $t (i32.const 4) (ref.func $one) (i32.const 0)) (table.size $t)",
        4,
    );
    traps(
        "(table.fill $t (i32.const 3) (ref.func $one) (i32.const 2))",
        TrapKind::TableOutOfBounds,
    );
    traps(
        "(table.fill $t (i32.const 5) (ref.func $one) (i32.const 0))",
        TrapKind::TableOutOfBounds,
    );
    // Overlapping, both ways: 1 2 3 -> 1 1 2 3, and 2 3 3.
    let digits = "(i32.add (i32.mul (i32.const 100) (call $get (i32.const 0)))
        (i32.add (i32.mul (i32.const 10) (call $get (i32.const 1))) (call $get (i32.const 2))))";
    returns(
        &format!("(table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 3)) {digits}"),
        112,
    );
    returns(
        &format!("(table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 2)) {digits}"),
        233,
    );
    returns(
        "(table.copy $u $t (i32.const 1) (i32.const 1) (i32.const 2)) (call_indirect $u (type $number) (i32.const 2))",
        3,
    );
    traps(
        "(table.copy $u $t (i32.const 1) (i32.const 1) (i32.const 3))",
        TrapKind::TableOutOfBounds,
    );
    traps(
        "(table.copy $t $u (i32.const 0) (i32.const 1) (i32.const 3))",
        TrapKind::TableOutOfBounds,
    );
    returns(
        &format!("(table.init $t $e (i32.const 1) (i32.const 3) (i32.const 1)) {digits}"),
        113,
    );
    traps(
        "(table.init $t $e (i32.const 0) (i32.const 1) (i32.const 4))",
        TrapKind::TableOutOfBounds,
    );
    traps(
        "(table.init $t $e (i32.const 2) (i32.const 0) (i32.const 3))",
        TrapKind::TableOutOfBounds,
    );
    traps(
        "(table.init $t $e (i32.const 0) (i32.const 2) (i32.const 1)) (drop (call $get (i32.const 0)))",
        TrapKind::IndirectCallType,
    );
}

#[test]
fn a_dropped_segment_is_empty() {
    returns(
        "(elem.drop $e) (elem.drop $e) (table.init $t $e (i32.const 4) (i32.const 0) (i32.const 0)) (i32.const 1)",
        1,
    );
    traps(
        "(elem.drop $e) (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1))",
        TrapKind::TableOutOfBounds,
    );
    // Active and declared ones are empty when the run starts.
    traps(
        "(table.init $t 0 (i32.const 0) (i32.const 0) (i32.const 1))",
        TrapKind::TableOutOfBounds,
    );
    traps(
        "(table.init $t $declared (i32.const 0) (i32.const 0) (i32.const 1))",
        TrapKind::TableOutOfBounds,
    );
    returns("(elem.drop $declared) (elem.drop 0) (call $get (i32.const 0))", 1);
}

#[test]
fn an_operation_that_traps_has_no_effect() {
    let untouched = run(&numbered(""), &[]).state;
    for body in [
        "(table.fill $t (i32.const 2) (ref.null func) (i32.const 3))",
        "(table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 4))",
        "(table.init $t $e (i32.const 1) (i32.const 0) (i32.const 4))",
    ] {
        assert_eq!(run(&numbered(body), &[]).state, untouched, "{body}");
    }
}

#[test]
fn references_live_in_locals_globals_parameters_and_results() {
    let text = "(module (type $number (func (result i32))) (table $t 1 funcref)
        (global $g (mut funcref) (ref.func $one)) (global $x (mut externref) (ref.null extern))
        (func $one (type $number) i32.const 1) (func $two (type $number) i32.const 2)
        (elem declare func $two)
        (func $pick (param i32 funcref funcref) (result funcref externref)
            (if (result funcref) (local.get 0) (then (local.get 1)) (else (local.get 2))) (global.get $x))
        (func (export \"run\") (param i32) (result i32 i32) (local $l funcref)
            (ref.is_null (local.get $l))
            (call $pick (local.get 0) (global.get $g) (ref.func $two)) (drop) (local.set $l)
            (global.set $g (local.get $l))
            (table.set $t (i32.const 0) (global.get $g))
            (call_indirect (type $number) (i32.const 0))))";
    assert_eq!(
        run(text, &[i32(1)]).outcome,
        Outcome::Return(vec![i32(1), i32(1)])
    );
    assert_eq!(
        run(text, &[i32(0)]).outcome,
        Outcome::Return(vec![i32(1), i32(2)])
    );
}

/// Calls itself through a table, `n` calls deep, the entry included; the last call takes the entry `last`.
fn deep(n: i32, last: i32) -> Run {
    let text = "(module (type $f (func (param i32 i32) (result i32))) (table 2 funcref) (elem (i32.const 0) $f)
        (func $f (export \"run\") (type $f)
            (if (i32.le_s (local.get 0) (i32.const 1)) (then (return (i32.const 1))))
            (i32.add (i32.const 1) (call_indirect (type $f) (i32.sub (local.get 0) (i32.const 1)) (local.get 1)
                (select (local.get 1) (i32.const 0) (i32.eq (local.get 0) (i32.const 2)))))))";
    run(text, &[i32(n), i32(last)])
}

#[test]
fn indirect_calls_take_room_before_anything_else_is_checked() {
    let limit = i32::from(limits::CALL_DEPTH);
    assert_eq!(deep(limit, 0).outcome, Outcome::Return(vec![i32(limit)]));
    assert_eq!(deep(limit + 1, 0).outcome, trap(TrapKind::StackExhausted));
    assert_eq!(deep(limit, 1).outcome, trap(TrapKind::IndirectCallNull));
    assert_eq!(deep(limit, 2).outcome, trap(TrapKind::TableOutOfBounds));
    assert_eq!(deep(limit + 1, 1).outcome, trap(TrapKind::StackExhausted));
    assert_eq!(deep(limit + 1, 2).outcome, trap(TrapKind::StackExhausted));
}

/// Host calls in a table, behind one in a global, and in code.
const HOSTS: &str = r#"(module (type $tape (func (param i32) (result i64)))
    (import "nonos" "len" (func $len (type $tape))) (import "nonos" "read" (func $read (type $tape)))
    (import "nonos" "exit" (func $exit (param i32)))
    (global $g funcref (ref.func $read)) (table $t 4 funcref) (elem (i32.const 0) func $len $run)
    (elem declare func $exit)
    (func $run (export "run") (param i32) (result i64)
        (table.set $t (i32.const 2) (global.get $g))
        (table.set $t (i32.const 3) (ref.func $exit))
        (if (i32.eq (local.get 0) (i32.const 3)) (then (call_indirect $t (param i32) (i32.const 9) (i32.const 3))))
        (call_indirect $t (type $tape) (i32.const 0) (local.get 0))))"#;

#[test]
fn host_calls_can_be_referred_to() {
    let inputs = Inputs {
        input: vec![5; 8],
        ..Inputs::default()
    };
    let at = |index: i32, policy: &Policy| try_run(HOSTS, policy, &[i32(index)], &inputs).unwrap();
    let len = at(0, &policy());
    assert_eq!((len.outcome, len.host_calls), (Outcome::Return(vec![i64(8)]), 1));
    let read = at(2, &policy());
    assert_eq!(read.outcome, Outcome::Return(vec![i64(0x0505_0505_0505_0505)]));
    assert_eq!(at(3, &policy()).outcome, Outcome::Exit(9));
    // It costs as much as a function that passes its parameter on.
    let sets = (1 + 1 + 3) * 2;
    assert_eq!(len.fuel_used.get(), sets + 4 + (1 + 1 + 6) + (1 + 13));
    // One more is allowed by type, and goes deeper.
    assert_eq!(at(1, &policy()).outcome, Outcome::Return(vec![i64(8)]));
    let some = Policy {
        host: [HostCall::Len].into_iter().collect::<HostSet>(),
        ..policy()
    };
    assert_eq!(at(0, &some).outcome, Outcome::Return(vec![i64(8)]));
    let forbidden = at(2, &some);
    assert_eq!(forbidden.outcome, trap(TrapKind::ForbiddenHostCall));
    assert_eq!((forbidden.host_calls, forbidden.fuel_used), (1, read.fuel_used));
}

#[test]
fn a_host_call_through_a_table_takes_room() {
    let text = r#"(module (type $tape (func (param i32) (result i64))) (import "nonos" "len" (func $len (type $tape)))
        (table funcref (elem $len))
        (func $down (export "run") (param i32) (result i64)
        (if (result i64) (i32.le_s (local.get 0) (i32.const 1))
            (then (i64.add (i64.const 1) (call_indirect (type $tape) (i32.const 0) (i32.const 0))))
            (else (i64.add (i64.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))))))"#;
    let limit = i64::from(limits::CALL_DEPTH);
    assert_eq!(
        run(text, &[i32(limit as i32 - 1)]).outcome,
        Outcome::Return(vec![i64(limit - 1)])
    );
    assert_eq!(
        run(text, &[i32(limit as i32)]).outcome,
        trap(TrapKind::StackExhausted)
    );
}
