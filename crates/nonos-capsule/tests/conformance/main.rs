//! The official test suite and random modules, run in the sandbox, in the machine, and through the
//! machine's constraints.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod cut;
mod driver;
mod matrix;
mod plain;
mod script;
mod smith;
mod suite;
mod ways;
