//! `operator segment join`: the proofs of all segments as the proof of the run.

use super::{Context, paths, read};
use crate::{backend::ProfileName, failure::Failure, files, proving::Made};
use nonos_machine::ExecutionStatement;
use nonos_types::ByteLen;
use nonos_verify::{Erased, Proof, ProofSystem, Statement as _, Verifier as _};
use nonos_verify_stark::{SegmentStatement, Stark};
use serde::Serialize;
use std::path::PathBuf;

/// Joins the proofs of a directory that `segment cut` filled, and checks the whole.
#[derive(Debug, clap::Args)]
pub(crate) struct Join {
    /// The directory of jobs and proofs.
    directory: PathBuf,
    /// Where the proof of the run goes; `capsule verify` reads it.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The profile that the segments were proved under.
    #[arg(long, value_enum, default_value_t)]
    profile: ProfileName,
}

#[derive(Serialize)]
struct Done {
    segments: usize,
    proof_bytes: usize,
}

impl Join {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let stark = Stark::new(self.profile.into());
        let limit = ProofSystem::<SegmentStatement>::max_proof_len(&stark);
        let first = read(&paths(&self.directory, 0)[0])?.statement;
        let mut segments = Vec::with_capacity(first.count() as usize);
        for index in 0..first.count() {
            let [job, proof] = paths(&self.directory, index);
            segments.push((read(&job)?.statement, files::read(&proof, limit.get())?));
        }
        let bytes = stark.join(&segments).map_err(Failure::Prove)?;
        let run = first.run();
        let vk = ProofSystem::<ExecutionStatement>::vk_digest(&stark, run, &bytes);
        let vk = vk.map_err(|refusal| Failure::Refused(refusal.into()))?;
        let proof = Proof::new(vk, bytes);
        let verifier = Erased::<ExecutionStatement, _>::new(stark);
        verifier.verify(&run.public(), &proof).map_err(Failure::Refused)?;
        let done = Done {
            segments: segments.len(),
            proof_bytes: proof.bytes.len(),
        };
        let made = Made::new(ExecutionStatement::clone(run), proof, Stark::ID, 0);
        files::write(&self.output, &made.file()?)?;
        context.output.show(&done, || {
            vec![
                ("segments", done.segments.to_string()),
                ("proof bytes", ByteLen::from(done.proof_bytes).to_string()),
            ]
        })
    }
}
