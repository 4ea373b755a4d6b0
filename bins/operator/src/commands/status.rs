//! `operator status`: how a running node is.

use super::Context;
use crate::{
    datadir::DataArgs,
    failure::Failure,
    output::{joined, money},
};
use nonos_node::api::{AnonymityView, Request, Status as View};

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
                ("hidden", hidden(view.anonymity.as_ref())),
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

/// How well the node is hidden, without a promise.
fn hidden(anonymity: Option<&AnonymityView>) -> String {
    let Some(it) = anonymity else {
        return "no: the onion layer is off".to_owned();
    };
    let around = match it.around {
        0 => String::new(),
        sent => format!("; {} of {sent} frames came around", it.back),
    };
    let cover = if it.cover {
        ""
    } else {
        "; without cover, it can be seen when something is said"
    };
    match (it.hops, &it.why_open) {
        (Some(hops), _) => format!(
            "capsule look-ups and first publication of receipts, among {} nodes, by {hops} hops and {} guards{cover}{around}",
            it.mixes, it.guards
        ),
        (None, why) => {
            let why = why.as_deref().unwrap_or("there is no route");
            format!("no: {why}")
        }
    }
}

#[cfg(test)]
mod tests {
    use nonos_node::Policy;

    use super::*;

    fn view() -> AnonymityView {
        AnonymityView {
            policy: Policy::Preferred,
            hops: Some(3),
            why_open: None,
            mixes: 11,
            guards: 2,
            cover: true,
            around: 25,
            back: 24,
            own: 0,
            cover_frames: 0,
            forwarded: 0,
            refused: vec![],
            lost: 0,
            answered: 0,
            failed: 0,
        }
    }

    #[test]
    fn what_is_not_hidden_is_said() {
        let hidden = |it: &AnonymityView| super::hidden(Some(it));
        assert_eq!(
            hidden(&view()),
            "capsule look-ups and first publication of receipts, among 11 nodes, by 3 hops and 2 guards; 24 of 25 frames came around"
        );
        let metered = AnonymityView {
            cover: false,
            around: 0,
            ..view()
        };
        assert!(
            hidden(&metered)
                .ends_with("by 3 hops and 2 guards; without cover, it can be seen when something is said")
        );
        let open = AnonymityView {
            hops: None,
            why_open: Some("no guard is connected".to_owned()),
            ..view()
        };
        assert_eq!(hidden(&open), "no: no guard is connected");
        assert_eq!(super::hidden(None), "no: the onion layer is off");
    }
}
