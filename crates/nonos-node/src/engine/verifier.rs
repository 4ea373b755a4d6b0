//! As a verifier: receipts are checked, verdicts given, and faults shown to all.

use nonos_mesh::Acceptance;
use nonos_trust::{
    Cause, Context, Conviction, Deed, Judgement, Observation, ProofCheck, ProofVerdict, judge,
};
use nonos_types::{
    Accusation, Evidence, InvalidProof, Message, NodeId, Payload as _, Receipt, ReceiptId, Role, Shard,
    Signed, Verdict, Work,
};

use super::{Checked, Decision, Effect, Engine, Error, Need, Origin, VERIFY_MS, job::Mine};
use crate::{Conduct, api::What};

/// Receipts that are fetched and verified at a time, and of those that one peer passed on.
pub(super) const CHECKING: usize = 64;
const CHECKING_OF_ONE: usize = 16;
/// Accusations that are judged at a time.
const JUDGING: usize = 16;
/// Receipts to verify later, how often that is tried, and how many milliseconds after the first time.
const RETRIES: usize = 256;
const TRIES: u32 = 5;
const RETRY_MS: u64 = 10_000;
/// Verdicts of one receipt that are kept.
const VERDICTS: usize = 256;

/// A receipt that could not be verified yet.
#[derive(Debug)]
pub(super) struct Retry {
    receipt: Signed<Receipt>,
    tries: u32,
    at_ms: u64,
}

impl Engine {
    pub(super) fn judge_receipt(&mut self, it: &Signed<Receipt>, origin: &Origin) -> Result<Decision, Error> {
        let id = it.receipt_id();
        self.carried(it, origin)?;
        if self.receipts.contains_key(&id)
            || self.checking.contains_key(&id)
            || self.retries.contains_key(&id)
            || self.bad.contains(&id)
            || self.trust.is_blacklisted(it.signer())?
        {
            return Ok(Decision::Ignore);
        }
        let name = it.record.proven.job;
        if !self.jobs.contains_key(&name) {
            return Ok(match self.journal.offer(name)? {
                Some(_) => Decision::Ignore,
                None => self.park(Need::Job(name), it.clone(), origin),
            });
        };
        if let Some(reuse) = self.reused(it) {
            return self.saw_reuse(reuse);
        }
        let job = &self.jobs[&name];
        if self.conduct == Conduct::RelayUnchecked {
            return Ok(Decision::Accept);
        }
        // What it takes to check a receipt is for this node's own jobs only.
        if self.is_spent() && job.offer.signer() != self.me {
            return Ok(Decision::Ignore);
        }
        if let Some(part) = job.contradicts(it) {
            tracing::warn!(executor = %it.signer(), part, "receipt contradicts its offer");
            return Ok(Decision::Reject);
        }
        if !job.may_try(id, it.signer()) {
            // If it gets the award, that is another matter.
            if !job.was_awarded_to(it.signer()) {
                self.parked
                    .park(Need::Award(name, it.signer()), Message::from(it.clone()));
            }
            return Ok(Decision::Ignore);
        }
        if !self.may_check(origin.peer) {
            self.check_later(it.clone(), 0);
            return Ok(Decision::Ignore);
        }
        Ok(Decision::Later)
    }

    /// Is there room to check a receipt that came from there?
    pub(super) fn may_check(&self, from: Option<NodeId>) -> bool {
        let of_one = self.checking.values().filter(|it| **it == from).count();
        self.checking.len() < CHECKING && of_one < CHECKING_OF_ONE
    }

    /// Is there room to judge an accusation?
    pub(super) fn may_judge(&self) -> bool {
        self.judging.len() < JUDGING
    }

