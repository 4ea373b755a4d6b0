//! Tests of the machine against a wasm interpreter.
#![expect(clippy::unwrap_used, reason = "tests")]

mod capsules;
mod control;
mod differential;
mod generate;
mod host;
mod indirect;
mod meter;
mod operators;
mod reference;
mod several;
mod switches;
