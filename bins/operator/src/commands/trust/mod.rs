//! `operator trust …`: what a running node thinks of its peers, and why.

mod block;
mod check;
mod evidence;
mod explain;
mod export;
mod list;
mod unblock;

use super::Context;
use crate::failure::Failure;

/// What to do about trust.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Shows the standing of every peer.
    List(list::List),
    /// Shows what one peer's scores rest on.
    Explain(explain::Explain),
    /// Shows or exports evidence against a peer.
    Evidence(evidence::Evidence),
    /// Writes what is thought of every peer, and why, for people to look at.
    Export(export::Export),
    /// Judges exported evidence, offline: no node is asked.
    Check(check::Check),
    /// Puts a peer on the blacklist: your own decision.
    Block(block::Block),
    /// Takes a peer off the blacklist.
    Unblock(unblock::Unblock),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(context),
            Self::Explain(command) => command.run(context),
            Self::Evidence(command) => command.run(context),
            Self::Export(command) => command.run(context),
            Self::Check(command) => command.run(context),
            Self::Block(command) => command.run(context),
            Self::Unblock(command) => command.run(context),
        }
    }
}
