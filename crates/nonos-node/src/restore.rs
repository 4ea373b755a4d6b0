//! How a node comes to another machine: what of it is put into a backup, and how it is made of one, so that its books
//! do not begin a second time.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use nonos_depin::{Checkpoint as _, Heard, Ledger};
use nonos_store::{MemoryStore, Store};
use nonos_trust::{
    Identity,
    keystore::{self, Backup, Cost, Entropy, Passphrase},
};
use nonos_types::{Clock as _, FeedHead, NetworkId, NodeId};
use serde::Serialize;

use crate::{
    Config, DataDir, DataDirError, Error,
    checkpoint::HeadFile,
    clock::SystemClock,
    datadir::{config_in, put},
};

/// Most bytes of a file that goes into a backup: more than it can hold.
const MAX_FILE: u64 = (1 << 20) + 1;

/// What was made of a backup.
#[derive(Clone, Debug, Serialize)]
pub struct Restored {
    /// The node.
    pub node: NodeId,
    /// The newest entry that it is known to have signed; none if that is not known.
    pub known: Option<FeedHead>,
    /// Files that were there already, and stayed as they are.
    pub kept: Vec<PathBuf>,
}

/// Whether a node's books and what is kept of them beside its key agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[non_exhaustive]
pub enum BooksView {
    /// Nothing was ever booked.
    Empty,
    /// The books go as far as was saved.
    Agree {
        /// Their newest entry.
        head: FeedHead,
    },
    /// Entries were signed that the books do not have.
    Behind {
        /// Their newest entry.
        head: FeedHead,
        /// What was signed.
        known: FeedHead,
    },
    /// Entries are in the books, and nothing was saved beside the key.
    NothingSaved {
        /// Their newest entry.
        head: FeedHead,
    },
    /// The key was restored, and nobody has said how far its books went.
    Restored,
}

/// Collects what a node needs elsewhere. The node may run meanwhile.
///
/// # Errors
/// [`Error`] if the head of the books is damaged, or a file cannot be read; nothing is left out silently but the network's
/// name, where the configuration cannot be read.
pub fn backup(path: &Path, identity: Identity) -> Result<Backup, Error> {
    let config = read(&config_in(path))?;
    let config = String::from_utf8_lossy(&config).into_owned();
    Ok(Backup {
        identity,
        network: Config::parse(&config).map(|it| it.network).unwrap_or_default(),
        head: HeadFile::open(DataDir::books_head_in(path))?.load()?,
        config,
        account: read(&DataDir::account(path))?,
        made: SystemClock::new().now(),
    })
}

/// Makes a data directory of a backup, or puts the key back into one that has lost it.
///
/// The key comes last: whenever this is cut off, there is none without what keeps its books stopped, and it can be done
/// again.
///
/// # Errors
/// [`Error`] where a key is already, where the data are another node's, and where there is anything else.
pub fn restore(path: &Path, backup: &Backup, passphrase: &Passphrase, cost: Cost) -> Result<Restored, Error> {
    restore_in_steps(path, backup, passphrase, cost, &mut || {})
}

/// `done` is told after each file, so that a test can see what is there then.
fn restore_in_steps(
    path: &Path,
    backup: &Backup,
    passphrase: &Passphrase,
    cost: Cost,
    done: &mut dyn FnMut(),
) -> Result<Restored, Error> {
    let node = backup.identity.node_id();
    let data = match DataDir::open_without_key(path, node) {
        Err(DataDirError::Missing { .. }) => DataDir::create(path, node)?,
        opened => opened?,
    };
    check_network(&data, backup)?;
    done();
    let mut restored = Restored {
        node,
        known: None,
        kept: Vec::new(),
    };
    let saved = HeadFile::open(data.books_head())?;
    restored.known = saved.load()?;
    match (restored.known, backup.head) {
        (Some(_), _) => restored.kept.push(data.books_head()),
        (None, Some(head)) => {
            saved.save(&head)?;
            restored.known = Some(head);
        }
        (None, None) => put(&data.restored(), b"")?,
    }
    done();
    let account = DataDir::account(data.path());
    for (file, bytes) in [
        (account, &backup.account[..]),
        (data.config(), backup.config.as_bytes()),
    ] {
        if file.symlink_metadata().is_ok() {
            restored.kept.push(file);
        } else if !bytes.is_empty() {
            put(&file, bytes)?;
        }
        done();
    }
    let mut entropy = Entropy {
        seed: backup.identity.signing_key().to_bytes(),
        salt: [0; 16],
        nonce: [0; 24],
    };
    for part in [&mut entropy.salt[..], &mut entropy.nonce[..]] {
        getrandom::fill(part).map_err(|_| Error::Random)?;
    }
    keystore::create(&data.keystore(), entropy, passphrase, cost)?;
    done();
    Ok(restored)
}

/// The books with what is kept of them beside the key. If they are behind that, they are stopped, which is an error
/// unless it is expected.
pub(crate) fn open_books(
    ledger: Ledger,
    data: &DataDir,
    old_books: bool,
) -> Result<(Ledger, Option<FeedHead>), Error> {
    let checkpoint = HeadFile::open(data.books_head())?;
    // Books with an entry are those that were there, or were resumed.
    let is_restored = ledger.head()? == FeedHead::NONE && data.restored().exists();
    if old_books {
        let (ledger, behind) = ledger.with_old_checkpoint(checkpoint)?;
        return Ok((ledger, behind.or(is_restored.then_some(FeedHead::NONE))));
    }
    let ledger = ledger.with_checkpoint(checkpoint).map_err(|error| match error {
        error @ nonos_depin::Error::Behind { .. } => Error::OldBooks(error),
        error => error.into(),
    })?;
    if is_restored {
        return Err(Error::Restored);
    }
    Ok((ledger, None))
}

/// Whether the books and what is kept of them beside the key agree, of a node that does not run.
///
/// # Errors
/// [`Error`] if one of them cannot be read, or the books are another node's or of another network.
pub fn check_books(data: &DataDir, network: &str) -> Result<BooksView, Error> {
    let database = data.database();
    // To look must not make one.
    let store: Arc<dyn Store> = if database.exists() {
        data.store().open(&database)?
    } else {
        Arc::new(MemoryStore::new())
    };
    let ledger = Ledger::open(store, NetworkId::named(network), data.node())?;
    let head = ledger.head()?;
    let saved = HeadFile::open(data.books_head())?.load()?;
    Ok(match saved {
        Some(known) if ledger.hear(&known)? == Heard::Ours => BooksView::Agree { head },
        Some(known) => BooksView::Behind { head, known },
        None if head != FeedHead::NONE => BooksView::NothingSaved { head },
        None if data.restored().exists() => BooksView::Restored,
        None => BooksView::Empty,
    })
}

/// Books of one network are not those of another.
fn check_network(data: &DataDir, backup: &Backup) -> Result<(), Error> {
    let bytes = read(&data.config())?;
    let here = String::from_utf8(bytes).ok().filter(|text| !text.is_empty());
    // One that cannot be read is for its operator to mend, and refused when the node starts.
    let Some(here) = here.and_then(|text| Config::parse(&text).ok()) else {
        return Ok(());
    };
    if backup.network.is_empty() || here.network == backup.network {
        return Ok(());
    }
    Err(Error::OtherNetwork {
        config: data.config(),
        here: here.network,
        backup: backup.network.clone(),
    })
}

/// A small file; no bytes if there is none.
fn read(path: &Path) -> Result<Vec<u8>, DataDirError> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DataDirError::io("read", path)(error)),
        _ => Ok(bytes),
    }
}

#[cfg(test)]
mod tests;
