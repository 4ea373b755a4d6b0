//! What a job hides: the executor's input, and the requester's results.

use nonos_trust::{Cause, Context, Deed};
use nonos_types::{Amount, JobId, ReceiptId, Role};

use super::{
    Effect, Engine, Error,
    effect::Opened,
    job::{Job, Mine, Refused, Seat},
};
use crate::api::What;

/// Milliseconds until a result is asked for again, at first, and how often that is doubled.
const AGAIN_MS: u64 = 10_000;
const AGAIN_MOST: u32 = 6;

/// What is known of a sealed result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It is being fetched, and how often that was tried before.
    Asked { tries: u32 },
    /// It was not to be had.
    Later { at_ms: u64, tries: u32, why: String },
    /// It opens the record's commitment.
    Good,
    /// It does not.
    Bad(String),
}

impl Engine {
    /// Nothing is run: what is sealed for this node is not what the offer says.
    pub(super) fn cannot_open(&mut self, id: JobId, reason: String) -> Result<(), Error> {
        if let Some(job) = self.jobs.get_mut(&id) {
            job.mine = Mine::GivenUp;
            job.refused = Some(Refused {
                code: "sealed",
                reason: format!("its sealed input is not run: {reason}"),
            });
            self.event(Some(Role::Executor), What::Failed { job: id, reason });
        }
        Ok(())
    }

    pub(super) fn unopened(&mut self, id: JobId, reason: String) -> Result<(), Error> {
        self.cannot_open(id, reason)?;
        self.start_next()?;
        self.consider_all()
    }

    /// Asks for the results of receipts that could be paid.
    pub(super) fn ask_results(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(&id) else { return };
        if job.offer.signer() != self.me || job.offer.result_key.is_none() {
            return;
        }
        let now = self.now.millis;
        let mut due = Vec::new();
        for seat in job.seats.iter().filter(|seat| seat.paid.is_none()) {
            for receipt in &seat.receipts {
                let awarded = (self.receipts.get(receipt)).filter(|it| seat.awarded.contains(&it.signer()));
                let tries = match job.results.get(receipt) {
                    None => 0,
                    Some(Delivery::Later { at_ms, tries, .. }) if *at_ms <= now => *tries,
                    Some(_) => continue,
                };
                due.extend(awarded.map(|it| (*receipt, it.clone(), tries)));
            }
        }
        for (receipt, signed, tries) in due {
            let sources = self.sources(&[signed.signer()], None);
            let job = self.jobs.get_mut(&id).expect("found above");
            job.results.insert(receipt, Delivery::Asked { tries });
            self.effects.push(Effect::OpenResult {
                offer: Box::new(job.offer.clone()),
                receipt: Box::new(signed),
                sources,
            });
        }
    }

    pub(super) fn result_opened(
        &mut self,
        id: JobId,
        receipt: ReceiptId,
        opened: Opened,
    ) -> Result<(), Error> {
        let now = self.now.millis;
        let Some(Delivery::Asked { tries }) = (self.jobs.get(&id)).and_then(|job| job.results.get(&receipt))
        else {
            return Ok(());
        };
        let tries = *tries;
        let result = match opened {
            Opened::Good => Delivery::Good,
            Opened::Bad(why) => {
                tracing::warn!(job = %id, %receipt, why, "a sealed result is not paid");
                // The cause is that of an award that brings nothing: it counts once.
                if let Some(executor) = self.receipts.get(&receipt).map(|it| it.signer()) {
                    self.observe(executor, Context::Execute, Deed::Bad, Cause::Job(id))?;
                }
                Delivery::Bad(why)
            }
            Opened::Missing(why) => Delivery::Later {
                at_ms: now + (AGAIN_MS << tries.min(AGAIN_MOST)),
                tries: tries + 1,
                why,
            },
        };
        if let Some(job) = self.jobs.get_mut(&id) {
            job.results.insert(receipt, result);
        }
        self.delivered(receipt)?;
        self.settle(id)
    }

    /// A receipt that verifies is a good deed, once its requester has the result.
    pub(super) fn delivered(&mut self, id: ReceiptId) -> Result<(), Error> {
        let Some(receipt) = self.receipts.get(&id) else {
            return Ok(());
        };
        let (executor, job) = (receipt.signer(), self.jobs.get(&receipt.record.proven.job));
        if job.is_none_or(|job| self.has_result(job, id)) {
            self.observe(executor, Context::Execute, Deed::Good, Cause::Receipt(id))?;
        }
        Ok(())
    }

    /// Does the requester have what was run for it? Only it can tell.
    pub(super) fn has_result(&self, job: &Job, receipt: ReceiptId) -> bool {
        job.offer.signer() != self.me
            || job.offer.result_key.is_none()
            || job.results.get(&receipt) == Some(&Delivery::Good)
    }

    /// Others cannot see whether a sealed result opened. That the slot was awarded to another, or that the requester has
    /// not paid for long, says that it may not have.
    pub(super) fn is_doubtful(&self, job: &Job, seat: &Seat, receipt: ReceiptId) -> bool {
        let (Some(_), Some(award)) = (job.offer.result_key, &seat.award) else {
            return false;
        };
        let receipt = &self.receipts[&receipt];
        let until = award.at.get().saturating_add(self.config.award_timeout_s / 2);
        let is_late = receipt.fee > Amount::ZERO && self.now.time.get() >= until;
        job.offer.signer() != self.me && (award.executor != receipt.signer() || is_late)
    }

    /// Is it done, and will it remain so? What is in doubt later is so only of sealed results that are not paid.
    pub(super) fn is_surely_done(&self, job: &Job) -> bool {
        let paid = || job.seats.iter().all(|seat| seat.paid.is_some());
        self.is_done(job) && (job.offer.result_key.is_none() || paid())
    }

    /// Why none of a job's sealed results is paid yet, if there are any.
    pub(super) fn why_unopened(job: &Job) -> Option<String> {
        let mut why = job.results.values().map(|result| match result {
            Delivery::Asked { .. } => Some("it is being fetched".to_owned()),
            Delivery::Later { why, .. } => Some(format!("{why}; it is asked for again")),
            Delivery::Bad(why) => Some(why.clone()),
            Delivery::Good => None,
        });
        // One that opened is enough.
        why.try_fold(None, |_, it| it.map(Some)).flatten()
    }
}
