//! The commands as a user sees them: arguments in; data, speech and exit code out.

mod anvil;
mod bundle;
mod capsule;
mod config;
mod devnet;
mod doctor;
mod json;
mod key;
mod mesh;
mod node;
mod page;
mod proof;
mod receipt;
mod refused;
mod sdk;
mod sealed;
mod sealed_job;
mod secrets;
mod segment;
mod service;
mod settle;
mod support;
mod why_not;
mod wizard;
