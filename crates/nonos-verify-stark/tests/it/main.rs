//! Tests of the STARK backend from outside.

mod estimate;
mod execution;
mod opcodes;
mod runs;
mod sealed;
mod segments;
