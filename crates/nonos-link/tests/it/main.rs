//! Modules that are linked, run in the sandbox and in the provable machine.
#![expect(clippy::unwrap_used, reason = "tests")]

mod indices;
mod programs;
mod refusals;
mod run;
mod strip;
mod unchanged;
