//! The store a node keeps on its disk: RocksDB behind the interface of [`nonos_store`].
//!
//! ```
//! use nonos_store::{Durability, Store as _};
//! use nonos_store_rocksdb::{OpenError, RocksStore};
//!
//! # let dir = tempfile::tempdir().expect("a directory");
//! # let path = dir.path().join("db");
//! let store = RocksStore::open(&path)?; // created if there is nothing
//! store.put(b"key", b"value", Durability::Durable).expect("written");
//!
//! // One process, and one store, at a time.
//! let second = RocksStore::open(&path);
//! assert!(matches!(second, Err(OpenError::Locked { .. })), "{second:?}");
//!
//! drop(store);
//! assert_eq!(RocksStore::open(&path)?.get(b"key").expect("read").as_deref(), Some(&b"value"[..]));
//! # Ok::<_, OpenError>(())
//! ```
//!
//! # What it does not do
//! It never repairs and never starts afresh over what it cannot read: a damaged database is refused with
//! [`OpenError::Damaged`], and what to do is the operator's choice.
//!
//! # The types to know
//! - [`RocksStore`]: the store; how it is used is said by [`nonos_store::Store`] and [`nonos_store::Table`].
//!
//! # Errors
//! [`OpenError`] for what can be wrong with a directory; [`nonos_store::Error`] for all that comes later.
//!
//! # What it costs
//! This is the only crate of the workspace that needs a C++ compiler and libclang.

mod error;
mod store;

pub use crate::{error::OpenError, store::RocksStore};
