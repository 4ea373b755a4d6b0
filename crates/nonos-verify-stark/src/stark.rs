//! Proofs of capsule runs: the machine's tables under the traits of `nonos-verify`.

use std::sync::Arc;

use nonos_machine::tables::{self, Witness};
use nonos_machine::{ExecutionStatement, Secret, StatementError, VERSION};
use nonos_types::{ByteLen, CommitmentScheme, VkDigest};
use nonos_verify::{
    BackendId, LastChallenge, Progress, ProofSystem, ProveError, Proving, Refusal, Statement, Violation,
};
use p3_batch_stark::{ProverData, StarkInstance, prove_batch, verify_batch};
use p3_matrix::dense::RowMajorMatrix;
use rayon::prelude::*;
use tracing::info_span;

use crate::Profile;
use crate::chip::{Chip, Kind, kinds};
use crate::config::{Build, Val, with_config};
use crate::drawn::Drawn;
use crate::encoded::Encoded as _;
use crate::hiding::Masks;
use crate::layout::{Layout, Shape};
use crate::proof::{Header, MAX_BYTES};
use crate::public::PublicSide;
use crate::seal;
use crate::segment::{Chain, Cutter, SegmentJob, SegmentStatement, SegmentWitness};
use crate::trace::{self, Tables};
use crate::tree::chips::roots;

/// Proves and verifies [`ExecutionStatement`]s; a proof hides exactly where a tape is sealed.
///
/// It proves under one [`Profile`] and verifies proofs of every profile.
pub struct Stark {
    profile: Profile,
    /// Most steps of one proof; longer runs are proved in segments.
    steps: u32,
    whole: Arc<Layout>,
    segment: Arc<Layout>,
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
    /// What the transcript begins with.
    pub(crate) transcript: [u8; 32],
    pub(crate) chips: Vec<Chip>,
    values: Vec<Vec<Val>>,
    /// log2 of the heights that are committed to.
    pub(crate) logs: Vec<usize>,
}

impl Session {
    fn prove(&self, header: &Header, tables: &Tables, masks: &Masks) -> Result<Vec<u8>, ProveError> {
        with_config!(header, C => {
            // The verifier's tables are committed to without a secret, so that the verifier comes to the same.
            let transcript = Drawn::new(&self.transcript);
            let public = C::build(header.profile, &transcript, &Masks::PUBLIC);
            let config = C::build(header.profile, &transcript, masks);
            let data = info_span!("public tables")
                .in_scope(|| ProverData::from_airs_and_degrees(&public, &self.chips, &self.logs));
            let data = data.map_err(|_| unproved("public tables"))?;
            let instances = self.chips.iter().zip(tables.iter().flatten()).zip(&self.values);
            let instances = instances.map(|((air, trace), values)| StarkInstance {
                air,
                trace,
                public_values: values.clone(),
            });
            let instances: Vec<_> = instances.collect();
            let mut proof = prove_batch::<C, _>(&config, &instances, &data).map_err(|_| unproved("proving"))?;
            C::encode(&mut proof, self, header, &data).map_err(backend)
        })
    }

    fn check(&self, header: &Header, bytes: &[u8]) -> Result<LastChallenge, Refusal> {
        let rejected = |check| Refusal::Rejected { check };
        with_config!(header, C => {
            let transcript = Drawn::new(&self.transcript);
            let config = C::build(header.profile, &transcript, &Masks::PUBLIC);
            let data = ProverData::from_airs_and_degrees(&config, &self.chips, &self.logs)
                .map_err(|_| rejected("public tables"))?;
            let proof = C::decode(bytes, self, header, &data)?;
            verify_batch(&config, &self.chips, &proof, &self.values, &data.common)
                .map_err(|_| rejected("STARK proof"))?;
            Ok(transcript.last())
        })
    }
}

impl Stark {
    /// Name and version of the proof format.
    pub const ID: BackendId = BackendId::new("stark-koalabear/2");

