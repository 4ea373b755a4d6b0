//! Verification, of one proof or of many at once.

use std::sync::Arc;

use ff::{FromUniformBytes, PrimeField as _};
use halo2_proofs::plonk::{Error as PlonkError, VerificationStrategy, verify_proof};
use halo2_proofs::poly::commitment::{Guard, MSM};
use halo2_proofs::transcript::{Blake2bRead, Challenge255, EncodedChallenge, Transcript as _};
use nonos_verify::LastChallenge;
use pasta_curves::{EqAffine, Fp};

use crate::challenge::challenge;
use crate::keys::Keys;
use crate::prover::fresh_seed;
use crate::statement::Statement;
use crate::{Error, Proof};

/// A proof whose cheap checks have passed. What remains is whether a multi-scalar product is zero.
#[derive(Debug)]
pub(crate) struct Opening {
    keys: Arc<Keys>,
    instances: Vec<Vec<Fp>>,
    bytes: Vec<u8>,
}

impl Opening {
    /// Checks the lengths and recomputes the challenge and the public columns.
    pub(crate) fn new(
        keys: Arc<Keys>,
        proof: &Proof,
        statement: &Statement,
        context: &[u8],
    ) -> Result<Self, Error> {
        let plan = &keys.plan;
        if proof.bytes.len() != plan.proof_len() {
            return Err(Error::Malformed { part: "length" });
        }
        statement.fits(&plan.compiled, &plan.layout)?;
        let commitments = &proof.bytes[..32 * plan.phase0];
        let alpha = challenge(
            &plan.layout,
            &keys.digest,
            context,
            &statement.digest,
            commitments,
        );
        Self::with_challenge(keys, proof, statement, alpha)
    }

    /// What a verifier would check that knows the challenge already. Only for [`Opening::new`], and for tests.
    pub(crate) fn with_challenge(
        keys: Arc<Keys>,
        proof: &Proof,
        statement: &Statement,
        alpha: Fp,
    ) -> Result<Self, Error> {
        let plan = &keys.plan;
        let start = statement.start(alpha).ok_or(Error::Rejected)?;
        let instances = statement.instances(plan, alpha, start);
        Ok(Self {
            keys,
            instances,
            bytes: proof.bytes.clone(),
        })
    }

    /// Follows the proof's transcript to the product that must be zero, and draws one more challenge.
    fn product(&self) -> Result<Product<'_>, Error> {
        let instances: Vec<&[Fp]> = self.instances.iter().map(Vec::as_slice).collect();
        let mut rest = &self.bytes[..];
        let mut transcript = Blake2bRead::<_, EqAffine, Challenge255<_>>::init(&mut rest);
        let strategy = Deferred(MSM::new(&self.keys.params));
        // Exactly one circuit: the number is ours, never the proof's.
        let product = verify_proof(
            &self.keys.params,
            &self.keys.verifying,
            strategy,
            &[&instances],
            &mut transcript,
        )
        .map_err(|_| Error::Rejected)?;
        // All points and scalars of the proof, the key and the public columns are hashed by now.
        let last = LastChallenge::of(&transcript.squeeze_challenge().get_scalar().to_repr());
        if rest.is_empty() {
            Ok((product, last))
        } else {
            Err(Error::Malformed { part: "length" })
        }
    }

    pub(crate) fn verify(&self) -> Result<LastChallenge, Error> {
        let (product, last) = self.product()?;
        if product.eval() {
            Ok(last)
        } else {
            Err(Error::Rejected)
        }
    }

    pub(crate) fn k(&self) -> u8 {
        self.keys.plan.layout.k
    }
}

/// A product that must be zero, and the challenge after it.
type Product<'a> = (MSM<'a, EqAffine>, LastChallenge);

/// Hands the product out instead of evaluating it.
struct Deferred<'params>(MSM<'params, EqAffine>);

impl<'params> VerificationStrategy<'params, EqAffine> for Deferred<'params> {
    type Output = MSM<'params, EqAffine>;

    fn process<E: EncodedChallenge<EqAffine>>(
        self,
        f: impl FnOnce(MSM<'params, EqAffine>) -> Result<Guard<'params, EqAffine, E>, PlonkError>,
    ) -> Result<Self::Output, PlonkError> {
        Ok(f(self.0)?.use_challenges())
    }
}

/// Verifies proofs of equal `k`, whatever their keys, with one multi-scalar product; bisects where it fails.
pub(crate) fn verify_group(openings: &[&Opening]) -> Result<Vec<Result<LastChallenge, Error>>, Error> {
    use rayon::prelude::*;
    let products: Vec<Result<Product<'_>, Error>> = openings.par_iter().map(|o| o.product()).collect();
    let mut verdicts: Vec<Result<LastChallenge, Error>> = vec![];
    let mut sound = vec![];
    for (i, product) in products.into_iter().enumerate() {
        match product {
            Ok((product, last)) => {
                sound.push((i, product));
                verdicts.push(Ok(last));
            }
            Err(error) => verdicts.push(Err(error)),
        }
    }
    let mut bad = vec![];
    bisect(&sound, &mut bad)?;
    for i in bad {
        verdicts[i] = Err(Error::Rejected);
    }
    Ok(verdicts)
}

fn bisect(products: &[(usize, MSM<'_, EqAffine>)], bad: &mut Vec<usize>) -> Result<(), Error> {
    if all_zero(products)? {
        return Ok(());
    }
    if let [(i, _)] = products {
        bad.push(*i);
        return Ok(());
    }
    let (left, right) = products.split_at(products.len() / 2);
    bisect(left, bad)?;
    bisect(right, bad)
}

/// Whether a random combination of the products is zero. The coefficients are drawn after the proofs are known.
fn all_zero(products: &[(usize, MSM<'_, EqAffine>)]) -> Result<bool, Error> {
    let Some(((_, first), rest)) = products.split_first() else {
        return Ok(true);
    };
    let mut sum = first.clone();
    if !rest.is_empty() {
        let mut stream = blake3::Hasher::new_derive_key("nonos/v1/halo2/batch")
            .update(&fresh_seed()?)
            .finalize_xof();
        for (_, product) in rest {
            let mut wide = [0; 64];
            stream.fill(&mut wide);
            sum.scale(Fp::from_uniform_bytes(&wide));
            sum.add_msm(product);
        }
    }
    Ok(sum.eval())
}
