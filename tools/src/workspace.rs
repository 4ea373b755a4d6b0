//! Where things are.

use crate::{Failure, Mode};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The root of the repository: above this package.
pub(crate) fn root() -> Result<PathBuf, Failure> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .join("..")
        .canonicalize()
        .map_err(Failure::io(package.display()))
}

/// The library crates, by name, in order: the folders of `crates` that have a `lib.rs`.
pub(crate) fn crates(root: &Path) -> Result<Vec<String>, Failure> {
    let folder = root.join("crates");
    let mut names = vec![];
    for entry in fs::read_dir(&folder).map_err(Failure::io(folder.display()))? {
        let entry = entry.map_err(Failure::io(folder.display()))?;
        if entry.path().join("src/lib.rs").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// What Git has, or would have, by paths from the root.
pub(crate) fn files(root: &Path) -> Result<Vec<String>, Failure> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(Failure::io("git"))?;
    if !listed.status.success() {
        return Err(Failure::Wrong(vec!["git ls-files failed".to_owned()]));
    }
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let names = text.split('\0').filter(|name| !name.is_empty());
    // A file that is deleted, and still in the index, is no file.
    let mut names: Vec<String> = names
        .filter(|name| root.join(name).is_file())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// Reads a text file.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(Failure::io(path.display()))
}

/// Writes a generated file, or compares it: `None` if it is as it should be, otherwise what it is now (empty if missing).
pub(crate) fn put(path: &Path, text: &str, mode: Mode) -> Result<Option<String>, Failure> {
    let now = fs::read_to_string(path).unwrap_or_default();
    if now == text {
        return Ok(None);
    }
    match mode {
        Mode::Check => Ok(Some(now)),
        Mode::Write => {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(Failure::io(folder.display()))?;
            }
            fs::write(path, text).map_err(Failure::io(path.display()))?;
            Ok(None)
        }
    }
}
