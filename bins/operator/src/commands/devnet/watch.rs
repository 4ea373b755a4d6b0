//! Asks the nodes of a devnet how they are, tells what happens, and collects what they say.

use super::{
    facts::{Asked, Facts, NodeFacts},
    nodes::Nodes,
    report::short,
};
use crate::{failure::Failure, output::say};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use nonos_node::{
    Client, ClientError,
    api::{Booked, EventPage, NodeEvent, Request, What},
};
use nonos_types::{FeeKind, JobId, NodeId};
use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _},
};

/// A node that is asked.
pub(super) struct Watched {
    pub(super) id: NodeId,
    client: Client,
    /// Number of the last event seen.
    seen: u64,
    events: Vec<NodeEvent>,
}

/// What happens, for people: a bar per job on a terminal, and lines.
pub(super) struct Board {
    bars: Option<MultiProgress>,
    jobs: BTreeMap<JobId, Shown>,
    nodes: Vec<NodeId>,
    /// Honest nodes but the executor.
    verifiers: usize,
}

struct Shown {
    name: String,
    bar: ProgressBar,
    verified: usize,
}

impl Watched {
    /// A node, from its first event on.
    pub(super) fn new(id: NodeId, client: Client) -> Self {
        Self {
            id,
            client,
            seen: 0,
            events: Vec::new(),
        }
    }

    /// Asks it.
    pub(super) fn call<T: serde::de::DeserializeOwned>(&mut self, request: &Request) -> Result<T, Failure> {
        Ok(self.client.call(request)?)
    }

    /// What happened there since this was last asked.
    pub(super) fn news(&mut self) -> Result<Vec<NodeEvent>, Failure> {
        let first = self.events.len();
        loop {
            let page: EventPage = self.call(&Request::Events { after: self.seen })?;
            self.seen = page.next;
            if page.events.is_empty() {
                return Ok(self.events[first..].to_vec());
            }
            self.events.extend(page.events);
        }
    }

    /// What happened there, as far as it was asked for.
    pub(super) fn events(&self) -> &[NodeEvent] {
        &self.events
    }

    fn facts(
        &mut self,
        place: (std::path::PathBuf, bool),
        trust_before: &Before,
    ) -> Result<NodeFacts, Failure> {
        let (data_dir, malicious) = place;
        Ok(NodeFacts {
            data_dir,
            malicious,
            status: self.call(&Request::Status)?,
            jobs: self.call(&Request::Jobs)?,
            books: self.call(&Request::Ledger)?,
            ledger: match self.client.call(&Request::VerifyLedger) {
                Ok(verified) => Ok(verified),
                Err(ClientError::Refused(error)) => Err(error.message),
                Err(error) => return Err(error.into()),
            },
            trust_before: trust_before.get(&self.id).cloned().unwrap_or_default(),
            trust: self.call(&Request::Trust)?,
            events: self.events.clone(),
        })
    }
}

/// What each node thought of its peers before the jobs.
pub(super) type Before = BTreeMap<NodeId, Vec<nonos_node::api::TrustView>>;

/// What each node thinks of its peers now.
pub(super) fn trust(nodes: &mut [Watched]) -> Result<Before, Failure> {
    nodes
        .iter_mut()
        .map(|node| Ok((node.id, node.call(&Request::Trust)?)))
        .collect()
}

/// Collects what the nodes say.
pub(super) fn collect(
    watched: &mut [Watched],
    nodes: &Nodes,
    asked: &[Asked],
    verifiers: u16,
    before: &Before,
) -> Result<Facts, Failure> {
    let facts = watched
        .iter_mut()
        .enumerate()
        .map(|(position, node)| node.facts(nodes.about(position), before));
    Ok(Facts {
        verifiers,
        jobs: asked.to_vec(),
        nodes: facts.collect::<Result<_, _>>()?,
    })
}

impl Shown {
    fn new(name: String, bar: ProgressBar) -> Self {
        let verified = 0;
        Self { name, bar, verified }
    }
}

impl Board {
    /// For these nodes.
    pub(super) fn new(nodes: &[Watched], verifiers: usize) -> Self {
        Self {
            bars: io::stderr().is_terminal().then(MultiProgress::new),
            jobs: BTreeMap::new(),
            nodes: nodes.iter().map(|node| node.id).collect(),
            verifiers,
        }
    }

