//! The directory of a devnet, and the passphrases of its nodes.

use super::error::Error;
use crate::output::say;
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// Longest path of a unix socket on Linux, without the closing zero.
const SOCKET_PATH: usize = 107;
/// What a node's socket adds to the directory's path, at most.
const SOCKET: &str = "/node-99/run/node.sock";

/// The directory. A temporary one is removed with it.
pub(super) struct Home {
    path: PathBuf,
    temporary: Option<TempDir>,
}

/// Where a node lives.
pub(super) struct Place {
    /// Its data directory.
    pub(super) data: PathBuf,
    /// What it says, where it is a process of its own.
    pub(super) log: PathBuf,
    /// File of its passphrase.
    pub(super) passphrase: PathBuf,
}

impl Home {
    /// Makes or takes up `given`; else a temporary directory.
    pub(super) fn new(given: Option<&Path>) -> Result<Self, Error> {
        let home = match given {
            Some(path) => {
                let path = std::path::absolute(path).map_err(failed("find", path))?;
                check_len(&path)?;
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(&path)
                    .map_err(failed("make", &path))?;
                // The nodes name their data directories without links in them.
                let path = fs::canonicalize(&path).map_err(failed("find", &path))?;
                Self {
                    path,
                    temporary: None,
                }
            }
            None => {
                let temporary = TempDir::with_prefix("nonos-devnet-").map_err(|source| Error::System {
                    action: "make a temporary directory",
                    source,
                })?;
                Self {
                    path: temporary.path().to_owned(),
                    temporary: Some(temporary),
                }
            }
        };
        check_len(&home.path)?;
        Ok(home)
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Will it be removed?
    pub(super) fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// Where a node lives.
    pub(super) fn place(&self, node: usize) -> Place {
        Place {
            data: self.path.join(format!("node-{node}")),
            log: self.path.join(format!("node-{node}.log")),
            passphrase: self.path.join(format!("node-{node}.passphrase")),
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            match temporary.close() {
                Ok(()) => say(&format!("removed {} (--data DIR keeps it)", self.path.display())),
                Err(error) => say(&format!("cannot remove {}: {error}", self.path.display())),
            }
        }
    }
}

impl Place {
    /// Is there a node already?
    pub(super) fn is_taken(&self) -> bool {
        self.data.exists()
    }

    /// The node's passphrase: the one of before, or a new one, in a file that only its owner can read. It is there
    /// before the node is, so that no node is ever without.
    pub(super) fn passphrase(&self, entropy: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>, Error> {
        match fs::read(&self.passphrase) {
            Ok(text) => Ok(Zeroizing::new(Zeroizing::new(text).trim_ascii_end().to_vec())),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_taken() => {
                Err(Error::PassphraseGone {
                    file: self.passphrase.clone(),
                    node: self.data.clone(),
                })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = Zeroizing::new(hex::encode(entropy));
                OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&self.passphrase)
                    .and_then(|mut file| {
                        file.write_all(text.as_bytes())?;
                        file.sync_all()
                    })
                    .map_err(failed("write", &self.passphrase))?;
                Ok(Zeroizing::new(text.as_bytes().to_vec()))
            }
            Err(error) => Err(failed("read", &self.passphrase)(error)),
        }
    }
}

fn check_len(path: &Path) -> Result<(), Error> {
    let limit = SOCKET_PATH - SOCKET.len();
    if path.as_os_str().len() > limit {
        let path = path.to_owned();
        return Err(Error::LongPath { path, limit });
    }
    Ok(())
}

/// This failed on that path.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::File {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_passphrase_is_made_once_and_readable_by_its_owner_only() {
        let home = Home::new(None).expect("makes a directory");
        let place = home.place(0);
        let first = place.passphrase(&[1; 32]).expect("writes it");
        assert_eq!(*first, "01".repeat(32).into_bytes());
        assert_eq!(place.passphrase(&[2; 32]).expect("reads it"), first);
        let mode = fs::metadata(&place.passphrase)
            .expect("is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_node_whose_passphrase_is_gone_gets_no_other() {
        let home = Home::new(None).expect("makes a directory");
        let place = home.place(0);
        fs::create_dir(&place.data).expect("makes a directory");
        let refused = place.passphrase(&[1; 32]).expect_err("there is a node");
        assert!(matches!(refused, Error::PassphraseGone { .. }), "{refused}");
        assert!(!place.passphrase.exists());
    }

    #[test]
    fn a_directory_is_refused_if_its_sockets_would_have_too_long_a_path() {
        let home = Home::new(None).expect("makes a directory");
        let limit = SOCKET_PATH - SOCKET.len();
        let fill = |len: usize| {
            home.path()
                .join("x".repeat(len - home.path().as_os_str().len() - 1))
        };
        assert!(Home::new(Some(&fill(limit))).is_ok());
        let refused = Home::new(Some(&fill(limit + 1))).err().expect("too long");
        assert!(matches!(refused, Error::LongPath { .. }), "{refused}");
        assert!(!fill(limit + 1).exists());
    }
}
