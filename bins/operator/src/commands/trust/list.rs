use crate::{
    commands::Context,
    datadir::DataArgs,
    failure::Failure,
    output::{Grid, joined, percent},
};
use nonos_node::api::{Request, TrustView};

/// Shows the standing of every peer.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    data: DataArgs,
}

impl List {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let peers: Vec<TrustView> = self.data.client()?.call(&Request::Trust)?;
        context.output.list(&peers, || Grid {
            head: &["node", "standing", "score", "at least", "evidence"],
            rows: peers.iter().map(row).collect(),
        })
    }
}

fn row(peer: &TrustView) -> Vec<String> {
    let bounds = peer.contexts.iter();
    vec![
        peer.node.to_string(),
        peer.state.clone(),
        percent(peer.score_ppm),
        joined(bounds.map(|(context, _, bound)| format!("{context} {}", percent(*bound)))),
        joined(&peer.evidence),
    ]
}
