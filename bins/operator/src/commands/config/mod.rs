//! `operator config …`: what a node is set to.

mod check;
mod reload;
mod show;

pub(crate) use self::show::settings;
use super::Context;
use crate::{datadir::DataArgs, failure::Failure, files};
use nonos_node::Config;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Longest configuration.
const CONFIG_BYTES: u64 = 1 << 20;

/// What to do with the configuration.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Prints the default configuration, with comments.
    Default,
    /// Says all that is wrong with a configuration: line, column, key, and what to do.
    Check(check::Check),
    /// Makes the running node read its configuration again, and go by it as far as that can be without a restart.
    Reload(reload::Reload),
    /// Shows every setting, and where it comes from: flag, environment, file or default.
    Show(show::Show),
}

#[derive(Serialize)]
struct Text {
    text: &'static str,
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Default => {
                let text = Config::DEFAULT_TEXT;
                context.output.print(&Text { text }, || text.to_owned())
            }
            Self::Check(command) => command.run(context),
            Self::Reload(command) => command.run(context),
            Self::Show(command) => command.run(context),
        }
    }
}

/// Reads a configuration's text.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    files::read_text(path, CONFIG_BYTES)
}

/// The configuration of a data directory.
fn of(data: &DataArgs) -> Result<PathBuf, Failure> {
    Ok(data.path()?.join("config.toml"))
}
