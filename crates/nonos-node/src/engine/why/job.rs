//! Why a job is not run, or not paid.

use nonos_types::{JobId, NodeId, Role, Slot};

use super::{Engine, Error, Finding, found};
use crate::engine::job::{Job, Mine, Seat};

impl Engine {
    /// Nothing, if it is paid, or is being run here.
    pub(super) fn why_not_job(&self, id: JobId, job: &Job) -> Result<Vec<Finding>, Error> {
        if job.is_paid() {
            return Ok(vec![]);
        }
        let mut findings = Vec::new();
        if self.doubled {
            let text =
                "this node's key is used elsewhere, or its data were lost: it pays, runs and offers nothing";
            findings.push(found("trust.key-used-twice", text));
        }
        if job.cancelled {
            findings.push(Finding::new("cancelled", "its requester has cancelled it"));
        } else if job.offer.deadline <= self.now.time {
            let text = format!("its deadline has passed, at {}", job.offer.deadline);
            findings.push(Finding::new("late", text).or("offer it again, with a longer `--deadline`"));
        }
        if !findings.is_empty() && job.receipts().next().is_none() {
            return Ok(findings);
        }
        if job.offer.signer() == self.me {
            self.why_not_offered(id, job, &mut findings)?;
        } else {
            self.why_not_run(id, job, &mut findings)?;
        }
        Ok(findings)
    }

    /// The job is this node's own.
    fn why_not_offered(&self, id: JobId, job: &Job, findings: &mut Vec<Finding>) -> Result<(), Error> {
        if self.connected.is_empty() {
            let text = "no peer is connected, so that nobody has heard of it";
            findings.push(
                Finding::new("no-peers", text)
                    .or("`operator peers join` with an invitation, or `peers` in config.toml"),
            );
        }
        let executors = self.schedule(id, &job.offer).order().len();
        if executors == 0 {
            findings.push(Finding::new(
                "no-executors",
                "no node that is known announces to run capsules, and to hear of this one",
            ));
        }
        for (slot, seat) in job.slots() {
            if let Some(finding) = self.why_not_paid(job, slot, seat, executors)? {
                findings.push(finding);
            }
        }
        Ok(())
    }

    /// What a slot of a job of this node's waits for.
    fn why_not_paid(
        &self,
        job: &Job,
        slot: Slot,
        seat: &Seat,
        executors: usize,
    ) -> Result<Option<Finding>, Error> {
        if seat.paid.is_some() {
            return Ok(None);
        }
        let here = |text: String| format!("slot {slot}: {text}");
        if job.facts.is_none() && !seat.receipts.is_empty() {
            let refused = job.refused.as_ref();
            let reason = refused.map_or("it is being fetched", |it| it.reason.as_str());
            return Ok(Some(found(
                "preparation",
                here(format!(
                    "it is run, and cannot be paid without its capsule: {reason}"
                )),
            )));
        }
        if self.payable(job, seat).is_some() {
            return Ok(Some(Finding::new(
                "paying",
                here("a receipt verifies, and is being paid".to_owned()),
            )));
        }
        if !seat.receipts.is_empty() {
            let text = format!(
                "{} receipts verify, and none is to be paid: their executors never had the award, or ask for another fee than was offered",
                seat.receipts.len()
            );
            return Ok(Some(Finding::new("not-payable", here(text))));
        }
        if let Some(award) = &seat.award {
            let since = self.now.time.get().saturating_sub(award.at.get());
            let left = self.config.award_timeout_s.saturating_sub(since);
            let text = if self.trust.is_blacklisted(award.executor)? {
                format!(
                    "{} has the award, and is blacklisted: the next that claims it gets it",
                    award.executor
                )
            } else {
                format!(
                    "{} has had the award for {since} s, and {left} s more before another gets it",
                    award.executor
                )
            };
            return Ok(Some(Finding::new("awarded", here(text))));
        }
        let mut text = String::new();
        for claimant in &seat.claims {
            let why = if *claimant == self.me {
                "it is this node"
            } else if self.trust.is_blacklisted(*claimant)? {
                "it is blacklisted"
            } else if !self.may_owe(*claimant, job.offer.max_fee)? {
                "this node would owe it more than `most_owed` under [credit] in config.toml"
            } else {
                "it has another slot of the job"
            };
            text += &format!("; {claimant} claims it, and does not get it, since {why}");
        }
        let waited = self.now.millis.saturating_sub(job.seen_ms) / 1000;
        let text = format!(
            "nobody else has claimed it for {waited} s, of {executors} nodes that run capsules{text}"
        );
        let remedy = "if none does within a minute, offer it again for more (`--max-fee`, `--fuel-price`): what executors refuse, \
                      `operator why-not` says on their nodes only";
        Ok(Some(Finding::new("no-claims", here(text)).or(remedy)))
    }

