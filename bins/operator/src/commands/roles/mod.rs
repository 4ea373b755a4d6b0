//! `operator roles …`: what a running node does for others, and why.

mod explain;
mod list;

use super::Context;
use crate::failure::Failure;

/// What to show of roles.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Shows which roles the node takes, and why.
    List(list::List),
    /// Shows what each role is decided by: inputs, thresholds, the decision, and since when.
    Explain(explain::Explain),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(context),
            Self::Explain(command) => command.run(context),
        }
    }
}
