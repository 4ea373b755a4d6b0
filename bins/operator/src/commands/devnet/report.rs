//! What is printed of a devnet when its jobs are done: one JSON object, or a block per node.

use super::{
    check::{self, Finding},
    facts::{Asked, Facts, NodeFacts},
};
use crate::output::{Grid, joined, or_dash, percent};
use nonos_node::{
    api::{JobState, JobView, What},
    choice::Choice,
};
use nonos_types::{Amount, CapsuleHash, ExecHash, Fuel, JobId, NodeId};
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf, time::Duration};

/// How long things took, by the devnet's own clock.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    /// From the start of the first node.
    pub(super) total: Duration,
    /// From submission until every honest node has verified, by job.
    pub(super) verified: BTreeMap<JobId, Duration>,
    /// How long the mesh was cut in two, and from its healing until all was as it should be.
    pub(super) cut: Option<(Duration, Duration)>,
}

/// The outcome of a devnet.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    nodes: Vec<NodeReport>,
    jobs: Vec<JobReport>,
    /// The proof system of all jobs.
    backend: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'static str>,
    backend_reason: String,
    /// What does not hold, in words.
    failures: Vec<String>,
    /// Milliseconds that the mesh was cut in two.
    #[serde(skip_serializing_if = "Option::is_none")]
    cut_ms: Option<u64>,
    /// Milliseconds from the end of that until all was as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    healed_ms: Option<u64>,
    seconds: u64,
    ok: bool,
    #[serde(skip)]
    text: String,
}

#[derive(Debug, Serialize)]
struct NodeReport {
    id: NodeId,
    data_dir: PathBuf,
    malicious: bool,
    /// What it did, by role.
    roles: BTreeMap<String, u64>,
    executed: u64,
    verified_ok: u64,
    verified_bad: u64,
    /// Atto-NONOS, earned minus spent.
    balance: String,
    blacklisted: Vec<NodeId>,
    ledger_ok: bool,
    trust: Vec<PeerTrust>,
}

#[derive(Debug, Serialize)]
struct PeerTrust {
    node: NodeId,
    state: String,
    score_ppm: u32,
}

#[derive(Debug, Serialize)]
struct JobReport {
    job: JobId,
    capsule_hash: Option<CapsuleHash>,
    exec_hash: Option<ExecHash>,
    input_hex: String,
    output_hex: Option<String>,
    backend: Option<String>,
    /// By the executor's clock.
    prove_ms: Option<u64>,
    /// By the requester's clock.
    verify_ms: Option<u64>,
    proof_bytes: Option<u64>,
    fuel: Option<Fuel>,
    fee: Option<Amount>,
    executor: Option<NodeId>,
    verified_by_all_ms: Option<u64>,
    paid: bool,
}

impl Report {
    /// Of these facts, of which this does not hold.
    pub(super) fn new(facts: &Facts, findings: &[Finding], times: &Times, choice: &Choice) -> Self {
        Self {
            nodes: facts.nodes.iter().map(NodeReport::new).collect(),
            jobs: facts
                .jobs
                .iter()
                .map(|asked| JobReport::new(facts, asked, times))
                .collect(),
            backend: choice.method.system().id().to_string(),
            profile: choice.method.profile(),
            backend_reason: choice.reason.clone(),
            failures: findings.iter().map(Finding::to_string).collect(),
            cut_ms: times.cut.map(|(cut, _)| millis(&cut)),
            healed_ms: times.cut.map(|(_, healed)| millis(&healed)),
            seconds: times.total.as_secs(),
            ok: findings.is_empty(),
            text: text(facts),
        }
    }

    /// The same for people.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl NodeReport {
    fn new(node: &NodeFacts) -> Self {
        let status = &node.status;
        let trust = node.trust.iter().map(|it| PeerTrust {
            node: it.node,
            state: it.state.clone(),
            score_ppm: it.score_ppm,
        });
        Self {
            id: node.id(),
            data_dir: node.data_dir.clone(),
            malicious: node.malicious,
            roles: roles(node),
            executed: status.executed,
            verified_ok: status.verified_ok,
            verified_bad: status.verified_bad,
            balance: status.balance.clone(),
            blacklisted: status.blacklisted.clone(),
            ledger_ok: node.ledger.is_ok(),
            trust: trust.collect(),
        }
    }
}

impl JobReport {
    fn new(facts: &Facts, asked: &Asked, times: &Times) -> Self {
        let view = facts.requester(asked).job(asked.job);
        let receipt = view.and_then(|view| view.receipt.as_ref());
        let by_executor = receipt
            .and_then(|receipt| facts.position(receipt.executor))
            .and_then(|node| facts.nodes[node].job(asked.job)?.receipt.as_ref());
        Self {
            job: asked.job,
            capsule_hash: view.map(|view| view.capsule),
            exec_hash: receipt.map(|it| it.exec_hash),
            input_hex: hex::encode(&asked.input),
            output_hex: receipt.and_then(|it| it.result_hex.clone()),
            backend: view.map(|view| view.backend.clone()),
            prove_ms: by_executor.and_then(|it| it.prove_ms),
            verify_ms: receipt.and_then(|it| it.verify_ms),
            proof_bytes: receipt.map(|it| it.proof_bytes),
            fuel: receipt.map(|it| it.fuel),
            fee: receipt.map(|it| it.fee),
            executor: receipt.map(|it| it.executor),
            verified_by_all_ms: times.verified.get(&asked.job).map(millis),
            paid: view.is_some_and(|view| view.state == JobState::Paid),
        }
    }
}

