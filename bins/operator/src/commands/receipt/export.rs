use crate::{commands::Context, datadir::DataArgs, failure::Failure, files};
use nonos_node::api::{JobView, ReceiptExport, ReceiptExported, Request};
use nonos_types::JobId;
use std::path::PathBuf;

/// Writes a job's receipt to a file, with the proof, the public tapes and the capsule.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// The job; it need not be one of this node.
    job: JobId,
    /// Which of the job's executors.
    #[arg(long, value_name = "N", default_value_t = 0)]
    slot: u16,
    /// The file; on this node's machine.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Leaves the capsule out: whoever verifies has it.
    #[arg(long)]
    without_capsule: bool,
    /// Writes over a file that is there.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    data: DataArgs,
}

impl Export {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut client = self.data.client()?;
        let view: JobView = client.call(&Request::Job { job: self.job })?;
        let slot = view.slots.iter().find(|it| it.slot.get() == self.slot);
        let receipt = slot.and_then(|it| it.receipt).ok_or(Failure::NoReceipt {
            job: self.job,
            slot: self.slot,
        })?;
        let export = ReceiptExport {
            receipt,
            path: files::absolute(&self.output)?,
            replace: self.force,
            with_capsule: !self.without_capsule,
        };
        let done: ReceiptExported = client.call(&Request::ExportReceipt(export))?;
        context.output.show(&done, || {
            let with = if done.with_capsule {
                ""
            } else {
                ", not in the file"
            };
            vec![
                ("receipt", done.receipt.to_string()),
                ("executor", done.executor.to_string()),
                ("capsule", format!("{}{with}", done.capsule)),
                ("file", done.path.clone()),
                ("length", format!("{} bytes", done.bytes)),
            ]
        })
    }
}
