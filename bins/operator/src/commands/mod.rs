//! The commands, one file each.

mod bundle;
mod capsule;
pub(crate) mod config;
mod dashboard;
mod devnet;
mod docs;
mod doctor;
mod init;
mod job;
mod key;
mod ledger;
mod peers;
mod profile;
mod prove;
mod receipt;
mod report;
mod roles;
mod run;
mod segment;
mod service;
mod settle;
mod status;
mod trust;
mod verify;
mod why_not;

use crate::{failure::Failure, files, output::Output};
use std::path::PathBuf;

pub(crate) use devnet::Error as DevnetError;
pub(crate) use settle::Error as SettleError;

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
    pub(crate) fn params(&self) -> Result<PathBuf, Failure> {
        self.params
            .clone()
            .or_else(|| Some(files::environment("XDG_CACHE_HOME")?.join("nonos/params")))
            .or_else(|| Some(files::environment("HOME")?.join(".cache/nonos/params")))
            .ok_or(Failure::NoParamsDirectory)
    }
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Makes a new node.
    Init(init::Init),
    /// Runs the node.
    Run(run::Run),
    /// Prints, checks and shows the configuration.
    #[command(subcommand)]
    Config(config::Command),
    /// Checks that all is there that a node needs, and says what to do where it is not.
    Doctor(doctor::Doctor),
    Report(report::Report),
    /// Shows how the running node is.
    Status(status::Status),
    /// Makes a link to the running node's page.
    Dashboard(dashboard::Dashboard),
    /// Shows the peers of the running node.
    Peers(peers::Peers),
    /// Offers jobs to the mesh, and shows what became of them.
    #[command(subcommand)]
    Job(job::Command),
    /// Takes receipts out of the running node, and checks them anywhere: verified by their proofs, or run again.
    #[command(subcommand)]
    Receipt(receipt::Command),
    /// Shows and verifies the books of the running node.
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// Batches the books, proves the batches, anchors them, and checks those of others.
    #[command(subcommand)]
    Settle(settle::Command),
    /// Shows what the running node thinks of its peers, and why.
    #[command(subcommand)]
    Trust(trust::Command),
    /// Shows what the running node does for others, and why.
    #[command(subcommand)]
    Roles(roles::Command),
    /// Shows, backs up and restores the node's key, and changes its passphrase.
    #[command(subcommand)]
    Key(key::Command),
    /// Says why something is not done, and what to do about it.
    WhyNot(why_not::WhyNot),
    /// Shows the machine's profile.
    Profile(profile::Profile),
    /// Carries what the mesh would carry, in files, between nodes that no network joins.
    #[command(subcommand)]
    Bundle(bundle::Command),
    /// Packs, inspects, runs, proves, verifies and publishes capsules.
    #[command(subcommand)]
    Capsule(capsule::Command),
    /// Proves a long run in segments, by several processes or machines.
    #[command(subcommand)]
    Segment(segment::Command),
    /// Proves a call of an exported function of a plain wasm module.
    Prove(prove::Prove),
    /// Checks the proof of such a call, and shows what it proves.
    Verify(verify::Verify),
    Devnet(devnet::Devnet),
    /// Makes the node a service of systemd.
    #[command(subcommand)]
    Service(service::Command),
    /// Prints completions for a shell.
    Completions(docs::Completions),
    /// Prints the manual page.
    Man(docs::Man),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Init(command) => command.run(context),
            Self::Run(command) => command.run(context),
            Self::Config(command) => command.run(context),
            Self::Doctor(command) => command.run(context),
            Self::Report(command) => command.run(context),
            Self::Status(command) => command.run(context),
            Self::Peers(command) => command.run(context),
            Self::Job(command) => command.run(context),
            Self::Receipt(command) => command.run(context),
            Self::Ledger(command) => command.run(context),
            Self::Settle(command) => command.run(context),
            Self::Trust(command) => command.run(context),
            Self::Roles(command) => command.run(context),
            Self::Key(command) => command.run(context),
            Self::WhyNot(command) => command.run(context),
            Self::Profile(command) => command.run(context),
            Self::Bundle(command) => command.run(context),
            Self::Capsule(command) => command.run(context),
            Self::Segment(command) => command.run(context),
            Self::Prove(command) => command.run(context),
            Self::Verify(command) => command.run(context),
            Self::Devnet(command) => command.run(context),
            Self::Dashboard(command) => command.run(context),
            Self::Service(command) => command.run(context),
            Self::Completions(command) => command.run(),
            Self::Man(command) => command.run(context),
        }
    }
}
