//! Runs of any length: cut into segments, each of which is proved by itself.
//!
//! ```text
//!  run ──Cutter──▶ SegmentJob … SegmentJob        each self-contained: statement, opening of the cells it touches
//!                     │ prove (any thread, process, node)
//!                     ▼
//!                  proof of a SegmentStatement    {run, index, boundary before, boundary after}
//!                     │ all of them, in order
//!                     ▼
//!                  proof of the ExecutionStatement
//! ```
//!
//! A [`Boundary`] is the machine between two steps: its [`State`], and the root of a Merkle tree over all cells. The
//! tables of a segment prove both roots, by opening and updating the leaves that it touches. The statement of a segment
//! begins with the whole record of the run, so that segments of two runs cannot be mixed.

mod boundary;
mod chain;
mod cutter;
mod job;
mod statement;

pub use boundary::{Boundary, MemoryRoot};
pub use cutter::Cutter;
pub use job::{JobError, SegmentJob, SegmentWitness};
pub use nonos_machine::State;
pub use statement::SegmentStatement;

pub(crate) use chain::Chain;
