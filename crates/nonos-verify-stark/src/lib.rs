//! Proves runs with a batch STARK (Plonky3, KoalaBear): fast, no setup; hiding where tapes are sealed.
//!
//! ```
//! use nonos_machine::{ExecutionStatement, Secret, Subject};
//! use nonos_types::{Outcome, Value};
//! use nonos_verify::{Erased, Prover as _, Proving, Seed, Statement as _, Verifier};
//! use nonos_verify_stark::{Profile, Stark};
//!
//! let wasm = wat::parse_str(r#"(module (func (export "mul") (param i64 i64) (result i64)
//!     local.get 0 local.get 1 i64.mul))"#)?;
//! let (call, secret) = ([Value::I64(6), Value::I64(7)], Secret::default());
//! let statement = ExecutionStatement::of_call(Subject::Module(wasm.into()), "mul", &call, b"", &secret)?;
//! assert_eq!(statement.record().proven.outcome, Outcome::Return(vec![Value::I64(42)]));
//!
//! let backend = Erased::<ExecutionStatement, _>::new(Stark::new(Profile::Fast));
//! # fn os_random() -> [u8; 32] { [7; 32] }
//! let mut seeds = || Seed::new(os_random());
//! let proof = backend.prove(&statement, &secret, &mut Proving::new(&mut seeds))?;
//!
//! // Elsewhere: bytes in, verdict out. Nothing is run.
//! let verifier: &dyn Verifier = &backend;
//! assert_eq!(verifier.backend_id(), Stark::ID);
//! verifier.verify(&statement.public(), &proof)?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! It takes the machine's tables as they are written and proves each at its own height, so that a small run is cheap.
//! What a proof is and why it is sound: `docs/circuits/stark.md`.
//!
//! # What it does not do
//! A proof hides the run exactly where the statement seals a tape, and nowhere else. It does not contain panics of the
//! published verifier: [`Erased`](nonos_verify::Erased) does. It draws no randomness and knows nothing of jobs or nodes.
//!
//! # The types to know
//! - [`Stark`]: the backend; [`Profile`]: what its proofs are optimised for; [`Estimate`]: what a proof will take.
//! - [`Cutter`]: cuts a long run into [`SegmentJob`]s, each of which proves a [`SegmentStatement`]; [`Stark::join`] makes
//!   their proofs that of the run.
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
