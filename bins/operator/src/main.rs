//! The operator node's command line: makes and runs a node, asks the one that runs, and works on capsules offline.
//!
//! Data goes to stdout, speech to stderr. The exit code says who must act: see [`failure::Failure`].

mod backend;
mod commands;
mod datadir;
mod duration;
mod failure;
mod files;
mod keys;
mod notify;
mod output;
mod overrides;
mod passphrase;
mod peak;
mod proof_file;
mod proving;
mod sandbox;
mod sdk;
mod sealing;
mod verifying;

use clap::Parser;
use std::{path::PathBuf, process::ExitCode};

/// NØN-OS operator node: runs, proves and verifies capsules in a mesh, and is paid for it.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
struct Cli {
    /// Print results as JSON, one object.
    #[arg(long, global = true)]
    json: bool,
    /// Directory of the proof systems' public parameters, derived once [default: nonos/params in the user's
    /// cache directory].
    #[arg(long, global = true, value_name = "DIR", env = "NONOS_PARAMS")]
    params: Option<PathBuf>,
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    // First of all: capsules run in processes of this program.
    nonos_worker::serve_if_asked();
    let cli = Cli::parse();
    let context = commands::Context {
        output: output::Output::new(cli.json),
        params: cli.params,
    };
    match cli.command.run(&context) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}
