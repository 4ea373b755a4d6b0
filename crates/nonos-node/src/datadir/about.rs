//! Whose data these are: a file in the data directory that says so.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use nonos_types::NodeId;
use serde::{Deserialize, Serialize};

use super::{DataDirError, put};
use crate::database::Database;

/// Longest file of these.
const MAX: u64 = 4096;

/// Whose data these are, and which store keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    /// The node.
    pub(super) node: NodeId,
    /// What its database is.
    pub(super) store: Database,
}

pub(super) fn file(directory: &Path) -> PathBuf {
    directory.join("data.toml")
}

impl About {
    pub(super) fn read(directory: &Path) -> Result<Self, DataDirError> {
        let path = file(directory);
        let mut text = String::new();
        let read = File::open(&path).and_then(|file| file.take(MAX).read_to_string(&mut text));
        match read {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(DataDirError::BadFormat { path });
            }
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(DataDirError::BadFormat { path });
            }
            Err(error) => return Err(DataDirError::io("read", &path)(error)),
            Ok(_) => {}
        }
        toml::from_str(&text).map_err(|_| DataDirError::BadFormat { path })
    }

    pub(super) fn write(&self, directory: &Path) -> Result<(), DataDirError> {
        let data = toml::to_string(self).expect("two names");
        let text = format!(
            "# Whose data these are, and what keeps them. Written by the node; not to be changed.\n{data}"
        );
        put(&file(directory), text.as_bytes())
    }
}
