//! `operator prove`: a call of an exported function of a plain module.

use super::Context;
use crate::{failure::Failure, files, proving, sealing::SealedArgs};
use nonos_capsule::{Claim, Inputs};
use nonos_machine::Subject;
use nonos_package::{instructions, limits};
use nonos_types::Value;
use std::path::PathBuf;

/// Proves a call of an exported function, with integer arguments and result, of a plain wasm module.
///
/// It runs under a fixed policy: 2^30 fuel, 64 MiB of memory, every host call, no mesh messages.
#[derive(Debug, clap::Args)]
pub(crate) struct Prove {
    /// The module.
    #[arg(long, value_name = "FILE")]
    wasm: PathBuf,
    /// The exported function.
    #[arg(long, value_name = "NAME")]
    invoke: String,
    /// Public input tape ("-" for stdin) [default: none].
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    #[command(flatten)]
    sealed: SealedArgs,
    #[command(flatten)]
    options: proving::Options,
    /// Arguments: decimal integers, signed or unsigned.
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Prove {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let wasm = files::read(&self.wasm, limits::MODULE_BYTES as u64)?;
        let arguments = self.arguments(&instructions::check(&wasm)?)?;
        let inputs = Inputs {
            input: files::read_if_given(self.input.as_ref(), files::INPUT_BYTES)?,
            sealed: self.sealed.read()?,
            ..Inputs::default()
        };
        let job = proving::Job {
            subject: Subject::Module(wasm.into()),
            entry: self.invoke.clone(),
            arguments,
            inputs,
        };
        job.prove(|| Ok(Claim::outside_jobs()), &self.options, context)
    }

    /// The arguments, as the function's parameters want them.
    fn arguments(&self, module: &instructions::Module) -> Result<Vec<Value>, Failure> {
        let export = module
            .exports
            .get(&self.invoke)
            .ok_or_else(|| Failure::NoExport {
                entry: self.invoke.clone(),
                exports: module.exports.keys().cloned().collect::<Vec<_>>().join(", "),
            })?;
        let params = &export.signature.params;
        if params.len() != self.arguments.len() {
            return Err(Failure::ArgumentCount {
                entry: self.invoke.clone(),
                expected: params.len(),
                given: self.arguments.len(),
            });
        }
        let parse = |(kind, text): (_, &String)| Ok(Value::parse(kind, text)?);
        params.iter().copied().zip(&self.arguments).map(parse).collect()
    }
}
