use crate::{commands::Context, datadir::DataArgs, failure::Failure, files, output::say};
use nonos_node::api::{JobView, ReceiptView, Request, Sealing};
use nonos_types::JobId;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Writes a job's result tape, as it is, to stdout or a file.
///
/// There is one only when a receipt has come and its proof verifies here. A result that is sealed to this node is decrypted, and
/// written to a file that only its owner can read.
#[derive(Debug, clap::Args)]
pub(crate) struct ResultTape {
    /// The job.
    job: JobId,
    #[command(flatten)]
    data: DataArgs,
    /// Writes to a file.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Serialize)]
struct Tape<'a> {
    job: JobId,
    outcome: &'a str,
    result_hex: &'a str,
}

impl ResultTape {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let view: JobView = self.data.client()?.call(&Request::Job { job: self.job })?;
        let (receipt, result_hex) = result_of(&view)?;
        let bytes = hex::decode(result_hex).map_err(|_| Failure::BadAnswer { field: "result_hex" })?;
        if let Some(path) = &self.output {
            // What was encrypted to this node is not for others on its machine either.
            if view.sealing.result {
                files::write_secret(path, &bytes)?;
            } else {
                files::write(path, &bytes)?;
            }
            say(&format!("result written to {}", path.display()));
        }
        if context.output.is_json() {
            let tape = Tape {
                job: self.job,
                outcome: &receipt.outcome,
                result_hex,
            };
            return context.output.show(&tape, Vec::new);
        }
        match &self.output {
            Some(_) => Ok(()),
            None => files::write(Path::new("-"), &bytes),
        }
    }
}

/// The result, and the receipt that it is of, or why it is not shown.
fn result_of(view: &JobView) -> Result<(&ReceiptView, &str), Failure> {
    let job = view.job;
    let none = || Failure::NoResult {
        job,
        state: super::state(view.state),
    };
    let receipt = view.receipt.as_ref().ok_or_else(none)?;
    if let Some(result_hex) = &receipt.result_hex {
        return Ok((receipt, result_hex));
    }
    Err(match (&view.sealing, receipt.too_long) {
        (_, Some(len)) => Failure::ResultTooLong { job, len },
        (sealing, None) if !sealing.result => none(),
        (
            Sealing {
                unopened: Some(reason),
                ..
            },
            None,
        ) => Failure::ResultNotHere {
            job,
            reason: reason.clone(),
        },
        _ => Failure::ResultOfAnother { job },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job that is paid, with this in its receipt.
    fn paid(receipt: serde_json::Value, sealing: serde_json::Value) -> JobView {
        let zero = "00".repeat(32);
        let mut shown = serde_json::json!({
            "receipt": zero, "exec_hash": zero, "executor": zero, "slot": 0, "outcome": "exit 0", "fuel": 1,
            "fee": "1", "proof_bytes": 1, "prove_ms": null, "verify_ms": null, "result_hex": null,
        });
        let fields = receipt.as_object().expect("fields").clone();
        shown.as_object_mut().expect("an object").extend(fields);
        serde_json::from_value(serde_json::json!({
            "job": zero, "requester": zero, "capsule": zero, "backend": "stark", "max_fee": "1", "created": 1,
            "deadline": 2, "state": "paid", "executor": null, "receipt": shown, "slots": [], "input_hex": null,
            "verdicts": [], "booked": [], "refused": null, "refused_code": null, "proved_after_ms": null,
            "sealing": sealing,
        }))
        .expect("a view")
    }

    #[test]
    fn a_result_that_is_here_and_too_long_is_said_to_be_so() {
        for sealed in [false, true] {
            let sealing = serde_json::json!({ "input_len": null, "result": sealed, "unopened": null });
            let long = paid(serde_json::json!({ "too_long": 20_000_000 }), sealing.clone());
            let error = result_of(&long).expect_err("it is not shown").to_string();
            assert!(error.contains("20000000 bytes"), "{error}");
            let none = result_of(&paid(serde_json::json!({}), sealing.clone())).expect_err("it is not here");
            assert_eq!(matches!(none, Failure::ResultOfAnother { .. }), sealed);
            let here = paid(serde_json::json!({ "result_hex": "07" }), sealing);
            assert_eq!(result_of(&here).expect("here").1, "07");
        }
    }
}
