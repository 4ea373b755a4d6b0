//! Files that the node writes for its operator: whole, or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use nonos_types::Fault;

use crate::api::RequestError;

/// Why what belongs into a file is not there to be written.
pub(crate) enum Unwritten {
    /// The disk.
    Io(io::Error),
    /// Something else.
    Refused(RequestError),
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<RequestError> for Unwritten {
    fn from(error: RequestError) -> Self {
        Self::Refused(error)
    }
}

/// Has a file filled beside its place, and moves it there when it is whole and on the disk. Its length, and what `fill`
/// gave.
pub(crate) fn write<T>(
    path: &Path,
    replace: bool,
    fill: impl FnOnce(BufWriter<File>) -> Result<(BufWriter<File>, T), Unwritten>,
) -> Result<(u64, T), RequestError> {
    let cannot = |at: &Path, error: &io::Error| {
        let remedy = match error.kind() {
            io::ErrorKind::AlreadyExists => " (--force writes over it)",
            _ => "",
        };
        let message = format!("cannot write {}: {error}{remedy}", at.display());
        refusal(message, fault(error))
    };
    if !replace && path.symlink_metadata().is_ok() {
        return Err(cannot(path, &io::ErrorKind::AlreadyExists.into()));
    }
    let Some(name) = path.file_name() else {
        return Err(cannot(path, &io::ErrorKind::IsADirectory.into()));
    };
    let mut part = name.to_owned();
    part.push(".part");
    let part = path.with_file_name(part);
    let filled = fill_new(&part, fill).map_err(|error| match error {
        Unwritten::Io(error) => cannot(&part, &error),
        Unwritten::Refused(error) => error,
    });
    filled
        .and_then(|done| {
            let placed = place(&part, path, replace).map_err(|error| cannot(path, &error));
            placed.map(|()| done)
        })
        .inspect_err(|_| drop(fs::remove_file(&part)))
}

fn fill_new<T>(
    part: &Path,
    fill: impl FnOnce(BufWriter<File>) -> Result<(BufWriter<File>, T), Unwritten>,
) -> Result<(u64, T), Unwritten> {
    // What is left of one that was not finished; and a link to somewhere else is not followed.
    let _none = fs::remove_file(part);
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(part)?;
    let (mut file, given) = fill(BufWriter::new(file))?;
    file.flush()?;
    let len = file.stream_position()?;
    file.get_ref().sync_all()?;
    Ok((len, given))
}

/// Moves a file that is on the disk to its place.
fn place(part: &Path, path: &Path, replace: bool) -> io::Result<()> {
    if !replace {
        // Fails if something has come there since; hard links, which would say so, are not to be had on every stick.
        File::create_new(path)?;
    }
    fs::rename(part, path).inspect_err(|_| {
        if !replace {
            let _gone = fs::remove_file(path);
        }
    })?;
    let directory = path.parent().expect("the path of a file is in a directory");
    File::open(directory)?.sync_all()
}

/// The node's working directory is not that of whoever asks. `what` is what the file is.
pub(crate) fn absolute(path: &str, what: &str) -> Result<PathBuf, RequestError> {
    let path = PathBuf::from(path);
    if path.is_absolute() {
        Ok(path)
    } else {
        let message = format!("{}: the node needs a {what}'s absolute path", path.display());
        Err(refusal(message, Fault::Caller))
    }
}

/// A file that is named and not there, or no file, is the caller's matter.
pub(crate) fn fault(error: &io::Error) -> Fault {
    use io::ErrorKind::{AlreadyExists, InvalidInput, IsADirectory, NotADirectory, NotFound};
    match error.kind() {
        AlreadyExists | InvalidInput | IsADirectory | NotADirectory | NotFound => Fault::Caller,
        _ => Fault::Environment,
    }
}

pub(crate) fn refusal(message: String, fault: Fault) -> RequestError {
    RequestError::new(&Words(message), fault)
}

/// An error that is words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Words(String);
