//! What must hold in a devnet whose jobs are done, judged from what its nodes say and from nothing else.

use super::facts::{Asked, Facts, NodeFacts};
use nonos_node::api::{Booked, JobState, JobView, ReceiptView, TrustView, What};
use nonos_types::{Amount, Fault, FeeKind, JobId, NodeId};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Score of a peer of which nothing is known, in parts per million.
const NEWCOMER: u32 = 300_000;

/// Something that does not hold. Jobs and nodes are named by their position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(super) enum Finding {
    /// No receipt of the job verifies at the requester.
    NotProved { job: usize },
    /// The result is not the SHA-256 of the input.
    WrongOutput {
        job: usize,
        expected: String,
        found: String,
    },
    /// The executor is not known, or is one of the malicious.
    WrongExecutor { job: usize, executor: NodeId },
    /// The requester has not paid.
    NotPaid { job: usize, state: JobState },
    /// An honest node has not verified the receipt.
    NotVerified { job: usize, node: usize },
    /// An honest node found the receipt invalid that the requester paid for.
    Refused { job: usize, node: usize },
    /// The execution is in these books this often, and not once.
    NotBookedOnce { job: usize, node: usize, times: usize },
    /// A fee is in the payer's books, but not once in the payee's, or the other way round.
    OneSided {
        job: usize,
        payer: usize,
        payee: usize,
        kind: FeeKind,
    },
    /// Fewer verifiers are paid than were promised.
    BountiesUnpaid {
        job: usize,
        promised: usize,
        paid: usize,
    },
    /// Two nodes' books do not say the same about what one owes the other, in atto-NONOS.
    LedgersDisagree {
        one: usize,
        other: usize,
        says_one: i128,
        says_other: i128,
    },
    /// A figure in the books cannot be read.
    BadFigure { node: usize, text: String },
    /// A node's books do not recompute.
    LedgerWrong { node: usize, why: String },
    /// An honest node still deals with a malicious one.
    NotBlacklisted { malicious: usize, by: usize },
    /// A node refuses one that did nothing wrong.
    HonestBlacklisted { honest: usize, by: usize },
    /// An honest node does not think better of an executor than before.
    TrustNotRisen { executor: usize, at: usize },
}

impl Finding {
    /// Can waiting not cure it?
    pub(super) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::WrongOutput { .. }
                | Self::WrongExecutor { .. }
                | Self::Refused { .. }
                | Self::BadFigure { .. }
                | Self::LedgerWrong { .. }
                | Self::HonestBlacklisted { .. }
        ) || matches!(self, Self::NotBookedOnce { times, .. } if *times > 1)
    }

    /// Who must act: what is wrong is a node's fault; what is late, the machine's.
    pub(super) fn fault(&self) -> Fault {
        if self.is_final() || matches!(self, Self::LedgersDisagree { .. } | Self::OneSided { .. }) {
            Fault::Peer
        } else {
            Fault::Environment
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotProved { job } => write!(f, "job {job}: not proved"),
            Self::WrongOutput { job, expected, found } => {
                write!(
                    f,
                    "job {job}: the result is {found}, the SHA-256 of the input is {expected}"
                )
            }
            Self::WrongExecutor { job, executor } => {
                write!(
                    f,
                    "job {job}: {executor}, who is paid, is not an honest node of this mesh"
                )
            }
            Self::NotPaid { job, state } => write!(f, "job {job}: not paid, but {}", name(*state)),
            Self::NotVerified { job, node } => write!(f, "job {job}: not verified by node {node}"),
            Self::Refused { job, node } => {
                write!(
                    f,
                    "job {job}: node {node} found the receipt invalid that the requester accepted"
                )
            }
            Self::NotBookedOnce { job, node, times } => {
                write!(
                    f,
                    "job {job}: the execution is {times} times in the books of node {node}, not once"
                )
            }
            Self::OneSided {
                job,
                payer,
                payee,
                kind,
            } => write!(
                f,
                "job {job}: the {kind} fee from node {payer} to node {payee} is not once in the books of both"
            ),
            Self::BountiesUnpaid { job, promised, paid } => {
                write!(f, "job {job}: {paid} of {promised} verifiers are paid")
            }
            Self::LedgersDisagree {
                one,
                other,
                says_one,
                says_other,
            } => write!(
                f,
                "the ledgers disagree: node {one} says that node {other} owes it {says_one} atto-NONOS, node {other} says \
                 the same of node {one} with {says_other}"
            ),
            Self::BadFigure { node, text } => {
                write!(f, "node {node}: `{text}` in its books is not an amount")
            }
            Self::LedgerWrong { node, why } => write!(f, "node {node}: its ledger does not verify: {why}"),
            Self::NotBlacklisted { malicious, by } => {
                write!(
                    f,
                    "node {malicious} is malicious and not blacklisted by node {by}"
                )
            }
            Self::HonestBlacklisted { honest, by } => {
                write!(f, "node {honest} is honest and blacklisted by node {by}")
            }
            Self::TrustNotRisen { executor, at } => {
                write!(
                    f,
                    "the trust of node {executor}, which executed, has not risen at node {at}"
                )
            }
        }
    }
}

