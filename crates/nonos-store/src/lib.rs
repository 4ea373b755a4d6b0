//! Typed tables over one small key-value interface, and a store in memory.
//!
//! ```
//! use nonos_store::{Batch, Durability, Error, MemoryStore, Store as _, Table};
//! use nonos_types::{Nonce, Timestamp};
//!
//! const USED: Table<Nonce, Timestamp> = Table::new("used-nonce");
//!
//! let store = MemoryStore::new();
//! let nonce = Nonce::hash(&[b"a run"]);
//!
//! let mut batch = Batch::new();
//! USED.insert(&mut batch, &nonce, &Timestamp::new(7)); // refused where there is one already
//! store.write(&batch, Durability::Durable)?;
//! assert_eq!(USED.get(&store, &nonce)?, Some(Timestamp::new(7)));
//!
//! let again = store.write(&batch, Durability::Durable);
//! assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
//! # Ok::<_, Error>(())
//! ```
//!
//! # What it does not do
//! There are no transactions that read: a batch is atomic, may require that keys are new, and that is all.
//! [`MemoryStore`] keeps nothing when it is dropped; `nonos-store-rocksdb` and `nonos-store-redb` do.
//!
//! # The types to know
//! - [`Store`]: what an implementation provides; [`testing`] says whether it does.
//! - [`Table`]: keys and values with types, under a name of their own.
//! - [`Batch`]: writes that happen together or not at all; [`Overlay`]: batches that are made into one.
//!
//! # Errors
//! [`Error`]: a key exists that must be new, a record cannot be read, the storage fails.

mod batch;
mod codec;
mod error;
mod memory;
mod overlay;
mod store;
mod table;
pub mod testing;

pub use crate::{
    batch::{Batch, Op},
    codec::{Key, Record},
    error::Error,
    memory::MemoryStore,
    overlay::Overlay,
    store::{Durability, KeyRange, Store, Visit},
    table::Table,
};
