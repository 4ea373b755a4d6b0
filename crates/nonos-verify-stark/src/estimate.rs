//! What a proof of a run would take, from its tables: they are built, not committed to.

use nonos_machine::air::Public;
use nonos_machine::tables::Witness;
use nonos_types::ByteLen;
use nonos_verify::{ProveError, Refusal};
use p3_air::BaseAir;
use p3_batch_stark::ProverData;

use crate::chip::Chip;
use crate::config::{Build, MIN_LOG, Plain, Quartic, Val};
use crate::hiding::Masks;
use crate::layout::Shape;
use crate::proof::Header;
use crate::public::PublicSide;
use crate::stark::backend;
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
                cell_ns: 86.0,
                cell_bytes: 13.4,
            },
            Profile::Small => Self {
                cell_ns: 174.0,
                cell_bytes: 46.5,
            },
            Profile::Strong => Self {
                cell_ns: 130.0,
                cell_bytes: 27.0,
            },
        }
    }
}

impl Stark {
    /// Steps of segments whose proofs take no more memory than that, by what densest programs took
    /// (`docs/circuits/stark.md`, "Planned and measured"). The tables are as high as a power of two, so it is one, less
    /// the row that ends a segment; the least is 2^12, whatever the memory.
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

/// Columns of one table in one of the proof's commitments.
struct Matrix {
    columns: usize,
    /// Points at which each is opened.
    points: usize,
    log: usize,
}

/// Pieces of a quotient.
const PIECES: usize = 2;
/// Bytes of a random field element in postcard: seven in eight take five, the rest four.
const ELEMENT: f64 = 4.875;
/// Bytes of a node of a Merkle tree.
const NODE: f64 = 32.0;

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
        let trees = self.trees(&public, &header).map_err(backend)?;
        let cells = trees
            .iter()
            .flatten()
            .map(|it| (it.columns as u64) << it.log)
            .sum();
        let model = Model::of(profile);
        Ok(Estimate {
            rows: self.rows(witness),
            cells,
            cpu_seconds: 1e-9 * (FIXED_NS + model.cell_ns * cells as f64),
            memory: (FIXED_BYTES + model.cell_bytes * cells as f64) as u64,
            proof_bytes: bytes(profile, &trees),
        })
    }

    /// What is committed to: main columns, sums of the lookups, quotients, and what the verifier commits to as well.
    fn trees(&self, public: &PublicSide, header: &Header) -> Result<[Vec<Matrix>; 4], Refusal> {
        let session = self.session(&[], public, header)?;
        // How messages are packed does not depend on the field of challenges.
        let config = Plain::<Quartic>::build(header.profile, &session.transcript, &Masks::PUBLIC);
        let coordinates = header.profile.parameters().degree();
        let data =
            ProverData::from_airs_and_degrees(&config, &session.chips, &session.logs).map_err(|_| {
                Refusal::Rejected {
                    check: "public tables",
                }
            })?;
        let mut trees: [Vec<Matrix>; 4] = Default::default();
        for ((chip, lookups), log) in session.chips.iter().zip(&data.common.lookups).zip(&session.logs) {
            let points = |next: &[usize]| if next.is_empty() { 1 } else { 2 };
            let sums = match lookups.len() {
                0 => 0,
                lookups => coordinates * (lookups + 1),
            };
            let of_each = [
                (
                    <Chip as BaseAir<Val>>::width(chip),
                    points(&chip.main_next_row_columns()),
                ),
                (sums, 2),
                (PIECES * coordinates, 1),
                (chip.preprocessed_width(), 1),
            ];
            for (tree, (columns, points)) in trees.iter_mut().zip(of_each) {
                if columns > 0 {
                    tree.push(Matrix {
                        columns,
                        points,
                        log: *log,
                    });
                }
            }
        }
        Ok(trees)
    }
}

/// Each query opens a row of every matrix, then the siblings of each folding. The queries' paths in a tree share what
/// they have in common.
fn bytes(profile: Profile, trees: &[Vec<Matrix>; 4]) -> usize {
    let parameters = profile.parameters();
    let queries = parameters.queries as f64;
    let challenge = parameters.degree() as f64 * ELEMENT;
    let mut bytes = 0.0;
    for tree in trees {
        let log = tree.iter().map(|it| it.log).max().unwrap_or(0) + parameters.log_blowup;
        bytes += paths(log, queries);
        for matrix in tree {
            bytes += queries * ELEMENT * matrix.columns as f64;
            bytes += challenge * (matrix.columns * matrix.points) as f64;
        }
    }
    // A folding by at most eight stops at each height at which tables join, and at a constant.
    let mut heights: Vec<usize> = trees.iter().flatten().map(|it| it.log).collect();
    heights.push(0);
    heights.sort_unstable();
    heights.dedup();
    let mut log = heights.pop().unwrap_or(0);
    while let Some(next) = heights.last() {
        let folded = (log - next).min(3);
        log -= folded;
        if log == *next {
            heights.pop();
        }
        bytes += queries * challenge * f64::from((1 << folded) - 1);
        bytes += paths(log + parameters.log_blowup, queries) + NODE * f64::from(1 << MIN_LOG);
    }
    bytes as usize
}

/// Bytes of the paths of random leaves in a tree of 2^`log`, up to the roots: on each level as many nodes as there are
/// pairs of which one is on a path and the other is not.
fn paths(log: usize, leaves: f64) -> f64 {
    let level = |log: usize| {
        let nodes = 2_f64.powi(log as i32);
        nodes * ((1.0 - 1.0 / nodes).powf(leaves) - (1.0 - 2.0 / nodes).powf(leaves))
    };
    NODE * (usize::from(MIN_LOG) + 1..=log).map(level).sum::<f64>()
}
