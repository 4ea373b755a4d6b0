//! Proves chunks of rollup batches with halo2: that postings lead from one state root to another by the rules,
//! without showing them.
//!
//! ```
//! # use std::sync::Arc;
//! # use ed25519_dalek::SigningKey;
//! use nonos_depin::{Ledger, MAX_AMOUNT, rollup::{RollupStatement, State}};
//! use nonos_depin_halo2::Rollup;
//! # use nonos_store::MemoryStore;
//! # use nonos_types::{Amount, FeeKind, JobId, Line, NetworkId, NodeId, ReceiptId, Slot, Timestamp};
//! use nonos_verify::{Erased, Prover, Proving, Seed, Statement as _, Verifier};
//!
//! // Books with an entry: somebody was paid for a run.
//! # let network = NetworkId::named("example");
//! # let keys = [1, 2].map(|seed| SigningKey::from_bytes(&[seed; 32]));
//! # let [alice, bob] = keys.each_ref().map(|key| NodeId::from_bytes(key.verifying_key().to_bytes()));
//! # let (job, receipt) = (JobId::hash(&[b"an offer"]), ReceiptId::hash(&[b"a receipt"]));
//! # let (kind, amount) = (FeeKind::Execute, Amount::from_atto(5));
//! # let line = Line { job, slot: Slot::ZERO, kind, receipt, amount };
//! let books = Ledger::open(Arc::new(MemoryStore::new()), network, alice)?;
//! books.pay(bob, vec![line], &keys[0], Timestamp::new(1_800_000_000))?;
//! let state = State::new(network, alice);
//! let made = state.batch(&books.feed(state.last(), 100)?, MAX_AMOUNT)?;
//! let (statement, witness) = &made.chunks[0];
//!
//! let backend = Erased::<RollupStatement, _>::new(Rollup::new()?);
//! # fn os_random() -> [u8; 32] { [7; 32] }
//! let mut seeds = || Seed::new(os_random());
//! let proof = backend.prove(statement, witness, &mut Proving::new(&mut seeds))?;
//!
//! let verifier: &dyn Verifier = &backend;
//! verifier.verify(&statement.public(), &proof)?;
//!
//! // The batch is signed and sent; who was paid is not in it.
//! made.batch.check_chunks(&[statement.clone()])?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it does not do
//! A proof is of one chunk, whatever its batch. Whether chunks make up a batch is
//! [`Batch::check_chunks`](nonos_depin::Batch::check_chunks), whether the postings are those of signed vouchers
//! [`State::audit`](nonos_depin::rollup::State::audit). The circuit has not been reviewed by a cryptographer outside
//! the project; `docs/circuits/rollup.md` says what each constraint is for.
//!
//! # The types to know
//! [`Rollup`], the backend; what it proves, [`RollupStatement`](nonos_depin::rollup::RollupStatement), is of `nonos-depin`.
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
