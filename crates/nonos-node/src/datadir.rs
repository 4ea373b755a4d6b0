//! Where a node keeps everything, used by one process at a time.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use nonos_types::Fault;

/// Version of the layout; a newer one is not touched.
const FORMAT: u32 = 1;

/// An open data directory. The lock goes with it.
///
/// ```
/// use nonos_node::{DataDir, DataDirError};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("node");
/// let data = DataDir::create(&path)?;
/// assert!(matches!(DataDir::open(&path), Err(DataDirError::Locked { .. }))); // one process at a time
/// drop(data);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Why a data directory cannot be used. None of these changes anything in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// There is none.
    #[error("{} is not a node's data directory: make one with `operator init`", path.display())]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// There is something where a new one should be made.
    #[error("{} is not empty: a new node needs a new directory, and an old one is never written over", path.display())]
    NotEmpty {
        /// Where.
        path: PathBuf,
    },
    /// Another process uses it.
    #[error("{} is in use by process {pid}: stop that first", path.display())]
    Locked {
        /// Where.
        path: PathBuf,
        /// Who, as far as is known.
        pid: String,
    },
    /// There are data, but the key is gone.
    #[error(
        "{} is missing, but {} has data signed with it: put the keystore back from its backup; a new key would be \
         another node",
        keystore.display(), path.display()
    )]
    KeyMissing {
        /// Where the keystore should be.
        keystore: PathBuf,
        /// The data directory.
        path: PathBuf,
    },
    /// Written by a newer version.
    #[error("{} has format {found}, this program knows up to {known}: use the newer program", path.display())]
    NewerFormat {
        /// Where.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest known.
        known: u32,
    },
    /// The format file is damaged.
    #[error("{} does not say the format of its data: put it back from a backup", path.display())]
    BadFormat {
        /// The file.
        path: PathBuf,
    },
    /// Its path is too long for the socket inside.
    #[error("{} is too long for a unix socket ({len} bytes, at most {limit}): use a shorter data directory", path.display())]
    PathTooLong {
        /// The socket's path.
        path: PathBuf,
        /// Its length.
        len: usize,
        /// Most it may have.
        limit: usize,
    },
    /// The system refuses.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl DataDirError {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Missing { .. } | Self::NotEmpty { .. } | Self::PathTooLong { .. } => Fault::Caller,
            _ => Fault::Environment,
        }
    }

    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// Longest path of a unix socket on Linux, without the closing zero.
const SOCKET_PATH: usize = 107;

impl DataDir {
    /// Makes a new one, mode 0700, and opens it.
    ///
    /// # Errors
    /// [`DataDirError::NotEmpty`] where there is anything already.
    pub fn create(path: &Path) -> Result<Self, DataDirError> {
        if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(DataDirError::NotEmpty {
                path: path.to_owned(),
            });
        }
        Self::check_len(path)?;
        make_dir(path)?;
        for part in ["keys", "capsules", "inputs", "proofs", "run"] {
            make_dir(&path.join(part))?;
        }
        let lock = Self::lock(path)?;
        write_new(&path.join("format"), format!("{FORMAT}\n").as_bytes())?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Opens an existing one.
    ///
    /// # Errors
    /// [`DataDirError`] names what is wrong and what to do.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let path = fs::canonicalize(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => DataDirError::Missing {
                path: path.to_owned(),
            },
            _ => DataDirError::io("open", path)(source),
        })?;
        let format = path.join("format");
        let text = match fs::read_to_string(&format) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(if path.join("db").exists() {
                    DataDirError::BadFormat { path: format }
                } else {
                    DataDirError::Missing { path }
                });
            }
            Err(error) => return Err(DataDirError::io("read", &format)(error)),
        };
        let found: u32 = text
            .trim_end()
            .parse()
            .map_err(|_| DataDirError::BadFormat { path: format })?;
        if found > FORMAT {
            return Err(DataDirError::NewerFormat {
                path,
                found,
                known: FORMAT,
            });
        }
        Self::check_len(&path)?;
        let lock = Self::lock(&path)?;
        let open = Self { path, _lock: lock };
        if !open.keystore().exists() {
            return Err(DataDirError::KeyMissing {
                keystore: open.keystore(),
                path: open.path,
            });
        }
        Ok(open)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keystore.
    pub fn keystore(&self) -> PathBuf {
        self.path.join("keys/node.key")
    }

    /// How far the books go, besides them.
    pub fn books_head(&self) -> PathBuf {
        self.path.join("keys/books.head")
    }

    /// The configuration.
    pub fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.path.join("db")
    }

    /// Proving parameters.
    pub fn params(&self) -> PathBuf {
        self.path.join("params")
    }

    /// The key of the account that anchors on a chain, in a data directory that need not be open.
    pub fn account(path: &Path) -> PathBuf {
        path.join("keys/evm")
    }

    /// The socket of a node that runs on this directory.
    pub fn socket(path: &Path) -> PathBuf {
        path.join("run/node.sock")
    }

    fn check_len(path: &Path) -> Result<(), DataDirError> {
        let socket = Self::socket(path);
        let len = socket.as_os_str().len();
        if len > SOCKET_PATH {
            return Err(DataDirError::PathTooLong {
                path: socket,
                len,
                limit: SOCKET_PATH,
            });
        }
        Ok(())
    }

    fn lock(path: &Path) -> Result<File, DataDirError> {
        make_dir(&path.join("run"))?;
        let name = path.join("run/lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&name)
            .map_err(DataDirError::io("open", &name))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = io::Read::by_ref(&mut file).take(20).read_to_string(&mut pid);
                let pid = pid.trim().to_owned();
                return Err(DataDirError::Locked {
                    path: path.to_owned(),
                    pid: if pid.is_empty() { "unknown".to_owned() } else { pid },
                });
            }
            Err(TryLockError::Error(error)) => return Err(DataDirError::io("lock", &name)(error)),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(DataDirError::io("write", &name))?;
        Ok(file)
    }
}

fn make_dir(path: &Path) -> Result<(), DataDirError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(DataDirError::io("make", path))
}

/// Writes a file that must not be there, mode 0600, durably.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), DataDirError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .map_err(DataDirError::io("write", path))
}
