//! The project's figures, as the tables of `benches/README.md`:
//!
//! ```text
//! cargo bench -p nonos-benches --bench figures [-- proofs|batch|execution|density|loading|stark|profile …]
//! ```
//!
//! Every row whose memory counts is a process of its own, this program again with the arguments of
//! [`proofs::CHILDREN`] or [`stark::CHILD`]: a process's peak never falls.

mod child;
mod density;
mod execution;
mod plain;
mod profile;
mod programs;
mod proofs;
mod report;
mod samples;
mod spans;
mod stark;

use std::process::ExitCode;

use report::{Result, title};

const TABLES: [&str; 7] = [
    "proofs",
    "batch",
    "execution",
    "density",
    "loading",
    "stark",
    "profile",
];

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::speak(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    if let Some(child) = arguments
        .first()
        .filter(|a| proofs::CHILDREN.contains(&a.as_str()))
    {
        return proofs::child(child, &arguments[1..]);
    }
    if arguments.first().is_some_and(|a| a == stark::CHILD) {
        return stark::child(&arguments[1..]);
    }
    if let Some(unknown) = arguments.iter().find(|a| !TABLES.contains(&a.as_str())) {
        return Err(format!("no table `{unknown}`; there are {}", TABLES.join(", ")).into());
    }
    let wanted = |table: &str| arguments.is_empty() || arguments.iter().any(|a| a == table);
    report::machine()?;
    if wanted("proofs") || wanted("batch") {
        let made = proofs::Made::new()?;
        if wanted("proofs") {
            title("Proofs");
            made.proofs()?;
        }
        if wanted("batch") {
            title("Batches");
            made.batches()?;
        }
    }
    if wanted("execution") {
        title("Programs");
        execution::programs()?;
        title("Execution");
        execution::speeds()?;
    }
    if wanted("density") {
        title("Density");
        density::density()?;
    }
    if wanted("loading") {
        title("Loading");
        execution::loading()?;
    }
    if wanted("stark") {
        title("Both backends");
        stark::figures()?;
    }
    if wanted("profile") {
        title("Profile");
        profile::profile()?;
    }
    title("Afterwards");
    report::load("at the end")
}
