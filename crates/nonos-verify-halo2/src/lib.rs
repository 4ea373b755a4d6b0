//! Proves runs of a constraint system with halo2: compact proofs, no trusted setup, hiding, batchable.
//!
//! ```
//! # use nonos_machine::air::{Builder, Col, Column, Public, Range, System, Table, TableShape, When};
//! use nonos_verify_halo2::{Backend, ParamsStore, Witness};
//!
//! /// A bit that starts at a public value and flips on every row.
//! struct Flip;
//! impl Table for Flip {
//!     fn name(&self) -> &'static str {
//!         "FLIP"
//!     }
//!     fn columns(&self) -> Vec<Column> {
//!         vec![Column { name: "bit", range: Range::Bit }]
//!     }
//!     fn eval<B: Builder>(&self, b: &mut B) {
//!         let (cur, next) = (b.cur(Col(0)), b.next(Col(0)));
//!         b.zero("flips", When::Transition, next + cur.clone() - B::E::from(1));
//!         b.public("starts", When::First, 0, cur);
//!     }
//! }
//!
//! struct Rows;
//! impl Witness for Rows {
//!     fn row(&self, _table: usize, row: usize, cells: &mut [u64]) {
//!         cells[0] = (row as u64 + 1) % 2;
//!     }
//! }
//!
//! let tables = vec![TableShape::record(&Flip)];
//! let system = System { tables, fixed: vec![], public_bits: (vec![1], vec![]) };
//! let backend = Backend::new(&system, ParamsStore::in_memory())?;
//! let public = Public { first: vec![1], ..Public::default() };
//! let layout = backend.plan(&[100], &public, 8)?;
//! let proof = backend.prove(&layout, &Rows, &public, b"context")?;
//! backend.verify(&proof, &public, b"context")?;
//! assert!(backend.verify(&proof, &public, b"another context").is_err());
//! # Ok::<(), nonos_verify_halo2::Error>(())
//! ```
//!
//! # What it does not do
//! It knows nothing of wasm: a [`System`](nonos_machine::air::System) says what must hold, a [`Witness`] gives the
//! rows, a [`Public`](nonos_machine::air::Public) is what the verifier computes itself. It does not decide whether
//! the system says what it should; it does not contain panics of the proof system (the caller's layer does).
//!
//! # How it is built
//! The published `halo2_proofs` has neither challenges nor lookups into committed tables. Both are made from one
//! challenge that is drawn from the proof's own first commitments; the argument and what it assumes are in
//! `docs/circuits/challenge.md`.
//!
//! # The types to know
//! [`Halo2`] is the backend for runs of capsules, as `nonos-verify` has backends. Beneath it, for other systems:
//! [`Backend`] proves and verifies; [`Layout`] is the shape of a proof; [`Proof`] its bytes; [`ParamsStore`] keeps
//! the public parameters.
//!
//! # Errors
//! One enum, [`Error`]; [`Error::fault`] says who must act.

mod backend;
mod challenge;
mod circuit;
mod compile;
mod error;
mod execution;
mod field;
mod keys;
mod layout;
mod linear;
mod packing;
mod params;
mod plan;
mod planner;
mod prover;
mod seal;
mod speed;
mod sponge;
mod statement;
mod trace;
mod verifier;

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod toy;

pub use backend::{Backend, Claim, Size};
pub use error::Error;
pub use execution::{Estimate, Halo2};
pub use layout::{Layout, MAX_COLUMNS, MAX_FOLD, MAX_K, MIN_K, Proof};
pub use params::{ParamsEvent, ParamsStore};
pub use speed::{REFERENCE_WORK, reference_work};
pub use trace::Witness;
