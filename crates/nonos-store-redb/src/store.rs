use std::{
    fmt,
    fs::{self, File, TryLockError},
    io,
    ops::Bound,
    path::{Path, PathBuf},
};

use nonos_store::{Batch, Durability, Error, KeyRange, Op, Store, Visit};
use redb::{
    Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, StorageError, TableDefinition,
};

use crate::OpenError;

/// Version of what this crate writes into the directory.
const FORMAT: u32 = 1;
/// The database: one file.
const FILE: &str = "store.redb";
/// The same while it is made: it has never been written to.
const NEW_FILE: &str = "store.redb.new";
/// Present once there is a database, so that one that is gone is missed.
const MADE_FILE: &str = "REDB";
/// The one of nonos-store-rocksdb, too, so that neither opens what the other has open.
const LOCK_FILE: &str = "NONOS-LOCK";
/// What nonos-store-rocksdb has in a directory.
const ROCKSDB: [&str; 3] = ["rocks", "FORMAT", "CREATING"];

/// All keys and values.
const ENTRIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("entries");
/// What the file is.
const ABOUT: TableDefinition<'_, &str, u32> = TableDefinition::new("about");

/// A store in a directory, held by one process at a time.
pub struct RedbStore {
    db: Database,
    path: PathBuf,
    /// Held until the database is closed: fields are dropped in order.
    _lock: File,
}

impl RedbStore {
    /// Opens the store in `path`, and creates it if there is nothing. Reads all of it, to see that it is whole.
    ///
    /// # Errors
    /// [`OpenError`]. A directory that is refused is left as it was, but for a lock file in one that is a store.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let storage = storage_of(path);
        is_new(path)?; // before anything is written
        fs::create_dir_all(path).map_err(&storage)?;
        let lock = lock(path)?;
        // Now that nobody else can change it.
        if is_new(path)? {
            create(path)?;
        }
        let made = path.join(MADE_FILE);
        if !made.exists() {
            // The database was in its place, and this was not yet.
            File::create(made)
                .and_then(|it| it.sync_all())
                .map_err(&storage)?;
            sync(path).map_err(&storage)?;
        }
        let mut builder = Database::builder();
        // Else what is damaged could be a panic, and would be noticed after a crash only.
        builder.set_check_integrity_on_open(true);
        let db = builder.open(path.join(FILE)).map_err(refused(path))?;
        check_format(&db, path)?;
        Ok(Self {
            db,
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn commit(&self, batch: &Batch, durability: Durability) -> Result<Result<(), Vec<u8>>, redb::Error> {
        // The only one that writes, until it is committed or dropped.
        let mut write = self.db.begin_write()?;
        match durability {
            // It is kept when the database is closed in order, too.
            Durability::Buffered => write.set_durability(redb::Durability::None)?,
            // Entries hold what strangers chose: one phase would trust a checksum that is none against them, and a cut
            // could go back by a commit.
            Durability::Durable => write.set_two_phase_commit(true),
        }
        {
            let mut entries = write.open_table(ENTRIES)?;
            for key in batch.required_new() {
                if entries.get(key.as_slice())?.is_some() {
                    return Ok(Err(key.clone()));
                }
            }
            for op in batch.ops() {
                match op {
                    Op::Put { key, value } => drop(entries.insert(key.as_slice(), value.as_slice())?),
                    Op::Delete { key } => drop(entries.remove(key.as_slice())?),
                }
            }
        }
        write.commit()?;
        Ok(Ok(()))
    }

    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, redb::Error> {
        let entries = self.db.begin_read()?.open_table(ENTRIES)?;
        Ok(entries.get(key)?.map(|value| value.value().to_vec()))
    }

    fn show(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), redb::Error> {
        // One state, whatever is written meanwhile.
        let entries = self.db.begin_read()?.open_table(ENTRIES)?;
        let end = match &range.end {
            Some(end) => Bound::Excluded(end.as_slice()),
            None => Bound::Unbounded,
        };
        for entry in entries.range::<&[u8]>((Bound::Included(range.start.as_slice()), end))? {
            let (key, value) = entry?;
            if visit(key.value(), value.value()).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Store for RedbStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.read(key).map_err(failed)
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), Error> {
        if range.end.as_ref().is_some_and(|end| *end <= range.start) {
            return Ok(());
        }
        self.show(range, visit).map_err(failed)
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        match self.commit(batch, durability) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(key)) => Err(Error::Exists { key }),
            Err(error) => Err(failed(error)),
        }
    }
}

impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Whether there is nothing yet, or only what an interrupted creation left behind.
fn is_new(path: &Path) -> Result<bool, OpenError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(storage_of(path)(error)),
    };
    let names = entries
        .map(|entry| entry.map(|it| it.file_name()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(storage_of(path))?;
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    if has(FILE) {
        return Ok(false);
    }
    if has(MADE_FILE) {
        return Err(OpenError::Damaged {
            path: path.to_owned(),
            source: format!("{FILE} is missing").into(),
        });
    }
    if ROCKSDB.into_iter().any(has) {
        return Err(OpenError::OtherStore {
            path: path.to_owned(),
            kind: "RocksDB",
        });
    }
    if names.iter().any(|name| name != LOCK_FILE && name != NEW_FILE) {
        return Err(OpenError::NotAStore {
            path: path.to_owned(),
        });
    }
    Ok(true)
}

/// Makes an empty database, whole or not at all.
fn create(path: &Path) -> Result<(), OpenError> {
    let storage = storage_of(path);
    let new = path.join(NEW_FILE);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(storage(error)),
        _ => {}
    }
    let make = || -> Result<(), redb::Error> {
        let db = Database::create(&new)?;
        let mut write = db.begin_write()?;
        write.set_two_phase_commit(true);
        write.open_table(ENTRIES)?;
        write.open_table(ABOUT)?.insert("format", FORMAT)?;
        write.commit()?;
        Ok(())
    };
    make().map_err(|source| OpenError::Storage {
        path: path.to_owned(),
        source: source.into(),
    })?;
    // It writes a last time when it is closed.
    File::open(&new).and_then(|it| it.sync_all()).map_err(&storage)?;
    fs::rename(&new, path.join(FILE)).map_err(&storage)?;
    sync(path).map_err(storage)
}

