//! What the verifier's transcript has come to, which Plonky3's verifier does not hand out.

use std::sync::{Arc, Mutex, PoisonError};

use nonos_verify::LastChallenge;
use p3_blake3::Blake3;
use p3_challenger::{ByteGrindingChallenger, CanObserve, CanSample, HashChallenger};

type Inner = HashChallenger<u8, Blake3, 32>;

/// The bytes that challenges are made of: those of the published challenger, each of which is hashed besides. Clones hash on
/// together, so that the one the verifier works with is heard of here.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    inner: Inner,
    all: Arc<Mutex<blake3::Hasher>>,
}

impl Drawn {
    /// A transcript that begins with this.
    pub(crate) fn new(transcript: &[u8; 32]) -> Self {
        Self {
            inner: Inner::new(transcript.to_vec(), Blake3),
            all: Arc::new(Mutex::new(blake3::Hasher::new())),
        }
    }

    /// A digest of all that was drawn, down to the places of the last queries.
    pub(crate) fn last(&self) -> LastChallenge {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        LastChallenge::of(all.finalize().as_bytes())
    }
}

impl CanObserve<u8> for Drawn {
    fn observe(&mut self, value: u8) {
        self.inner.observe(value);
    }

    fn observe_slice(&mut self, values: &[u8]) {
        self.inner.observe_slice(values);
    }
}

impl CanSample<u8> for Drawn {
    fn sample(&mut self) -> u8 {
        let byte = self.inner.sample();
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.update(&[byte]);
        byte
    }
}

/// The search tries many, and none of them is drawn.
impl ByteGrindingChallenger for Drawn {
    fn find_witness<const W: usize, const S: usize>(
        &self,
        num_candidates: u64,
        encode: impl Fn(u64) -> [u8; W] + Sync,
        accepts: impl Fn([u8; S]) -> bool + Sync,
    ) -> Option<u64> {
        self.inner.find_witness(num_candidates, encode, accepts)
    }
}
