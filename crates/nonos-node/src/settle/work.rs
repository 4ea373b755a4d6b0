//! What takes long: one at a time, and while nobody waits for it.

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use nonos_depin::{
    anchor,
    settlement::{Chunk, Stage, commitment},
};
use nonos_depin_halo2::Rollup;
use nonos_verify::{Proving, Seed};

use super::{Error, Settler, lock, pages::view, panicked};
use crate::api::{BatchView, RequestError, SecretHex, WorkBegun, WorkOutcome, WorkView};

/// How long to wait for a block before the next batch is handed in.
const BLOCK: Duration = Duration::from_secs(1);

/// What to do.
#[derive(Debug)]
pub(super) enum Work {
    Batch,
    Prove { number: Option<u64> },
    Anchor { passphrase_hex: Option<SecretHex> },
}

/// The work that is at hand, or was last.
#[derive(Debug, Default)]
pub(super) struct Works(Mutex<(u64, Option<Arc<Progress>>)>);

/// How far it is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    at: Mutex<(&'static str, u64, u64)>,
    outcome: OnceLock<WorkOutcome>,
}

impl Works {
    fn begin(&self) -> Result<(WorkBegun, Arc<Progress>), Error> {
        let mut last = lock(&self.0);
        if last.1.as_ref().is_some_and(|it| it.outcome.get().is_none()) {
            let message = "batches are being made, proved or anchored: wait until that is over";
            return Err(Error::caller(message));
        }
        let progress = Arc::new(Progress::default());
        *last = (last.0 + 1, Some(Arc::clone(&progress)));
        Ok((WorkBegun { work: last.0 }, progress))
    }

    pub(super) fn view(&self, work: u64) -> Result<WorkView, Error> {
        let last = lock(&self.0);
        match &last.1 {
            Some(progress) if last.0 == work => {
                let (stage, done, total) = *lock(&progress.at);
                Ok(WorkView {
                    stage: stage.to_owned(),
                    done,
                    total,
                    outcome: progress.outcome.get().cloned(),
                })
            }
            _ => Err(Error::caller(format!("no work {work} on batches is at hand"))),
        }
    }
}

impl Progress {
    fn tell(&self, stage: &'static str, done: usize, total: usize) {
        *lock(&self.at) = (stage, done as u64, total as u64);
    }
}

impl Settler {
    /// Begins it.
    pub(super) fn begin(self: &Arc<Self>, work: Work) -> Result<WorkBegun, RequestError> {
        let (begun, progress) = self.works.begin()?;
        let settler = Arc::clone(self);
        tokio::spawn(async move {
            let told = Arc::clone(&progress);
            // On a task of its own, so that a panic ends the work and not the right to begin another.
            let done = tokio::spawn(async move { settler.done(work, &told).await }).await;
            let outcome = match done {
                Ok(Ok(batches)) => WorkOutcome::Done(batches),
                Ok(Err(error)) => WorkOutcome::Failed(error.into()),
                Err(_) => WorkOutcome::Failed(panicked()),
            };
            progress.outcome.set(outcome).expect("it ends once");
        });
        Ok(begun)
    }

    async fn done(self: &Arc<Self>, work: Work, told: &Arc<Progress>) -> Result<Vec<BatchView>, Error> {
        match work {
            Work::Batch => self.step(|it| it.make()).await,
            Work::Prove { number } => {
                let told = Arc::clone(told);
                self.step(move |it| it.prove(number, &told)).await
            }
            Work::Anchor { passphrase_hex } => self.anchor(passphrase_hex, told).await,
        }
    }

