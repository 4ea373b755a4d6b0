//! Runs of small modules, each written for one rule of the sandbox.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod checkpoints;
mod fuel;
mod host;
mod limits;
mod machine;
mod meter;
mod outcome;
mod record;
mod support;
