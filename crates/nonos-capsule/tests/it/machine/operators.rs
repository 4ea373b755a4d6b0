//! Programs with tables, bulk operators, tail calls, jumps by table and start functions, at every budget.

use nonos_package::{HostSet, Policy};
use nonos_types::{Outcome, TrapKind};

use super::{agree, agree_at_every_budget, agree_on, tapes};
use crate::support::{i32, i64, policy, trap, wasm};

/// A module with a memory, tables and segments of every kind; `run` of `body` takes an i32.
fn module(body: &str) -> String {
    format!(
        r#"(module (type $tape (func (param i32) (result i64))) (type $number (func (result i32)))
            (import "nonos" "len" (func $len (type $tape))) (import "nonos" "write" (func $write (param i32 i64)))
            (import "nonos" "exit" (func $exit (param i32)))
            (memory 1 3) (data (i32.const 16) "abcdefgh") (data $d "passive segment")
            (table $t 6 12 funcref) (table $u 3 funcref) (table $x 2 externref)
            (global $g (mut funcref) (ref.func $two)) (global $n (mut i32) (i32.const 0))
            (elem (table $t) (i32.const 0) func $one $two $len $exit)
            (elem $e funcref (ref.func $two) (ref.null func) (ref.func $one)) (elem declare func $write)
            (func $one (type $number) i32.const 1) (func $two (type $number) (local i64) i32.const 2)
            (func $start (global.set $n (i32.const 3)) (call $write (i32.const 3) (i64.const 5))) (start $start)
            (func $run (export "run") (param i32) {body}))"#
    )
}

/// Bodies that end in a return, with the argument and the value.
const RETURN: &[(&str, i32, i64)] = &[
    (
        "(result i64) (block $c (block $b (block $a (br_table $a $b $c (local.get 0)))
            (call $write (i32.const 3) (i64.const 1)) (br $c)) (return (i64.const 8))) (i64.extend_i32_u (global.get $n))",
        0,
        3,
    ),
    (
        "(result i64) (local i64) (loop $more (local.set 1 (i64.add (local.get 1) (i64.extend_i32_s (call_indirect $t (type $number)
            (i32.and (local.get 0) (i32.const 1)))))) (block (br_table $more 0
            (i32.eqz (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) )) (local.get 1)",
        1,
        2,
    ),
    ("(result i64) (call_indirect $t (type $tape) (i32.const 0) (local.get 0))", 2, 19),
    (
        "(result i64) (table.set $u (i32.const 1) (ref.func $write))
            (call_indirect $u (param i32 i64) (i32.const 4) (i64.const 7) (i32.const 1)) (i64.const 2)",
        2,
        2,
    ),
    (
        "(result i64) (if (i32.eqz (local.get 0)) (then (return (i64.const 6))))
            (return_call $run (i32.sub (local.get 0) (i32.const 1)))",
        4,
        6,
    ),
    ("(result i64) (return_call_indirect $t (type $tape) (i32.const 0) (local.get 0))", 2, 19),
    (
        "(result i64) (memory.init $d (i32.const 20) (i32.const 3) (i32.const 9)) (data.drop $d)
            (memory.copy (i32.const 22) (i32.const 17) (i32.const 11)) (memory.fill (i32.const 30) (local.get 0) (i32.const 3))
            (i64.load (i32.const 24))",
        7,
        i64::from_le_bytes(*b"dsive \x07\x07"),
    ),
    (
        "(result i64) (table.init $t $e (i32.const 4) (i32.const 1) (i32.const 2)) (elem.drop $e)
            (table.copy $u $t (i32.const 0) (i32.const 4) (i32.const 2)) (table.fill $t (i32.const 0) (global.get $g) (i32.const 3))
            (drop (table.grow $t (table.get $u (local.get 0)) (i32.const 2))) (drop (table.grow $t (ref.null func) (i32.const 9)))
            (i64.extend_i32_u (i32.add (table.size $t) (i32.add (call_indirect $t (type $number) (i32.const 7)) (call_indirect $t (type $number) (i32.const 2)))))",
        1,
        11,
    ),
    (
        "(result i64) (i64.extend_i32_u (i32.add (ref.is_null (table.get $x (i32.const 1)))
            (i32.add (i32.div_s (local.get 0) (i32.const -3)) (i32.add (i32.rem_u (local.get 0) (i32.const 4)) (i32.popcnt (local.get 0))))))",
        7,
        5,
    ),
];

