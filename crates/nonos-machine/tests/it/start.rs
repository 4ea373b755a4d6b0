//! Start functions: what runs before the entry is part of the run.

use nonos_machine::{End, Inputs, Run};
use nonos_types::TrapKind;

use crate::reference::{Ending, agree, agree_at_each_budget, agree_on, in_machine, in_wasmi};

/// A start function with the body `start`, and an entry that gives the sum of its parameter and what is in
/// memory.
fn module(start: &str) -> String {
    format!(
        r#"(module
            (import "nonos" "checkpoint" (func $checkpoint)) (import "nonos" "exit" (func $exit (param i32)))
            (import "nonos" "read" (func $read (param i32) (result i64)))
            (import "nonos" "write" (func $write (param i32 i64)))
            (memory (export "memory") 1 2) (global $g (mut i64) (i64.const 5)) (table $t 2 funcref)
            (elem (i32.const 0) $depth)
            (start $start)
            (func $start (local i64 i32) {start})
            (func $depth (param i32) (result i32)
                local.get 0 i32.eqz if (result i32) i32.const 0
                else local.get 0 i32.const 1 i32.sub call $depth i32.const 1 i32.add end)
            (func (export "run") (param i32) (result i64 i32)
                global.get $g local.get 0 call $depth i32.const 0 i32.load i32.add))"#
    )
}

fn run(start: &str, argument: u64) -> Run {
    agree_at_each_budget(&module(start), &[argument])
}

#[test]
fn sees_what_the_start_function_did() {
    let start = "i64.const 8 global.set $g i32.const 0 i32.const 30 i32.store i32.const 1 memory.grow drop
        i32.const 0 i32.const 0 table.get $t table.set $t";
    assert_eq!(run(start, 2).end, End::Return(vec![8, 32]));
    assert_eq!(run("", 2).end, End::Return(vec![5, 2]));
}

#[test]
fn ends_where_the_start_function_ends() {
    let trap = |start: &str| run(start, 2).end;
    assert_eq!(trap("unreachable"), End::Trap(TrapKind::Unreachable));
    assert_eq!(
        trap("i32.const 65533 i32.load drop"),
        End::Trap(TrapKind::MemoryOutOfBounds)
    );
    assert_eq!(
        trap("i32.const 2 table.get $t drop"),
        End::Trap(TrapKind::TableOutOfBounds)
    );
    assert_eq!(trap("i32.const 7 call $exit"), End::Exit(7));
}

#[test]
fn gives_calls_back_that_the_start_function_made() {
    let depth = |by: u32| format!("i32.const {by} call $depth drop");
    let end = |start: &str, argument: u64| agree(&module(start), &[argument]).end;
    assert_eq!(end(&depth(510), 510), End::Return(vec![5, 510]));
    assert_eq!(end(&depth(511), 1), End::Trap(TrapKind::StackExhausted));
    assert_eq!(end(&depth(510), 511), End::Trap(TrapKind::StackExhausted));
}

#[test]
fn shares_its_tapes_with_the_entry() {
    let start = "i32.const 3 i32.const 0 call $read call $write i32.const 0 call $read global.set $g";
    let inputs = Inputs {
        input: b"sixteen letters!",
        arguments: &[0],
        ..Inputs::default()
    };
    let run = agree_on(&module(start), &inputs);
    assert_eq!(run.outputs[0], b"sixteen ");
    assert_eq!(run.end, End::Return(vec![u64::from_le_bytes(*b"letters!"), 0]));
}

#[test]
fn starts_with_a_host_call() {
    let wat = module("").replace("(start $start)", "(start $checkpoint)");
    let plain = agree(&module("").replace("(start $start)", ""), &[1]);
    let run = agree_at_each_budget(&wat, &[1]);
    assert_eq!(run.end, plain.end);
    assert_eq!(run.fuel.get(), plain.fuel.get() + 1024);
    let wasm = wat::parse_str(&wat).unwrap();
    let inputs = Inputs {
        arguments: &[510],
        ..Inputs::default()
    };
    // It is given back.
    let run = in_machine(&wasm, &inputs, u64::MAX);
    assert_eq!(Ending::from(run), in_wasmi(&wasm, &inputs));
}
