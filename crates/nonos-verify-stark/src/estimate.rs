//! What a proof of a run would take, from its tables: they are built, not committed to.

use nonos_machine::air::Public;
use nonos_machine::tables::Witness;
use nonos_types::ByteLen;
use nonos_verify::{ProveError, Refusal};
use p3_air::symbolic::SymbolicExpressionExt;
use p3_batch_stark::ProverData;
use p3_field::Algebra;

use crate::config::{Build, Challenges, Plain, Quartic, Quintic, Val};
use crate::drawn::Drawn;
use crate::encoded;
use crate::hiding::Masks;
use crate::layout::Shape;
use crate::proof::{self, Header, Lengths, Table};
use crate::public::PublicSide;
use crate::stark::{Session, backend};
use crate::{Profile, Stark, trace};

/// What a proof would take. Rows and cells are counted; the rest is by a model fitted to the runs that
/// `docs/circuits/stark.md` lists under "Planned and measured".
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Rows of each of the machine's tables before padding: name and number.
    pub rows: Vec<(&'static str, usize)>,
    /// Cells that the proof commits to, padding and the argument's own columns included.
    pub cells: u64,
    /// CPU time of proving in seconds, on the machine that the model was fitted on.
    pub cpu_seconds: f64,
    /// Peak memory of proving in bytes.
    pub memory: u64,
    /// Bytes of the proof, within a few per cent.
    pub proof_bytes: usize,
}

/// The fitted numbers of a profile.
struct Model {
    /// CPU nanoseconds for each committed cell.
    cell_ns: f64,
    /// Bytes of memory for each committed cell.
    cell_bytes: f64,
}

/// What the shortest run takes: CPU nanoseconds, of which most is grinding, and bytes of memory.
const FIXED_NS: f64 = 20e6;
const FIXED_BYTES: f64 = 11e6;

impl Model {
    fn of(profile: Profile) -> Self {
        match profile {
            Profile::Fast => Self {
                cell_ns: 84.0,
                cell_bytes: 13.4,
            },
            Profile::Small => Self {
                cell_ns: 171.0,
                cell_bytes: 46.5,
            },
            Profile::Strong => Self {
                cell_ns: 150.0,
                cell_bytes: 27.0,
            },
        }
    }
}

impl Stark {
    /// Steps of segments whose proofs should take no more memory than that: twice what the densest measured runs took for
    /// a row of STEP (`docs/circuits/stark.md`, "Planned and measured"), which is a margin and no bound. The tables are as
    /// high as a power of two, so it is one, less the row that ends a segment; the least is 2^12, whatever the memory.
    ///
    /// ```
    /// use nonos_types::ByteLen;
    /// use nonos_verify_stark::{Profile, Stark};
    ///
    /// assert_eq!(Stark::segment_steps(Profile::Fast, ByteLen::new(2 << 30)), (1 << 18) - 1);
    /// ```
    ///
    /// ```
    /// use nonos_types::ByteLen;
    /// use nonos_verify_stark::{Profile, Stark};
    ///
    /// let [little, much] = [512 << 20, 4 << 30].map(|memory| Stark::segment_steps(Profile::Fast, ByteLen::new(memory)));
    /// assert!(little <= much && much <= Stark::MAX_STEPS);
    /// ```
    #[must_use]
    pub fn segment_steps(profile: Profile, memory: ByteLen) -> u32 {
        let row = match profile {
            Profile::Fast => 6 << 10,
            Profile::Small => 20 << 10,
            Profile::Strong => 12 << 10,
        };
        let rows = (memory.get() / row).clamp(1 << 12, u64::from(Self::MAX_STEPS) + 1);
        (1 << rows.ilog2()) - 1
    }
}

impl Stark {
    /// What a proof of a recorded run would take under a profile, all its tapes being public. Proves nothing.
    ///
    /// # Errors
    /// [`ProveError::Backend`] for public data that are not of the machine.
    pub fn estimate(
        &self,
        profile: Profile,
        public: &Public,
        witness: &Witness,
    ) -> Result<Estimate, ProveError> {
        let layout = self.layout(Shape::Whole);
        let public = PublicSide::new(layout, public, false).map_err(backend)?;
        let logs = trace::tables(layout, &public, witness, &[], None)
            .iter()
            .map(|table| Some((table.as_ref()?.values.len() / table.as_ref()?.width).ilog2() as u8))
            .collect();
        let header = Header {
            profile,
            shape: Shape::Whole,
            hiding: false,
            logs,
        };
        let session = self.session(&[], &public, &header).map_err(backend)?;
        let lengths = if profile.parameters().quintic {
            lengths::<Quintic>(&session, &header)
        } else {
            lengths::<Quartic>(&session, &header)
        };
        let lengths = lengths.map_err(backend)?;
        let cells = |it: &Table| (it.main + it.sums + it.fixed + it.chunks * lengths.degree) as u64;
        let cells = lengths.tables.iter().map(|it| cells(it) << it.log).sum();
        let proof_bytes = header.encode().len() + proof::expected(&lengths);
        let model = Model::of(profile);
        Ok(Estimate {
            rows: self.rows(witness),
            cells,
            cpu_seconds: 1e-9 * (FIXED_NS + model.cell_ns * cells as f64),
            memory: (FIXED_BYTES + model.cell_bytes * cells as f64) as u64,
            proof_bytes,
        })
    }
}

/// What a proof consists of.
fn lengths<E: Challenges>(session: &Session, header: &Header) -> Result<Lengths, Refusal>
where
    SymbolicExpressionExt<Val, E>: Algebra<E>,
{
    let config = Plain::<E>::build(header.profile, &Drawn::new(&session.transcript), &Masks::PUBLIC);
    let data = ProverData::from_airs_and_degrees(&config, &session.chips, &session.logs);
    let data = data.map_err(|_| Refusal::Rejected {
        check: "public tables",
    })?;
    Ok(encoded::lengths(session, header, &data))
}
