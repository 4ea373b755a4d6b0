//! Real runs, proved and verified.

mod execution;
mod lies;
mod opcodes;
mod runs;
mod sealed;
mod soundness;
