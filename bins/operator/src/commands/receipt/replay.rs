use super::Source;
use crate::{commands::Context, failure::Failure, output::Grid, sandbox};
use nonos_capsule::{Inputs, Run};
use nonos_machine::PublicTapes;
use nonos_package::Package;
use nonos_types::{ExecutionRecord, InboundDigest, InputDigest, Output};
use nonos_worker::Job;
use serde::Serialize;

/// Runs a receipt's run again in the sandbox, and compares what comes of it with what the receipt says.
///
/// Among it is what the executor attests and no proof shows: the checkpoints, and the chain of host calls.
#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    sandbox: sandbox::Options,
}

/// A part of a record, twice.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Part {
    part: &'static str,
    /// Is it what the proof shows, too?
    proven: bool,
    receipt: String,
    replay: String,
    same: bool,
}

impl Replay {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let (file, package) = self.source.read()?;
        let record = &file.receipt().record;
        if record.proven.sealed_input.is_some() {
            return Err(Failure::SealedRun);
        }
        let tapes = PublicTapes::from_bytes(file.tapes()).ok_or(Failure::Refused(
            nonos_verify::VerifyError::MalformedPublic { part: "tapes" },
        ))?;
        let inputs = Inputs {
            input: tapes.input,
            inbound: tapes.inbound,
            sealed: None,
        };
        let (run, _) = self.sandbox.run(&Job {
            module: package.module(),
            policy: package.policy(),
            arguments: &record.proven.arguments,
            inputs: &inputs,
        })?;
        let parts = compare(record, &package, &inputs, &run);
        context.output.list(&parts, || Grid {
            head: &["part", "shown by", "receipt", "run again", ""],
            rows: parts.iter().map(Part::row).collect(),
        })?;
        let parts: Vec<_> = parts.iter().filter(|it| !it.same).map(|it| it.part).collect();
        if parts.is_empty() {
            Ok(())
        } else {
            Err(Failure::ReplayDiffers { parts })
        }
    }
}

impl Part {
    fn new(part: &'static str, proven: bool, receipt: String, replay: String) -> Self {
        Self {
            same: receipt == replay,
            part,
            proven,
            receipt,
            replay,
        }
    }

    fn row(&self) -> Vec<String> {
        let by = if self.proven { "proof" } else { "signature" };
        let same = if self.same { "same" } else { "DIFFERS" };
        [self.part, by, &self.receipt, &self.replay, same]
            .map(str::to_owned)
            .to_vec()
    }
}

fn compare(record: &ExecutionRecord, package: &Package, inputs: &Inputs, run: &Run) -> Vec<Part> {
    let ExecutionRecord { proven, attested } = record;
    let text = |it: &dyn ToString| it.to_string();
    let proof_shows = |part, receipt: &dyn ToString, replay: &dyn ToString| {
        Part::new(part, true, text(receipt), text(replay))
    };
    let mut parts = vec![
        // What went in, first: the record names it by digests, and the tapes beside it are the signer's word.
        proof_shows("policy", &proven.policy, &package.policy().hash()),
        proof_shows(
            "public input",
            &proven.input,
            &InputDigest::hash(&[&inputs.input]),
        ),
        proof_shows(
            "inbound messages",
            &proven.inbound,
            &InboundDigest::hash(&[&inputs.inbound]),
        ),
        proof_shows("outcome", &proven.outcome, &run.outcome),
        proof_shows("fuel", &proven.fuel_used, &run.fuel_used),
        proof_shows("peak pages", &proven.peak_pages.get(), &run.peak_pages.get()),
    ];
    // What is sealed to the requester is a commitment, with a salt that is not here.
    if let Output::Digest(digest) = proven.output {
        parts.push(proof_shows("output", &digest, &run.outputs.digest()));
    }
    let signed = |part, receipt: &dyn ToString, replay: &dyn ToString| {
        Part::new(part, false, text(receipt), text(replay))
    };
    parts.push(signed(
        "checkpoints",
        &attested.checkpoint_root,
        &run.checkpoints.root(),
    ));
    parts.push(signed("host calls", &attested.audit_root, &run.audit_root));
    parts
}
