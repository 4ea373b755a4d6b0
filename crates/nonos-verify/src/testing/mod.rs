//! The conformance suite, and a toy statement and backend to read, copy and break.

mod suite;
mod toy;

pub use suite::{Failure, Report, Rule, Suite};
pub use toy::{ClearWitness, Product, example_claim};
