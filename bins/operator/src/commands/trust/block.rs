use crate::{commands::Context, datadir::DataArgs, duration::Duration, failure::Failure, output::or_dash};
use nonos_node::api::{Done, Request};
use nonos_types::NodeId;

/// Puts a peer on the blacklist: your own decision, and no evidence for anybody else.
#[derive(Debug, clap::Args)]
pub(crate) struct Block {
    /// The peer.
    node: NodeId,
    #[command(flatten)]
    data: DataArgs,
    /// Why, in a line: `trust list` and `trust explain` show it. It stays on this machine.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// For how long, as 90s, 30m, 12h or 7d; else until `trust unblock`.
    #[arg(long = "for", value_name = "DURATION")]
    during: Option<Duration>,
}

impl Block {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let request = Request::Block {
            node: self.node,
            reason: self.reason.clone(),
            for_s: self.during.map(Duration::seconds),
        };
        let done: Done = self.data.client()?.call(&request)?;
        context.output.show(&done, || {
            vec![
                ("blocked", self.node.to_string()),
                ("reason", self.reason.clone()),
                ("for", or_dash(self.during)),
            ]
        })
    }
}
