//! Compilers: which are here, and the flags by which the same source gives the same bytes.
//!
//! They are started in the source's directory with relative names, without the caller's environment, and without what
//! would put a time or a place into the module. Another version of a compiler may give other bytes.

use super::{SdkError, Source};
use crate::files;
use nonos_package::limits;
use std::{
    ffi::OsStr,
    fmt, fs, io,
    path::Path,
    process::{Command, Output},
};

/// A compiler that was found, with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Toolchain {
    /// Of C, and its linker.
    Clang { clang: String, lld: String, wasi: bool },
    /// Of Rust.
    Rust { rustc: String },
    /// Of text; in this program.
    Wat,
}

const CLANG: &str = "clang";
const LLD: &str = "wasm-ld";
const RUSTC: &str = "rustc";
const CARGO: &str = "cargo";
const WASM: &str = "wasm32-unknown-unknown";

/// Nothing beyond WebAssembly 1.0.
const C: [&str; 8] = [
    "-mcpu=mvp",
    "-mno-bulk-memory",
    "-std=c11",
    "-O2",
    "-Wall",
    "-Wextra",
    // `__DATE__` and `__TIME__`.
    "-Werror=date-time",
    "-Wl,--strip-debug",
];
/// A stack of 16 KiB lies below the data, so that an overflow traps.
const C_ALONE: [&str; 8] = [
    "--target=wasm32-unknown-unknown",
    "-nostdlib",
    "-ffreestanding",
    "-fno-builtin",
    "-fvisibility=hidden",
    "-Wl,--no-entry",
    "-Wl,--stack-first",
    "-Wl,-z,stack-size=16384",
];
/// A stack of 64 KiB. `printf` without what floats need, for capsules have none.
const C_WASI: [&str; 3] = [
    "--target=wasm32-wasi",
    "-Wl,--stack-first",
    "-Wl,-z,stack-size=65536",
];
const C_WASI_LIBRARIES: [&str; 1] = ["-lc-printscan-no-floating-point"];

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clang { clang, lld, wasi } => {
                write!(f, "{clang}, {lld}{}", if *wasi { ", wasi-libc" } else { "" })
            }
            Self::Rust { rustc } => f.write_str(rustc),
            Self::Wat => f.write_str("operator, for the text format"),
        }
    }
}

impl Toolchain {
    /// Looks for what compiles this source.
    pub(super) fn find(source: &Source, dir: &Path, wasi: bool) -> Result<Self, SdkError> {
        match source {
            Source::Wat(_) => Ok(Self::Wat),
            Source::C(_) => clang(dir, wasi),
            Source::Rust => rust(dir),
        }
    }

    /// The module that the source gives.
    pub(super) fn compile(&self, source: &Source, dir: &Path) -> Result<Vec<u8>, SdkError> {
        let tool = |source| SdkError::Tool {
            tool: self.tool(),
            source,
        };
        match (self, source) {
            (Self::Clang { wasi, .. }, Source::C(names)) => {
                let out = tempfile::tempdir().map_err(tool)?;
                let wasm = out.path().join("capsule.wasm");
                let mut command = command(CLANG, dir);
                command.args(C);
                if *wasi {
                    command.args(C_WASI);
                } else {
                    command.args(C_ALONE);
                }
                command.arg("-o").arg(&wasm).args(names);
                if *wasi {
                    command.args(C_WASI_LIBRARIES);
                }
                accepted(CLANG, command.output())?;
                module(&wasm).map_err(tool)
            }
            (Self::Rust { .. }, Source::Rust) => cargo(dir),
            (_, Source::Wat(name)) => {
                let text = fs::read_to_string(dir.join(name)).map_err(tool)?;
                nonos_link::assemble(&text).map_err(|error| SdkError::Refused {
                    tool: "the reader of the text format",
                    said: format!("{}: {error}", name.display()),
                })
            }
            _ => unreachable!("a toolchain is found for its source"),
        }
    }

    fn tool(&self) -> &'static str {
        match self {
            Self::Clang { .. } => CLANG,
            Self::Rust { .. } => CARGO,
            Self::Wat => "the reader of the text format",
        }
    }
}

fn clang(dir: &Path, wasi: bool) -> Result<Toolchain, SdkError> {
    let remedy = "install clang and lld (Debian: apt-get install clang lld)";
    let clang = version(CLANG, dir, remedy)?;
    let targets = command(CLANG, dir).arg("--print-targets").output();
    let targets = accepted(CLANG, targets)?;
    if !targets.contains("wasm32") {
        return Err(SdkError::NoTarget {
            tool: CLANG,
            version: clang,
            lacks: "its wasm32 target",
            remedy: "install a clang that has it (Debian's has)",
        });
    }
    let lld = version(LLD, dir, remedy)?;
    if wasi {
        let library = command(CLANG, dir)
            .args(["--target=wasm32-wasi", "--print-file-name=crt1-command.o"])
            .output();
        // A file that it does not find it gives back as it was.
        if !accepted(CLANG, library)?.trim().contains('/') {
            return Err(SdkError::NoTarget {
                tool: CLANG,
                version: clang,
                lacks: "a C library for WASI, which the entry `_start` asks for",
                remedy: "install one (Debian: apt-get install wasi-libc libclang-rt-dev-wasm32)",
            });
        }
    }
    Ok(Toolchain::Clang { clang, lld, wasi })
}

