use super::{Error, work::show};
use crate::{commands::Context, datadir::DataArgs, failure::Failure, files};
use nonos_node::api::{BatchView, Request, SettleAsk};
use std::path::PathBuf;

/// Longest file of countersignatures: a million of them.
const MAX_BYTES: u64 = 1 << 30;

/// Takes what a witness has countersigned.
#[derive(Debug, clap::Args)]
pub(crate) struct Acknowledge {
    /// What `operator settle countersign` wrote.
    file: PathBuf,
    #[command(flatten)]
    data: DataArgs,
}

impl Acknowledge {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let text = files::read_text(&self.file, MAX_BYTES)?;
        let is_hex = |line: &str| !line.is_empty() && hex::decode(line).is_ok();
        if text.is_empty() || !text.lines().all(is_hex) {
            return Err(Error::NotAnswers {
                path: self.file.clone(),
            }
            .into());
        }
        let mut client = self.data.client()?;
        let mut batches = Vec::new();
        for line in text.lines() {
            let ask = SettleAsk::Acknowledge {
                countersignature_hex: line.to_owned(),
            };
            let batch: BatchView = client.call(&Request::Settle { ask })?;
            batches.push(batch);
        }
        show(context, &batches)
    }
}
