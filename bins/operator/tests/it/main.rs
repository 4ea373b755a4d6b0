//! The commands as a user sees them: arguments in; data, speech and exit code out.

mod capsule;
mod proof;
mod support;
