use std::path::PathBuf;

use nonos_types::Fault;

/// Why a directory cannot be opened as a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process, or another store of this one, has it open.
    #[error("{} is in use: stop the process that has it open", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// There are other files in the directory, and it has never been a store.
    #[error("{} holds other files and no store: choose an empty directory", path.display())]
    NotAStore {
        /// The directory.
        path: PathBuf,
    },
    /// It is the store of another program, or of another feature of this one.
    #[error("{} is a store of {kind}, not of redb: use a program that has that store", path.display())]
    OtherStore {
        /// The directory.
        path: PathBuf,
        /// What keeps it.
        kind: &'static str,
    },
    /// Written by another version of this crate.
    #[error("{} has format {found:?}, and this program reads {supported}", path.display())]
    Version {
        /// The directory.
        path: PathBuf,
        /// Its format, if it has one.
        found: Option<u32>,
        /// The one format that can be read.
        supported: u32,
    },
    /// Files of the database are missing or changed. Nothing was written to it.
    #[error("{} is damaged: restore it from a backup, or move it away", path.display())]
    Damaged {
        /// The directory.
        path: PathBuf,
        /// What the database says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The directory cannot be read or written.
    #[error("{} cannot be opened", path.display())]
    Storage {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl OpenError {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotAStore { .. } => Fault::Caller,
            Self::OtherStore { .. }
            | Self::Locked { .. }
            | Self::Version { .. }
            | Self::Damaged { .. }
            | Self::Storage { .. } => Fault::Environment,
        }
    }
}