    /// Shows a job from now on.
    pub(super) fn job(&mut self, id: JobId, name: String) {
        let bar = match &self.bars {
            Some(bars) => {
                let style = ProgressStyle::with_template("{prefix}  {elapsed:>4} {bar:24} {msg}");
                bars.add(ProgressBar::new(1000))
                    .with_style(style.expect("a valid template"))
            }
            None => ProgressBar::hidden(),
        };
        bar.set_prefix(name.clone());
        bar.set_message("offered");
        self.jobs.insert(id, Shown::new(name, bar));
    }

    /// A node did something.
    pub(super) fn tell(&mut self, node: usize, what: &What) {
        if let Some(job) = job_of(what)
            && !self.jobs.contains_key(&job)
        {
            // Offered from elsewhere.
            self.jobs.insert(
                job,
                Shown::new(format!("job {}", short(job)), ProgressBar::hidden()),
            );
        }
        let line = match what {
            What::Running { job } => self.stage(*job, format!("runs on node {node}"), 0),
            What::Proving { job, stage, permille } => {
                return drop(self.stage(*job, format!("node {node} proves: {stage}"), *permille));
            }
            What::Proved { job, ms } => {
                self.stage(*job, format!("proved by node {node}"), 1000);
                self.about(*job, &format!("node {node} made a receipt in {ms} ms"))
            }
            What::Failed { job, reason } => self.about(*job, &format!("failed on node {node}: {reason}")),
            What::Checked {
                job,
                executor,
                valid,
                ms,
            } => self.checked(node, *job, *executor, *valid, *ms),
            What::Booked { job, booked } => self.booked(node, *job, booked),
            What::Blacklisted { peer, evidence } => Some(format!(
                "node {node} blacklists {} on evidence {}",
                self.node(*peer),
                short(evidence)
            )),
            _ => None,
        };
        if let Some(line) = line {
            self.say(&line);
        }
    }

    /// Takes the bars away.
    pub(super) fn finish(&mut self) {
        for shown in self.jobs.values() {
            shown.bar.finish_and_clear();
        }
        self.bars = None;
    }

    fn say(&self, line: &str) {
        match &self.bars {
            // A terminal that is gone hears nothing; the exit code tells.
            Some(bars) => drop(bars.println(line)),
            None => say(line),
        }
    }

    fn checked(&mut self, node: usize, job: JobId, executor: NodeId, valid: bool, ms: u64) -> Option<String> {
        let executor = self.node(executor);
        if !valid {
            return self.about(
                job,
                &format!("node {node} refuses the receipt of {executor}: its proof is invalid"),
            );
        }
        let shown = self.jobs.get_mut(&job)?;
        shown.verified += 1;
        shown
            .bar
            .set_message(format!("verified by {} of {}", shown.verified, self.verifiers));
        self.about(
            job,
            &format!("node {node} verified the receipt of {executor} in {ms} ms"),
        )
    }

    fn booked(&mut self, node: usize, job: JobId, booked: &Booked) -> Option<String> {
        let Booked {
            kind,
            peer,
            paid: true,
            amount,
            ..
        } = booked
        else {
            return None;
        };
        if *kind == FeeKind::Execute {
            self.stage(job, format!("paid by node {node}"), 1000);
        }
        self.about(
            job,
            &format!("node {node} pays {} {amount} ({kind})", self.node(*peer)),
        )
    }

    /// Shows how far a job is, and says so if it is something new.
    fn stage(&self, job: JobId, message: String, permille: u16) -> Option<String> {
        let shown = self.jobs.get(&job)?;
        let line = format!("{}: {message}", shown.name);
        shown.bar.set_message(message);
        shown.bar.set_position(permille.into());
        Some(line)
    }

    fn about(&self, job: JobId, said: &str) -> Option<String> {
        Some(format!("{}: {said}", self.jobs.get(&job)?.name))
    }

    fn node(&self, id: NodeId) -> String {
        let position = self.nodes.iter().position(|node| *node == id);
        position.map_or_else(|| id.to_string(), |position| format!("node {position}"))
    }
}

/// Place in the life of a job.
pub(super) fn rank(what: &What) -> u8 {
    match what {
        What::Checked { .. } | What::Blacklisted { .. } => 1,
        What::Booked { .. } => 2,
        _ => 0,
    }
}

fn job_of(what: &What) -> Option<JobId> {
    match what {
        What::Running { job }
        | What::Proving { job, .. }
        | What::Proved { job, .. }
        | What::Failed { job, .. }
        | What::Checked { job, .. }
        | What::Booked { job, .. } => Some(*job),
        _ => None,
    }
}
