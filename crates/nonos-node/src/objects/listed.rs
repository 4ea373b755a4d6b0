//! Which capsules are here.

use std::{
    collections::BTreeMap,
    fs, io,
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use nonos_mesh::Object;
use nonos_package::Package;
use nonos_types::{ByteLen, CapsuleHash, Timestamp};

use super::ObjectStore;
use crate::api::{CapsuleList, CapsuleView};

/// What packages say of themselves: read once, since all of a package is checked for it.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<BTreeMap<CapsuleHash, Said>>);

#[derive(Clone, Debug)]
struct Said {
    name: String,
    version: String,
    author: String,
}

impl Known {
    const MOST: usize = 1024;
}

impl ObjectStore {
    /// The capsules that are kept here, those that came last first, and no more than `most`.
    pub(crate) fn capsules(&self, most: usize) -> io::Result<CapsuleList> {
        let mut here = Vec::new();
        let entries = match fs::read_dir(self.root.join("capsules")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            entries => Some(entries?),
        };
        for entry in entries.into_iter().flatten() {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_str().and_then(|it| it.strip_suffix(".mod"));
            let Some(Ok(capsule)) = name.map(str::parse::<CapsuleHash>) else {
                continue;
            };
            // What is dropped meanwhile is left out.
            let Ok(about) = entry.metadata() else { continue };
            let since = about.modified()?;
            here.push((since, capsule, about.len()));
        }
        here.sort_unstable_by(|a, b| b.cmp(a));
        let total = here.len();
        let views = here.into_iter().take(most);
        let capsules = views.map(|(since, capsule, len)| self.capsule_view(since, capsule, len));
        Ok(CapsuleList {
            total,
            capsules: capsules.collect(),
        })
    }

    fn capsule_view(&self, since: SystemTime, capsule: CapsuleHash, len: u64) -> CapsuleView {
        let said = self.said(capsule);
        let since = since.duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
        let (name, version, author) = match said {
            Some(it) => (Some(it.name), Some(it.version), Some(it.author)),
            None => (None, None, None),
        };
        CapsuleView {
            capsule,
            name,
            version,
            author,
            own: self.is_own(&Object::Capsule(capsule)),
            bytes: ByteLen::new(len),
            since: Timestamp::new(since),
        }
    }

    fn said(&self, capsule: CapsuleHash) -> Option<Said> {
        let known = || self.known.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(said) = known().get(&capsule) {
            return Some(said.clone());
        }
        let bytes = self.get(&Object::Capsule(capsule)).ok().flatten()?;
        let package = Package::decode(&bytes).ok()?;
        let said = Said {
            name: package.manifest().name.clone(),
            version: package.manifest().version.to_string(),
            author: package.manifest().author.clone(),
        };
        let mut known = known();
        if known.len() >= Known::MOST {
            known.pop_first();
        }
        known.insert(capsule, said.clone());
        Some(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Whose;

    fn package(name: &str) -> (CapsuleHash, Vec<u8>) {
        let module =
            wat::parse_str("(module (func (export \"run\") (result i64) i64.const 1))").expect("a module");
        let manifest = format!(
            "[meta]\nname = \"{name}\"\nversion = \"1.2.3\"\nauthor = \"<b>somebody</b>\"\n[exec]\nentry = \"run\"\n\
             [resources]\nfuel = 1000\nmem = \"64KiB\"\nnet = \"none\"\n"
        );
        let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
        let package = nonos_package::builder::pack(&module, &manifest, &key).expect("packs");
        (package.capsule_hash(), package.bytes().to_vec())
    }

    #[test]
    fn what_is_here_is_listed_with_what_its_package_says() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["run", "capsules", "proofs"] {
            fs::create_dir(dir.path().join(name)).expect("make it");
        }
        let store = ObjectStore::new(dir.path(), None);
        assert_eq!(store.capsules(9).expect("reads").capsules, []);
        let ((own, own_bytes), (other, other_bytes)) = (package("one"), package("two"));
        store
            .put(&Object::Capsule(own), &own_bytes, Whose::Own)
            .expect("room");
        store
            .put(&Object::Capsule(other), &other_bytes, Whose::Others)
            .expect("room");
        let older = fs::File::options()
            .write(true)
            .open(store.path(&Object::Capsule(own)))
            .expect("there");
        older
            .set_modified(UNIX_EPOCH + std::time::Duration::from_secs(5))
            .expect("set");
        fs::write(dir.path().join("capsules/a.mod"), "no name").expect("write");

        let list = store.capsules(9).expect("reads");
        assert_eq!(list.total, 2);
        assert_eq!(
            list.capsules[1],
            CapsuleView {
                capsule: own,
                name: Some("one".to_owned()),
                version: Some("1.2.3".to_owned()),
                author: Some("<b>somebody</b>".to_owned()),
                own: true,
                bytes: ByteLen::new(own_bytes.len() as u64),
                since: Timestamp::new(5),
            }
        );
        assert_eq!((list.capsules[0].capsule, list.capsules[0].own), (other, false));
        let first = store.capsules(1).expect("reads");
        assert_eq!((first.total, first.capsules.len()), (2, 1));
    }

    #[test]
    fn what_is_damaged_has_no_name() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["run", "capsules", "proofs"] {
            fs::create_dir(dir.path().join(name)).expect("make it");
        }
        let store = ObjectStore::new(dir.path(), None);
        let (capsule, _) = package("one");
        fs::write(store.path(&Object::Capsule(capsule)), "other bytes").expect("write");
        let list = store.capsules(9).expect("reads");
        assert_eq!((list.total, list.capsules[0].name.clone()), (1, None));
    }
}
