//! Proves chunks of rollup batches with halo2: that postings lead from one state root to another by the rules,
//! without showing them.
//!
//! ```no_run
//! use nonos_depin::rollup::{ChunkWitness, RollupStatement};
//! use nonos_depin_halo2::Rollup;
//! use nonos_verify::{Erased, Prover, Proving, Seed, Statement, Verifier};
//!
//! # fn chunk() -> (RollupStatement, ChunkWitness) { unimplemented!() }
//! # fn os_random() -> [u8; 32] { unimplemented!() }
//! let backend = Erased::<RollupStatement, _>::new(Rollup::new()?);
//! let (statement, witness) = chunk(); // of `State::batch`
//! let mut seeds = || Seed::new(os_random());
//! let proof = backend.prove(&statement, &witness, &mut Proving::new(&mut seeds))?;
//!
//! let verifier: &dyn Verifier = &backend;
//! verifier.verify(&statement.public(), &proof)?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! A proof is of one chunk, whatever its batch. Whether chunks make up a batch is
//! [`Batch::check_chunks`](nonos_depin::Batch::check_chunks), whether the postings are those of signed vouchers
//! [`State::audit`](nonos_depin::rollup::State::audit). The circuit has not been reviewed by a cryptographer outside
//! the project; `docs/circuits/rollup.md` says what each constraint is for.
//!
//! # Main types
//! [`Rollup`], the backend.
//!
//! # Errors
//! [`Error`]; in use those of `nonos-verify`.

mod backend;
mod circuit;
mod error;
mod expr;
mod gates;
mod hash;
mod keys;
mod layout;
mod proof;
#[cfg(test)]
mod tests;
mod trace;

pub use crate::{backend::Rollup, error::Error};
