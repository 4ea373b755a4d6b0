//! Where a node keeps everything, used by one process at a time.

mod about;
mod error;
mod migrate;

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use nonos_trust::keystore::{self, KeystoreError};
use nonos_types::NodeId;

pub use self::error::DataDirError;
use self::{about::About, migrate::Whose};
use crate::database::Database;

/// Version of the layout; a newer one is not touched, an older one is migrated (`docs/spec/versioning.md`).
const FORMAT: u32 = 2;
/// Directories that are made before anything is in them.
const PARTS: [&str; 5] = ["keys", "capsules", "inputs", "proofs", "run"];

/// An open data directory. The lock goes with it.
///
/// ```
/// use nonos_node::{DataDir, DataDirError};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("node");
/// let node = nonos_types::NodeId::from_bytes([7; 32]);
/// let data = DataDir::create(&path, node)?;
/// assert!(matches!(DataDir::open(&path), Err(DataDirError::Locked { .. }))); // one process at a time
/// drop(data);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    about: About,
    _lock: File,
}

/// Longest path of a unix socket on Linux, without the closing zero.
const SOCKET_PATH: usize = 107;

impl DataDir {
    /// Makes a new one for a node, mode 0700, and opens it.
    ///
    /// # Errors
    /// [`DataDirError::NotEmpty`] where there is anything already.
    pub fn create(path: &Path, node: NodeId) -> Result<Self, DataDirError> {
        if holds_anything(path) {
            return Err(DataDirError::NotEmpty {
                path: path.to_owned(),
            });
        }
        Self::check_len(path)?;
        make_dir(path)?;
        for part in PARTS {
            make_dir(&path.join(part))?;
        }
        let lock = Self::lock(path)?;
        let about = About {
            node,
            store: Database::DEFAULT,
        };
        about.write(path)?;
        // Last, so that one with a format is complete.
        put(&format_file(path), format!("{FORMAT}\n").as_bytes())?;
        Ok(Self {
            path: path.to_owned(),
            about,
            _lock: lock,
        })
    }

