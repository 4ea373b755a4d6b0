use std::{
    io,
    path::{Path, PathBuf},
};

use nonos_trust::keystore::KeystoreError;
use nonos_types::{Fault, NodeId};

use crate::DatabaseError;

/// Why a data directory cannot be used. None of these changes its data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// There is none.
    #[error("{} is not a node's data directory: make one with `operator init`", path.display())]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// There is something where a new one should be made.
    #[error("{} is not empty: a new node needs a new directory, and an old one is never written over", path.display())]
    NotEmpty {
        /// Where.
        path: PathBuf,
    },
    /// Another process uses it.
    #[error("{} is in use by process {pid}: stop that first", path.display())]
    Locked {
        /// Where.
        path: PathBuf,
        /// Who, as far as is known.
        pid: String,
    },
    /// There are data, but the key is gone.
    #[error(
        "{} is missing, but {} has data signed with it: put the keystore back, from a backup by `operator key restore`; a \
         new key would be another node",
        keystore.display(), path.display()
    )]
    KeyMissing {
        /// Where the keystore should be.
        keystore: PathBuf,
        /// The data directory.
        path: PathBuf,
    },
    /// Written by a newer version.
    #[error("{} has format {found}, this program knows up to {known}: use the newer program", path.display())]
    NewerFormat {
        /// Where.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest known.
        known: u32,
    },
    /// The format file, or the one that says whose data these are, is damaged or missing.
    #[error("{} does not say what it should of these data: put it back from a backup", path.display())]
    BadFormat {
        /// The file.
        path: PathBuf,
    },
    /// The data are of one node, and the key, or what should be put there, of another.
    #[error(
        "{} has the data of node {data}, and not of {key}: put its own keystore back, or use another directory",
        path.display()
    )]
    OtherNode {
        /// The data directory.
        path: PathBuf,
        /// Whose data they are.
        data: NodeId,
        /// Whose key there is.
        key: NodeId,
    },
    /// The key cannot be read, or there is one where there should be none.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// The database cannot be opened to see whose data are in it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The database cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The database.
        path: PathBuf,
        /// What it says.
        #[source]
        source: nonos_store::Error,
    },
    /// Its path is too long for the socket inside.
    #[error("{} is too long for a unix socket ({len} bytes, at most {limit}): use a shorter data directory", path.display())]
    PathTooLong {
        /// The socket's path.
        path: PathBuf,
        /// Its length.
        len: usize,
        /// Most it may have.
        limit: usize,
    },
    /// The system refuses.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl DataDirError {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Missing { .. }
            | Self::NotEmpty { .. }
            | Self::OtherNode { .. }
            | Self::PathTooLong { .. } => Fault::Caller,
            Self::Keystore(error) => error.fault(),
            Self::Database(error) => error.fault(),
            _ => Fault::Environment,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
