//! Why source does not become a module, or a directory of a capsule is not one.

use nonos_types::Fault;
use std::{io, path::PathBuf};

/// Why source does not become a module, or a directory of a capsule is not one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SdkError {
    /// A name that no capsule can have.
    #[error("`{name}` is no capsule's name: a–z, 0–9 and -, beginning with a letter, at most 128")]
    BadName {
        /// It.
        name: String,
    },
    /// Something is there already.
    #[error("{} is there already: nothing was written", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// There is nothing to compile.
    #[error("{} has neither capsule.wasm nor source: a Cargo.toml, or files in C (*.c), or one in text (*.wat)", dir.display())]
    NoSource {
        /// The directory.
        dir: PathBuf,
    },
    /// There is more than one thing to compile.
    #[error("{} has source in more than one language, or several texts: {found}", dir.display())]
    Ambiguous {
        /// The directory.
        dir: PathBuf,
        /// What is there.
        found: String,
    },
    /// A compiler is missing.
    #[error("{tool} is needed and was not found: {remedy}")]
    NoTool {
        /// The program.
        tool: &'static str,
        /// How to get it.
        remedy: &'static str,
    },
    /// A compiler cannot make wasm.
    #[error("{tool} ({version}) is here, but not {lacks}: {remedy}")]
    NoTarget {
        /// The program.
        tool: &'static str,
        /// What it calls itself.
        version: String,
        /// What it lacks.
        lacks: &'static str,
        /// How to get that.
        remedy: &'static str,
    },
    /// A compiler refused the source.
    #[error("{tool} does not compile it:\n{said}")]
    Refused {
        /// The program.
        tool: &'static str,
        /// What it says.
        said: String,
    },
    /// A compiler could not be started or its output not be read.
    #[error("{tool} cannot be run")]
    Tool {
        /// The program.
        tool: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A module that cannot be linked.
    #[error(transparent)]
    Link(nonos_link::Error),
    /// A program for WASI under another entry.
    #[error(
        "the module is a program for WASI, which begins at `_start`, and the manifest's exec.entry is `{entry}`: make it `_start`"
    )]
    WasiEntry {
        /// The manifest's.
        entry: String,
    },
    /// What was linked in makes host calls that the manifest does not allow.
    #[error(
        "what is linked in for WASI calls {}: add to [host] calls in the manifest: {}",
        missing.join(", "),
        missing.iter().map(|call| format!("\"{call}\"")).collect::<Vec<_>>().join(", ")
    )]
    WasiCalls {
        /// Names of the host calls.
        missing: Vec<String>,
    },
    /// A package is not what its source gives.
    #[error("the package is not what its source gives: {} differ{}", parts.join(", "), toolchain.as_ref().map(|it| format!("; compiled by {it}")).unwrap_or_default())]
    NotReproduced {
        /// What differs.
        parts: Vec<&'static str>,
        /// By what it was compiled now.
        toolchain: Option<String>,
    },
    /// A directory without tests.
    #[error("{} has no tests: write tests/*.toml", dir.display())]
    NoCases {
        /// The directory.
        dir: PathBuf,
    },
    /// A file with tests is not one.
    #[error("{}: {detail}", path.display())]
    BadCases {
        /// The file.
        path: PathBuf,
        /// Where, and what.
        detail: String,
    },
    /// Tests failed.
    #[error("{failed} of {cases} cases failed")]
    Failed {
        /// How many.
        failed: usize,
        /// Of how many.
        cases: usize,
    },
    /// Sandbox and machine disagree.
    #[error("the sandbox and the provable machine differ in {cases} cases: please report this")]
    Disagreement {
        /// In how many cases.
        cases: usize,
    },
}

impl SdkError {
    /// Who must act.
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::BadName { .. } | Self::Exists { .. } | Self::NoSource { .. } | Self::Ambiguous { .. } => {
                Fault::Caller
            }
            Self::NoTool { .. } | Self::NoTarget { .. } | Self::Tool { .. } => Fault::Environment,
            Self::NoCases { .. } => Fault::Caller,
            Self::Refused { .. }
            | Self::WasiEntry { .. }
            | Self::WasiCalls { .. }
            | Self::NotReproduced { .. }
            | Self::BadCases { .. }
            | Self::Failed { .. } => Fault::Peer,
            Self::Link(error) => error.fault(),
            Self::Disagreement { .. } => Fault::Bug,
        }
    }
}
