//! Proofs of capsule runs: the machine's tables under the traits of `nonos-verify`.

use std::sync::Arc;

use nonos_machine::tables::{self, Witness};
use nonos_machine::{ExecutionStatement, Secret, StatementError, VERSION};
use nonos_types::{ByteLen, VkDigest};
use nonos_verify::{BackendId, Progress, ProofSystem, ProveError, Proving, Refusal, Statement, Violation};
use p3_batch_stark::{CommonData, ProverData, StarkInstance, prove_batch, verify_batch};
use p3_commit::Mmcs;

use crate::Profile;
use crate::chip::{Chip, Kind, kinds};
use crate::config::{Config, Parameters, Val, commitments};
use crate::layout::Layout;
use crate::proof::{self, Header, MAX_BYTES, Opening, Outline, Shape};
use crate::public::PublicSide;
use crate::trace::{self, Tables};

/// Proves and verifies [`ExecutionStatement`]s of which nothing is hidden.
///
/// It proves under one [`Profile`] and verifies proofs of every profile.
pub struct Stark {
    profile: Profile,
    layout: Arc<Layout>,
}

impl std::fmt::Debug for Stark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stark")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// One statement's side of a proof, the same for prover and verifier.
pub(crate) struct Session {
    pub(crate) config: Config,
    pub(crate) chips: Vec<Chip>,
    values: Vec<Vec<Val>>,
    logs: Vec<usize>,
    pub(crate) parameters: Parameters,
}

impl Session {
    /// The tables that the verifier writes, committed to, and the lookups.
    pub(crate) fn data(&self) -> Result<ProverData<Config>, Refusal> {
        let tallest = self.logs.iter().max().copied().unwrap_or(0);
        let budgets: Vec<usize> = self
            .logs
            .iter()
            .map(|log| self.parameters.degree(*log, tallest))
            .collect();
        ProverData::from_airs_and_degrees_with_lookup_budgets(
            &self.config,
            &self.chips,
            &self.logs,
            &budgets,
            self.parameters.log_blowup,
        )
        .map_err(|_| Refusal::Rejected {
            check: "public tables",
        })
    }

    /// What a proof consists of.
    pub(crate) fn shape(&self, common: &CommonData<Config>) -> Shape {
        Shape::new(
            self.parameters,
            &self.config,
            &self.chips,
            &self.logs,
            &common.lookups,
        )
    }
}

/// Opens the tree of the tables that the verifier writes.
pub(crate) fn known(data: &ProverData<Config>, places: &[usize]) -> Option<Opening> {
    let tree = data.prover_only.preprocessed_prover_data.as_ref()?;
    let (opened_values, opening_proof) = commitments().open_multi_batch(places, tree);
    Some(Opening {
        opened_values,
        opening_proof,
    })
}

impl Stark {
    /// Name and version of the proof format.
    pub const ID: BackendId = BackendId::new("stark-koalabear/2");

