//! Many claims at once, on threads of their own.

use crate::{BatchKey, Claim, Verdict, Verifier};
use nonos_types::Fault;
use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};

/// Size of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConfig {
    /// Threads; batches verify on them and spread over them.
    pub threads: NonZeroUsize,
    /// Claims that may wait; the next one is refused.
    pub queue: NonZeroUsize,
    /// Claims in one batch at most.
    pub batch: NonZeroUsize,
}

/// Why a pool gives no verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// The queue has no room for these claims; none of them was taken. Try later.
    #[error("{waiting} claims wait, {offered} more exceed the queue of {capacity}")]
    Saturated {
        /// Claims that wait.
        waiting: usize,
        /// Claims that were offered.
        offered: usize,
        /// The queue's capacity.
        capacity: usize,
    },
    /// The pool is shutting down, or went away before the verdict.
    #[error("the verifier pool is shut down")]
    ShutDown,
    /// The threads could not be started.
    #[error("cannot start {threads} verifier threads")]
    Threads {
        /// Threads asked for.
        threads: usize,
    },
}

impl PoolError {
    /// Who must act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::ShutDown => Fault::Caller,
            Self::Saturated { .. } | Self::Threads { .. } => Fault::Environment,
        }
    }
}

/// A verdict to come.
#[derive(Debug)]
#[must_use = "the verdict is in the ticket"]
pub struct Ticket(mpsc::Receiver<Verdict>);

impl Ticket {
    /// Blocks until the verdict is there.
    ///
    /// # Errors
    /// [`PoolError::ShutDown`] if the pool was dropped with this claim in its queue.
    pub fn wait(self) -> Result<Verdict, PoolError> {
        self.0.recv().map_err(|_gone| PoolError::ShutDown)
    }
}

type Deliver = Box<dyn FnOnce(Verdict) + Send>;

struct Job {
    verifier: Arc<dyn Verifier>,
    key: Option<BatchKey>,
    claim: Claim,
    deliver: Deliver,
}

impl Job {
    fn batches_with(&self, other: &Self) -> bool {
        self.key.is_some() && self.key == other.key && Arc::ptr_eq(&self.verifier, &other.verifier)
    }
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// Turns that are spawned and have not ended.
    turns: usize,
    closed: bool,
}

struct Shared {
    config: PoolConfig,
    state: Mutex<State>,
    idle: Condvar,
}

impl Shared {
    /// The state is valid between any two statements that hold the lock, so a poisoned lock is still good.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest claim and, from the whole queue, those that batch with it.
    fn next_batch(&self) -> Vec<Job> {
        let mut state = self.lock();
        let Some(first) = state.queue.pop_front() else {
            return Vec::new();
        };
        let mut batch = vec![first];
        let mut rest = VecDeque::with_capacity(state.queue.len());
        for job in state.queue.drain(..) {
            if batch.len() < self.config.batch.get() && job.batches_with(&batch[0]) {
                batch.push(job);
            } else {
                rest.push_back(job);
            }
        }
        state.queue = rest;
        batch
    }

    /// One batch, then the next turn. A backend that waits inside rayon may be given another turn meanwhile:
    /// turns are single batches and at most `threads` are open, so that this nesting is bounded.
    fn turn(self: Arc<Self>) {
        let mut batch = self.next_batch();
        if let Some(verifier) = batch.first().map(|job| Arc::clone(&job.verifier)) {
            let verdicts = if batch.len() == 1 {
                vec![verifier.verify(&batch[0].claim.public, &batch[0].claim.proof)]
            } else {
                let claims: Vec<Claim> = batch.iter().map(|job| job.claim.clone()).collect();
                verifier.verify_batch(&claims)
            };
            for (job, verdict) in batch.drain(..).zip(verdicts) {
                // The receiver's panic is the receiver's: it must not end the other claims of the batch.
                let _panic = catch_unwind(AssertUnwindSafe(|| (job.deliver)(verdict)));
            }
        }
        let mut state = self.lock();
        if state.queue.is_empty() {
            state.turns -= 1;
            self.idle.notify_all();
        } else {
            drop(state);
            rayon::spawn(move || self.turn());
        }
    }
}

