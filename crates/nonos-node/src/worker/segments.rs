//! Runs in segments: cut here, proved here and by others, put together; and segments of others' runs.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use nonos_machine::{ExecutionStatement, Secret, tables::Hidden};
use nonos_mesh::{Object, core::assignment::Found};
use nonos_trust::ProofVerdict;
use nonos_types::{
    Attempt, ByteLen, JobId, NodeId, Offer, ProofDigest, Receipt, SegmentDigest, SegmentResult, SegmentTask,
    Signed, Transfer,
};
use nonos_verify::{Progress, Proof, Proving};
use nonos_verify_stark::{Cutter, Profile, SegmentJob, SegmentStatement, Stark};

use super::{Worker, blocking};
use crate::{
    Conduct,
    choice::{Method, System},
    engine::{Do, Facts, Helped, Input, Plan, Told, profile_of},
    objects::{ObjectStore, Whose},
};

/// Runs that are cut, until they are put together or given up.
pub(crate) type Runs = Mutex<BTreeMap<JobId, Arc<Cut>>>;

/// Segments that others prove are no longer than what 2 GiB of memory prove.
const STEPS: u32 = (1 << 18) - 1;
/// Fewest segments that are worth it.
const LEAST: u32 = 3;

/// Proofs of segments, by whom they were made: nobody is this node.
type Proofs = BTreeMap<(u32, Option<NodeId>), Vec<u8>>;

/// A run that is cut, and what of it is proved.
#[derive(Debug)]
pub(crate) struct Cut {
    offer: Signed<Offer>,
    attempt: Attempt,
    transfers: Vec<Transfer>,
    facts: Facts,
    run: Arc<ExecutionStatement>,
    profile: Profile,
    segments: Vec<(SegmentStatement, SegmentDigest)>,
    /// By whom: this node's have none.
    proofs: Mutex<Proofs>,
}

impl Cut {
    fn keep(&self, index: u32, by: Option<NodeId>, proof: Vec<u8>) {
        let mut proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
        proofs.insert((index, by), proof);
    }
}

/// What was run, and is to be proved.
pub(super) struct Ran<'a> {
    pub(super) offer: &'a Signed<Offer>,
    pub(super) attempt: Attempt,
    pub(super) transfers: &'a [Transfer],
    pub(super) facts: &'a Facts,
    pub(super) statement: &'a ExecutionStatement,
    /// Its outputs for the requester alone, if it wants them so.
    pub(super) sealed: Option<&'a (nonos_types::SealedResult, Vec<u8>)>,
}

impl Worker {
    /// Cuts a run, if it is long enough to be shared and hides nothing.
    pub(super) fn cut(&self, ran: &Ran<'_>) -> Result<Option<Plan>, String> {
        let Method::Stark(profile) = self.configured.get().proving.method(System::Stark) else {
            return Ok(None);
        };
        if ran.offer.backend != System::Stark.id() || ran.statement.hidden() != Hidden::default() {
            return Ok(None);
        }
        let configured = self.configured.get();
        let steps = configured
            .memory
            .map_or(STEPS, |memory| Stark::segment_steps(profile, memory).min(STEPS));
        let text = |error: nonos_machine::StatementError| error.to_string();
        let run = Arc::new(ran.statement.clone());
        let total = run.repeat(&Secret::default()).map_err(text)?.steps;
        let count = total.div_ceil(u64::from(steps));
        if !(u64::from(LEAST)..=u64::from(SegmentTask::MAX_OF)).contains(&count) {
            return Ok(None);
        }
        let job = ran.offer.job();
        self.drop_run(job);
        let mut segments = Vec::new();
        let mut listed = Vec::new();
        for segment in Cutter::new(&run, steps).map_err(text)? {
            let bytes = segment.to_bytes();
            let digest = SegmentDigest::hash(&[&bytes]);
            let kept = self.objects.put(&Object::Segment(digest), &bytes, Whose::Own);
            if let Err(error) = kept {
                self.forget_segments(listed.iter().map(|(it, _)| *it));
                return Err(format!("cannot keep a segment: {error}"));
            }
            listed.push((digest, ByteLen::from(bytes.len())));
            segments.push((segment.statement, digest));
        }
        let plan = Plan {
            segments: listed,
            steps,
            backend: System::Stark.id(),
            verifying_key: Stark::new(profile).segment_key(profile),
            fee: ran.facts.fee(ran.offer, run.record().proven.fuel_used),
            transfers: ran.transfers.to_vec(),
        };
        let cut = Cut {
            offer: ran.offer.clone(),
            attempt: ran.attempt,
            transfers: ran.transfers.to_vec(),
            facts: ran.facts.clone(),
            run,
            profile,
            segments,
            proofs: Mutex::default(),
        };
        self.runs().insert(job, Arc::new(cut));
        Ok(Some(plan))
    }

