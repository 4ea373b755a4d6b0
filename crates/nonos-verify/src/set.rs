//! The verifiers a node accepts.

use crate::{BackendId, ProofObject, Public, StatementId, Verifier, VerifyError};
use nonos_types::{Fault, TranscriptDigest, VkDigest};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// Why a set has no verdict, or refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// There is one for this statement and backend already.
    #[error("there is a verifier of {statement} by {backend} already")]
    Duplicate {
        /// The relation.
        statement: StatementId,
        /// The backend.
        backend: BackendId,
    },
    /// No verifier for this statement and backend.
    #[error("no verifier of {statement} by {backend}")]
    UnknownBackend {
        /// The relation.
        statement: StatementId,
        /// The backend.
        backend: BackendId,
    },
    /// The verifying key is not one of those pinned for this statement and backend.
    #[error("verifying key {vk} is not accepted for {statement} by {backend}")]
    UnknownKey {
        /// The relation.
        statement: StatementId,
        /// The backend.
        backend: BackendId,
        /// The key the proof asks for.
        vk: VkDigest,
    },
    /// The verifier's refusal.
    #[error("the claim is refused")]
    Refused {
        /// The verdict.
        #[source]
        verdict: VerifyError,
    },
}

impl SetError {
    /// Who must act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Duplicate { .. } => Fault::Caller,
            Self::UnknownBackend { .. } | Self::UnknownKey { .. } => Fault::Peer,
            Self::Refused { verdict } => verdict.fault(),
        }
    }
}

struct Entry {
    verifier: Arc<dyn Verifier>,
    /// `None`: every key that the backend derives from the proof's layout.
    keys: Option<BTreeSet<VkDigest>>,
}

/// Verifiers by statement and backend, each with the keys it may use. What is not in it is an error, never a
/// default.
///
/// ```
/// use nonos_verify::{Erased, SetError, VerifierSet, testing::{ClearWitness, Product}};
/// use std::sync::Arc;
///
/// let mut set = VerifierSet::default();
/// set.insert(Arc::new(Erased::<Product, _>::new(ClearWitness::default())))?;
/// # Ok::<_, SetError>(())
/// ```
#[derive(Default)]
pub struct VerifierSet {
    entries: BTreeMap<(StatementId, BackendId), Entry>,
}

impl VerifierSet {
    /// Accepts every key that the backend derives by itself from a proof's layout (a *universal* key).
    ///
    /// # Errors
    /// [`SetError::Duplicate`]; a verifier is never replaced silently.
    pub fn insert(&mut self, verifier: Arc<dyn Verifier>) -> Result<(), SetError> {
        self.add(verifier, None)
    }

    /// Accepts only proofs under one of `keys`.
    ///
    /// # Errors
    /// [`SetError::Duplicate`].
    pub fn insert_pinned(
        &mut self,
        verifier: Arc<dyn Verifier>,
        keys: impl IntoIterator<Item = VkDigest>,
    ) -> Result<(), SetError> {
        self.add(verifier, Some(keys.into_iter().collect()))
    }

    /// The verifier for proofs of `statement` by `backend` under `vk`.
    ///
    /// # Errors
    /// [`SetError::UnknownBackend`], [`SetError::UnknownKey`].
    pub fn get(
        &self,
        statement: &StatementId,
        backend: &BackendId,
        vk: VkDigest,
    ) -> Result<&Arc<dyn Verifier>, SetError> {
        let key = (statement.clone(), backend.clone());
        let Some(entry) = self.entries.get(&key) else {
            return Err(SetError::UnknownBackend {
                statement: key.0,
                backend: key.1,
            });
        };
        if entry.keys.as_ref().is_some_and(|keys| !keys.contains(&vk)) {
            return Err(SetError::UnknownKey {
                statement: key.0,
                backend: key.1,
                vk,
            });
        }
        Ok(&entry.verifier)
    }

    /// Does the object's proof prove `public` as a statement of this kind?
    ///
    /// Whether the object is about the right run is [`ProofObject::is_about`].
    ///
    /// # Errors
    /// [`SetError`]; [`SetError::Refused`] holds the verifier's refusal.
    pub fn verify(
        &self,
        statement: &StatementId,
        public: &Public,
        object: &ProofObject,
    ) -> Result<TranscriptDigest, SetError> {
        let verifier = self.get(statement, &object.backend, object.proof.vk)?;
        verifier
            .verify(public, &object.proof)
            .map_err(|verdict| SetError::Refused { verdict })
    }

    fn add(&mut self, verifier: Arc<dyn Verifier>, keys: Option<BTreeSet<VkDigest>>) -> Result<(), SetError> {
        let key = (verifier.statement_id(), verifier.backend_id());
        if self.entries.contains_key(&key) {
            return Err(SetError::Duplicate {
                statement: key.0,
                backend: key.1,
            });
        }
        self.entries.insert(key, Entry { verifier, keys });
        Ok(())
    }
}

impl fmt::Debug for VerifierSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.keys()).finish()
    }
}