/// A state, as people read it.
pub(super) fn name(state: JobState) -> &'static str {
    match state {
        JobState::Offered => "offered",
        JobState::Awarded => "awarded",
        JobState::Running => "running",
        JobState::Proved => "proved",
        JobState::Paid => "paid",
        JobState::Cancelled => "cancelled",
        JobState::Expired => "expired",
    }
}

/// Has the requester paid?
pub(super) fn is_paid(view: &JobView) -> bool {
    view.state == JobState::Paid
}

/// SHA-256, computed here and not by a capsule.
pub(super) fn sha256_hex(input: &[u8]) -> String {
    hex::encode(Sha256::digest(input))
}

/// All that does not hold; nothing, if the devnet is as it should be.
pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (job, asked) in facts.jobs.iter().enumerate() {
        check_job(facts, job, asked, &mut findings);
    }
    for (node, it) in facts.nodes.iter().enumerate().filter(|(_, it)| !it.malicious) {
        if let Err(why) = &it.ledger {
            let why = why.clone();
            findings.push(Finding::LedgerWrong { node, why });
        }
        check_blacklist(facts, node, it, &mut findings);
        check_debts(facts, node, it, &mut findings);
    }
    findings
}

/// Is the job done in the eyes of its requester, and by whom?
pub(super) fn done<'a>(facts: &'a Facts, asked: &Asked) -> Option<(&'a JobView, &'a ReceiptView)> {
    let view = facts.requester(asked).job(asked.job)?;
    Some((view, view.receipt.as_ref()?))
}

fn check_job(facts: &Facts, job: usize, asked: &Asked, findings: &mut Vec<Finding>) {
    let Some((view, receipt)) = done(facts, asked) else {
        return findings.push(Finding::NotProved { job });
    };
    let (expected, found) = (
        sha256_hex(&asked.input),
        receipt.result_hex.clone().unwrap_or_default(),
    );
    if found != expected {
        findings.push(Finding::WrongOutput { job, expected, found });
    }
    let executor = facts
        .position(receipt.executor)
        .filter(|node| !facts.nodes[*node].malicious);
    let Some(executor) = executor else {
        let executor = receipt.executor;
        return findings.push(Finding::WrongExecutor { job, executor });
    };
    if !is_paid(view) {
        findings.push(Finding::NotPaid {
            job,
            state: view.state,
        });
    }
    for (node, it) in facts.honest().filter(|(node, _)| *node != executor) {
        match verdict(it, asked.job, receipt.executor) {
            Some(true) => {}
            Some(false) => findings.push(Finding::Refused { job, node }),
            None => findings.push(Finding::NotVerified { job, node }),
        }
        if execute_score(&it.trust, receipt.executor) <= execute_score(&it.trust_before, receipt.executor) {
            let risen = Finding::TrustNotRisen { executor, at: node };
            if !findings.contains(&risen) {
                findings.push(risen);
            }
        }
    }
    check_fees(facts, job, asked, executor, findings);
}

/// What a node found when it checked this executor's receipt, if it did. One bad verdict outweighs a good one: a
/// receipt is valid or not.
fn verdict(node: &NodeFacts, asked: JobId, by: NodeId) -> Option<bool> {
    let verdicts = node.events.iter().filter_map(|event| match event.what {
        What::Checked {
            job, executor, valid, ..
        } if (job, executor) == (asked, by) => Some(valid),
        _ => None,
    });
    verdicts.reduce(|one, other| one && other)
}