    /// Has a receipt checked, which `judge_receipt` has put off.
    pub(super) fn check(&mut self, receipt: Signed<Receipt>, origin: Origin) {
        let id = receipt.receipt_id();
        if let Some(job) = self.jobs.get_mut(&receipt.record.proven.job) {
            job.tried.insert(id, receipt.signer());
        }
        self.checking.insert(id, origin.peer);
        let first: Vec<NodeId> = [origin.peer, Some(receipt.signer())]
            .into_iter()
            .flatten()
            .collect();
        let sources = self.sources(&first, None);
        self.effects.push(Effect::Check {
            receipt: Box::new(receipt),
            origin,
            sources,
        });
    }

    /// Receipts of an executor that wait to be checked.
    pub(super) fn waiting(&self, executor: NodeId) -> impl Iterator<Item = &Signed<Receipt>> {
        let waiting = self.retries.values().map(|it| &it.receipt);
        waiting.filter(move |it| it.signer() == executor)
    }

    fn check_later(&mut self, receipt: Signed<Receipt>, tries: u32) {
        if self.retries.len() >= RETRIES {
            // Peers have it, and it will be found missing here.
            return;
        }
        let at_ms = self.now.millis + (RETRY_MS << tries);
        let retry = Retry {
            receipt,
            tries,
            at_ms,
        };
        self.retries.insert(retry.receipt.receipt_id(), retry);
    }

