//! Which jobs are kept and for how long, and what the passing of time does to them.

use std::collections::BTreeSet;

use nonos_depin::{Body, MAX_AMOUNT};
use nonos_mesh::core::Budgets;
use nonos_types::{FeeKind, JobId, Message, Offer, Sequence, Signed, Voucher};

use super::{Decision, Engine, Error, job::Job, job::Mine};
use crate::sealed;

/// Jobs that are kept in memory, and of these those of requesters that are not connected.
const JOBS: usize = 10_000;
const STRANGE_JOBS: usize = 5_000;
/// Of one requester, if they are not finished.
const JOBS_OF_ONE: usize = 512;
/// Seconds that a job may be wanted in advance.
pub(super) const DEADLINE_S: u64 = 30 * 24 * 60 * 60;
/// Seconds after its deadline that a job is kept in memory; the journal and the ledger keep what it left.
const KEPT_S: u64 = 24 * 60 * 60;

impl Engine {
    /// An offer past its deadline is still taken: vouchers and verdicts are about it.
    pub(super) fn judge_offer(&mut self, it: &Signed<Offer>) -> Result<Decision, Error> {
        let (now, requester) = (self.now.time.get(), it.signer());
        let (created, deadline) = (it.created.get(), it.deadline.get());
        if deadline - created > DEADLINE_S || it.max_fee > MAX_AMOUNT || it.fuel_price > MAX_AMOUNT {
            return Ok(Decision::Reject);
        }
        if let Some(part) = sealed::fault_of_offer(it) {
            tracing::warn!(%requester, part, "offer hides nothing, or nothing that can be proved");
            return Ok(Decision::Reject);
        }
        if created > now + Budgets::WINDOW
            || deadline + DEADLINE_S < now
            || self.trust.is_blacklisted(requester)?
        {
            return Ok(Decision::Ignore);
        }
        if self.is_full() {
            return Ok(Decision::Ignore);
        }
        if deadline + KEPT_S < now {
            return Ok(Decision::Accept);
        }
        let most = if self.connected.contains_key(&requester) {
            JOBS
        } else {
            STRANGE_JOBS
        };
        if self.jobs.len() >= most {
            self.forget(|job| job.offer.deadline.get() < now || job.is_paid())?;
        }
        let unfinished = self.open.iter().filter_map(|id| self.jobs.get(id));
        let of_one = unfinished.filter(|job| job.offer.signer() == requester).count();
        let room = self.jobs.len() < most && of_one < JOBS_OF_ONE;
        Ok(if room { Decision::Accept } else { Decision::Ignore })
    }

    pub(super) fn apply_offer(&mut self, it: &Signed<Offer>) {
        let id = it.job();
        if self.is_over(it) || self.jobs.contains_key(&id) {
            return;
        }
        self.jobs.insert(id, Job::new(it.clone(), self.now));
        self.open.insert(id);
    }

    /// Its lines are those of the requester's jobs, or of executors who pay their helpers: `judge_voucher` saw to that.
    pub(super) fn apply_voucher(&mut self, it: &Signed<Voucher>) {
        for line in &it.lines {
            match self.jobs.get_mut(&line.job) {
                Some(job) if line.kind == FeeKind::Prove || job.offer.signer() == it.signer() => {
                    job.booked(it, line);
                }
                _ => {}
            }
        }
    }

    /// Is it so long past that it is not kept? What this node may still have to pay is kept longer.
    fn is_over(&self, offer: &Signed<Offer>) -> bool {
        let kept = if offer.signer() == self.me {
            DEADLINE_S
        } else {
            KEPT_S
        };
        self.now.time.get() > offer.deadline.get().saturating_add(kept)
    }

    /// Drops jobs, and all that is kept of them, but not those this node has not paid yet.
    fn forget(&mut self, over: impl Fn(&Job) -> bool) -> Result<(), Error> {
        let me = self.me;
        let gone: Vec<JobId> = (self.jobs.iter())
            .filter(|(_, job)| {
                over(job) && job.mine != Mine::Running && (job.settled || job.offer.signer() != me)
            })
            .map(|(id, _)| *id)
            .collect();
        let mut receipts = Vec::new();
        for id in gone {
            self.open.remove(&id);
            for receipt in self
                .jobs
                .remove(&id)
                .into_iter()
                .flat_map(|job| job.receipts().collect::<Vec<_>>())
            {
                self.receipts.remove(&receipt);
                self.verdicts.remove(&receipt);
                receipts.push(receipt);
            }
        }
        self.forget_values(&receipts)
    }

    pub(super) fn tick(&mut self) -> Result<(), Error> {
        self.reckon()?;
        self.tick_blocks()?;
        self.tick_peers()?;
        self.tick_heads()?;
        self.ask_relays()?;
        self.tick_challenges();
        self.tick_feeds()?;
        self.reconsider()?;
        self.retry()?;
        self.show_values()?;
        self.tick_helping();
        self.drive()?;
        let ids: Vec<JobId> = self.open.iter().copied().collect();
        self.consider_all()?;
        for job in ids {
            self.award(job)?;
            self.settle(job)?;
            if self.is_finished(job) {
                self.open.remove(&job);
            }
        }
        self.reckon_shards();
        let now = self.now.time.get();
        self.forget(|job| now > job.offer.deadline.get().saturating_add(KEPT_S))?;
        self.start_next()
    }

    /// Is there nothing that time alone could change?
    fn is_finished(&self, id: JobId) -> bool {
        let Some(job) = self.jobs.get(&id) else {
            return true;
        };
        if job.offer.signer() == self.me {
            return job.settled;
        }
        job.mine != Mine::Running
            && (job.offer.deadline <= self.now.time || job.cancelled || self.is_surely_done(job))
    }

    /// Takes up what was left when the node stopped.
    pub(super) fn resume(&mut self) -> Result<(), Error> {
        self.bar_all()?;
        for (_, evidence) in self.trust.convictions()? {
            // A peer is convicted before it is said: what was left in between by a crash is published now.
            if let Some(accusation) = self.trust.evidence(evidence)?
                && accusation.signer() == self.me
                && Self::fits(&accusation)
                && !self.journal.has(&Message::from(accusation.clone()))?
            {
                self.tell(accusation)?;
            }
        }
        self.take_up_books()?;
        self.pay_helpers()?;
        self.give_missing_verdicts()?;
        self.show_after_restart();
        self.describe()?;
        self.rejoin()?;
        self.tick()
    }

    /// Vouchers are booked before they are journalled, and holds before offers: what was left in between by a crash
    /// is published, or released, now.
    fn take_up_books(&mut self) -> Result<(), Error> {
        let mut after: Option<Sequence> = None;
        let mut held = BTreeSet::new();
        loop {
            let entries = self.ledger.entries(after, 1000)?;
            let Some(last) = entries.last() else { break };
            after = Some(last.sequence);
            for entry in entries {
                match entry.body {
                    Body::Hold { job, .. } => drop(held.insert(job)),
                    Body::Release { job } => drop(held.remove(&job)),
                    Body::Paid { voucher } if !self.journal.has(&Message::from((*voucher).clone()))? => {
                        self.tell(*voucher)?;
                    }
                    _ => {}
                }
            }
        }
        for job in held {
            if !self.jobs.contains_key(&job) && !self.doubled {
                self.ledger
                    .release(job, self.identity.signing_key(), self.now.time)?;
            }
        }
        Ok(())
    }
}
