//! The open side: what a backend author implements.

use crate::{BackendId, ProveError, Statement};
use nonos_types::{ByteLen, VkDigest};
use std::fmt;
use std::sync::Arc;

/// Why a backend refuses a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The statement decodes, but this backend cannot interpret it.
    #[error("public data: {part} is malformed")]
    MalformedPublic {
        /// The part that is wrong, for people.
        part: &'static str,
    },
    /// The bytes are not of this backend's shape.
    #[error("proof: {part} is malformed")]
    MalformedProof {
        /// The part that is wrong, for people.
        part: &'static str,
    },
    /// The shape is right and the proof is not.
    #[error("proof refused: {check}")]
    Rejected {
        /// The check that fails, for people.
        check: &'static str,
    },
}

/// What only a verification that goes to its end comes to: one more challenge, or a digest of all that were drawn, after the
/// verifier has read the last of the proof that it hashes. Equal for equal statement, key and proof, alone and in a batch.
///
/// A node shows by it that it has verified: [`TranscriptDigest`](nonos_types::TranscriptDigest) is made of it, and of the
/// whole proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LastChallenge([u8; 32]);

impl LastChallenge {
    /// Hashes what the verifier's transcript has come to.
    #[must_use]
    pub fn of(transcript: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("nonos/v1/last-challenge");
        Self(*hasher.update(transcript).finalize().as_bytes())
    }

    /// Of a proof in parts: that of each, in their order.
    #[must_use]
    pub fn of_parts(parts: &[Self]) -> Self {
        let parts: Vec<[u8; 32]> = parts.iter().map(|part| part.0).collect();
        Self::of(parts.as_flattened())
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Proofs with equal keys are worth verifying together; the value means nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchKey(pub u64);

/// Thirty-two secret bytes for one proving attempt. Not `Clone`: two proofs from one seed can leak the witness.
pub struct Seed([u8; 32]);

impl Seed {
    /// A seed from fresh bytes of the system's generator, used nowhere else.
    #[must_use]
    pub const fn new(fresh: [u8; 32]) -> Self {
        Self(fresh)
    }

    /// Gives up the bytes, once.
    #[must_use]
    pub const fn into_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// How far a proof has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done, for people.
    pub stage: &'static str,
    /// Units of this stage that are done.
    pub done: u64,
    /// Units of this stage.
    pub total: u64,
}

impl Progress {
    /// `done` of `total` units of `stage`.
    #[must_use]
    pub const fn new(stage: &'static str, done: u64, total: u64) -> Self {
        Self { stage, done, total }
    }
}

/// The outside world of one call to prove: randomness comes in, progress goes out.
///
/// ```
/// use nonos_verify::{Proving, Seed};
/// # fn os_random() -> [u8; 32] { [7; 32] }
/// let mut seeds = || Seed::new(os_random());
/// let mut show = |p: nonos_verify::Progress| { let _bar = (p.stage, p.done, p.total); };
/// let proving = Proving::new(&mut seeds).on_progress(&mut show);
/// # drop(proving);
/// ```
pub struct Proving<'a> {
    seeds: &'a mut (dyn FnMut() -> Seed + Send),
    progress: Option<&'a mut (dyn FnMut(Progress) + Send)>,
}

impl<'a> Proving<'a> {
    /// Seeds must be fresh at each call.
    pub fn new(seeds: &'a mut (dyn FnMut() -> Seed + Send)) -> Self {
        Self {
            seeds,
            progress: None,
        }
    }

    /// Wants to be told of progress, on the proving thread.
    #[must_use]
    pub fn on_progress(mut self, tell: &'a mut (dyn FnMut(Progress) + Send)) -> Self {
        self.progress = Some(tell);
        self
    }

    /// A fresh seed: one per attempt, also when an attempt is repeated.
    pub fn seed(&mut self) -> Seed {
        (self.seeds)()
    }

    /// Tells how far the proof has come.
    pub fn report(&mut self, progress: Progress) {
        if let Some(tell) = &mut self.progress {
            tell(progress);
        }
    }
}

impl fmt::Debug for Proving<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proving").finish_non_exhaustive()
    }
}

