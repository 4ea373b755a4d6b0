//! The proof systems that this program has: what it proves by, and what it believes.

use std::sync::Arc;

use nonos_machine::ExecutionStatement;
use nonos_types::{BackendId, ByteLen, VkDigest};
use nonos_verify::{Erased, Prover, SetError, Statement as _, Verifier, VerifierSet};
use nonos_verify_halo2::{Halo2, ParamsStore};
use nonos_verify_stark::Stark;

use crate::choice::{Method, Profile, System};

type Of<B> = Arc<Erased<ExecutionStatement, B>>;

/// Every proof system, each once.
///
/// ```
/// use nonos_node::{Backends, choice::{Method, Profile, System}};
/// use nonos_verify::Prover;
/// use nonos_verify_halo2::ParamsStore;
///
/// let backends = Backends::new(ParamsStore::in_memory())?;
/// let prover = backends.prover(Method::Stark(Profile::Small));
/// assert_eq!(prover.backend_id(), System::Stark.id());
/// # Ok::<_, nonos_verify_halo2::Error>(())
/// ```
pub struct Backends {
    verifiers: VerifierSet,
    halo2: Of<Halo2>,
    fast: Of<Stark>,
    small: Of<Stark>,
    strong: Of<Stark>,
}

impl Backends {
    /// Sets them up, with halo2's public parameters from a store.
    ///
    /// # Errors
    /// If the machine's tables cannot be proved soundly, which is a bug.
    pub fn new(params: ParamsStore) -> Result<Self, nonos_verify_halo2::Error> {
        let halo2 = Arc::new(Erased::new(Halo2::new(params)?));
        let [fast, small, strong] = Profile::ALL.map(|it| Arc::new(Erased::new(Stark::new(it))));
        let mut verifiers = VerifierSet::default();
        // One of the STARK's reads proofs of every profile.
        for verifier in [Arc::clone(&halo2) as Arc<dyn Verifier>, Arc::clone(&fast) as _] {
            verifiers
                .insert(verifier)
                .expect("each system has a name of its own");
        }
        Ok(Self {
            verifiers,
            halo2,
            fast,
            small,
            strong,
        })
    }

    /// What proves by this method.
    pub fn prover(&self, method: Method) -> &dyn Prover<ExecutionStatement> {
        match method {
            Method::Halo2 => &*self.halo2,
            Method::Stark(Profile::Small) => &*self.small,
            Method::Stark(Profile::Strong) => &*self.strong,
            Method::Stark(_) => &*self.fast,
        }
    }

    /// What proves by this method in so much memory, if it can tell: the STARK, by segments.
    pub fn prover_within(
        &self,
        method: Method,
        memory: Option<ByteLen>,
    ) -> Arc<dyn Prover<ExecutionStatement>> {
        match (method, memory) {
            (Method::Stark(profile), Some(memory)) => {
                let steps = Stark::segment_steps(profile, memory);
                Arc::new(Erased::new(Stark::new(profile).with_segments(steps)))
            }
            (Method::Halo2, _) => self.halo2.clone(),
            (Method::Stark(Profile::Small), None) => self.small.clone(),
            (Method::Stark(Profile::Strong), None) => self.strong.clone(),
            (Method::Stark(_), None) => self.fast.clone(),
        }
    }

    /// What verifies runs proved by this backend under this key.
    ///
    /// # Errors
    /// [`SetError::UnknownBackend`] for a backend that is not here; [`Backends::known`] names those that are.
    pub fn verifier(&self, backend: &BackendId, vk: VkDigest) -> Result<&Arc<dyn Verifier>, SetError> {
        self.verifiers.get(&ExecutionStatement::ID, backend, vk)
    }

    /// The names of the backends that are here.
    pub fn known() -> [BackendId; 2] {
        System::ALL.map(System::id)
    }

    /// halo2, for its plans.
    pub fn halo2(&self) -> &Halo2 {
        self.halo2.backend()
    }

    /// The STARK, for its plans.
    pub fn stark(&self) -> &Stark {
        self.fast.backend()
    }
}

impl std::fmt::Debug for Backends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backends").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_verifies_and_every_method_proves() {
        let backends = Backends::new(ParamsStore::in_memory()).expect("sound tables");
        for id in Backends::known() {
            let verifier = backends.verifier(&id, VkDigest::ZERO).expect("it is known");
            assert_eq!(verifier.backend_id(), id);
        }
        for method in Method::ALL {
            assert_eq!(backends.prover(method).backend_id(), method.system().id());
        }
        let other = BackendId::new("halo2-ipa-pasta/1");
        backends
            .verifier(&other, VkDigest::ZERO)
            .err()
            .expect("another version is another backend");
    }
}
