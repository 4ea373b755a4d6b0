use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use nonos_types::ByteLen;

/// What the data directory takes of the disk, held to a limit.
#[derive(Debug)]
pub(super) struct Room {
    root: PathBuf,
    most: Mutex<Option<ByteLen>>,
    /// All of the directory, as last measured and changed since.
    used: Mutex<u64>,
}

/// How much of the disk is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// All of the data directory.
    pub(crate) bytes: ByteLen,
    /// Of it what could be dropped, since others have it.
    pub(crate) spare: ByteLen,
}

struct Kept {
    path: PathBuf,
    len: u64,
    modified: SystemTime,
}

/// Directories of objects: what is in them can be dropped, if it is not this node's own.
const OBJECTS: [&str; 5] = ["capsules", "inputs", "proofs", "partial", "segments"];
/// Ends the name of the empty file beside an object that is this node's own.
const OWN: &str = ".own";

impl Room {
    pub(super) fn new(root: &Path, most: Option<ByteLen>) -> Self {
        Self {
            root: root.to_owned(),
            most: Mutex::new(most),
            used: Mutex::new(0),
        }
    }

    pub(super) fn set_most(&self, most: Option<ByteLen>) {
        *self.most.lock().unwrap_or_else(PoisonError::into_inner) = most;
    }

    fn most(&self) -> Option<ByteLen> {
        *self.most.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn used(&self) -> MutexGuard<'_, u64> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the disk, and drops what is too much: the books may have grown.
    pub(super) fn measure(&self) -> io::Result<Used> {
        let mut used = self.used();
        let mut all = Vec::new();
        list(&self.root, &mut all)?;
        *used = all.iter().map(|it| it.len).sum();
        if let Some(most) = self.most()
            && *used > most.get()
        {
            self.drop_others(&mut used, most.get())?;
        }
        let spare: u64 = self.others()?.iter().map(|it| it.len).sum();
        Ok(Used {
            bytes: ByteLen::new(*used),
            spare: ByteLen::new(spare),
        })
    }

    /// Takes room for so many bytes, and drops what others have, the oldest first, if there is too little.
    pub(super) fn take(&self, len: usize) -> io::Result<()> {
        let Some(most) = self.most() else {
            return Ok(());
        };
        let (mut used, len) = (self.used(), len as u64);
        let left = most.get().saturating_sub(len);
        if *used > left {
            self.drop_others(&mut used, left)?;
        }
        if *used > left {
            let message = format!(
                "{len} bytes more do not fit into the {most} that limits.disk allows, and nothing can be dropped"
            );
            return Err(io::Error::new(io::ErrorKind::StorageFull, message));
        }
        *used += len;
        Ok(())
    }

    fn drop_others(&self, used: &mut u64, most: u64) -> io::Result<()> {
        let mut others = self.others()?;
        others.sort_by_key(|it| it.modified);
        for it in others {
            if *used <= most {
                return Ok(());
            }
            fs::remove_file(&it.path)?;
            *used = used.saturating_sub(it.len);
            tracing::debug!(object = %it.path.display(), "dropped, the disk being full");
        }
        Ok(())
    }

    fn others(&self) -> io::Result<Vec<Kept>> {
        let mut files = Vec::new();
        for name in OBJECTS {
            list(&self.root.join(name), &mut files)?;
        }
        files.retain(|it| it.path.extension() != Some(OWN[1..].as_ref()) && !is_own(&it.path));
        Ok(files)
    }
}

fn marker(of: &Path) -> PathBuf {
    let mut name = of.as_os_str().to_owned();
    name.push(OWN);
    name.into()
}

/// Is an object this node's own?
pub(super) fn is_own(object: &Path) -> bool {
    marker(object).exists()
}

/// From now on it is.
pub(super) fn own(object: &Path) -> io::Result<()> {
    fs::File::create(marker(object))?.sync_all()
}

/// Lets an object stay as long as another one.
pub(super) fn keep_with(other: &Path, object: &Path) -> io::Result<()> {
    if is_own(other) {
        return own(object);
    }
    // What is older is dropped first.
    let (of_other, of_object) = match (fs::metadata(other), fs::metadata(object)) {
        (Ok(of_other), Ok(of_object)) => (of_other.modified()?, of_object.modified()?),
        // What is not here needs nothing, and what it needs comes later.
        _ => return Ok(()),
    };
    if of_object > of_other {
        return Ok(());
    }
    let file = fs::File::options().write(true).open(object)?;
    file.set_modified(of_other + Duration::from_secs(1))
}

/// It is not any more.
pub(super) fn disown(object: &Path) -> io::Result<()> {
    match fs::remove_file(marker(object)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Every file below a directory; what goes away meanwhile is left out.
fn list(directory: &Path, files: &mut Vec<Kept>) -> io::Result<()> {
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let entries = match fs::read_dir(directory) {
        Err(error) if gone(&error) => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let metadata = match entry.metadata() {
            Err(error) if gone(&error) => continue,
            metadata => metadata?,
        };
        if metadata.is_dir() {
            list(&entry.path(), files)?;
        } else if metadata.is_file() {
            files.push(Kept {
                path: entry.path(),
                len: metadata.len(),
                modified: metadata.modified()?,
            });
        }
    }
    Ok(())
}
