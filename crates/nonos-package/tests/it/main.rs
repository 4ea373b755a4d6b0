//! Integration tests of the package crate.
#![expect(clippy::unwrap_used, reason = "tests")]

mod fuel;
mod instructions;
