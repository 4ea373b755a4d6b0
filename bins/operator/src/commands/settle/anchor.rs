use super::{
    account::AccountPassphrase,
    work::{finish, pause, show},
};
use crate::{commands::Context, datadir::DataArgs, failure::Failure, output::say};
use nonos_node::{
    Client,
    api::{BatchView, Request, SecretHex, SettleAsk, SettleStatus},
};
use std::time::Duration;

/// Hands in, in order, the batches that the configured anchor does not have. All must be proved.
///
/// For an anchor on a chain the node needs the account's passphrase, once after each start: it is sent over the node's own
/// socket, and the key stays open until the node stops.
#[derive(Debug, clap::Args)]
pub(crate) struct Anchor {
    /// Waits until all of them are final.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    passphrase: AccountPassphrase,
    #[command(flatten)]
    data: DataArgs,
}

impl Anchor {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut client = self.data.client()?;
        let status = status(&mut client)?;
        let passphrase_hex = match status.key_open {
            Some(false) => Some(SecretHex(hex::encode(&*self.passphrase.known()?))),
            _ => None,
        };
        let mut batches = finish(&mut client, SettleAsk::Anchor { passphrase_hex })?;
        if self.wait {
            wait(&mut client, &mut batches)?;
        }
        show(context, &batches)
    }
}

fn status(client: &mut Client) -> Result<SettleStatus, Failure> {
    let ask = SettleAsk::Status;
    Ok(client.call(&Request::Settle { ask })?)
}

/// Asks until they are final. The node looks at the anchor by itself, whether or not anybody waits.
fn wait(client: &mut Client, batches: &mut Vec<BatchView>) -> Result<(), Failure> {
    let mut said = None;
    for batch in batches {
        while batch.stage != "final" {
            pause(Duration::from_millis(500));
            let ask = SettleAsk::Batches {
                after: batch.number - 1,
                limit: 1,
            };
            let mut now: Vec<BatchView> = client.call(&Request::Settle { ask })?;
            *batch = now.pop().ok_or(Failure::BadAnswer { field: "batch" })?;
            let trouble = status(client)?.trouble;
            if trouble != said
                && let Some(words) = &trouble
            {
                say(&format!("still waiting: {words}"));
            }
            said = trouble;
        }
    }
    Ok(())
}
