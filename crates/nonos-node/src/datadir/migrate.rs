//! From the formats of older programs to this one's.
//!
//! A step changes a few files, which are named. Copies of them are put aside, whole, before it begins, and removed when
//! the new format is written, which is the last thing: whenever it is cut off, the next start puts the copies back and
//! begins again. A step must not touch anything else, so that the data are those of the old format until then.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read as _},
    path::{Path, PathBuf},
};

use nonos_trust::keystore;
use nonos_types::NodeId;

use super::{DataDirError, FORMAT, about::About, format_file, make_dir, put, sync_dir};
use crate::{database::Database, node};

/// Longest file that a step may change.
const MAX_COPY: u64 = 1 << 20;

/// From one format to the next.
struct Step {
    from: u32,
    /// The files that it changes or makes, in the data directory.
    files: &'static [&'static str],
    apply: fn(&Path, Whose) -> Result<(), DataDirError>,
}

/// Whose data they should be.
#[derive(Clone, Copy)]
pub(super) enum Whose {
    /// Of the key that is there.
    Keystore,
    /// Of this node, whose key is to be put back.
    Node(NodeId),
}

const STEPS: [Step; 1] = [Step {
    from: 1,
    files: &["data.toml"],
    apply: name_the_node,
}];

/// How far a migration is; told as it goes, so that a test can see what is there then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(super) enum Done {
    Copied,
    Applied,
    Written,
    Removed,
}

/// Brings data of format `found` to this program's.
pub(super) fn migrate(
    path: &Path,
    found: u32,
    whose: Whose,
    done: &mut dyn FnMut(Done),
) -> Result<(), DataDirError> {
    // Left by one that had written the new format already.
    remove(&aside(path, found))?;
    for step in STEPS.iter().filter(|step| step.from >= found) {
        let aside = aside(path, step.from + 1);
        if aside.exists() {
            put_back(path, &aside, step.files)?;
        } else {
            copy(path, &aside, step.files)?;
        }
        done(Done::Copied);
        (step.apply)(path, whose)?;
        done(Done::Applied);
        put(&format_file(path), format!("{}\n", step.from + 1).as_bytes())?;
        done(Done::Written);
        remove(&aside)?;
        done(Done::Removed);
    }
    Ok(())
}

/// Formats 1 to 2: the data say whose they are, and which store keeps them; so another key, or another store, is refused
/// before anything is read or signed.
fn name_the_node(path: &Path, whose: Whose) -> Result<(), DataDirError> {
    let key = match whose {
        Whose::Keystore => keystore::public_key(&path.join("keys/node.key"))?,
        Whose::Node(node) => node,
    };
    let database = path.join("db");
    let mut store = Database::DEFAULT;
    if database.exists() {
        // Format 1 knew no other.
        store = Database::Rocksdb;
        let store = store.open(&database)?;
        let data = node::whose(&*store).map_err(|source| DataDirError::Unreadable {
            path: database,
            source,
        })?;
        if let Some(data) = data.filter(|data| *data != key) {
            return Err(DataDirError::OtherNode {
                path: path.to_owned(),
                data,
                key,
            });
        }
    }
    About { node: key, store }.write(path)
}

/// Where the files are kept that a step to this format changes.
fn aside(path: &Path, to: u32) -> PathBuf {
    path.join(format!("before-format-{to}"))
}

/// Copies of those files that there are, whole, or none.
fn copy(path: &Path, aside: &Path, files: &[&str]) -> Result<(), DataDirError> {
    let begun = aside.with_extension("new");
    remove(&begun)?;
    make_dir(&begun)?;
    for name in files {
        let from = path.join(name);
        let mut bytes = Vec::new();
        match File::open(&from).and_then(|file| file.take(MAX_COPY + 1).read_to_end(&mut bytes)) {
            Ok(_) if bytes.len() as u64 > MAX_COPY => {
                return Err(DataDirError::io("copy", &from)(
                    io::ErrorKind::FileTooLarge.into(),
                ));
            }
            Ok(_) => put(&begun.join(name), &bytes)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(DataDirError::io("copy", &from)(error)),
        }
    }
    fs::rename(&begun, aside).map_err(DataDirError::io("make", aside))?;
    sync_dir(path)
}

fn put_back(path: &Path, aside: &Path, files: &[&str]) -> Result<(), DataDirError> {
    for name in files {
        let (kept, place) = (aside.join(name), path.join(name));
        match fs::read(&kept) {
            Ok(bytes) => put(&place, &bytes)?,
            Err(error) if error.kind() == ErrorKind::NotFound => match fs::remove_file(&place) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(DataDirError::io("remove", &place)(error));
                }
                _ => {}
            },
            Err(error) => return Err(DataDirError::io("read", &kept)(error)),
        }
    }
    sync_dir(path)
}

fn remove(directory: &Path) -> Result<(), DataDirError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(DataDirError::io("remove", directory)(error))
        }
        _ => Ok(()),
    }
}

/// Whether every format before this program's has a way to it.
const _: () = assert!(STEPS.len() as u32 == FORMAT - 1, "each older format has a step");

#[cfg(test)]
mod tests;
