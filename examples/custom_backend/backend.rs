//! The backend: the trait, rule by rule.

use nonos_machine::air::System;
use nonos_machine::check::{Violation, check};
use nonos_machine::tables::{self, Rows, Witness};
use nonos_machine::{ExecutionStatement, Secret, StatementError, VERSION};
use nonos_types::{ByteLen, VkDigest};
use nonos_verify::{
    BackendId, LastChallenge, Progress, ProofSystem, ProveError, Proving, Refusal, Statement,
};

use crate::rows::{Encoding, MAX_ROWS};

/// Bytes of the seal at a proof's end.
const SEAL: usize = 32;

/// Shows every row of the run.
#[derive(Debug)]
pub(crate) struct ShowTrace {
    system: System,
    encoding: Encoding,
}

impl ShowTrace {
    /// The version is part of the name: a change of the format is another backend.
    pub(crate) const ID: BackendId = BackendId::new("example-show-trace/1");

    pub(crate) fn new() -> Self {
        let system = tables::system();
        let encoding = Encoding::of(&system.tables);
        Self { system, encoding }
    }

    /// Everything that verifying depends on besides statement and proof. `VERSION` stands for the tables: whoever changes
    /// them while experimenting hashes them instead.
    fn key(&self) -> [u8; 32] {
        let mut hash = blake3::Hasher::new_derive_key("nonos-examples show-trace key v1");
        hash.update(Self::ID.as_str().as_bytes());
        hash.update(&VERSION.get().to_le_bytes());
        *hash.finalize().as_bytes()
    }

    /// Binds the rows to the statement, of which most is in no row: job, nonce, executor. A backend with challenges
    /// absorbs exactly this before the first one, each part with its length; it is all of the Fiat–Shamir there is here.
    /// The attachments are bound by their digests in the statement's bytes, which `Statement::decode` compares.
    fn seal(&self, statement: &ExecutionStatement, rows: &[u8]) -> [u8; SEAL] {
        let mut hash = blake3::Hasher::new_derive_key("nonos-examples show-trace seal v1");
        hash.update(&self.key());
        for part in [&statement.bytes()[..], rows] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        *hash.finalize().as_bytes()
    }

    /// A proof of whatever the rows say: what a prover that lies would call. `None` if they cannot be written.
    pub(crate) fn prove_rows(&self, statement: &ExecutionStatement, witness: &Witness) -> Option<Vec<u8>> {
        let rows = self.encoding.encode(witness)?;
        Some([&rows[..], &self.seal(statement, &rows)].concat())
    }
}

fn hides(statement: &ExecutionStatement) -> bool {
    let hidden = statement.hidden();
    hidden.input || hidden.outputs
}

impl ProofSystem<ExecutionStatement> for ShowTrace {
    fn id(&self) -> BackendId {
        Self::ID
    }

    fn max_proof_len(&self) -> ByteLen {
        ByteLen::from(self.encoding.most() + SEAL)
    }

    fn vk_digest(&self, _: &ExecutionStatement, _: &[u8]) -> Result<VkDigest, Refusal> {
        Ok(VkDigest::from_bytes(self.key()))
    }

    /// No seed is drawn: nothing is hidden.
    fn prove(
        &self,
        statement: &ExecutionStatement,
        secret: &Secret,
        proving: &mut Proving<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        // To show a sealed tape would be worse than to refuse. Its words are on `Bus::Sealed`, for which a backend that
        // hides has a table of its own.
        if hides(statement) {
            return Err(ProveError::Unsupported { what: "sealed tapes" });
        }
        proving.report(Progress::new("tracing", 0, 2));
        let trace = statement.trace(secret).map_err(|error| match error {
            StatementError::Differs { part } => ProveError::False {
                violation: nonos_verify::Violation { clause: part },
            },
            StatementError::TooLong { limit } => too_large(limit + 1, limit),
            _ => ProveError::Unsupported { what: "this run" },
        })?;
        proving.report(Progress::new("tables", 1, 2));
        let witness = tables::witness(statement.program(), &trace);
        let most = witness.tables.iter().map(Rows::len).max().unwrap_or(0);
        if most > MAX_ROWS {
            return Err(too_large(most, MAX_ROWS));
        }
        let proof = self.prove_rows(statement, &witness);
        proving.report(Progress::new("proved", 2, 2));
        proof.ok_or(ProveError::Unsupported {
            what: "a cell out of its range",
        })
    }

    fn verify(&self, statement: &ExecutionStatement, proof: &[u8]) -> Result<LastChallenge, Refusal> {
        if hides(statement) {
            return Err(Refusal::MalformedPublic {
                part: "sealed tapes, which this backend cannot prove",
            });
        }
        let split = proof
            .len()
            .checked_sub(SEAL)
            .and_then(|at| proof.split_at_checked(at));
        let (rows, seal) = split.ok_or(Refusal::MalformedProof { part: "seal" })?;
        let witness = self.encoding.decode(rows)?;
        if seal != self.seal(statement, rows) {
            return Err(Refusal::Rejected { check: "seal" });
        }
        // The program, the tapes, the outcome: computed from the statement, never taken from the proof.
        let public = statement.public_side();
        // One row of padding each, which the verifier writes. So no table is empty, and the rules of first and last rows
        // have rows to hold on: a table without rows would satisfy them all.
        let heights: Vec<usize> = witness.tables.iter().map(|rows| rows.len() + 1).collect();
        check(&self.system, &heights, &public, |table, i, row| {
            witness.row(table, i, row)
        })
        .map_err(|violation| Refusal::Rejected {
            check: name(&violation),
        })?;
        // Nothing is drawn here. The seal hashes all that was read.
        Ok(LastChallenge::of(seal))
    }
}

fn too_large(needed: usize, limit: usize) -> ProveError {
    ProveError::TooLarge {
        unit: "rows",
        needed: needed as u64,
        limit: limit as u64,
    }
}

fn name(violation: &Violation) -> &'static str {
    match violation {
        Violation::Constraint { id, .. } => id,
        Violation::Lookup { .. } => "a lookup",
        Violation::Unbalanced { .. } => "a bus",
        _ => "a public value",
    }
}
