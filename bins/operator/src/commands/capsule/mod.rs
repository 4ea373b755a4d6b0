//! `operator capsule …`

mod build;
mod inspect;
mod prove;
mod run;
mod verify;

use super::Context;
use crate::{failure::Failure, files};
use nonos_package::{Package, limits};
use std::path::{Path, PathBuf};

use crate::files::INPUT_BYTES;

/// What to do with a capsule.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Packs a built module and its manifest, signed by its author.
    Build(build::Build),
    /// Checks a package and shows what it says.
    Inspect(inspect::Inspect),
    /// Runs a capsule in the sandbox.
    Run(run::Run),
    /// Runs a capsule and proves the run.
    Prove(prove::Prove),
    /// Checks the proof of a run, and shows what it proves.
    Verify(verify::Verify),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Build(command) => command.run(context),
            Self::Inspect(command) => command.run(context),
            Self::Run(command) => command.run(context),
            Self::Prove(command) => command.run(context),
            Self::Verify(command) => command.run(context),
        }
    }
}

/// The tapes that enter a run.
#[derive(Debug, clap::Args)]
struct InputFiles {
    /// Public input ("-" for stdin) [default: none].
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Messages of the capsule's channel, as one tape [default: none].
    #[arg(long, value_name = "FILE")]
    inbound: Option<PathBuf>,
}

impl InputFiles {
    fn read(&self) -> Result<nonos_capsule::Inputs, Failure> {
        Ok(nonos_capsule::Inputs {
            input: files::read_if_given(self.input.as_ref(), INPUT_BYTES)?,
            sealed: None,
            inbound: files::read_if_given(self.inbound.as_ref(), INPUT_BYTES)?,
        })
    }
}

fn open(path: &Path) -> Result<Package, Failure> {
    Ok(Package::decode(&files::read(
        path,
        limits::PACKAGE_BYTES as u64,
    )?)?)
}