    /// The job is of another.
    fn why_not_run(&self, id: JobId, job: &Job, findings: &mut Vec<Finding>) -> Result<(), Error> {
        if self.is_done(job) {
            findings.push(Finding::new(
                "done",
                "others have run it: what is left is its requester's to pay",
            ));
            return Ok(());
        }
        match job.mine {
            Mine::Running => return Ok(()),
            Mine::Done => {
                let text = "this node has run it, and its receipt is not one that the requester pays, as far as this node sees";
                findings.push(Finding::new("not-payable", text));
                return Ok(());
            }
            Mine::Failed { .. } | Mine::GivenUp => {}
            Mine::Claimed { .. } | Mine::Nothing => {
                // Checked anew: what was written down may be a minute old.
                if let Some(refusal) = self.refusal(&job.offer, job.facts.as_deref())? {
                    findings.push(found(refusal.code(), refusal.to_string()));
                    return Ok(());
                }
            }
        }
        if let Some(refused) = &job.refused {
            findings.push(found(refused.code, refused.reason.clone()));
            return Ok(());
        }
        if job.facts.is_none() {
            let text = if self.preparing.contains_key(&id) {
                "its capsule and input are being fetched"
            } else {
                "its capsule and input are not here yet: others are fetched first"
            };
            findings.push(found("preparation", text));
            return Ok(());
        }
        if job.slot_of(self.me).is_some() {
            let text = "this node has the award, and runs it as soon as it runs nothing else, and no limit is reached";
            findings.push(Finding::new("waiting", text));
            return Ok(());
        }
        let owners: Vec<NodeId> = job.seats.iter().filter_map(Seat::executor).collect();
        if owners.len() == job.seats.len() {
            let owners: Vec<String> = owners.iter().map(NodeId::to_string).collect();
            findings.push(Finding::new(
                "taken",
                format!("others have the award: {}", owners.join(", ")),
            ));
            return Ok(());
        }
        if matches!(job.mine, Mine::Claimed { .. }) {
            findings.push(Finding::new(
                "claimed",
                "this node has claimed it, and waits for its requester's answer",
            ));
        } else if self.is_busy() {
            findings.push(Finding::new(
                "busy",
                "this node runs another job, or waits for the answer to another claim",
            ));
        }
        if let Some(wait) = self.its_turn(id, job) {
            findings.push(Finding::new(
                "turn",
                format!("others come first: this node claims it in {wait} s, if nobody does before"),
            ));
        }
        Ok(())
    }

    /// Seconds until this node may claim a slot that is free.
    fn its_turn(&self, id: JobId, job: &Job) -> Option<u64> {
        if !self.is(Role::Executor) {
            return None;
        }
        let schedule = self.schedule(id, &job.offer);
        let free = job.slots().filter(|(_, seat)| seat.award.is_none());
        let wait = free.filter_map(|(slot, _)| schedule.wait(self.me, slot)).min()?;
        let waited = self.now.millis.saturating_sub(job.seen_ms) / 1000;
        wait.as_secs().checked_sub(waited).filter(|left| *left > 0)
    }
}
