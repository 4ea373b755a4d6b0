//! Links and runs a program for WASI, both ways.

use nonos_capsule::{Inputs, Run, Sandbox};
use nonos_link::{ENTRY, Linked, assemble, link};
use nonos_machine::{End, Limits, Options, execute, lower};
use nonos_package::{HostSet, Policy};
use nonos_types::Outcome;

/// Its imports, memory and a slice at 0 that other code fills.
pub(crate) const HEAD: &str = r#"
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
    (memory (export "memory") 1)
    (func $slice (param $at i32) (param $size i32)
      (i32.store (i32.const 0) (local.get $at))
      (i32.store (i32.const 4) (local.get $size)))
    (func $print (param $fd i32) (param $at i32) (param $size i32)
      (call $slice (local.get $at) (local.get $size))
      (if (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
      (if (i32.ne (i32.load (i32.const 8)) (local.get $size)) (then (unreachable))))
    (func $get (param $at i32) (param $size i32) (result i32)
      (call $slice (local.get $at) (local.get $size))
      (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
      (i32.load (i32.const 8)))"#;

pub(crate) fn linked(program: &str) -> Linked {
    link(&assemble(program).unwrap()).unwrap().unwrap()
}

/// Runs a program of [`HEAD`] and this.
pub(crate) fn program(rest: &str, input: &[u8]) -> Run {
    let linked = linked(&format!("(module {HEAD} {rest})"));
    run(&linked.wasm, linked.host_calls, input)
}

/// Runs a module in the sandbox, with these host calls, and sees the machine agree.
pub(crate) fn run(wasm: &[u8], hosts: HostSet, input: &[u8]) -> Run {
    let policy = Policy {
        host: hosts,
        ..Policy::for_module(ENTRY)
    };
    let inputs = Inputs {
        input: input.to_vec(),
        ..Inputs::default()
    };
    let run = Sandbox::new()
        .load_module(wasm, &policy)
        .unwrap()
        .run(&[], &inputs)
        .unwrap();
    let options = Options {
        entry: ENTRY,
        max_pages: policy.max_pages,
        hosts,
    };
    let inputs = nonos_machine::Inputs {
        input,
        ..Default::default()
    };
    let limits = Limits {
        fuel: policy.fuel,
        steps: 1 << 24,
    };
    let machine = execute(&lower(wasm, &options).unwrap().program, &inputs, limits);
    let end = match machine.end {
        End::Return(_) => Outcome::Return(vec![]),
        End::Exit(code) => Outcome::Exit(code),
        End::Trap(kind) => Outcome::Trap(kind),
        End::OutOfFuel | End::TooManySteps => Outcome::OutOfFuel,
    };
    assert_eq!((&run.outcome, run.fuel_used), (&end, machine.fuel));
    let [result, _, log] = machine.outputs;
    assert_eq!((&run.outputs.result, &run.outputs.log), (&result, &log));
    run
}
