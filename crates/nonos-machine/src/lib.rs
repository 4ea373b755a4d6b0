//! Wasm as provable register code: what a run is, and which tables of numbers are a true run.
//!
//! ```
//! use nonos_machine::tables::{PublicRun, TapeWords, public, system, witness};
//! use nonos_machine::{End, Inputs, Limits, Options, check, execute_traced, lower};
//! use nonos_package::HostSet;
//! use nonos_types::{Fuel, Pages};
//!
//! let wasm = wat::parse_str(
//!     r#"(module (func (export "mul") (param i64 i64) (result i64) local.get 0 local.get 1 i64.mul))"#,
//! )?;
//! // The verifier lowers the module itself: nothing about the program comes from the prover.
//! let options = Options { entry: "mul", max_pages: Pages::new(0), hosts: HostSet::EMPTY };
//! let program = lower(&wasm, &options)?.program;
//!
//! let inputs = Inputs { arguments: &[6, 7], ..Inputs::default() };
//! let limits = Limits { fuel: Fuel::new(100), steps: 100 };
//! let (run, trace) = execute_traced(&program, &inputs, limits);
//! assert_eq!(run.end, End::Return(vec![42]));
//!
//! // A backend proves that the witness satisfies the system; the checker says so at once, and says where not.
//! let trace = trace.ok_or("a return is provable")?;
//! let arguments = TapeWords { words: vec![6, 7], len: 16 };
//! let tapes = [TapeWords::default(), TapeWords::default(), TapeWords::default(), arguments];
//! let public = public(&program, &PublicRun::of(&program, &trace, tapes));
//! let witness = witness(&program, &trace);
//! let heights: Vec<usize> = witness.tables.iter().map(|t| t.len() + 1).collect();
//! check::check(&system(), &heights, &public, |table, i, row| witness.row(table, i, row))?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it does not do
//! It proves nothing itself: the backends do, from [`air::System`]. It has no part in the sandbox that runs
//! capsules for their own sake; the two are tested to agree. Every run that ends has a witness, one that traps or
//! exhausts its fuel, too.
//!
//! # The types to know
//! - [`lower`] and [`isa::Program`]: a module as register code; [`isa`] says what each instruction means.
//! - [`execute`], [`execute_traced`] and [`trace::Trace`]: the executor.
//! - [`air::Table`] and [`air::Builder`]: how constraints are written, once for every backend.
//! - [`tables::system`]: the fourteen tables; each file begins with its constraints and what each rules out.
//! - [`ExecutionStatement`]: what a proof of a run proves, from a record and its tapes.
//! - [`profile`]: where a run spends its steps, rows and fuel, by function and by operator.
//! - [`check`]: evaluates the tables on a witness and names what fails.
//!
//! # Errors
//! [`LowerError`] and [`StatementError`], with `fault()`; [`check::Violation`] for a witness.

pub mod air;
mod alu;
pub mod check;
mod exec;
pub mod isa;
mod lower;
pub mod profile;
pub mod source;
mod statement;
pub mod tables;
pub mod trace;

pub use crate::{
    alu::alu,
    exec::{
        Counts, End, Inputs, Limits, Run, Segments, State, count as execute_counted, execute,
        trace as execute_traced,
    },
    lower::{LowerError, Lowered, Options, Signature, lower, lower_with_source},
    statement::{
        ExecutionStatement, PublicTapes, Salt, SealedInput, Secret, StatementError, Subject, VERSION,
    },
};
