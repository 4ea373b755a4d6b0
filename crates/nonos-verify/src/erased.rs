//! The sealed side: what users call, and the one bridge from a backend to it.

use crate::{
    BackendId, BatchKey, LastChallenge, ProofSystem, ProveError, Proving, Public, Side, Statement,
    StatementId,
};
use crate::{Verdict, VerifyError};
use nonos_types::{ByteLen, Hasher, TranscriptDigest, VkDigest};
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Proof bytes and the digest of the key they are to be read under. Clones are cheap.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    /// Digest of the verifying key.
    pub vk: VkDigest,
    /// The backend's bytes.
    pub bytes: Arc<[u8]>,
}

impl Proof {
    /// Proof bytes to be read under `vk`.
    pub fn new(vk: VkDigest, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self {
            vk,
            bytes: bytes.into(),
        }
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proof {{ vk: {}, {} bytes }}", self.vk, self.bytes.len())
    }
}

/// "This proof proves this": what a verifier gives its verdict on.
///
/// ```
/// use nonos_verify::testing::{ClearWitness, Product, example_claim};
/// use nonos_verify::{Erased, Verifier as _};
///
/// let mut claims = vec![example_claim(3, 5), example_claim(4, 6)];
/// claims[1].public = claims[0].public.clone(); // the proof of another
/// let verdicts = Erased::<Product, _>::new(ClearWitness::default()).verify_batch(&claims);
/// assert!(verdicts[0].is_ok() && verdicts[1].is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What is claimed.
    pub public: Public,
    /// The proof of it.
    pub proof: Proof,
}

mod sealed {
    pub trait Sealed {}
    impl<S: crate::Statement, B: crate::ProofSystem<S>> Sealed for super::Erased<S, B> {}
}

/// Verifies claims about one kind of statement by one backend. Sealed: [`Erased`] is the only implementation,
/// so no verifier lacks the length bound, the strict decoder, the key comparison or the panic containment.
pub trait Verifier: sealed::Sealed + Send + Sync {
    /// The relation it verifies.
    fn statement_id(&self) -> StatementId;

    /// The backend it reads.
    fn backend_id(&self) -> BackendId;

    /// Longest proof it reads.
    fn max_proof_len(&self) -> ByteLen;

    /// Does `proof` prove `public`? If so, what is known by that: `docs/spec/proof.md`, "Transcript value".
    ///
    /// # Errors
    /// [`VerifyError`] if not; it never panics.
    fn verify(&self, public: &Public, proof: &Proof) -> Verdict;

    /// A verdict for each claim, in order, each the same as [`verify`](Self::verify) gives.
    fn verify_batch(&self, claims: &[Claim]) -> Vec<Verdict>;

    /// Which proofs are worth a batch.
    fn batch_key(&self, proof: &Proof) -> Option<BatchKey>;
}

/// Proves statements `S`. Sealed like [`Verifier`]: no proof leaves before the statement was checked natively
/// and the proof was verified.
pub trait Prover<S: Statement>: sealed::Sealed + Send + Sync {
    /// The backend whose proofs these are.
    fn backend_id(&self) -> BackendId;

    /// Proves that `statement` holds for `witness`.
    ///
    /// # Errors
    /// [`ProveError`]; it never panics by the backend's fault.
    fn prove(
        &self,
        statement: &S,
        witness: &S::Witness,
        proving: &mut Proving<'_>,
    ) -> Result<Proof, ProveError>;
}

/// A backend behind the sealed traits.
///
/// ```
/// use nonos_verify::{Erased, Verifier, testing::{ClearWitness, Product}};
/// let verifier: Box<dyn Verifier> = Box::new(Erased::<Product, _>::new(ClearWitness::default()));
/// assert_eq!(verifier.statement_id().as_str(), "testing/product/v1");
/// ```
pub struct Erased<S, B> {
    backend: B,
    statement: PhantomData<fn() -> S>,
}

impl<S: Statement, B: ProofSystem<S>> Erased<S, B> {
    /// Puts `backend` behind the sealed traits.
    pub const fn new(backend: B) -> Self {
        Self {
            backend,
            statement: PhantomData,
        }
    }

    /// The backend itself.
    pub const fn backend(&self) -> &B {
        &self.backend
    }

