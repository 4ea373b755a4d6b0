//! The proof systems of a node: proves runs, and checks receipts on a bounded pool.

mod rollup;

use std::{
    num::NonZeroUsize,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nonos_machine::{ExecutionStatement, Secret, Subject};
use nonos_package::Package;
use nonos_trust::{ProofCheck, ProofVerdict};
use nonos_types::{ByteLen, Receipt, TranscriptDigest};
use nonos_verify::{
    Claim, Erased, PoolConfig, PoolError, Proof, ProveError, Prover as _, Proving, Statement as _, Verdict,
    Verifier, VerifierPool, VerifyError,
};
use nonos_verify_halo2::ParamsStore;
use nonos_verify_stark::{Profile, SegmentJob, SegmentStatement, Stark};

use crate::{Backends, Error, choice::Method};

/// Proof systems by name, and the threads that verify. Nodes of one process can share it.
pub struct Proofs {
    backends: Backends,
    pool: VerifierPool,
    /// What proofs are made on, if that is less than every core.
    provers: Option<rayon::ThreadPool>,
    /// One proof at a time: each takes every core it can get, and most of the memory.
    proving: Mutex<()>,
}

impl Proofs {
    /// With public parameters in a directory, where they are derived once.
    ///
    /// # Errors
    /// If a backend cannot be set up or the threads cannot be started.
    pub fn new(
        params: impl Into<PathBuf>,
        threads: NonZeroUsize,
        queue: NonZeroUsize,
    ) -> Result<Self, Error> {
        let backends = Backends::new(ParamsStore::in_directory(params)).map_err(|source| Error::Backend {
            source: Box::new(source),
        })?;
        let pool = VerifierPool::new(PoolConfig {
            threads,
            queue,
            batch: NonZeroUsize::new(32).expect("not zero"),
        })?;
        Ok(Self {
            backends,
            pool,
            provers: None,
            proving: Mutex::new(()),
        })
    }

    /// With so many threads that prove, and no more.
    ///
    /// # Errors
    /// If they cannot be started.
    pub fn proving_on(mut self, threads: NonZeroUsize) -> Result<Self, Error> {
        let started = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .thread_name(|number| format!("prover-{number}"))
            // What the mesh waits for goes first. A system that does not allow it lets them compete.
            .start_handler(|_| {
                let _ = rustix::process::nice(nonos_worker::NICE);
            })
            .build();
        let provers = started.map_err(|source| Error::Io {
            action: "start the threads that prove",
            source: std::io::Error::other(source),
        })?;
        self.provers = Some(provers);
        Ok(self)
    }

    /// Waits until the proof before this one is done. Blocks.
    pub(crate) fn turn(&self) -> Turn<'_> {
        Turn {
            backends: &self.backends,
            provers: self.provers.as_ref(),
            _alone: self.proving.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Checks the proof of a receipt on the pool, and delivers what verifying a valid one came to; tapes and proof must be those the receipt commits to.
    ///
    /// # Errors
    /// [`PoolError::Saturated`]: later, perhaps.
    pub(crate) fn check(
        &self,
        receipt: &Receipt,
        package: &Package,
        tapes: Vec<u8>,
        proof: Vec<u8>,
        deliver: impl FnOnce(ProofVerdict, Option<TranscriptDigest>) + Send + 'static,
    ) -> Result<(), PoolError> {
        match self.verifier(receipt) {
            Ok(verifier) => {
                self.pool
                    .submit_then(verifier, claim(receipt, package, tapes, proof), |verdict| {
                        let value = verdict.as_ref().ok().copied();
                        deliver(verdict_of(verdict), value);
                    })
            }
            Err(unknown) => {
                deliver(unknown, None);
                Ok(())
            }
        }
    }

    fn verifier(&self, receipt: &Receipt) -> Result<&Arc<dyn Verifier>, ProofVerdict> {
        self.backends
            .verifier(&receipt.backend, receipt.verifying_key)
            .map_err(|_| unknown("no verifier for its backend and key"))
    }
}

/// The right to prove, one at a time.
pub(crate) struct Turn<'a> {
    backends: &'a Backends,
    provers: Option<&'a rayon::ThreadPool>,
    _alone: MutexGuard<'a, ()>,
}

impl Proofs {
    /// Verifies the proof of a segment, at once and on this thread.
    pub(crate) fn check_segment(
        &self,
        profile: Profile,
        statement: &SegmentStatement,
        proof: Vec<u8>,
    ) -> ProofVerdict {
        let stark = Stark::new(profile);
        let proof = Proof::new(stark.segment_key(profile), proof);
        verdict_of(Erased::<SegmentStatement, _>::new(stark).verify(&statement.public(), &proof))
    }
}

impl Turn<'_> {
    /// Proves a segment, under the profile of its run. Blocks as long as that takes.
    pub(crate) fn prove_segment(
        &self,
        profile: Profile,
        segment: &SegmentJob,
        proving: &mut Proving<'_>,
    ) -> Result<Proof, ProveError> {
        let prover = Erased::<SegmentStatement, _>::new(Stark::new(profile));
        let mut prove = || prover.prove(&segment.statement, &segment.witness, proving);
        match self.provers {
            Some(threads) => threads.install(prove),
            None => prove(),
        }
    }

    /// Proves a run, in so much memory if the backend can tell. Blocks as long as that takes.
    pub(crate) fn prove(
        &self,
        method: Method,
        memory: Option<ByteLen>,
        statement: &ExecutionStatement,
        secret: &Secret,
        proving: &mut Proving<'_>,
    ) -> Result<Proof, ProveError> {
        let prover = self.backends.prover_within(method, memory);
        let mut prove = || prover.prove(statement, secret, proving);
        match self.provers {
            Some(threads) => threads.install(prove),
            None => prove(),
        }
    }
}

