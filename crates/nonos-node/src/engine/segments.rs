//! As an executor whose run is long: gives its segments to helpers, and pays those whose proofs it uses.

use std::{collections::BTreeMap, ops::Bound, time::Duration};

use nonos_depin::fees;
use nonos_mesh::core::{
    assignment::{Assignment, By, Found, Patience, Said, Step},
    segment::Answer,
};
use nonos_store::{Batch, Durability, Table};
use nonos_trust::{Cause, Context, Deed};
use nonos_types::{
    Amount, BackendId, ByteLen, FeeKind, JobId, Line, NodeId, Offer, Receipt, ReceiptId, Role, SegmentDigest,
    SegmentResult, SegmentTask, Shard, Signed, Slot, Timestamp, Transfer, VkDigest,
};

use super::{Effect, Engine, Error, job::Mine};
use crate::{
    Conduct,
    api::{SegmentView, SegmentsView, What},
    choice::System,
};

/// What helpers are to be paid for a run, until they are.
const DUE: Table<JobId, Vec<u8>> = Table::new("segment-due");

/// Helpers of one run.
const HELPERS: usize = 16;
/// Of what the executor gets of the fee, helpers get so much at most, all together: one part of so many.
const SHARE: u128 = 2;

/// What happened to a run that is proved in segments.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
#[derive(Debug)]
pub(crate) enum Told {
    /// It was cut, instead of being proved at once.
    Cut { job: JobId, plan: Box<Plan> },
    /// A helper answered, or did not.
    Said {
        job: JobId,
        helper: NodeId,
        index: u32,
        answer: Option<Answer>,
    },
    /// The proof of a helper was checked.
    Checked {
        job: JobId,
        helper: NodeId,
        index: u32,
        found: Found,
    },
    /// A segment was proved here, or could not be.
    Proved {
        job: JobId,
        index: u32,
        result: Result<(), String>,
    },
}

/// What to do for it.
#[derive(Debug)]
pub(crate) enum Do {
    /// Ask a helper for the first time, or again.
    Ask {
        job: JobId,
        task: Box<Signed<SegmentTask>>,
    },
    /// Get a helper's proof, and verify it.
    Check {
        job: JobId,
        helper: NodeId,
        index: u32,
        result: SegmentResult,
    },
    Prove {
        job: JobId,
        index: u32,
    },
    /// Make the proof of the run, with the segments of these helpers, or of this node where there is none; and sign the
    /// receipt.
    Join {
        job: JobId,
        by: Vec<Option<NodeId>>,
    },
    /// Nothing of it is wanted any more.
    Drop {
        job: JobId,
    },
}

/// A run that was cut.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Its segments: what is to be proved.
    pub(crate) segments: Vec<(SegmentDigest, ByteLen)>,
    /// Machine steps of one, at most.
    pub(crate) steps: u32,
    pub(crate) backend: BackendId,
    pub(crate) verifying_key: VkDigest,
    /// What the receipt will ask for, and from whom the capsule came.
    pub(crate) fee: Amount,
    pub(crate) transfers: Vec<Transfer>,
}

/// The run whose segments are being proved. There is one at a time, as there is one run at a time.
#[derive(Debug)]
pub(super) struct Sharing {
    job: JobId,
    slot: Slot,
    plan: Plan,
    /// For each segment.
    price: Amount,
    run: Assignment,
    tasks: BTreeMap<(NodeId, u32), Signed<SegmentTask>>,
    results: BTreeMap<(NodeId, u32), SegmentResult>,
    begun_ms: u64,
    joining: bool,
}

/// What a helper is to be paid.
type Due = Vec<(NodeId, Amount)>;

impl Engine {
    /// May a run of this job be shared? Segments do not hide, and there must be somebody to share with.
    pub(super) fn may_share(&self, offer: &Offer) -> Result<bool, Error> {
        Ok(self.config.executor.share_segments
            && self.conduct == Conduct::Honest
            && offer.backend == System::Stark.id()
            && !self.helpers(Shard::of(&offer.capsule))?.is_empty())
    }

