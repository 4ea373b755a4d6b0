//! Tests of the STARK backend from outside.

mod execution;
mod runs;
