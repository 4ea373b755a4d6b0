//! Proofs of capsule runs: the machine's tables under the traits of `nonos-verify`.

use nonos_machine::air::Public;
use nonos_machine::isa::Program;
use nonos_machine::tables::{self, MAX_ROWS, STEP};
use nonos_machine::trace::Trace;
use nonos_machine::{ExecutionStatement, StatementError};
use nonos_types::{ByteLen, VkDigest};
use nonos_verify::{
    BackendId, BatchKey, Progress, ProofSystem, ProveError, Proving, Refusal, Statement, Violation,
};

use crate::{Backend, Claim, Error, Layout, MAX_K, ParamsStore, Proof, Witness};

/// Proves and verifies [`ExecutionStatement`]s. Every proof hides its witness.
#[derive(Debug)]
pub struct Halo2 {
    backend: Backend,
    max_k: u8,
}

/// What a proof would cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Rows of each table: name and number.
    pub rows: Vec<(&'static str, usize)>,
    /// The layout that the proof would have.
    pub layout: Layout,
    /// CPU time of proving in seconds, by the cost model; wall time is less on several cores. See
    /// [`REFERENCE_WORK`](crate::REFERENCE_WORK).
    pub cpu_seconds: f64,
    /// Peak memory of proving in bytes, by the cost model.
    pub memory: u64,
    /// Columns that the proof commits to.
    pub columns: usize,
    /// Bytes of the proof.
    pub proof_bytes: usize,
}

struct Rows(tables::Witness);

impl Witness for Rows {
    fn row(&self, table: usize, row: usize, cells: &mut [u64]) {
        self.0.row(table, row, cells);
    }
}

impl Halo2 {
    /// Name and version of the proof format.
    pub const ID: BackendId = BackendId::new("halo2-ipa-pasta/1");

    /// The backend with its parameters in `params`.
    ///
    /// # Errors
    /// An [`Error`] if the machine's tables cannot be proved soundly, which is a bug.
    pub fn new(params: ParamsStore) -> Result<Self, Error> {
        Ok(Self {
            backend: Backend::new(&tables::system(), params)?,
            max_k: MAX_K,
        })
    }

    /// What a proof of a recorded run would cost. Proves nothing.
    ///
    /// # Errors
    /// [`ProveError::TooLarge`].
    pub fn estimate(
        &self,
        program: &Program,
        trace: &Trace,
        public: &Public,
    ) -> Result<Estimate, ProveError> {
        let witness = tables::witness(program, trace);
        let rows: Vec<usize> = witness.tables.iter().map(tables::Rows::len).collect();
        let layout = self.backend.plan(&rows, public, self.max_k).map_err(failed)?;
        let names = tables::system().tables.into_iter().map(|t| t.name);
        let size = self.backend.size(&layout).map_err(failed)?;
        Ok(Estimate {
            rows: names.zip(rows).collect(),
            cpu_seconds: self.backend.estimate(&layout),
            memory: self.backend.estimate_memory(&layout),
            columns: size.columns,
            proof_bytes: size.proof_bytes,
            layout,
        })
    }

    fn prepare(&self, statement: &ExecutionStatement) -> Result<(tables::Witness, Layout), ProveError> {
        let trace = statement.trace().map_err(|error| match error {
            StatementError::Differs { part } => ProveError::False {
                violation: Violation { clause: part },
            },
            StatementError::TooLong { limit } => too_large("steps", limit + 1, limit),
            _ => ProveError::Unsupported { what: "this outcome" },
        })?;
        let witness = tables::witness(statement.program(), &trace);
        let rows: Vec<usize> = witness.tables.iter().map(tables::Rows::len).collect();
        let layout = self
            .backend
            .plan(&rows, &statement.public_side(), self.max_k)
            .map_err(failed)?;
        Ok((witness, layout))
    }

    fn decode(&self, proof: &[u8]) -> Result<Proof, Refusal> {
        let proof = Proof::decode(proof).map_err(refusal)?;
        // Clock and stamps are sized for this many rows.
        if proof.layout().capacity(STEP) > MAX_ROWS {
            return Err(Refusal::MalformedProof {
                part: "number of steps",
            });
        }
        Ok(proof)
    }
}

fn too_large(unit: &'static str, needed: usize, limit: usize) -> ProveError {
    ProveError::TooLarge {
        unit,
        needed: needed as u64,
        limit: limit as u64,
    }
}

fn failed(error: Error) -> ProveError {
    match error {
        Error::TooLarge { needed, limit, .. } => too_large("columns", needed, limit),
        Error::Entropy => ProveError::Environment {
            what: "the random generator",
            source: error.into(),
        },
        _ => ProveError::Backend {
            stage: "proving",
            source: error.into(),
        },
    }
}

fn refusal(error: Error) -> Refusal {
    match error {
        Error::Malformed { part } | Error::Layout { part } => Refusal::MalformedProof { part },
        Error::PublicValue { .. } | Error::PublicMessage { .. } | Error::BusMisuse { .. } => {
            Refusal::MalformedPublic {
                part: "public values",
            }
        }
        _ => Refusal::Rejected { check: "halo2 proof" },
    }
}

impl ProofSystem<ExecutionStatement> for Halo2 {
    fn id(&self) -> BackendId {
        Self::ID
    }

    fn max_proof_len(&self) -> ByteLen {
        ByteLen::new(1 << 19)
    }

    fn vk_digest(&self, _: &ExecutionStatement, proof: &[u8]) -> Result<VkDigest, Refusal> {
        let proof = self.decode(proof)?;
        Ok(VkDigest::from_bytes(
            self.backend.key_digest(proof.layout()).map_err(refusal)?,
        ))
    }

    fn prove(
        &self,
        statement: &ExecutionStatement,
        (): &(),
        proving: &mut Proving<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        proving.report(Progress::new("tracing", 0, 2));
        let (witness, layout) = self.prepare(statement)?;
        proving.report(Progress::new("proving", 1, 2));
        let (public, context) = (statement.public_side(), statement.bytes());
        let proof = self
            .backend
            .prove_with(&layout, &Rows(witness), &public, &context, &mut || {
                Ok(proving.seed().into_bytes())
            })
            .map_err(failed)?;
        proving.report(Progress::new("proved", 2, 2));
        Ok(proof.encode())
    }

    fn verify(&self, statement: &ExecutionStatement, proof: &[u8]) -> Result<(), Refusal> {
        let proof = self.decode(proof)?;
        self.backend
            .verify(&proof, &statement.public_side(), &statement.bytes())
            .map_err(refusal)
    }

    fn verify_batch(&self, claims: &[(&ExecutionStatement, &[u8])]) -> Vec<Result<(), Refusal>> {
        let decoded: Vec<_> = claims
            .iter()
            .map(|(statement, proof)| {
                let proof = self.decode(proof)?;
                Ok((proof, statement.public_side(), statement.bytes()))
            })
            .collect();
        let open = decoded.iter().flatten();
        let open: Vec<_> = open
            .map(|(proof, public, context)| Claim {
                proof,
                public,
                context,
            })
            .collect();
        let mut verdicts = self.backend.verify_batch(&open).into_iter();
        decoded
            .into_iter()
            .map(|claim| {
                claim.and_then(|_| match verdicts.next() {
                    Some(verdict) => verdict.map_err(refusal),
                    None => Err(Refusal::Rejected { check: "halo2 proof" }),
                })
            })
            .collect()
    }

    fn batch_key(&self, proof: &[u8]) -> Option<BatchKey> {
        Proof::decode(proof)
            .ok()
            .map(|proof| BatchKey(u64::from(proof.layout().k())))
    }
}