    /// Whom this node asks: connected executors that hear of the job and are not worse than a newcomer, the best first.
    fn helpers(&self, shard: Shard) -> Result<Vec<NodeId>, Error> {
        let nobody = self.trust.standing(NodeId::from_bytes([0; 32]), self.now.time)?;
        let newcomer = nobody.of(Context::Execute).score;
        let mut helpers = Vec::new();
        for peer in self.connected.keys() {
            let is_executor = self
                .directory
                .get(*peer)
                .is_some_and(|it| it.roles.contains(Role::Executor));
            let hears = self.listening.of_peer(*peer).contains(shard);
            if !is_executor || !hears || self.trust.is_blacklisted(*peer)? {
                continue;
            }
            let score = self
                .trust
                .standing(*peer, self.now.time)?
                .of(Context::Execute)
                .score;
            if score >= newcomer {
                helpers.push((std::cmp::Reverse(score), *peer));
            }
        }
        helpers.sort_unstable();
        helpers.truncate(HELPERS);
        Ok(helpers.into_iter().map(|(_, peer)| peer).collect())
    }

    /// Something happened to a run in segments.
    pub(super) fn told(&mut self, told: Told) -> Result<(), Error> {
        let now = self.millis();
        match told {
            Told::Cut { job, plan } => return self.cut(job, *plan),
            Told::Said {
                job,
                helper,
                index,
                answer,
            } => {
                if let Some(Answer::Refused(why)) = &answer {
                    tracing::debug!(%job, %helper, index, why = why.name(), "a helper does not prove a segment");
                }
                let Some(sharing) = self.shared(job) else {
                    return Ok(());
                };
                let said = match answer {
                    None => Said::Nothing,
                    Some(Answer::Accepted) => Said::Accepted,
                    Some(Answer::Refused(why)) if why.passes() => Said::Busy,
                    Some(Answer::Refused(_)) => Said::Declined,
                    Some(Answer::Proved(result)) => {
                        sharing.results.insert((helper, index), *result.value());
                        Said::Proved
                    }
                };
                sharing.run.said(helper, index, said, now);
            }
            Told::Checked {
                job,
                helper,
                index,
                found,
            } => self.found(job, helper, index, found)?,
            Told::Proved { job, index, result } => match result {
                Err(reason) if self.shared(job).is_some() => {
                    self.unshare(job);
                    return self.ran(job, Err(reason), 0);
                }
                Err(_) => {}
                Ok(()) => {
                    let Some(sharing) = self.shared(job) else {
                        return Ok(());
                    };
                    if sharing.run.proved(index, now) {
                        let me = self.me;
                        self.taken_in(job, index, me);
                    }
                }
            },
        }
        self.drive()
    }

    fn millis(&self) -> Duration {
        Duration::from_millis(self.now.millis)
    }

    /// The run of this job, if it is being shared.
    fn shared(&mut self, job: JobId) -> Option<&mut Sharing> {
        self.sharing.as_mut().filter(|it| it.job == job)
    }

    /// Nothing of a run is wanted any more.
    fn unshare(&mut self, job: JobId) {
        self.sharing.take_if(|it| it.job == job);
        self.effects.push(Effect::Segments(Do::Drop { job }));
    }

    fn cut(&mut self, id: JobId, plan: Plan) -> Result<(), Error> {
        let me = self.me;
        let Some(job) = self.jobs.get_mut(&id).filter(|it| it.mine == Mine::Running) else {
            self.unshare(id);
            return Ok(());
        };
        let count = plan.segments.len() as u32;
        let price = job.facts.as_ref().and_then(|facts| {
            let split = fees::split(plan.fee, facts.shares, &plan.transfers, me, job.offer.verifiers).ok()?;
            Some(split.executor.atto() / SHARE / u128::from(count.max(1)))
        });
        let most = self.config.executor.segment_fee.map_or(u128::MAX, Amount::atto);
        let price = Amount::from_atto(price.unwrap_or(0).min(most));
        // Nobody is asked to work for nothing.
        let pays = price > Amount::ZERO;
        let shared: Vec<bool> = (plan.segments.iter())
            .map(|(_, len)| pays && *len <= SegmentTask::MAX_SEGMENT)
            .collect();
        job.segments = Some(SegmentsView {
            of: count,
            price,
            proved: vec![],
        });
        let slot = job.my_slot;
        if let Some(old) = self.sharing.as_ref().map(|it| it.job).filter(|it| *it != id) {
            self.unshare(old);
        }
        self.sharing = Some(Sharing {
            job: id,
            slot,
            price,
            run: Assignment::new(shared, Patience::default()),
            tasks: BTreeMap::new(),
            results: BTreeMap::new(),
            plan,
            begun_ms: self.now.millis,
            joining: false,
        });
        self.event(
            Some(Role::Executor),
            What::Cut {
                job: id,
                segments: count,
            },
        );
        self.drive()
    }

