//! Proofs of capsule runs: the machine's tables under the traits of `nonos-verify`.

use nonos_machine::air::Public;
use nonos_machine::isa::Program;
use nonos_machine::tables::{self, MAX_ROWS, PublicRun, STEP};
use nonos_machine::trace::Trace;
use nonos_machine::{ExecutionStatement, Secret, StatementError};
use nonos_seal::{input_blocks, output_blocks};
use nonos_types::{ByteLen, CommitmentScheme, VkDigest};
use nonos_verify::{
    BackendId, BatchKey, LastChallenge, Progress, ProofSystem, ProveError, Proving, Refusal, Statement,
    Violation,
};

use crate::seal::{self, Use};
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

/// The machine's tables, and SEAL behind them.
struct Rows {
    machine: tables::Witness,
    seal: Vec<Vec<u64>>,
}

impl Witness for Rows {
    fn row(&self, table: usize, row: usize, cells: &mut [u64]) {
        if table < self.machine.tables.len() {
            self.machine.row(table, row, cells);
        } else if let Some(block) = self.seal.get(row) {
            cells.copy_from_slice(block);
        }
    }
}

impl Rows {
    fn new(statement: &ExecutionStatement, secret: &Secret, trace: &Trace) -> Self {
        let program = statement.program();
        let mut seal = vec![];
        if let Some(input) = &secret.input {
            let words = input.bytes.len().div_ceil(8) as u64;
            let blocks = input_blocks(&input.bytes, &input.salt);
            let used = Use {
                more: secret.outputs.is_some(),
                ..Use::of(program, trace, words)
            };
            seal.extend(seal::rows(&blocks, used));
        }
        if let Some(salt) = &secret.outputs {
            let [result, outbound, log, _] = PublicRun::of(program, trace, Default::default()).outputs;
            let tapes = [result, outbound, log];
            seal.extend(seal::rows(&output_blocks(&tapes, salt), Use::default()));
        }
        Self {
            machine: tables::hiding_witness(program, trace, statement.hidden()),
            seal,
        }
    }

    fn counts(&self) -> Vec<usize> {
        let machine = self.machine.tables.iter().map(tables::Rows::len);
        machine.chain([self.seal.len()]).collect()
    }
}

/// What the verifier computes itself.
fn public_side(statement: &ExecutionStatement) -> Public {
    let mut public = statement.public_side();
    let hidden = statement.hidden();
    let streams = [hidden.input, hidden.input && hidden.outputs];
    public.first.extend(streams.map(u64::from));
    public
}

impl Halo2 {
    /// Name and version of the proof format.
    pub const ID: BackendId = BackendId::new("halo2-ipa-pasta/2");

    /// The backend with its parameters in `params`.
    ///
    /// # Errors
    /// An [`Error`] if the machine's tables cannot be proved soundly, which is a bug.
    pub fn new(params: ParamsStore) -> Result<Self, Error> {
        let (system, sponge) = seal::with_seal(tables::system());
        Ok(Self {
            backend: Backend::hashing(&system, Some(&sponge), params)?,
            max_k: MAX_K,
        })
    }

    /// What a proof of a recorded run would cost, all its tapes being public. Proves nothing.
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
        let rows = witness.tables.iter().map(tables::Rows::len);
        let rows: Vec<usize> = rows.chain([0]).collect();
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

    fn prepare(&self, statement: &ExecutionStatement, secret: &Secret) -> Result<(Rows, Layout), ProveError> {
        if !is_hashed(statement) {
            return Err(ProveError::Unsupported {
                what: "the scheme of the commitments",
            });
        }
        let trace = statement.trace(secret).map_err(|error| match error {
            StatementError::Differs { part } => ProveError::False {
                violation: Violation { clause: part },
            },
            StatementError::TooLong { limit } => too_large("steps", limit + 1, limit),
            _ => ProveError::Unsupported { what: "this run" },
        })?;
        let rows = Rows::new(statement, secret, &trace);
        let layout = self
            .backend
            .plan(&rows.counts(), &public_side(statement), self.max_k)
            .map_err(failed)?;
        Ok((rows, layout))
    }

    /// Reads a proof. Whoever names a layout has to send a proof of its size, before a key of that size is made.
    fn decode(&self, bytes: &[u8]) -> Result<Proof, Refusal> {
        let proof = Proof::decode(bytes).map_err(refusal)?;
        if self.backend.size(proof.layout()).map_err(refusal)?.proof_bytes != bytes.len() {
            return Err(Refusal::MalformedProof { part: "length" });
        }
        // Clock and stamps are sized for this many rows.
        if proof.layout().capacity(STEP) > MAX_ROWS {
            return Err(Refusal::MalformedProof {
                part: "number of steps",
            });
        }
        Ok(proof)
    }
}

/// Whether the sealed tapes of a statement are committed to under the scheme that SEAL hashes by.
fn is_hashed(statement: &ExecutionStatement) -> bool {
    let scheme = statement.scheme();
    scheme.is_none_or(|scheme| scheme == CommitmentScheme::POSEIDON_PALLAS_1)
}

fn is_known(statement: &ExecutionStatement) -> Result<(), Refusal> {
    is_hashed(statement)
        .then_some(())
        .ok_or(Refusal::MalformedPublic {
            part: "scheme of the commitments",
        })
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
        Error::PublicValue { .. }
        | Error::PublicMessage { .. }
        | Error::PublicDigest { .. }
        | Error::BusMisuse { .. } => Refusal::MalformedPublic {
            part: "public values",
        },
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
        secret: &Secret,
        proving: &mut Proving<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        proving.report(Progress::new("tracing", 0, 2));
        let (rows, layout) = self.prepare(statement, secret)?;
        proving.report(Progress::new("proving", 1, 2));
        let (public, context) = (public_side(statement), statement.bytes());
        let proof = self
            .backend
            .prove_with(&layout, &rows, &public, &context, &mut || {
                Ok(proving.seed().into_bytes())
            })
            .map_err(failed)?;
        proving.report(Progress::new("proved", 2, 2));
        Ok(proof.encode())
    }

    fn verify(&self, statement: &ExecutionStatement, proof: &[u8]) -> Result<LastChallenge, Refusal> {
        is_known(statement)?;
        let proof = self.decode(proof)?;
        self.backend
            .verify(&proof, &public_side(statement), &statement.bytes())
            .map_err(refusal)
    }

    fn verify_batch(&self, claims: &[(&ExecutionStatement, &[u8])]) -> Vec<Result<LastChallenge, Refusal>> {
        let decoded: Vec<_> = claims
            .iter()
            .map(|(statement, proof)| {
                is_known(statement)?;
                let proof = self.decode(proof)?;
                Ok((proof, public_side(statement), statement.bytes()))
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

#[cfg(test)]
mod tests;
