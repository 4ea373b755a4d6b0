//! Why there is no devnet, or not a good one.

use nonos_types::Fault;
use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

/// Why there is no devnet, or not a good one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// Too few honest nodes.
    #[error(
        "{malicious} of {nodes} nodes malicious leaves {}: at least a requester and an executor must be honest",
        nodes.saturating_sub(*malicious)
    )]
    TooFewHonest {
        /// How many.
        nodes: usize,
        /// How many of them.
        malicious: usize,
    },
    /// Too few honest nodes in a half of a mesh that is to be cut in two.
    #[error(
        "the second half of {nodes} nodes, of which the last {malicious} are malicious, has too few honest ones: --partition needs \
         two in each half"
    )]
    HalfTooSmall {
        /// How many.
        nodes: usize,
        /// How many of them.
        malicious: usize,
    },
    /// The socket of a node would have too long a path.
    #[error("{} is too long for the nodes' sockets: give a --data of at most {limit} bytes", path.display())]
    LongPath {
        /// The directory.
        path: PathBuf,
        /// Most bytes its path may have.
        limit: usize,
    },
    /// A passphrase of an existing node is gone.
    #[error("{} is missing, and {} cannot be opened without: remove both, or take another --data", file.display(), node.display())]
    PassphraseGone {
        /// The passphrase's file.
        file: PathBuf,
        /// The node's data directory.
        node: PathBuf,
    },
    /// A file or directory.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Threads, signals or processes.
    #[error("cannot {action}")]
    System {
        /// What was tried.
        action: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A node's process ended by itself.
    #[error("node {node} has ended ({status}): see {}", log.display())]
    NodeEnded {
        /// Its position.
        node: usize,
        /// How.
        status: ExitStatus,
        /// What it said.
        log: PathBuf,
    },
    /// Something does not happen.
    #[error("{what} did not happen within {} s", within.as_secs())]
    TooSlow {
        /// What.
        what: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// Ctrl-C before the jobs were done.
    #[error("interrupted before the jobs were done")]
    Interrupted,
    /// It ran, and not all is as it should be.
    #[error("the devnet is not as it should be: see above")]
    NotOk {
        /// Who must act.
        fault: Fault,
    },
}

impl Error {
    /// Who must act.
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::TooFewHonest { .. } | Self::HalfTooSmall { .. } | Self::LongPath { .. } => Fault::Caller,
            Self::NotOk { fault } => *fault,
            _ => Fault::Environment,
        }
    }
}
