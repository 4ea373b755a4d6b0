use crate::{commands::Context, datadir::DataArgs, failure::Failure, files, output::say};
use nonos_node::api::{JobView, Request, Sealing};
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
        let none = || Failure::NoResult {
            job: self.job,
            state: super::state(view.state),
        };
        let receipt = view.receipt.as_ref().ok_or_else(none)?;
        let none = || match &view.sealing {
            sealing if !sealing.result => none(),
            Sealing {
                unopened: Some(reason),
                ..
            } => Failure::ResultNotHere {
                job: self.job,
                reason: reason.clone(),
            },
            _ => Failure::ResultOfAnother { job: self.job },
        };
        let result_hex = receipt.result_hex.as_deref().ok_or_else(none)?;
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
