//! Tests of the machine against a wasm interpreter.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bulk;
mod capsules;
mod constrained;
mod control;
mod differential;
mod divide;
mod generate;
mod host;
mod indirect;
mod meter;
mod operators;
mod profile;
mod reference;
mod several;
mod start;
mod switches;
mod tables;
