//! Runs of small modules, each written for one rule of the sandbox.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bulk;
mod checkpoints;
mod fuel;
mod host;
mod limits;
mod machine;
mod meter;
mod operators;
mod outcome;
mod record;
mod start;
mod state;
mod support;
mod tables;
