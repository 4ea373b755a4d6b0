//! Settles the node's books: batches, their proofs, and the anchor. It works beside the engine, on tables of its own;
//! of the books it reads entries that are there and never change.

mod export;
mod pages;
mod place;
mod witness;
mod work;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
};

use nonos_depin::{
    Ledger,
    anchor::{self, WitnessBook},
    rollup::State,
    settlement::{self, Settlement},
};
use nonos_depin_halo2::Rollup;
use nonos_store::Store;
use nonos_trust::Identity;
use nonos_types::{Clock as _, Envelope, Fault, NetworkId, NodeId, Timestamp};
use serde::Serialize;

use self::{place::Open, witness::Asking, work::Works};
use crate::{
    api::{Countersigned, RequestError, SettleAsk},
    clock::SystemClock,
    config,
    engine::json,
    proofs::Proofs,
};

/// What settling needs of the node.
pub(crate) struct Parts {
    pub(crate) store: Weak<dyn Store>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) network: NetworkId,
    pub(crate) config: config::Settlement,
    pub(crate) data: PathBuf,
    pub(crate) proofs: Arc<Proofs>,
    pub(crate) clock: SystemClock,
}

/// Settles the books of one node.
pub(crate) struct Settler {
    parts: Parts,
    works: Works,
    /// The state that was made last, from the feed.
    state: Mutex<Option<State>>,
    /// The anchor, once it is open.
    open: Mutex<Option<Open>>,
    /// Batches that were submitted to it and are not final, once they were looked for.
    under_way: Mutex<Option<BTreeSet<u64>>>,
    trouble: Mutex<Option<String>>,
    backend: OnceLock<Arc<Rollup>>,
    /// When witnesses are asked again.
    asking: Mutex<Asking>,
    /// A witness must not sign two at once.
    witnessing: Mutex<()>,
}

