use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use nonos_mesh::Object;
use nonos_types::{ByteLen, Outline};

/// An outline, and the groups that are here, with their numbers.
pub(crate) type Begun = (Outline, Vec<(usize, Vec<u8>)>);

/// What is here of objects that are not whole yet: a directory for each, with its outline and a file for each group. Nothing
/// of it is believed: whoever takes it up checks each group again.
#[derive(Debug)]
pub(super) struct Partial {
    root: PathBuf,
}

impl Partial {
    /// What nobody went on with for so long is dropped.
    const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
    const OUTLINE: &'static str = "outline";

    /// Of a data directory. Drops what is too old.
    pub(super) fn new(root: &Path) -> Self {
        let partial = Self {
            root: root.join("partial"),
        };
        if let Err(error) = partial.prune() {
            tracing::warn!(%error, "old parts of objects could not be dropped");
        }
        partial
    }

    /// What is here of an object.
    pub(super) fn load(&self, object: &Object) -> io::Result<Option<Begun>> {
        let place = self.place(object);
        let outline = match fs::read(place.join(Self::OUTLINE)) {
            Ok(bytes) => decode(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(outline) = outline else {
            self.clear(object)?;
            return Ok(None);
        };
        let mut groups = Vec::new();
        for index in 0..outline.count() {
            match fs::read(place.join(index.to_string())) {
                Ok(bytes) => groups.push((index, bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some((outline, groups)))
    }

    /// Keeps a group. One that is lost in a crash is fetched again, so that nothing is synced.
    pub(super) fn keep(
        &self,
        object: &Object,
        outline: &Outline,
        index: usize,
        bytes: &[u8],
    ) -> io::Result<()> {
        // Less than that is not worth it.
        if outline.count() < 2 {
            return Ok(());
        }
        let place = self.place(object);
        if !place.exists() {
            fs::create_dir_all(&place)?;
            fs::write(place.join(Self::OUTLINE), encode(outline))?;
        }
        fs::write(place.join(index.to_string()), bytes)
    }

    /// Drops what is here of an object.
    pub(super) fn clear(&self, object: &Object) -> io::Result<()> {
        match fs::remove_dir_all(self.place(object)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn place(&self, object: &Object) -> PathBuf {
        let name = match object {
            Object::Capsule(it) => format!("capsule-{it}"),
            Object::Input(it) => format!("input-{it}"),
            Object::Tapes(it) => format!("tapes-{it}"),
            Object::Proof(it) => format!("proof-{it}"),
            Object::Sealed(it) => format!("sealed-{it}"),
            Object::Result(it) => format!("result-{it}"),
            Object::Segment(it) => format!("segment-{it}"),
        };
        self.root.join(name)
    }

    fn prune(&self) -> io::Result<()> {
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if age > Self::KEPT {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

fn encode(outline: &Outline) -> Vec<u8> {
    [&outline.len().get().to_be_bytes()[..], &outline.nodes().concat()].concat()
}

fn decode(bytes: &[u8]) -> Option<Outline> {
    let (len, nodes) = bytes.split_first_chunk()?;
    let (nodes, rest) = nodes.as_chunks();
    let outline = Outline::new(ByteLen::new(u64::from_be_bytes(*len)), nodes.to_vec());
    outline.filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use nonos_types::InputDigest;

    use super::*;

    #[test]
    fn goes_on_with_what_was_kept_and_believes_nothing_damaged() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let bytes: Vec<u8> = (0..600_000_u32).map(|it| it as u8).collect();
        let object = Object::Input(InputDigest::hash(&[&bytes]));
        let outline = object.outline(&bytes).expect("long enough");
        let partial = Partial::new(dir.path());
        assert_eq!(partial.load(&object).expect("readable"), None);
        for index in [0, 2] {
            let group = &bytes[outline.group(index)];
            partial.keep(&object, &outline, index, group).expect("kept");
        }
        let (kept, groups) = Partial::new(dir.path())
            .load(&object)
            .expect("readable")
            .expect("kept");
        assert_eq!(kept, outline);
        let indices: Vec<_> = groups.iter().map(|(index, _)| *index).collect();
        assert_eq!(indices, [0, 2]);
        assert_eq!(groups[1].1, bytes[outline.group(2)]);

        fs::write(partial.place(&object).join("outline"), [7; 20]).expect("written");
        assert_eq!(
            partial.load(&object).expect("readable"),
            None,
            "an outline that is none"
        );
        assert!(!partial.place(&object).exists());
        partial.clear(&object).expect("nothing is there");
    }

    #[test]
    fn what_nobody_went_on_with_is_dropped() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let bytes = vec![7; 600_000];
        let object = Object::Input(InputDigest::hash(&[&bytes]));
        let outline = object.outline(&bytes).expect("long enough");
        let partial = Partial::new(dir.path());
        partial
            .keep(&object, &outline, 0, &bytes[outline.group(0)])
            .expect("kept");
        Partial::new(dir.path());
        assert!(partial.place(&object).exists());
        let place = fs::File::open(partial.place(&object)).expect("a directory");
        let now = place.metadata().and_then(|it| it.modified()).expect("a time");
        let old = now - Partial::KEPT - Duration::from_secs(60);
        place.set_modified(old).expect("set");
        Partial::new(dir.path());
        assert!(!partial.place(&object).exists());
    }
}
