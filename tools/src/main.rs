//! `cargo run --manifest-path tools/Cargo.toml -- COMMAND`: what keeps documents in step with the sources.
//!
//! | command | does |
//! |---|---|
//! | `readme [--check]` | writes the README of each crate from the guide in its `lib.rs` |
//! | `links` | looks for dead links, anchors and paths in Markdown and in comments |
//! | `api [--check]` | writes the public API of each crate to `docs/api` |
//! | `benchmarks FIGURES` | writes `docs/benchmarks.md` and its plots from what benchmarks have measured |
//!
//! With `--check` nothing is written, and a difference is a failure.

mod api;
mod benchmarks;
mod coverage;
mod figures;
mod links;
mod markdown;
mod plot;
mod readme;
mod workspace;

use std::{env, io::Write as _, process::ExitCode};

const USAGE: &str = "usage: tools readme [--check] | links | api [--check] | benchmarks FIGURES";

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The command line.
    #[error("{USAGE}")]
    Usage,
    /// A file, or a program that should have been started.
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
    /// What is wrong with the repository, a line each.
    #[error("{}", .0.join("\n"))]
    Wrong(Vec<String>),
}

impl Failure {
    fn io(what: impl ToString) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io {
            what: what.to_string(),
            source,
        }
    }
}

/// Whether a generated file is written, or compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Write,
    Check,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = workspace::root().and_then(|root| match arguments[..] {
        ["readme"] => readme::run(&root, Mode::Write),
        ["readme", "--check"] => readme::run(&root, Mode::Check),
        ["links"] => links::run(&root),
        ["api"] => api::run(&root, Mode::Write),
        ["api", "--check"] => api::run(&root, Mode::Check),
        ["benchmarks", figures] => benchmarks::run(&root, figures.as_ref()),
        _ => Err(Failure::Usage),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody to tell if stderr is closed.
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::FAILURE
        }
    }
}
