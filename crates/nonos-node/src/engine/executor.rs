//! As an executor: which jobs to claim, and running those that are awarded.

use std::{sync::Arc, time::Duration};

use nonos_mesh::core::Schedule;
use nonos_store::{Batch, Durability, Table};
use nonos_trust::boxes;
use nonos_types::{
    Attempt, ByteLen, CapsuleHash, Claim, JobId, NodeId, Offer, Receipt, Role, Shard, Signed, Slot, Transfer,
};

use super::{
    Decision, Effect, Engine, Error, Facts, Need, Origin, PROVE_MS,
    effect::Bounds,
    job::{Job, Mine, Refused, Seat},
};
use crate::{Conduct, api::What, channel::Unreadable, choice::System, sealed};

/// Attempts that were begun.
pub(super) const ATTEMPTS: Table<JobId, Attempt> = Table::new("attempt");
/// Capsules that were fetched and not yet run for a fee: whom the next receipt names.
const TRANSFERS: Table<CapsuleHash, Vec<u8>> = Table::new("transfer");

/// How long a claim stands, in milliseconds, before this node takes another job.
const CLAIM_MS: u64 = 10_000;
/// Milliseconds after which a claim is made again while nobody has the award: twice as many after each, so often at most.
const AGAIN_MS: u64 = 15_000;
const AGAIN_MOST: u32 = 5;
/// How often a run is begun, those included during which the node was stopped or killed, and how many milliseconds
/// lie between two of them.
const RUNS: u32 = 5;
const RETRY_MS: u64 = 10_000;
/// Jobs whose capsule and input are fetched at a time, and of one requester.
const PREPARING: usize = 16;
const PREPARING_OF_ONE: usize = 4;
/// Longest pause between two tries to fetch them.
const PREPARE_MOST_MS: u64 = 10 * 60 * 1000;
/// The order of executors is reckoned again after so many milliseconds: some may have come.
const ORDER_MS: u64 = 60_000;
/// A job that this node refuses is looked at again after so many milliseconds.
const REFUSED_MS: u64 = 60_000;

/// Why a node does not run a job; [`JobView::refused`](crate::api::JobView::refused) says it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("this node runs no capsules of others now, since {reason}: see `operator roles explain`")]
    NoExecutor {
        code: &'static str,
        reason: &'static str,
    },
    #[error("it is this node's own job")]
    Own,
    #[error("its requester is blacklisted")]
    Blacklisted,
    #[error("its deadline has passed")]
    Late,
    #[error("this node has no backend `{backend}`")]
    Backend { backend: String },
    #[error("its requester wants it run by others: this node has weight 0")]
    Weight,
    #[error("what it hides is proved in one piece, whatever memory that takes, and limits.memory is set")]
    Hiding,
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
    #[error("a proof by `{backend}` keeps to no limit of memory, and limits.memory is set")]
    Unlimited { backend: String },
    #[error("it pays {offered} for a million units of fuel, this node asks for {asked}")]
    Price { offered: String, asked: String },
    #[error(
        "its requester has had {unpaid} of this node that are not paid, signed or asked for; with {fee} for this job that is \
         more than the {limit} that it may"
    )]
    Credit {
        unpaid: String,
        fee: String,
        limit: String,
    },
    #[error("the capsule's base fee is {base}, the offer pays at most {most}")]
    Fee { base: String, most: String },
    #[error(transparent)]
    Inbound(#[from] Unreadable),
}

impl Refusal {
    /// What the policy of a capsule asks for, and this node does not give.
    pub(super) fn of_capsule(facts: &Facts, bounds: &Bounds) -> Option<Self> {
        if facts.fuel > bounds.fuel {
            Some(Self::Fuel {
                actual: facts.fuel.get(),
                limit: bounds.fuel.get(),
            })
        } else if facts.pages > bounds.pages {
            Some(Self::Memory {
                actual: facts.pages.get(),
                limit: bounds.pages.get(),
            })
        } else {
            None
        }
    }

    /// For programs.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::NoExecutor { code, .. } => code,
            Self::Own => "own",
            Self::Blacklisted => "blacklisted",
            Self::Late => "late",
            Self::Backend { .. } => "backend",
            Self::Weight => "weight",
            Self::Hiding => "limits.memory",
            Self::Input { .. } => "input",
            Self::Entry { .. } => "entry",
            Self::Arguments => "arguments",
            Self::Fuel { .. } => "fuel",
            Self::Memory { .. } => "memory",
            Self::Unlimited { .. } => "limits.memory",
            Self::Price { .. } => "price",
            Self::Credit { .. } => "credit",
            Self::Fee { .. } => "fee",
            Self::Inbound(error) => error.code(),
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code(),
            reason: refusal.to_string(),
        }
    }
}

