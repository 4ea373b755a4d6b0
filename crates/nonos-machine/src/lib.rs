//! The provable machine: wasm lowered to register code, a tracing executor, and the tables that say when a
//! trace is a true run.

pub mod air;
pub mod isa;
pub mod trace;
