//! Runs capsules: checked WebAssembly modules that see nothing of the machine but six tapes, and whose every run
//! can be repeated anywhere to the last bit.
//!
//! ```
//! use nonos_capsule::{Inputs, Sandbox};
//! use nonos_package::Policy;
//! use nonos_types::{Outcome, Value};
//!
//! let wasm = wat::parse_str(r#"(module
//!     (import "nonos" "read" (func $read (param i32) (result i64)))
//!     (import "nonos" "write" (func $write (param i32 i64)))
//!     (func (export "double") (result i32)
//!         (call $write (i32.const 3) (i64.mul (call $read (i32.const 0)) (i64.const 2)))
//!         i32.const 0))"#)?;
//!
//! let capsule = Sandbox::new().load_module(&wasm, &Policy::for_module("double"))?;
//! let inputs = Inputs { input: 21u64.to_le_bytes().to_vec(), ..Inputs::default() };
//! let run = capsule.run(&[], &inputs)?;
//!
//! assert_eq!(run.outcome, Outcome::Return(vec![Value::I32(0)]));
//! assert_eq!(run.outputs.result, 42u64.to_le_bytes());
//! assert_eq!(run, capsule.run(&[], &inputs)?);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! A run that traps or runs out of fuel has an outcome like any other; [`Error`] is for what has none.
//!
//! # What it does not do
//! It does not prove anything (that is `nonos-machine` with a backend), opens no file or socket, and knows no time.
//! It does not bound the time of a run but by fuel, nor its memory but by the policy's pages, at most 3 × 128 MiB of
//! output, and about as much of stack.
//!
//! # The types to know
//! - [`Sandbox`] loads a package or module, as a [`Capsule`].
//! - [`Inputs`] and [`Outputs`] are the tapes; [`Run`] is all that a run leaves.
//! - [`Claim`] is the right to one run, durable before it starts; [`Run::record`] spends it.
//!
//! # How a run is made the same everywhere
//! Fuel and call depth are counted by the module itself, which is rewritten for that when it is loaded (the
//! interpreter's own counters change with its version). The interpreter is pinned, compiles eagerly, and has
//! everything beyond the capsule instruction set switched off. The rewriting also goes around errors of wasmi
//! 2.0.0: a `select` by `eqz`, `x == 0` or `x != 0` of a local takes the wrong operand, and labels lose or mix
//! several values. The provable machine has to give the same runs, which the tests check. `docs/spec/run.md` has the
//! rules.
//!
//! # Errors
//! [`Error`], by cause; [`Error::fault`] says who must act.
#![forbid(unsafe_code)]

mod audit;
mod checkpoint;
mod engine;
mod error;
mod host;
mod meter;
mod nonce;
mod parts;
mod record;
mod sandbox;
mod tapes;

pub use crate::{
    error::Error,
    nonce::Claim,
    record::Context,
    sandbox::{Capsule, Run, Sandbox},
    tapes::{Inputs, MAX_OUTPUT_WORDS, Outputs, Sealed},
};
