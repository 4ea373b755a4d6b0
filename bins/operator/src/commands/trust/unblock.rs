use crate::{commands::Context, datadir::DataArgs, failure::Failure};
use nonos_node::api::{Done, Request};
use nonos_types::NodeId;

/// Takes a peer off the blacklist. The evidence stays, and so does the record of this act.
#[derive(Debug, clap::Args)]
pub(crate) struct Unblock {
    /// The peer.
    node: NodeId,
    #[command(flatten)]
    data: DataArgs,
}

impl Unblock {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let done: Done = self.data.client()?.call(&Request::Unblock { node: self.node })?;
        context
            .output
            .show(&done, || vec![("unblocked", self.node.to_string())])
    }
}
