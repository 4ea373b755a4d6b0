//! Integration tests of the package crate.
#![expect(clippy::unwrap_used, reason = "tests")]

mod dependencies;
mod fuel;
mod instructions;
mod manifest;
mod package;
mod policy;
mod samples;
