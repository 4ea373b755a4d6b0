//! Writing a bundle.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Seek as _, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::atomic::Ordering,
};

use nonos_mesh::{
    Object,
    core::{
        Budgets,
        bundle::{BundleError, Writer},
        reconcile::Window,
    },
};
use nonos_types::{Fault, Kind, Message, NetworkId, Sequence, Timestamp};

use super::{Progress, io_fault, refusal, stopped};
use crate::{
    api::{Exported, RequestError},
    journal::Journal,
    objects::ObjectStore,
};

/// Most bytes of messages that are sorted at a time.
const SORTED: usize = 32 << 20;
/// Messages that are read at a time: the longest of all, so many times, are as much as is sorted.
const PAGE: usize = 32;

/// What is written, and how far that is.
pub(super) struct Export<'a> {
    pub(super) journal: &'a Journal,
    pub(super) objects: &'a ObjectStore,
    pub(super) network: NetworkId,
    pub(super) now: Timestamp,
    pub(super) told: &'a Progress,
    pub(super) is_stopped: &'a dyn Fn() -> bool,
}

impl Export<'_> {
    /// Writes it beside its place, and moves it there when it is whole and on the disk.
    pub(super) fn to(&self, path: &Path, replace: bool) -> Result<Exported, RequestError> {
        let cannot = |error: &io::Error| {
            let remedy = match error.kind() {
                io::ErrorKind::AlreadyExists => " (--force writes over it)",
                _ => "",
            };
            let message = format!("cannot write {}: {error}{remedy}", path.display());
            refusal(message, io_fault(error))
        };
        if !replace && path.symlink_metadata().is_ok() {
            return Err(cannot(&io::ErrorKind::AlreadyExists.into()));
        }
        let Some(name) = path.file_name() else {
            return Err(cannot(&io::ErrorKind::IsADirectory.into()));
        };
        let mut part = name.to_owned();
        part.push(".part");
        let part = path.with_file_name(part);
        let written = self.part(&part).and_then(|exported| {
            let placed = place(&part, path, replace).map_err(|error| cannot(&error));
            placed.map(|()| Exported {
                path: path.display().to_string(),
                ..exported
            })
        });
        written.inspect_err(|_| drop(fs::remove_file(&part)))
    }

    fn part(&self, part: &Path) -> Result<Exported, RequestError> {
        let cannot = |error: &io::Error| {
            refusal(
                format!("cannot write {}: {error}", part.display()),
                io_fault(error),
            )
        };
        // What is left of one that was not finished; and a link to somewhere else is not followed.
        let _none = fs::remove_file(part);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(part);
        let file = file.map_err(|error| cannot(&error))?;
        let (mut file, exported) = self.write(BufWriter::new(file)).map_err(|error| match error {
            Unwritten::Bundle(BundleError::Io(error)) => cannot(&error),
            Unwritten::Bundle(error) => RequestError::new(&error, Fault::Bug),
            Unwritten::Refused(error) => error,
        })?;
        let bytes = file.stream_position();
        let bytes = bytes.and_then(|it| file.get_ref().sync_all().map(|()| it));
        bytes
            .map(|bytes| Exported { bytes, ..exported })
            .map_err(|error| cannot(&error))
    }

    fn write<W: Write>(&self, sink: W) -> Result<(W, Exported), Unwritten> {
        let mut writer = Writer::new(sink, self.network)?;
        let mut exported = Exported {
            path: String::new(),
            bytes: 0,
            messages: 0,
            objects: 0,
            missing: 0,
        };
        let (mut named, mut last, newest) = (BTreeSet::new(), vec![], self.journal.newest());
        loop {
            let (page, more) = self.page(&last, newest)?;
            for bytes in page {
                if let Some(message) = self.wanted(&bytes)? {
                    writer.message(&message)?;
                    named.extend(objects_of(&message));
                    exported.messages += 1;
                    self.told.messages.store(exported.messages, Ordering::Relaxed);
                }
                last = bytes;
            }
            if !more {
                break;
            }
        }
        for object in &named {
            self.go_on()?;
            let bytes = self
                .objects
                .get(object)
                .map_err(|error| refusal(format!("cannot read {object:?}: {error}"), io_fault(&error)))?;
            match bytes.map(|bytes| writer.object(object, &bytes)) {
                Some(Ok(())) => exported.objects += 1,
                None | Some(Err(BundleError::TooLong { .. })) => exported.missing += 1,
                Some(Err(error)) => return Err(error.into()),
            }
            self.told.objects.store(exported.objects, Ordering::Relaxed);
        }
        Ok((writer.finish()?, exported))
    }

    /// The messages that come next in a bundle, as many as are sorted at a time, and whether there are more. The
    /// journal is read once for each such part of it.
    fn page(&self, last: &[u8], newest: Sequence) -> Result<(BTreeSet<Vec<u8>>, bool), Unwritten> {
        let (mut page, mut len, mut more) = (BTreeSet::<Vec<u8>>::new(), 0, false);
        let mut position = Sequence::ZERO;
        while position < newest {
            self.go_on()?;
            let messages = self.journal.after(position, PAGE);
            let messages = messages.map_err(|error| RequestError::new(&error, error.fault()))?;
            if messages.is_empty() {
                break;
            }
            for (at, bytes) in messages {
                position = at;
                if at > newest || bytes[..] <= *last {
                    continue;
                }
                len += bytes.len();
                page.insert(bytes);
                while len > SORTED {
                    len -= page.pop_last().map_or(len, |it| it.len());
                    more = true;
                }
            }
        }
        Ok((page, more))
    }

    /// Would it be reconciled with a peer? Claims would not, but may be in time where a bundle is carried at once.
    fn wanted(&self, bytes: &[u8]) -> Result<Option<Message>, RequestError> {
        let message = Message::from_bytes_of_any_kind(bytes)
            .map_err(|error| RequestError::new(&error, Fault::Environment))?;
        let (kind, at) = (message.kind(), message.at());
        let window = Window::of(kind, self.now);
        let is_of_use = if kind == Kind::Claim {
            at.get().saturating_add(Budgets::default().window) >= self.now.get()
        } else {
            let known = self.journal.known();
            (window.from..window.until).contains(&at) && known.summary.contains(kind, at, message.id())
        };
        Ok(is_of_use.then_some(message))
    }

    fn go_on(&self) -> Result<(), Unwritten> {
        if (self.is_stopped)() {
            return Err(stopped().into());
        }
        Ok(())
    }
}

