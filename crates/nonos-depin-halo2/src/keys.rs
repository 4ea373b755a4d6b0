//! Parameters and keys, which are the same for every chunk.

use std::io;
use std::sync::OnceLock;

use ff::PrimeField;
use halo2_proofs::plonk::{ProvingKey, VerifyingKey, keygen_pk, keygen_vk};
use halo2_proofs::poly::commitment::Params;
use halo2_proofs::transcript::{Challenge255, EncodedChallenge, Transcript};
use pasta_curves::{EqAffine, Fp};

use crate::Error;
use crate::circuit::Chunk;
use crate::layout::K;

/// BLAKE3 of the parameters' bytes. They are derived from nothing but a constant string.
const PARAMS: &str = "2de4cf220fdf8f6ae21aee51685c11c9d211dd474f7ae15595a8084f854d0603";

#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) params: Params<EqAffine>,
    pub(crate) verifying: VerifyingKey<EqAffine>,
    /// Digest of the verifying key.
    pub(crate) digest: [u8; 32],
    proving: OnceLock<ProvingKey<EqAffine>>,
}

impl Keys {
    pub(crate) fn new() -> Result<Self, Error> {
        let params = Params::new(K);
        let mut bytes = vec![];
        let written = params.write(&mut bytes);
        if written.is_err() || blake3::hash(&bytes).to_hex().as_str() != PARAMS {
            return Err(failed("deriving parameters"));
        }
        let verifying =
            keygen_vk(&params, &Chunk::default()).map_err(|_| failed("making a verifying key"))?;
        // halo2 identifies a key in transcripts by a BLAKE2b digest of its pinned form, as a scalar.
        let mut digest = Capture::default();
        let hashed = verifying.hash_into(&mut digest);
        let digest = hashed
            .ok()
            .and(digest.0)
            .ok_or(failed("hashing a verifying key"))?;
        Ok(Self {
            params,
            verifying,
            digest,
            proving: OnceLock::new(),
        })
    }

    pub(crate) fn proving(&self) -> Result<&ProvingKey<EqAffine>, Error> {
        if let Some(key) = self.proving.get() {
            return Ok(key);
        }
        let key = keygen_pk(&self.params, self.verifying.clone(), &Chunk::default())
            .map_err(|_| failed("making a proving key"))?;
        Ok(self.proving.get_or_init(|| key))
    }
}

pub(crate) fn failed(stage: &'static str) -> Error {
    Error::Backend { stage }
}

/// A transcript that keeps the one scalar given to it.
#[derive(Default)]
struct Capture(Option<[u8; 32]>);

impl Transcript<EqAffine, Challenge255<EqAffine>> for Capture {
    fn squeeze_challenge(&mut self) -> Challenge255<EqAffine> {
        Challenge255::new(&[0; 64])
    }

    fn common_point(&mut self, _: EqAffine) -> io::Result<()> {
        Ok(())
    }

    fn common_scalar(&mut self, scalar: Fp) -> io::Result<()> {
        self.0 = Some(scalar.to_repr());
        Ok(())
    }
}
