//! One binary: linking is what costs.
#![expect(clippy::unwrap_used, reason = "tests")]

mod object;
mod pool;
mod receipt;
mod sealed;
mod set;
mod suite;
mod support;