    /// Opens an existing one. Data of an older format are brought to this program's.
    ///
    /// # Errors
    /// [`DataDirError`] names what is wrong and what to do.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let (path, found, lock) = Self::begin(path)?;
        let keystore = keystore_of(&path);
        if !keystore.exists() {
            return Err(DataDirError::KeyMissing { keystore, path });
        }
        let open = Self::finish(path, found, lock, Whose::Keystore)?;
        let key = keystore::public_key(&keystore)?;
        open.belonging_to(key)
    }

    /// Opens one whose keystore is missing, to put that of this node back.
    ///
    /// # Errors
    /// [`KeystoreError::Exists`] where a keystore is, [`DataDirError::OtherNode`] if the data are another's, and those
    /// of [`DataDir::open`].
    pub(crate) fn open_without_key(path: &Path, node: NodeId) -> Result<Self, DataDirError> {
        let (path, found, lock) = Self::begin(path)?;
        let keystore = keystore_of(&path);
        // A link to nowhere is something, too.
        if keystore.symlink_metadata().is_ok() {
            return Err(KeystoreError::Exists { path: keystore }.into());
        }
        Self::finish(path, found, lock, Whose::Node(node))?.belonging_to(node)
    }

    /// Version of the layout of a directory that need not be open.
    ///
    /// # Errors
    /// [`DataDirError::Missing`], [`DataDirError::BadFormat`], [`DataDirError::NewerFormat`], [`DataDirError::Io`].
    pub fn format(path: &Path) -> Result<u32, DataDirError> {
        let format = format_file(path);
        let text = match fs::read_to_string(&format) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(if path.join("db").exists() {
                    DataDirError::BadFormat { path: format }
                } else {
                    DataDirError::Missing {
                        path: path.to_owned(),
                    }
                });
            }
            Err(error) => return Err(DataDirError::io("read", &format)(error)),
        };
        let found = text.trim_end().parse();
        let found: u32 = match found {
            Ok(0) | Err(_) => return Err(DataDirError::BadFormat { path: format }),
            Ok(found) => found,
        };
        if found > FORMAT {
            return Err(DataDirError::NewerFormat {
                path: path.to_owned(),
                found,
                known: FORMAT,
            });
        }
        Ok(found)
    }

    /// Is it of the format that this program writes? An older one is migrated when it is opened.
    pub fn is_current(format: u32) -> bool {
        format == FORMAT
    }

    /// What there is to be locked, before anything is changed.
    fn begin(path: &Path) -> Result<(PathBuf, u32, File), DataDirError> {
        let path = fs::canonicalize(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => DataDirError::Missing {
                path: path.to_owned(),
            },
            _ => DataDirError::io("open", path)(source),
        })?;
        Self::format(&path)?;
        Self::check_len(&path)?;
        let lock = Self::lock(&path)?;
        // Now that nobody else migrates it.
        let found = Self::format(&path)?;
        Ok((path, found, lock))
    }

    fn finish(path: PathBuf, found: u32, lock: File, whose: Whose) -> Result<Self, DataDirError> {
        migrate::migrate(&path, found, whose, &mut |_| {})?;
        let about = About::read(&path)?;
        Ok(Self {
            path,
            about,
            _lock: lock,
        })
    }

    fn belonging_to(self, key: NodeId) -> Result<Self, DataDirError> {
        if self.about.node == key {
            return Ok(self);
        }
        Err(DataDirError::OtherNode {
            path: self.path,
            data: self.about.node,
            key,
        })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keystore.
    pub fn keystore(&self) -> PathBuf {
        keystore_of(&self.path)
    }

    /// Whose data they are.
    pub fn node(&self) -> NodeId {
        self.about.node
    }

    /// What the database is.
    pub(crate) fn store(&self) -> Database {
        self.about.store
    }

    /// Is there while it is not known how far the books went, since only the key has come back.
    pub(crate) fn restored(&self) -> PathBuf {
        self.path.join("keys/restored")
    }

    /// The keystore of a data directory that need not be open.
    pub fn keystore_in(path: &Path) -> PathBuf {
        keystore_of(path)
    }

    /// How far the books go, besides them.
    pub fn books_head(&self) -> PathBuf {
        Self::books_head_in(&self.path)
    }

    /// The same, of a data directory that need not be open.
    pub fn books_head_in(path: &Path) -> PathBuf {
        path.join("keys/books.head")
    }

    /// The configuration.
    pub fn config(&self) -> PathBuf {
        config_in(&self.path)
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

fn keystore_of(path: &Path) -> PathBuf {
    path.join("keys/node.key")
}

/// The configuration of a data directory that need not be open.
pub(crate) fn config_in(path: &Path) -> PathBuf {
    path.join("config.toml")
}

fn format_file(path: &Path) -> PathBuf {
    path.join("format")
}

/// Anything but what making a data directory begins with, which has nothing of anyone's.
fn holds_anything(path: &Path) -> bool {
    let Ok(entries) = fs::read_dir(path) else {
        return false;
    };
    let is_begun = |entry: io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| {
            let name = entry.file_name();
            let part = PARTS.into_iter().find(|part| name == *part);
            let is_empty = |part: &str| {
                let mut within = fs::read_dir(entry.path()).into_iter().flatten();
                within.all(|it| part == "run" && it.is_ok_and(|it| it.file_name() == "lock"))
            };
            part.map_or(
                name == "data.toml" || name == "data.new" || name == "format.new",
                is_empty,
            )
        })
    };
    !entries.into_iter().all(is_begun)
}

fn make_dir(path: &Path) -> Result<(), DataDirError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(DataDirError::io("make", path))
}

/// Writes a file, mode 0600, in the place of what is there: durably, whole or not at all.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> Result<(), DataDirError> {
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(DataDirError::io("remove", &new)(error));
        }
        _ => {}
    }
    write_new(&new, bytes)?;
    fs::rename(&new, path).map_err(DataDirError::io("write", path))?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// What was made or renamed in a directory is there after a power cut.
fn sync_dir(path: &Path) -> Result<(), DataDirError> {
    let synced = File::open(path).and_then(|it| it.sync_all());
    synced.map_err(DataDirError::io("write", path))
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
