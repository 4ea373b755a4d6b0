//! A segment to prove, with all that whoever proves it needs.

use std::collections::BTreeMap;

use nonos_machine::{Secret, Segments, trace::Trace};
use nonos_types::{ByteLen, wire};
use nonos_verify::{Malformed, Public, Statement};

use super::{Boundary, MemoryRoot, SegmentStatement, State};
use crate::poseidon::Digest;
use crate::tree::{CELLS, HEIGHT, Leaf, LeafChange, Siblings, Tree, Update};

/// How to get from a segment's first boundary to its last: the cells that it touches, opened against the first
/// boundary's root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentWitness {
    pub(crate) steps: u32,
    pub(crate) leaves: BTreeMap<u32, Leaf>,
    pub(crate) siblings: Siblings,
}

/// A unit of proving that can be sent anywhere: it needs neither the segments before it nor the rest of the memory.
///
/// Its bytes are those of its statement's public side and of its witness (`docs/spec/segment.md`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentJob {
    /// What to prove.
    pub statement: SegmentStatement,
    /// From what.
    pub witness: SegmentWitness,
}

/// Why a segment cannot be proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// The bytes are not those of a job.
    #[error("the segment job's {part} is malformed")]
    Malformed {
        /// The part.
        part: &'static str,
    },
    /// What the job gives does not lead from the first boundary to the last.
    #[error("the segment's {part} is not that of its statement")]
    Differs {
        /// The part.
        part: &'static str,
    },
}

impl JobError {
    pub(crate) fn part(self) -> &'static str {
        match self {
            Self::Malformed { part } | Self::Differs { part } => part,
        }
    }

    /// Who has to act: whoever made the job.
    pub fn fault(&self) -> nonos_types::Fault {
        nonos_types::Fault::Peer
    }
}

impl From<Malformed> for JobError {
    fn from(Malformed { part }: Malformed) -> Self {
        Self::Malformed { part }
    }
}

/// A segment executed again.
pub(crate) struct Replayed {
    pub(crate) trace: Trace,
    pub(crate) update: Update,
}

/// What a piece of a run did to the leaves: `cell` gives what a cell holds that it did not touch.
pub(crate) fn changes(trace: &Trace, cell: impl Fn(u32) -> u64) -> BTreeMap<u32, LeafChange> {
    let mut leaves: BTreeMap<u32, LeafChange> = BTreeMap::new();
    for touched in &trace.cells {
        let leaf = leaves.entry(touched.key >> 2).or_default();
        let place = (touched.key & 3) as usize;
        leaf.old[place] = touched.init;
        leaf.new[place] = touched.last;
        leaf.stamps[place] = Some(touched.stamp);
        leaf.out[place] = is_output(touched.key);
    }
    for (index, leaf) in &mut leaves {
        for place in 0..CELLS {
            if leaf.stamps[place].is_none() {
                let value = cell(4 * index + place as u32);
                (leaf.old[place], leaf.new[place]) = (value, value);
            }
        }
    }
    leaves
}

fn is_output(key: u32) -> bool {
    use nonos_machine::isa::{Space, tape};
    let outputs = tape::OUTPUTS.iter();
    outputs
        .map(|number| Space::Tape.key(u32::from(*number)))
        .any(|of| of == key)
}

impl SegmentWitness {
    /// Machine steps that are executed at most.
    pub fn steps(&self) -> u32 {
        self.steps
    }
}

impl SegmentJob {
    /// Most bytes of a job.
    pub const MAX: ByteLen = ByteLen::new(SegmentStatement::MAX_PUBLIC.get() + (512 << 20));

