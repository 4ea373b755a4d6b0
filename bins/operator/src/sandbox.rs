//! Where capsules are run.

use crate::{failure::Failure, output::say};
use nonos_capsule::Run;
use nonos_worker::{Job, Protection, Runner, Worker};

/// Where capsules are run, for commands that do.
#[derive(Debug, clap::Args)]
// Named after the struct, the group would clash with that of the options it stands among.
#[group(skip)]
pub(crate) struct Options {
    /// Runs the capsule in this process, instead of one of its own that can do nothing else.
    #[arg(long)]
    in_process: bool,
}

impl Options {
    /// Runs a job, and says what the process that did it had given up, if it was another one.
    pub(crate) fn run(&self, job: &Job<'_>) -> Result<(Run, Option<Protection>), Failure> {
        let runner = if self.in_process {
            Runner::InProcess
        } else {
            Runner::Process(Worker::this_program())
        };
        let (run, protection) = runner.run(job)?;
        let missing: Vec<String> = protection
            .iter()
            .flat_map(|it| it.missing())
            .map(|layer| layer.to_string())
            .collect();
        if !missing.is_empty() {
            say(&format!(
                "this system does not confine the capsule's process in all ways: {}",
                missing.join(", ")
            ));
        }
        Ok((run, protection))
    }
}

/// What was given up, for a table.
pub(crate) fn shown(protection: Option<Protection>) -> String {
    protection.map_or_else(|| "nothing: it is this one".to_owned(), |it| it.to_string())
}
