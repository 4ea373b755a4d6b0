//! The commands, one file each.

mod capsule;

use crate::{failure::Failure, output::Output};
use std::path::PathBuf;

/// What every command gets.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where results go.
    pub(crate) output: Output,
    /// Directory of this node's data, if named.
    pub(crate) data: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Packs, inspects, runs, proves and verifies capsules.
    #[command(subcommand)]
    Capsule(capsule::Command),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Capsule(command) => command.run(context),
        }
    }
}
