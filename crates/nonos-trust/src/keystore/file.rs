//! Private files: written whole or not at all, never over another, never readable by others.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::{KeystoreError, LEN};

const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// Reads a file of at most a byte more than a keystore has, in a directory that is private, too.
pub(super) fn read_private(path: &Path) -> Result<Vec<u8>, KeystoreError> {
    let failed = failure("read", path);
    // Asked of the path first: to open a pipe would wait for its writer.
    let metadata = fs::metadata(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => KeystoreError::Missing {
            path: path.to_owned(),
        },
        _ => failed(source),
    })?;
    refuse_other_than_file(&metadata)?;
    let directory = directory_of(path);
    let metadata = fs::metadata(directory).map_err(failure("read", directory))?;
    refuse_wide(directory, &metadata, DIRECTORY_MODE)?;

    let file = File::open(path).map_err(&failed)?;
    // And of what was opened: the path may be another's by now.
    let metadata = file.metadata().map_err(&failed)?;
    refuse_other_than_file(&metadata)?;
    refuse_wide(path, &metadata, FILE_MODE)?;
    let mut bytes = Vec::with_capacity(LEN + 1);
    file.take(LEN as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(&failed)?;
    Ok(bytes)
}

/// Refuses a path where anything is, a broken link included.
pub(super) fn refuse_existing(path: &Path) -> Result<(), KeystoreError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(exists(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(failure("look at", path)(source)),
    }
}

/// Writes a new file. `unique` makes the name of the temporary one.
pub(super) fn write_new(path: &Path, unique: &[u8], bytes: &[u8]) -> Result<(), KeystoreError> {
    let directory = directory_of(path);
    make_directory(directory)?;
    let temporary = Temporary::write(temporary_of(path, unique), bytes)?;
    // A link, unlike a rename, is never made over a file that came in the meantime.
    fs::hard_link(&temporary.0, path).map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => failure("create", path)(source),
    })?;
    drop(temporary);
    sync(directory)
}

/// Writes a file in the place of the one that is there, which works until the new one does. `done` is told what has
/// been done, as it is: a test looks what is there then.
pub(super) fn replace(
    path: &Path,
    unique: &[u8],
    bytes: &[u8],
    done: &mut dyn FnMut(Step),
) -> Result<(), KeystoreError> {
    let failed = failure("replace", path);
    let directory = directory_of(path);
    // What was left by one that was cut off before its file was in its place.
    for entry in fs::read_dir(directory).map_err(failure("read", directory))? {
        let name = entry.map_err(failure("read", directory))?.file_name();
        if is_temporary(&name.to_string_lossy()) {
            let left = directory.join(name);
            fs::remove_file(&left).map_err(failure("remove", &left))?;
        }
    }
    done(Step::Cleared);
    let temporary = Temporary::write(temporary_of(path, unique), bytes)?;
    done(Step::Written);
    fs::rename(&temporary.0, path).map_err(&failed)?;
    done(Step::Renamed);
    sync(directory)?;
    done(Step::Synced);
    Ok(())
}

/// How far a file has been replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// No other new file is there.
    Cleared,
    /// The new file is on the disk, under another name.
    Written,
    /// It is in its place.
    Renamed,
    /// And will be after a power cut.
    Synced,
}

/// Refuses a symbolic link.
pub(super) fn refuse_link(path: &Path) -> Result<(), KeystoreError> {
    match fs::symlink_metadata(path) {
        Ok(it) if it.is_symlink() => Err(KeystoreError::Linked {
            path: path.to_owned(),
        }),
        // Whoever reads it says the rest.
        _ => Ok(()),
    }
}

const TEMPORARY: (&str, &str) = (".keystore-", ".new");

fn temporary_of(path: &Path, unique: &[u8]) -> PathBuf {
    let suffix: String = unique.iter().map(|byte| format!("{byte:02x}")).collect();
    directory_of(path).join(format!("{}{suffix}{}", TEMPORARY.0, TEMPORARY.1))
}

fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1)
}

/// Is removed when dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn write(path: PathBuf, bytes: &[u8]) -> Result<Self, KeystoreError> {
        let failed = failure("write", &path);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&path)
            .map_err(&failed)?;
        // From here on it is ours to remove.
        let temporary = Self(path);
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .map_err(failed)?;
        Ok(temporary)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What is left behind is encrypted, private and read by nobody. Of a file that was renamed nothing is.
        let _ = fs::remove_file(&self.0);
    }
}

fn make_directory(directory: &Path) -> Result<(), KeystoreError> {
    let failed = failure("create", directory);
    let is_new = !directory.try_exists().map_err(&failed)?;
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(directory)
        .map_err(&failed)?;
    if is_new {
        sync(directory_of(directory))?;
    }
    let metadata = fs::metadata(directory).map_err(&failed)?;
    refuse_wide(directory, &metadata, DIRECTORY_MODE)
}

fn refuse_other_than_file(metadata: &Metadata) -> Result<(), KeystoreError> {
    if metadata.is_file() {
        Ok(())
    } else {
        Err(KeystoreError::NotAKeystore {
            part: "it is not a regular file",
        })
    }
}

fn refuse_wide(path: &Path, metadata: &Metadata, remedy: u32) -> Result<(), KeystoreError> {
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(KeystoreError::WideMode {
        path: path.to_owned(),
        mode,
        remedy,
    })
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

fn sync(directory: &Path) -> Result<(), KeystoreError> {
    File::open(directory)
        .and_then(|it| it.sync_all())
        .map_err(failure("write", directory))
}

fn exists(path: &Path) -> KeystoreError {
    KeystoreError::Exists {
        path: path.to_owned(),
    }
}

fn failure(action: &'static str, path: &Path) -> impl Fn(io::Error) -> KeystoreError + use<> {
    let path = path.to_owned();
    move |source| KeystoreError::Io {
        action,
        path: path.clone(),
        source,
    }
}
