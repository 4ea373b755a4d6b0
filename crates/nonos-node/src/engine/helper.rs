//! As a helper: proves segments of other executors' runs, within bounds, for a fee.

use std::{collections::BTreeMap, sync::LazyLock};

use nonos_mesh::{
    Object,
    core::segment::{Answer, Refused},
};
use nonos_store::{Batch, Durability, Table};
use nonos_types::{
    ByteLen, FeeKind, JobId, Line, NodeId, ProofDigest, Role, SegmentResult, SegmentTask, SegmentTaskId,
    Signed, Slot, Timestamp, VkDigest,
};
use nonos_verify_stark::{Profile, Stark};

use super::{Effect, Engine, Error, job::Mine};
use crate::{api::What, choice::System};

/// Whose runs of a job this node has proved segments of: executor and slot of each.
const HELPED: Table<JobId, Vec<u8>> = Table::new("segment-helped");
/// Executors of one job that are remembered, and bytes of each.
const HELPED_MOST: usize = 64;
const HELPED_LEN: usize = 34;

/// Tasks that are remembered.
const TASKS: usize = 1024;
/// Seconds that a proof is kept that nobody pays for.
const KEPT_S: u64 = 6 * 60 * 60;

/// The keys that this program proves segments under, and by which profile.
static KEYS: LazyLock<Vec<(VkDigest, Profile)>> = LazyLock::new(|| {
    let stark = Stark::new(Profile::Fast);
    Profile::ALL.map(|it| (stark.segment_key(it), it)).to_vec()
});

/// The profile of a key for segments.
pub(crate) fn profile_of(key: VkDigest) -> Option<Profile> {
    KEYS.iter()
        .find(|(it, _)| *it == key)
        .map(|(_, profile)| *profile)
}

/// What came of a task.
#[derive(Debug)]
pub(crate) struct Helped {
    pub(crate) task: SegmentTaskId,
    pub(crate) result: Result<(ProofDigest, ByteLen), String>,
}

#[expect(clippy::large_enum_variant, reason = "there are few")]
#[derive(Debug)]
enum State {
    Proving,
    Proved(Signed<SegmentResult>),
    Failed,
}

#[derive(Debug)]
struct Task {
    task: Signed<SegmentTask>,
    state: State,
    at: Timestamp,
}

/// What this node proves and has proved for others.
#[derive(Debug, Default)]
pub(super) struct Helping(BTreeMap<SegmentTaskId, Task>);

impl Helping {
    fn is_busy(&self) -> bool {
        self.0.values().any(|it| matches!(it.state, State::Proving))
    }

    /// Segments that are proved, or being proved, for an executor and not paid.
    pub(super) fn unpaid(&self, executor: NodeId) -> usize {
        let of_it = self.0.values().filter(|it| it.task.signer() == executor);
        of_it.filter(|it| !matches!(it.state, State::Failed)).count()
    }
}

impl Engine {
    /// An executor asks to have a segment proved, or what has become of that.
    pub(super) fn asked(&mut self, from: NodeId, task: Signed<SegmentTask>) -> Result<Answer, Error> {
        let id = task.task();
        if let Some(known) = self.helping.0.get(&id) {
            return Ok(match &known.state {
                State::Proving => Answer::Accepted,
                State::Proved(result) => Answer::Proved(result.clone()),
                State::Failed => Answer::Refused(Refused::Failed),
            });
        }
        if let Some(why) = self.why_not_help(from, &task)? {
            return Ok(Answer::Refused(why));
        }
        self.remember_helped(task.job, from, task.slot)?;
        let (job, index) = (task.job, task.index);
        self.effects.push(Effect::Help(Box::new(task.clone())));
        self.helping.0.insert(
            id,
            Task {
                task,
                state: State::Proving,
                at: self.now.time,
            },
        );
        self.event(
            Some(Role::Executor),
            What::SegmentTook {
                job,
                index,
                executor: from,
            },
        );
        Ok(Answer::Accepted)
    }

