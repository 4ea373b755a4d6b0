//! `operator segment cut`: a run as jobs, one for each segment.

use super::{Context, paths};
use crate::{commands::capsule, failure::Failure, files, proving, sandbox};
use nonos_machine::Subject;
use nonos_node::choice::System;
use nonos_verify_stark::{Cutter, Stark};
use serde::Serialize;
use std::{num::NonZeroU32, path::PathBuf, sync::Arc};

/// Runs the capsule's entry, and writes a job for each segment of the run: `00000.job` and so on. Each can be proved
/// anywhere, in any order.
#[derive(Debug, clap::Args)]
pub(crate) struct Cut {
    /// The package.
    package: PathBuf,
    /// Machine steps of a segment.
    #[arg(long, default_value_t = NonZeroU32::new((1 << 20) - 1).expect("not zero"))]
    steps: NonZeroU32,
    /// Directory for the jobs; made if it is not there.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    inputs: capsule::InputFiles,
    #[command(flatten)]
    assignment: capsule::AssignmentArgs,
    #[command(flatten)]
    sandbox: sandbox::Options,
}

#[derive(Serialize)]
struct Done {
    segments: u32,
    job_bytes: usize,
}

impl Cut {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let package = capsule::open(&self.package)?;
        let job = proving::Job {
            entry: package.policy().entry.clone(),
            subject: Subject::Capsule(Box::new(package)),
            arguments: Vec::new(),
            inputs: self.inputs.read()?,
        };
        if job.inputs.sealed.is_some() {
            return Err(Failure::SealedSegments);
        }
        let claim = self.assignment.claim()?;
        let (_, record) = job.run(claim, &self.sandbox, System::Stark.scheme())?;
        let run = Arc::new(job.statement(record, &Default::default())?);
        files::make_directory(&self.output)?;
        let cutter = Cutter::new(&run, self.steps.get().min(Stark::MAX_STEPS))?;
        let mut done = Done {
            segments: cutter.segments(),
            job_bytes: 0,
        };
        for job in cutter {
            let [path, _] = paths(&self.output, job.statement.index());
            let bytes = job.to_bytes();
            files::write(&path, &bytes)?;
            done.job_bytes += bytes.len();
        }
        context.output.show(&done, || {
            vec![
                ("segments", done.segments.to_string()),
                ("job bytes", done.job_bytes.to_string()),
            ]
        })
    }
}