impl std::fmt::Debug for Proofs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proofs").finish_non_exhaustive()
    }
}

/// Judges evidence about runs of one capsule, at once and on this thread.
#[derive(Debug)]
pub(crate) struct Checker<'a> {
    pub(crate) proofs: &'a Proofs,
    pub(crate) package: &'a Package,
}

impl ProofCheck for Checker<'_> {
    fn check(&self, receipt: &Receipt, tapes: &[u8], proof: &[u8]) -> ProofVerdict {
        if receipt.record.proven.capsule != self.package.capsule_hash() {
            return unknown("it is about another capsule than the one given");
        }
        match self.proofs.verifier(receipt) {
            Ok(verifier) => {
                let claim = claim(receipt, self.package, tapes.to_vec(), proof.to_vec());
                verdict_of(verifier.verify(&claim.public, &claim.proof))
            }
            Err(unknown) => unknown,
        }
    }
}

fn claim(receipt: &Receipt, package: &Package, tapes: Vec<u8>, proof: Vec<u8>) -> Claim {
    let subject = Subject::Capsule(Box::new(package.clone()));
    Claim::of_receipt(receipt, subject.to_bytes(), tapes, proof)
}

/// Only what the proof system itself refuses is a fault that can be shown to others: a local limit, a panic, or a
/// statement that this version cannot read may be this node's.
fn verdict_of(verdict: Verdict) -> ProofVerdict {
    match verdict {
        Ok(_) => ProofVerdict::Valid,
        Err(VerifyError::Rejected { .. } | VerifyError::MalformedProof { .. }) => ProofVerdict::Invalid,
        Err(VerifyError::MalformedPublic { .. }) => unknown("its record and tapes do not go together"),
        Err(VerifyError::TooLong { .. }) => unknown("too long for this node"),
        Err(_) => unknown("the verifier failed"),
    }
}

fn unknown(reason: &'static str) -> ProofVerdict {
    ProofVerdict::Unknown {
        reason: reason.to_owned(),
    }
}
