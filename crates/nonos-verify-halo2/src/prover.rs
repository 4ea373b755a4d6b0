//! Proving: commit to phase 0, draw the challenge from the commitments, prove with the same randomness.

use std::io;
use std::sync::Arc;

use ff::Field;
use halo2_proofs::plonk::create_proof;
use halo2_proofs::transcript::{Blake2bWrite, Challenge255, EncodedChallenge, Transcript, TranscriptWrite};
use pasta_curves::group::GroupEncoding;
use pasta_curves::{EqAffine, Fp};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::challenge::challenge;
use crate::circuit::{Filled, with_plan};
use crate::keys::Keys;
use crate::statement::Statement;
use crate::trace::Trace;
use crate::{Error, Proof};

/// The randomness of one attempt. Two proofs from one seed would open the same blinding twice and reveal the
/// witness, so that a seed is used for one proof only, and a dry run that nobody sees.
pub(crate) type Seed = [u8; 32];

pub(crate) fn fresh_seed() -> Result<Seed, Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| Error::Entropy)?;
    Ok(seed)
}

/// Proves a trace; asks for a fresh seed at each attempt.
pub(crate) fn prove(
    keys: &Keys,
    trace: &Trace,
    statement: &Statement,
    context: &[u8],
    seeds: &mut dyn FnMut() -> Result<Seed, Error>,
) -> Result<Proof, Error> {
    let plan = &keys.plan;
    loop {
        let seed = seeds()?;
        let commitments = commit(keys, trace, seed)?;
        let alpha = challenge(
            &plan.layout,
            &keys.digest,
            context,
            &statement.digest,
            &commitments,
        );
        // A pole has probability of about 2^-230; a new seed gives a new challenge.
        let Some(start) = statement.start(alpha) else {
            continue;
        };
        let Some(columns) = trace.phase1(plan, statement, alpha, start) else {
            continue;
        };
        if columns
            .last()
            .and_then(|sum| sum.last())
            .is_none_or(|end| !bool::from(end.is_zero()))
        {
            let bus = trace.unbalanced(plan, statement);
            return Err(bus.map_or(Error::Unsatisfied, |bus| Error::Unbalanced { bus }));
        }
        let instances = statement.instances(plan, alpha, start);
        let bytes = seal(keys, columns, &instances, seed)?;
        if !bytes.starts_with(&commitments) || bytes.len() != plan.proof_len() {
            return Err(Error::Backend {
                stage: "repeating its own commitments",
            });
        }
        return Ok(Proof {
            layout: plan.layout.clone(),
            bytes,
        });
    }
}

/// The commitments to phase 0 that a proof with this seed starts with.
pub(crate) fn commit(keys: &Keys, trace: &Trace, seed: Seed) -> Result<Vec<u8>, Error> {
    let mut transcript = FirstPoints {
        bytes: vec![],
        wanted: 32 * keys.plan.phase0,
    };
    // Phase 1 and the instances are not known yet. They do not influence these commitments: the blinding is
    // drawn column by column, from the seed alone.
    let columns = trace.columns.clone();
    let instances = vec![vec![]; keys.plan.instances()];
    let stopped = run(keys, columns, &instances, seed, &mut transcript);
    if stopped.is_ok() || transcript.bytes.len() != transcript.wanted {
        return Err(Error::Backend { stage: "committing" });
    }
    Ok(transcript.bytes)
}

/// Makes the proof's bytes.
pub(crate) fn seal(
    keys: &Keys,
    columns: Vec<Vec<Fp>>,
    instances: &[Vec<Fp>],
    seed: Seed,
) -> Result<Vec<u8>, Error> {
    let mut transcript = Blake2bWrite::<_, EqAffine, Challenge255<_>>::init(vec![]);
    run(keys, columns, instances, seed, &mut transcript)?;
    Ok(transcript.finalize())
}

fn run<T: TranscriptWrite<EqAffine, Challenge255<EqAffine>>>(
    keys: &Keys,
    columns: Vec<Vec<Fp>>,
    instances: &[Vec<Fp>],
    seed: Seed,
    transcript: &mut T,
) -> Result<(), Error> {
    let circuit = Filled {
        plan: keys.plan.clone(),
        columns: Some(Arc::new(columns)),
    };
    let instances: Vec<&[Fp]> = instances.iter().map(Vec::as_slice).collect();
    let key = keys.proving()?;
    let rng = ChaCha20Rng::from_seed(seed);
    with_plan(&keys.plan, || {
        create_proof(&keys.params, key, &[circuit], &[&instances], rng, transcript)
    })
    .map_err(|_| Error::Backend {
        stage: "making a proof",
    })
}

/// Keeps the first points written to it, then fails.
struct FirstPoints {
    bytes: Vec<u8>,
    wanted: usize,
}

impl Transcript<EqAffine, Challenge255<EqAffine>> for FirstPoints {
    fn squeeze_challenge(&mut self) -> Challenge255<EqAffine> {
        Challenge255::new(&[0; 64])
    }

    fn common_point(&mut self, _: EqAffine) -> io::Result<()> {
        Ok(())
    }

    fn common_scalar(&mut self, _: Fp) -> io::Result<()> {
        Ok(())
    }
}

impl TranscriptWrite<EqAffine, Challenge255<EqAffine>> for FirstPoints {
    fn write_point(&mut self, point: EqAffine) -> io::Result<()> {
        if self.bytes.len() < self.wanted {
            self.bytes.extend_from_slice(point.to_bytes().as_ref());
            return Ok(());
        }
        Err(io::Error::other("all points wanted are there"))
    }

    fn write_scalar(&mut self, _: Fp) -> io::Result<()> {
        Err(io::Error::other("only points are wanted"))
    }
}