/// A proof system for statements `S`: the trait a backend author implements.
///
/// Users never call it: [`Erased`](crate::Erased) turns it into a [`Verifier`](crate::Verifier) and a
/// [`Prover`](crate::Prover), which add length bounds, strict decoding and panic containment.
///
/// Implementations must:
/// - absorb [`Statement::bytes`], and everything else the proof's meaning depends on, before the first challenge;
/// - validate whatever the proof says about its own layout before any work or allocation of the claimed size;
/// - refuse trailing bytes, empty proofs, and every encoding but the one the prover emits;
/// - derive [`vk_digest`](Self::vk_digest) from the key that [`verify`](Self::verify) will use for that proof;
/// - hold or compute all that verifying needs: a verdict never depends on a disk or a network;
/// - give the same verdict alone and in a batch;
/// - use each [`Seed`] for one attempt;
/// - give for a proof that holds the [`LastChallenge`] of its verification, which differs with statement, key and proof, and
///   which nothing short of following the verifier's transcript gives.
///
/// [`testing::Suite`](crate::testing::Suite) judges these. Two whole backends to copy: `custom_statement`, among this
/// crate's examples, for a relation of one's own; `examples/custom_backend.rs` at the top of the repository for runs of
/// capsules, with `docs/backends.md` as its guide.
///
/// A backend behind an [`Arc`] is one, too: several users can share its keys and parameters.
pub trait ProofSystem<S: Statement>: Send + Sync + 'static {
    /// Name and version of the proof format.
    fn id(&self) -> BackendId;

    /// Longest proof of this backend; longer ones are refused unread.
    fn max_proof_len(&self) -> ByteLen;

    /// Digest of the verifying key under which `proof` is to be read.
    ///
    /// # Errors
    /// [`Refusal`] if the proof does not say so in the backend's format.
    fn vk_digest(&self, statement: &S, proof: &[u8]) -> Result<VkDigest, Refusal>;

    /// Proves that `statement` holds for `witness`, which the caller has checked natively.
    ///
    /// # Errors
    /// [`ProveError::Unsupported`], [`ProveError::TooLarge`], [`ProveError::Environment`], [`ProveError::Backend`].
    fn prove(
        &self,
        statement: &S,
        witness: &S::Witness,
        proving: &mut Proving<'_>,
    ) -> Result<Vec<u8>, ProveError>;

    /// Is `proof` a proof of `statement`? If so, what verifying it has come to.
    ///
    /// # Errors
    /// [`Refusal`] if it is not.
    fn verify(&self, statement: &S, proof: &[u8]) -> Result<LastChallenge, Refusal>;

    /// A verdict for each claim, in order. By default one after the other.
    fn verify_batch(&self, claims: &[(&S, &[u8])]) -> Vec<Result<LastChallenge, Refusal>> {
        claims
            .iter()
            .map(|(statement, proof)| self.verify(statement, proof))
            .collect()
    }

    /// Which proofs are worth a batch; a cheap look at the proof's header. By default none.
    fn batch_key(&self, proof: &[u8]) -> Option<BatchKey> {
        let _ = proof;
        None
    }
}

/// The shared backend; every call goes through.
impl<S: Statement, B: ProofSystem<S>> ProofSystem<S> for Arc<B> {
    fn id(&self) -> BackendId {
        (**self).id()
    }

    fn max_proof_len(&self) -> ByteLen {
        (**self).max_proof_len()
    }

    fn vk_digest(&self, statement: &S, proof: &[u8]) -> Result<VkDigest, Refusal> {
        (**self).vk_digest(statement, proof)
    }

    fn prove(
        &self,
        statement: &S,
        witness: &S::Witness,
        proving: &mut Proving<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        (**self).prove(statement, witness, proving)
    }

    fn verify(&self, statement: &S, proof: &[u8]) -> Result<LastChallenge, Refusal> {
        (**self).verify(statement, proof)
    }

    fn verify_batch(&self, claims: &[(&S, &[u8])]) -> Vec<Result<LastChallenge, Refusal>> {
        (**self).verify_batch(claims)
    }

    fn batch_key(&self, proof: &[u8]) -> Option<BatchKey> {
        (**self).batch_key(proof)
    }
}