    /// The backend; it proves under `profile`.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            steps: Self::MAX_STEPS,
            whole: Arc::new(Layout::new(Shape::Whole)),
            segment: Arc::new(Layout::new(Shape::Segment)),
        }
    }

    /// Most steps of one proof: the last power of two that the clock has room for, less the row that ends a segment.
    pub const MAX_STEPS: u32 = (1 << tables::MAX_ROWS.ilog2()) - 1;

    /// Proves runs of more steps than that in segments of that many, one after the other, so that memory does not grow
    /// with the run.
    #[must_use]
    pub fn with_segments(self, steps: u32) -> Self {
        Self {
            steps: steps.clamp(1, Self::MAX_STEPS),
            ..self
        }
    }

    /// Rows of each table of a proof of this run, by name, before padding.
    #[must_use]
    pub fn rows(&self, witness: &Witness) -> Vec<(&'static str, usize)> {
        let rows = witness.tables.iter().map(tables::Rows::len);
        self.whole
            .tables
            .iter()
            .map(|table| table.name)
            .zip(rows)
            .collect()
    }

    /// The key that proofs of segments are verified under, and of runs in segments.
    #[must_use]
    pub fn segment_key(&self, profile: Profile) -> VkDigest {
        VkDigest::from_bytes(self.key(profile, Shape::Segment))
    }

    pub(crate) fn key(&self, profile: Profile, shape: Shape) -> [u8; 32] {
        let mut h = blake3::Hasher::new_derive_key("nonos stark key v1");
        h.update(Self::ID.as_str().as_bytes());
        h.update(&VERSION.get().to_le_bytes());
        h.update(&profile.bytes());
        h.update(&self.layout(shape).digest);
        *h.finalize().as_bytes()
    }

    pub(crate) fn session(
        &self,
        context: &[u8],
        public: &PublicSide,
        header: &Header,
    ) -> Result<Session, Refusal> {
        if header.hiding != public.hiding {
            return Err(Refusal::MalformedProof {
                part: "hiding, or not, against what the statement asks for",
            });
        }
        if header.log(Kind::Seal).is_some() != public.sealed.is_some() {
            return Err(Refusal::MalformedProof {
                part: "table of sealed tapes",
            });
        }
        let mut h = blake3::Hasher::new_derive_key("nonos stark transcript v1");
        h.update(&self.key(header.profile, header.shape));
        h.update(&header.encode());
        h.update(&(context.len() as u64).to_le_bytes());
        h.update(context);
        public.absorb(&mut h);
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
            values.push(match kind {
                Kind::Machine(tables::STEP) => public.values.clone(),
                Kind::Seal => public.sealed.clone().unwrap_or_default(),
                Kind::Node => public.roots.clone(),
                _ => vec![],
            });
            chips.push(Chip {
                kind,
                layout: self.layout(header.shape).clone(),
                rows: rows.cloned(),
                hiding: header.hiding,
            });
            logs.push(usize::from(*log) + usize::from(header.hiding));
        }
        Ok(Session {
            transcript: *h.finalize().as_bytes(),
            chips,
            values,
            logs,
        })
    }

    /// Proves whatever the tables say, and hides them if the public side asks for it.
    pub(crate) fn prove_tables(
        &self,
        context: &[u8],
        public: &PublicSide,
        shape: Shape,
        mut tables: Tables,
        masks: &Masks,
    ) -> Result<Vec<u8>, ProveError> {
        if public.hiding {
            masks.blind(&mut tables);
        }
        self.prove_blinded(context, public, shape, &tables, masks)
    }

    /// The same for tables that have the columns of the ring.
    pub(crate) fn prove_blinded(
        &self,
        context: &[u8],
        public: &PublicSide,
        shape: Shape,
        tables: &Tables,
        masks: &Masks,
    ) -> Result<Vec<u8>, ProveError> {
        let log = |matrix: &RowMajorMatrix<Val>| (matrix.values.len() / matrix.width).ilog2() as u8;
        let logs = tables.iter().map(|matrix| matrix.as_ref().map(log)).collect();
        let header = Header {
            profile: self.profile,
            shape,
            hiding: public.hiding,
            logs,
        };
        Header::decode(&header.encode()).map_err(backend)?;
        let session = self.session(context, public, &header).map_err(backend)?;
        let proof = session.prove(&header, tables, masks)?;
        Ok([header.encode(), proof].concat())
    }

    pub(crate) fn check(
        &self,
        context: &[u8],
        public: &PublicSide,
        shape: Shape,
        proof: &[u8],
    ) -> Result<LastChallenge, Refusal> {
        let (header, rest) = Header::decode(proof)?;
        if header.shape != shape {
            return Err(Refusal::MalformedProof { part: "shape" });
        }
        let session = self.session(context, public, &header)?;
        session.check(&header, rest)
    }

    pub(crate) fn public_side(&self, statement: &ExecutionStatement) -> Result<PublicSide, Refusal> {
        let hidden = statement.hidden();
        let hiding = hidden.input || hidden.outputs;
        PublicSide::new(&self.whole, &statement.public_side(), hiding)
    }

    pub(crate) fn layout(&self, shape: Shape) -> &Arc<Layout> {
        match shape {
            Shape::Whole => &self.whole,
            Shape::Segment => &self.segment,
        }
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

pub(crate) fn backend(refusal: Refusal) -> ProveError {
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
        ByteLen::from(Chain::MAX)
    }

    fn vk_digest(&self, _: &ExecutionStatement, proof: &[u8]) -> Result<VkDigest, Refusal> {
        let (profile, shape) = if Chain::is(proof) {
            (Chain::profile(proof)?, Shape::Segment)
        } else {
            (Header::decode(proof)?.0.profile, Shape::Whole)
        };
        Ok(VkDigest::from_bytes(self.key(profile, shape)))
    }

    fn prove(
        &self,
        statement: &ExecutionStatement,
        secret: &Secret,
        proving: &mut Proving<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        let hidden = statement.hidden();
        if !is_hashed(statement) {
            return Err(ProveError::Unsupported {
                what: "the scheme of the commitments",
            });
        }
        let hiding = hidden.input || hidden.outputs;
        let most = *self.profile.logs(hiding).end();
        proving.report(Progress::new("tracing", 0, 3));
        let run = statement.repeat(secret).map_err(differs)?;
        // Segments are proved apart, which shows how the cells of each are shared; hiding that is not built.
        let limit = (1_u64 << most) - 1;
        if hiding && run.steps > limit {
            return Err(ProveError::TooLarge {
                unit: "steps",
                needed: run.steps,
                limit,
            });
        }
        if !hiding && run.steps > u64::from(self.steps) {
            return self.prove_chain(statement, proving);
        }
        let trace = info_span!("trace").in_scope(|| statement.trace(secret));
        let trace = trace.map_err(differs)?;
        let public = self.public_side(statement).map_err(backend)?;
        let masks = Masks::new(proving.seed());
        proving.report(Progress::new("tables", 1, 3));
        let program = statement.program();
        let witness = info_span!("witness").in_scope(|| tables::hiding_witness(program, &trace, hidden));
        let sealed = seal::rows(statement, secret, &trace);
        drop(trace);
        let tables = || trace::tables(&self.whole, &public, &witness, &sealed, None);
        let tables = info_span!("tables").in_scope(tables);
        drop(witness);
        proving.report(Progress::new("proving", 2, 3));
        let proof = self.prove_tables(&statement.bytes(), &public, Shape::Whole, tables, &masks)?;
        proving.report(Progress::new("proved", 3, 3));
        Ok(proof)
    }

    fn verify(&self, statement: &ExecutionStatement, proof: &[u8]) -> Result<LastChallenge, Refusal> {
        if !is_hashed(statement) {
            return Err(Refusal::MalformedPublic {
                part: "scheme of the commitments",
            });
        }
        if Chain::is(proof) {
            return self.check_chain(statement, proof);
        }
        let public = self.public_side(statement)?;
        self.check(&statement.bytes(), &public, Shape::Whole, proof)
    }
}

