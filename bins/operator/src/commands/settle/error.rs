//! Why settling failed, where no node is asked.

use nonos_depin::{BatchError, anchor, settlement::FileError};
use nonos_types::{Fault, NodeId};
use std::path::PathBuf;

/// Why settling failed, where no node is asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// A settlement file is refused.
    #[error("{} is refused", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: FileError,
    },
    /// Files do not follow one another.
    #[error("{} is refused: it does not follow the file before it", path.display())]
    Chain {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: BatchError,
    },
    /// It is about something else than was asked for.
    #[error("{} is refused: it is of {what} {found}, not of {wanted}", path.display())]
    Other {
        /// Which.
        path: PathBuf,
        /// Network or author.
        what: &'static str,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// What says which account speaks for the node says something else, or is signed by somebody else.
    #[error("{} is refused: its account statement is not of this node, or not signed by node and account", path.display())]
    Account {
        /// Which.
        path: PathBuf,
    },
    /// No account is known to look for.
    #[error("which account anchors for {node} is not in the file: name it by --account")]
    NoAccount {
        /// The node.
        node: NodeId,
    },
    /// Too few of the witnesses that are trusted have signed.
    #[error("{} is refused: {signed} of the witnesses that you trust have signed it, and {needed} must have", path.display())]
    Unwitnessed {
        /// Which.
        path: PathBuf,
        /// How many have.
        signed: usize,
        /// How many must have.
        needed: usize,
    },
    /// An anchor does not have it, or has another.
    #[error("{} is refused by the anchor", path.display())]
    Anchor {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: anchor::Error,
    },
    /// It is there, and not final.
    #[error("{}: the batch is there and not final: {reference}", path.display())]
    NotFinal {
        /// Which.
        path: PathBuf,
        /// Where it is.
        reference: String,
    },
    /// An anchor's file cannot be read.
    #[error(transparent)]
    AnchorFile(anchor::Error),
    /// The chain's node does not answer as it should.
    #[error(transparent)]
    Evm(#[from] nonos_depin_evm::Error),
    /// The account's key.
    #[error(transparent)]
    Key(#[from] nonos_depin_evm::KeyError),
    /// The proof system cannot be set up.
    #[error("the proof system of batches cannot be set up")]
    Backend(#[source] nonos_depin_halo2::Error),
    /// Not what `settle countersign` writes.
    #[error("{} is not what `operator settle countersign` writes", path.display())]
    NotAnswers {
        /// Which.
        path: PathBuf,
    },
    /// There is nothing in an anchor's file for this witness to sign.
    #[error("{} has nothing that this node could countersign: an earlier copy of the file, or no batches", path.display())]
    NothingToSign {
        /// Which.
        path: PathBuf,
    },
    /// The configuration names no chain.
    #[error("[settlement.evm] is not set in {}", path.display())]
    NoChain {
        /// The configuration.
        path: PathBuf,
    },
}

impl Error {
    /// Who must act.
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::File { .. }
            | Self::Chain { .. }
            | Self::Other { .. }
            | Self::Account { .. }
            | Self::Unwitnessed { .. }
            | Self::NotFinal { .. }
            | Self::NotAnswers { .. }
            | Self::NothingToSign { .. } => Fault::Peer,
            Self::NoAccount { .. } | Self::NoChain { .. } => Fault::Caller,
            // What the anchor has, and the file has not, is the file's fault.
            Self::Anchor { source, .. } => match source.fault() {
                Fault::Caller => Fault::Peer,
                fault => fault,
            },
            Self::AnchorFile(error) => error.fault(),
            Self::Evm(error) => error.fault(),
            Self::Key(error) => error.fault(),
            Self::Backend(_) => Fault::Environment,
        }
    }
}
