//! As an executor: which jobs to claim, and running those that are awarded.

use std::sync::Arc;

use nonos_store::{Batch, Durability, Table};
use nonos_types::{
    Attempt, ByteLen, CapsuleHash, Claim, JobId, NodeId, Offer, Receipt, Role, Signed, Transfer,
};

use super::{
    Decision, Effect, Engine, Error, Facts, JOBS, Origin, PROVE_MS,
    job::{Mine, SLOT},
};
use crate::{Conduct, api::What};

/// Attempts that were begun.
const ATTEMPTS: Table<JobId, Attempt> = Table::new("attempt");
/// Capsules that were fetched and not yet run for a fee: whom the next receipt names.
const TRANSFERS: Table<CapsuleHash, Vec<u8>> = Table::new("transfer");

/// How long a claim stands, in milliseconds, before this node takes another job.
const CLAIM_MS: u64 = 10_000;
/// How often a run is tried again if something of this machine fails, and after how many milliseconds.
const FAILURES: u8 = 3;
const RETRY_MS: u64 = 10_000;

/// Why a node does not run a job; `why-not` shows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("this node runs no capsules of others (executor.enabled is false)")]
    Disabled,
    #[error("it is this node's own job")]
    Own,
    #[error("its requester is blacklisted")]
    Blacklisted,
    #[error("its deadline has passed")]
    Late,
    #[error("this node has no backend `{backend}`")]
    Backend { backend: String },
    #[error("its input has {actual}, this node takes at most {limit}")]
    Input { actual: ByteLen, limit: ByteLen },
    #[error("the offer calls `{offered}`, the capsule's entry is `{entry}`")]
    Entry { offered: String, entry: String },
    #[error("its arguments are not those the entry takes")]
    Arguments,
    #[error("the capsule may use {actual} units of fuel, this node gives at most {limit}")]
    Fuel { actual: u64, limit: u64 },
    #[error("the capsule may use {actual} pages of memory, this node gives at most {limit}")]
    Memory { actual: u32, limit: u32 },
    #[error("it pays {offered} for a million units of fuel, this node asks for {asked}")]
    Price { offered: String, asked: String },
    #[error("the capsule's base fee is {base}, the offer pays at most {most}")]
    Fee { base: String, most: String },
    #[error("{reason}")]
    Preparation { reason: String },
}

impl Engine {
    pub(super) fn judge_offer(&self, it: &Signed<Offer>) -> Result<Decision, Error> {
        Ok(
            if self.jobs.len() >= JOBS
                || it.deadline < self.now.time
                || self.trust.is_blacklisted(it.signer())?
            {
                Decision::Ignore
            } else {
                Decision::Accept
            },
        )
    }

    /// The checks that need nothing but the offer, then those that need the capsule.
    fn refusal(&self, offer: &Signed<Offer>, facts: Option<&Facts>) -> Result<Option<Refusal>, Error> {
        let limits = &self.config.executor;
        let most_input = ByteLen::new(limits.max_input);
        let refusal = if offer.signer() == self.me {
            Refusal::Own
        } else if !limits.enabled {
            Refusal::Disabled
        } else if self.trust.is_blacklisted(offer.signer())? {
            Refusal::Blacklisted
        } else if offer.deadline <= self.now.time {
            Refusal::Late
        } else if !self.about.backends.contains(&offer.backend) {
            Refusal::Backend {
                backend: offer.backend.to_string(),
            }
        } else if offer.input_len > most_input {
            Refusal::Input {
                actual: offer.input_len,
                limit: most_input,
            }
        } else if offer.fuel_price < limits.min_fuel_price {
            Refusal::Price {
                offered: offer.fuel_price.to_string(),
                asked: limits.min_fuel_price.to_string(),
            }
        } else if let Some(facts) = facts {
            return Ok(self.refusal_of(offer, facts));
        } else {
            return Ok(None);
        };
        Ok(Some(refusal))
    }

    fn refusal_of(&self, offer: &Offer, facts: &Facts) -> Option<Refusal> {
        let limits = &self.config.executor;
        if facts.entry != offer.entry {
            Some(Refusal::Entry {
                offered: offer.entry.clone(),
                entry: facts.entry.clone(),
            })
        } else if !offer.arguments.iter().map(|it| it.kind()).eq(facts.params.iter().copied()) {
            Some(Refusal::Arguments)
        } else if facts.fuel > limits.max_fuel {
            Some(Refusal::Fuel {
                actual: facts.fuel.get(),
                limit: limits.max_fuel.get(),
            })
        } else if facts.pages > limits.max_pages {
            Some(Refusal::Memory {
                actual: facts.pages.get(),
                limit: limits.max_pages.get(),
            })
        } else if facts.base > offer.max_fee {
            Some(Refusal::Fee {
                base: facts.base.to_string(),
                most: offer.max_fee.to_string(),
            })
        } else {
            None
        }
    }

