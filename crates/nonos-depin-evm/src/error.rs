//! Why a batch is not on the chain.

use std::{io, path::PathBuf};

use nonos_depin::anchor::{self, BatchId};
use nonos_types::Fault;

use crate::{Address, Wei};

/// Why the chain was not asked, or what it says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not the address of a node of the chain.
    #[error("`{endpoint}` is no endpoint: it must be `http://host:port` or begin like that")]
    Endpoint {
        /// What was given.
        endpoint: String,
    },
    /// This program speaks no TLS.
    #[error(
        "`{endpoint}` needs TLS, which is left out here: run a node of the chain beside this one, or a tunnel to one"
    )]
    NoTls {
        /// What was given.
        endpoint: String,
    },
    /// Not 20 bytes in hex.
    #[error(
        "`{text}` is no address: it must be 0x and 40 hex digits, with the right checksum where they are of both cases"
    )]
    BadAddress {
        /// What was given.
        text: String,
    },
    /// No answer.
    #[error("no answer to {method} from the chain's node")]
    Unreachable {
        /// What was asked.
        method: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The chain's node refuses.
    #[error("the chain's node refuses {method}: {message} (code {code})")]
    Refused {
        /// What was asked.
        method: &'static str,
        /// Its code.
        code: i64,
        /// What it says; the beginning, if it is long.
        message: String,
    },
    /// An answer that is none.
    #[error("the answer to {method} makes no sense: {reason}")]
    BadReply {
        /// What was asked.
        method: &'static str,
        /// Why.
        reason: String,
    },
    /// The node is of another chain.
    #[error("this is chain {actual}, not {expected}")]
    WrongChain {
        /// The chain there should be.
        expected: u64,
        /// The chain it is.
        actual: u64,
    },
    /// There is no contract.
    #[error("there is no contract at {contract} on chain {chain}")]
    NoCode {
        /// Where.
        contract: Address,
        /// On which chain.
        chain: u64,
    },
    /// There is another contract.
    #[error("the contract at {contract} on chain {chain} is another one")]
    OtherCode {
        /// Where.
        contract: Address,
        /// On which chain.
        chain: u64,
    },
    /// The account cannot pay.
    #[error("account {account} has {have}, and a batch may cost {need}: send it some")]
    InsufficientFunds {
        /// Who pays.
        account: Address,
        /// What is there.
        have: Wei,
        /// What the next transaction may take.
        need: Wei,
    },
    /// The chain asks for more than one is ready to pay.
    #[error("gas costs {base_fee} each at least, and the limit is {limit}")]
    FeeTooHigh {
        /// What the next block asks for.
        base_fee: Wei,
        /// The most that may be paid.
        limit: Wei,
    },
    /// Somebody uses the account for something else.
    #[error(
        "account {account} has transactions under way that are not of this anchor: wait for them, or give the anchor an account of its own"
    )]
    AccountBusy {
        /// Whose.
        account: Address,
    },
    /// The batch before is not in a block yet.
    #[error("batch {batch} is under way and in no block yet: hand in what follows it later")]
    Waiting {
        /// The one before.
        batch: BatchId,
    },
    /// So many are not final that no more are sent.
    #[error("{most} batches are not final yet: wait for the first of them")]
    TooManyUnfinal {
        /// The most there may be.
        most: usize,
    },
    /// The transaction failed, though it should not have.
    #[error("transaction {transaction} failed on the chain")]
    Reverted {
        /// Which.
        transaction: String,
    },
    /// What is under way could not be read.
    #[error("{} is not what this anchor wrote ({reason}): remove it, and what is under way is found on the chain", path.display())]
    BadFlights {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// What is under way is of another account, contract, chain or node.
    #[error("{} is of another account, contract, chain or node", path.display())]
    OtherFlights {
        /// The file.
        path: PathBuf,
    },
    /// Another process has this anchor open.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file system failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// What any anchor refuses.
    #[error(transparent)]
    Anchor(#[from] anchor::Error),
}

impl Error {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Endpoint { .. }
            | Self::NoTls { .. }
            | Self::BadAddress { .. }
            | Self::WrongChain { .. }
            | Self::NoCode { .. }
            | Self::OtherCode { .. }
            | Self::InsufficientFunds { .. }
            | Self::Waiting { .. }
            | Self::OtherFlights { .. } => Fault::Caller,
            Self::Unreachable { .. }
            | Self::Refused { .. }
            | Self::BadReply { .. }
            | Self::FeeTooHigh { .. }
            | Self::AccountBusy { .. }
            | Self::TooManyUnfinal { .. }
            | Self::Reverted { .. }
            | Self::BadFlights { .. }
            | Self::InUse { .. }
            | Self::Io { .. } => Fault::Environment,
            Self::Anchor(error) => error.fault(),
        }
    }
}

impl From<Error> for anchor::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Anchor(error) => error,
            error => Self::Place {
                fault: error.fault(),
                source: Box::new(error),
            },
        }
    }
}
