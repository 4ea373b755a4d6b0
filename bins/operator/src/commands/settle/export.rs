use crate::{commands::Context, datadir::DataArgs, failure::Failure, files};
use nonos_node::api::{Request, SettleAsk, SettlementWritten};
use std::path::PathBuf;

/// Writes a batch of the running node, with its proofs and what witnesses have signed of it, to a file.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// Number of the batch.
    number: u64,
    /// The file; on this node's machine.
    file: PathBuf,
    /// Writes over a file that is there.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    data: DataArgs,
}

impl Export {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let ask = SettleAsk::Export {
            number: self.number,
            path: files::absolute(&self.file)?,
            replace: self.force,
        };
        let written: SettlementWritten = self.data.client()?.call(&Request::Settle { ask })?;
        context.output.show(&written, || {
            vec![
                ("settlement", written.path.clone()),
                ("length", format!("{} bytes", written.bytes)),
                ("batch", format!("{}, {}", written.number, written.batch)),
                ("proofs", written.proofs.to_string()),
                ("countersignatures", written.countersignatures.to_string()),
                ("accounts", written.accounts.to_string()),
            ]
        })
    }
}
