//! `operator capsule verify`: the proof of a capsule's run.

use crate::{commands::Context, failure::Failure, verifying};
use nonos_machine::Subject;
use std::path::PathBuf;

/// Checks the proof of a run of this capsule, and shows what it proves.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// The package.
    package: PathBuf,
    #[command(flatten)]
    options: verifying::Options,
}

impl Verify {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let package = super::open(&self.package)?;
        self.options.verify(&Subject::Capsule(Box::new(package)), context)
    }
}
