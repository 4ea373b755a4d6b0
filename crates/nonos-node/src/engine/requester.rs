//! As a requester: offers jobs, awards them, and pays for what verifies.

use nonos_depin::{Body, Received, fees};
use nonos_types::{
    Amount, Award, FeeKind, JobId, Line, Message, NodeId, Offer, ReceiptId, Sequence, Signed, Timestamp, Voucher,
};

use super::{
    Decision, Effect, Engine, Error, Origin, Reply,
    effect::Ready,
    job::{Job, SLOT},
    pays_run,
};
use crate::{
    api::{Booked, RequestError, Submission, Submitted, What},
    proofs::Proofs,
};

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
        let _gone = reply.send(answer.map(|job| {
            serde_json::to_value(Submitted { job }).expect("plain data")
        }));
        Ok(())
    }

    fn offer(&mut self, submission: &Submission, ready: Ready) -> Result<Result<JobId, RequestError>, Error> {
        let refuse = |message: String| {
            Ok(Err(RequestError {
                message,
                fault: "caller".to_owned(),
            }))
        };
        let backend = match &submission.backend {
            None => Proofs::DEFAULT,
            Some(name) => match name.parse() {
                Ok(backend) if self.about.backends.contains(&backend) => backend,
                _ => {
                    let known: Vec<_> = self.about.backends.iter().map(ToString::to_string).collect();
                    return refuse(format!("no backend `{name}`; there are: {}", known.join(", ")));
                }
            },
        };
        if ready.facts.base > submission.max_fee {
            return refuse(format!(
                "the capsule's base fee is {}, above the most you pay, {}: raise the maximum fee",
                ready.facts.base, submission.max_fee
            ));
        }
        if submission.deadline_s == 0 || submission.deadline_s > 30 * 24 * 60 * 60 {
            return refuse("the deadline must be 1 second to 30 days from now".to_owned());
        }
        let now = self.now.time;
        let offer = Offer {
            network: self.network,
            capsule: ready.facts.capsule,
            entry: ready.facts.entry.clone(),
            arguments: ready.arguments,
            input: ready.input,
            input_len: ready.input_len,
            backend,
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
        Ok(Ok(id))
    }

    pub(super) fn judge_award(&mut self, it: &Signed<Award>, origin: &Origin) -> Decision {
        match self.jobs.get(&it.job) {
            Some(job) if job.offer.signer() == it.signer() && it.slot == SLOT => Decision::Accept,
            Some(_) => Decision::Reject,
            None => {
                self.later(origin);
                Decision::Ignore
            }
        }
    }

    /// Lets a claimant run a job of this node's, if nobody may or the one who may is too slow or worse.
    pub(super) fn award(&mut self, id: JobId) -> Result<(), Error> {
        let Some(job) = self.jobs.get(&id) else { return Ok(()) };
        if job.offer.signer() != self.me || job.offer.deadline <= self.now.time || self.payable(job).is_some() {
            return Ok(());
        }
        if let Some(award) = &job.award {
            let until = award.at.get().saturating_add(self.config.award_timeout_s);
            if self.now.time.get() < until && !self.trust.is_blacklisted(award.executor)? {
                return Ok(());
            }
        }
        let mut claimants = Vec::new();
        for claimant in &job.claims {
            if *claimant != self.me && !self.trust.is_blacklisted(*claimant)? {
                claimants.push(*claimant);
            }
        }
        // Those that had it before come last.
        let next = (claimants.iter())
            .find(|claimant| !job.awarded.contains(claimant))
            .or(claimants.first());
        let Some(executor) = next.copied() else { return Ok(()) };
        self.say(Award {
            network: self.network,
            job: id,
            slot: SLOT,
            executor,
            at: self.now.time,
        })?;
        self.awarded(id)
    }

    /// The receipt that is to be paid: it verifies, it asks for the right fee, and its executor had the award.
    pub(super) fn payable(&self, job: &Job) -> Option<ReceiptId> {
        let id = job.good?;
        let receipt = self.receipts.get(&id)?;
        let facts = job.facts.as_ref()?;
        (job.awarded.contains(&receipt.signer()) && facts.fee_is_right(&job.offer, receipt)).then_some(id)
    }

    /// Pays what is to be paid for a job of this node's. Whatever was paid before is not paid again, so that this
    /// can be called at any time.
    pub(super) fn settle(&mut self, id: JobId) -> Result<(), Error> {
        let Some(job) = self.jobs.get(&id) else { return Ok(()) };
        if job.offer.signer() != self.me {
            return Ok(());
        }
        let late = job.offer.deadline <= self.now.time;
        let Some(receipt_id) = self.payable(job) else {
            if job.good.is_some() && job.facts.is_none() && !job.preparing {
                return self.prepare_own(id);
            }
            if late {
                self.ledger.release(id, self.identity.signing_key(), self.now.time)?;
            }
            return Ok(());
        };
        let receipt = self.receipts[&receipt_id].clone();
        let facts = job.facts.clone().expect("a payable job has them");
        let verifiers = job.offer.verifiers;
        let split = fees::split(receipt.fee, facts.shares, &receipt.transfers, receipt.signer(), verifiers)?;
        let mut due: Vec<(NodeId, FeeKind, Amount)> = vec![(receipt.signer(), FeeKind::Execute, split.executor)];
        due.extend(split.seeders.iter().map(|(node, amount)| (*node, FeeKind::Seed, *amount)));
        let mut paid_verifiers = 0;
        for (verifier, valid) in self.verdicts.get(&receipt_id).into_iter().flatten() {
            let outsider = *verifier != self.me && *verifier != receipt.signer();
            if *valid && outsider && paid_verifiers < verifiers && !self.trust.is_blacklisted(*verifier)? {
                paid_verifiers += 1;
                due.push((*verifier, FeeKind::Verify, split.bounty));
            }
        }
        for (payee, kind, amount) in due {
            if payee == self.me || amount == Amount::ZERO {
                continue;
            }
            let line = Line {
                job: id,
                slot: SLOT,
                kind,
                receipt: receipt_id,
                amount,
            };
            let (key, now) = (self.identity.signing_key(), self.now.time);
            if let Some(voucher) = self.ledger.pay(payee, vec![line], key, now)? {
                self.tell(voucher)?;
                let booked = Booked {
                    kind,
                    peer: payee,
                    paid: true,
                    amount,
                };
                self.event(None, What::Booked { job: id, booked });
            }
        }
        if paid_verifiers == verifiers || late {
            self.ledger.release(id, self.identity.signing_key(), self.now.time)?;
        }
        Ok(())
    }

    /// After a restart: the capsule of an own job is read again.
    fn prepare_own(&mut self, id: JobId) -> Result<(), Error> {
        let sources = self.sources(&[], None);
        let job = self.jobs.get_mut(&id).expect("the caller has seen it");
        job.preparing = true;
        let offer = Box::new(job.offer.clone());
        self.effects.push(Effect::Prepare { offer, sources });
        Ok(())
    }

    pub(super) fn judge_voucher(&mut self, it: &Signed<Voucher>, origin: &Origin) -> Result<Decision, Error> {
        if it.payee != self.me {
            return Ok(Decision::Accept);
        }
        match self.ledger.receive(it, self.identity.signing_key(), self.now.time) {
            Ok(Received::Booked | Received::Known) => Ok(Decision::Accept),
            Ok(Received::Gap { .. }) => {
                self.later(origin);
                Ok(Decision::Ignore)
            }
            Err(error) if error.fault() == nonos_types::Fault::Peer => {
                tracing::warn!(payer = %it.signer(), %error, "voucher refused");
                Ok(Decision::Reject)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn saw_voucher(&mut self, it: &Signed<Voucher>) -> Result<(), Error> {
        if it.payee == self.me {
            for line in &it.lines {
                let booked = Booked {
                    kind: line.kind,
                    peer: it.signer(),
                    paid: false,
                    amount: line.amount,
                };
                self.event(None, What::Booked { job: line.job, booked });
            }
            if let Some(line) = pays_run(it).next() {
                self.saw_payment(it.signer(), line.receipt)?;
            }
        }
        Ok(())
    }

    /// A voucher is booked before it is journalled: what was left in between by a crash is published now.
    pub(super) fn publish_unpublished_vouchers(&mut self) -> Result<(), Error> {
        let mut after: Option<Sequence> = None;
        loop {
            let entries = self.ledger.entries(after, 1000)?;
            let Some(last) = entries.last() else { return Ok(()) };
            after = Some(last.sequence);
            for entry in entries {
                if let Body::Paid { voucher } = entry.body
                    && !self.journal.has(&Message::from((*voucher).clone()))?
                {
                    self.tell(*voucher)?;
                }
            }
        }
    }
}
