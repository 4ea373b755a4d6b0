//! Making and reading a proof's bytes.

use std::sync::Arc;

use ff::{FromUniformBytes, PrimeField as _};
use halo2_proofs::plonk::{Error as PlonkError, VerificationStrategy, create_proof, verify_proof};
use halo2_proofs::poly::commitment::{Guard, MSM};
use halo2_proofs::transcript::{Blake2bRead, Blake2bWrite, Challenge255, EncodedChallenge, Transcript};
use nonos_depin::rollup::RollupStatement;
use nonos_verify::{LastChallenge, Statement as _};
use pasta_curves::{EqAffine, Fp};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rayon::prelude::*;

use crate::Error;
use crate::circuit::Chunk;
use crate::keys::{Keys, failed};
use crate::trace::{Trace, publics};

/// Bytes of every proof.
pub(crate) const LEN: usize = 17_152;

/// What the transcript starts with: everything the proof's meaning depends on.
fn context(keys: &Keys, statement: &RollupStatement) -> Fp {
    let mut hasher = blake3::Hasher::new_derive_key("nonos/v1/halo2/rollup");
    for part in [&keys.digest[..], &statement.bytes()] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut wide = [0; 64];
    hasher.finalize_xof().fill(&mut wide);
    Fp::from_uniform_bytes(&wide)
}

/// Proves a trace, which may be a lie: then the proof does not verify. A seed is for one proof only.
pub(crate) fn create(
    keys: &Keys,
    statement: &RollupStatement,
    trace: Trace,
    seed: [u8; 32],
) -> Result<Vec<u8>, Error> {
    let circuit = Chunk {
        trace: Some(Arc::new(trace)),
    };
    let mut transcript = Blake2bWrite::<_, EqAffine, Challenge255<_>>::init(vec![]);
    let absorbed = transcript.common_scalar(context(keys, statement));
    absorbed.map_err(|_| failed("absorbing the statement"))?;
    let publics = publics(statement);
    let publics: Vec<&[Fp]> = publics.iter().map(Vec::as_slice).collect();
    let rng = ChaCha20Rng::from_seed(seed);
    let key = keys.proving()?;
    create_proof(&keys.params, key, &[circuit], &[&publics], rng, &mut transcript)
        .map_err(|_| failed("making a proof"))?;
    Ok(transcript.finalize())
}

pub(crate) fn verify(keys: &Keys, statement: &RollupStatement, proof: &[u8]) -> Result<LastChallenge, Error> {
    let (product, last) = product(keys, statement, proof)?;
    if product.eval() {
        Ok(last)
    } else {
        Err(Error::Rejected)
    }
}

/// Verifies many with one multi-scalar product; bisects where it fails.
pub(crate) fn verify_all(
    keys: &Keys,
    claims: &[(&RollupStatement, &[u8])],
) -> Result<Vec<Result<LastChallenge, Error>>, Error> {
    let products: Vec<_> = claims
        .par_iter()
        .map(|(statement, proof)| product(keys, statement, proof))
        .collect();
    let mut verdicts = vec![];
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

/// Follows the proof's transcript to the product that must be zero, and draws one more challenge.
fn product<'a>(
    keys: &'a Keys,
    statement: &RollupStatement,
    proof: &[u8],
) -> Result<(MSM<'a, EqAffine>, LastChallenge), Error> {
    // halo2 reads no more than it needs and would not notice what follows.
    if proof.len() != LEN {
        return Err(Error::Malformed { part: "length" });
    }
    let mut rest = proof;
    let mut transcript = Blake2bRead::<_, EqAffine, Challenge255<_>>::init(&mut rest);
    let absorbed = transcript.common_scalar(context(keys, statement));
    absorbed.map_err(|_| failed("absorbing the statement"))?;
    let publics = publics(statement);
    let publics: Vec<&[Fp]> = publics.iter().map(Vec::as_slice).collect();
    let strategy = Deferred(MSM::new(&keys.params));
    // Exactly one circuit: the number is ours, never the proof's.
    let product = verify_proof(
        &keys.params,
        &keys.verifying,
        strategy,
        &[&publics],
        &mut transcript,
    );
    let product = product.map_err(|_| Error::Rejected)?;
    // All points and scalars of the proof are hashed by now.
    let last = LastChallenge::of(&transcript.squeeze_challenge().get_scalar().to_repr());
    if rest.is_empty() {
        Ok((product, last))
    } else {
        Err(Error::Malformed { part: "length" })
    }
}

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
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| Error::Entropy)?;
        let mut stream = blake3::Hasher::new_derive_key("nonos/v1/halo2/batch")
            .update(&seed)
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