    fn runs(&self) -> std::sync::MutexGuard<'_, BTreeMap<JobId, Arc<Cut>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run_of(&self, job: JobId) -> Result<Arc<Cut>, String> {
        let run = self.runs().get(&job).cloned();
        run.ok_or_else(|| "its segments are gone".to_owned())
    }

    /// Does what the engine wants of a run in segments.
    pub(super) async fn do_segments(self: &Arc<Self>, what: Do) -> Option<Input> {
        let told = match what {
            Do::Ask { job, task } => {
                let (helper, index) = (task.helper, task.index);
                let answer = self.mesh.segment(helper, &task).await;
                let answer =
                    answer.inspect_err(|error| tracing::debug!(%helper, %error, "no answer to a task"));
                Told::Said {
                    job,
                    helper,
                    index,
                    answer: answer.ok(),
                }
            }
            Do::Check {
                job,
                helper,
                index,
                result,
            } => {
                let found = self.check_segment(job, helper, index, &result).await;
                let found = found.unwrap_or_else(|reason| {
                    tracing::debug!(%helper, index, reason, "a segment's proof is not had");
                    Found::Missing
                });
                Told::Checked {
                    job,
                    helper,
                    index,
                    found,
                }
            }
            Do::Prove { job, index } => {
                let worker = Arc::clone(self);
                let proved = blocking(move || worker.prove_segment(job, index)).await;
                let result = proved.and_then(|result| result);
                Told::Proved { job, index, result }
            }
            Do::Join { job, by } => {
                let worker = Arc::clone(self);
                let joined = blocking(move || worker.join(job, &by)).await;
                let result = joined.and_then(|result| result).map(Box::new);
                return Some(Input::Ran { job, result, ms: 0 });
            }
            Do::Drop { job } => {
                let worker = Arc::clone(self);
                let _done = blocking(move || worker.drop_run(job)).await;
                return None;
            }
        };
        Some(Input::Segments(told))
    }

    fn drop_run(&self, job: JobId) {
        let run = self.runs().remove(&job);
        if let Some(run) = run {
            self.forget_segments(run.segments.iter().map(|(_, digest)| *digest));
        }
    }

    fn forget_segments(&self, segments: impl Iterator<Item = SegmentDigest>) {
        for digest in segments {
            self.forget(&Object::Segment(digest));
        }
    }

    /// Drops an object.
    pub(super) fn forget(&self, object: &Object) {
        if let Err(error) = self.objects.remove(object) {
            tracing::warn!(?object, %error, "not dropped");
        }
    }

    /// Proves a segment of this node's own run.
    fn prove_segment(&self, job: JobId, index: u32) -> Result<(), String> {
        let run = self.run_of(job)?;
        let (_, digest) = run
            .segments
            .get(index as usize)
            .ok_or("there is no such segment")?;
        let segment = self.read_segment(*digest)?;
        let proof = self.prove_job(run.profile, &segment)?;
        run.keep(index, None, proof);
        Ok(())
    }

    fn read_segment(&self, digest: SegmentDigest) -> Result<SegmentJob, String> {
        let object = Object::Segment(digest);
        let bytes = self.objects.get(&object);
        let bytes = bytes.map_err(|error| format!("cannot read {object:?}: {error}"))?;
        let bytes = bytes.ok_or_else(|| format!("{object:?} is gone"))?;
        SegmentJob::from_bytes(&bytes).map_err(|error| error.to_string())
    }

    fn prove_job(&self, profile: Profile, segment: &SegmentJob) -> Result<Vec<u8>, String> {
        let mut seeds = super::run::seeds()?;
        let mut tell = |_: Progress| {};
        let mut proving = Proving::new(&mut seeds).on_progress(&mut tell);
        let proof = self.proofs.turn().prove_segment(profile, segment, &mut proving);
        let proof = proof.map_err(|error| crate::api::RequestError::new(&error, error.fault()).message)?;
        Ok(proof.bytes.to_vec())
    }

    /// Gets a helper's proof and verifies it.
    async fn check_segment(
        self: &Arc<Self>,
        job: JobId,
        helper: NodeId,
        index: u32,
        result: &SegmentResult,
    ) -> Result<Found, String> {
        let run = self.run_of(job)?;
        let object = Object::Proof(result.proof);
        let fetched = self.get_within(object, &[helper], result.proof_len).await;
        let (bytes, _) = fetched?;
        let worker = Arc::clone(self);
        let checked = blocking(move || {
            let (statement, _) = run
                .segments
                .get(index as usize)
                .ok_or("there is no such segment")?;
            // It is a part of this run's proof, and nobody asks for it by itself.
            worker.forget(&object);
            let verdict = worker.proofs.check_segment(run.profile, statement, bytes.clone());
            Ok(match verdict {
                ProofVerdict::Valid => {
                    run.keep(index, Some(helper), bytes);
                    Found::Good
                }
                ProofVerdict::Invalid => Found::Bad,
                ProofVerdict::Unknown { reason } => return Err(reason),
            })
        });
        checked.await?
    }

    /// Puts the proof of a run together, and signs its receipt.
    fn join(&self, job: JobId, by: &[Option<NodeId>]) -> Result<Signed<Receipt>, String> {
        let run = self.run_of(job)?;
        let proofs = std::mem::take(&mut *run.proofs.lock().unwrap_or_else(PoisonError::into_inner));
        let mut segments = Vec::with_capacity(run.segments.len());
        for ((index, (statement, _)), by) in (0..).zip(&run.segments).zip(by) {
            let proof = proofs.get(&(index, *by)).ok_or("a segment's proof is gone")?;
            segments.push((statement.clone(), proof.clone()));
        }
        let stark = Stark::new(run.profile);
        let bytes = stark.join(&segments).map_err(|error| error.to_string())?;
        let proof = Proof::new(stark.segment_key(run.profile), bytes);
        let ran = Ran {
            offer: &run.offer,
            attempt: run.attempt,
            transfers: &run.transfers,
            facts: &run.facts,
            statement: &run.run,
            // What is sealed is not cut.
            sealed: None,
        };
        self.sign(&ran, &proof)
    }

    /// Proves a segment of another's run.
    pub(super) async fn help(self: &Arc<Self>, task: Signed<SegmentTask>) -> Helped {
        let id = task.task();
        let result = self.help_with(task).await;
        Helped { task: id, result }
    }

    async fn help_with(
        self: &Arc<Self>,
        task: Signed<SegmentTask>,
    ) -> Result<(ProofDigest, ByteLen), String> {
        let object = Object::Segment(task.segment);
        let (bytes, _) = self
            .get_within(object, &[task.signer()], task.segment_len)
            .await?;
        let worker = Arc::clone(self);
        let proved = blocking(move || {
            let proved = worker.prove_task(&task, &bytes);
            worker.forget(&object);
            proved
        });
        proved.await?
    }

    fn prove_task(&self, task: &Signed<SegmentTask>, bytes: &[u8]) -> Result<(ProofDigest, ByteLen), String> {
        let segment = SegmentJob::from_bytes(bytes).map_err(|error| error.to_string())?;
        if let Some(part) = differs(task, &segment) {
            return Err(format!("the segment's {part} is not what its task says"));
        }
        let profile = profile_of(task.verifying_key).ok_or("no such profile")?;
        let mut proof = self.prove_job(profile, &segment)?;
        if self.conduct == Conduct::ForgeSegments {
            let middle = proof.len() / 2;
            proof[middle] ^= 1;
        }
        let (digest, len) = (ProofDigest::hash(&[&proof]), ByteLen::from(proof.len()));
        let kept = self.objects.put(&Object::Proof(digest), &proof, Whose::Own);
        kept.map_err(|error| format!("cannot keep the proof: {error}"))?;
        Ok((digest, len))
    }

    /// An object that is no longer than that.
    async fn get_within(
        &self,
        object: Object,
        sources: &[NodeId],
        most: ByteLen,
    ) -> Result<(Vec<u8>, Vec<(NodeId, ByteLen)>), String> {
        let most = most.min(ObjectStore::limit(&object, self.configured.get().max_input));
        let got = self.get_up_to(object, sources, most).await?;
        if ByteLen::from(got.0.len()) > most {
            return Err(format!("{object:?} is longer than was said"));
        }
        Ok(got)
    }
}

/// Which part of a segment is not of the run, and of the work, that the task is for.
fn differs(task: &Signed<SegmentTask>, segment: &SegmentJob) -> Option<&'static str> {
    let proven = &segment.statement.run().record().proven;
    let checks = [
        ("network", proven.network == task.network),
        ("job", proven.job == task.job),
        ("slot", proven.slot == task.slot),
        ("executor", proven.executor == task.signer()),
        ("index", segment.statement.index() == task.index),
        ("number of segments", segment.statement.count() == task.of),
        ("number of steps", segment.witness.steps() <= task.steps),
    ];
    checks.into_iter().find(|(_, holds)| !holds).map(|(part, _)| part)
}
