//! `operator capsule …`

mod build;
mod explain;
mod inspect;
mod messages;
mod new;
mod plan;
mod prove;
mod publish;
mod run;
mod test;
mod verify;

pub(crate) use publish::publish;

use super::Context;
use crate::{failure::Failure, files, sealing::SealedArgs};
use nonos_capsule::Claim;
use nonos_package::{Package, limits};
use nonos_types::{Assignment, Attempt, JobId, NetworkId, NodeId, Slot};
use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::files::INPUT_BYTES;

/// What to do with a capsule.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Makes a directory with a capsule to begin with.
    New(new::New),
    /// Packs a module or what source compiles to, and its manifest, signed by its author.
    Build(build::Build),
    /// Runs a capsule's tests, in the sandbox and in the provable machine.
    Test(test::Test),
    /// Checks a package and shows what it says.
    Inspect(inspect::Inspect),
    /// Runs a capsule in the sandbox.
    Run(run::Run),
    /// Predicts what a proof of a run would take, from a dry run.
    Plan(plan::Plan),
    /// Shows where a run spends its steps, rows and fuel.
    Explain(explain::Explain),
    /// Runs a capsule and proves the run.
    Prove(prove::Prove),
    /// Checks the proof of a run, and shows what it proves.
    Verify(verify::Verify),
    /// Gives a package to the running node, for the mesh.
    Publish(publish::Publish),
    /// Lists what runs of a capsule have said, or writes it.
    Messages(messages::Messages),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::New(command) => command.run(context),
            Self::Build(command) => command.run(context),
            Self::Test(command) => command.run(context),
            Self::Explain(command) => command.run(context),
            Self::Inspect(command) => command.run(context),
            Self::Run(command) => command.run(context),
            Self::Plan(command) => command.run(context),
            Self::Prove(command) => command.run(context),
            Self::Verify(command) => command.run(context),
            Self::Publish(command) => command.run(context),
            Self::Messages(command) => command.run(context),
        }
    }
}

/// The tapes that enter a run.
#[derive(Debug, clap::Args)]
pub(crate) struct InputFiles {
    /// Public input ("-" for stdin) [default: none].
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Messages of the capsule's channel, as one tape [default: none].
    #[arg(long, value_name = "FILE")]
    inbound: Option<PathBuf>,
    #[command(flatten)]
    sealed: SealedArgs,
}

/// What a run is for. A run outside of any job needs none of this, and uses no nonce up.
#[derive(Debug, clap::Args)]
pub(crate) struct AssignmentArgs {
    /// The job that the run is for.
    #[arg(long, value_name = "HEX", requires_all = ["executor", "data"])]
    job: Option<JobId>,
    /// Name of the job's network.
    #[arg(long, value_name = "NAME", requires = "job", default_value = "local")]
    network: String,
    /// Position of the executor in the job.
    #[arg(long, value_name = "N", requires = "job", default_value_t = 0)]
    slot: u16,
    /// How often this executor has tried before.
    #[arg(long, value_name = "N", requires = "job", default_value_t = 0)]
    attempt: u32,
    /// Public key of the executor.
    #[arg(long, value_name = "HEX", requires = "job")]
    executor: Option<NodeId>,
    /// Directory of this node's data, where used nonces are recorded.
    #[arg(long, value_name = "DIR", requires = "job", env = "NONOS_DATA")]
    data: Option<PathBuf>,
}

impl AssignmentArgs {
    /// Uses the nonce up, durably, before the run.
    pub(crate) fn claim(&self) -> Result<Claim, Failure> {
        let (Some(job), Some(executor), Some(data)) = (self.job, self.executor, &self.data) else {
            return Ok(Claim::outside_jobs());
        };
        let assignment = Assignment {
            network: NetworkId::named(&self.network),
            job,
            slot: Slot::new(self.slot),
            executor,
            attempt: Attempt::new(self.attempt),
        };
        fs::create_dir_all(data).map_err(|source| Failure::File {
            action: "create",
            path: data.clone(),
            source,
        })?;
        let store = nonos_node::open_store(&data.join("db"))?;
        Ok(Claim::new(&*store, assignment)?)
    }
}

impl InputFiles {
    pub(crate) fn read(&self) -> Result<nonos_capsule::Inputs, Failure> {
        Ok(nonos_capsule::Inputs {
            input: files::read_if_given(self.input.as_ref(), INPUT_BYTES)?,
            sealed: self.sealed.read()?,
            inbound: files::read_if_given(self.inbound.as_ref(), INPUT_BYTES)?,
        })
    }
}

/// Bytes of a package file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    files::read(path, limits::PACKAGE_BYTES as u64)
}

pub(crate) fn open(path: &Path) -> Result<Package, Failure> {
    Ok(Package::decode(&read(path)?)?)
}
