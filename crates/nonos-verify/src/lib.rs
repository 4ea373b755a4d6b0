//! Proofs of any relation by any proof system, verified without trusting either.
//!
//! A *statement* is a relation with canonical bytes and a native check. A *backend* proves and verifies
//! statements. What users hold is neither, but a sealed [`Prover`] or [`Verifier`] around it:
//!
//! ```
//! use nonos_verify::testing::{ClearWitness, Product};
//! use nonos_verify::{Erased, Prover, Proving, Seed, Statement, Verifier, VerifyError};
//!
//! // "I know two factors of 15." This toy backend shows the factors; a real one would not.
//! let statement = Product { product: 15, label: 7, note: (*b"a note").into() };
//! let backend = Erased::<Product, _>::new(ClearWitness::default());
//!
//! # fn os_random() -> [u8; 32] { [7; 32] }
//! let mut seeds = || Seed::new(os_random());
//! let proof = backend.prove(&statement, &(3, 5), &mut Proving::new(&mut seeds))?;
//!
//! // Elsewhere: bytes in, verdict out.
//! let verifier: &dyn Verifier = &backend;
//! verifier.verify(&statement.public(), &proof)?;
//!
//! let other = Product { label: 8, ..statement };
//! let refusal = verifier.verify(&other.public(), &proof).expect_err("another statement");
//! assert_eq!(refusal, VerifyError::Rejected { check: "seal" });
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # A backend of one's own
//! `docs/backends.md` walks through one for runs of capsules, `examples/custom_backend.rs` at the top of the repository;
//! this crate's example `custom_statement` has a relation of its own as well.
//!
//! # What it does not do
//! It holds no proof system (those are crates of their own), draws no randomness, reads no clock, opens no file.
//! It does not say whose proof it is or what a proof is worth: signatures and receipts are elsewhere.
//!
//! # The types to know
//! - [`Statement`] and [`ProofSystem`]: the open traits, for authors of relations and backends; the suite in
//!   [`testing`] judges an implementation.
//! - [`Verifier`] and [`Prover`]: the sealed traits, for users; [`Erased`] is the bridge.
//! - [`ProofObject`]: a proof as it is stored and sent. [`ReceiptFile`]: a node's signed word for a run, with its proof.
//! - [`VerifierSet`]: which statements, backends and keys are accepted. [`VerifierPool`]: many claims at once.
//!
//! # Errors
//! A refused claim is a [`VerifyError`], and every refusal is one of its five causes. [`ProveError`],
//! [`ObjectError`], [`ReceiptFileError`], [`SetError`] and [`PoolError`] belong to their operations; `fault()` says who must act.
#![forbid(unsafe_code)]

mod erased;
mod error;
mod object;
mod pool;
mod receipt;
mod set;
mod statement;
mod system;
pub mod testing;

pub use nonos_types::{BackendId, BadName, MAX_NAME, StatementId};

pub use crate::{
    erased::{Claim, Erased, Proof, Prover, Verifier},
    error::{ProveError, Side, Verdict, VerifyError},
    object::{MAX_OBJECT, ObjectError, ProofObject},
    pool::{PoolConfig, PoolError, Ticket, VerifierPool},
    receipt::{ReceiptFile, ReceiptFileError},
    set::{SetError, VerifierSet},
    statement::{Malformed, Public, Statement, Violation},
    system::{BatchKey, LastChallenge, Progress, ProofSystem, Proving, Refusal, Seed},
};
