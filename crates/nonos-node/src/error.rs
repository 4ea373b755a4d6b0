use nonos_types::{Fault, Sequence};

use crate::{ConfigError, DataDirError, DatabaseError};

/// Why a node cannot start, or must stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The keystore cannot be used.
    #[error(transparent)]
    Keystore(#[from] nonos_trust::keystore::KeystoreError),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An address in the configuration cannot be used.
    #[error("`{address}` is not a multiaddr such as /ip4/192.0.2.7/tcp/4710")]
    BadAddress {
        /// The address.
        address: String,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The database fails.
    #[error(transparent)]
    Store(#[from] nonos_store::Error),
    /// A message in the journal cannot be read.
    #[error("message {position} of the journal cannot be read; put the data directory back from a backup")]
    BadJournal {
        /// Its position.
        position: Sequence,
        /// Why not.
        #[source]
        source: nonos_types::Error,
    },
    /// The books were put back to an older state.
    #[error(
        "put the newest data back, or start this node with `operator run --old-books`, and `operator ledger resume` \
         says what it means to go on without them"
    )]
    OldBooks(#[source] nonos_depin::Error),
    /// The key was restored, and nobody has said how far its books went.
    #[error(
        "this node's key was restored, and how far its books went is not known: start it with `operator run --old-books`, and \
         `operator ledger resume` says what it means to go on without them"
    )]
    Restored,
    /// The backup's books are of another network than the configuration that is there.
    #[error(
        "the backup is of network `{backup}`, and {} is of `{here}`: move that file away, or set its network",
        config.display()
    )]
    OtherNetwork {
        /// The configuration.
        config: std::path::PathBuf,
        /// Its network.
        here: String,
        /// The backup's.
        backup: String,
    },
    /// The ledger is damaged or fails.
    #[error(transparent)]
    Ledger(#[from] nonos_depin::Error),
    /// The trust book is damaged or fails.
    #[error(transparent)]
    Trust(#[from] nonos_trust::Error),
    /// The mesh cannot be joined.
    #[error(transparent)]
    Mesh(#[from] nonos_mesh::Error),
    /// The machine cannot be measured.
    #[error(transparent)]
    Probe(#[from] nonos_state::probe::Error),
    /// The snapshot of the machine cannot be made.
    #[error(transparent)]
    Snapshot(#[from] nonos_state::Error),
    /// The verifier pool cannot be started.
    #[error(transparent)]
    Pool(#[from] nonos_verify::PoolError),
    /// A proof system cannot be set up.
    #[error("a proof system cannot be set up")]
    Backend {
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The node cannot start workers to run capsules in.
    #[error("capsules cannot be run in processes of their own; see [sandbox] in config.toml")]
    Worker(#[source] nonos_worker::Error),
    /// The capsule given is refused.
    #[error(transparent)]
    Package(#[from] nonos_package::Error),
    /// What was given is not a signed message of the kind wanted.
    #[error(transparent)]
    Message(#[from] nonos_types::Error),
    /// The socket, or a thread, cannot be had.
    #[error("cannot {action}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The page cannot be served where the configuration says.
    #[error("cannot serve the page on {address}; see [http] in config.toml")]
    Page {
        /// Where.
        address: std::net::SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Random,
}

impl Error {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::DataDir(error) => error.fault(),
            Self::Keystore(error) => error.fault(),
            Self::Config(error) => error.fault(),
            Self::BadAddress { .. } | Self::OtherNetwork { .. } => Fault::Caller,
            Self::Database(error) => error.fault(),
            Self::Ledger(error) => error.fault(),
            Self::Trust(error) => error.fault(),
            Self::Mesh(error) => error.fault(),
            Self::Probe(error) => error.fault(),
            Self::Snapshot(error) => error.fault(),
            Self::Pool(error) => error.fault(),
            Self::Worker(error) => error.fault(),
            Self::Package(error) => error.fault(),
            Self::Message(error) => error.fault(),
            Self::Store(_)
            | Self::OldBooks(_)
            | Self::Restored
            | Self::BadJournal { .. }
            | Self::Backend { .. }
            | Self::Io { .. }
            | Self::Page { .. }
            | Self::Random => Fault::Environment,
        }
    }
}
