//! As a verifier: receipts are checked, verdicts given, and faults shown to all.

use nonos_mesh::Acceptance;
use nonos_trust::{Cause, Context, Conviction, Deed, Judgement, Observation, ProofVerdict};
use nonos_types::{
    Accusation, Evidence, InvalidProof, JobId, Message, NodeId, Payload as _, Receipt, ReceiptId, Role, Signed,
    Verdict,
};

use super::{CHECKING, Checked, Decision, Effect, Engine, Error, Origin, VERIFY_MS, job::Job};
use crate::api::What;

/// Verdicts kept for receipts that are not verified here yet.
const EARLY: usize = 1024;

impl Engine {
    pub(super) fn judge_receipt(&mut self, it: &Signed<Receipt>, origin: &Origin) -> Result<Decision, Error> {
        let id = it.receipt_id();
        if self.receipts.contains_key(&id)
            || self.checking.contains(&id)
            || self.trust.is_blacklisted(it.signer())?
        {
            return Ok(Decision::Ignore);
        }
        let Some(job) = self.jobs.get(&it.record.proven.job) else {
            self.later(origin);
            return Ok(Decision::Ignore);
        };
        if let Some(part) = job.contradicts(it) {
            tracing::warn!(executor = %it.signer(), part, "receipt contradicts its offer");
            return Ok(Decision::Reject);
        }
        if self.checking.len() >= CHECKING {
            self.later(origin);
            return Ok(Decision::Ignore);
        }
        Ok(Decision::Later)
    }

    /// Has a receipt checked, which `judge_receipt` has put off.
    pub(super) fn check(&mut self, receipt: Signed<Receipt>, origin: Origin) {
        self.checking.insert(receipt.receipt_id());
        let first: Vec<NodeId> = [origin.peer, Some(receipt.signer())].into_iter().flatten().collect();
        let sources = self.sources(&first, None);
        self.effects.push(Effect::Check {
            receipt: Box::new(receipt),
            origin,
            sources,
        });
    }

    /// Only receipts that verify, and one's own, are journalled.
    pub(super) fn apply_receipt(&mut self, it: &Signed<Receipt>) {
        let id = it.receipt_id();
        if it.signer() == self.me {
            self.counts.executed += 1;
        } else {
            self.counts.verified_ok += 1;
        }
        if let Some(job) = self.jobs.get_mut(&it.record.proven.job) {
            let awarded = |id: &ReceiptId, job: &Job| {
                (self.receipts.get(id)).is_some_and(|it| job.awarded.contains(&it.signer()))
            };
            let better = match &job.good {
                None => true,
                Some(good) => job.awarded.contains(&it.signer()) && !awarded(good, job),
            };
            if better {
                job.good = Some(id);
                job.good_ms = Some(self.now.millis);
            }
            if it.signer() == self.me {
                job.mine = super::job::Mine::Done;
            }
        }
        self.receipts.insert(id, it.clone());
    }

    pub(super) fn checked(&mut self, checked: Checked) -> Result<(), Error> {
        let Checked {
            receipt,
            origin,
            verdict,
            facts,
            shown,
            ms,
        } = checked;
        let (id, job, executor) = (receipt.receipt_id(), receipt.record.proven.job, receipt.signer());
        self.checking.remove(&id);
        if let (Some(job), Some(facts)) = (self.jobs.get_mut(&job), facts) {
            job.facts.get_or_insert(facts);
        }
        let valid = match verdict {
            ProofVerdict::Valid => true,
            ProofVerdict::Invalid => false,
            ProofVerdict::Unknown { reason } => {
                tracing::warn!(%job, %executor, reason, "receipt not verified");
                self.report(origin.ticket, Acceptance::Ignore);
                self.later(&Origin::default());
                return Ok(());
            }
        };
        let what = What::Checked {
            job,
            executor,
            valid,
            ms,
        };
        self.event(Some(Role::Verifier), what);
        if valid {
            self.report(origin.ticket, Acceptance::Accept);
            self.remember(&VERIFY_MS, id, ms)?;
            self.keep(&Message::from(receipt), false)?;
            self.observe(executor, Context::Execute, Deed::Good, Cause::Receipt(id))?;
            self.give_verdict(id)?;
            self.take_early(id)?;
            self.settle(job)
        } else {
            self.report(origin.ticket, Acceptance::Reject);
            self.accuse(receipt, shown)
        }
    }

    fn give_verdict(&mut self, receipt: ReceiptId) -> Result<(), Error> {
        self.say(Verdict {
            network: self.network,
            receipt,
            valid: true,
            at: self.now.time,
        })?;
        Ok(())
    }

    /// After a restart: receipts that were verified, and no verdict said so.
    pub(super) fn give_missing_verdicts(&mut self) -> Result<(), Error> {
        let missing: Vec<ReceiptId> = (self.receipts.iter())
            .filter(|(id, receipt)| {
                let given = (self.verdicts.get(id)).is_some_and(|it| it.iter().any(|(node, _)| *node == self.me));
                receipt.signer() != self.me && !given
            })
            .map(|(id, _)| *id)
            .collect();
        for id in missing {
            self.give_verdict(id)?;
        }
        Ok(())
    }

