use nonos_types::Fault;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A batch required this key to be new. Nothing of the batch was written.
    #[error("there is an entry already under the key of {} bytes", key.len())]
    Exists {
        /// The key, with the name of its table.
        key: Vec<u8>,
    },
    /// What is stored is not what the table holds.
    #[error("table `{table}` holds an entry it cannot read")]
    BadEntry {
        /// Name of the table.
        table: &'static str,
    },
    /// The storage says its own data are damaged.
    #[error("the stored data are damaged")]
    Damaged {
        /// What it says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The storage failed: full, gone, not permitted.
    #[error("the storage failed")]
    Storage {
        /// What it says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Exists { .. } => Fault::Caller,
            Self::BadEntry { .. } | Self::Damaged { .. } | Self::Storage { .. } => Fault::Environment,
        }
    }
}