    /// Would this node run the job? Claims it if it can at once.
    pub(super) fn consider(&mut self, id: JobId) -> Result<(), Error> {
        let Some(job) = self.jobs.get(&id) else { return Ok(()) };
        let free = match job.mine {
            Mine::Nothing { not_before_ms, .. } => self.now.millis >= not_before_ms,
            Mine::Claimed { at_ms } => self.now.millis >= at_ms + CLAIM_MS,
            Mine::Running | Mine::Done => false,
        };
        if !free || job.good.is_some() || job.preparing {
            return Ok(());
        }
        let refusal = self.refusal(&job.offer, job.facts.as_deref())?;
        let (offer, known) = (job.offer.clone(), job.facts.is_some());
        let open = job.award.is_none();
        let job = self.jobs.get_mut(&id).expect("found above");
        if let Some(refusal) = refusal {
            job.refused = Some(refusal.to_string());
            return Ok(());
        }
        if !known {
            job.preparing = true;
            let sources = self.sources(&[], Some(offer.signer()));
            let offer = Box::new(offer);
            self.effects.push(Effect::Prepare { offer, sources });
            return Ok(());
        }
        job.refused = None;
        if self.conduct == Conduct::ForgeResults {
            return self.run(id);
        }
        if open && !self.is_busy(id) {
            let job = self.jobs.get_mut(&id).expect("found above");
            job.mine = Mine::Claimed {
                at_ms: self.now.millis,
            };
            self.say(Claim {
                network: self.network,
                job: id,
                slot: SLOT,
                at: self.now.time,
            })?;
        }
        Ok(())
    }

    /// Runs something, or waits for the answer to a claim.
    fn is_busy(&self, but: JobId) -> bool {
        self.jobs.iter().any(|(id, job)| match job.mine {
            Mine::Running => true,
            Mine::Claimed { at_ms } => {
                *id != but && job.good.is_none() && job.award.is_none() && self.now.millis < at_ms + CLAIM_MS
            }
            Mine::Nothing { .. } => *id != but && self.is_to_run(*id),
            Mine::Done => false,
        })
    }

    /// Peers to ask for an object: those that should have it, then the rest, and at last one that is asked by
    /// everybody.
    pub(super) fn sources(&self, first: &[NodeId], last: Option<NodeId>) -> Vec<NodeId> {
        let known = |peer: &&NodeId| self.connected.contains_key(peer);
        let mut sources: Vec<NodeId> = first.iter().filter(known).copied().collect();
        for peer in self.connected.keys() {
            if !sources.contains(peer) && Some(*peer) != last {
                sources.push(*peer);
            }
        }
        sources.extend(last.filter(|peer| self.connected.contains_key(peer)));
        sources.dedup();
        sources
    }

    pub(super) fn prepared(&mut self, id: JobId, result: Result<Arc<Facts>, String>) -> Result<(), Error> {
        let now = self.now.millis;
        let Some(job) = self.jobs.get_mut(&id) else { return Ok(()) };
        job.preparing = false;
        match result {
            Ok(facts) => {
                job.facts = Some(facts);
                self.consider(id)?;
                self.start_next()
            }
            Err(reason) => {
                job.refused = Some(Refusal::Preparation { reason }.to_string());
                job.mine = Mine::Nothing {
                    failures: 0,
                    not_before_ms: now + RETRY_MS,
                };
                Ok(())
            }
        }
    }

    /// A job was awarded, to this node or to another.
    pub(super) fn awarded(&mut self, id: JobId) -> Result<(), Error> {
        let me = self.me;
        let Some(job) = self.jobs.get_mut(&id) else { return Ok(()) };
        if job.is_awarded_to(me) {
            return self.start_next();
        }
        if matches!(job.mine, Mine::Claimed { .. }) {
            job.mine = Mine::NEW;
            // This node is free for another one.
            let open: Vec<JobId> = self.jobs.keys().copied().collect();
            for job in open {
                self.consider(job)?;
            }
        }
        Ok(())
    }

    fn is_to_run(&self, id: JobId) -> bool {
        self.jobs.get(&id).is_some_and(|job| {
            let ready = match job.mine {
                Mine::Nothing { failures, not_before_ms } => {
                    failures < FAILURES && self.now.millis >= not_before_ms
                }
                Mine::Claimed { .. } => true,
                Mine::Running | Mine::Done => false,
            };
            ready && job.is_awarded_to(self.me) && job.good.is_none() && job.offer.deadline > self.now.time
        })
    }

