//! As a requester: offers jobs, awards them, and pays for what verifies.

use std::{cmp::Reverse, collections::BTreeMap, num::NonZeroU8};

use nonos_depin::{MAX_AMOUNT, fees};
use nonos_trust::{Cause, Context, Deed};
use nonos_types::{
    Amount, Award, Cancel, FeeKind, JobId, Line, NodeId, Offer, Receipt, ReceiptId, Shard, Signed, Slot,
    Timestamp, Voucher, Weights,
};

use super::{
    Decision, Effect, Engine, Error, Need, Origin, Reply,
    effect::Ready,
    job::{Job, Mine, Seat},
    jobs::DEADLINE_S,
};
use crate::{
    api::{Booked, Done, RequestError, Submission, Submitted, What},
    sealed,
};

impl Engine {
    /// Takes a submission: first its capsule must be here, since nobody should pay for what he cannot check.
    pub(super) fn submit(&mut self, submission: Submission, reply: Reply) -> Result<(), Error> {
        let messages = match self.named(&submission.inbound)? {
            Ok(messages) => messages,
            Err(error) => {
                let _gone = reply.send(Err(error));
                return Ok(());
            }
        };
        let sources = self.sources(&[], None);
        self.effects.push(Effect::PrepareSubmission {
            submission,
            messages,
            sources,
            reply,
        });
        Ok(())
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
        let slots = NonZeroU8::new(submission.slots).filter(|slots| slots.get() <= Offer::MAX_SLOTS);
        let Some(slots) = slots else {
            return refuse(format!("a job has 1 to {} executors", Offer::MAX_SLOTS));
        };
        let Ok(weights) = Weights::new(submission.weights.iter().copied()) else {
            return refuse(format!(
                "weights are of at most {} nodes, each named once, and 0 to {}",
                Weights::MOST,
                Weights::MAX
            ));
        };
        if submission.seal_result && ready.sealed.is_none() {
            return refuse(
                "sealing the results hides nothing while the input is public: everybody can run the capsule on it. Seal                  what is secret of the input, too"
                    .to_owned(),
            );
        }
        let held = submission.max_fee.atto().checked_mul(slots.get().into());
        let held = held.map(Amount::from_atto).filter(|held| *held <= MAX_AMOUNT);
        let (Some(held), true) = (held, submission.fuel_price <= MAX_AMOUNT) else {
            return refuse(format!(
                "an amount may be at most {MAX_AMOUNT}, for all executors together"
            ));
        };
        if submission.max_fee > self.config.credit.most_owed {
            return refuse(format!(
                "{} for one executor is more than the {} that this node comes to owe a peer: raise `most_owed` under \
                 [credit] in config.toml, or lower the maximum fee",
                submission.max_fee, self.config.credit.most_owed
            ));
        }
        if self.doubled {
            return refuse(
                "this node offers nothing: its key is used elsewhere, or its data were lost".to_owned(),
            );
        }
        if self.is_full() {
            return refuse(
                "the disk has no room left for a job: raise limits.disk in config.toml, or remove it"
                    .to_owned(),
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
            slots,
            created: now,
            deadline: Timestamp::new(now.get() + submission.deadline_s),
            result_key: (submission.seal_result)
                .then(|| sealed::result_key(&self.identity, self.network, &ready.salt)),
            salt: ready.salt,
            sealed: ready.sealed,
            weights,
            inbound: ready.inbound,
        };
        if sealed::fault_of_offer(&offer).is_some() {
            // The configuration has changed in between.
            return refuse("the input is sealed for another backend: submit it again".to_owned());
        }
        let signed = Signed::new(offer, self.identity.signing_key());
        let id = signed.job();
        self.visit(Shard::of(&signed.capsule));
        // Set aside before anyone can work for it.
        self.ledger.hold(id, held, self.identity.signing_key(), now)?;
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
            Some(job) if job.offer.signer() != it.signer() => Decision::Reject,
            Some(job) if job.offer.sealed.is_some() != it.sealed_key.is_some() => Decision::Reject,
            Some(job) => match job.seat(it.slot) {
                None => Decision::Reject,
                Some(seat) if seat.awards >= Job::AWARDS => Decision::Ignore,
                Some(_) => Decision::Accept,
            },
            None if self.journal.offer(it.job)?.is_some() => Decision::Ignore,
            None => self.park(Need::Job(it.job), it.clone(), origin),
        })
    }

    pub(super) fn judge_cancel(&mut self, it: &Signed<Cancel>, origin: &Origin) -> Result<Decision, Error> {
        Ok(match self.jobs.get(&it.job) {
            Some(job) if job.offer.signer() != it.signer() => Decision::Reject,
            Some(job) if job.cancelled => Decision::Ignore,
            Some(_) => Decision::Accept,
            None if self.journal.offer(it.job)?.is_some() => Decision::Ignore,
            None => self.park(Need::Job(it.job), it.clone(), origin),
        })
    }

    /// Lets nobody begin a job of this node's any more. Who has an award is still paid if he delivers in time.
    pub(super) fn cancel(&mut self, id: JobId) -> Result<Result<Done, RequestError>, Error> {
        let refuse = |message: String| {
            Ok(Err(RequestError {
                message,
                fault: "caller".to_owned(),
            }))
        };
        match self.jobs.get(&id) {
            None => return refuse(format!("no job {id} is known here")),
            Some(job) if job.offer.signer() != self.me => {
                return refuse(format!(
                    "{id} is the job of {}, who alone can cancel it",
                    job.offer.signer()
                ));
            }
            Some(job) if job.settled => return refuse(format!("{id} is over: nothing is left to cancel")),
            Some(job) if job.cancelled => return Ok(Ok(Done {})),
            Some(_) => {}
        }
        self.say(Cancel {
            network: self.network,
            job: id,
            at: self.now.time,
        })?;
        self.settle(id)?;
        Ok(Ok(Done {}))
    }

    /// A job was cancelled: a claim of this node's stands no longer.
    pub(super) fn cancelled(&mut self, id: JobId) -> Result<(), Error> {
        if let Some(job) = self.jobs.get_mut(&id)
            && matches!(job.mine, Mine::Claimed { .. })
        {
            job.mine = Mine::Nothing;
            self.consider_all()?;
        }
        Ok(())
    }

    /// Lets claimants run the slots of a job of this node's that nobody may run, or whose executor is too slow or worse.
    pub(super) fn award(&mut self, id: JobId) -> Result<(), Error> {
        let slots: Vec<Slot> = self
            .jobs
            .get(&id)
            .into_iter()
            .flat_map(|job| job.offer.slots())
            .collect();
        for slot in slots {
            self.award_slot(id, slot)?;
        }
        Ok(())
    }

    fn award_slot(&mut self, id: JobId, slot: Slot) -> Result<(), Error> {
        let Some((job, seat)) = self.jobs.get(&id).and_then(|job| Some((job, job.seat(slot)?))) else {
            return Ok(());
        };
        let now = self.now.time;
        if job.offer.signer() != self.me
            || job.offer.deadline <= now
            || job.cancelled
            || seat.awards >= Job::AWARDS
            || self.doubled
            || self.payable(job, seat).is_some()
        {
            return Ok(());
        }
        let old = seat.award.as_ref().map(|it| (it.executor, it.at));
        if self.is_awaited(seat)? {
            return Ok(());
        }
        let Some(executor) = self.best_claimant(job, slot)? else {
            return Ok(());
        };
        let to = seat.boxes.get(&executor);
        let sealed_key = match sealed::award_key(&self.identity, &job.offer, slot, executor, to) {
            Ok(key) => key,
            Err(error) => {
                // Claims without a sound key are not let in.
                tracing::error!(job = %id, %executor, %error, "not awarded");
                return Ok(());
            }
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
            slot,
            executor,
            // It takes the job from the one before, also within the same second.
            at: old.map_or(now, |(_, at)| now.max(Timestamp::new(at.get() + 1))),
            sealed_key,
        })?;
        self.unpark(Need::Award(id, executor))?;
        self.awarded(id)
    }

    /// Has somebody an award of whom a receipt may still come?
    fn is_awaited(&self, seat: &Seat) -> Result<bool, Error> {
        let Some(award) = &seat.award else {
            return Ok(false);
        };
        let until = award.at.get().saturating_add(self.config.award_timeout_s);
        Ok(self.now.time.get() < until && !self.trust.is_blacklisted(award.executor)?)
    }

    /// Those that had it before come last, before them those who did badly, then those who are not connected, since
    /// a key costs nothing; among equals the first. Nobody gets two slots of a job.
    fn best_claimant(&self, job: &Job, slot: Slot) -> Result<Option<NodeId>, Error> {
        let Some(seat) = job.seat(slot) else {
            return Ok(None);
        };
        let elsewhere = |node: NodeId| {
            (job.slots()).any(|(other, it)| {
                let delivered = || {
                    self.candidates(job, it)
                        .any(|id| self.receipts[&id].signer() == node)
                };
                other != slot && (it.executor() == Some(node) || delivered())
            })
        };
        let nobody = self.trust.standing(NodeId::from_bytes([0; 32]), self.now.time)?;
        let newcomer = nobody.of(Context::Execute).score;
        let mut best = None;
        for claimant in &seat.claims {
            let unwanted = job.offer.weights.of(*claimant) == 0;
            if *claimant == self.me
                || unwanted
                || elsewhere(*claimant)
                || !self.may_owe(*claimant, job.offer.max_fee)?
                || self.trust.is_blacklisted(*claimant)?
            {
                continue;
            }
            let standing = self.trust.standing(*claimant, self.now.time)?;
            let score = standing.of(Context::Execute).score;
            let rank = (
                Reverse(seat.awarded.contains(claimant)),
                score >= newcomer,
                self.connected.contains_key(claimant),
            );
            if best.is_none_or(|(before, _)| rank > before) {
                best = Some((rank, *claimant));
            }
        }
        Ok(best.map(|(_, claimant)| claimant))
    }

    /// The receipt of a slot that is to be paid: the one that was paid already, else the first that verifies, that asks for the
    /// right fee, and whose executor had the award.
    pub(super) fn payable(&self, job: &Job, seat: &Seat) -> Option<ReceiptId> {
        let facts = job.facts.as_ref();
        let right = |it: &Receipt| facts.is_some_and(|facts| facts.fee_is_right(&job.offer, it));
        match seat.paid {
            Some(paid) => (facts.is_some() && self.receipts.contains_key(&paid)).then_some(paid),
            None => (self.candidates(job, seat)).find(|id| right(&self.receipts[id])),
        }
    }

    /// Receipts that verify, of executors that had the award; of a job of this node's, those whose results it has, if they
    /// are sealed.
    fn candidates<'a>(&'a self, job: &'a Job, seat: &'a Seat) -> impl Iterator<Item = ReceiptId> + 'a {
        (seat.receipts.iter().copied()).filter(|id| {
            let receipt = self.receipts.get(id);
            receipt.is_some_and(|it| seat.awarded.contains(&it.signer())) && self.has_result(job, *id)
        })
    }

    /// Is there a receipt of every slot that will be paid, as far as this node can tell?
    pub(super) fn is_done(&self, job: &Job) -> bool {
        job.seats.iter().all(|seat| self.has_receipt(job, seat))
    }

    /// The same of one slot.
    pub(super) fn has_receipt(&self, job: &Job, seat: &Seat) -> bool {
        let right =
            |it: &Receipt| (job.facts.as_ref()).is_none_or(|facts| facts.fee_is_right(&job.offer, it));
        let counts = |id: &ReceiptId| right(&self.receipts[id]) && !self.is_doubtful(job, seat, *id);
        seat.paid.is_some() || self.candidates(job, seat).any(|id| counts(&id))
    }

    /// The receipt of a slot to show: the one that is or will be paid, else any that verifies.
    pub(super) fn good(&self, job: &Job, seat: &Seat) -> Option<ReceiptId> {
        let known = seat.paid.filter(|paid| self.receipts.contains_key(paid));
        known
            .or_else(|| self.payable(job, seat))
            .or_else(|| self.candidates(job, seat).next())
            .or(seat.receipts.first().copied())
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
        if job.facts.is_none() && job.receipts().next().is_some() {
            return self.prepare(id);
        }
        self.ask_results(id);
        let slots: Vec<Slot> = self.jobs[&id].offer.slots().collect();
        let mut over = true;
        for slot in slots {
            over &= self.settle_slot(id, slot)?;
        }
        if over { self.close(id) } else { Ok(()) }
    }

    /// The same for a slot. Is nothing left to wait for?
    fn settle_slot(&mut self, id: JobId, slot: Slot) -> Result<bool, Error> {
        let Some((job, seat)) = self.jobs.get(&id).and_then(|job| Some((job, job.seat(slot)?))) else {
            return Ok(true);
        };
        let late = job.offer.deadline <= self.now.time;
        let Some(receipt_id) = self.payable(job, seat) else {
            return Ok(late || job.cancelled && !self.is_awaited(seat)?);
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
                return Ok(true);
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
                .filter(|(_, it)| it.slot == slot && it.kind == FeeKind::Verify)
                .count()
        };
        let mut bounties = paid(job);
        for verifier in self.verifiers_of(receipt_id, receipt.signer())? {
            if bounties < verifiers && !job.has_booked(slot, verifier, FeeKind::Verify) {
                bounties += 1;
                due.push((verifier, FeeKind::Verify, split.bounty));
            }
        }
        due.retain(|(payee, kind, amount)| {
            *payee != self.me && *amount > Amount::ZERO && !job.has_booked(slot, *payee, *kind)
        });
        let line = |kind, amount| Line {
            job: id,
            slot,
            kind,
            receipt: receipt_id,
            amount,
        };
        self.pay_all(
            due.into_iter()
                .map(|(payee, kind, amount)| (payee, line(kind, amount))),
        )?;
        Ok(bounties >= verifiers || late)
    }

    pub(super) fn pay(&mut self, payee: NodeId, line: Line) -> Result<(), Error> {
        let Line { job, amount, .. } = line;
        if self.would_owe_too_much(payee, amount)? {
            tracing::warn!(%job, %payee, %amount, "not paid: more than this node comes to owe a peer");
            return Ok(());
        }
        match self
            .ledger
            .pay(payee, vec![line], self.identity.signing_key(), self.now.time)
        {
            Ok(Some(voucher)) => self.paid(voucher),
            Ok(None) => Ok(()),
            // The books refuse it, and are whole: no reason to stop.
            Err(error) if error.fault() == nonos_types::Fault::Caller => {
                tracing::error!(%job, %payee, %error, "not paid");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The same for several, in one write.
    fn pay_all(&mut self, lines: impl Iterator<Item = (NodeId, Line)>) -> Result<(), Error> {
        let mut dues: BTreeMap<NodeId, Vec<Line>> = BTreeMap::new();
        for (payee, line) in lines {
            dues.entry(payee).or_default().push(line);
        }
        let (mut together, mut apart) = (Vec::new(), Vec::new());
        for (payee, lines) in dues {
            let sum = (lines.iter()).try_fold(Amount::ZERO, |sum, line| sum.checked_add(line.amount));
            let fits = match sum {
                Some(sum) => !self.would_owe_too_much(payee, sum)?,
                None => false,
            };
            if fits { &mut together } else { &mut apart }.push((payee, lines));
        }
        let (key, now) = (self.identity.signing_key(), self.now.time);
        match self.ledger.pay_all(together.iter().cloned(), key, now) {
            Ok(vouchers) => {
                for voucher in vouchers {
                    self.paid(voucher)?;
                }
            }
            // One of them cannot be paid.
            Err(error) if error.fault() == nonos_types::Fault::Caller => apart.extend(together),
            Err(error) => return Err(error.into()),
        }
        for (payee, lines) in apart {
            for line in lines {
                self.pay(payee, line)?;
            }
        }
        Ok(())
    }

    /// A voucher of this node's is in its books.
    fn paid(&mut self, voucher: Signed<Voucher>) -> Result<(), Error> {
        let (payee, lines) = (voucher.payee, voucher.lines.clone());
        self.tell(voucher)?;
        for line in lines {
            let booked = Booked {
                slot: line.slot,
                kind: line.kind,
                peer: payee,
                paid: true,
                amount: line.amount,
            };
            let job = line.job;
            self.event(None, What::Booked { job, booked });
        }
        Ok(())
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
