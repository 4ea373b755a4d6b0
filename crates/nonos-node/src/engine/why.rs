//! What keeps something from being done, in the order in which it would have to be mended.

mod job;

use nonos_types::{CapsuleHash, JobId, NodeId};

use super::{Answer, Engine, Error, Facts, effect::Bounds, executor::Refusal};
use crate::api::{Finding, RequestError, Subject, WhyNot};

/// What can be answered at once, or what only the edge can complete.
type Known = Result<WhyNot, Answer>;

impl Engine {
    /// A job or a node if one of that name is known, else a capsule.
    pub(super) fn why_not_about(&self, about: &str) -> Result<Result<Known, RequestError>, Error> {
        let bad = || RequestError {
            message: format!(
                "`{about}` is no name: give the 64 hexadecimal digits of a job, a node or a capsule"
            ),
            fault: "caller".to_owned(),
        };
        let (Ok(job), Ok(node), Ok(capsule)) = (
            about.parse::<JobId>(),
            about.parse::<NodeId>(),
            about.parse::<CapsuleHash>(),
        ) else {
            return Ok(Err(bad()));
        };
        let (subject, findings) = if let Some(it) = self.jobs.get(&job) {
            (Subject::Job, self.why_not_job(job, it)?)
        } else if let Some(offer) = self.journal.offer(job)? {
            let text = format!(
                "it is over: it was wanted until {}, and is no longer kept",
                offer.deadline
            );
            (Subject::Job, vec![Finding::new("over", text)])
        } else if self.has_heard_of(node)? {
            (Subject::Peer, self.why_not_peer(node)?)
        } else {
            return Ok(Ok(Err(Answer::WhyNotCapsule {
                capsule,
                bounds: Bounds::of(&self.config),
                findings: self.jobs_with(capsule),
            })));
        };
        Ok(Ok(Ok(WhyNot {
            subject,
            name: about.to_owned(),
            findings,
        })))
    }

    fn has_heard_of(&self, node: NodeId) -> Result<bool, Error> {
        Ok(node == self.me
            || self.directory.get(node).is_some()
            || self.connected.contains_key(&node)
            || self.last_good.0.contains_key(&node)
            || self.avoided.contains(&node)
            || self.trust.is_blacklisted(node)?
            || !self.trust.explain(node)?.is_empty())
    }

    /// What keeps a node from being a peer, and from being given jobs.
    fn why_not_peer(&self, node: NodeId) -> Result<Vec<Finding>, Error> {
        if node == self.me {
            return Ok(vec![Finding::new("self", "it is this node")]);
        }
        let mut findings = Vec::new();
        if self.trust.is_blacklisted(node)? {
            let convictions = self.trust.convictions()?;
            let shown = convictions.iter().find(|(peer, _)| *peer == node);
            let why = shown.map_or_else(
                || {
                    "it was blocked, or was on probation too often: `operator trust explain` lists its deeds"
                        .to_owned()
                },
                |(_, evidence)| {
                    format!("evidence {evidence} shows its fault: `operator trust evidence` has it")
                },
            );
            let text = format!("it is blacklisted: no connection, no jobs, no heed to its claims; {why}");
            findings.push(
                Finding::new("blacklisted", text)
                    .or(format!("`operator trust unblock {node}`, if you know better")),
            );
        }
        if self.avoided.contains(&node) {
            let text = "this node was asked to have no connection to it";
            findings
                .push(Finding::new("avoided", text).or("ask for no such thing, or start this node again"));
        }
        let descriptor = self.directory.get(node);
        if !self.connected.contains_key(&node) && findings.is_empty() {
            findings.push(self.why_not_connected(node, descriptor.map(|it| it.addresses.len())));
        }
        if let Some(descriptor) = descriptor
            && !descriptor.roles.contains(nonos_types::Role::Executor)
        {
            let text = "it does not announce to run capsules: it claims no jobs";
            findings.push(Finding::new("no-executor", text));
        }
        let standing = self.trust.standing(node, self.now.time)?;
        if standing.state == nonos_trust::State::Probation {
            let text = "it is on probation: others get the jobs it claims, if they claim them, too";
            findings.push(
                Finding::new("probation", text).or(format!("`operator trust explain {node}` says what for")),
            );
        }
        Ok(findings)
    }

