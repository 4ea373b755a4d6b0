//! The backend under the traits of `nonos-verify`.

use nonos_depin::rollup::{ChunkWitness, RollupStatement};
use nonos_types::{ByteLen, VkDigest};
use nonos_verify::{BackendId, BatchKey, LastChallenge, Progress, ProofSystem, ProveError, Proving, Refusal};

use crate::keys::Keys;
use crate::layout::K;
use crate::trace::Trace;
use crate::{Error, proof};

/// Proves and verifies [`RollupStatement`]s. Every proof hides its witness.
#[derive(Debug)]
pub struct Rollup {
    pub(crate) keys: Keys,
}

impl Rollup {
    /// The proof format of this version.
    pub const ID: BackendId = BackendId::new("halo2-ipa-pasta-rollup/1");
    /// Bytes of every proof.
    pub const PROOF_LEN: ByteLen = ByteLen::new(proof::LEN as u64);

    /// Derives parameters and the verifying key: about a second of work. Share it between threads by an `Arc`.
    ///
    /// # Errors
    /// [`Error::Backend`] if the proof system fails.
    pub fn new() -> Result<Self, Error> {
        Ok(Self { keys: Keys::new()? })
    }
}

impl ProofSystem<RollupStatement> for Rollup {
    fn id(&self) -> BackendId {
        Self::ID
    }

    fn max_proof_len(&self) -> ByteLen {
        Self::PROOF_LEN
    }

    fn vk_digest(&self, _: &RollupStatement, _: &[u8]) -> Result<VkDigest, Refusal> {
        Ok(VkDigest::from_bytes(self.keys.digest))
    }

    fn prove(
        &self,
        statement: &RollupStatement,
        witness: &ChunkWitness,
        proving: &mut Proving<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        proving.report(Progress::new("proving", 0, 1));
        let trace = Trace::new(statement, witness);
        let seed = proving.seed().into_bytes();
        let proof =
            proof::create(&self.keys, statement, trace, seed).map_err(|source| ProveError::Backend {
                stage: "proving",
                source: source.into(),
            })?;
        proving.report(Progress::new("proved", 1, 1));
        Ok(proof)
    }

    fn verify(&self, statement: &RollupStatement, proof: &[u8]) -> Result<LastChallenge, Refusal> {
        proof::verify(&self.keys, statement, proof).map_err(refusal)
    }

    fn verify_batch(&self, claims: &[(&RollupStatement, &[u8])]) -> Vec<Result<LastChallenge, Refusal>> {
        match proof::verify_all(&self.keys, claims) {
            Ok(verdicts) => verdicts.into_iter().map(|it| it.map_err(refusal)).collect(),
            // Without randomness there is no batch.
            Err(_) => claims.iter().map(|(s, proof)| self.verify(s, proof)).collect(),
        }
    }

    fn batch_key(&self, _: &[u8]) -> Option<BatchKey> {
        Some(BatchKey(u64::from(K)))
    }
}

fn refusal(error: Error) -> Refusal {
    match error {
        Error::Malformed { part } => Refusal::MalformedProof { part },
        _ => Refusal::Rejected { check: "halo2 proof" },
    }
}
