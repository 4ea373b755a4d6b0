use super::Source;
use crate::{
    backend,
    commands::Context,
    failure::Failure,
    verifying::{Besides, Verified},
};
use nonos_machine::{ExecutionStatement, Subject};
use nonos_types::{Amount, NodeId, ReceiptId};
use nonos_verify::Statement as _;
use serde::Serialize;
use std::time::Instant;

/// Checks a receipt in a file: that its executor signed it, and that the proof shows what it says.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    source: Source,
}

#[derive(Serialize)]
struct Shown<'a> {
    receipt: ReceiptId,
    /// Who signed it.
    executor: NodeId,
    /// What it asks for.
    fee: Amount,
    #[serde(flatten)]
    verified: Verified<'a>,
}

impl Verify {
    /// Does it.
    #[expect(clippy::disallowed_methods, reason = "the figures")]
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let (file, package) = self.source.read()?;
        let receipt = file.receipt();
        let backends = backend::all(context)?;
        let verifier = backends
            .verifier(&receipt.backend, receipt.verifying_key)
            .map_err(|_| Failure::UnknownBackend {
                backend: receipt.backend.clone(),
            })?;
        let claim = file.claim(Subject::Capsule(Box::new(package)).to_bytes());

        let started = Instant::now();
        verifier
            .verify(&claim.public, &claim.proof)
            .map_err(Failure::Refused)?;
        let verify_ms = started.elapsed().as_millis();

        let statement =
            ExecutionStatement::decode(&claim.public).map_err(|error| Failure::Refused(error.into()))?;
        let besides = Besides {
            backend: receipt.backend.to_string(),
            vk_digest: receipt.verifying_key,
            proof_bytes: claim.proof.bytes.len(),
            timestamp: receipt.at,
            verify_ms,
        };
        let shown = Shown {
            receipt: receipt.receipt_id(),
            executor: receipt.signer(),
            fee: receipt.fee,
            verified: Verified::new(&statement, besides),
        };
        context.output.show(&shown, || {
            let mut table = vec![
                ("receipt", shown.receipt.to_string()),
                ("signed by", shown.executor.to_string()),
                ("asks for", shown.fee.to_string()),
            ];
            table.extend(shown.verified.table());
            table
        })
    }
}
