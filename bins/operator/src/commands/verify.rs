//! `operator verify`: the proof of a call of a plain module.

use super::Context;
use crate::{failure::Failure, files, verifying};
use nonos_machine::Subject;
use nonos_package::limits;
use std::path::PathBuf;

/// Checks the proof of a call of a plain wasm module, and shows what it proves.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// The module.
    #[arg(long, value_name = "FILE")]
    wasm: PathBuf,
    #[command(flatten)]
    options: verifying::Options,
}

impl Verify {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let wasm = files::read(&self.wasm, limits::MODULE_BYTES as u64)?;
        self.options.verify(&Subject::Module(wasm.into()), context)
    }
}
