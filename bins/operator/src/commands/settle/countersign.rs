use super::Error;
use crate::{commands::Context, datadir::DataArgs, failure::Failure, files, output::say};
use nonos_depin::anchor::Export;
use nonos_node::{
    ClientError,
    api::{Countersigned, Request, SettleAsk},
};
use serde::Serialize;
use std::path::PathBuf;

/// Countersigns, as a witness, the commitments in another node's anchor file, as far as they follow what was countersigned
/// before. The running node remembers: it never signs two for one place.
#[derive(Debug, clap::Args)]
pub(crate) struct Countersign {
    /// The other node's file: `settlement.anchor` in its data directory, or a copy.
    anchor: PathBuf,
    /// Where the countersignatures go, for `operator settle acknowledge`.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Serialize)]
struct Shown {
    node: String,
    signed: usize,
    file: String,
}

impl Countersign {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let export = Export::read(&self.anchor).map_err(Error::AnchorFile)?;
        let mut client = self.data.client()?;
        let (mut answers, mut last) = (Vec::new(), None);
        for commitment in &export.signed {
            let ask = SettleAsk::Countersign {
                commitment_hex: hex::encode(commitment.to_bytes()),
            };
            match client.call::<Countersigned>(&Request::Settle { ask }) {
                Ok(it) => answers.push(it.countersignature_hex),
                // Those before the newest that it has signed.
                Err(ClientError::Refused(refusal)) if answers.is_empty() => last = Some(refusal),
                Err(error) => return Err(error.into()),
            }
        }
        if answers.is_empty() {
            return Err(match last {
                Some(refusal) => ClientError::Refused(refusal).into(),
                None => Error::NothingToSign {
                    path: self.anchor.clone(),
                }
                .into(),
            });
        }
        if let Some(torn) = export.torn {
            say(&format!(
                "the file ends in an unfinished record, at byte {}: it was being written",
                torn.at
            ));
        }
        files::write(&self.output, (answers.join("\n") + "\n").as_bytes())?;
        let shown = Shown {
            node: export.chain.submitter.to_string(),
            signed: answers.len(),
            file: self.output.display().to_string(),
        };
        context.output.show(&shown, || {
            vec![
                ("node", shown.node.clone()),
                ("countersigned", shown.signed.to_string()),
                ("file", shown.file.clone()),
            ]
        })
    }
}
