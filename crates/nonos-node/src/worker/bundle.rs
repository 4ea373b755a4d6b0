//! Bundles: what the mesh would carry, in files that people carry.

mod export;
mod import;

use std::{
    fs::File,
    io::{self, BufReader},
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use nonos_mesh::core::bundle::{BundleError, Reader};
use nonos_types::{Clock as _, Fault};

use self::{
    export::{Export, SORTED},
    import::Import,
};
use super::{Worker, blocking};
use crate::{
    api::{BundleBegun, BundleOutcome, BundleView, RequestError},
    whole::{self, refusal},
};

/// The bundle that is at hand, or was last.
#[derive(Debug, Default)]
pub(crate) struct Bundles(Mutex<(u64, Option<Arc<Progress>>)>);

/// How far a bundle is.
#[derive(Debug, Default)]
struct Progress {
    messages: AtomicU64,
    objects: AtomicU64,
    outcome: OnceLock<BundleOutcome>,
}

impl Bundles {
    /// A number for another one, unless one is at hand.
    fn begin(&self) -> Result<(BundleBegun, Arc<Progress>), RequestError> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.1.as_ref().is_some_and(|it| it.outcome.get().is_none()) {
            let message = "another bundle is being written or taken in: wait until that is over";
            return Err(refusal(message.to_owned(), Fault::Caller));
        }
        let progress = Arc::new(Progress::default());
        *last = (last.0 + 1, Some(Arc::clone(&progress)));
        Ok((BundleBegun { number: last.0 }, progress))
    }

    fn view(&self, number: u64) -> Result<BundleView, RequestError> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &last.1 {
            Some(progress) if last.0 == number => Ok(BundleView {
                messages: progress.messages.load(Ordering::Relaxed),
                objects: progress.objects.load(Ordering::Relaxed),
                outcome: progress.outcome.get().cloned(),
            }),
            _ => Err(refusal(format!("no bundle {number} is at hand"), Fault::Caller)),
        }
    }
}

impl Progress {
    fn end(&self, outcome: Result<BundleOutcome, RequestError>) {
        let outcome = outcome.unwrap_or_else(BundleOutcome::Failed);
        self.outcome.set(outcome).expect("it ends once");
    }
}

impl Worker {
    /// Begins to write a bundle.
    pub(super) fn export_bundle(
        self: &Arc<Self>,
        path: &str,
        replace: bool,
    ) -> Result<BundleBegun, RequestError> {
        let path = whole::absolute(path, "bundle")?;
        let (begun, progress) = self.bundles.begin()?;
        let worker = Arc::clone(self);
        tokio::spawn(async move {
            let told = Arc::clone(&progress);
            let write = move || {
                let export = Export {
                    journal: &worker.journal,
                    objects: &worker.objects,
                    network: worker.network,
                    now: worker.clock.now(),
                    sorted: SORTED,
                    told: &told,
                    is_stopped: &|| worker.inputs.is_closed(),
                };
                export.to(&path, replace).map(BundleOutcome::Exported)
            };
            progress.end(blocking(write).await.unwrap_or_else(|defect| Err(bug(defect))));
        });
        Ok(begun)
    }

    /// Begins to take in a bundle.
    pub(super) async fn import_bundle(self: &Arc<Self>, path: &str) -> Result<BundleBegun, RequestError> {
        let path = whole::absolute(path, "bundle")?;
        let network = self.network;
        let named = path.display().to_string();
        let open = move || {
            let file = open(&path)?;
            reader(&file, network)?;
            Ok(file)
        };
        let file = blocking(open).await.map_err(bug)?.map_err(|error| {
            let remedy = match &error {
                BundleError::ForeignNetwork { .. } => {
                    format!(
                        ", and this node is of network {network}: `network` in config.toml names the network"
                    )
                }
                _ => String::new(),
            };
            let RequestError { message, fault } = RequestError::new(&error, fault(&error));
            RequestError {
                message: format!("cannot take in {named}: {message}{remedy}"),
                fault,
            }
        })?;
        let (begun, progress) = self.bundles.begin()?;
        let worker = Arc::clone(self);
        tokio::spawn(async move {
            let told = Arc::clone(&progress);
            let take = move || {
                let import = Import {
                    worker: &worker,
                    file: &file,
                    told: &told,
                };
                import.run().map(BundleOutcome::Imported)
            };
            progress.end(blocking(take).await.unwrap_or_else(|defect| Err(bug(defect))));
        });
        Ok(begun)
    }

    pub(super) fn bundle(&self, number: u64) -> Result<BundleView, RequestError> {
        self.bundles.view(number)
    }
}

/// A bundle is read more than once, so that it must be a file that can be.
fn open(path: &Path) -> Result<File, BundleError> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        let message = "it is read more than once: copy it to a regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message).into());
    }
    Ok(file)
}

/// Reads it from its beginning.
fn reader(file: &File, network: nonos_types::NetworkId) -> Result<Reader<BufReader<&File>>, BundleError> {
    io::Seek::rewind(&mut &*file)?;
    Reader::new(BufReader::new(file), network)
}

/// A file that is named and not there, or no file, is the caller's matter.
fn fault(error: &BundleError) -> Fault {
    match error {
        BundleError::Io(source) => whole::fault(source),
        error => error.fault(),
    }
}

fn bug(message: String) -> RequestError {
    refusal(message, Fault::Bug)
}

fn stopped() -> RequestError {
    refusal("the node has stopped".to_owned(), Fault::Environment)
}