    /// Runs the next job that is awarded to this node, one at a time.
    pub(super) fn start_next(&mut self) -> Result<(), Error> {
        if self.jobs.values().any(|job| job.mine == Mine::Running) {
            return Ok(());
        }
        let next = (self.jobs.iter())
            .filter(|(id, job)| job.facts.is_some() && self.is_to_run(**id))
            .min_by_key(|(_, job)| job.offer.created)
            .map(|(id, _)| *id);
        match next {
            Some(id) => self.run(id),
            None => Ok(()),
        }
    }

    fn run(&mut self, id: JobId) -> Result<(), Error> {
        let job = self.jobs.get_mut(&id).expect("the caller has seen it");
        job.mine = Mine::Running;
        let offer = Box::new(job.offer.clone());
        let attempt = ATTEMPTS.get(&*self.store, &id)?.unwrap_or(Attempt::ZERO);
        let mut batch = Batch::new();
        ATTEMPTS.put(&mut batch, &id, &Attempt::new(attempt.get() + 1));
        self.store.write(&batch, Durability::Durable)?;
        let transfers = match TRANSFERS.get(&*self.store, &offer.capsule)? {
            Some(bytes) => decode_transfer(&bytes).into_iter().collect(),
            None => Vec::new(),
        };
        self.event(Some(Role::Executor), What::Running { job: id });
        self.effects.push(Effect::Execute {
            offer,
            attempt,
            conduct: self.conduct,
            transfers,
        });
        Ok(())
    }

    pub(super) fn ran(
        &mut self,
        id: JobId,
        result: Result<Box<Signed<Receipt>>, String>,
        ms: u64,
    ) -> Result<(), Error> {
        let now = self.now.millis;
        let Some(job) = self.jobs.get_mut(&id) else { return Ok(()) };
        match result {
            Ok(receipt) => {
                job.mine = Mine::Done;
                let requester = job.offer.signer();
                let mut batch = Batch::new();
                TRANSFERS.delete(&mut batch, &receipt.record.proven.capsule);
                self.store.write(&batch, Durability::Buffered)?;
                self.remember(&PROVE_MS, receipt.receipt_id(), ms)?;
                // The books first: a receipt that is not booked would never be asked for.
                if self.conduct == Conduct::Honest {
                    let (key, now) = (self.identity.signing_key(), self.now.time);
                    self.ledger.claim(&receipt, requester, key, now)?;
                }
                self.tell(*receipt)?;
                self.event(Some(Role::Broadcaster), What::Proved { job: id, ms });
            }
            Err(reason) => {
                job.refused = Some(reason.clone());
                let failures = match job.mine {
                    Mine::Nothing { failures, .. } => failures,
                    _ => ATTEMPTS
                        .get(&*self.store, &id)?
                        .map_or(1, |attempts| attempts.get().min(u32::from(FAILURES)) as u8),
                };
                job.mine = Mine::Nothing {
                    failures,
                    not_before_ms: now + RETRY_MS,
                };
                self.event(Some(Role::Executor), What::Failed { job: id, reason });
            }
        }
        self.start_next()?;
        let open: Vec<JobId> = self.jobs.keys().copied().collect();
        for job in open {
            self.consider(job)?;
        }
        Ok(())
    }

    /// A capsule came from a peer.
    pub(super) fn fetched(&mut self, capsule: CapsuleHash, from: Transfer) -> Result<(), Error> {
        let mut batch = Batch::new();
        let bytes = [&from.seeder.as_bytes()[..], &from.bytes.get().to_be_bytes()].concat();
        TRANSFERS.put(&mut batch, &capsule, &bytes);
        Ok(self.store.write(&batch, Durability::Buffered)?)
    }

    pub(super) fn judge_claim(&mut self, it: &Signed<Claim>, origin: &Origin) -> Result<Decision, Error> {
        if self.trust.is_blacklisted(it.signer())? {
            return Ok(Decision::Ignore);
        }
        Ok(match self.jobs.get(&it.job) {
            Some(_) if it.slot != SLOT => Decision::Reject,
            Some(_) => Decision::Accept,
            None => {
                self.later(origin);
                Decision::Ignore
            }
        })
    }
}

fn decode_transfer(bytes: &[u8]) -> Option<Transfer> {
    let (seeder, len) = bytes.split_first_chunk::<32>()?;
    Some(Transfer {
        seeder: NodeId::from_bytes(*seeder),
        bytes: ByteLen::new(u64::from_be_bytes(len.try_into().ok()?)),
    })
}
