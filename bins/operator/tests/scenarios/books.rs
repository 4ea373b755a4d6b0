//! What nodes must agree on after all that happened, and what must not have happened to any of them.

use nonos_node::api::{Books, JobState, JobView, Request, TrustView, Verified};
use nonos_types::{Amount, FeeKind, JobId, NodeId};
use std::collections::{BTreeMap, BTreeSet};

use crate::mesh::Mesh;

/// A job that was offered, and by which node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offered {
    pub(crate) job: JobId,
    pub(crate) by: usize,
}

/// All that is not as it should be: the same jobs, receipts and verdicts everywhere, each job paid once and booked by both
/// sides, books that recompute and agree, and nobody suspected.
pub(crate) fn wrong(mesh: &mut Mesh, offered: &[Offered]) -> Vec<String> {
    let ids: Vec<NodeId> = mesh.nodes.iter().map(|node| node.id).collect();
    let mut wrong = Vec::new();
    for it in offered {
        let views: Vec<_> = mesh.nodes.iter_mut().map(|node| node.job(it.job)).collect();
        let views: Vec<JobView> = views.into_iter().flatten().collect();
        if views.len() < ids.len() {
            wrong.push(format!(
                "{}: known to {} of {} nodes",
                it.job,
                views.len(),
                ids.len()
            ));
        } else {
            check_job(it, &ids, &views, &mut wrong);
        }
    }
    check_books(mesh, &ids, &mut wrong);
    wrong
}

fn check_job(it: &Offered, ids: &[NodeId], views: &[JobView], wrong: &mut Vec<String>) {
    let what = |view: &JobView| {
        let receipt = view
            .receipt
            .as_ref()
            .map(|receipt| (receipt.receipt, receipt.executor));
        let verdicts: BTreeSet<_> = view.verdicts.iter().copied().collect();
        (view.state, receipt, verdicts)
    };
    let (state, receipt, verdicts) = what(&views[it.by]);
    if state != JobState::Paid {
        wrong.push(format!("{}: {state:?}", it.job));
    }
    for (node, view) in views.iter().enumerate() {
        let seen = what(view);
        if seen != (state, receipt, verdicts.clone()) {
            wrong.push(format!(
                "{}: node {node} sees {:?} with {} verdicts",
                it.job,
                seen.0,
                seen.2.len()
            ));
        }
    }
    let executions = |node: usize, paid: bool| {
        let booked = views[node].booked.iter();
        booked
            .filter(|it| it.kind == FeeKind::Execute && it.paid == paid)
            .count()
    };
    let executor = receipt.map(|(_, executor)| executor);
    for (node, id) in ids.iter().enumerate() {
        let due = (usize::from(node == it.by), usize::from(Some(*id) == executor));
        let booked = (executions(node, true), executions(node, false));
        if booked != due {
            wrong.push(format!(
                "{}: node {node} has booked {booked:?}, not {due:?}",
                it.job
            ));
        }
    }
    for node in (0..ids.len()).filter(|node| *node != it.by) {
        for kind in FeeKind::ALL {
            let paid = amounts(&views[it.by], kind, true, ids[node]);
            let got = amounts(&views[node], kind, false, ids[it.by]);
            if paid != got || paid.len() > 1 {
                wrong.push(format!(
                    "{}: {kind:?} paid to node {node}: {paid:?}, got: {got:?}",
                    it.job
                ));
            }
        }
    }
}

fn amounts(view: &JobView, kind: FeeKind, paid: bool, peer: NodeId) -> Vec<Amount> {
    let is = |it: &&nonos_node::api::Booked| (it.kind, it.paid, it.peer) == (kind, paid, peer);
    view.booked.iter().filter(is).map(|it| it.amount).collect()
}

fn check_books(mesh: &mut Mesh, ids: &[NodeId], wrong: &mut Vec<String>) {
    let mut owed: Vec<BTreeMap<NodeId, i128>> = Vec::new();
    for (host, node) in mesh.nodes.iter_mut().enumerate() {
        // A ledger that is damaged has no answer.
        let _: Verified = node.ask(&Request::VerifyLedger);
        let books: Books = node.ask(&Request::Ledger);
        let line = |(peer, text): &(NodeId, String)| (*peer, text.parse().expect("a number"));
        owed.push(books.owed_by.iter().map(line).collect());
        let status = node.status();
        wrong.extend(
            status
                .warnings
                .iter()
                .map(|it| format!("node {host} warns: {it}")),
        );
        let trust: Vec<TrustView> = node.ask(&Request::Trust);
        let suspected = trust
            .iter()
            .filter(|it| matches!(it.state.as_str(), "probation" | "blacklisted"));
        wrong.extend(suspected.map(|it| format!("node {host}: {} is {}", it.node, it.state)));
    }
    for one in 0..ids.len() {
        for other in one + 1..ids.len() {
            let says = |who: usize, of: usize| owed[who].get(&ids[of]).copied().unwrap_or(0);
            if says(one, other) != -says(other, one) {
                wrong.push(format!(
                    "nodes {one} and {other} disagree on what they owe each other"
                ));
            }
        }
    }
}
