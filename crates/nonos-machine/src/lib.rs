//! The provable machine: wasm lowered to register code, a tracing executor, and the tables that say when a
//! trace is a true run.

pub mod air;
mod alu;
pub mod check;
mod exec;
pub mod isa;
mod lower;
mod statement;
pub mod tables;
pub mod trace;

pub use crate::{
    alu::alu,
    exec::{End, Inputs, Limits, Run, execute, trace as execute_traced},
    lower::{LowerError, Lowered, Options, Signature, lower},
    statement::{ExecutionStatement, PublicTapes, StatementError, Subject, VERSION},
};
