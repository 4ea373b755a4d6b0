//! Each assignment is run once.

use nonos_store::{Batch, Durability, Store, Table};
use nonos_types::{Assignment, NodeId, Nonce};

use crate::Error;

/// Used nonces of each executor whose keys this store's owner holds.
const USED: Table<(NodeId, Nonce), ()> = Table::new("used-nonce");

/// The right to one run and its record; claimed before the run and spent by [`crate::Run::record`].
#[derive(Debug, PartialEq, Eq)]
pub struct Claim {
    assignment: Assignment,
}

impl Claim {
    /// Claims an assignment's nonce. When this returns, the claim is durable: after a crash during the run the
    /// nonce stays used, and the next try is another attempt.
    ///
    /// # Errors
    /// [`Error::NonceReused`] if it was claimed before; [`Error::Store`] if that cannot be recorded.
    ///
    /// ```
    /// use nonos_capsule::{Claim, Error};
    /// use nonos_store::MemoryStore;
    /// use nonos_types::{Assignment, Attempt, NodeId};
    ///
    /// let store = MemoryStore::new();
    /// let first = Assignment { executor: NodeId::from_bytes([7; 32]), ..Assignment::NONE };
    /// Claim::new(&store, first)?;
    /// let Err(Error::NonceReused { nonce }) = Claim::new(&store, first) else { panic!() };
    /// assert_eq!(nonce, first.nonce());
    /// Claim::new(&store, Assignment { attempt: Attempt::new(1), ..first })?;
    /// # Ok::<_, Error>(())
    /// ```
    pub fn new(store: &dyn Store, assignment: Assignment) -> Result<Self, Error> {
        let nonce = assignment.nonce();
        let mut batch = Batch::new();
        USED.insert(&mut batch, &(assignment.executor, nonce), &());
        match store.write(&batch, Durability::Durable) {
            Ok(()) => Ok(Self { assignment }),
            Err(nonos_store::Error::Exists { .. }) => Err(Error::NonceReused { nonce }),
            Err(error) => Err(Error::Store(error)),
        }
    }

    /// For a run outside of any job, [`Assignment::NONE`], which nobody signs for.
    pub fn outside_jobs() -> Self {
        Self {
            assignment: Assignment::NONE,
        }
    }

    /// What was claimed.
    pub fn assignment(&self) -> &Assignment {
        &self.assignment
    }
}
