//! The whole backend for one system.

use std::collections::BTreeMap;
use std::sync::Arc;

use nonos_machine::air::{Public, System};
use nonos_verify::LastChallenge;

use crate::compile::Compiled;
use crate::keys::{KeyCache, Keys};
use crate::layout::{MAX_K, MIN_K};
use crate::params::ParamsStore;
use crate::plan::Plan;
use crate::prover;
use crate::sponge::Sponge;
use crate::statement::Statement;
use crate::trace::{Trace, Witness};
use crate::verifier::{Opening, verify_group};
use crate::{Error, Layout, Proof, planner};

/// A proof to verify with others.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The proof.
    pub proof: &'a Proof,
    /// What it is said to prove.
    pub public: &'a Public,
    /// The bytes it is bound to.
    pub context: &'a [u8],
}

/// How large a proof is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns that it commits to.
    pub columns: usize,
    /// Bytes.
    pub proof_bytes: usize,
}

/// Proves and verifies traces of one constraint system.
#[derive(Debug)]
pub struct Backend {
    compiled: Arc<Compiled>,
    params: ParamsStore,
    verifying: KeyCache,
    proving: KeyCache,
}

impl Backend {
    /// Prepares a system.
    ///
    /// # Errors
    /// A system that this backend cannot prove soundly: degrees too high, messages too wide or of values of
    /// unknown range, buses misused.
    pub fn new(system: &System, params: ParamsStore) -> Result<Self, Error> {
        Self::hashing(system, None, params)
    }

    /// As [`Backend::new`], for a system of which one table is hashed.
    pub(crate) fn hashing(
        system: &System,
        sponge: Option<&Sponge>,
        params: ParamsStore,
    ) -> Result<Self, Error> {
        let compiled = Arc::new(Compiled::new(system, sponge)?);
        Ok(Self {
            compiled,
            params,
            verifying: KeyCache::new(16),
            proving: KeyCache::new(2),
        })
    }

    /// A layout of nearly the least estimated cost for `rows[t]` rows of table `t`, with 2^`max_k` physical rows at most.
    ///
    /// # Errors
    /// [`Error::TooLarge`] with the size needed.
    pub fn plan(&self, rows: &[usize], public: &Public, max_k: u8) -> Result<Layout, Error> {
        planner::plan(
            &self.compiled,
            rows,
            public.lookups.len(),
            max_k.clamp(MIN_K, MAX_K),
        )
    }

    /// Estimated CPU time of a proof in seconds, on the machine that the cost model was measured on.
    pub fn estimate(&self, layout: &Layout) -> f64 {
        planner::cost(&self.compiled, layout)
    }

    /// Estimated peak memory of proving, in bytes.
    pub fn estimate_memory(&self, layout: &Layout) -> u64 {
        planner::memory(&self.compiled, layout)
    }

    /// How large a proof of this layout is.
    ///
    /// # Errors
    /// [`Error::Layout`] for a layout of another system.
    pub fn size(&self, layout: &Layout) -> Result<Size, Error> {
        let plan = Plan::new(&self.compiled, layout)?;
        Ok(Size {
            columns: plan.advice(),
            proof_bytes: layout.encode().len() + plan.proof_len(),
        })
    }

    /// Proves that the witness satisfies the system with this public data, with randomness of the operating
    /// system. The proof is bound to `context`.
    ///
    /// # Errors
    /// [`Error::NotInTable`], [`Error::Unbalanced`] or [`Error::Unsatisfied`] if the witness does not satisfy it.
    pub fn prove(
        &self,
        layout: &Layout,
        witness: &dyn Witness,
        public: &Public,
        context: &[u8],
    ) -> Result<Proof, Error> {
        self.prove_with(layout, witness, public, context, &mut prover::fresh_seed)
    }

    /// As [`Backend::prove`], with the caller's randomness: 32 fresh secret bytes at each call of `seeds`. Two
    /// proofs from one seed reveal the witness.
    ///
    /// # Errors
    /// As [`Backend::prove`], and what `seeds` gives.
    pub fn prove_with(
        &self,
        layout: &Layout,
        witness: &dyn Witness,
        public: &Public,
        context: &[u8],
        seeds: &mut dyn FnMut() -> Result<[u8; 32], Error>,
    ) -> Result<Proof, Error> {
        let statement = Statement::new(&self.compiled, public)?;
        let keys = self
            .proving
            .get(&self.compiled, layout, || self.params.get(layout.k))?;
        statement.fits(&self.compiled, layout)?;
        let trace = Trace::new(&keys.plan, witness, &statement)?;
        let proof = prover::prove(&keys, &trace, &statement, context, seeds)?;
        // halo2 makes proofs of unsatisfied constraints without complaint.
        let verdict = Opening::new(keys, &proof, &statement, context)?.verify();
        verdict.map_err(|_| Error::Unsatisfied).map(|_| proof)
    }

    /// Verifies a proof, and gives what that comes to.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Layout`] or [`Error::Rejected`] for a bad proof; an error of the public data
    /// where that does not belong to the system.
    pub fn verify(&self, proof: &Proof, public: &Public, context: &[u8]) -> Result<LastChallenge, Error> {
        self.open(&Claim {
            proof,
            public,
            context,
        })?
        .verify()
    }

    /// Verifies many proofs, with a verdict for each. Proofs of equal `k` share the final multi-scalar product,
    /// so that each costs a fraction of a single verification; a bad one among them costs a few more.
    pub fn verify_batch(&self, claims: &[Claim<'_>]) -> Vec<Result<LastChallenge, Error>> {
        let mut verdicts: Vec<Result<LastChallenge, Error>> = vec![];
        let mut groups: BTreeMap<u8, Vec<(usize, Opening)>> = BTreeMap::new();
        for (i, claim) in claims.iter().enumerate() {
            verdicts.push(Err(Error::Rejected));
            match self.open(claim) {
                Ok(opening) => groups.entry(opening.k()).or_default().push((i, opening)),
                Err(error) => verdicts[i] = Err(error),
            }
        }
        for group in groups.into_values() {
            let openings: Vec<&Opening> = group.iter().map(|(_, opening)| opening).collect();
            match verify_group(&openings) {
                Ok(group_verdicts) => {
                    for ((i, _), verdict) in group.iter().zip(group_verdicts) {
                        verdicts[*i] = verdict;
                    }
                }
                Err(_) => group.iter().for_each(|(i, _)| verdicts[*i] = Err(Error::Entropy)),
            }
        }
        verdicts
    }

    /// Digest of the verifying key of a layout.
    ///
    /// # Errors
    /// [`Error::Layout`] for a layout of another system.
    pub fn key_digest(&self, layout: &Layout) -> Result<[u8; 32], Error> {
        Ok(self.keys(layout)?.digest)
    }

    pub(crate) fn keys(&self, layout: &Layout) -> Result<Arc<Keys>, Error> {
        self.verifying
            .get(&self.compiled, layout, || self.params.get(layout.k))
    }

    fn open(&self, claim: &Claim<'_>) -> Result<Opening, Error> {
        let statement = Statement::new(&self.compiled, claim.public)?;
        // Before a key is made: the prover must not choose a size that the statement does not need.
        statement.fits(&self.compiled, &claim.proof.layout)?;
        Opening::new(
            self.keys(&claim.proof.layout)?,
            claim.proof,
            &statement,
            claim.context,
        )
    }
}