/// Bodies that end in a trap.
const TRAP: &[(&str, i32, TrapKind)] = &[
    (
        "(drop (i32.div_u (local.get 0) (i32.const 0)))",
        5,
        TrapKind::DivisionByZero,
    ),
    (
        "(drop (i32.div_s (local.get 0) (i32.const -1)))",
        i32::MIN,
        TrapKind::IntegerOverflow,
    ),
    ("(call_indirect $t (local.get 0))", 4, TrapKind::IndirectCallNull),
    ("(call_indirect $t (local.get 0))", 0, TrapKind::IndirectCallType),
    ("(call_indirect $t (local.get 0))", 6, TrapKind::TableOutOfBounds),
    (
        "(return_call_indirect $t (local.get 0))",
        4,
        TrapKind::IndirectCallNull,
    ),
    (
        "(return_call_indirect $t (local.get 0))",
        0,
        TrapKind::IndirectCallType,
    ),
    (
        "(return_call_indirect $t (local.get 0))",
        -1,
        TrapKind::TableOutOfBounds,
    ),
    (
        "(drop (table.get $u (local.get 0)))",
        3,
        TrapKind::TableOutOfBounds,
    ),
    (
        "(table.set $u (local.get 0) (ref.null func))",
        3,
        TrapKind::TableOutOfBounds,
    ),
    (
        "(table.fill $t (local.get 0) (ref.null func) (i32.const 4))",
        3,
        TrapKind::TableOutOfBounds,
    ),
    (
        "(table.copy $t $u (i32.const 0) (local.get 0) (i32.const 2))",
        2,
        TrapKind::TableOutOfBounds,
    ),
    (
        "(table.init $t $e (i32.const 0) (local.get 0) (i32.const 2))",
        2,
        TrapKind::TableOutOfBounds,
    ),
    (
        "(memory.fill (local.get 0) (i32.const 1) (i32.const 9))",
        65_528,
        TrapKind::MemoryOutOfBounds,
    ),
    (
        "(memory.copy (i32.const 0) (local.get 0) (i32.const 9))",
        65_528,
        TrapKind::MemoryOutOfBounds,
    ),
    (
        "(memory.init $d (i32.const 0) (local.get 0) (i32.const 9))",
        7,
        TrapKind::MemoryOutOfBounds,
    ),
    (
        "(call_indirect $t (param i32) (i32.add (local.get 0) (call_indirect $t (type $number) (i32.const 0))) (i32.const 3)) unreachable",
        -1,
        TrapKind::Unreachable,
    ),
];

#[test]
fn the_larger_instruction_set_agrees_at_every_budget() {
    for (body, arg, value) in RETURN {
        let text = module(body);
        let end = agree(&text, &[i32(*arg)]);
        assert_eq!(end.outcome, Outcome::Return(vec![i64(*value)]), "{body}");
        agree_at_every_budget(&text, &[i32(*arg)]);
    }
}

#[test]
fn every_trap_agrees_at_every_budget() {
    for (body, arg, kind) in TRAP {
        let text = module(body);
        let end = agree(&text, &[i32(*arg)]);
        let exits = body.contains("unreachable");
        let outcome = if exits { Outcome::Exit(0) } else { trap(*kind) };
        assert_eq!(end.outcome, outcome, "{body}");
        agree_at_every_budget(&text, &[i32(*arg)]);
    }
}

#[test]
fn start_functions_agree_whatever_they_end_in() {
    for start in [
        "unreachable",
        "(call $exit (i32.const 2))",
        "(call $start)",
        "(call $len (i32.const 9)) drop",
    ] {
        let text = module("").replace("(global.set $n (i32.const 3))", start);
        let end = agree(&text, &[i32(0)]);
        assert_ne!(end.outcome, Outcome::Return(vec![]), "{start}");
        if start != "(call $start)" {
            agree_at_every_budget(&text, &[i32(0)]);
        }
    }
    let host = r#"(module (import "nonos" "checkpoint" (func $c)) (start $c) (func (export "run")))"#;
    agree_at_every_budget(host, &[]);
    let none = Policy {
        host: HostSet::EMPTY,
        ..policy()
    };
    let end = agree_on(&wasm(host), &none, &[], &tapes());
    assert_eq!(end.outcome, trap(TrapKind::ForbiddenHostCall));
}

#[test]
fn several_results_and_deep_indirect_calls_agree() {
    let text = "(module (func (export \"run\") (param i32) (result i32 i64 i32) (local.get 0) (i64.const -3) (i32.const 9)))";
    agree_at_every_budget(text, &[i32(-1)]);
    let deep = "(module (type $f (func (param i32) (result i32))) (table funcref (elem $f))
        (func $f (export \"run\") (type $f) (if (i32.le_s (local.get 0) (i32.const 1)) (then (return (i32.const 0))))
            (call_indirect (type $f) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))";
    assert_eq!(agree(deep, &[i32(512)]).outcome, Outcome::Return(vec![i32(0)]));
    assert_eq!(agree(deep, &[i32(513)]).outcome, trap(TrapKind::StackExhausted));
}
