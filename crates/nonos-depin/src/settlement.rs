//! An author's batches from the feed to an anchor: made, proved, submitted, final. See `docs/spec/settlement.md`.
//!
//! ```
//! use std::sync::Arc;
//! use ed25519_dalek::SigningKey;
//! use nonos_depin::{Ledger, MAX_AMOUNT, settlement::{Settlement, Stage}};
//! use nonos_store::MemoryStore;
//! use nonos_types::{Amount, JobId, NetworkId, NodeId, Sequence, Timestamp};
//!
//! let (network, key) = (NetworkId::named("example"), SigningKey::from_bytes(&[1; 32]));
//! let me = NodeId::from_bytes(key.verifying_key().to_bytes());
//! let store = Arc::new(MemoryStore::new());
//! let books = Ledger::open(store.clone(), network, me)?;
//! books.hold(JobId::hash(&[b"an offer"]), Amount::from_atto(5), &key, Timestamp::new(1_800_000_000))?;
//!
//! let mut settlement = Settlement::open(store, network, me)?;
//! assert_eq!(settlement.stage(Sequence::new(1))?, (Stage::Pending, None));
//! let batch = settlement.batch(&books, MAX_AMOUNT, &key)?;
//! assert_eq!((batch.number, batch.first, batch.last), (1, Sequence::new(1), Sequence::new(1)));
//! assert_eq!(settlement.stage(Sequence::new(1))?, (Stage::Pending, Some(1)));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Settlement`]: what a node keeps of its own batches.
//! - [`SettlementFile`]: a batch with its proofs, for anybody to check without a node.

mod book;
mod error;
mod file;
mod tables;

pub use self::{
    book::{Settlement, Stage, Standing, commitment},
    error::{Damage, Error},
    file::{Checked, Chunk, FileError, SettlementFile},
};
