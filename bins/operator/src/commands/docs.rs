//! `operator completions` and `operator man`: what shells and people read about this program.

use super::Context;
use crate::failure::Failure;
use clap::CommandFactory as _;
use std::{
    io::{self, Write as _},
    path::PathBuf,
};

/// Prints completions of the commands for a shell.
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// Which shell.
    shell: clap_complete::Shell,
}

impl Completions {
    /// Does it.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut crate::Cli::command(), "operator", &mut text);
        print(&text)
    }
}

/// Prints the manual page, or writes one for each command.
#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// Writes `operator.1`, `operator-init.1` and so on to this directory, instead.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

impl Man {
    /// Does it.
    pub(crate) fn run(&self, _: &Context) -> Result<(), Failure> {
        let command = crate::Cli::command();
        let Some(directory) = &self.to else {
            let mut text = Vec::new();
            let rendered = clap_mangen::Man::new(command).render(&mut text);
            rendered.map_err(Failure::Stdout)?;
            return print(&text);
        };
        clap_mangen::generate_to(command, directory).map_err(|source| Failure::File {
            action: "write manual pages to",
            path: directory.clone(),
            source,
        })
    }
}

fn print(text: &[u8]) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text) {
        // Who reads no further wants no more.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(Failure::Stdout),
    }
}
