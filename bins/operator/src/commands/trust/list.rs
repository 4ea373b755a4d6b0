use crate::{
    commands::Context,
    datadir::DataArgs,
    failure::Failure,
    output::{Grid, joined, percent, utc},
};
use nonos_node::api::{BlockView, Request, TrustView};

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
            head: &[
                "node",
                "standing",
                "score",
                "at least",
                "blacklisted by",
                "evidence",
            ],
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
        peer.block.as_ref().map_or_else(|| "-".to_owned(), blocked),
        joined(&peer.evidence),
    ]
}

/// By whom, until when, and what the operator says.
fn blocked(block: &BlockView) -> String {
    let until = block.until.map(|at| format!(" until {}", utc(at)));
    let reason = block.reason.as_ref().map(|it| format!(": {it}"));
    [Some(block.by.clone()), until, reason]
        .into_iter()
        .flatten()
        .collect()
}
