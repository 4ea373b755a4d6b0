//! The public parameters: generators of the commitment scheme, derived from nothing but a constant string.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, fs, io};

use halo2_proofs::poly::commitment::Params;
use pasta_curves::EqAffine;

use crate::Error;
use crate::layout::{MAX_K, MIN_K};

/// What a [`ParamsStore`] is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParamsEvent {
    /// Deriving 2^k generators: seconds for k = 12, ten seconds for k = 14.
    Generating {
        /// Logarithm of their number.
        k: u8,
    },
    /// The file cannot be read or written; they are derived all the same.
    NotCached {
        /// Logarithm of their number.
        k: u8,
        /// What the system says.
        cause: io::ErrorKind,
    },
    /// They are derived.
    Generated {
        /// Logarithm of their number.
        k: u8,
    },
    /// A cached file is not what it should be, and is replaced.
    Replacing {
        /// Logarithm of their number.
        k: u8,
    },
}

type Listener = Box<dyn Fn(ParamsEvent) + Send + Sync>;

/// Makes public parameters once, and keeps them in memory and on disk.
///
/// A file is used only if its digest is the one that this crate knows the true parameters to have; so a
/// damaged, exchanged or unreadable file costs time; it changes no verdict.
pub struct ParamsStore {
    directory: Option<PathBuf>,
    listener: Listener,
    loaded: Mutex<BTreeMap<u8, Arc<Params<EqAffine>>>>,
}

impl fmt::Debug for ParamsStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParamsStore")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

impl ParamsStore {
    /// Keeps parameters in memory only.
    pub fn in_memory() -> Self {
        Self {
            directory: None,
            listener: Box::new(|_| ()),
            loaded: Mutex::default(),
        }
    }

    /// Keeps parameters also in files of a directory, which is made when first needed.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: Some(directory.into()),
            ..Self::in_memory()
        }
    }

    /// Calls `listener` when something slow begins or ends.
    #[must_use]
    pub fn on_event(mut self, listener: impl Fn(ParamsEvent) + Send + Sync + 'static) -> Self {
        self.listener = Box::new(listener);
        self
    }

    pub(crate) fn get(&self, k: u8) -> Result<Arc<Params<EqAffine>>, Error> {
        // The lock is kept while generating, so that nothing is generated twice.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(params) = loaded.get(&k) {
            return Ok(params.clone());
        }
        let params = Arc::new(self.load(k)?);
        loaded.insert(k, params.clone());
        Ok(params)
    }

    fn load(&self, k: u8) -> Result<Params<EqAffine>, Error> {
        let expected = digest_of(k).ok_or(Error::Layout { part: "k" })?;
        let path = self
            .directory
            .as_ref()
            .map(|d| d.join(format!("halo2-k{k}.params")));
        if let Some(path) = &path {
            match fs::read(path) {
                Ok(bytes) if blake3::hash(&bytes).to_hex().as_str() == expected => {
                    if let Ok(params) = Params::read(&mut &bytes[..]) {
                        return Ok(params);
                    }
                }
                Ok(_) => (self.listener)(ParamsEvent::Replacing { k }),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => (self.listener)(ParamsEvent::NotCached { k, cause: e.kind() }),
            }
        }
        (self.listener)(ParamsEvent::Generating { k });
        let params = Params::new(u32::from(k));
        let mut bytes = vec![];
        params.write(&mut bytes).map_err(|_| Error::Backend {
            stage: "writing parameters",
        })?;
        if blake3::hash(&bytes).to_hex().as_str() != expected {
            return Err(Error::Backend {
                stage: "deriving parameters",
            });
        }
        if let Some(Err(e)) = path.map(|path| store(&path, &bytes)) {
            (self.listener)(ParamsEvent::NotCached { k, cause: e.kind() });
        }
        (self.listener)(ParamsEvent::Generated { k });
        Ok(params)
    }
}

/// Writes a whole file or none.
fn store(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    fs::write(&partial, bytes)?;
    fs::rename(&partial, path)
}

/// BLAKE3 of the parameters' bytes, for each `k` from [`MIN_K`] to [`MAX_K`].
const DIGESTS: [&str; (MAX_K - MIN_K + 1) as usize] = [
    "48736798f29e5119cc1a1b938b752eb9af46d952e147d5e59fd9e8ff30bd37b4",
    "4978bdbb39b45dc1e3106a4f9274af5757a4809269383e5533c1fe8cf055ad7f",
    "2de4cf220fdf8f6ae21aee51685c11c9d211dd474f7ae15595a8084f854d0603",
    "46d2cc8da807c681ba7301f789a7a388bf9f2ea74e37f1bd1defbb6b82c4d25e",
    "657e0b22474bfe35b547cbaa17f19afad7bbaf3461bb214cd4739bfc1e42ff15",
    "2c7eb351c10632d63279fb2342ac3a547bc93a9b4835a8027f5cb7ca5d09b890",
    "f81c051458c5751ffed06b3d9295f62b1254db75632574b242265ab0c0f84869",
];

fn digest_of(k: u8) -> Option<&'static str> {
    DIGESTS.get(usize::from(k.checked_sub(MIN_K)?)).copied()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{ParamsEvent, ParamsStore};

    fn events(directory: &std::path::Path) -> (ParamsStore, Arc<Mutex<Vec<ParamsEvent>>>) {
        let seen = Arc::new(Mutex::new(vec![]));
        let log = seen.clone();
        let store = ParamsStore::in_directory(directory);
        (
            store.on_event(move |event| log.lock().expect("not poisoned").push(event)),
            seen,
        )
    }

    #[test]
    fn keeps_parameters_on_disk_and_replaces_damaged_ones() {
        use ParamsEvent::{Generated, Generating, Replacing};
        let home = tempfile::tempdir().expect("a directory");
        let directory = home.path().join("params");
        let file = directory.join("halo2-k8.params");
        let (store, seen) = events(&directory);
        store.get(8).expect("generates");
        store.get(8).expect("remembers");
        assert_eq!(
            *seen.lock().expect("not poisoned"),
            [Generating { k: 8 }, Generated { k: 8 }]
        );
        let (store, seen) = events(&directory);
        store.get(8).expect("reads");
        assert!(seen.lock().expect("not poisoned").is_empty());
        let good = std::fs::read(&file).expect("there");
        let mut bad = good.clone();
        bad[100] ^= 1;
        std::fs::write(&file, &bad).expect("writes");
        let (store, seen) = events(&directory);
        store.get(8).expect("generates");
        assert_eq!(
            *seen.lock().expect("not poisoned"),
            [Replacing { k: 8 }, Generating { k: 8 }, Generated { k: 8 }]
        );
        assert_eq!(std::fs::read(&file).expect("there"), good);
    }

    #[test]
    fn an_unusable_directory_costs_time_only() {
        let home = tempfile::tempdir().expect("a directory");
        let file = home.path().join("not a directory");
        std::fs::write(&file, b"").expect("writes");
        let (store, seen) = events(&file);
        store.get(8).expect("derives all the same");
        let seen = seen.lock().expect("not poisoned");
        assert!(
            seen.iter()
                .any(|event| matches!(event, ParamsEvent::NotCached { k: 8, .. })),
            "{seen:?}"
        );
    }
}
