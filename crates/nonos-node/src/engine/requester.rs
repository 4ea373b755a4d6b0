//! As a requester: offers jobs, awards them, and pays for what verifies.

use std::cmp::Reverse;

use nonos_depin::{MAX_AMOUNT, fees};
use nonos_trust::{Cause, Context, Deed};
use nonos_types::{
    Amount, Award, FeeKind, JobId, Line, NodeId, Offer, Receipt, ReceiptId, Signed, Timestamp,
};

use super::{
    Decision, Effect, Engine, Error, Need, Origin, Reply,
    effect::Ready,
    job::{Job, SLOT},
    jobs::DEADLINE_S,
};
use crate::api::{Booked, RequestError, Submission, Submitted, What};

impl Engine {
    /// Takes a submission: first its capsule must be here, since nobody should pay for what he cannot check.
    pub(super) fn submit(&mut self, submission: Submission, reply: Reply) {
        let sources = self.sources(&[], None);
        self.effects.push(Effect::PrepareSubmission {
            submission,
            sources,
            reply,
        });
    }

    pub(super) fn submission_ready(
        &mut self,
        submission: &Submission,
        result: Result<Ready, RequestError>,
        reply: Reply,
    ) -> Result<(), Error> {
        let answer = match result {
            Err(error) => Err(error),
            Ok(ready) => self.offer(submission, ready)?,
        };
        // Whoever asked may be gone; the job stands.
        let _gone = reply.send(answer.map(|it| serde_json::to_value(it).expect("plain data")));
        Ok(())
    }

    fn offer(
        &mut self,
        submission: &Submission,
        ready: Ready,
    ) -> Result<Result<Submitted, RequestError>, Error> {
        let refuse = |message: String| {
            Ok(Err(RequestError {
                message,
                fault: "caller".to_owned(),
            }))
        };
        let named = submission.backend.as_ref().map(|name| name.parse());
        let choice = match named.transpose().map(|named| self.config.proving.of_job(named)) {
            Ok(Ok(choice)) => choice,
            Ok(Err(error)) => return refuse(error.to_string()),
            Err(unknown) => return refuse(unknown.to_string()),
        };
        if ready.facts.base > submission.max_fee {
            return refuse(format!(
                "the capsule's base fee is {}, above the most you pay, {}: raise the maximum fee",
                ready.facts.base, submission.max_fee
            ));
        }
        if submission.deadline_s == 0 || submission.deadline_s > DEADLINE_S {
            return refuse("the deadline must be 1 second to 30 days from now".to_owned());
        }
        if submission.max_fee > MAX_AMOUNT || submission.fuel_price > MAX_AMOUNT {
            return refuse(format!("an amount may be at most {MAX_AMOUNT}"));
        }
        if self.doubled {
            return refuse(
                "this node offers nothing: its key is used elsewhere, or its data were lost".to_owned(),
            );
        }
        let now = self.now.time;
        let offer = Offer {
            network: self.network,
            capsule: ready.facts.capsule,
            entry: ready.facts.entry.clone(),
            arguments: ready.arguments,
            input: ready.input,
            input_len: ready.input_len,
            backend: choice.method.system().id(),
            max_fee: submission.max_fee,
            fuel_price: submission.fuel_price,
            verifiers: submission.verifiers,
            created: now,
            deadline: Timestamp::new(now.get() + submission.deadline_s),
            salt: ready.salt,
        };
        let signed = Signed::new(offer, self.identity.signing_key());
        let id = signed.job();
        // Set aside before anyone can work for it.
        self.ledger
            .hold(id, submission.max_fee, self.identity.signing_key(), now)?;
        self.tell(signed)?;
        if let Some(job) = self.jobs.get_mut(&id) {
            job.facts = Some(ready.facts);
        }
        Ok(Ok(Submitted {
            job: id,
            backend: choice.method.system().id().to_string(),
            backend_reason: choice.reason,
        }))
    }