    /// Does what is to be done now for the run that is shared.
    pub(super) fn drive(&mut self) -> Result<(), Error> {
        let shared = self.sharing.as_ref().and_then(|it| self.jobs.get(&it.job));
        let Some(shard) = shared.map(|job| Shard::of(&job.offer.capsule)) else {
            return Ok(());
        };
        let (now, helpers) = (self.millis(), self.helpers(shard)?);
        let Some(sharing) = &mut self.sharing else {
            return Ok(());
        };
        let job = sharing.job;
        sharing.run.set_helpers(helpers);
        let steps = sharing.run.steps(now);
        for step in steps {
            self.step(job, step)?;
        }
        let Some(sharing) = &mut self.sharing else {
            return Ok(());
        };
        if sharing.run.is_finished() && !sharing.joining {
            sharing.joining = true;
            let helper = |index| match sharing.run.by(index) {
                Some(By::Helper(helper)) => Some(helper),
                _ => None,
            };
            let by = (0..sharing.run.count()).map(helper).collect();
            self.effects.push(Effect::Segments(Do::Join { job, by }));
        }
        Ok(())
    }

    fn step(&mut self, job: JobId, step: Step) -> Result<(), Error> {
        let Some(sharing) = &mut self.sharing else {
            return Ok(());
        };
        match step {
            Step::Give {
                helper,
                index,
                deadline,
            } => {
                let (segment, segment_len) = sharing.plan.segments[index as usize];
                let wait = deadline.saturating_sub(Duration::from_millis(self.now.millis));
                let task = SegmentTask {
                    network: self.network,
                    job,
                    slot: sharing.slot,
                    helper,
                    index,
                    of: sharing.run.count(),
                    segment,
                    segment_len,
                    steps: sharing.plan.steps,
                    backend: sharing.plan.backend.clone(),
                    verifying_key: sharing.plan.verifying_key,
                    fee: sharing.price,
                    deadline: Timestamp::new(self.now.time.get().saturating_add(wait.as_secs())),
                    at: self.now.time,
                };
                let task = Signed::new(task, self.identity.signing_key());
                sharing.tasks.insert((helper, index), task.clone());
                let task = Box::new(task);
                self.effects.push(Effect::Segments(Do::Ask { job, task }));
                self.event(Some(Role::Executor), What::SegmentGiven { job, index, helper });
            }
            Step::Poll { helper, index } => {
                let task = Box::new(sharing.tasks[&(helper, index)].clone());
                self.effects.push(Effect::Segments(Do::Ask { job, task }));
            }
            Step::Check { helper, index } => {
                let result = sharing.results[&(helper, index)];
                self.effects.push(Effect::Segments(Do::Check {
                    job,
                    helper,
                    index,
                    result,
                }));
            }
            Step::Prove { index } => self.effects.push(Effect::Segments(Do::Prove { job, index })),
            Step::Late { helper, index } => self.blame(job, helper, index, "late")?,
        }
        Ok(())
    }

    /// A helper did not do what it took on.
    fn blame(&mut self, job: JobId, helper: NodeId, index: u32, reason: &str) -> Result<(), Error> {
        let task = self.shared(job).and_then(|it| it.tasks.get(&(helper, index)));
        let Some(task) = task.map(Signed::task) else {
            return Ok(());
        };
        let reason = reason.to_owned();
        self.event(
            Some(Role::Executor),
            What::SegmentLost {
                job,
                index,
                helper,
                reason,
            },
        );
        self.observe(helper, Context::Execute, Deed::Bad, Cause::Segment(task))
    }