/// Why something of this is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Settlement(#[from] settlement::Error),
    #[error(transparent)]
    Anchor(#[from] anchor::Error),
    #[error(transparent)]
    Evm(#[from] nonos_depin_evm::Error),
    #[error("the key of the account cannot be opened")]
    Key(#[from] nonos_depin_evm::KeyError),
    #[error("the proof system of batches cannot be set up")]
    Backend(#[source] nonos_depin_halo2::Error),
    #[error("batch {number} cannot be proved")]
    Prove {
        number: u64,
        #[source]
        source: nonos_verify::ProveError,
    },
    #[error("{message}")]
    Words { message: String, fault: Fault },
}

impl Error {
    fn caller(message: impl Into<String>) -> Self {
        Self::Words {
            message: message.into(),
            fault: Fault::Caller,
        }
    }

    fn stopped() -> Self {
        Self::Words {
            message: "the node has stopped".to_owned(),
            fault: Fault::Environment,
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Settlement(error) => error.fault(),
            Self::Anchor(error) => error.fault(),
            Self::Evm(error) => error.fault(),
            Self::Key(error) => error.fault(),
            Self::Backend(_) => Fault::Environment,
            Self::Prove { source, .. } => source.fault(),
            Self::Words { fault, .. } => *fault,
        }
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        Self::Words {
            fault: error.fault(),
            message: error.message,
        }
    }
}

impl From<Error> for RequestError {
    fn from(error: Error) -> Self {
        Self::new(&error, error.fault())
    }
}

impl Settler {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            parts,
            works: Works::default(),
            state: Mutex::default(),
            open: Mutex::default(),
            under_way: Mutex::default(),
            trouble: Mutex::default(),
            backend: OnceLock::new(),
            asking: Mutex::default(),
            witnessing: Mutex::default(),
        }
    }

    /// Answers, or begins what is asked for.
    pub(crate) async fn answer(self: &Arc<Self>, ask: SettleAsk) -> Result<serde_json::Value, RequestError> {
        match ask {
            SettleAsk::Batch => json(&self.begin(work::Work::Batch)?),
            SettleAsk::Prove { number } => json(&self.begin(work::Work::Prove { number })?),
            SettleAsk::Anchor { passphrase_hex } => json(&self.begin(work::Work::Anchor { passphrase_hex })?),
            SettleAsk::Work { work } => json(&self.works.view(work)?),
            SettleAsk::Status => self.blocking(Self::status).await,
            SettleAsk::Batches { after, limit } => self.blocking(move |it| it.batches(after, limit)).await,
            SettleAsk::Entries { after, limit } => self.blocking(move |it| it.entries(after, limit)).await,
            SettleAsk::Export {
                number,
                path,
                replace,
            } => self.blocking(move |it| it.export(number, &path, replace)).await,
            SettleAsk::Countersign { commitment_hex } => {
                self.blocking(move |it| {
                    let signed = it.countersign(&envelope(&commitment_hex)?)?;
                    Ok(Countersigned {
                        countersignature_hex: hex::encode(signed.to_bytes()),
                    })
                })
                .await
            }
            SettleAsk::Acknowledge { countersignature_hex } => {
                self.blocking(move |it| it.acknowledge(&envelope(&countersignature_hex)?))
                    .await
            }
        }
    }

    async fn blocking<T: Serialize + Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<serde_json::Value, RequestError> {
        let settler = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&settler)).await;
        json(&done.map_err(|_| panicked())??)
    }

    /// Signs what another node has signed, unless this node has signed something else in its place.
    pub(crate) fn countersign(&self, commitment: &Envelope) -> Result<Envelope, Error> {
        let _one_at_a_time = lock(&self.witnessing);
        let mut book = WitnessBook::new(self.store()?);
        Ok(book.countersign(commitment, self.now(), self.parts.identity.signing_key())?)
    }

    /// Reads something of the batches, also while one is being made.
    fn read<T>(
        &self,
        work: impl FnOnce(&Settlement, &Ledger) -> Result<T, settlement::Error>,
    ) -> Result<T, Error> {
        let (store, me, network) = (self.store()?, self.me(), self.parts.network);
        let ledger = Ledger::open(Arc::clone(&store), network, me).map_err(settlement::Error::from)?;
        let settlement = Settlement::open(store, network, me)?;
        Ok(work(&settlement, &ledger)?)
    }

    /// Does something with the batches, one after the other. The store is not held longer than that.
    fn with<T>(
        &self,
        work: impl FnOnce(&mut Settlement, &Ledger) -> Result<T, settlement::Error>,
    ) -> Result<T, Error> {
        let mut kept = lock(&self.state);
        let (store, me, network) = (self.store()?, self.me(), self.parts.network);
        let ledger = Ledger::open(Arc::clone(&store), network, me).map_err(settlement::Error::from)?;
        let state = kept.take().unwrap_or_else(|| State::new(network, me));
        let mut settlement = Settlement::resume(store, state)?;
        let done = work(&mut settlement, &ledger);
        *kept = Some(settlement.into_state());
        Ok(done?)
    }

    fn store(&self) -> Result<Arc<dyn Store>, Error> {
        self.parts.store.upgrade().ok_or_else(Error::stopped)
    }

    fn is_stopped(&self) -> bool {
        self.parts.store.strong_count() == 0
    }

    fn me(&self) -> NodeId {
        self.parts.identity.node_id()
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }
}

impl std::fmt::Debug for Settler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settler").finish_non_exhaustive()
    }
}

fn envelope(hex: &str) -> Result<Envelope, Error> {
    let bytes = hex::decode(hex).map_err(|_| Error::caller("what was signed is not hexadecimal"))?;
    Envelope::from_bytes_within(nonos_types::ByteLen::new(1024), &bytes)
        .map_err(|error| Error::Anchor(anchor::Error::Unreadable(error)))
}

fn panicked() -> RequestError {
    RequestError {
        message: "a task panicked; that is a defect of this program".to_owned(),
        fault: "bug".to_owned(),
    }
}

// What a panic leaves under any of these locks is whole: it is replaced as one, or written by the store as one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
