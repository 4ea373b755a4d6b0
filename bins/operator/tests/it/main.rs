//! The commands as a user sees them: arguments in; data, speech and exit code out.

mod bundle;
mod capsule;
mod devnet;
mod mesh;
mod node;
mod proof;
mod refused;
mod sealed;
mod sealed_job;
mod segment;
mod support;
mod why_not;
