use std::{
    fmt,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use nonos_store::{Batch, Durability, Error, KeyRange, Op, Store, Visit};
use rocksdb::{DB, ErrorKind, IteratorMode, Options, ReadOptions, WriteBatch, WriteOptions};

use crate::OpenError;

/// Version of what this crate writes into the directory.
const FORMAT: u32 = 1;
/// Decimal [`FORMAT`] and a line feed; present in every complete store.
const FORMAT_FILE: &str = "FORMAT";
/// Present while a store is made: what there is then has never been written to.
const CREATING_FILE: &str = "CREATING";
const LOCK_FILE: &str = "NONOS-LOCK";
/// What nonos-store-redb has in a directory.
const REDB: [&str; 3] = ["store.redb", "store.redb.new", "REDB"];
/// RocksDB's own files.
const DB_DIR: &str = "rocks";

/// A store in a directory, held by one process at a time.
pub struct RocksStore {
    db: DB,
    /// Writes that require new keys exclude all others between their check and their write.
    exclusive: RwLock<()>,
    path: PathBuf,
    /// Held until the database is closed: fields are dropped in order.
    _lock: File,
}

impl RocksStore {
    /// Opens the store in `path`, and creates it if there is nothing.
    ///
    /// # Errors
    /// [`OpenError`]. A directory that is refused is left as it was, but for a lock file in one that is a store.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let storage = |source: io::Error| OpenError::Storage {
            path: path.to_owned(),
            source: source.into(),
        };
        is_new(path)?; // before anything is written
        fs::create_dir_all(path).map_err(storage)?;
        let lock = lock(path)?;
        let is_new = is_new(path)?; // now that nobody else can change it
        if is_new {
            File::create(path.join(CREATING_FILE)).map_err(storage)?;
        } else {
            check_format(path)?;
        }
        let db = open_db(path, is_new)?;
        if is_new {
            // Last, so that a store with a format is complete.
            write_format(path).map_err(storage)?;
            fs::remove_file(path.join(CREATING_FILE)).map_err(storage)?;
        }
        Ok(Self {
            db,
            exclusive: RwLock::new(()),
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Store for RocksStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.db.get(key).map_err(failed)
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), Error> {
        if range.end.as_ref().is_some_and(|end| *end <= range.start) {
            return Ok(());
        }
        // The iterator reads one snapshot, whatever is written meanwhile.
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(range.start.clone());
        if let Some(end) = &range.end {
            options.set_iterate_upper_bound(end.clone());
        }
        for entry in self.db.iterator_opt(IteratorMode::Start, options) {
            let (key, value) = entry.map_err(failed)?;
            if visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        let mut writes = WriteBatch::default();
        for op in batch.ops() {
            match op {
                Op::Put { key, value } => writes.put(key, value),
                Op::Delete { key } => writes.delete(key),
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(durability == Durability::Durable);
        // The lock guards no data of its own, so a panic elsewhere does not spoil it.
        if batch.required_new().is_empty() {
            let _shared = self.exclusive.read().unwrap_or_else(PoisonError::into_inner);
            return self.db.write_opt(writes, &options).map_err(failed);
        }
        let _exclusive = self.exclusive.write().unwrap_or_else(PoisonError::into_inner);
        for key in batch.required_new() {
            if self.get(key)?.is_some() {
                return Err(Error::Exists { key: key.clone() });
            }
        }
        self.db.write_opt(writes, &options).map_err(failed)
    }
}

impl fmt::Debug for RocksStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocksStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Whether there is nothing yet, or only what an interrupted creation left behind.
fn is_new(path: &Path) -> Result<bool, OpenError> {
    let storage = |source: io::Error| OpenError::Storage {
        path: path.to_owned(),
        source: source.into(),
    };
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(storage(error)),
    };
    let mut names = entries
        .map(|entry| entry.map(|it| it.file_name()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(storage)?;
    if names.iter().any(|name| REDB.iter().any(|redb| name == redb)) {
        return Err(OpenError::OtherStore {
            path: path.to_owned(),
            kind: "redb",
        });
    }
    if names.iter().any(|name| name == FORMAT_FILE) {
        return Ok(false);
    }
    names.retain(|name| name != LOCK_FILE);
    match names.as_slice() {
        [] => Ok(true),
        _ if names.iter().any(|name| name == CREATING_FILE)
            && names.iter().all(|name| name == CREATING_FILE || name == DB_DIR) =>
        {
            Ok(true)
        }
        // A store that has lost its format: not ours to guess.
        [name] if name == DB_DIR => Err(OpenError::Version {
            path: path.to_owned(),
            found: None,
            supported: FORMAT,
        }),
        _ => Err(OpenError::NotAStore {
            path: path.to_owned(),
        }),
    }
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let storage = |source: io::Error| OpenError::Storage {
        path: path.to_owned(),
        source: source.into(),
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join(LOCK_FILE))
        .map_err(storage)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(storage(error)),
    }
}

fn check_format(path: &Path) -> Result<(), OpenError> {
    let text = fs::read(path.join(FORMAT_FILE)).map_err(|source| OpenError::Storage {
        path: path.to_owned(),
        source: source.into(),
    })?;
    let found = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| text.strip_suffix('\n')?.parse().ok());
    match found {
        Some(FORMAT) => Ok(()),
        _ => Err(OpenError::Version {
            path: path.to_owned(),
            found,
            supported: FORMAT,
        }),
    }
}

fn write_format(path: &Path) -> io::Result<()> {
    use std::io::Write as _;
    let mut file = File::create(path.join(FORMAT_FILE))?;
    file.write_all(format!("{FORMAT}\n").as_bytes())?;
    file.sync_all()?;
    File::open(path)?.sync_all()
}

fn open_db(path: &Path, create: bool) -> Result<DB, OpenError> {
    let mut options = Options::default();
    options.create_if_missing(create);
    options.set_paranoid_checks(true);
    // After a power cut the log may end in half a record, which was never durable; damage elsewhere is an error.
    options.set_wal_recovery_mode(rocksdb::DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_keep_log_file_num(4);
    options.set_max_open_files(256);
    DB::open(&options, path.join(DB_DIR)).map_err(|source| {
        let path = path.to_owned();
        match source.kind() {
            // With `create_if_missing` off, a missing CURRENT file is an invalid argument.
            ErrorKind::Corruption | ErrorKind::NotFound | ErrorKind::InvalidArgument => OpenError::Damaged {
                path,
                source: source.into(),
            },
            // A file the manifest names is not there.
            ErrorKind::IOError if source.as_ref().contains("No such file") => OpenError::Damaged {
                path,
                source: source.into(),
            },
            _ => OpenError::Storage {
                path,
                source: source.into(),
            },
        }
    })
}

fn failed(source: rocksdb::Error) -> Error {
    match source.kind() {
        ErrorKind::Corruption => Error::Damaged {
            source: source.into(),
        },
        _ => Error::Storage {
            source: source.into(),
        },
    }
}