    fn why_not_connected(&self, node: NodeId, addresses: Option<usize>) -> Finding {
        match (addresses, self.last_good.0.contains_key(&node)) {
            (None, true) => Finding::new(
                "gone",
                "it was connected before, and no descriptor of it is valid now: it is tried where it was",
            ),
            (None, false) => Finding::new(
                "unlisted",
                "no descriptor of it is valid here, so that nobody knows where it is",
            )
            .or("have its operator look at `operator status` there, or join by its invitation (`operator peers join`)"),
            (Some(0), _) => Finding::new("no-address", "it announces no address: it connects to others, nobody to it"),
            (Some(_), _) => Finding::new(
                "not-connected",
                format!(
                    "it is listed, and not connected: {} peers are, or it does not answer at its addresses",
                    self.connected.len()
                ),
            )
            .or("`operator peers join` with its invitation keeps a connection to it"),
        }
    }

    /// What keeps this node from running jobs of a capsule.
    fn jobs_with(&self, capsule: CapsuleHash) -> Vec<Finding> {
        let of_it = self.jobs.iter().filter(|(_, job)| job.offer.capsule == capsule);
        let refused = of_it.filter_map(|(id, job)| Some((id, job.refused.as_ref()?)));
        let mut findings: Vec<Finding> = Vec::new();
        for (id, refused) in refused {
            if findings.iter().all(|it| it.code != refused.code) {
                findings.push(found(
                    refused.code,
                    format!("job {id} of it is not run here: {}", refused.reason),
                ));
            }
        }
        findings
    }
}

/// What a capsule's package says that this node does not bear.
pub(crate) fn refused_facts(facts: &Facts, bounds: &Bounds) -> Option<Finding> {
    let refusal = Refusal::of_capsule(facts, bounds)?;
    Some(found(refusal.code(), refusal.to_string()))
}

/// A reason for which a job is not run, with what can be done about it.
fn found(code: &str, text: impl Into<String>) -> Finding {
    let finding = Finding::new(code, text);
    match remedy(code) {
        Some(remedy) => finding.or(remedy),
        None => finding,
    }
}

fn remedy(code: &str) -> Option<&'static str> {
    Some(match code {
        "pinned" => {
            "set `executor = \"auto\"` under [roles], and `enabled = true` under [executor], in config.toml"
        }
        "blacklisted" => "`operator trust explain` says what for; `operator trust unblock` lifts it",
        "input" => "raise `max_input` under [executor] in config.toml",
        "fuel" => "raise `max_fuel` under [executor] in config.toml",
        "memory" => "raise `max_pages` under [executor], or `memory` under [limits], in config.toml",
        "limits.memory" => "remove `memory` under [limits] in config.toml, or leave halo2 to others",
        "price" => "lower `min_fuel_price` under [executor] in config.toml, or wait for better offers",
        "credit" => {
            "raise `base` under [credit] in config.toml, or wait until it has paid: `operator ledger balance` has what it owes"
        }
        "limits.quiet-hours" => "change `quiet_hours` under [limits] in config.toml, or wait",
        "limits.monthly" => "raise `monthly` under [limits] in config.toml, or wait for the next month",
        "limits.disk" => "raise `disk` under [limits] in config.toml",
        "trust.key-used-twice" => {
            "let only one node use a key; `operator ledger resume` says what it means to go on with this one"
        }
        "preparation" => "it is tried again by itself; connect to more peers, if nobody has it",
        "run" | "attempts" => "`operator job show` has the reason; the executor's log says more",
        "load.cpu" | "load.memory" | "load.verifying" | "load.busy" | "load.lost" => {
            "it passes by itself; `operator roles explain` shows the load"
        }
        _ => return None,
    })
}
