//! Writing a bundle.

use std::{collections::BTreeSet, io::Write, path::Path, sync::atomic::Ordering};

use nonos_mesh::{
    Object,
    core::{
        Budgets,
        bundle::{BundleError, Writer},
        reconcile::Window,
    },
};
use nonos_package::{Package, dependencies};
use nonos_types::{Fault, Kind, Message, NetworkId, Sequence, Timestamp};

use super::{Progress, stopped};
use crate::{
    api::{Exported, RequestError},
    journal::Journal,
    objects::ObjectStore,
    whole::{self, Unwritten, refusal},
};

/// Most bytes of messages that are sorted at a time; no message is longer.
pub(super) const SORTED: usize = 32 << 20;
/// Messages that are read at a time: the longest of all, so many times, are as much as is sorted.
const PAGE: usize = 32;

/// What is written, and how far that is.
pub(super) struct Export<'a> {
    pub(super) journal: &'a Journal,
    pub(super) objects: &'a ObjectStore,
    pub(super) network: NetworkId,
    pub(super) now: Timestamp,
    pub(super) sorted: usize,
    pub(super) told: &'a Progress,
    pub(super) is_stopped: &'a dyn Fn() -> bool,
}

impl Export<'_> {
    /// Writes it.
    pub(super) fn to(&self, path: &Path, replace: bool) -> Result<Exported, RequestError> {
        let (bytes, exported) = whole::write(path, replace, |file| self.write(file))?;
        Ok(Exported {
            path: path.display().to_string(),
            bytes,
            ..exported
        })
    }

    /// With a capsule goes what it depends on, as far as that is here.
    fn add_needs(&self, named: &mut BTreeSet<Object>) {
        let mut next: Vec<Object> = named.iter().copied().collect();
        while let Some(object) = next.pop() {
            if !matches!(object, Object::Capsule(_)) {
                continue;
            }
            // One that cannot be read is found to be missing when it is written.
            let bytes = self.objects.get(&object).ok().flatten();
            let Some(package) = bytes.and_then(|bytes| Package::decode(&bytes).ok()) else {
                continue;
            };
            let needs = package.dependencies().iter().take(dependencies::MAX_COUNT);
            for needed in needs.map(|it| Object::Capsule(*it)) {
                if named.insert(needed) {
                    next.push(needed);
                }
            }
        }
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
        self.add_needs(&mut named);
        for object in &named {
            self.go_on()?;
            let bytes = self
                .objects
                .get(object)
                .map_err(|error| refusal(format!("cannot read {object:?}: {error}"), whole::fault(&error)))?;
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
                while len > self.sorted {
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

/// What the verification or the run of a message's matter needs.
fn objects_of(message: &Message) -> Vec<Object> {
    match message {
        Message::Offer(it) => {
            let sealed = it.sealed.map(|it| Object::Sealed(it.object));
            let open = [Object::Capsule(it.capsule), Object::Input(it.input)];
            open.into_iter().chain(sealed).collect()
        }
        Message::Receipt(it) => {
            let sealed = it.result.map(|it| Object::Result(it.object));
            let open = [
                Object::Capsule(it.record.proven.capsule),
                Object::Tapes(it.tapes),
                Object::Proof(it.proof),
            ];
            open.into_iter().chain(sealed).collect()
        }
        Message::Accusation(it) => (it.evidence.item().iter())
            .map(|item| Object::Capsule(item.receipt.record.proven.capsule))
            .collect(),
        _ => vec![],
    }
}

impl From<BundleError> for Unwritten {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::Io(error) => Self::Io(error),
            error => RequestError::new(&error, Fault::Bug).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use ed25519_dalek::SigningKey;
    use nonos_mesh::core::bundle::{Item, Reader};
    use nonos_store::MemoryStore;
    use nonos_types::{
        Award, Capacity, Claim, Descriptor, Further, JobId, NodeId, PoiHash, Roles, Signed, Slot, Stamp,
    };
    use tempfile::TempDir;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    struct Place {
        dir: TempDir,
        journal: Journal,
        last: Sequence,
        objects: ObjectStore,
    }

    impl Place {
        fn new() -> Self {
            let dir = TempDir::new().expect("a directory");
            Self {
                journal: Journal::new(Arc::new(MemoryStore::new())),
                last: Sequence::ZERO,
                objects: ObjectStore::new(dir.path(), None),
                dir,
            }
        }

        fn add(&mut self, message: &Message) {
            let added = self.journal.append(message, &mut self.last, false);
            added.expect("it is written");
        }

        /// What is exported, and the messages in it.
        fn export(
            &self,
            sorted: usize,
            is_stopped: &dyn Fn() -> bool,
        ) -> Result<(Exported, Vec<Vec<u8>>), RequestError> {
            let export = Export {
                journal: &self.journal,
                objects: &self.objects,
                network: network(),
                now: Timestamp::new(NOW),
                sorted,
                told: &Progress::default(),
                is_stopped,
            };
            let path = self.dir.path().join("bundle");
            let exported = export.to(&path, true)?;
            let file = fs::read(&path).expect("a file");
            let items = Reader::new(&file[..], network()).expect("a bundle");
            let messages = items.map(|item| match item.expect("sound") {
                Item::Message(bytes) => bytes,
                Item::Object(..) => panic!("there are no objects"),
            });
            Ok((exported, messages.collect()))
        }
    }

    fn network() -> NetworkId {
        NetworkId::named("tests")
    }

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[1; 32])
    }

    fn claim(at: u64) -> Message {
        let claim = Claim {
            network: network(),
            job: JobId::ZERO,
            slot: Slot::ZERO,
            at: Timestamp::new(at),
            box_key: None,
        };
        Signed::new(claim, &key()).into()
    }

    fn award(number: u8) -> Message {
        let award = Award {
            network: network(),
            job: JobId::from_bytes([number; 32]),
            slot: Slot::ZERO,
            executor: NodeId::from_bytes([2; 32]),
            at: Timestamp::new(NOW),
            sealed_key: None,
        };
        Signed::new(award, &key()).into()
    }

    fn descriptor(sequence: u64, at: u64) -> Message {
        let descriptor = Descriptor {
            network: network(),
            sequence: Sequence::new(sequence),
            valid_from: Timestamp::new(at),
            valid_until: Timestamp::new(at + Descriptor::MAX_VALIDITY),
            addresses: vec![],
            roles: Roles::NONE,
            profile: PoiHash::ZERO,
            capacity: Capacity::NONE,
            onion_keys: vec![],
            stamp: Stamp::NONE,
            shards: nonos_types::Shards::ALL,
            family: None,
            books: None,
            further: Further::NONE,
            software: String::new(),
        };
        Signed::new(descriptor, &key()).into()
    }

    #[test]
    fn however_little_is_sorted_at_a_time_the_bundle_is_the_same() {
        let mut place = Place::new();
        // Not in the order of their bytes.
        for number in (0..=99).rev() {
            place.add(&award(number));
        }
        let longest = award(0).to_bytes().len();
        let (whole, messages) = place.export(SORTED, &|| false).expect("written");
        assert_eq!((messages.len(), whole.messages), (100, 100));
        for sorted in [longest, 3 * longest + 1] {
            let (part, same) = place.export(sorted, &|| false).expect("written");
            assert_eq!((part, &same), (whole.clone(), &messages));
        }
    }

    #[test]
    fn what_no_peer_would_be_given_is_left_out() {
        let mut place = Place::new();
        let (old, new) = (descriptor(1, NOW - 100), descriptor(2, NOW));
        for message in [&old, &new, &claim(NOW - 2401), &claim(NOW - 2400)] {
            place.add(message);
        }
        place.journal.superseded(&old);
        let (_, messages) = place.export(SORTED, &|| false).expect("written");
        let mut expected = vec![claim(NOW - 2400).to_bytes(), new.to_bytes()];
        expected.sort();
        assert_eq!(messages, expected);

        let mut place = Place::new();
        place.add(&descriptor(1, NOW - 90_000));
        let (_, messages) = place.export(SORTED, &|| false).expect("written");
        assert!(messages.is_empty(), "it has long ended");
    }

    #[test]
    fn a_node_that_stops_leaves_no_half_of_a_bundle() {
        let mut place = Place::new();
        place.add(&award(1));
        let stopped = place.export(SORTED, &|| true).expect_err("it stops");
        assert!(stopped.message.contains("has stopped"), "{stopped}");
        let left = fs::read_dir(place.dir.path()).expect("a directory").flatten();
        assert_eq!(left.filter(|it| it.path().is_file()).count(), 0);
    }
}