    /// Checks receipts whose time has come.
    pub(super) fn retry(&mut self) -> Result<(), Error> {
        let room = CHECKING.saturating_sub(self.checking.len());
        let due: Vec<ReceiptId> = (self.retries.iter())
            .filter(|(_, retry)| retry.at_ms <= self.now.millis)
            .map(|(id, _)| *id)
            .take(room)
            .collect();
        for id in due {
            let Retry { receipt, tries, .. } = self.retries.remove(&id).expect("listed above");
            let useful = self.jobs.contains_key(&receipt.record.proven.job)
                && !self.trust.is_blacklisted(receipt.signer())?
                && !self.journal.has(&Message::from(receipt.clone()))?;
            if useful {
                self.tries.insert(id, tries);
                self.check(receipt, Origin::default());
            }
        }
        Ok(())
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
            job.good_ms.get_or_insert(self.now.millis);
            if let Some(seat) = job.seat_mut(it.record.proven.slot) {
                seat.receipts.push(id);
            }
            if it.signer() == self.me {
                job.mine = Mine::Done;
            }
            self.receipts.insert(id, it.clone());
        }
    }

    pub(super) fn checked(&mut self, checked: Checked) -> Result<(), Error> {
        let Checked {
            receipt,
            origin,
            verdict,
            value,
            facts,
            shown,
            ms,
        } = checked;
        let (id, job, executor) = (receipt.receipt_id(), receipt.record.proven.job, receipt.signer());
        self.checking.remove(&id);
        let tries = self.tries.remove(&id).unwrap_or(0);
        if let (Some(job), Some(facts)) = (self.jobs.get_mut(&job), facts) {
            job.facts.get_or_insert(facts);
        }
        let valid = match verdict {
            ProofVerdict::Valid => true,
            ProofVerdict::Invalid => false,
            ProofVerdict::Unknown { reason } => {
                tracing::warn!(%job, %executor, reason, "receipt not verified");
                self.report(origin.ticket, Acceptance::Ignore);
                if tries < TRIES {
                    self.check_later(receipt, tries + 1);
                }
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
            self.found_right(&receipt);
            if let Some(value) = value {
                self.note_value(id, value)?;
            }
            // Another one may have been found good meanwhile.
            if let Some(reuse) = self.reused(&receipt) {
                self.saw_reuse(reuse)?;
                self.report(origin.ticket, Acceptance::Ignore);
                return Ok(());
            }
            let receipt = Message::from(receipt);
            self.pass_on(&receipt, &origin);
            self.found_good(id);
            self.report(origin.ticket, Acceptance::Accept);
            self.remember(&VERIFY_MS, id, ms)?;
            self.keep(&receipt, false)?;
            self.delivered(id)?;
            self.give_verdict(id)?;
            self.unpark(Need::Receipt(id))?;
            self.heard(id)?;
            self.settle(job)?;
            self.award(job)
        } else {
            self.report(origin.ticket, Acceptance::Reject);
            let (tapes, proof) = shown.expect("an invalid receipt comes with what shows it");
            let item = InvalidProof {
                receipt,
                tapes,
                proof,
            };
            self.found_bad(item.clone())?;
            self.accuse(item)?;
            // Who has said that it holds.
            self.unpark(Need::Receipt(id))
        }
    }

    /// Who is no verifier checks what it keeps, and leaves the bounty to others.
    fn give_verdict(&mut self, receipt: ReceiptId) -> Result<(), Error> {
        if !self.is(Role::Verifier) {
            return Ok(());
        }
        let job = self.receipts.get(&receipt).map(|it| it.record.proven.job);
        let work = match job {
            Some(job) => self.commit(receipt, job)?,
            None => None,
        };
        self.say(Verdict {
            network: self.network,
            receipt,
            valid: true,
            at: self.now.time,
            shard: self.shard_of_receipt(receipt),
            work,
        })?;
        Ok(())
    }

    pub(super) fn shard_of_receipt(&self, receipt: ReceiptId) -> Option<Shard> {
        (self.receipts.get(&receipt)).map(|it| Shard::of(&it.record.proven.capsule))
    }

    /// After a restart: receipts that were verified, and no verdict said so.
    pub(super) fn give_missing_verdicts(&mut self) -> Result<(), Error> {
        let missing: Vec<ReceiptId> = (self.receipts.iter())
            .filter(|(id, receipt)| {
                let given =
                    (self.verdicts.get(id)).is_some_and(|it| it.iter().any(|(node, _)| *node == self.me));
                receipt.signer() != self.me && !given
            })
            .map(|(id, _)| *id)
            .collect();
        for id in missing {
            self.delivered(id)?;
            self.give_verdict(id)?;
        }
        Ok(())
    }

    fn accuse(&mut self, evidence: InvalidProof) -> Result<(), Error> {
        let (executor, job) = (evidence.receipt.signer(), evidence.receipt.record.proven.job);
        let guilty = Judgement::Guilty {
            subject: executor,
            evidence: evidence.id(),
        };
        let accusation = Accusation {
            network: self.network,
            evidence: Evidence::InvalidProof(Box::new(evidence)),
            at: self.now.time,
        };
        let signed = Signed::new(accusation, self.identity.signing_key());
        let news = self.convict(&signed, &guilty)? != Conviction::Known;
        if news && Self::fits(&signed) {
            self.tell(signed)?;
        } else {
            self.counts.verified_bad += 1;
            if news {
                tracing::warn!(%executor, "evidence too long to be sent; it is kept for export");
            }
        }
        self.award(job)
    }

    /// Is it short enough to be sent?
    pub(super) fn fits(accusation: &Accusation) -> bool {
        accusation.to_bytes().len() as u64 <= Accusation::MAX.get()
    }

    pub(super) fn convict(
        &mut self,
        accusation: &Signed<Accusation>,
        judgement: &Judgement,
    ) -> Result<Conviction, Error> {
        let (peer, evidence) = (accusation.evidence.subject(), accusation.evidence.id());
        let now = self.now.time;
        let conviction = if self.is_controlled(&accusation.evidence)? {
            self.trust.convict_controlled(accusation, judgement, now)?
        } else {
            self.trust.convict(accusation, judgement, now)?
        };
        match conviction {
            Conviction::New => {
                self.event(Some(Role::Verifier), What::Blacklisted { peer, evidence });
                self.shut_out(peer)?;
            }
            Conviction::Frozen => {
                tracing::error!(%peer, "too many peers found guilty at once: blacklisting is frozen, look at them");
            }
            _ => {}
        }
        Ok(conviction)
    }

    pub(super) fn judge_verdict(&mut self, it: &Signed<Verdict>, origin: &Origin) -> Result<Decision, Error> {
        if self.trust.is_blacklisted(it.signer())? {
            return Ok(Decision::Ignore);
        }
        let Some(receipt) = self.receipts.get(&it.receipt) else {
            if !self.bad.contains(&it.receipt) {
                return Ok(self.park(Need::Receipt(it.receipt), it.clone(), origin));
            }
            if it.valid {
                self.contest(it)?;
            }
            return Ok(Decision::Ignore);
        };
        if let Some(Work::Shown(value)) = it.work {
            return self.judge_showing(it, value);
        }
        let given = self.verdicts.get(&it.receipt).map_or(&[][..], Vec::as_slice);
        let news = given.len() < VERDICTS && given.iter().all(|(verifier, _)| *verifier != it.signer());
        // Nobody judges himself.
        Ok(if news && receipt.signer() != it.signer() {
            Decision::Accept
        } else {
            Decision::Ignore
        })
    }

    /// A verdict about a receipt that this node has verified itself.
    pub(super) fn saw_verdict(&mut self, it: &Signed<Verdict>) -> Result<(), Error> {
        let deed = if it.valid { Deed::Good } else { Deed::Bad };
        if it.signer() != self.me && !it.is_showing() {
            self.observe(it.signer(), Context::Verify, deed, Cause::Receipt(it.receipt))?;
            if !it.valid {
                self.contest(it)?;
            }
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
        // An operator's bundle has its accusations before its descriptors.
        if origin.peer.is_some() && self.is_cheap(&it.evidence) {
            return Ok(Decision::Ignore);
        }
        let known = self.trust.evidence(id)?.is_some() || self.judging.contains(&id);
        // One fault is enough, and who showed it made it known.
        let convicted = self.trust.is_blacklisted(it.evidence.subject())?;
        if known || convicted || self.trust.is_blacklisted(it.signer())? {
            return Ok(Decision::Ignore);
        }
        // An operator's bundle is the operator's business.
        if origin.peer.is_some() && !self.admits(it)? {
            return Ok(Decision::Ignore);
        }
        // What costs little first: a receipt whose proof was seen to hold, and bytes that it does not commit to.
        let shown = it.evidence.item().map(|item| item.receipt.receipt_id());
        let holds = !it.evidence.needs_valid() && shown.is_some_and(|it| self.receipts.contains_key(&it))
            || self.cleared.contains(&id);
        if holds || judge(it, &Unchecked) == Judgement::Innocent {
            self.accused_wrongly(it)?;
            return Ok(Decision::Reject);
        }
        if !self.may_judge() {
            return Ok(Decision::Ignore);
        }
        Ok(Decision::Later)
    }

    pub(super) fn judge_later(
        &mut self,
        accusation: Signed<Accusation>,
        origin: Origin,
    ) -> Result<(), Error> {
        self.judging.insert(accusation.evidence.id());
        self.note_judging(&accusation)?;
        let sources = self.sources(&[accusation.signer()], None);
        self.effects.push(Effect::Judge {
            accusation: Box::new(accusation),
            origin,
            sources,
        });
        Ok(())
    }

    pub(super) fn judged(
        &mut self,
        accusation: &Signed<Accusation>,
        judgement: &Judgement,
        origin: Origin,
    ) -> Result<(), Error> {
        self.judging.remove(&accusation.evidence.id());
        self.note_judged(accusation.evidence.id());
        let acceptance = match judgement {
            Judgement::Guilty { .. } => {
                self.convict(accusation, judgement)?;
                let message = Message::from(accusation.clone());
                self.pass_on(&message, &origin);
                self.keep(&message, false)?;
                Acceptance::Accept
            }
            Judgement::Innocent => {
                self.cleared.insert(accusation.evidence.id());
                self.accused_wrongly(accusation)?;
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
}

/// Checks no proof.
pub(crate) struct Unchecked;

impl ProofCheck for Unchecked {
    fn check(&self, _: &Receipt, _: &[u8], _: &[u8]) -> ProofVerdict {
        ProofVerdict::Unknown {
            reason: "not checked".to_owned(),
        }
    }
}
