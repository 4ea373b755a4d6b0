//! `operator capsule messages`: what runs of a capsule have said.

use crate::{
    commands::Context,
    datadir::DataArgs,
    failure::Failure,
    files,
    output::{Grid, or_dash, say, utc},
};
use nonos_node::api::{MessagePage, MessageView, Request};
use nonos_types::{CapsuleHash, ReceiptId};
use std::path::{Path, PathBuf};

/// Lists the messages of a capsule's channel that the node knows, or writes one to stdout or a file.
///
/// A message is the outbound tape of a run that is proved, and is named by its receipt. Jobs of the same capsule, and of
/// those that depend on it, can read it (`operator job submit --inbound RECEIPT`).
#[derive(Debug, clap::Args)]
pub(crate) struct Messages {
    /// The capsule.
    capsule: CapsuleHash,
    /// Writes this message, as it is.
    #[arg(long, value_name = "RECEIPT")]
    print: Option<ReceiptId>,
    /// Writes it to a file.
    #[arg(short, long, value_name = "FILE", requires = "print")]
    output: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

impl Messages {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self.print {
            Some(receipt) => self.print(receipt, context),
            None => self.list(context),
        }
    }

    fn list(&self, context: &Context) -> Result<(), Failure> {
        let mut client = self.data.client()?;
        let mut messages: Vec<MessageView> = Vec::new();
        let (capsule, mut after) = (self.capsule, 0);
        loop {
            let page: MessagePage = client.call(&Request::Messages { capsule, after })?;
            messages.extend(page.messages);
            if page.next == after {
                break;
            }
            after = page.next;
        }
        context.output.list(&messages, || Grid {
            head: &["receipt", "proved", "bytes", "run by"],
            rows: messages.iter().map(row).collect(),
        })
    }

    fn print(&self, receipt: ReceiptId, context: &Context) -> Result<(), Failure> {
        let message: MessageView = self.data.client()?.call(&Request::Message { receipt })?;
        let capsule = self.capsule;
        if message.capsule != capsule {
            return Err(Failure::OtherChannel { receipt, capsule });
        }
        let bytes_hex = message.bytes_hex.as_deref();
        let bytes_hex = bytes_hex.ok_or(Failure::NoMessage { receipt })?;
        let bytes = hex::decode(bytes_hex).map_err(|_| Failure::BadAnswer { field: "bytes_hex" })?;
        if let Some(path) = &self.output {
            files::write(path, &bytes)?;
            say(&format!("message written to {}", path.display()));
        }
        if context.output.is_json() {
            return context.output.show(&message, Vec::new);
        }
        match &self.output {
            Some(_) => Ok(()),
            None => files::write(Path::new("-"), &bytes),
        }
    }
}

fn row(message: &MessageView) -> Vec<String> {
    vec![
        message.receipt.to_string(),
        utc(message.at),
        or_dash(message.bytes),
        message.executor.to_string(),
    ]
}
