//! `operator capsule new`: a directory to begin with.

use crate::{commands::Context, failure::Failure, files, sdk::SdkError};
use serde::Serialize;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

/// What a capsule is written in.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Language {
    Rust,
    C,
    Wat,
}

/// Makes a directory with a capsule to begin with: manifest, source, a test, its input.
///
/// Nothing that is there is written over.
#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// The capsule's name: a–z, 0–9 and -, beginning with a letter.
    name: String,
    /// What it is written in.
    #[arg(long, value_enum)]
    lang: Language,
    /// The directory [default: the name, here].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct Begun {
    dir: PathBuf,
    files: Vec<PathBuf>,
    /// What to do next, in this order.
    commands: Vec<String>,
    needs: &'static str,
}

macro_rules! template {
    ($name:literal) => {
        include_str!(concat!("../../../templates/capsule/", $name))
    };
}

macro_rules! guest {
    ($name:literal) => {
        (
            concat!("nonos-guest/", $name),
            include_str!(concat!("../../../../../capsules/sdk/rust/", $name)),
        )
    };
}

/// Those of every capsule.
const ALL: [(&str, &str); 6] = [
    ("manifest.toml", template!("all/manifest.toml")),
    ("README.md", template!("all/README.md")),
    (".gitignore", template!("all/gitignore")),
    ("tests/hello.toml", template!("all/hello.toml")),
    ("inputs/hello.txt", template!("all/hello.txt")),
    ("inputs/hello.expected", template!("all/hello.expected")),
];

impl Language {
    fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Rust => &[
                ("Cargo.toml", template!("rust/Cargo.toml")),
                ("Cargo.lock", template!("rust/Cargo.lock")),
                ("src/lib.rs", template!("rust/src/lib.rs")),
                guest!("Cargo.toml"),
                guest!("README.md"),
                guest!("src/lib.rs"),
                guest!("src/allocator.rs"),
                guest!("src/host.rs"),
                guest!("src/messages.rs"),
                guest!("src/mock.rs"),
                guest!("src/reader.rs"),
                guest!("src/writer.rs"),
            ],
            Self::C => &[
                ("capsule.c", template!("c/capsule.c")),
                ("nonos.h", include_str!("../../../../../capsules/sdk/c/nonos.h")),
            ],
            Self::Wat => &[("capsule.wat", template!("wat/capsule.wat"))],
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::C => "capsule.c",
            Self::Wat => "capsule.wat",
        }
    }

    fn needs(self) -> &'static str {
        match self {
            Self::Rust => {
                "Rust with its target wasm32-unknown-unknown (rustup target add wasm32-unknown-unknown)"
            }
            Self::C => "clang and lld (Debian: apt-get install clang lld)",
            Self::Wat => "nothing but operator",
        }
    }

    /// Most memory that the manifest grants.
    fn memory(self) -> &'static str {
        match self {
            // Rust puts a page or two of data behind the stack.
            Self::Rust => "1MiB",
            Self::C | Self::Wat => "64KiB",
        }
    }
}

impl New {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let begins = self.name.starts_with(|c: char| c.is_ascii_lowercase());
        if !begins || !self.name.chars().all(good) || self.name.len() > 128 {
            return Err(SdkError::BadName {
                name: self.name.clone(),
            }
            .into());
        }
        let dir = self.dir.clone().unwrap_or_else(|| PathBuf::from(&self.name));
        let begun = Begun {
            commands: commands(&dir, &self.name),
            files: ALL
                .iter()
                .chain(self.lang.files())
                .map(|(name, _)| dir.join(name))
                .collect(),
            needs: self.lang.needs(),
            dir,
        };
        let taken = begun.files.iter().find(|path| path.symlink_metadata().is_ok());
        if let Some(path) = taken {
            return Err(SdkError::Exists { path: path.clone() }.into());
        }
        for ((_, text), path) in ALL.iter().chain(self.lang.files()).zip(&begun.files) {
            write_new(path, &self.filled(text, &begun))?;
        }
        context.output.show(&begun, || {
            let mut table = vec![("directory", begun.dir.display().to_string())];
            table.extend(begun.files.iter().map(|path| ("", path.display().to_string())));
            table.push(("needs", begun.needs.to_owned()));
            let first = begun.commands.iter().take(1).map(|it| ("then", it.clone()));
            table.extend(first);
            table.extend(begun.commands.iter().skip(1).map(|it| ("", it.clone())));
            table
        })
    }

    fn filled(&self, text: &str, begun: &Begun) -> String {
        text.replace("@NAME@", &self.name)
            .replace("@SOURCE@", &format!("`{}`", self.lang.source()))
            .replace("@NEEDS@", begun.needs)
            .replace("@MEM@", self.lang.memory())
            .replace("@COMMANDS@", &commands(Path::new("."), &self.name).join("\n"))
    }
}

/// From the source to a proof that verifies.
fn commands(dir: &Path, name: &str) -> Vec<String> {
    let at = |file: &str| dir.join(file).display().to_string();
    let (here, package, input) = (dir.display(), at(&format!("{name}.mod")), at("inputs/hello.txt"));
    vec![
        format!("operator capsule test {here}"),
        format!(
            "operator capsule build {here} --new-key {} -o {package}",
            at("author.key")
        ),
        format!("operator capsule run {package} --input {input}"),
        format!(
            "operator capsule prove {package} --input {input} -o {}",
            at("proof.bin")
        ),
        format!("operator capsule verify {package} {}", at("proof.bin")),
    ]
}

/// Writes a file that must not be there.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let fail = |source| Failure::File {
        action: "create",
        path: path.to_owned(),
        source,
    };
    if let Some(parent) = path.parent() {
        files::make_directory(parent)?;
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(fail)?;
    file.write_all(text.as_bytes()).map_err(fail)
}