    fn found(&mut self, job: JobId, helper: NodeId, index: u32, found: Found) -> Result<(), Error> {
        let now = self.millis();
        let Some(sharing) = self.shared(job) else {
            return Ok(());
        };
        let used = sharing.run.checked(helper, index, found, now);
        if found == Found::Bad {
            return self.blame(job, helper, index, "bad proof");
        }
        if used {
            let task = sharing.tasks[&(helper, index)].task();
            self.counts.segments_given += 1;
            self.taken_in(job, index, helper);
            self.observe(helper, Context::Execute, Deed::Good, Cause::Segment(task))?;
        }
        Ok(())
    }

    /// A segment is proved.
    fn taken_in(&mut self, id: JobId, index: u32, by: NodeId) {
        if let Some(job) = self.jobs.get_mut(&id)
            && let Some(view) = &mut job.segments
        {
            view.proved.push(SegmentView { index, by });
            let permille = (1000 * view.proved.len() / view.of.max(1) as usize) as u16;
            let stage = "segments".to_owned();
            self.event(Some(Role::Executor), What::SegmentTaken { job: id, index, by });
            self.event(
                Some(Role::Executor),
                What::Proving {
                    job: id,
                    stage,
                    permille,
                },
            );
        }
    }

    /// The run of this job is over, well or not: what its helpers are to be paid, and how long it took.
    pub(super) fn end_sharing(&mut self, job: JobId) -> Option<(Due, u64)> {
        let sharing = self.sharing.take_if(|it| it.job == job)?;
        self.effects.push(Effect::Segments(Do::Drop { job }));
        let fee = |count: u32| sharing.price.atto().saturating_mul(count.into());
        let owed = sharing.run.owed().into_iter();
        let due = owed.map(|(helper, count)| (helper, Amount::from_atto(fee(count))));
        Some((due.collect(), self.now.millis.saturating_sub(sharing.begun_ms)))
    }

    /// Writes down what helpers are to be paid, before anyone sees the receipt: a crash in between must not cost them
    /// their fees.
    pub(super) fn owe(&mut self, receipt: &Signed<Receipt>, due: &Due) -> Result<(), Error> {
        if due.is_empty() {
            return Ok(());
        }
        let proven = &receipt.record.proven;
        let mut bytes = receipt.receipt_id().as_bytes().to_vec();
        bytes.extend(proven.slot.get().to_be_bytes());
        for (helper, amount) in due {
            bytes.extend(helper.as_bytes());
            bytes.extend(amount.to_be_bytes());
        }
        let mut batch = Batch::new();
        DUE.put(&mut batch, &proven.job, &bytes);
        Ok(self.store.write(&batch, Durability::Durable)?)
    }

    /// Pays helpers of runs whose receipts are made known. What was paid before is not paid again.
    pub(super) fn pay_helpers(&mut self) -> Result<(), Error> {
        if self.doubled {
            return Ok(());
        }
        for (job, bytes) in DUE.entries(&*self.store, Bound::Unbounded, usize::MAX)? {
            let due = read_due(&bytes);
            if let Some((receipt, slot, due)) = due
                && self.journal.receipt(receipt)?.is_some()
            {
                for (payee, amount) in due {
                    let line = Line {
                        job,
                        slot,
                        kind: FeeKind::Prove,
                        receipt,
                        amount,
                    };
                    self.pay(payee, line)?;
                }
            }
            let mut batch = Batch::new();
            DUE.delete(&mut batch, &job);
            self.store.write(&batch, Durability::Buffered)?;
        }
        Ok(())
    }
}

fn read_due(bytes: &[u8]) -> Option<(ReceiptId, Slot, Due)> {
    let (receipt, rest) = bytes.split_first_chunk()?;
    let (slot, rest) = rest.split_first_chunk()?;
    let (due, _) = rest.as_chunks::<48>();
    let due = due.iter().map(|it| {
        let (helper, amount) = it.split_first_chunk::<32>()?;
        let amount = Amount::from_be_bytes(amount.try_into().ok()?);
        Some((NodeId::from_bytes(*helper), amount))
    });
    Some((
        ReceiptId::from_bytes(*receipt),
        Slot::new(u16::from_be_bytes(*slot)),
        due.collect::<Option<_>>()?,
    ))
}
