//! What a batch claims in detail, in a form that can be proved: a state tree, postings, and chunks of them.
//!
//! ```
//! use std::sync::Arc;
//! use ed25519_dalek::SigningKey;
//! use nonos_depin::{Ledger, MAX_AMOUNT, rollup::State};
//! use nonos_store::MemoryStore;
//! use nonos_types::{Amount, FeeKind, JobId, Line, NetworkId, NodeId, ReceiptId, Slot, Timestamp};
//! use nonos_verify::Statement as _;
//!
//! let network = NetworkId::named("example");
//! let keys = [1, 2].map(|seed| SigningKey::from_bytes(&[seed; 32]));
//! let [alice, bob] = keys.each_ref().map(|key| NodeId::from_bytes(key.verifying_key().to_bytes()));
//! let books = Ledger::open(Arc::new(MemoryStore::new()), network, alice)?;
//! let line = Line {
//!     job: JobId::hash(&[b"an offer"]),
//!     slot: Slot::ZERO,
//!     kind: FeeKind::Execute,
//!     receipt: ReceiptId::hash(&[b"a receipt"]),
//!     amount: Amount::from_atto(5),
//! };
//! books.pay(bob, vec![line], &keys[0], Timestamp::new(1_800_000_000))?;
//!
//! // All entries that no batch has yet.
//! let state = State::new(network, alice);
//! let made = state.batch(&books.feed(state.last(), 100)?, MAX_AMOUNT)?;
//! assert_eq!(made.batch.sums.total(), Some(Amount::from_atto(5)));
//!
//! // What is proved, here natively: each chunk by itself, and that the chunks make up the batch.
//! for (statement, witness) in &made.chunks {
//!     statement.check(witness)?;
//! }
//! let statements: Vec<_> = made.chunks.iter().map(|(statement, _)| statement.clone()).collect();
//! made.batch.check_chunks(&statements)?;
//!
//! // Whoever has the entries comes to the same batch.
//! state.audit(&made.batch, &books.feed(state.last(), 100)?)?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! Bytes and rules: `docs/spec/batch.md`; what the circuit does: `docs/circuits/rollup.md`.

mod account;
mod build;
mod chunk;
mod field;
mod posting;
mod step;
mod tree;

pub(crate) use self::chunk::MAX_BALANCE;
pub use self::{
    account::{AccountId, Channel, POSITION_BITS},
    build::{Made, State},
    chunk::{Boundary, CHUNK, RollupStatement},
    field::{Fp, Root},
    posting::{Direction, Posting, SUMS, Sums},
    step::{ChunkWitness, Step},
    tree::{DEPTH, empty_root},
};