    /// Executes the segment again.
    pub(crate) fn replay(
        statement: &SegmentStatement,
        witness: &SegmentWitness,
    ) -> Result<Replayed, JobError> {
        let differs = |part| JobError::Differs { part };
        let run = statement.run();
        let mut tree = Tree::open(&witness.leaves, &witness.siblings);
        if MemoryRoot::of(&tree.root()) != statement.before().memory {
            return Err(differs("memory before"));
        }
        let cells: Vec<(u32, u64)> = witness
            .leaves
            .iter()
            .flat_map(|(index, leaf)| {
                (0..)
                    .zip(leaf)
                    .map(move |(place, value)| (4 * index + place, *value))
            })
            .filter(|(_, value)| *value != 0)
            .collect();
        let secret = Secret::default();
        let inputs = run.inputs(&secret);
        let (program, fuel) = (run.program(), run.fuel_limit());
        let mut segments = Segments::resume(program, &inputs, fuel, &statement.before().state, &cells)
            .ok_or(differs("state before"))?;
        let trace = segments.advance(witness.steps);
        if segments.state() != statement.after().state {
            return Err(differs("state after"));
        }
        let leaves = changes(&trace, |key| segments.cell(key));
        let opened = |(index, change): (&u32, &LeafChange)| witness.leaves.get(index) == Some(&change.old);
        if !leaves.iter().all(opened) {
            return Err(differs("opening of cells"));
        }
        let update = tree.update(leaves);
        if MemoryRoot::of(&update.after) != statement.after().memory {
            return Err(differs("memory after"));
        }
        Ok(Replayed { trace, update })
    }

    /// The job as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let public = self.statement.public();
        let attachment = |i| public.attachment(i).unwrap_or_default().to_vec();
        let place = |height: u8, index: u32| u64::from(height) << 32 | u64::from(index);
        let witness = &self.witness;
        wire::encode(&WireJob {
            statement: public.statement().to_vec(),
            capsule: attachment(0),
            tapes: attachment(1),
            steps: witness.steps,
            leaves: witness.leaves.keys().copied().collect(),
            cells: witness.leaves.values().flatten().copied().collect(),
            places: witness.siblings.keys().map(|(h, i)| place(*h, *i)).collect(),
            digests: (witness.siblings.values())
                .flat_map(|digest| *MemoryRoot::of(digest).as_bytes())
                .collect(),
        })
    }

    /// Reads a job.
    ///
    /// # Errors
    /// [`JobError::Malformed`], which names the part.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, JobError> {
        let malformed = |part| JobError::Malformed { part };
        let job: WireJob =
            wire::decode("segment job", Self::MAX, bytes).map_err(|_| malformed("encoding"))?;
        let public = Public::new(job.statement).attach(job.capsule).attach(job.tapes);
        let statement = SegmentStatement::decode(&public)?;
        if statement.public() != public {
            return Err(malformed("statement"));
        }
        let (cells, rest) = job.cells.as_chunks::<CELLS>();
        let ascending = job.leaves.is_sorted_by(|a, b| a < b) && job.places.is_sorted_by(|a, b| a < b);
        let in_range = job.leaves.last().is_none_or(|last| last >> HEIGHT == 0);
        if cells.len() != job.leaves.len() || !rest.is_empty() || !ascending || !in_range {
            return Err(malformed("cells"));
        }
        let (digests, rest) = job.digests.as_chunks::<{ MemoryRoot::BYTES }>();
        if digests.len() != job.places.len() || !rest.is_empty() {
            return Err(malformed("digests"));
        }
        let sibling = |(place, digest): (&u64, &[u8; MemoryRoot::BYTES])| {
            let (height, index) = ((place >> 32) as u8, *place as u32);
            let fits = place >> 32 < u64::from(HEIGHT) && index >> (HEIGHT - height) == 0;
            let digest: Digest = MemoryRoot::from_bytes(*digest)?.digest();
            fits.then_some(((height, index), digest))
        };
        let siblings: Option<Siblings> = job.places.iter().zip(digests).map(sibling).collect();
        Ok(Self {
            statement,
            witness: SegmentWitness {
                steps: job.steps,
                leaves: job.leaves.into_iter().zip(cells.iter().copied()).collect(),
                siblings: siblings.ok_or(malformed("digests"))?,
            },
        })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct WireJob {
    #[prost(bytes = "vec", tag = "1")]
    statement: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    capsule: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    tapes: Vec<u8>,
    #[prost(uint32, tag = "4")]
    steps: u32,
    #[prost(fixed32, repeated, tag = "5")]
    leaves: Vec<u32>,
    #[prost(fixed64, repeated, tag = "6")]
    cells: Vec<u64>,
    #[prost(fixed64, repeated, tag = "7")]
    places: Vec<u64>,
    #[prost(bytes = "vec", tag = "8")]
    digests: Vec<u8>,
}

/// A boundary of a state and a tree.
pub(crate) fn boundary(state: State, root: &Digest) -> Boundary {
    Boundary {
        state,
        memory: MemoryRoot::of(root),
    }
}