    /// What costs little is looked at first; the first that does not hold is said.
    fn why_not_help(&self, from: NodeId, task: &Signed<SegmentTask>) -> Result<Option<Refused>, Error> {
        let limits = &self.config.executor;
        let profile = profile_of(task.verifying_key);
        let most_steps = match (profile, self.config.limits.memory) {
            (Some(profile), Some(memory)) => Stark::segment_steps(profile, memory.get()),
            _ => Stark::MAX_STEPS,
        };
        let is_awarded = (self.jobs.get(&task.job)).is_some_and(|job| {
            let awarded = job.seat(task.slot).and_then(|seat| seat.executor()) == Some(from);
            awarded
                && job.offer.backend == task.backend
                && task.fee <= job.offer.max_fee
                && !self.is_done(job)
        });
        Ok(if task.network != self.network || task.helper != self.me {
            Some(Refused::UnknownJob)
        } else if !self.connected.contains_key(&from) || self.trust.is_blacklisted(from)? {
            Some(Refused::Blacklisted)
        } else if !self.is(Role::Executor) || self.doubled {
            Some(Refused::Role)
        } else if task.backend != System::Stark.id() || profile.is_none() {
            Some(Refused::UnknownBackend)
        } else if task.fee < limits.segment_price {
            Some(Refused::Price)
        } else if task.steps > most_steps {
            Some(Refused::Limit)
        } else if task.deadline <= self.now.time {
            Some(Refused::Late)
        } else if !is_awarded {
            Some(Refused::UnknownJob)
        } else if self.helping.unpaid(from) >= limits.segment_credit as usize {
            Some(Refused::Credit)
        } else if self.helping.is_busy() || self.helping.0.len() >= TASKS || self.has_runs() {
            Some(Refused::Busy)
        } else {
            None
        })
    }

    /// Does this node run something itself, or is it about to?
    fn has_runs(&self) -> bool {
        let open = self.open.iter().filter_map(|id| self.jobs.get(id));
        let mut open = open.filter(|job| job.mine == Mine::Running || self.is_to_run(job));
        open.next().is_some()
    }

    /// A segment was proved for another, or could not be.
    pub(super) fn helped(&mut self, helped: Helped) {
        let Some(it) = self.helping.0.get_mut(&helped.task) else {
            return;
        };
        let (job, index, executor) = (it.task.job, it.task.index, it.task.signer());
        let failed = match helped.result {
            Ok((proof, proof_len)) => {
                let result = SegmentResult {
                    task: helped.task,
                    proof,
                    proof_len,
                    at: self.now.time,
                };
                it.state = State::Proved(Signed::new(result, self.identity.signing_key()));
                self.counts.segments_helped += 1;
                None
            }
            Err(reason) => {
                tracing::warn!(%job, %executor, index, reason, "a segment is not proved");
                it.state = State::Failed;
                Some(reason)
            }
        };
        self.event(
            Some(Role::Executor),
            What::SegmentMade {
                job,
                index,
                executor,
                failed,
            },
        );
    }

    /// Was a segment of that run proved here?
    pub(super) fn has_helped(&self, line: &Line, executor: NodeId) -> Result<bool, Error> {
        let known = HELPED.get(&*self.store, &line.job)?.unwrap_or_default();
        let (known, _) = known.as_chunks::<HELPED_LEN>();
        Ok(known.contains(&helped_entry(executor, line.slot)))
    }

    fn remember_helped(&self, job: JobId, executor: NodeId, slot: Slot) -> Result<(), Error> {
        let mut known = HELPED.get(&*self.store, &job)?.unwrap_or_default();
        let entry = helped_entry(executor, slot);
        let (entries, _) = known.as_chunks::<HELPED_LEN>();
        if entries.contains(&entry) || entries.len() >= HELPED_MOST {
            return Ok(());
        }
        known.extend(entry);
        let mut batch = Batch::new();
        HELPED.put(&mut batch, &job, &known);
        Ok(self.store.write(&batch, Durability::Buffered)?)
    }

    /// An executor has paid: what was proved for that run is of no use any more.
    pub(super) fn paid_by_executor(&mut self, executor: NodeId, line: &Line) {
        if line.kind == FeeKind::Prove {
            let of_run = |it: &Task| {
                (it.task.signer(), it.task.job, it.task.slot) == (executor, line.job, line.slot)
                    && !matches!(it.state, State::Proving)
            };
            self.forget_tasks(of_run);
        }
    }

    /// Forgets what nobody pays for, and what failed and is wanted no longer.
    pub(super) fn tick_helping(&mut self) {
        let now = self.now.time;
        let over = |it: &Task| match it.state {
            State::Proving => false,
            State::Proved(_) => now.get() >= it.at.get().saturating_add(KEPT_S),
            State::Failed => now >= it.task.deadline,
        };
        self.forget_tasks(over);
    }

    fn forget_tasks(&mut self, over: impl Fn(&Task) -> bool) {
        let effects = &mut self.effects;
        self.helping.0.retain(|_, it| {
            let over = over(it);
            if over && let State::Proved(result) = &it.state {
                effects.push(Effect::Forget(Object::Proof(result.proof)));
            }
            !over
        });
    }
}

fn helped_entry(executor: NodeId, slot: Slot) -> [u8; HELPED_LEN] {
    let mut entry = [0; HELPED_LEN];
    entry[..32].copy_from_slice(executor.as_bytes());
    entry[32..].copy_from_slice(&slot.get().to_be_bytes());
    entry
}
