//! `operator trust …`: what a running node thinks of its peers, and why.

mod check;
mod evidence;
mod explain;
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
    /// Judges exported evidence, offline: no node is asked.
    Check(check::Check),
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
            Self::Check(command) => command.run(context),
            Self::Unblock(command) => command.run(context),
        }
    }
}