/// Moves a file that is on the disk to its place.
fn place(part: &Path, path: &Path, replace: bool) -> io::Result<()> {
    if !replace {
        // Fails if something has come there since; hard links, which would say so, are not to be had on every stick.
        File::create_new(path)?;
    }
    fs::rename(part, path).inspect_err(|_| {
        if !replace {
            let _gone = fs::remove_file(path);
        }
    })?;
    let directory = path.parent().expect("the path of a file is in a directory");
    File::open(directory)?.sync_all()
}

/// What the verification or the run of a message's matter needs.
fn objects_of(message: &Message) -> Vec<Object> {
    match message {
        Message::Offer(it) => vec![Object::Capsule(it.capsule), Object::Input(it.input)],
        Message::Receipt(it) => vec![
            Object::Capsule(it.record.proven.capsule),
            Object::Tapes(it.tapes),
            Object::Proof(it.proof),
        ],
        Message::Accusation(it) => (it.evidence.item().iter())
            .map(|item| Object::Capsule(item.receipt.record.proven.capsule))
            .collect(),
        _ => vec![],
    }
}

/// Why a bundle is not written.
enum Unwritten {
    Bundle(BundleError),
    Refused(RequestError),
}

impl From<BundleError> for Unwritten {
    fn from(error: BundleError) -> Self {
        Self::Bundle(error)
    }
}

impl From<RequestError> for Unwritten {
    fn from(error: RequestError) -> Self {
        Self::Refused(error)
    }
}
