//! Which store keeps a node's data.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use nonos_store::Store;
use nonos_types::Fault;
use serde::{Deserialize, Serialize};

/// What the database of a data directory is. Those that this program is built without have names, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Database {
    /// RocksDB.
    Rocksdb,
    /// redb.
    Redb,
}

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// RocksDB's cannot.
    #[cfg(feature = "rocksdb")]
    #[error(transparent)]
    Rocksdb(#[from] nonos_store_rocksdb::OpenError),
    /// redb's cannot.
    #[cfg(feature = "redb")]
    #[error(transparent)]
    Redb(#[from] nonos_store_redb::OpenError),
    /// This program is built without the store that keeps it.
    #[error(
        "{} is kept by {store}, which this program is built without: use one that is built with the feature `{store}`",
        path.display()
    )]
    NotBuilt {
        /// The database.
        path: PathBuf,
        /// Its store.
        store: &'static str,
    },
}

impl DatabaseError {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        match self {
            #[cfg(feature = "rocksdb")]
            Self::Rocksdb(error) => error.fault(),
            #[cfg(feature = "redb")]
            Self::Redb(error) => error.fault(),
            Self::NotBuilt { .. } => Fault::Environment,
        }
    }
}

impl Database {
    /// What new data directories have.
    pub(crate) const DEFAULT: Self = if cfg!(feature = "rocksdb") {
        Self::Rocksdb
    } else {
        Self::Redb
    };

    /// Opens it, and makes it if there is none.
    pub(crate) fn open(self, path: &Path) -> Result<Arc<dyn Store>, DatabaseError> {
        match self {
            #[cfg(feature = "rocksdb")]
            Self::Rocksdb => Ok(Arc::new(nonos_store_rocksdb::RocksStore::open(path)?)),
            #[cfg(feature = "redb")]
            Self::Redb => Ok(Arc::new(nonos_store_redb::RedbStore::open(path)?)),
            #[cfg(not(all(feature = "rocksdb", feature = "redb")))]
            other => Err(DatabaseError::NotBuilt {
                path: path.to_owned(),
                store: other.name(),
            }),
        }
    }

    #[cfg(not(all(feature = "rocksdb", feature = "redb")))]
    fn name(self) -> &'static str {
        match self {
            Self::Rocksdb => "rocksdb",
            Self::Redb => "redb",
        }
    }
}

/// Opens a store of the kind that new nodes have, and makes it if there is none.
///
/// # Errors
/// [`DatabaseError`].
pub fn open_store(path: &Path) -> Result<Arc<dyn Store>, DatabaseError> {
    Database::DEFAULT.open(path)
}
