//! A statement small enough to read, and a "proof" that hides nothing.

use crate::{
    BackendId, BatchKey, Claim, Erased, LastChallenge, Malformed, ProofSystem, ProveError, Prover, Proving,
};
use crate::{Public, Refusal, Seed, Statement, StatementId, Violation};
use nonos_types::{ByteLen, InputDigest, ProofDigest, VkDigest};
use std::sync::Arc;

/// "I know two factors of `product`, both greater than one", with a label and a note that mean nothing but
/// are bound all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The number to factor.
    pub product: u64,
    /// A field that no relation constrains, as a job id would be.
    pub label: u64,
    /// An attachment; the statement's bytes hold its digest.
    pub note: Arc<[u8]>,
}

impl Statement for Product {
    const ID: StatementId = StatementId::new("testing/product/v1");
    const MAX_PUBLIC: ByteLen = ByteLen::new(1024);

    type Witness = (u64, u64);

    fn bytes(&self) -> Vec<u8> {
        let note = InputDigest::hash(&[&self.note]);
        [
            &self.product.to_le_bytes()[..],
            &self.label.to_le_bytes(),
            note.as_bytes(),
        ]
        .concat()
    }

    fn attachments(&self) -> Vec<Arc<[u8]>> {
        vec![Arc::clone(&self.note)]
    }

    fn decode(public: &Public) -> Result<Self, Malformed> {
        let bytes = public.statement();
        let (product, rest) = bytes.split_first_chunk().ok_or(Malformed { part: "product" })?;
        let (label, digest) = rest.split_first_chunk().ok_or(Malformed { part: "label" })?;
        let note = public.attachment(0).ok_or(Malformed { part: "note" })?;
        if public.attachments() != 1 || InputDigest::hash(&[note]).as_bytes() != digest {
            return Err(Malformed { part: "note" });
        }
        let (product, label) = (u64::from_le_bytes(*product), u64::from_le_bytes(*label));
        Ok(Self {
            product,
            label,
            note: note.into(),
        })
    }

    fn check(&self, &(a, b): &(u64, u64)) -> Result<(), Violation> {
        if a < 2 || b < 2 {
            Err(Violation {
                clause: "both factors exceed one",
            })
        } else if a.checked_mul(b) != Some(self.product) {
            Err(Violation {
                clause: "the factors' product",
            })
        } else {
            Ok(())
        }
    }
}

/// A backend whose proof is the witness in clear, checked by checking again.
///
/// It is sound and hides **nothing**; it exists to show and test the traits.
#[derive(Debug, Clone, Default)]
pub struct ClearWitness {
    /// Stands for a verifying key: proofs under another number are refused.
    pub key: u64,
}

const MAGIC: [u8; 6] = *b"clear\x01";
const LEN: usize = MAGIC.len() + 8 + 8 + 32;

impl ClearWitness {
    fn seal(&self, statement: &Product, factors: &[u8]) -> [u8; 32] {
        ProofDigest::hash(&[&self.key.to_le_bytes(), &statement.bytes(), factors]).to_bytes()
    }
}

impl ProofSystem<Product> for ClearWitness {
    fn id(&self) -> BackendId {
        BackendId::new("testing/clear-witness/v1")
    }

    fn max_proof_len(&self) -> ByteLen {
        ByteLen::from(LEN)
    }

    fn vk_digest(&self, _statement: &Product, _proof: &[u8]) -> Result<VkDigest, Refusal> {
        Ok(VkDigest::hash(&[b"clear-witness", &self.key.to_le_bytes()]))
    }

    fn prove(
        &self,
        statement: &Product,
        witness: &(u64, u64),
        _proving: &mut Proving<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        let factors = [witness.0.to_le_bytes(), witness.1.to_le_bytes()].concat();
        Ok([&MAGIC[..], &factors, &self.seal(statement, &factors)].concat())
    }

    fn verify(&self, statement: &Product, proof: &[u8]) -> Result<LastChallenge, Refusal> {
        let proof: &[u8; LEN] = proof
            .try_into()
            .map_err(|_| Refusal::MalformedProof { part: "length" })?;
        let (magic, rest) = proof.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(Refusal::MalformedProof { part: "magic" });
        }
        let (factors, seal) = rest.split_at(16);
        if seal != self.seal(statement, factors) {
            return Err(Refusal::Rejected { check: "seal" });
        }
        let factor = |at: usize| {
            factors[at..]
                .first_chunk()
                .map(|bytes| u64::from_le_bytes(*bytes))
        };
        let witness = factor(0)
            .zip(factor(8))
            .ok_or(Refusal::MalformedProof { part: "factors" })?;
        statement.check(&witness).map_err(|violation| Refusal::Rejected {
            check: violation.clause,
        })?;
        // There is no transcript: what is hashed last is the seal.
        Ok(LastChallenge::of(seal))
    }

    fn batch_key(&self, _proof: &[u8]) -> Option<BatchKey> {
        Some(BatchKey(self.key))
    }
}

/// A claim about `a · b` that [`ClearWitness::default`] accepts.
///
/// # Panics
/// If there is no such claim: a factor below two, or a product beyond 64 bits.
#[must_use]
pub fn example_claim(a: u64, b: u64) -> Claim {
    let statement = Product {
        product: a.saturating_mul(b),
        label: 0,
        note: (*b"a note").into(),
    };
    let mut seeds = || Seed::new([0; 32]); // This backend draws none.
    let proof = Erased::new(ClearWitness::default())
        .prove(&statement, &(a, b), &mut Proving::new(&mut seeds))
        .expect("factors of at least two with a product of 64 bits");
    Claim {
        public: statement.public(),
        proof,
    }
}