    pub(super) fn judge_award(&mut self, it: &Signed<Award>, origin: &Origin) -> Result<Decision, Error> {
        Ok(match self.jobs.get(&it.job) {
            Some(job) if job.offer.signer() != it.signer() || it.slot != SLOT => Decision::Reject,
            Some(job) if job.awards >= Job::AWARDS => Decision::Ignore,
            Some(_) => Decision::Accept,
            None if self.journal.offer(it.job)?.is_some() => Decision::Ignore,
            None => self.park(Need::Job(it.job), it.clone(), origin),
        })
    }

    /// Lets a claimant run a job of this node's, if nobody may or the one who may is too slow or worse.
    pub(super) fn award(&mut self, id: JobId) -> Result<(), Error> {
        let Some(job) = self.jobs.get(&id) else {
            return Ok(());
        };
        let now = self.now.time;
        if job.offer.signer() != self.me
            || job.offer.deadline <= now
            || job.awards >= Job::AWARDS
            || self.doubled
            || self.payable(job).is_some()
        {
            return Ok(());
        }
        let old = job.award.as_ref().map(|it| (it.executor, it.at));
        if let Some((executor, at)) = old {
            let until = at.get().saturating_add(self.config.award_timeout_s);
            if now.get() < until && !self.trust.is_blacklisted(executor)? {
                return Ok(());
            }
        }
        let Some(executor) = self.best_claimant(id)? else {
            return Ok(());
        };
        // If it was this node that was away, nobody is to blame.
        if let Some((old, at)) = old
            && at >= self.opened
        {
            self.observe(old, Context::Execute, Deed::Bad, Cause::Job(id))?;
        }
        self.say(Award {
            network: self.network,
            job: id,
            slot: SLOT,
            executor,
            // It takes the job from the one before, also within the same second.
            at: old.map_or(now, |(_, at)| now.max(Timestamp::new(at.get() + 1))),
        })?;
        self.unpark(Need::Award(id, executor))?;
        self.awarded(id)
    }

    /// Those that had it before come last, before them those who did badly, then those who are not connected, since
    /// a key costs nothing; among equals the first.
    fn best_claimant(&self, id: JobId) -> Result<Option<NodeId>, Error> {
        let job = &self.jobs[&id];
        let nobody = self.trust.standing(NodeId::from_bytes([0; 32]), self.now.time)?;
        let newcomer = nobody.of(Context::Execute).score;
        let mut best = None;
        for claimant in &job.claims {
            if *claimant == self.me || self.trust.is_blacklisted(*claimant)? {
                continue;
            }
            let standing = self.trust.standing(*claimant, self.now.time)?;
            let score = standing.of(Context::Execute).score;
            let rank = (
                Reverse(job.awarded.contains(claimant)),
                score >= newcomer,
                self.connected.contains_key(claimant),
            );
            if best.is_none_or(|(before, _)| rank > before) {
                best = Some((rank, *claimant));
            }
        }
        Ok(best.map(|(_, claimant)| claimant))
    }

    /// The receipt that is to be paid: the one that was paid already, else the first that verifies, that asks for the
    /// right fee, and whose executor had the award.
    pub(super) fn payable(&self, job: &Job) -> Option<ReceiptId> {
        let facts = job.facts.as_ref();
        let right = |it: &Receipt| facts.is_some_and(|facts| facts.fee_is_right(&job.offer, it));
        match job.paid {
            Some(paid) => (facts.is_some() && self.receipts.contains_key(&paid)).then_some(paid),
            None => self.candidates(job).find(|id| right(&self.receipts[id])),
        }
    }

    /// Receipts that verify, of executors that had the award.
    fn candidates(&self, job: &Job) -> impl Iterator<Item = ReceiptId> {
        (job.receipts.iter().copied()).filter(|id| {
            self.receipts
                .get(id)
                .is_some_and(|it| job.awarded.contains(&it.signer()))
        })
    }

    /// Is there a receipt that will be paid, as far as this node can tell?
    pub(super) fn is_done(&self, job: &Job) -> bool {
        let right =
            |it: &Receipt| (job.facts.as_ref()).is_none_or(|facts| facts.fee_is_right(&job.offer, it));
        job.paid.is_some() || self.candidates(job).any(|id| right(&self.receipts[&id]))
    }