fn rust(dir: &Path) -> Result<Toolchain, SdkError> {
    let remedy = "install Rust (https://rustup.rs)";
    let rustc = version(RUSTC, dir, remedy)?;
    version(CARGO, dir, remedy)?;
    let library = command(RUSTC, dir)
        .args(["--print", "target-libdir", "--target", WASM])
        .output();
    let library = accepted(RUSTC, library)?;
    let is_core = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with("libcore-");
    let has_core = fs::read_dir(library.trim()).is_ok_and(|entries| entries.flatten().any(is_core));
    if !has_core {
        return Err(SdkError::NoTarget {
            tool: RUSTC,
            version: rustc,
            lacks: "its wasm32-unknown-unknown target",
            remedy: "rustup target add wasm32-unknown-unknown",
        });
    }
    Ok(Toolchain::Rust { rustc })
}

fn cargo(dir: &Path) -> Result<Vec<u8>, SdkError> {
    let tool = |source| SdkError::Tool { tool: CARGO, source };
    let dir = fs::canonicalize(dir).map_err(tool)?;
    let out = tempfile::tempdir().map_err(tool)?;
    let home = files::environment("CARGO_HOME").or_else(|| Some(files::environment("HOME")?.join(".cargo")));
    let mut flags = vec![
        "-Cstrip=debuginfo".to_owned(),
        "-Clink-arg=-zstack-size=16384".to_owned(),
        "-Clink-arg=--stack-first".to_owned(),
        format!("--remap-path-prefix={}=capsule", dir.display()),
        format!("--remap-path-prefix={}=target", out.path().display()),
    ];
    flags.extend(home.map(|home| format!("--remap-path-prefix={}=cargo", home.display())));
    let mut command = command(CARGO, &dir);
    command
        .args(["build", "--release", "--lib", "--quiet", "--target", WASM])
        .env("CARGO_TARGET_DIR", out.path())
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    if dir.join("Cargo.lock").exists() {
        command.arg("--locked");
    }
    accepted(CARGO, command.output())?;
    let release = out.path().join(WASM).join("release");
    let mut modules: Vec<_> = fs::read_dir(&release)
        .map_err(tool)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension() == Some(OsStr::new("wasm")))
        .collect();
    match (modules.pop(), modules.is_empty()) {
        (Some(wasm), true) => module(&wasm).map_err(tool),
        _ => Err(SdkError::Refused {
            tool: CARGO,
            said: "its library is no `cdylib`: crate-type = [\"cdylib\"] in [lib]".to_owned(),
        }),
    }
}

/// A module that a compiler wrote.
fn module(path: &Path) -> io::Result<Vec<u8>> {
    // One that is longer is refused when it is packed; this much is enough to see that.
    let limit = limits::MODULE_BYTES as u64 * 4;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(fs::File::open(path)?, limit), &mut bytes)?;
    Ok(bytes)
}

/// A program, to be started in a directory with nothing of the environment but what it needs to find itself.
fn command(tool: &str, dir: &Path) -> Command {
    let mut command = Command::new(tool);
    command.current_dir(dir).env_clear().env("LC_ALL", "C");
    for name in [
        "PATH",
        "HOME",
        "TMPDIR",
        "CARGO_HOME",
        "RUSTUP_HOME",
        "RUSTUP_TOOLCHAIN",
    ] {
        if let Some(value) = files::environment(name) {
            command.env(name, value);
        }
    }
    command
}

/// The first line of what a program says its version is.
fn version(tool: &'static str, dir: &Path, remedy: &'static str) -> Result<String, SdkError> {
    match command(tool, dir).arg("--version").output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SdkError::NoTool { tool, remedy }),
        output => {
            let said = accepted(tool, output)?;
            Ok(said.lines().next().unwrap_or_default().to_owned())
        }
    }
}

/// What a program wrote, if it did what it was to do; what it complains of is passed on.
fn accepted(tool: &'static str, output: io::Result<Output>) -> Result<String, SdkError> {
    let output = output.map_err(|source| SdkError::Tool { tool, source })?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(SdkError::Refused {
            tool,
            said: said.trim_end().to_owned(),
        });
    }
    if !said.is_empty() {
        crate::output::say(said.trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