    fn accuse(&mut self, receipt: Signed<Receipt>, shown: Option<(Vec<u8>, Vec<u8>)>) -> Result<(), Error> {
        let (tapes, proof) = shown.expect("an invalid receipt comes with what shows it");
        let (executor, job) = (receipt.signer(), receipt.record.proven.job);
        let evidence = InvalidProof { receipt, tapes, proof };
        let guilty = Judgement::Guilty {
            subject: executor,
            evidence: evidence.id(),
        };
        let accusation = Accusation {
            network: self.network,
            evidence: Evidence::InvalidProof(Box::new(evidence)),
            at: self.now.time,
        };
        let fits = accusation.to_bytes().len() as u64 <= Accusation::MAX.get();
        let signed = Signed::new(accusation, self.identity.signing_key());
        self.convict(&signed, &guilty)?;
        if fits {
            self.tell(signed)?;
        } else {
            self.counts.verified_bad += 1;
            tracing::warn!(%executor, "evidence too long to be sent; it is kept for export");
        }
        self.award(job)
    }

    fn convict(&mut self, accusation: &Signed<Accusation>, judgement: &Judgement) -> Result<(), Error> {
        let (peer, evidence) = (accusation.evidence.subject(), accusation.evidence.id());
        match self.trust.convict(accusation, judgement, self.now.time)? {
            Conviction::New => {
                self.connected.remove(&peer);
                self.effects.push(Effect::Block(peer));
                self.event(Some(Role::Verifier), What::Blacklisted { peer, evidence });
                let jobs: Vec<JobId> = self.jobs.keys().copied().collect();
                for job in jobs {
                    self.award(job)?;
                }
            }
            Conviction::Frozen => {
                tracing::error!(%peer, "too many peers found guilty at once: blacklisting is frozen, look at them");
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn judge_verdict(&mut self, it: &Signed<Verdict>, origin: &Origin) -> Result<Decision, Error> {
        if self.trust.is_blacklisted(it.signer())? {
            return Ok(Decision::Ignore);
        }
        if self.receipts.contains_key(&it.receipt) {
            return Ok(Decision::Accept);
        }
        if !self.early.iter().any(|early| early == it) {
            if self.early.len() == EARLY {
                self.early.pop_front();
            }
            self.early.push_back(it.clone());
        }
        if !self.checking.contains(&it.receipt) {
            self.later(origin);
        }
        Ok(Decision::Ignore)
    }

    /// Verdicts about a receipt that came before it was verified here.
    fn take_early(&mut self, receipt: ReceiptId) -> Result<(), Error> {
        let (now, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.early).into_iter().partition(|it| it.receipt == receipt);
        self.early = later.into();
        for verdict in now {
            self.message(Message::from(verdict), Origin::default())?;
        }
        Ok(())
    }

    /// A verdict about a receipt that this node has verified itself.
    pub(super) fn saw_verdict(&mut self, it: &Signed<Verdict>) -> Result<(), Error> {
        let deed = if it.valid { Deed::Good } else { Deed::Bad };
        if it.signer() != self.me {
            self.observe(it.signer(), Context::Verify, deed, Cause::Receipt(it.receipt))?;
        }
        match self.receipts.get(&it.receipt).map(|it| it.record.proven.job) {
            Some(job) => self.settle(job),
            None => Ok(()),
        }
    }

    pub(super) fn judge_accusation(
        &mut self,
        it: &Signed<Accusation>,
        origin: &Origin,
    ) -> Result<Decision, Error> {
        let id = it.evidence.id();
        let known = self.trust.evidence(id)?.is_some() || self.judging.contains(&id);
        if known || self.trust.is_blacklisted(it.signer())? {
            return Ok(Decision::Ignore);
        }
        if self.judging.len() >= CHECKING {
            self.later(origin);
            return Ok(Decision::Ignore);
        }
        Ok(Decision::Later)
    }

    pub(super) fn judge(&mut self, accusation: Signed<Accusation>, origin: Origin) {
        self.judging.insert(accusation.evidence.id());
        let sources = self.sources(&[accusation.signer()], None);
        self.effects.push(Effect::Judge {
            accusation: Box::new(accusation),
            origin,
            sources,
        });
    }

    pub(super) fn judged(
        &mut self,
        accusation: &Signed<Accusation>,
        judgement: &Judgement,
        origin: Origin,
    ) -> Result<(), Error> {
        self.judging.remove(&accusation.evidence.id());
        let acceptance = match judgement {
            Judgement::Guilty { .. } => {
                self.convict(accusation, judgement)?;
                self.keep(&Message::from(accusation.clone()), false)?;
                Acceptance::Accept
            }
            Judgement::Innocent => {
                let cause = Cause::Message(accusation.id());
                self.observe(accusation.signer(), Context::Verify, Deed::Bad, cause)?;
                Acceptance::Reject
            }
            Judgement::Indeterminate { .. } => Acceptance::Ignore,
        };
        self.report(origin.ticket, acceptance);
        Ok(())
    }

    pub(super) fn observe(
        &mut self,
        peer: NodeId,
        context: Context,
        deed: Deed,
        cause: Cause,
    ) -> Result<(), Error> {
        let observation = Observation {
            peer,
            context,
            deed,
            cause,
        };
        let standing = self.trust.observe(&observation, self.now.time)?;
        self.effects.push(Effect::Weigh {
            peer,
            score_ppm: standing.score.get(),
        });
        Ok(())
    }

    /// A requester has paid.
    pub(super) fn saw_payment(&mut self, payer: NodeId, receipt: ReceiptId) -> Result<(), Error> {
        self.observe(payer, Context::Pay, Deed::Good, Cause::Receipt(receipt))
    }
}
