//! `operator status`: how a running node is.

use super::Context;
use crate::{
    datadir::DataArgs,
    failure::Failure,
    output::{joined, money},
};
use nonos_node::api::{Request, Status as View};

/// Shows how the running node is.
#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    #[command(flatten)]
    data: DataArgs,
}

impl Status {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let view: View = self.data.client()?.call(&Request::Status)?;
        context.output.show(&view, || {
            let mut table = vec![
                ("node", view.id.to_string()),
                ("network", view.network.to_string()),
                ("version", view.version.clone()),
                ("data directory", view.data_dir.clone()),
                ("up", format!("{} s", view.uptime_s)),
                ("listens on", joined(&view.addresses)),
                ("peers", view.peers.to_string()),
                ("roles taken", joined(&view.roles)),
                ("snapshot", view.snapshot.to_string()),
                (
                    "capsules' processes give up",
                    joined(view.sandbox.iter().flat_map(|it| it.applied())),
                ),
                (
                    "jobs",
                    joined(
                        view.jobs
                            .iter()
                            .map(|(state, count)| format!("{count} {}", super::job::state(*state))),
                    ),
                ),
                ("runs proved", view.executed.to_string()),
                (
                    "proofs verified",
                    format!("{} good, {} bad", view.verified_ok, view.verified_bad),
                ),
                ("balance", money(&view.balance)),
                ("blacklisted", joined(&view.blacklisted)),
                (
                    "dropped",
                    joined(
                        view.dropped
                            .iter()
                            .map(|(reason, count)| format!("{count} {reason}")),
                    ),
                ),
            ];
            table.extend(view.warnings.iter().map(|warning| ("warning", warning.clone())));
            table
        })
    }
}
