//! Objects named by their digests, as files: what is read by others is read from here.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use nonos_mesh::Object;
use nonos_package::Package;
use nonos_trust::boxes;
use nonos_types::{
    ByteLen, CapsuleHash, InputDigest, Outline, ProofDigest, Receipt, ResultDigest, SealedDigest,
    SealedResult, SealedTape, SegmentDigest, SegmentTask, TapesDigest,
};

mod listed;
mod partial;
mod room;

pub(crate) use self::room::Used;
use self::{
    partial::{Begun, Partial},
    room::Room,
};

/// Whose an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// This node made it, or was given it by its operator: nobody else need have it.
    Own,
    /// It came from peers.
    Others,
}

/// Capsules, inputs, tapes, proofs, and ciphertexts of one data directory.
#[derive(Debug)]
pub(crate) struct ObjectStore {
    root: PathBuf,
    temporary: AtomicU64,
    partial: Partial,
    room: Room,
    /// Outlines that were asked for of late.
    outlines: Mutex<Vec<(Object, Outline)>>,
    known: listed::Known,
}

impl ObjectStore {
    const OUTLINES: usize = 64;
    /// Where segments of runs are; what is there when a node starts is of runs that are over.
    const SEGMENTS: &str = "segments";

    /// From now on it takes so much of the disk at most; what is too much goes when it is measured next.
    pub(crate) fn set_most(&self, most: Option<ByteLen>) {
        self.room.set_most(most);
    }