fn millis(time: &Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How often a node acted in each role.
fn roles(node: &NodeFacts) -> BTreeMap<String, u64> {
    let mut roles = BTreeMap::new();
    // How a proof comes along is no act of its own.
    let acts = node
        .events
        .iter()
        .filter(|event| !matches!(event.what, What::Proving { .. }));
    for role in acts.filter_map(|event| event.role) {
        *roles.entry(role.to_string()).or_default() += 1;
    }
    roles
}

fn text(facts: &Facts) -> String {
    let mut text = String::new();
    for (job, asked) in facts.jobs.iter().enumerate() {
        let found = check::done(facts, asked).and_then(|(_, receipt)| receipt.result_hex.as_deref());
        let _ = writeln!(text, "job {job}  SHA-256 of {}", shown(&asked.input));
        let _ = writeln!(text, "       {}", found.unwrap_or("no result"));
    }
    for (position, node) in facts.nodes.iter().enumerate() {
        text.push('\n');
        block(&mut text, facts, position, node);
    }
    text
}

fn shown(input: &[u8]) -> String {
    str::from_utf8(input).map_or_else(|_| hex::encode(input), |text| format!("{text:?}"))
}

fn block(text: &mut String, facts: &Facts, position: usize, node: &NodeFacts) {
    let asks = facts.jobs.iter().any(|asked| asked.requester == position);
    let kind = match (node.malicious, asks) {
        (true, _) => "  malicious",
        (_, true) => "  requester",
        _ => "",
    };
    let _ = writeln!(text, "node {position}  {}{kind}", short(node.id()));
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<7}{value}");
    };
    let acts = roles(node);
    line(
        "events",
        &joined(acts.iter().map(|(role, times)| format!("{role} {times}"))),
    );
    line("fees", &fees(facts, node));
    line("trust", &trust(facts, node));
    let ledger = match &node.ledger {
        Ok(verified) => format!("{} entries, recomputed", verified.entries),
        Err(why) => format!("wrong: {why}"),
    };
    line("ledger", &ledger);
    let views = facts.jobs.iter().enumerate();
    let grid = Grid {
        head: HEAD,
        rows: views
            .filter_map(|(job, asked)| Some(row(job, node, node.job(asked.job)?)))
            .collect(),
    };
    for row in grid.lines().lines() {
        let _ = writeln!(text, "  {row}");
    }
}

const HEAD: &[&str] = &[
    "job",
    "did",
    "capsule hash",
    "exec hash",
    "backend",
    "prove ms",
    "verify ms",
    "proof bytes",
    "fees",
];

fn row(job: usize, node: &NodeFacts, view: &JobView) -> Vec<String> {
    let receipt = view.receipt.as_ref();
    vec![
        job.to_string(),
        deed(node, view),
        short(view.capsule),
        or_dash(receipt.map(|it| short(it.exec_hash))),
        view.backend.clone(),
        or_dash(receipt.and_then(|it| it.prove_ms)),
        or_dash(receipt.and_then(|it| it.verify_ms)),
        or_dash(receipt.map(|it| it.proof_bytes)),
        signed(&sum(view, false), &sum(view, true)),
    ]
}

/// What a node did in a job, in a few words.
fn deed(node: &NodeFacts, view: &JobView) -> String {
    let times = |is: &dyn Fn(&What) -> bool| node.events.iter().filter(|event| is(&event.what)).count();
    let checked = |wanted| {
        times(
            &|what| matches!(what, What::Checked { job, valid, .. } if (*job, *valid) == (view.job, wanted)),
        )
    };
    let proved = times(&|what| matches!(what, What::Proved { job, .. } if *job == view.job)) > 0;
    let mut did = Vec::new();
    if proved {
        did.push(if node.malicious { "forged" } else { "proved" });
    }
    if checked(true) > 0 {
        did.push("verified");
    }
    if checked(false) > 0 {
        did.push("refused a forgery");
    }
    if did.is_empty() {
        "-".to_owned()
    } else {
        did.join(", ")
    }
}

/// What a node has booked for a job, on one side.
fn sum(view: &JobView, paid: bool) -> Amount {
    let booked = view
        .booked
        .iter()
        .filter(|it| it.paid == paid)
        .map(|it| it.amount);
    booked.fold(Amount::ZERO, |sum, it| sum.checked_add(it).unwrap_or(Amount::MAX))
}

fn signed(earned: &Amount, spent: &Amount) -> String {
    match (*earned == Amount::ZERO, *spent == Amount::ZERO) {
        (true, true) => "-".to_owned(),
        (false, true) => format!("+{earned}"),
        (true, false) => format!("-{spent}"),
        (false, false) => format!("+{earned} -{spent}"),
    }
}

fn fees(facts: &Facts, node: &NodeFacts) -> String {
    let total = |paid| {
        let views = facts.jobs.iter().filter_map(|asked| node.job(asked.job));
        views.fold(Amount::ZERO, |total, view| {
            total.checked_add(sum(view, paid)).unwrap_or(Amount::MAX)
        })
    };
    format!("earned {}, spent {}", total(false), total(true))
}

fn trust(facts: &Facts, node: &NodeFacts) -> String {
    let views = node.trust.iter().filter_map(|view| {
        let position = facts.position(view.node)?;
        let score = percent(view.score_ppm);
        Some((position, format!("node {position} {score} {}", view.state)))
    });
    joined(views.collect::<BTreeMap<_, _>>().into_values())
}

/// The first digits: enough to tell a handful apart.
pub(super) fn short(name: impl ToString) -> String {
    name.to_string().chars().take(12).collect()
}
