//! The commands, one file each.

mod capsule;
mod devnet;
mod prove;
mod verify;

use crate::{failure::Failure, output::Output};
use std::path::PathBuf;

pub(crate) use devnet::Error as DevnetError;

/// What every command gets.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where results go.
    pub(crate) output: Output,
    /// Directory of proving parameters, if named.
    pub(crate) params: Option<PathBuf>,
}

impl Context {
    /// Directory of proving parameters.
    #[expect(clippy::disallowed_methods, reason = "the binary reads the environment")]
    pub(crate) fn params(&self) -> Result<PathBuf, Failure> {
        let set = |name| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        self.params
            .clone()
            .or_else(|| Some(set("XDG_CACHE_HOME")?.join("nonos/params")))
            .or_else(|| Some(set("HOME")?.join(".cache/nonos/params")))
            .ok_or(Failure::NoParamsDirectory)
    }
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Packs, inspects, runs, proves and verifies capsules.
    #[command(subcommand)]
    Capsule(capsule::Command),
    /// Proves a call of an exported function of a plain wasm module.
    Prove(prove::Prove),
    /// Checks the proof of such a call, and shows what it proves.
    Verify(verify::Verify),
    Devnet(devnet::Devnet),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Capsule(command) => command.run(context),
            Self::Prove(command) => command.run(context),
            Self::Verify(command) => command.run(context),
            Self::Devnet(command) => command.run(context),
        }
    }
}