    /// Of a data directory that takes so much of the disk at most.
    pub(crate) fn new(root: &Path, most: Option<ByteLen>) -> Self {
        let store = Self {
            root: root.to_owned(),
            temporary: AtomicU64::new(0),
            partial: Partial::new(root),
            room: Room::new(root, most),
            outlines: Mutex::default(),
            known: listed::Known::default(),
        };
        if let Err(error) = fs::remove_dir_all(root.join(Self::SEGMENTS))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "segments of runs that are over are not dropped");
        }
        if let Err(error) = store.used() {
            tracing::warn!(%error, "what is used of the disk is not known yet");
        }
        store
    }

    /// What an object is checked by, if it is here.
    pub(crate) fn outline(&self, object: &Object) -> io::Result<Option<Outline>> {
        let outlines = || self.outlines.lock().unwrap_or_else(PoisonError::into_inner);
        let known = outlines()
            .iter()
            .find(|(it, _)| it == object)
            .map(|(_, outline)| outline.clone());
        if known.is_some() {
            return Ok(known);
        }
        let made = self.get(object)?.and_then(|bytes| object.outline(&bytes));
        if let Some(outline) = &made {
            let mut outlines = outlines();
            if outlines.len() == Self::OUTLINES {
                outlines.remove(0);
            }
            outlines.push((*object, outline.clone()));
        }
        Ok(made)
    }

    /// What is here of an object that is not whole.
    pub(crate) fn begun(&self, object: &Object) -> io::Result<Option<Begun>> {
        self.partial.load(object)
    }

    /// Keeps a group of an object that is not whole.
    pub(crate) fn keep_group(
        &self,
        object: &Object,
        outline: &Outline,
        index: usize,
        bytes: &[u8],
    ) -> io::Result<()> {
        self.room.take(bytes.len())?;
        self.partial.keep(object, outline, index, bytes)
    }

    /// Longest object of this kind that is fetched.
    pub(crate) fn limit(object: &Object, max_input: ByteLen) -> ByteLen {
        match object {
            Object::Capsule(_) => ByteLen::new(18 << 20),
            Object::Input(_) => max_input,
            Object::Tapes(_) => Receipt::MAX_TAPES,
            Object::Proof(_) => Receipt::MAX_PROOF,
            Object::Sealed(_) => boxes::sealed_len(max_input).min(SealedTape::MAX),
            Object::Result(_) => SealedResult::MAX,
            Object::Segment(_) => SegmentTask::MAX_SEGMENT,
        }
    }

    /// Are these the bytes that the object's name says?
    pub(crate) fn fits(object: &Object, bytes: &[u8]) -> bool {
        match object {
            Object::Capsule(hash) => Package::decode(bytes).is_ok_and(|it| it.capsule_hash() == *hash),
            Object::Input(digest) => InputDigest::hash(&[bytes]) == *digest,
            Object::Tapes(digest) => TapesDigest::hash(&[bytes]) == *digest,
            Object::Proof(digest) => ProofDigest::hash(&[bytes]) == *digest,
            Object::Sealed(digest) => SealedDigest::hash(&[bytes]) == *digest,
            Object::Result(digest) => ResultDigest::hash(&[bytes]) == *digest,
            Object::Segment(digest) => SegmentDigest::hash(&[bytes]) == *digest,
        }
    }

    /// All of an object, if it is here and undamaged. A damaged one is put aside, so that it is fetched again.
    pub(crate) fn get(&self, object: &Object) -> io::Result<Option<Vec<u8>>> {
        let path = self.path(object);
        match fs::read(&path) {
            Ok(bytes) if Self::fits(object, &bytes) => Ok(Some(bytes)),
            Ok(_) => {
                tracing::warn!(object = %path.display(), "damaged: put aside as .damaged");
                fs::rename(&path, path.with_extension("damaged"))?;
                Ok(None)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What of the disk is used.
    pub(crate) fn used(&self) -> io::Result<Used> {
        self.room.measure()
    }

    /// Is it this node's own?
    pub(crate) fn is_own(&self, object: &Object) -> bool {
        room::is_own(&self.path(object))
    }

    /// Keeps an object; its bytes must fit its name. All of it or nothing is there afterwards. What is this node's own is
    /// never dropped for want of room.
    pub(crate) fn put(&self, object: &Object, bytes: &[u8], whose: Whose) -> io::Result<()> {
        let path = self.path(object);
        if let Object::Segment(_) = object {
            fs::create_dir_all(self.root.join(Self::SEGMENTS))?;
        }
        if whose == Whose::Own {
            room::own(&path)?;
        }
        if path.exists() {
            return Ok(());
        }
        self.room.take(bytes.len())?;
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = self.root.join("run").join(format!("object-{number}"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        self.partial.clear(object)
    }

    /// Keeps what a capsule needs as long as the capsule: it is this node's own if the capsule is, and else dropped
    /// later than that.
    pub(crate) fn keep_with(&self, capsule: CapsuleHash, needs: &[CapsuleHash]) -> io::Result<()> {
        let capsule = self.path(&Object::Capsule(capsule));
        for needed in needs {
            room::keep_with(&capsule, &self.path(&Object::Capsule(*needed)))?;
        }
        Ok(())
    }

    /// Drops an object, whosever it is.
    pub(crate) fn remove(&self, object: &Object) -> io::Result<()> {
        let path = self.path(object);
        room::disown(&path)?;
        self.outlines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(it, _)| it != object);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.partial.clear(object),
        }
    }

    /// A part of an object, and its whole length.
    pub(crate) fn part(
        &self,
        object: &Object,
        offset: ByteLen,
        most: ByteLen,
    ) -> io::Result<(ByteLen, Vec<u8>)> {
        let mut file = File::open(self.path(object))?;
        let total = file.metadata()?.len();
        file.seek(SeekFrom::Start(offset.get()))?;
        let mut bytes = Vec::new();
        file.take(most.get()).read_to_end(&mut bytes)?;
        Ok((ByteLen::new(total), bytes))
    }

    fn path(&self, object: &Object) -> PathBuf {
        match object {
            Object::Capsule(hash) => self.root.join(format!("capsules/{hash}.mod")),
            Object::Input(digest) => self.root.join(format!("inputs/{digest}.input")),
            Object::Tapes(digest) => self.root.join(format!("proofs/{digest}.tapes")),
            Object::Proof(digest) => self.root.join(format!("proofs/{digest}.proof")),
            Object::Sealed(digest) => self.root.join(format!("inputs/{digest}.sealed")),
            Object::Result(digest) => self.root.join(format!("proofs/{digest}.result")),
            Object::Segment(digest) => self.root.join(format!("{}/{digest}.segment", Self::SEGMENTS)),
        }
    }
}

#[cfg(test)]
mod tests;