/// Verifies claims on a bounded number of threads behind a bounded queue, together where a backend can.
///
/// Submitting never blocks: a full queue is an error. The pool's threads are its own; the process-wide rayon
/// pool is not touched. Dropping the pool abandons what waits; [`shutdown`](Self::shutdown) finishes it.
///
/// ```
/// use nonos_verify::testing::{ClearWitness, Product, example_claim};
/// use nonos_verify::{Erased, PoolConfig, Verifier, VerifierPool};
/// use std::{num::NonZeroUsize, sync::Arc};
///
/// let verifier: Arc<dyn Verifier> = Arc::new(Erased::<Product, _>::new(ClearWitness::default()));
/// let two = NonZeroUsize::MIN.saturating_add(1);
/// let pool = VerifierPool::new(PoolConfig { threads: two, queue: two, batch: two })?;
/// let ticket = pool.submit(&verifier, example_claim(3, 5))?;
/// assert!(ticket.wait()?.is_ok());
/// # Ok::<_, nonos_verify::PoolError>(())
/// ```
pub struct VerifierPool {
    threads: rayon::ThreadPool,
    shared: Arc<Shared>,
}

impl VerifierPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`PoolError::Threads`] if the system does not give them.
    pub fn new(config: PoolConfig) -> Result<Self, PoolError> {
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(config.threads.get())
            .thread_name(|index| format!("verify-{index}"))
            .build()
            .map_err(|_cause| PoolError::Threads {
                threads: config.threads.get(),
            })?;
        let shared = Shared {
            config,
            state: Mutex::default(),
            idle: Condvar::new(),
        };
        Ok(Self {
            threads,
            shared: Arc::new(shared),
        })
    }

    /// Queues one claim.
    ///
    /// # Errors
    /// [`PoolError::Saturated`], [`PoolError::ShutDown`].
    pub fn submit(&self, verifier: &Arc<dyn Verifier>, claim: Claim) -> Result<Ticket, PoolError> {
        let mut tickets = self.submit_all(verifier, [claim])?;
        Ok(tickets.pop().expect("one ticket per claim"))
    }

    /// Queues all of `claims` or none, at once, so that they can be batched.
    ///
    /// # Errors
    /// [`PoolError::Saturated`], [`PoolError::ShutDown`].
    pub fn submit_all(
        &self,
        verifier: &Arc<dyn Verifier>,
        claims: impl IntoIterator<Item = Claim>,
    ) -> Result<Vec<Ticket>, PoolError> {
        let (jobs, tickets): (Vec<_>, Vec<_>) = claims
            .into_iter()
            .map(|claim| {
                let (sender, receiver) = mpsc::sync_channel(1);
                // A ticket that was dropped wants no verdict.
                let deliver: Deliver = Box::new(move |verdict| drop(sender.send(verdict)));
                (Self::job(verifier, claim, deliver), Ticket(receiver))
            })
            .unzip();
        self.enqueue(jobs)?;
        Ok(tickets)
    }

    /// Queues one claim and hands its verdict to `deliver`, on a thread of the pool. If the pool is dropped
    /// before, `deliver` is dropped uncalled.
    ///
    /// # Errors
    /// [`PoolError::Saturated`], [`PoolError::ShutDown`].
    pub fn submit_then(
        &self,
        verifier: &Arc<dyn Verifier>,
        claim: Claim,
        deliver: impl FnOnce(Verdict) + Send + 'static,
    ) -> Result<(), PoolError> {
        self.enqueue(vec![Self::job(verifier, claim, Box::new(deliver))])
    }

    /// Claims that wait for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.lock().queue.len()
    }

    /// Takes no more claims, and returns when all that were taken have their verdict. Not to be called from a
    /// thread of the pool.
    pub fn shutdown(self) {
        let mut state = self.shared.lock();
        state.closed = true;
        while state.turns > 0 {
            state = self
                .shared
                .idle
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn job(verifier: &Arc<dyn Verifier>, claim: Claim, deliver: Deliver) -> Job {
        Job {
            key: verifier.batch_key(&claim.proof),
            verifier: Arc::clone(verifier),
            claim,
            deliver,
        }
    }

    fn enqueue(&self, jobs: Vec<Job>) -> Result<(), PoolError> {
        let offered = jobs.len();
        let mut state = self.shared.lock();
        if state.closed {
            return Err(PoolError::ShutDown);
        }
        let (waiting, capacity) = (state.queue.len(), self.shared.config.queue.get());
        if offered > capacity.saturating_sub(waiting) {
            return Err(PoolError::Saturated {
                waiting,
                offered,
                capacity,
            });
        }
        state.queue.extend(jobs);
        let new = offered.min(self.shared.config.threads.get() - state.turns);
        state.turns += new;
        drop(state);
        for _ in 0..new {
            let shared = Arc::clone(&self.shared);
            self.threads.spawn(move || shared.turn());
        }
        Ok(())
    }
}

impl Drop for VerifierPool {
    fn drop(&mut self) {
        let abandoned = {
            let mut state = self.shared.lock();
            state.closed = true;
            std::mem::take(&mut state.queue)
        };
        // Outside the lock: dropping a claim runs the caller's code.
        drop(abandoned);
    }
}

impl fmt::Debug for VerifierPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierPool")
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}
