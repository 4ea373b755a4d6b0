//! What this node says as a relay: the journal of what it accepted, which the engine writes and peers ask.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nonos_mesh::core::journal::{Answer, Ask, Journal, Serve};
use nonos_types::{MessageId, NodeId, RelayHead, Signed, Timestamp};

/// Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Relay(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// None before the engine has read what was signed before.
    journal: Option<Journal>,
    serve: Serve,
}

impl Relay {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn open(&self, journal: Journal) {
        self.inner().journal = Some(journal);
    }

    /// A message was found right, and is kept to be passed on.
    pub(crate) fn accept(&self, message: MessageId, now: Timestamp) {
        if let Some(journal) = &mut self.inner().journal {
            journal.accept(message, now);
        }
    }

    pub(crate) fn due(&self, now: Timestamp) -> Option<RelayHead> {
        self.inner().journal.as_ref()?.due(now)
    }

    /// The head that was due is signed, and durable.
    pub(crate) fn signed(&self, head: &Signed<RelayHead>) {
        if let Some(journal) = &mut self.inner().journal {
            journal.signed(head);
        }
    }

    /// The answer to a peer; none if it asks too often.
    pub(crate) fn answer(&self, from: NodeId, ask: &Ask, now: Timestamp) -> Option<Answer> {
        let inner = &mut *self.inner();
        let Some(journal) = &inner.journal else {
            return Some(Answer::Absent);
        };
        inner.serve.answer(journal, from, ask, now)
    }
}
