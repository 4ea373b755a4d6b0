//! Files, read with a bound and written whole.

use crate::failure::Failure;
use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// A path in the environment, unless it is empty.
#[expect(clippy::disallowed_methods, reason = "the binary reads the environment")]
pub(crate) fn environment(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Longest input tape.
pub(crate) const INPUT_BYTES: u64 = 64 << 20;

/// Reads a file of at most `limit` bytes; `-` is stdin.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let fail = |source| Failure::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin()
            .lock()
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(fail)?;
    } else {
        fs::File::open(path)
            .map_err(fail)?
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(fail)?;
    }
    if bytes.len() as u64 > limit {
        return Err(Failure::TooLong {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(bytes)
}

/// Reads a file if one is named; else no bytes.
pub(crate) fn read_if_given(path: Option<&PathBuf>, limit: u64) -> Result<Vec<u8>, Failure> {
    path.map_or(Ok(Vec::new()), |path| read(path, limit))
}

/// Reads a text file of at most `limit` bytes.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String, Failure> {
    String::from_utf8(read(path, limit)?).map_err(|_| Failure::NotText {
        path: path.to_owned(),
    })
}

/// Writes a file: whole, or not at all. `-` is stdout.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_as(path, bytes, 0o666)
}

/// Writes a file that only its owner can read; `-` is stdout.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_as(path, bytes, 0o600)
}

fn write_as(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    if path == Path::new("-") {
        return io::stdout().lock().write_all(bytes).map_err(Failure::Stdout);
    }
    whole(path, mode, |file| {
        file.write_all(bytes).map_err(|source| cannot(path, source))
    })
}

/// Refuses a name where anything is, a broken link included.
pub(crate) fn refuse_existing(path: &Path) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Ok(_) => Err(cannot(path, io::ErrorKind::AlreadyExists.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot(path, error)),
    }
}

/// Writes a new file that only its owner can read: whole and on the disk, or not at all, and never over another, also
/// if that came in the meantime. On file systems without links, as memory sticks have, too.
pub(crate) fn write_new_secret(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fail = |source| cannot(path, source);
    let name = path
        .file_name()
        .ok_or_else(|| fail(io::ErrorKind::IsADirectory.into()))?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    refuse_existing(path)?;
    // Of a name of its own, which nobody has put there: `create_new` follows no link.
    let part = tempfile::Builder::new()
        .prefix(name)
        .suffix(".part")
        .tempfile_in(directory)
        .map_err(fail)?;
    let mut file = part.as_file();
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(fail)?;
    part.persist_noclobber(path).map_err(|error| fail(error.error))?;
    let synced = fs::File::open(directory).and_then(|it| it.sync_all());
    synced.map_err(fail)
}

/// Writes a file bit by bit, unless one is there that is not to be replaced. `-` is stdout.
pub(crate) fn stream(
    path: &Path,
    replace: bool,
    fill: impl FnOnce(&mut dyn io::Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if path == Path::new("-") {
        return fill(&mut io::stdout().lock());
    }
    if !replace && path.symlink_metadata().is_ok() {
        return Err(cannot(path, io::ErrorKind::AlreadyExists.into()));
    }
    whole(path, 0o600, fill)
}

fn cannot(path: &Path, source: io::Error) -> Failure {
    Failure::File {
        action: "write",
        path: path.to_owned(),
        source,
    }
}

/// A file that is in its place when it is whole and on the disk, or not at all.
fn whole(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut dyn io::Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let fail = |source| cannot(path, source);
    let mut name = path
        .file_name()
        .ok_or_else(|| fail(io::ErrorKind::IsADirectory.into()))?
        .to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    let mut file = io::BufWriter::new(options.open(&part).map_err(fail)?);
    let written = fill(&mut file).and_then(|()| {
        let whole = file.flush().and_then(|()| file.get_ref().sync_all());
        whole.and_then(|()| fs::rename(&part, path)).map_err(fail)
    });
    written.inspect_err(|_| drop(fs::remove_file(&part)))
}

/// A path as the node needs it, which works in another directory.
pub(crate) fn absolute(file: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(file).map_err(|source| Failure::File {
        action: "find",
        path: file.to_owned(),
        source,
    })?;
    path.into_os_string()
        .into_string()
        .map_err(|_| Failure::BadFileName {
            path: file.to_owned(),
        })
}

/// Makes a directory, if it is not there.
pub(crate) fn make_directory(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|source| Failure::File {
        action: "make",
        path: path.to_owned(),
        source,
    })
}
