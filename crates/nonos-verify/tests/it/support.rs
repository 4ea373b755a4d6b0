//! A backend with one chosen flaw, and things to try it on.

use nonos_types::{ByteLen, ProofDigest, VkDigest};
use nonos_verify::testing::{ClearWitness, Product};
use nonos_verify::{
    BackendId, BatchKey, Erased, LastChallenge, Proof, ProofSystem, ProveError, Prover, Proving, Refusal,
    Seed, Statement,
};
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) fn product(product: u64, label: u64) -> Product {
    Product {
        product,
        label,
        note: (*b"a note").into(),
    }
}

pub(crate) fn clear() -> Erased<Product, ClearWitness> {
    Erased::new(ClearWitness::default())
}

pub(crate) fn prove<B: ProofSystem<Product>>(
    backend: &Erased<Product, B>,
    statement: &Product,
    witness: (u64, u64),
) -> Result<Proof, ProveError> {
    let mut seeds = || Seed::new([1; 32]);
    backend.prove(statement, &witness, &mut Proving::new(&mut seeds))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    RefusesEverything,
    Tires,
    AcceptsAnyBatch,
    RefusesAnyBatch,
    MiscountsBatches,
    PanicsInBatches,
    IgnoresLabel,
    IgnoresStatement,
    IgnoresKey,
    IgnoresTail,
    CompletesCutProofs,
    IgnoresLastByte,
    PanicsOnShortProofs,
    PanicsOnKeys,
    PanicsWhileProving,
    BoundsTooTight,
    ProvesWrongly,
    ShowsNothing,
    ForgetsProof,
    ShowsOtherInBatches,
}

/// [`ClearWitness`] with a flaw.
#[derive(Debug)]
pub(crate) struct Flawed {
    pub(crate) flaw: Flaw,
    accepted: AtomicU32,
}

impl Flawed {
    pub(crate) fn new(flaw: Flaw) -> Self {
        Self {
            flaw,
            accepted: 0.into(),
        }
    }

    pub(crate) fn erased(flaw: Flaw) -> Erased<Product, Self> {
        Erased::new(Self::new(flaw))
    }

    fn inner(&self) -> ClearWitness {
        ClearWitness::default()
    }

    /// What this backend reads in place of what it was given.
    fn statement(&self, statement: &Product) -> Product {
        match self.flaw {
            Flaw::IgnoresLabel => Product {
                label: 0,
                ..statement.clone()
            },
            Flaw::IgnoresStatement => product(0, 0),
            _ => statement.clone(),
        }
    }
}

const LEN: usize = 54;

impl ProofSystem<Product> for Flawed {
    fn id(&self) -> BackendId {
        BackendId::new("testing/flawed/v1")
    }

    fn max_proof_len(&self) -> ByteLen {
        ByteLen::from(if self.flaw == Flaw::BoundsTooTight {
            LEN - 1
        } else {
            2 * LEN
        })
    }

    fn vk_digest(&self, statement: &Product, proof: &[u8]) -> Result<VkDigest, Refusal> {
        assert!(self.flaw != Flaw::PanicsOnKeys || proof.len() == LEN, "flaw");
        self.inner().vk_digest(statement, proof)
    }

    fn prove(
        &self,
        statement: &Product,
        witness: &(u64, u64),
        proving: &mut Proving<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        assert!(self.flaw != Flaw::PanicsWhileProving, "flaw");
        // The third proof of a suite has the factors the other way round.
        let turned = self.flaw == Flaw::ForgetsProof && proving.seed().into_bytes()[0] > 2;
        let witness = &if turned { (witness.1, witness.0) } else { *witness };
        let mut proof = self.inner().prove(&self.statement(statement), witness, proving)?;
        if self.flaw == Flaw::ProvesWrongly {
            proof[20] ^= 1;
        }
        Ok(proof)
    }

    fn verify(&self, statement: &Product, proof: &[u8]) -> Result<LastChallenge, Refusal> {
        let product = statement;
        let statement = self.statement(statement);
        let inner = self.inner();
        match self.flaw {
            Flaw::RefusesEverything => return Err(Refusal::Rejected { check: "flaw" }),
            // Two verdicts are for the proofs as they are made.
            Flaw::Tires if self.accepted.fetch_add(1, Ordering::Relaxed) > 1 => {
                return Err(Refusal::Rejected { check: "flaw" });
            }
            Flaw::IgnoresStatement => {
                return if proof.len() == LEN {
                    seal_holds(proof)
                } else {
                    Err(malformed())
                };
            }
            Flaw::IgnoresKey => {
                // Any of the first keys will do.
                return (0..9)
                    .map(|key| ClearWitness { key }.verify(&statement, proof))
                    .find(Result::is_ok)
                    .unwrap_or(Err(Refusal::Rejected { check: "every key" }));
            }
            Flaw::IgnoresTail if proof.len() > LEN => return inner.verify(&statement, &proof[..LEN]),
            Flaw::CompletesCutProofs if (22..LEN).contains(&proof.len()) => {
                return Ok(LastChallenge::of(proof));
            }
            Flaw::IgnoresLastByte if proof.len() == LEN => {
                return (0..=255)
                    .map(|byte| inner.verify(&statement, &[&proof[..LEN - 1], &[byte]].concat()))
                    .find(Result::is_ok)
                    .unwrap_or(Err(Refusal::Rejected {
                        check: "every last byte",
                    }));
            }
            Flaw::ShowsNothing => return inner.verify(&statement, proof).map(|_| LastChallenge::of(b"")),
            Flaw::ForgetsProof => {
                return (inner.verify(&statement, proof)).map(|_| LastChallenge::of(&product.bytes()));
            }
            Flaw::PanicsOnShortProofs => assert!(proof.len() >= LEN, "flaw"),
            _ => {}
        }
        inner.verify(&statement, proof)
    }

    fn verify_batch(&self, claims: &[(&Product, &[u8])]) -> Vec<Result<LastChallenge, Refusal>> {
        let alone = claims
            .iter()
            .map(|(statement, proof)| self.verify(statement, proof));
        match self.flaw {
            Flaw::AcceptsAnyBatch => alone.map(|it| Ok(it.unwrap_or(LastChallenge::of(b"")))).collect(),
            Flaw::RefusesAnyBatch => vec![Err(Refusal::Rejected { check: "flaw" }); claims.len()],
            Flaw::ShowsOtherInBatches => alone.map(|it| it.map(|_| LastChallenge::of(b""))).collect(),
            Flaw::MiscountsBatches => alone.skip(1).collect(),
            Flaw::PanicsInBatches => {
                let verdicts: Vec<_> = alone.collect();
                assert!(verdicts.iter().all(Result::is_ok), "flaw");
                verdicts
            }
            _ => alone.collect(),
        }
    }

    fn batch_key(&self, proof: &[u8]) -> Option<BatchKey> {
        self.inner().batch_key(proof)
    }
}

fn malformed() -> Refusal {
    Refusal::MalformedProof { part: "length" }
}

/// The seal that [`ClearWitness`] makes for `product(0, 0)`.
fn seal_holds(proof: &[u8]) -> Result<LastChallenge, Refusal> {
    let seal = ProofDigest::hash(&[&0_u64.to_le_bytes(), &product(0, 0).bytes(), &proof[6..22]]);
    if proof.starts_with(b"clear\x01") && seal.as_bytes() == &proof[22..] {
        Ok(LastChallenge::of(proof))
    } else {
        Err(malformed())
    }
}
