//! Many claims, few threads.

use crate::support::{clear, product};
use nonos_types::{ByteLen, VkDigest};
use nonos_verify::testing::{ClearWitness, Product, example_claim};
use nonos_verify::{
    BackendId, BatchKey, Claim, Erased, LastChallenge, PoolConfig, PoolError, ProofSystem, ProveError,
    Proving, Refusal, Statement, Verifier, VerifierPool, VerifyError,
};
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, mpsc};

fn pool(threads: usize, queue: usize, batch: usize) -> VerifierPool {
    let [threads, queue, batch] = [threads, queue, batch].map(|n| NonZeroUsize::new(n).unwrap());
    VerifierPool::new(PoolConfig {
        threads,
        queue,
        batch,
    })
    .unwrap()
}

/// Waits at a gate in each call, and notes the size of each.
#[derive(Clone, Default)]
struct Gated {
    open: Arc<(Mutex<bool>, Condvar)>,
    calls: Arc<Mutex<Vec<usize>>>,
    entered: Arc<(Mutex<usize>, Condvar)>,
}

impl Gated {
    fn open(&self) {
        *self.open.0.lock().unwrap() = true;
        self.open.1.notify_all();
    }

    fn pass(&self, claims: usize) {
        self.calls.lock().unwrap().push(claims);
        *self.entered.0.lock().unwrap() += 1;
        self.entered.1.notify_all();
        drop(
            self.open
                .1
                .wait_while(self.open.0.lock().unwrap(), |open| !*open)
                .unwrap(),
        );
    }

    fn await_calls(&self, calls: usize) {
        drop(
            self.entered
                .1
                .wait_while(self.entered.0.lock().unwrap(), |n| *n < calls)
                .unwrap(),
        );
    }

    fn verifier(&self) -> Arc<dyn Verifier> {
        Arc::new(Erased::<Product, _>::new(self.clone()))
    }
}

impl ProofSystem<Product> for Gated {
    fn id(&self) -> BackendId {
        BackendId::new("testing/gated/v1")
    }
    fn max_proof_len(&self) -> ByteLen {
        ByteLen::new(100)
    }
    fn vk_digest(&self, statement: &Product, proof: &[u8]) -> Result<VkDigest, Refusal> {
        ClearWitness::default().vk_digest(statement, proof)
    }
    fn prove(&self, _: &Product, _: &(u64, u64), _: &mut Proving<'_>) -> Result<Vec<u8>, ProveError> {
        Err(ProveError::Unsupported { what: "anything" })
    }
    fn verify(&self, statement: &Product, proof: &[u8]) -> Result<LastChallenge, Refusal> {
        self.pass(1);
        ClearWitness::default().verify(statement, proof)
    }
    fn verify_batch(&self, claims: &[(&Product, &[u8])]) -> Vec<Result<LastChallenge, Refusal>> {
        self.pass(claims.len());
        ClearWitness::default().verify_batch(claims)
    }
    fn batch_key(&self, proof: &[u8]) -> Option<BatchKey> {
        // The first factor's parity.
        proof.get(6).map(|byte| BatchKey(u64::from(byte % 2)))
    }
}

fn bad_claim() -> Claim {
    Claim {
        public: product(16, 0).public(),
        ..example_claim(3, 5)
    }
}

#[test]
fn gives_each_claim_its_own_verdict() {
    let pool = pool(2, 100, 8);
    let verifier: Arc<dyn Verifier> = Arc::new(clear());
    let claims = (0..60).map(|i| {
        if i % 7 == 3 {
            bad_claim()
        } else {
            example_claim(3, i + 2)
        }
    });
    let tickets = pool.submit_all(&verifier, claims).unwrap();
    for (i, ticket) in tickets.into_iter().enumerate() {
        let expected = if i % 7 == 3 {
            Err(VerifyError::Rejected { check: "seal" })
        } else {
            Ok(())
        };
        assert_eq!(ticket.wait().unwrap().map(drop), expected, "claim {i}");
    }
}