/// Score in the context of execution, in parts per million.
fn execute_score(trust: &[TrustView], peer: NodeId) -> u32 {
    let view = trust.iter().find(|it| it.node == peer);
    let score = view.and_then(|it| it.contexts.iter().find(|(name, ..)| name == "execute"));
    score.map_or(NEWCOMER, |(_, score, _)| *score)
}

fn check_fees(facts: &Facts, job: usize, asked: &Asked, executor: usize, findings: &mut Vec<Finding>) {
    let requester = asked.requester;
    let booked = |node: usize| {
        facts.nodes[node]
            .job(asked.job)
            .map_or(&[][..], |view| &view.booked)
    };
    let executions = |node: usize, paid: bool, peer: Option<NodeId>| {
        let is = |it: &&Booked| {
            it.kind == FeeKind::Execute && it.paid == paid && peer.is_none_or(|peer| it.peer == peer)
        };
        booked(node).iter().filter(is).count()
    };
    // Whoever was paid, it was one.
    let times = executions(requester, true, None);
    if times != 1 {
        findings.push(Finding::NotBookedOnce {
            job,
            node: requester,
            times,
        });
    }
    for (node, _) in facts.honest().filter(|(node, _)| *node != requester) {
        let (times, wanted) = (executions(node, false, None), usize::from(node == executor));
        if times != wanted {
            findings.push(Finding::NotBookedOnce { job, node, times });
        }
    }
    for (payee, it) in facts.honest().filter(|(node, _)| *node != requester) {
        for kind in FeeKind::ALL {
            let paid = amounts(booked(requester), kind, true, it.id());
            let got = amounts(booked(payee), kind, false, facts.requester(asked).id());
            if paid.len() > 1 || paid != got {
                findings.push(Finding::OneSided {
                    job,
                    payer: requester,
                    payee,
                    kind,
                });
            }
        }
    }
    let is_bounty = |it: &&Booked| it.kind == FeeKind::Verify && it.paid;
    let paid = booked(requester).iter().filter(is_bounty).count();
    let promised = usize::from(facts.verifiers);
    if paid < promised {
        findings.push(Finding::BountiesUnpaid { job, promised, paid });
    }
}

fn amounts(booked: &[Booked], kind: FeeKind, paid: bool, peer: NodeId) -> Vec<Amount> {
    let is = |it: &&Booked| (it.kind, it.paid, it.peer) == (kind, paid, peer);
    booked.iter().filter(is).map(|it| it.amount).collect()
}

fn check_blacklist(facts: &Facts, by: usize, node: &NodeFacts, findings: &mut Vec<Finding>) {
    for (other, it) in facts.nodes.iter().enumerate().filter(|(other, _)| *other != by) {
        match (it.malicious, node.status.blacklisted.contains(&it.id())) {
            (true, false) => findings.push(Finding::NotBlacklisted { malicious: other, by }),
            (false, true) => findings.push(Finding::HonestBlacklisted { honest: other, by }),
            _ => {}
        }
    }
}

/// For each pair of honest nodes, what the one says the other owes is what the other says it owes.
fn check_debts(facts: &Facts, one: usize, node: &NodeFacts, findings: &mut Vec<Finding>) {
    for (other, it) in facts.honest().filter(|(other, _)| *other > one) {
        let says_one = owed(one, node, it.id());
        let says_other = owed(other, it, node.id());
        match (says_one, says_other) {
            (Ok(says_one), Ok(says_other)) => {
                if says_one.checked_neg() != Some(says_other) {
                    findings.push(Finding::LedgersDisagree {
                        one,
                        other,
                        says_one,
                        says_other,
                    });
                }
            }
            (Err(bad), _) | (_, Err(bad)) => findings.push(bad),
        }
    }
}

/// What a node's books say a peer owes it, in atto-NONOS.
fn owed(node: usize, facts: &NodeFacts, peer: NodeId) -> Result<i128, Finding> {
    let Some((_, text)) = facts.books.owed_by.iter().find(|(of, _)| *of == peer) else {
        return Ok(0);
    };
    let text = text.clone();
    text.parse().map_err(|_| Finding::BadFigure { node, text })
}

#[cfg(test)]
mod tests;
