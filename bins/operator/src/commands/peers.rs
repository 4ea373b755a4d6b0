//! `operator peers`: whom a running node knows.

use super::Context;
use crate::{
    datadir::DataArgs,
    failure::Failure,
    output::{Grid, joined, or_dash},
};
use nonos_node::api::{PeerView, Request};

/// Shows the peers of the running node.
#[derive(Debug, clap::Args)]
pub(crate) struct Peers {
    #[command(flatten)]
    data: DataArgs,
}

impl Peers {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let peers: Vec<PeerView> = self.data.client()?.call(&Request::Peers)?;
        context.output.list(&peers, || Grid {
            head: &["node", "standing", "dialled", "roles", "software", "address"],
            rows: peers
                .iter()
                .map(|peer| {
                    vec![
                        peer.id.to_string(),
                        peer.state.clone(),
                        dialled(peer).to_owned(),
                        joined(&peer.roles),
                        peer.software.clone(),
                        or_dash(peer.address.as_ref()),
                    ]
                })
                .collect(),
        })
    }
}

fn dialled(peer: &PeerView) -> &'static str {
    match (&peer.address, peer.outbound) {
        (None, _) => "-",
        (Some(_), true) => "by us",
        (Some(_), false) => "by it",
    }
}
