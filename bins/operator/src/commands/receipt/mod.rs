//! `operator receipt …`: a node's signed word for a run, in a file, and what can be checked of it without a node.

mod export;
mod replay;
mod verify;

use super::{Context, capsule};
use crate::{failure::Failure, files};
use nonos_package::Package;
use nonos_verify::ReceiptFile;
use std::path::PathBuf;

/// What to do with receipts.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Writes a job's receipt to a file, with the proof, the public tapes and the capsule.
    Export(export::Export),
    /// Checks such a file: who signed it, and that the proof shows what it says. Needs no node.
    Verify(verify::Verify),
    /// Runs it again in the sandbox, and compares: also what no proof shows. Needs no node.
    Replay(replay::Replay),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Export(command) => command.run(context),
            Self::Verify(command) => command.run(context),
            Self::Replay(command) => command.run(context),
        }
    }
}

/// A receipt in a file.
#[derive(Debug, clap::Args)]
struct Source {
    /// What `receipt export` wrote.
    file: PathBuf,
    /// The capsule, instead of the one in the file.
    #[arg(long, value_name = "FILE")]
    capsule: Option<PathBuf>,
}

impl Source {
    /// The receipt, whose signature and commitments hold, and the capsule that it names.
    fn read(&self) -> Result<(ReceiptFile, Package), Failure> {
        let file = ReceiptFile::from_bytes(&files::read(&self.file, ReceiptFile::MAX.get())?)?;
        let proven = file.receipt().record.proven.capsule;
        let package = match (&self.capsule, file.package()) {
            (Some(path), _) => capsule::open(path)?,
            (None, Some(bytes)) => Package::decode(bytes)?,
            (None, None) => return Err(Failure::NoCapsule { capsule: proven }),
        };
        let named = package.capsule_hash();
        if named == proven {
            Ok((file, package))
        } else {
            Err(Failure::OtherProgram { proven, named })
        }
    }
}
