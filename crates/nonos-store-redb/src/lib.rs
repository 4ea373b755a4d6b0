//! A store for a node's disk that needs no C++: redb behind the interface of [`nonos_store`].
//!
//! ```
//! use nonos_store::{Durability, Store as _};
//! use nonos_store_redb::{OpenError, RedbStore};
//!
//! # let dir = tempfile::tempdir().expect("a directory");
//! # let path = dir.path().join("db");
//! let store = RedbStore::open(&path)?; // created if there is nothing
//! store.put(b"key", b"value", Durability::Durable).expect("written");
//!
//! // One process, and one store, at a time.
//! let second = RedbStore::open(&path);
//! assert!(matches!(second, Err(OpenError::Locked { .. })), "{second:?}");
//!
//! drop(store);
//! assert_eq!(RedbStore::open(&path)?.get(b"key").expect("read").as_deref(), Some(&b"value"[..]));
//! # Ok::<_, OpenError>(())
//! ```
//!
//! # What it does not do
//! It never goes back to an older state and never starts afresh over what it cannot read: the whole file is checked
//! when it is opened, and a damaged one is refused with [`OpenError::Damaged`]; what to do is the operator's choice. What
//! somebody changes in the file while it is open is not noticed before it is opened again. Buffered writes that no durable
//! one followed are lost when the process is killed, and kept when it ends in order.
//!
//! # The types to know
//! - [`RedbStore`]: the store; how it is used is said by [`nonos_store::Store`] and [`nonos_store::Table`].
//!
//! # Errors
//! [`OpenError`] for what can be wrong with a directory; [`nonos_store::Error`] for all that comes later.

mod error;
mod store;

pub use crate::{error::OpenError, store::RedbStore};
