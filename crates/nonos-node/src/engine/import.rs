//! Messages of a bundle: judged as if a peer had given them, but whoever offers them is told what became of each, and
//! waits where a peer's would be left out.

use nonos_mesh::core::Standing;
use nonos_types::{JobId, Message};

use super::{Decision, Engine, Error, Fate, Need, Origin, jobs::DEADLINE_S};

impl Engine {
    /// Takes in a message, or says why not. One that was offered `before` is not judged again.
    pub(super) fn import(&mut self, message: Message, before: bool) -> Result<Fate, Error> {
        if self.journal.has(&message)? {
            if let Message::Descriptor(it) = &message {
                self.directory.learn(it, None, self.now.time);
            }
            return Ok(if before { Fate::Taken } else { Fate::Known });
        }
        if before {
            return self.became(&message);
        }
        if message.signer() == self.me {
            // Those that come back are in the journal.
            self.saw_own(message)?;
            return Ok(Fate::Refused(
                "signed with this node's key, and not by this node as far as its data go",
            ));
        }
        match &message {
            Message::Receipt(it) => {
                let id = it.receipt_id();
                if !self.checking.contains_key(&id) {
                    if !self.may_check(None) {
                        return Ok(Fate::Busy);
                    }
                    // What it has waited for may have come with it.
                    self.retries.remove(&id);
                }
            }
            Message::Accusation(_) if !self.may_judge() => return Ok(Fate::Busy),
            _ => {}
        }
        let origin = Origin::default();
        let decision = self.judge(&message, &origin)?;
        if matches!(decision, Decision::Reject) {
            return Ok(Fate::Refused("contradicts what it is about, or breaks a rule"));
        }
        self.decided(message.clone(), origin, decision)?;
        self.became(&message)
    }

    /// What became of a message that was offered.
    fn became(&self, message: &Message) -> Result<Fate, Error> {
        if self.journal.has(message)? {
            return Ok(Fate::Taken);
        }
        if let Some(need) = self.parked.need_of(message) {
            return Ok(Fate::Waits(match need {
                Need::Job(_) => "for the offer of its job",
                Need::Receipt(_) => "for the receipt it is about",
                Need::Award(..) => "for an award to its signer",
                Need::Voucher(_) => "for the voucher before it",
            }));
        }
        Ok(match message {
            Message::Receipt(it) if self.checking.contains_key(&it.receipt_id()) => Fate::Checked,
            Message::Receipt(it) if self.retries.contains_key(&it.receipt_id()) => {
                Fate::Waits("for its capsule, tapes or proof, or until the verifiers have time")
            }
            Message::Accusation(it) if self.judging.contains(&it.evidence.id()) => Fate::Checked,
            _ => Fate::Refused(self.why_refused(message)?),
        })
    }

    /// Why a message was ignored.
    fn why_refused(&self, message: &Message) -> Result<&'static str, Error> {
        if let Message::Receipt(it) = message
            && self.bad.contains(&it.receipt_id())
        {
            return Ok("its proof does not hold");
        }
        if self.trust.is_blacklisted(message.signer())? {
            return Ok("its signer is blacklisted");
        }
        Ok(match message {
            Message::Descriptor(it) => match self.directory.judge(it, self.now.time) {
                Standing::Known | Standing::Old => "a newer one is known",
                Standing::Equivocates => "its signer says something else elsewhere",
                Standing::Expired => "no longer valid",
                Standing::TooLittleWork { .. } => {
                    "less work was done for its name than `stamp_bits` asks for"
                }
                _ => "no room for its node: see [directory] in config.toml",
            },
            Message::Offer(it) if it.deadline.get() + DEADLINE_S < self.now.time.get() => JOB_OVER,
            Message::Receipt(it) => self.why_not_of_job(it.record.proven.job)?,
            Message::Claim(it) => self.why_not_of_job(it.job)?,
            Message::Award(it) => self.why_not_of_job(it.job)?,
            Message::Cancel(it) => self.why_not_of_job(it.job)?,
            Message::Accusation(it) => {
                let subject = it.evidence.subject();
                if self.cleared.contains(&it.evidence.id()) {
                    "it shows no fault"
                } else if self.trust.is_blacklisted(subject)? {
                    "whom it accuses is blacklisted already"
                } else {
                    "it cannot be judged: its capsule is not here, or its fault is known"
                }
            }
            _ => NOTHING_NEW,
        })
    }

    fn why_not_of_job(&self, job: JobId) -> Result<&'static str, Error> {
        let over = !self.jobs.contains_key(&job) && self.journal.offer(job)?.is_some();
        Ok(if over { JOB_OVER } else { NOTHING_NEW })
    }
}

const JOB_OVER: &str = "its job is over";
const NOTHING_NEW: &str = "it says nothing new, or there is no room for it now";
