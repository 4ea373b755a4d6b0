//! `operator capsule prove`: a run, proved.

use crate::{commands::Context, failure::Failure, proving};
use nonos_machine::Subject;
use std::path::PathBuf;

/// Runs the capsule's entry and proves the run.
#[derive(Debug, clap::Args)]
pub(crate) struct Prove {
    /// The package.
    package: PathBuf,
    #[command(flatten)]
    inputs: super::InputFiles,
    #[command(flatten)]
    assignment: super::AssignmentArgs,
    #[command(flatten)]
    options: proving::Options,
}

impl Prove {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let package = super::open(&self.package)?;
        let job = proving::Job {
            entry: package.policy().entry.clone(),
            subject: Subject::Capsule(Box::new(package)),
            arguments: Vec::new(),
            inputs: self.inputs.read()?,
        };
        job.prove(|| self.assignment.claim(), &self.options, context)
    }
}