    /// Runs backend or decoder code; a panic is a refusal.
    fn contained<T>(&self, call: impl FnOnce() -> Result<T, VerifyError>) -> Result<T, VerifyError> {
        // Unwind safety: a backend shares only state that it must keep valid by itself (it is `Sync`), and
        // nothing that the call was writing is used after a panic.
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok(result) => result,
            Err(_panic) => Err(VerifyError::BackendPanicked { backend: self.name() }),
        }
    }

    /// The backend's name, also when asking for it panics.
    fn name(&self) -> BackendId {
        catch_unwind(AssertUnwindSafe(|| self.backend.id())).unwrap_or(const { BackendId::new("unnamed") })
    }

    /// Bounds, strict decoding and the key: all that precedes the backend's own check.
    fn open(&self, public: &Public, proof: &Proof) -> Result<S, VerifyError> {
        within(Side::Public, public.len(), S::MAX_PUBLIC)?;
        let statement = self.contained(|| {
            let limit = self.backend.max_proof_len();
            within(Side::Proof, ByteLen::from(proof.bytes.len()), limit)?;
            if proof.bytes.is_empty() {
                return Err(VerifyError::MalformedProof {
                    part: "length (empty)",
                });
            }
            let statement = S::decode(public)?;
            if statement.public() != *public {
                return Err(VerifyError::MalformedPublic {
                    part: "encoding (not canonical)",
                });
            }
            Ok(statement)
        })?;
        self.contained(|| {
            if self.backend.vk_digest(&statement, &proof.bytes)? == proof.vk {
                Ok(())
            } else {
                Err(VerifyError::Rejected {
                    check: "verifying key",
                })
            }
        })?;
        Ok(statement)
    }

    /// What is known by a verification: of this key, this statement, and every byte of this proof.
    fn value(&self, statement: &[u8], proof: &Proof, last: LastChallenge) -> TranscriptDigest {
        let mut hasher = Hasher::new();
        hasher
            .part(S::ID.as_str().as_bytes())
            .part(self.name().as_str().as_bytes())
            .part(proof.vk.as_bytes())
            .part(statement)
            .part(last.as_bytes())
            .part(&proof.bytes);
        hasher.finish()
    }
}

fn within(side: Side, found: ByteLen, limit: ByteLen) -> Result<(), VerifyError> {
    if found > limit {
        Err(VerifyError::TooLong { side, found, limit })
    } else {
        Ok(())
    }
}

impl<S: Statement, B: ProofSystem<S>> Verifier for Erased<S, B> {
    fn statement_id(&self) -> StatementId {
        S::ID
    }

    fn backend_id(&self) -> BackendId {
        self.name()
    }

    fn max_proof_len(&self) -> ByteLen {
        self.backend.max_proof_len()
    }

    fn verify(&self, public: &Public, proof: &Proof) -> Verdict {
        let statement = self.open(public, proof)?;
        let last = self.contained(|| Ok(self.backend.verify(&statement, &proof.bytes)?))?;
        Ok(self.value(public.statement(), proof, last))
    }

    fn verify_batch(&self, claims: &[Claim]) -> Vec<Verdict> {
        let opened: Vec<Result<S, VerifyError>> = claims
            .iter()
            .map(|claim| self.open(&claim.public, &claim.proof))
            .collect();
        let good: Vec<(&S, &[u8])> = (opened.iter().zip(claims))
            .filter_map(|(statement, claim)| Some((statement.as_ref().ok()?, &*claim.proof.bytes)))
            .collect();
        // One claim that makes the backend panic, or a backend that miscounts, must not decide over the others.
        let together = if good.len() > 1 {
            self.contained(|| Ok(self.backend.verify_batch(&good)))
                .ok()
                .filter(|v| v.len() == good.len())
        } else {
            None
        };
        let verdicts: Vec<Result<LastChallenge, VerifyError>> = match together {
            Some(verdicts) => verdicts.into_iter().map(|verdict| Ok(verdict?)).collect(),
            None => (good.iter())
                .map(|(statement, proof)| self.contained(|| Ok(self.backend.verify(statement, proof)?)))
                .collect(),
        };
        let mut verdicts = verdicts.into_iter();
        opened
            .iter()
            .zip(claims)
            .map(|(statement, claim)| match statement {
                Ok(_) => verdicts
                    .next()
                    .expect("one verdict per opened claim: counted above")
                    .map(|last| self.value(claim.public.statement(), &claim.proof, last)),
                Err(error) => Err(error.clone()),
            })
            .collect()
    }

    fn batch_key(&self, proof: &Proof) -> Option<BatchKey> {
        let found = ByteLen::from(proof.bytes.len());
        self.contained(|| {
            within(Side::Proof, found, self.backend.max_proof_len())?;
            Ok(self.backend.batch_key(&proof.bytes))
        })
        .unwrap_or(None)
    }
}

impl<S: Statement, B: ProofSystem<S>> Prover<S> for Erased<S, B> {
    fn backend_id(&self) -> BackendId {
        self.name()
    }

    fn prove(
        &self,
        statement: &S,
        witness: &S::Witness,
        proving: &mut Proving<'_>,
    ) -> Result<Proof, ProveError> {
        statement
            .check(witness)
            .map_err(|violation| ProveError::False { violation })?;
        let panicked = |_| ProveError::BackendPanicked { backend: self.name() };
        let bytes = catch_unwind(AssertUnwindSafe(|| {
            self.backend.prove(statement, witness, proving)
        }))
        .map_err(panicked)??;
        let refused = |verdict| ProveError::SelfRefused { verdict };
        let vk = (self.contained(|| Ok(self.backend.vk_digest(statement, &bytes)?))).map_err(refused)?;
        let proof = Proof::new(vk, bytes);
        self.verify(&statement.public(), &proof).map_err(refused)?;
        Ok(proof)
    }
}

impl<S: Statement, B: ProofSystem<S>> fmt::Debug for Erased<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Erased")
            .field("statement", &S::ID)
            .field("backend", &self.name())
            .finish()
    }
}