fn check_format(db: &Database, path: &Path) -> Result<(), OpenError> {
    let read = || -> Result<Option<u32>, redb::Error> {
        let read = db.begin_read()?;
        // A file of another program has other tables.
        let about = match read.open_table(ABOUT) {
            Ok(about) => about,
            Err(redb::TableError::Storage(error)) => return Err(error.into()),
            Err(_) => return Ok(None),
        };
        let format = about.get("format")?.map(|it| it.value());
        match read.open_table(ENTRIES) {
            Ok(_) => Ok(format),
            Err(redb::TableError::Storage(error)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    };
    match read() {
        Ok(Some(FORMAT)) => Ok(()),
        Ok(found) => Err(OpenError::Version {
            path: path.to_owned(),
            found,
            supported: FORMAT,
        }),
        Err(source) => Err(OpenError::Damaged {
            path: path.to_owned(),
            source: source.into(),
        }),
    }
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join(LOCK_FILE))
        .map_err(storage_of(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(storage_of(path)(error)),
    }
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn storage_of(path: &Path) -> impl Fn(io::Error) -> OpenError + use<> {
    let path = path.to_owned();
    move |source| OpenError::Storage {
        path: path.clone(),
        source: source.into(),
    }
}

fn refused(path: &Path) -> impl FnOnce(DatabaseError) -> OpenError {
    move |source| {
        let path = path.to_owned();
        match source {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                OpenError::Locked { path }
            }
            DatabaseError::UpgradeRequired(_) => OpenError::Version {
                path,
                found: None,
                supported: FORMAT,
            },
            DatabaseError::RepairAborted | DatabaseError::Storage(StorageError::Corrupted(_)) => {
                OpenError::Damaged {
                    path,
                    source: source.into(),
                }
            }
            // A file that is none of redb's, or ends too early.
            DatabaseError::Storage(StorageError::Io(ref error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                ) =>
            {
                OpenError::Damaged {
                    path,
                    source: source.into(),
                }
            }
            _ => OpenError::Storage {
                path,
                source: source.into(),
            },
        }
    }
}

fn failed(source: redb::Error) -> Error {
    match source {
        redb::Error::Corrupted(_) => Error::Damaged {
            source: source.into(),
        },
        _ => Error::Storage {
            source: source.into(),
        },
    }
}
