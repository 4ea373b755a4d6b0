//! Proves runs with a batch STARK (Plonky3, KoalaBear): fast, no setup; hiding where tapes are sealed.
//!
//! ```
//! use nonos_machine::ExecutionStatement;
//! use nonos_verify::{Erased, Verifier};
//! use nonos_verify_stark::{Profile, Stark};
//!
//! let verifier: Box<dyn Verifier> = Box::new(Erased::<ExecutionStatement, _>::new(Stark::new(Profile::Fast)));
//! assert_eq!(verifier.backend_id(), Stark::ID);
//! ```
//!
//! It takes the machine's tables as they are written and proves each at its own height, so that a small run is cheap.
//! A proof hides the run exactly where the statement seals a tape. It does not contain panics of the published verifier:
//! [`Erased`](nonos_verify::Erased) does. What a proof is and why it is sound: `docs/circuits/stark.md`.
//!
//! # Main types
//! [`Stark`] is the backend, [`Profile`] what its proofs are optimised for. [`Cutter`] cuts a long run into
//! [`SegmentJob`]s, each of which proves a [`SegmentStatement`]; [`Stark::join`] makes their proofs that of the run.
//!
//! # Errors
//! Those of `nonos-verify`, and [`JobError`] for a segment job.

mod adapter;
mod bounded;
mod chip;
mod config;
mod drawn;
mod encoded;
mod estimate;
mod hiding;
mod layout;
#[cfg(test)]
mod lies;
mod placed;
mod poseidon;
mod proof;
mod public;
mod seal;
#[cfg(test)]
mod security;
mod segment;
mod stark;
mod trace;
mod tree;

#[cfg(test)]
extern crate self as nonos_verify_stark;

pub use config::Profile;
pub use estimate::Estimate;
pub use segment::{
    Boundary, Cutter, JobError, MemoryRoot, SegmentJob, SegmentStatement, SegmentWitness, State,
};
pub use stark::Stark;