    async fn step<T: Send + 'static>(
        self: &Arc<Self>,
        step: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let settler = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || step(&settler)).await;
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    fn make(&self) -> Result<Vec<BatchView>, Error> {
        let (limit, key) = (self.parts.config.limit, self.parts.identity.signing_key());
        self.with(|settlement, ledger| {
            let batch = settlement.batch(ledger, limit, key)?;
            Ok(vec![view(&settlement.standing(batch.number)?)])
        })
    }

    /// Proves what is not proved, a chunk at a time, in turn with the proofs of jobs. What is proved stays it.
    fn prove(&self, number: Option<u64>, told: &Progress) -> Result<Vec<BatchView>, Error> {
        let numbers = match number {
            Some(number) => vec![number],
            None => self.read(|settlement, _| {
                let all = settlement.standings(0, usize::MAX)?;
                let unproved = all.iter().filter(|it| !it.is_proved());
                Ok(unproved.map(|it| it.batch.number).collect())
            })?,
        };
        let backend = self.backend()?;
        let mut proved = Vec::new();
        for number in numbers {
            told.tell("making the batch again", 0, 0);
            let chunks = self.with(|settlement, ledger| settlement.unproved(ledger, number))?;
            let total = chunks.len();
            for (done, (statement, witness)) in chunks.into_iter().enumerate() {
                if self.is_stopped() {
                    return Err(Error::stopped());
                }
                told.tell("proving chunks", done, total);
                let mut seeds = || {
                    let mut seed = [0; 32];
                    // The generator of the system failing is not survived anywhere.
                    getrandom::fill(&mut seed).expect("the system gives random bytes");
                    Seed::new(seed)
                };
                let turn = self.parts.proofs.turn();
                let proof = turn.prove_chunk(&backend, &statement, &witness, &mut Proving::new(&mut seeds));
                drop(turn);
                let proof = proof.map_err(|source| Error::Prove { number, source })?;
                let chunk = Chunk { statement, proof };
                self.with(|settlement, _| settlement.keep_proof(number, &chunk))?;
            }
            told.tell("proving chunks", total, total);
            proved.push(self.read(|settlement, _| Ok(view(&settlement.standing(number)?)))?);
        }
        Ok(proved)
    }

    fn backend(&self) -> Result<Arc<Rollup>, Error> {
        if let Some(backend) = self.backend.get() {
            return Ok(Arc::clone(backend));
        }
        let backend = Arc::new(Rollup::new().map_err(Error::Backend)?);
        Ok(Arc::clone(self.backend.get_or_init(|| backend)))
    }

    /// Hands in what is proved and not there yet, in order.
    async fn anchor(
        self: &Arc<Self>,
        passphrase: Option<SecretHex>,
        told: &Arc<Progress>,
    ) -> Result<Vec<BatchView>, Error> {
        told.tell("opening the anchor", 0, 0);
        self.step(move |it| it.open_anchor(passphrase)).await?;
        let numbers = self.step(|it| it.to_submit()).await?;
        let total = numbers.len();
        let mut handed_in = Vec::new();
        for (done, number) in numbers.into_iter().enumerate() {
            told.tell("handing in", done, total);
            while !self.step(move |it| it.submit(number)).await? {
                // The one before is in no block yet.
                tokio::time::sleep(BLOCK).await;
                self.step(|it| it.look()).await?;
                if self.is_stopped() {
                    return Err(Error::stopped());
                }
            }
            handed_in.push(self.step(move |it| it.batch_view(number)).await?);
        }
        told.tell("handing in", total, total);
        Ok(handed_in)
    }

    /// Batches that the anchor does not have, as far as is known. All must be proved: what is anchored should be true.
    fn to_submit(&self) -> Result<Vec<u64>, Error> {
        let place = self.place()?;
        let all = self.read(|settlement, _| settlement.standings(0, usize::MAX))?;
        let mut numbers = Vec::new();
        for standing in all {
            let here = standing.places.iter().find(|(name, _)| *name == place);
            if here.is_some_and(|(_, state)| Stage::of(state) == Stage::Final) {
                continue;
            }
            let number = standing.batch.number;
            if !standing.is_proved() {
                return Err(Error::caller(format!(
                    "batch {number} is not proved: `operator settle prove` does that; nothing was handed in"
                )));
            }
            numbers.push(number);
        }
        Ok(numbers)
    }

    /// Hands in one batch; `false` if it must wait for the one before.
    fn submit(&self, number: u64) -> Result<bool, Error> {
        let place = self.place()?;
        let commitment = self.read(|settlement, _| Ok(commitment(settlement.signed(number)?.value())))?;
        let submitted = {
            let mut open = lock(&self.open);
            let open = open.as_mut().ok_or_else(Error::stopped)?;
            open.anchor().submit(&commitment, self.now())
        };
        match submitted {
            Ok(submission) => {
                self.note(number, &place, &submission.state)?;
                Ok(true)
            }
            Err(anchor::Error::Place { source, .. }) if is_waiting(&*source) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_waiting(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(
        error.downcast_ref::<nonos_depin_evm::Error>(),
        Some(nonos_depin_evm::Error::Waiting { .. })
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_work_at_a_time_and_the_last_is_remembered() {
        let works = Works::default();
        assert!(works.view(0).is_err(), "nothing was begun");
        let (first, progress) = works.begin().expect("the first");
        progress.tell("proving chunks", 2, 7);
        let refused = works.begin().expect_err("another is at hand");
        assert!(
            refused.to_string().contains("wait until that is over"),
            "{refused}"
        );
        let view = works.view(first.work).expect("it is at hand");
        assert_eq!(
            (view.stage.as_str(), view.done, view.total),
            ("proving chunks", 2, 7)
        );
        assert!(view.outcome.is_none());
        progress
            .outcome
            .set(WorkOutcome::Done(vec![]))
            .expect("it ends once");
        assert!(works.view(first.work).expect("the last").outcome.is_some());
        let (second, _) = works.begin().expect("the first is over");
        assert!(works.view(first.work).is_err(), "only the last is remembered");
        assert!(works.view(second.work).expect("the last").outcome.is_none());
    }
}
