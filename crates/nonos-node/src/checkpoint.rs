//! How far the books go, kept apart from them: in a file beside the key.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use nonos_depin::Checkpoint;
use nonos_store::Error;
use nonos_types::{Digest, FeedHead, Tag};

enum SlotTag {}

impl Tag for SlotTag {
    const DOMAIN: &'static str = "nonos/v1/books-head";
}

/// A slot: a counter, a head, and a digest of both.
const SLOT: usize = 8 + FeedHead::LEN + 32;
/// Where the second slot begins: in another sector than the first.
const SECOND: u64 = 4096;

/// A file with two slots that are written in turns: of a write that was cut off the one before is left.
#[derive(Debug)]
pub(crate) struct HeadFile {
    path: PathBuf,
    last: Mutex<Last>,
}

#[derive(Debug)]
struct Last {
    /// None before anything was saved.
    file: Option<File>,
    counter: u64,
    head: Option<FeedHead>,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
enum Damage {
    #[error("{} is damaged: put it back from a backup, or remove it, if you know that the books are the newest", path.display())]
    NoSlot { path: PathBuf },
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl HeadFile {
    /// Opens it; there is none before anything was saved.
    ///
    /// # Errors
    /// [`Error::Damaged`] if neither slot can be read, [`Error::Storage`].
    pub(crate) fn open(path: PathBuf) -> Result<Self, Error> {
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let last = Last {
                    file: None,
                    counter: 0,
                    head: None,
                };
                return Ok(Self {
                    path,
                    last: Mutex::new(last),
                });
            }
            Err(error) => return Err(failed("open", &path)(error)),
        };
        let mut found: Option<(u64, FeedHead)> = None;
        for at in [0, SECOND] {
            let mut slot = [0; SLOT];
            match file.read_exact_at(&mut slot, at) {
                Ok(()) => found = found.max(read(&slot)),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                Err(error) => return Err(failed("read", &path)(error)),
            }
        }
        let Some((counter, head)) = found else {
            return Err(Error::Damaged {
                source: Box::new(Damage::NoSlot { path }),
            });
        };
        Ok(Self {
            path,
            last: Mutex::new(Last {
                file: Some(file),
                counter,
                head: Some(head),
            }),
        })
    }

    /// The first time: a whole file, or none.
    fn create(&self, slot: &[u8; SLOT]) -> io::Result<File> {
        let new = self.path.with_extension("new");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all_at(slot, 0)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        let parent = self.path.parent().unwrap_or(Path::new("."));
        File::open(parent)?.sync_all()?;
        Ok(file)
    }
}

impl Checkpoint for HeadFile {
    fn load(&self) -> Result<Option<FeedHead>, Error> {
        Ok(self.last.lock().unwrap_or_else(PoisonError::into_inner).head)
    }

    fn save(&self, head: &FeedHead) -> Result<(), Error> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.head == Some(*head) {
            return Ok(());
        }
        let counter = last.counter + 1;
        let slot = slot(counter, head);
        match &last.file {
            None => last.file = Some(self.create(&slot).map_err(failed("make", &self.path))?),
            Some(file) => {
                // The first file has counter 1 in the first slot.
                let at = if counter % 2 == 1 { 0 } else { SECOND };
                file.write_all_at(&slot, at)
                    .and_then(|()| file.sync_data())
                    .map_err(failed("write", &self.path))?;
            }
        }
        (last.counter, last.head) = (counter, Some(*head));
        Ok(())
    }
}

fn slot(counter: u64, head: &FeedHead) -> [u8; SLOT] {
    let (counter, head) = (counter.to_be_bytes(), head.to_bytes());
    let mut slot = [0; SLOT];
    slot[..8].copy_from_slice(&counter);
    slot[8..8 + FeedHead::LEN].copy_from_slice(&head);
    slot[8 + FeedHead::LEN..].copy_from_slice(Digest::<SlotTag>::hash(&[&counter, &head]).as_bytes());
    slot
}

fn read(bytes: &[u8; SLOT]) -> Option<(u64, FeedHead)> {
    let (counter, rest) = bytes.split_first_chunk()?;
    let (head, _) = rest.split_first_chunk()?;
    let (counter, head) = (u64::from_be_bytes(*counter), FeedHead::from_bytes(head));
    (slot(counter, &head) == *bytes).then_some((counter, head))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Storage {
        source: Box::new(Damage::Io {
            action,
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use nonos_types::{EntryDigest, Incarnation, Sequence};

    use super::*;

    fn head(n: u64) -> FeedHead {
        FeedHead {
            incarnation: Incarnation::new(3),
            sequence: Sequence::new(n),
            digest: EntryDigest::hash(&[&n.to_be_bytes()]),
        }
    }

    fn open(path: &Path) -> HeadFile {
        HeadFile::open(path.to_owned()).expect("it opens")
    }

    #[test]
    fn keeps_what_was_saved_last() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("books.head");
        assert_eq!(open(&path).load().expect("nothing"), None);
        for n in 1..=5 {
            let file = open(&path);
            file.save(&head(n)).expect("saved");
            file.save(&head(n)).expect("saved");
            assert_eq!(file.load().expect("a head"), Some(head(n)));
            assert_eq!(open(&path).load().expect("a head"), Some(head(n)));
        }
    }

    #[test]
    fn a_write_that_was_cut_off_leaves_the_one_before() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("books.head");
        for n in 1..=4 {
            open(&path).save(&head(n)).expect("saved");
            let whole = fs::read(&path).expect("a file");
            let at = if n % 2 == 1 { 0 } else { SECOND as usize };
            for cut in 0..SLOT {
                let mut torn = whole.clone();
                torn[at + cut..at + SLOT].fill(0xee);
                fs::write(&path, &torn).expect("a file");
                let file = HeadFile::open(path.clone());
                if n == 1 {
                    assert!(
                        matches!(file, Err(Error::Damaged { .. })),
                        "no other slot is there"
                    );
                } else {
                    assert_eq!(file.expect("it opens").load().expect("a head"), Some(head(n - 1)));
                }
            }
            fs::write(&path, &whole).expect("a file");
        }
    }

    #[test]
    fn refuses_a_file_of_which_nothing_can_be_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("books.head");
        for bytes in [vec![], vec![0; 10_000], b"something else".to_vec()] {
            fs::write(&path, bytes).expect("a file");
            let refused = HeadFile::open(path.clone());
            assert!(matches!(refused, Err(Error::Damaged { .. })), "{refused:?}");
        }
    }
}
