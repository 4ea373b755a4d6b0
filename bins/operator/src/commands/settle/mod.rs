//! `operator settle …`: batches of the node's books, their proofs, and the anchor.

mod account;
mod acknowledge;
mod anchor;
mod batch;
mod countersign;
mod deploy;
mod error;
mod export;
mod prove;
mod status;
mod verify;
mod work;

use super::Context;
use crate::failure::Failure;

pub(crate) use error::Error;
pub(super) use status::stages;

/// What to do with batches.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Makes a batch of the entries that are in none.
    Batch(batch::Batch),
    /// Proves batches that are not proved.
    Prove(prove::Prove),
    /// Hands proved batches in where the configuration says.
    Anchor(anchor::Anchor),
    /// Shows how much is pending, submitted and final, and every batch.
    Status(status::Status),
    /// Writes a batch with its proofs to a file, for anybody to check.
    Export(export::Export),
    /// Checks such files, offline: no node is asked.
    Verify(verify::Verify),
    /// Countersigns, as a witness, what is in another node's anchor file.
    Countersign(countersign::Countersign),
    /// Takes what witnesses have countersigned.
    Acknowledge(acknowledge::Acknowledge),
    /// The account that anchors on a chain.
    #[command(subcommand)]
    Account(account::Command),
    /// Puts the contract on a chain, once.
    Deploy(deploy::Deploy),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Batch(command) => command.run(context),
            Self::Prove(command) => command.run(context),
            Self::Anchor(command) => command.run(context),
            Self::Status(command) => command.run(context),
            Self::Export(command) => command.run(context),
            Self::Verify(command) => command.run(context),
            Self::Countersign(command) => command.run(context),
            Self::Acknowledge(command) => command.run(context),
            Self::Account(command) => command.run(context),
            Self::Deploy(command) => command.run(context),
        }
    }
}
