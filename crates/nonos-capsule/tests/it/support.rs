//! Short ways to run text.

use nonos_capsule::{Error, Inputs, Run, Sandbox};
use nonos_package::{HostSet, Net, Policy};
use nonos_types::{Fuel, Outcome, Pages, TrapKind, Value};

/// A policy under which everything is allowed.
pub(crate) fn policy() -> Policy {
    Policy {
        fuel: Fuel::new(1 << 30),
        max_pages: Pages::new(16),
        net: Net::MeshOnly,
        host: HostSet::ALL,
        entry: "run".to_owned(),
        checkpoint_every: None,
        requires_poi: false,
    }
}

pub(crate) fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

pub(crate) fn try_run(text: &str, policy: &Policy, args: &[Value], inputs: &Inputs) -> Result<Run, Error> {
    Sandbox::new().load_module(&wasm(text), policy)?.run(args, inputs)
}

/// Runs under [`policy`] with empty tapes.
pub(crate) fn run(text: &str, args: &[Value]) -> Run {
    try_run(text, &policy(), args, &Inputs::default()).unwrap()
}

pub(crate) fn i32(value: i32) -> Value {
    Value::I32(value.cast_unsigned())
}

pub(crate) fn i64(value: i64) -> Value {
    Value::I64(value.cast_unsigned())
}

pub(crate) fn trap(kind: TrapKind) -> Outcome {
    Outcome::Trap(kind)
}

/// A module with all host calls, a memory, and `body` in its entry.
pub(crate) fn hosted(body: &str) -> String {
    format!(
        r#"(module
            (import "nonos" "len" (func $len (param i32) (result i64)))
            (import "nonos" "read" (func $read (param i32) (result i64)))
            (import "nonos" "write" (func $write (param i32 i64)))
            (import "nonos" "commit_len" (func $commit (param i32 i64)))
            (import "nonos" "checkpoint" (func $checkpoint))
            (import "nonos" "exit" (func $exit (param i32)))
            (memory 1)
            (func (export "run") {body}))"#
    )
}