    /// The backend; it proves under `profile`.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            layout: Arc::new(Layout::machine()),
        }
    }

    /// Rows of each table of a proof of this run, by name, before padding.
    #[must_use]
    pub fn rows(&self, witness: &Witness) -> Vec<(&'static str, usize)> {
        let rows = witness.tables.iter().map(tables::Rows::len);
        self.layout
            .tables
            .iter()
            .map(|table| table.name)
            .zip(rows)
            .collect()
    }

    /// Bytes of each part of a proof, by name; nothing of it is verified but its length.
    ///
    /// # Errors
    /// `Refusal` if it is too short to be a proof of the statement.
    pub fn parts(
        &self,
        statement: &ExecutionStatement,
        proof: &[u8],
    ) -> Result<Vec<(&'static str, usize)>, Refusal> {
        let (header, rest) = Header::decode(proof)?;
        let session = self.session(&statement.bytes(), &self.public_side(statement)?, &header)?;
        let shape = session.shape(&session.data()?.common);
        let outline = Outline::read(rest, &shape)?;
        Ok([("header", proof.len() - rest.len())]
            .into_iter()
            .chain(outline.parts())
            .collect())
    }

    fn key(&self, profile: Profile) -> [u8; 32] {
        let mut h = blake3::Hasher::new_derive_key("nonos stark key v1");
        h.update(Self::ID.as_str().as_bytes());
        h.update(&VERSION.get().to_le_bytes());
        h.update(&profile.bytes());
        h.update(&self.layout.digest);
        *h.finalize().as_bytes()
    }

    pub(crate) fn session(
        &self,
        context: &[u8],
        public: &PublicSide,
        header: &Header,
    ) -> Result<Session, Refusal> {
        let mut h = blake3::Hasher::new_derive_key("nonos stark transcript v1");
        h.update(&self.key(header.profile));
        h.update(&header.encode());
        h.update(&(context.len() as u64).to_le_bytes());
        h.update(context);
        public.absorb(&mut h);
        let config = header.profile.config(h.finalize().as_bytes());
        let (mut chips, mut values, mut logs) = (vec![], vec![], vec![]);
        for (kind, log) in kinds().into_iter().zip(&header.logs) {
            let Some(log) = log else { continue };
            let rows = match kind {
                Kind::Rows(bus) => Some(match bus {
                    nonos_machine::air::Bus::Program => &public.program,
                    nonos_machine::air::Bus::Tape => &public.tape,
                    _ => &public.count8,
                }),
                Kind::Received => Some(&public.received),
                _ => None,
            };
            if rows.is_some_and(|rows| rows.values.len() != rows.width << log) {
                return Err(Refusal::MalformedProof {
                    part: "height of a public table",
                });
            }
            values.push(if kind == Kind::Machine(tables::STEP) {
                public.values.clone()
            } else {
                vec![]
            });
            chips.push(Chip {
                kind,
                layout: self.layout.clone(),
                rows: rows.cloned(),
            });
            logs.push(usize::from(*log));
        }
        Ok(Session {
            config,
            chips,
            values,
            logs,
            parameters: header.profile.parameters(),
        })
    }

    /// Proves whatever the tables say.
    pub(crate) fn prove_tables(
        &self,
        context: &[u8],
        public: &PublicSide,
        tables: Tables,
    ) -> Result<Vec<u8>, ProveError> {
        let log = |matrix: &p3_matrix::dense::RowMajorMatrix<Val>| {
            (matrix.values.len() / matrix.width).ilog2() as u8
        };
        let logs = tables.iter().map(|matrix| matrix.as_ref().map(log)).collect();
        let header = Header {
            profile: self.profile,
            logs,
        };
        Header::decode(&header.encode()).map_err(backend)?;
        let session = self.session(context, public, &header).map_err(backend)?;
        let data = session.data().map_err(backend)?;
        let instances: Vec<_> = session
            .chips
            .iter()
            .zip(tables.iter().flatten())
            .zip(&session.values)
            .map(|((air, trace), values)| StarkInstance {
                air,
                trace,
                public_values: values.clone(),
            })
            .collect();
        let mut proof = prove_batch(&session.config, &instances, &data).map_err(|_| unproved("proving"))?;
        let proof = proof::encode(&mut proof, &session.shape(&data.common)).map_err(backend)?;
        Ok([header.encode(), proof].concat())
    }

    pub(crate) fn check(&self, context: &[u8], public: &PublicSide, proof: &[u8]) -> Result<(), Refusal> {
        let (header, rest) = Header::decode(proof)?;
        let session = self.session(context, public, &header)?;
        let data = session.data()?;
        let proof = proof::decode(rest, &session.shape(&data.common), |places| known(&data, places))?;
        verify_batch(
            &session.config,
            &session.chips,
            &proof,
            &session.values,
            &data.common,
        )
        .map_err(|_| Refusal::Rejected { check: "STARK proof" })
    }

    pub(crate) fn public_side(&self, statement: &ExecutionStatement) -> Result<PublicSide, Refusal> {
        PublicSide::new(&self.layout, &statement.public_side())
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(String);

fn unproved(stage: &'static str) -> ProveError {
    ProveError::Backend {
        stage,
        source: Failed("Plonky3 gives no proof".into()).into(),
    }
}

fn backend(refusal: Refusal) -> ProveError {
    ProveError::Backend {
        stage: "shape",
        source: Failed(format!("{refusal:?}")).into(),
    }
}

impl ProofSystem<ExecutionStatement> for Stark {
    fn id(&self) -> BackendId {
        Self::ID
    }

    fn max_proof_len(&self) -> ByteLen {
        ByteLen::from(MAX_BYTES)
    }

    fn vk_digest(&self, _: &ExecutionStatement, proof: &[u8]) -> Result<VkDigest, Refusal> {
        let (header, _) = Header::decode(proof)?;
        Ok(VkDigest::from_bytes(self.key(header.profile)))
    }

    fn prove(
        &self,
        statement: &ExecutionStatement,
        secret: &Secret,
        proving: &mut Proving<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        let hidden = statement.hidden();
        if hidden.input || hidden.outputs {
            return Err(ProveError::Unsupported { what: "sealed tapes" });
        }
        proving.report(Progress::new("tracing", 0, 3));
        let trace = statement.trace(secret).map_err(|error| match error {
            StatementError::Differs { part } => ProveError::False {
                violation: Violation { clause: part },
            },
            StatementError::TooLong { limit } => ProveError::TooLarge {
                unit: "steps",
                needed: limit as u64 + 1,
                limit: limit as u64,
            },
            _ => ProveError::Unsupported { what: "this run" },
        })?;
        // The last power of two that the clock has room for.
        let limit = 1 << tables::MAX_ROWS.ilog2();
        if trace.steps.len() > limit {
            return Err(ProveError::TooLarge {
                unit: "steps",
                needed: trace.steps.len() as u64,
                limit: limit as u64,
            });
        }
        let public = self.public_side(statement).map_err(backend)?;
        proving.report(Progress::new("tables", 1, 3));
        let witness = tables::witness(statement.program(), &trace);
        drop(trace);
        let tables = trace::tables(self.layout(), &public, &witness);
        drop(witness);
        proving.report(Progress::new("proving", 2, 3));
        let proof = self.prove_tables(&statement.bytes(), &public, tables)?;
        proving.report(Progress::new("proved", 3, 3));
        Ok(proof)
    }

    fn verify(&self, statement: &ExecutionStatement, proof: &[u8]) -> Result<(), Refusal> {
        let public = self.public_side(statement)?;
        self.check(&statement.bytes(), &public, proof)
    }
}
