use super::work::{finish, show};
use crate::{commands::Context, datadir::DataArgs, failure::Failure};
use nonos_node::api::SettleAsk;

/// Proves the batches that are not proved, in turn with the proofs of jobs. What is proved stays it, should it be stopped.
#[derive(Debug, clap::Args)]
pub(crate) struct Prove {
    /// Only this batch.
    number: Option<u64>,
    #[command(flatten)]
    data: DataArgs,
}

impl Prove {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let ask = SettleAsk::Prove { number: self.number };
        show(context, &finish(&mut self.data.client()?, ask)?)
    }
}
