use super::work::{finish, show};
use crate::{commands::Context, datadir::DataArgs, failure::Failure};
use nonos_node::api::SettleAsk;

/// Makes a batch of the entries of the running node's books that are in none.
#[derive(Debug, clap::Args)]
pub(crate) struct Batch {
    #[command(flatten)]
    data: DataArgs,
}

impl Batch {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        show(context, &finish(&mut self.data.client()?, SettleAsk::Batch)?)
    }
}