#[test]
fn batches_what_the_backend_says_can_be_batched() {
    let (gated, pool) = (Gated::default(), pool(1, 100, 4));
    let verifier = gated.verifier();
    let first = pool.submit(&verifier, example_claim(2, 2)).unwrap();
    gated.await_calls(1); // The only thread is busy, the rest queues up.
    let claims = [2, 3, 2, 2, 3, 2, 2].map(|a| example_claim(a, 5));
    let tickets = pool.submit_all(&verifier, claims).unwrap();
    assert_eq!(pool.waiting(), 7);
    gated.open();
    for ticket in tickets.into_iter().chain([first]) {
        assert!(ticket.wait().unwrap().is_ok());
    }
    // The busy one; four even of five; two odd; the fifth even.
    assert_eq!(*gated.calls.lock().unwrap(), [1, 4, 2, 1]);
}

#[test]
fn refuses_rather_than_blocks_when_the_queue_is_full() {
    let (gated, pool) = (Gated::default(), pool(1, 2, 1));
    let verifier = gated.verifier();
    let busy = pool.submit(&verifier, example_claim(2, 2)).unwrap();
    gated.await_calls(1);
    let waits = pool.submit(&verifier, example_claim(2, 2)).unwrap();
    let two = [example_claim(2, 2), example_claim(2, 3)];
    let error = pool.submit_all(&verifier, two).unwrap_err();
    assert_eq!(
        error,
        PoolError::Saturated {
            waiting: 1,
            offered: 2,
            capacity: 2
        }
    );
    assert_eq!(pool.waiting(), 1, "none of the refused claims was taken");
    let last = pool.submit(&verifier, example_claim(2, 2)).unwrap();
    assert_eq!(
        pool.submit(&verifier, example_claim(2, 2)).map(drop),
        Err(PoolError::Saturated {
            waiting: 2,
            offered: 1,
            capacity: 2
        })
    );
    gated.open();
    for ticket in [busy, waits, last] {
        assert!(ticket.wait().unwrap().is_ok());
    }
}

#[test]
fn shutting_down_finishes_what_was_taken() {
    let (gated, pool) = (Gated::default(), pool(2, 50, 3));
    let tickets = pool
        .submit_all(&gated.verifier(), (2..42).map(|a| example_claim(a, 3)))
        .unwrap();
    gated.open();
    pool.shutdown();
    // Already there: nothing runs any more.
    assert!(tickets.into_iter().all(|ticket| ticket.wait().unwrap().is_ok()));
}

#[test]
fn dropping_the_pool_abandons_what_waits() {
    let (gated, pool) = (Gated::default(), pool(1, 2, 1));
    let verifier = gated.verifier();
    let busy = pool.submit(&verifier, example_claim(2, 2)).unwrap();
    gated.await_calls(1);
    let waits = pool.submit(&verifier, example_claim(2, 2)).unwrap();
    drop(pool);
    assert_eq!(waits.wait(), Err(PoolError::ShutDown));
    gated.open();
    assert!(busy.wait().unwrap().is_ok());
}

#[test]
fn a_receiver_that_panics_does_not_stop_the_pool() {
    let pool = pool(1, 10, 4);
    let verifier: Arc<dyn Verifier> = Arc::new(clear());
    pool.submit_then(&verifier, example_claim(2, 2), |_| panic!("the receiver's"))
        .unwrap();
    let (sender, verdicts) = mpsc::channel();
    pool.submit_then(&verifier, example_claim(2, 3), move |verdict| {
        sender.send(verdict).unwrap()
    })
    .unwrap();
    assert!(verdicts.recv().unwrap().is_ok());
}

#[test]
fn claims_of_different_verifiers_never_share_a_batch() {
    let (one, two, pool) = (Gated::default(), Gated::default(), pool(1, 100, 8));
    let (first, second) = (one.verifier(), two.verifier());
    let busy = pool.submit(&first, example_claim(2, 2)).unwrap();
    one.await_calls(1);
    let mut tickets = vec![busy];
    for verifier in [&first, &second, &first, &second] {
        tickets.push(pool.submit(verifier, example_claim(2, 2)).unwrap());
    }
    one.open();
    two.open();
    for ticket in tickets {
        assert!(ticket.wait().unwrap().is_ok());
    }
    assert_eq!(
        (
            one.calls.lock().unwrap().clone(),
            two.calls.lock().unwrap().clone()
        ),
        (vec![1, 2], vec![2])
    );
}