fn differs(error: StatementError) -> ProveError {
    match error {
        StatementError::Differs { part } => ProveError::False {
            violation: Violation { clause: part },
        },
        StatementError::TooLong { limit } => ProveError::TooLarge {
            unit: "steps",
            needed: limit as u64 + 1,
            limit: limit as u64,
        },
        _ => ProveError::Unsupported { what: "this run" },
    }
}

impl Stark {
    pub(crate) fn segment_side(&self, statement: &SegmentStatement) -> Result<PublicSide, Refusal> {
        let mut public = PublicSide::new(&self.segment, &statement.public_side(), false)?;
        let digests = [statement.before(), statement.after()].map(|b| b.memory.digest());
        public.roots = roots(&digests[0], &digests[1]);
        Ok(public)
    }

    fn prove_segment(
        &self,
        statement: &SegmentStatement,
        witness: &SegmentWitness,
    ) -> Result<Vec<u8>, ProveError> {
        if witness.steps > Self::MAX_STEPS {
            return Err(ProveError::TooLarge {
                unit: "steps",
                needed: witness.steps.into(),
                limit: Self::MAX_STEPS.into(),
            });
        }
        let replayed = SegmentJob::replay(statement, witness).map_err(|error| ProveError::False {
            violation: Violation { clause: error.part() },
        })?;
        let public = self.segment_side(statement).map_err(backend)?;
        let program = statement.run().program();
        let witness = tables::segment_witness(program, &replayed.trace, tables::Hidden::default());
        drop(replayed.trace);
        let tables = trace::tables(&self.segment, &public, &witness, &[], Some(&replayed.update));
        drop(witness);
        self.prove_tables(
            &statement.bytes(),
            &public,
            Shape::Segment,
            tables,
            &Masks::PUBLIC,
        )
    }