impl Engine {
    /// The checks that need nothing but the offer, then those that need the capsule.
    pub(super) fn refusal(
        &self,
        offer: &Signed<Offer>,
        facts: Option<&Facts>,
    ) -> Result<Option<Refusal>, Error> {
        let limits = &self.config.executor;
        let most_input = ByteLen::new(limits.max_input);
        let refusal = if offer.signer() == self.me {
            Refusal::Own
        } else if !self.is(Role::Executor) {
            let (code, reason) = self.why_not(Role::Executor);
            Refusal::NoExecutor { code, reason }
        } else if self.trust.is_blacklisted(offer.signer())? {
            Refusal::Blacklisted
        } else if offer.deadline <= self.now.time {
            Refusal::Late
        } else if !self.about.backends.contains(&offer.backend) {
            Refusal::Backend {
                backend: offer.backend.to_string(),
            }
        } else if self.config.limits.memory.is_some() && offer.backend == System::Halo2.id() {
            Refusal::Unlimited {
                backend: offer.backend.to_string(),
            }
        } else if self.config.limits.memory.is_some() && offer.hides() {
            Refusal::Hiding
        } else if offer.weights.of(self.me) == 0 {
            Refusal::Weight
        } else if let Some(it) = offer.sealed
            && it.len > boxes::sealed_len(most_input)
        {
            Refusal::Input {
                actual: it.len,
                limit: boxes::sealed_len(most_input),
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
        } else if let Some(refusal) = self.over_credit(offer)? {
            refusal
        } else if let Some(facts) = facts {
            return Ok(self.refusal_of(offer, facts));
        } else {
            return Ok(None);
        };
        Ok(Some(refusal))
    }

    fn refusal_of(&self, offer: &Offer, facts: &Facts) -> Option<Refusal> {
        if facts.entry != offer.entry {
            Some(Refusal::Entry {
                offered: offer.entry.clone(),
                entry: facts.entry.clone(),
            })
        } else if !offer
            .arguments
            .iter()
            .map(|it| it.kind())
            .eq(facts.params.iter().copied())
        {
            Some(Refusal::Arguments)
        } else if let Some(refusal) = Refusal::of_capsule(facts, &Bounds::of(&self.config)) {
            Some(refusal)
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
        let now = self.now.millis;
        let Some(job) = self.jobs.get(&id) else {
            return Ok(());
        };
        let free = match job.mine {
            Mine::Nothing => true,
            Mine::Claimed { at_ms } => now >= at_ms + CLAIM_MS,
            Mine::Failed { .. } | Mine::Running | Mine::Done | Mine::GivenUp => false,
        };
        if !free
            || self.preparing.contains_key(&id)
            || now < job.not_before_ms
            || job.cancelled
            || self.doubled
            || self.is_done(job)
        {
            return Ok(());
        }
        let mut refusal = self.refusal(&job.offer, job.facts.as_deref())?;
        if refusal.is_none() && !job.may_read {
            let unreadable = self.unreadable(&job.offer, job.facts.as_deref())?;
            refusal = unreadable.map(Refusal::Inbound);
        }
        if let Some(refusal) = refusal {
            let job = self.jobs.get_mut(&id).expect("found above");
            if refusal != Refusal::Own {
                // What this node needs to pay its own may be fetched at any time.
                job.not_before_ms = now + REFUSED_MS;
            }
            job.refused = Some(refusal.into());
            return Ok(());
        }
        if job.facts.is_none() {
            return self.prepare(id);
        }
        let job = self.jobs.get_mut(&id).expect("found above");
        job.may_read = true;
        if self.conduct == Conduct::ForgeResults {
            return self.run(id);
        }
        let slot = if self.is_busy() {
            None
        } else {
            self.slot_to_claim(id)?
        };
        let job = self.jobs.get_mut(&id).expect("found above");
        job.refused = None;
        if let Some(slot) = slot {
            let box_key = sealed::claim_key(&self.identity, &job.offer, slot);
            job.mine = Mine::Claimed { at_ms: now };
            job.my_slot = slot;
            job.my_claims += 1;
            self.say(Claim {
                network: self.network,
                job: id,
                slot,
                at: self.now.time,
                box_key,
            })?;
        }
        Ok(())
    }

    /// A slot that is free, and that this node has let others claim for as long as it should.
    fn slot_to_claim(&mut self, id: JobId) -> Result<Option<Slot>, Error> {
        let now = self.now;
        let job = &self.jobs[&id];
        if (job.schedule.as_ref()).is_none_or(|(at, _)| now.millis >= at + ORDER_MS) {
            let schedule = self.schedule(id, &job.offer);
            let job = self.jobs.get_mut(&id).expect("it was there");
            job.schedule = Some((now.millis, schedule));
        }
        let job = &self.jobs[&id];
        let (_, schedule) = job.schedule.as_ref().expect("made above");
        let mut guilty = Vec::new();
        for executor in job.seats.iter().filter_map(Seat::executor) {
            if self.trust.is_blacklisted(executor)? {
                guilty.push(executor);
            }
        }
        // Whose award brings nothing for long may lose it: then others are wanted.
        let patience = self.config.award_timeout_s / 2;
        let free_for = |seat: &Seat| match &seat.award {
            None => Some(Duration::from_millis(now.millis.saturating_sub(job.seen_ms))),
            Some(award) => {
                let patience = if guilty.contains(&award.executor) {
                    0
                } else {
                    patience
                };
                let from = award.at.get().saturating_add(patience);
                now.time.get().checked_sub(from).map(Duration::from_secs)
            }
        };
        // A claim that brought nothing may have been lost.
        let again = match job.mine {
            Mine::Claimed { at_ms } => now.millis >= at_ms + (AGAIN_MS << job.my_claims.min(AGAIN_MOST)),
            _ => true,
        };
        let late_by = |(slot, seat): (Slot, &Seat)| {
            let late = free_for(seat)?.checked_sub(schedule.wait(self.me, slot)?)?;
            let heard = seat.claims.contains(&self.me);
            let wanted = (!heard || again && seat.award.is_none()) && !self.has_receipt(job, seat);
            wanted.then_some((late, std::cmp::Reverse(slot)))
        };
        Ok(job.slots().filter_map(late_by).max().map(|(_, slot)| slot.0))
    }

    /// In which order the executors that this node knows take the slots of a job.
    pub(super) fn schedule(&self, job: JobId, offer: &Signed<Offer>) -> Schedule {
        let requester = offer.signer();
        let executors = (self.directory.iter())
            .filter(|it| it.roles.contains(Role::Executor) && it.signer() != requester)
            // Others hear nothing of it.
            .filter(|it| it.shards.contains(Shard::of(&offer.capsule)))
            .map(|it| (it.signer(), it.capacity));
        Schedule::weighted(job, executors, &offer.weights)
    }

    /// Looks for a job to claim, and has others prepared.
    pub(super) fn consider_all(&mut self) -> Result<(), Error> {
        let busy = self.is_busy();
        let open: Vec<JobId> = self.open.iter().copied().collect();
        for id in open {
            let room = self.preparing.len() < PREPARING;
            let wanted = |job: &Job| match job.facts {
                Some(_) => !busy || self.conduct == Conduct::ForgeResults,
                None => room,
            };
            if self.jobs.get(&id).is_some_and(wanted) {
                self.consider(id)?;
            }
        }
        Ok(())
    }

    /// Gets capsule and input of a job, if not too many are on their way.
    pub(super) fn prepare(&mut self, id: JobId) -> Result<(), Error> {
        let Some(job) = self.jobs.get(&id) else {
            return Ok(());
        };
        let requester = job.offer.signer();
        let of_one = self.preparing.values().filter(|it| **it == requester).count();
        let full = self.preparing.len() >= PREPARING || of_one >= PREPARING_OF_ONE;
        if self.preparing.contains_key(&id)
            || self.now.millis < job.not_before_ms
            || (full && requester != self.me)
        {
            return Ok(());
        }
        let sources = self.sources(&[], Some(requester));
        let offer = Box::new(self.jobs[&id].offer.clone());
        // What this node offered it has prepared before; what is missing since is nothing that it pays by.
        let messages = if requester == self.me {
            Vec::new()
        } else {
            match self.messages_of(&offer)? {
                Ok(messages) => messages,
                Err(_) => return Ok(()),
            }
        };
        self.preparing.insert(id, requester);
        self.open.insert(id);
        self.effects.push(Effect::Prepare {
            offer,
            messages,
            sources,
        });
        Ok(())
    }

    /// Runs something, or waits for the answer to a claim.
    pub(super) fn is_busy(&self) -> bool {
        self.open
            .iter()
            .filter_map(|id| self.jobs.get(id))
            .any(|job| match job.mine {
                Mine::Running => true,
                Mine::Claimed { at_ms } => {
                    let open = job.seat(job.my_slot).is_some_and(|seat| seat.award.is_none());
                    open && self.now.millis < at_ms + CLAIM_MS || self.is_to_run(job)
                }
                _ => self.is_to_run(job),
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

    pub(super) fn prepared(&mut self, id: JobId, result: Result<Arc<Facts>, Refused>) -> Result<(), Error> {
        let now = self.now.millis;
        self.preparing.remove(&id);
        let Some(job) = self.jobs.get_mut(&id) else {
            return Ok(());
        };
        match result {
            Ok(facts) => {
                job.facts = Some(facts);
                job.unprepared = 0;
                self.settle(id)?;
                self.consider(id)?;
                self.start_next()
            }
            Err(refused) => {
                job.refused = Some(refused);
                let pause = RETRY_MS
                    .saturating_mul(1 << job.unprepared.min(16))
                    .min(PREPARE_MOST_MS);
                job.unprepared += 1;
                job.not_before_ms = now + pause;
                Ok(())
            }
        }
    }

    /// A job was awarded, to this node or to another.
    pub(super) fn awarded(&mut self, id: JobId) -> Result<(), Error> {
        let me = self.me;
        let Some(job) = self.jobs.get_mut(&id) else {
            return Ok(());
        };
        if job.slot_of(me).is_some() {
            return self.start_next();
        }
        let taken = job.seat(job.my_slot).is_some_and(|seat| seat.award.is_some());
        if taken && matches!(job.mine, Mine::Claimed { .. }) {
            job.mine = Mine::Nothing;
            // This node is free for another one.
            self.consider_all()?;
        }
        Ok(())
    }

    pub(super) fn is_to_run(&self, job: &Job) -> bool {
        let ready = match job.mine {
            Mine::Nothing | Mine::Claimed { .. } => true,
            Mine::Failed { at_ms } => self.now.millis >= at_ms + RETRY_MS,
            Mine::Running | Mine::Done | Mine::GivenUp => false,
        };
        let slot = job.slot_of(self.me).and_then(|slot| job.seat(slot));
        ready
            && slot.is_some_and(|seat| !self.has_receipt(job, seat))
            && job.offer.deadline > self.now.time
            && !job.cancelled
            && !self.doubled
            && !self.is_barred()
    }

    /// Runs the next job that is awarded to this node, one at a time.
    pub(super) fn start_next(&mut self) -> Result<(), Error> {
        loop {
            let open = || self.open.iter().filter_map(|id| Some((*id, self.jobs.get(id)?)));
            if open().any(|(_, job)| job.mine == Mine::Running) {
                return Ok(());
            }
            let next = open()
                .filter(|(_, job)| job.facts.is_some() && self.is_to_run(job))
                .min_by_key(|(_, job)| job.offer.created)
                .map(|(id, _)| id);
            match next {
                Some(id) => self.run(id)?,
                None => return Ok(()),
            }
        }
    }

    fn run(&mut self, id: JobId) -> Result<(), Error> {
        let attempt = ATTEMPTS.get(&*self.store, &id)?.unwrap_or(Attempt::ZERO);
        let me = self.me;
        // Who awards has not asked: what is run is what would have been claimed.
        let job = &self.jobs[&id];
        let messages = match (
            self.unreadable(&job.offer, job.facts.as_deref())?,
            self.over_credit(&job.offer)?,
        ) {
            (None, None) => self.messages_of(&job.offer)?.map_err(Refusal::Inbound),
            (Some(unreadable), _) => Err(Refusal::Inbound(unreadable)),
            (None, Some(refusal)) => Err(refusal),
        };
        let job = self.jobs.get_mut(&id).expect("the caller has seen it");
        let slot = job.slot_of(me).unwrap_or(Slot::ZERO);
        let messages = match messages {
            Ok(messages) => messages,
            Err(refusal) => {
                job.refused = Some(refusal.into());
                job.mine = Mine::Failed {
                    at_ms: self.now.millis,
                };
                return Ok(());
            }
        };
        if attempt.get() >= RUNS {
            job.mine = Mine::GivenUp;
            // The reason of the last failure says more.
            job.refused.get_or_insert_with(|| Refused {
                code: "attempts",
                reason: format!("it was begun {RUNS} times and never ended"),
            });
            return Ok(());
        }
        let award = job.seat(slot).and_then(|seat| seat.award.as_ref());
        let key = match sealed::open_award(&self.identity, &job.offer, award.map(|it| it.value())) {
            Ok(key) => key,
            Err(error) => return self.cannot_open(id, error.to_string()),
        };
        let job = self.jobs.get_mut(&id).expect("found above");
        job.mine = Mine::Running;
        job.my_slot = slot;
        let offer = Box::new(job.offer.clone());
        // Attempts that were lost with older books had other numbers.
        let life = self.incarnation().get() << 16;
        let mut batch = Batch::new();
        ATTEMPTS.put(&mut batch, &id, &Attempt::new(attempt.get() + 1));
        self.store.write(&batch, Durability::Durable)?;
        let transfers = TRANSFERS.get(&*self.store, &offer.capsule)?;
        let transfers = transfers.map_or_else(Vec::new, |bytes| decode_transfers(&bytes));
        let share = self.may_share(&offer)?;
        self.event(Some(Role::Executor), What::Running { job: id });
        self.effects.push(Effect::Execute {
            offer,
            slot,
            attempt: Attempt::new(life | attempt.get()),
            conduct: self.conduct,
            messages,
            transfers,
            key,
            share,
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
        let shared = self.end_sharing(id);
        let ms = shared.as_ref().map_or(ms, |(_, ms)| *ms);
        let Some(job) = self.jobs.get_mut(&id) else {
            return Ok(());
        };
        match result {
            // The other one that has the key may have signed for the same run: two receipts that differ would be evidence.
            Ok(_) if self.doubled => job.mine = Mine::GivenUp,
            Ok(receipt) => {
                job.mine = Mine::Done;
                let requester = job.offer.signer();
                let mut batch = Batch::new();
                TRANSFERS.delete(&mut batch, &receipt.record.proven.capsule);
                self.store.write(&batch, Durability::Buffered)?;
                self.remember(&PROVE_MS, receipt.receipt_id(), ms)?;
                // The books first: a receipt that is not booked would never be asked for.
                if matches!(self.conduct, Conduct::Honest | Conduct::ForkBooks) {
                    let (key, now) = (self.identity.signing_key(), self.now.time);
                    match self.ledger.claim(&receipt, requester, key, now) {
                        Err(error) if error.fault() == nonos_types::Fault::Caller => {
                            tracing::error!(job = %id, %error, "the fee is not asked for");
                        }
                        result => result?,
                    }
                }
                let heard = receipt.receipt_id();
                if let Some((due, _)) = &shared {
                    self.owe(&receipt, due)?;
                }
                self.tell(*receipt)?;
                self.pay_helpers()?;
                self.event(Some(Role::Broadcaster), What::Proved { job: id, ms });
                self.heard(heard)?;
            }
            Err(reason) => {
                job.refused = Some(Refused {
                    code: "run",
                    reason: reason.clone(),
                });
                job.mine = Mine::Failed { at_ms: now };
                self.event(Some(Role::Executor), What::Failed { job: id, reason });
            }
        }
        self.start_next()?;
        self.consider_all()
    }

    /// A capsule came from peers.
    pub(super) fn fetched(&mut self, capsule: CapsuleHash, from: &[Transfer]) -> Result<(), Error> {
        self.note_served(capsule, from);
        let mut batch = Batch::new();
        let encoded = |it: &Transfer| [&it.seeder.as_bytes()[..], &it.bytes.get().to_be_bytes()].concat();
        let bytes: Vec<u8> = from.iter().flat_map(encoded).collect();
        TRANSFERS.put(&mut batch, &capsule, &bytes);
        Ok(self.store.write(&batch, Durability::Buffered)?)
    }

    pub(super) fn judge_claim(&mut self, it: &Signed<Claim>, origin: &Origin) -> Result<Decision, Error> {
        if self.trust.is_blacklisted(it.signer())? {
            return Ok(Decision::Ignore);
        }
        let known = self.connected.contains_key(&it.signer());
        Ok(match self.jobs.get(&it.job) {
            Some(job) if sealed::fault_of_claim(&job.offer, it).is_some() => Decision::Reject,
            Some(job) => {
                let most = if known { Job::CLAIMS } else { Job::STRANGERS };
                match job.seat(it.slot) {
                    None => Decision::Reject,
                    Some(seat) if seat.claims.len() < most && !seat.claims.contains(&it.signer()) => {
                        Decision::Accept
                    }
                    Some(_) => Decision::Ignore,
                }
            }
            None if self.journal.offer(it.job)?.is_some() => Decision::Ignore,
            None => self.park(Need::Job(it.job), it.clone(), origin),
        })
    }
}

fn decode_transfers(bytes: &[u8]) -> Vec<Transfer> {
    let (transfers, _) = bytes.as_chunks::<40>();
    let decode = |it: &[u8; 40]| {
        let (seeder, len) = it.split_first_chunk::<32>()?;
        Some(Transfer {
            seeder: NodeId::from_bytes(*seeder),
            bytes: ByteLen::new(u64::from_be_bytes(len.try_into().ok()?)),
        })
    };
    transfers.iter().filter_map(decode).collect()
}
