//! `operator status`: how a running node is.

use super::Context;
use crate::{
    datadir::DataArgs,
    failure::Failure,
    output::{Table, joined, money},
};
use nonos_node::api::{AnonymityView, LimitsView, Request, Status as View};
use nonos_types::ByteLen;

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
                ("roles announced", joined(&view.announced)),
                ("roles acted in", joined(&view.roles)),
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
                    "segments proved",
                    format!(
                        "{} by others for us, {} for others",
                        view.segments_given, view.segments_helped
                    ),
                ),
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
            table.extend(limits(&view.limits));
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

/// What may be used, and what is.
fn limits(limits: &LimitsView) -> Table {
    let most =
        |most: Option<ByteLen>| most.map_or("no limit".to_owned(), |it| format!("at most {}", size(it)));
    let month = ByteLen::new((limits.sent_this_month.get()).saturating_add(limits.received_this_month.get()));
    vec![
        ("cores for proofs", limits.cores.to_string()),
        ("memory of a run or proof", most(limits.memory)),
        (
            "disk",
            format!("{}, {}", size(limits.disk_used), most(limits.disk)),
        ),
        (
            "peers get objects at",
            limits
                .upload_kbit_s
                .map_or("any rate".to_owned(), |it| format!("{it} kbit/s at most")),
        ),
        (
            "traffic this month",
            format!(
                "{} ({} sent), {}",
                size(month),
                size(limits.sent_this_month),
                most(limits.monthly)
            ),
        ),
        ("quiet hours (UTC)", joined(&limits.quiet_hours)),
        ("limits reached", joined(&limits.reached)),
    ]
}

/// Bytes, in the largest unit of which there is one.
fn size(len: ByteLen) -> String {
    const UNITS: [(&str, u64); 4] = [
        ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("KB", 1_000),
    ];
    let fits = UNITS.iter().find(|(_, unit)| len.get() >= *unit);
    fits.map_or_else(
        || len.to_string(),
        |(name, unit)| format!("{}.{} {name}", len.get() / unit, len.get() % unit / (unit / 10)),
    )
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

    #[test]
    fn sizes_are_rounded_down() {
        let shown =
            [0, 999, 1_000, 1_999_999, 20_000_000_000, 1_500_000_000_000].map(|it| size(ByteLen::new(it)));
        assert_eq!(
            shown,
            ["0 bytes", "999 bytes", "1.0 KB", "1.9 MB", "20.0 GB", "1.5 TB"]
        );
    }
}
