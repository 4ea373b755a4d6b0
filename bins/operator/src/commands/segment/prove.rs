//! `operator segment prove`: the proof of one segment.

use super::{Context, read};
use crate::{backend::ProfileName, failure::Failure, files, proving};
use nonos_verify::Erased;
use nonos_verify_stark::{SegmentStatement, Stark};
use serde::Serialize;
use std::path::PathBuf;

/// Proves the segment of a job that `segment cut` wrote.
#[derive(Debug, clap::Args)]
pub(crate) struct Prove {
    /// The job.
    job: PathBuf,
    /// Where the proof goes [default: beside the job, as .proof].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What the proof is optimised for; the same for all segments of a run.
    #[arg(long, value_enum, default_value_t)]
    profile: ProfileName,
}

#[derive(Serialize)]
struct Done {
    segment: u32,
    of: u32,
    prove_ms: u128,
    proof_bytes: usize,
}

impl Prove {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let job = read(&self.job)?;
        let prover = Erased::<SegmentStatement, _>::new(Stark::new(self.profile.into()));
        let (proof, prove_ms) = proving::timed(&job.statement, &job.witness, &prover)?;
        let path = self
            .output
            .clone()
            .unwrap_or_else(|| self.job.with_extension("proof"));
        files::write(&path, &proof.bytes)?;
        let done = Done {
            segment: job.statement.index(),
            of: job.statement.count(),
            prove_ms,
            proof_bytes: proof.bytes.len(),
        };
        context.output.show(&done, || {
            vec![
                ("segment", format!("{} of {}", done.segment, done.of)),
                ("prove ms", done.prove_ms.to_string()),
                ("proof bytes", done.proof_bytes.to_string()),
            ]
        })
    }
}
