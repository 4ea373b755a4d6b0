//! `operator segment …`: one proof made by several processes or machines.

mod cut;
mod join;
mod prove;

use super::Context;
use crate::{failure::Failure, files};
use nonos_verify_stark::SegmentJob;
use std::path::{Path, PathBuf};

/// What to do with the segments of a long run.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Runs a capsule and writes a job for each segment of the run.
    Cut(cut::Cut),
    /// Proves the segment of one job.
    Prove(prove::Prove),
    /// Joins the proofs of all segments to the proof of the run.
    Join(join::Join),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Cut(command) => command.run(context),
            Self::Prove(command) => command.run(context),
            Self::Join(command) => command.run(context),
        }
    }
}

/// Where segment number `index` of the jobs in a directory is, and its proof.
fn paths(directory: &Path, index: u32) -> [PathBuf; 2] {
    ["job", "proof"].map(|kind| directory.join(format!("{index:05}.{kind}")))
}

fn read(path: &Path) -> Result<SegmentJob, Failure> {
    let bytes = files::read(path, SegmentJob::MAX.get())?;
    Ok(SegmentJob::from_bytes(&bytes)?)
}