    /// The receipt to show: the one that is or will be paid, else any that verifies.
    pub(super) fn good(&self, job: &Job) -> Option<ReceiptId> {
        let known = job.paid.filter(|paid| self.receipts.contains_key(paid));
        known
            .or_else(|| self.payable(job))
            .or_else(|| self.candidates(job).next())
            .or(job.receipts.first().copied())
    }

    /// Pays what is to be paid for a job of this node's. Whatever was paid before is not paid again, so that this
    /// can be called at any time.
    pub(super) fn settle(&mut self, id: JobId) -> Result<(), Error> {
        let Some(job) = self.jobs.get(&id) else {
            return Ok(());
        };
        if job.offer.signer() != self.me || self.doubled {
            return Ok(());
        }
        let late = job.offer.deadline <= self.now.time;
        let Some(receipt_id) = self.payable(job) else {
            if !job.receipts.is_empty() && job.facts.is_none() {
                return self.prepare(id);
            }
            return if late { self.close(id) } else { Ok(()) };
        };
        let receipt = self.receipts[&receipt_id].clone();
        let facts = job.facts.clone().expect("a payable job has them");
        let verifiers = usize::from(job.offer.verifiers);
        let mut transfers = Vec::new();
        for transfer in &receipt.transfers {
            if !self.trust.is_blacklisted(transfer.seeder)? {
                transfers.push(*transfer);
            }
        }
        let split = match fees::split(
            receipt.fee,
            facts.shares,
            &transfers,
            receipt.signer(),
            job.offer.verifiers,
        ) {
            Ok(split) => split,
            Err(error) => {
                tracing::error!(job = %id, %error, "the fee cannot be split: nothing is paid");
                return self.close(id);
            }
        };
        let mut due: Vec<(NodeId, FeeKind, Amount)> =
            vec![(receipt.signer(), FeeKind::Execute, split.executor)];
        due.extend(
            split
                .seeders
                .iter()
                .map(|(node, amount)| (*node, FeeKind::Seed, *amount)),
        );
        let paid = |job: &Job| {
            job.booked
                .iter()
                .filter(|(_, it)| it.kind == FeeKind::Verify)
                .count()
        };
        let mut bounties = paid(job);
        for (verifier, valid) in self.verdicts.get(&receipt_id).into_iter().flatten() {
            let outsider = *verifier != self.me && *verifier != receipt.signer();
            if *valid
                && outsider
                && bounties < verifiers
                && !job.has_booked(*verifier, FeeKind::Verify)
                && !self.trust.is_blacklisted(*verifier)?
            {
                bounties += 1;
                due.push((*verifier, FeeKind::Verify, split.bounty));
            }
        }
        due.retain(|(payee, kind, amount)| {
            *payee != self.me && *amount > Amount::ZERO && !job.has_booked(*payee, *kind)
        });
        for (payee, kind, amount) in due {
            self.pay(id, receipt_id, payee, kind, amount)?;
        }
        if bounties >= verifiers || late {
            self.close(id)
        } else {
            Ok(())
        }
    }

    fn pay(
        &mut self,
        job: JobId,
        receipt: ReceiptId,
        payee: NodeId,
        kind: FeeKind,
        amount: Amount,
    ) -> Result<(), Error> {
        let line = Line {
            job,
            slot: SLOT,
            kind,
            receipt,
            amount,
        };
        match self
            .ledger
            .pay(payee, vec![line], self.identity.signing_key(), self.now.time)
        {
            Ok(Some(voucher)) => {
                self.tell(voucher)?;
                let booked = Booked {
                    kind,
                    peer: payee,
                    paid: true,
                    amount,
                };
                self.event(None, What::Booked { job, booked });
                Ok(())
            }
            Ok(None) => Ok(()),
            // The books refuse it, and are whole: no reason to stop.
            Err(error) if error.fault() == nonos_types::Fault::Caller => {
                tracing::error!(%job, %payee, %error, "not paid");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn close(&mut self, id: JobId) -> Result<(), Error> {
        self.ledger
            .release(id, self.identity.signing_key(), self.now.time)?;
        if let Some(job) = self.jobs.get_mut(&id) {
            job.settled = true;
        }
        Ok(())
    }
}
