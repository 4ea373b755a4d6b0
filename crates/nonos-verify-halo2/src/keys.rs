//! Proving and verifying keys of layouts, and a bounded cache of them.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ff::PrimeField;
use halo2_proofs::plonk::{ProvingKey, VerifyingKey, keygen_pk, keygen_vk};
use halo2_proofs::poly::commitment::Params;
use halo2_proofs::transcript::{Challenge255, EncodedChallenge, Transcript};
use pasta_curves::{EqAffine, Fp};

use crate::circuit::{Filled, with_plan};
use crate::compile::Compiled;
use crate::plan::Plan;
use crate::{Error, Layout};

/// The keys of one layout.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) plan: Arc<Plan>,
    pub(crate) params: Arc<Params<EqAffine>>,
    pub(crate) verifying: VerifyingKey<EqAffine>,
    /// Digest of the verifying key.
    pub(crate) digest: [u8; 32],
    proving: OnceLock<ProvingKey<EqAffine>>,
}

impl Keys {
    pub(crate) fn new(plan: &Arc<Plan>, params: &Arc<Params<EqAffine>>) -> Result<Self, Error> {
        let circuit = Filled {
            plan: plan.clone(),
            columns: None,
        };
        let verifying = with_plan(plan, || keygen_vk(params, &circuit)).map_err(|_| Error::Backend {
            stage: "making a verifying key",
        })?;
        // halo2 identifies a key in transcripts by a BLAKE2b digest of its pinned form, as a scalar.
        let mut digest = Capture::default();
        verifying.hash_into(&mut digest).map_err(|_| Error::Backend {
            stage: "hashing a verifying key",
        })?;
        let digest = digest.0.ok_or(Error::Backend {
            stage: "hashing a verifying key",
        })?;
        Ok(Self {
            plan: plan.clone(),
            params: params.clone(),
            verifying,
            digest,
            proving: OnceLock::new(),
        })
    }

    pub(crate) fn proving(&self) -> Result<&ProvingKey<EqAffine>, Error> {
        if let Some(key) = self.proving.get() {
            return Ok(key);
        }
        let circuit = Filled {
            plan: self.plan.clone(),
            columns: None,
        };
        let key = with_plan(&self.plan, || {
            keygen_pk(&self.params, self.verifying.clone(), &circuit)
        })
        .map_err(|_| Error::Backend {
            stage: "making a proving key",
        })?;
        Ok(self.proving.get_or_init(|| key))
    }
}

/// A transcript that keeps the one scalar given to it.
#[derive(Default)]
struct Capture(Option<[u8; 32]>);

impl Transcript<EqAffine, Challenge255<EqAffine>> for Capture {
    fn squeeze_challenge(&mut self) -> Challenge255<EqAffine> {
        Challenge255::new(&[0; 64])
    }

    fn common_point(&mut self, _: EqAffine) -> std::io::Result<()> {
        Ok(())
    }

    fn common_scalar(&mut self, scalar: Fp) -> std::io::Result<()> {
        self.0 = Some(scalar.to_repr());
        Ok(())
    }
}

/// The most recently used keys.
#[derive(Debug)]
pub(crate) struct KeyCache {
    limit: usize,
    keys: Mutex<Vec<Arc<Keys>>>,
}

impl KeyCache {
    /// Keeps the keys of `limit` layouts; a proving key of a wide layout takes some 100 MB.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            keys: Mutex::default(),
        }
    }

    /// The keys of a layout. The plan is checked before parameters or keys are made.
    pub(crate) fn get(
        &self,
        compiled: &Arc<Compiled>,
        layout: &Layout,
        params: impl FnOnce() -> Result<Arc<Params<EqAffine>>, Error>,
    ) -> Result<Arc<Keys>, Error> {
        if let Some(keys) = self.find(layout) {
            return Ok(keys);
        }
        let keys = Arc::new(Keys::new(&Plan::new(compiled, layout)?, &params()?)?);
        let mut cached = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        cached.truncate(self.limit - 1);
        cached.insert(0, keys.clone());
        Ok(keys)
    }

    fn find(&self, layout: &Layout) -> Option<Arc<Keys>> {
        let mut cached = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let i = cached.iter().position(|keys| keys.plan.layout == *layout)?;
        let keys = cached.remove(i);
        cached.insert(0, keys.clone());
        Some(keys)
    }
}