    /// Puts the proofs of all segments of a run together, in order, to the proof of the run.
    ///
    /// # Errors
    /// [`ProveError::Unsupported`] if they are not all segments of one run, in order.
    pub fn join(&self, segments: &[(SegmentStatement, Vec<u8>)]) -> Result<Vec<u8>, ProveError> {
        let chain = Chain {
            profile: self.profile,
            segments: (segments.iter())
                .map(|(statement, proof)| (*statement.after(), &proof[..]))
                .collect(),
        };
        let unsupported = |_| ProveError::Unsupported {
            what: "segments that are not those of one run",
        };
        let [(first, _), ..] = segments else {
            return Err(unsupported(()));
        };
        let statements = chain.statements(first.run()).map_err(|_| unsupported(()))?;
        if !statements
            .iter()
            .eq(segments.iter().map(|(statement, _)| statement))
        {
            return Err(unsupported(()));
        }
        Ok(chain.encode())
    }

    fn prove_chain(
        &self,
        statement: &ExecutionStatement,
        proving: &mut Proving<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        let run = Arc::new(statement.clone());
        let cutter = Cutter::new(&run, self.steps).map_err(differs)?;
        let total = u64::from(cutter.segments());
        let mut proved = vec![];
        for (done, SegmentJob { statement, witness }) in (0..).zip(cutter) {
            proving.report(Progress::new("segments", done, total));
            let proof = self.prove_segment(&statement, &witness)?;
            proved.push((statement, proof));
        }
        proving.report(Progress::new("segments", total, total));
        self.join(&proved)
    }

    fn check_chain(&self, run: &ExecutionStatement, proof: &[u8]) -> Result<LastChallenge, Refusal> {
        let chain = Chain::decode(proof)?;
        let statements = chain.statements(run)?;
        let claims: Vec<_> = statements.iter().zip(&chain.segments).collect();
        let each = claims.into_par_iter().map(|(statement, (_, proof))| {
            if Header::decode(proof)?.0.profile != chain.profile {
                return Err(Refusal::MalformedProof { part: "profile" });
            }
            self.check_segment(statement, proof)
        });
        let parts: Vec<LastChallenge> = each.collect::<Result<_, Refusal>>()?;
        Ok(LastChallenge::of_parts(&parts))
    }

    fn check_segment(&self, statement: &SegmentStatement, proof: &[u8]) -> Result<LastChallenge, Refusal> {
        let public = self.segment_side(statement)?;
        self.check(&statement.bytes(), &public, Shape::Segment, proof)
    }
}

impl ProofSystem<SegmentStatement> for Stark {
    fn id(&self) -> BackendId {
        Self::ID
    }

    fn max_proof_len(&self) -> ByteLen {
        ByteLen::from(MAX_BYTES)
    }

    fn vk_digest(&self, _: &SegmentStatement, proof: &[u8]) -> Result<VkDigest, Refusal> {
        let (header, _) = Header::decode(proof)?;
        Ok(VkDigest::from_bytes(self.key(header.profile, Shape::Segment)))
    }

    fn prove(
        &self,
        statement: &SegmentStatement,
        witness: &SegmentWitness,
        proving: &mut Proving<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        proving.report(Progress::new("proving", 0, 1));
        self.prove_segment(statement, witness)
    }

    fn verify(&self, statement: &SegmentStatement, proof: &[u8]) -> Result<LastChallenge, Refusal> {
        self.check_segment(statement, proof)
    }
}

/// Whether the sealed tapes of a statement are committed to under the scheme that SEAL hashes by.
fn is_hashed(statement: &ExecutionStatement) -> bool {
    let scheme = statement.scheme();
    scheme.is_none_or(|scheme| scheme == CommitmentScheme::POSEIDON2_KOALABEAR_1)
}
