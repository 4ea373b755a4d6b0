//! From what an author wrote to a module that can be packed.

mod cases;
mod error;
mod source;
mod toolchain;

pub(crate) use cases::{Case, read as cases};
pub(crate) use error::SdkError;
use source::Source;
use toolchain::Toolchain;

use crate::{failure::Failure, files};
use nonos_link::{ENTRY, Names};
use nonos_package::{HostSet, limits};
use std::path::{Path, PathBuf};

/// What a directory's manifest says that decides how its source is compiled.
#[derive(Debug, serde::Deserialize)]
struct Said {
    exec: Exec,
    #[serde(default)]
    host: Host,
}

#[derive(Debug, serde::Deserialize)]
struct Exec {
    entry: String,
}

#[derive(Debug, Default, serde::Deserialize)]
struct Host {
    #[serde(default)]
    calls: Vec<String>,
}

/// A module, and where it comes from.
pub(crate) struct Made {
    pub(crate) manifest: String,
    pub(crate) wasm: Vec<u8>,
    /// The tool that compiled it, with its version; none for a module that was there.
    pub(crate) toolchain: Option<String>,
    /// What of WASI was bound.
    pub(crate) wasi: Vec<String>,
}

/// Which of a directory's files are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// `capsule.wasm`, if it is there; else the source.
    Any,
    /// The source.
    Source,
}

/// The module of a directory, with what it needs of WASI linked in.
pub(crate) fn make(dir: &Path, take: Take, names: Names) -> Result<Made, Failure> {
    let manifest = files::read_text(&dir.join("manifest.toml"), limits::MANIFEST_BYTES as u64)?;
    // What else is wrong with it is said when it is packed.
    let said: Option<Said> = toml::from_str(&manifest).ok();
    let is_wasi = said.as_ref().is_some_and(|said| said.exec.entry == ENTRY);
    let built = dir.join("capsule.wasm");
    let (wasm, toolchain) = if take == Take::Any && built.exists() {
        (files::read(&built, limits::MODULE_BYTES as u64)?, None)
    } else {
        let source = Source::find(dir)?;
        let toolchain = Toolchain::find(&source, dir, is_wasi)?;
        let wasm = toolchain.compile(&source, dir)?;
        let wasm = nonos_link::strip(&wasm, names).map_err(SdkError::Link)?;
        (wasm, Some(toolchain.to_string()))
    };
    let linked = nonos_link::link(&wasm).map_err(SdkError::Link)?;
    let (wasm, wasi) = match linked {
        None => (wasm, Vec::new()),
        Some(linked) => {
            admit(said.as_ref(), linked.host_calls)?;
            (linked.wasm, linked.replaced)
        }
    };
    Ok(Made {
        manifest,
        wasm,
        toolchain,
        wasi,
    })
}

/// What was linked in needs the manifest's leave.
fn admit(said: Option<&Said>, needed: HostSet) -> Result<(), SdkError> {
    let Some(said) = said else { return Ok(()) };
    if said.exec.entry != ENTRY {
        return Err(SdkError::WasiEntry {
            entry: said.exec.entry.clone(),
        });
    }
    let missing: Vec<String> = needed
        .iter()
        .map(|call| call.to_string())
        .filter(|call| !said.host.calls.contains(call))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(SdkError::WasiCalls { missing })
    }
}

/// A path in a directory of somebody's, for people.
pub(crate) fn shown(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    names.join(", ")
}
