//! The challenge of the bus argument, drawn from the commitments to phase 0.
//!
//! See `docs/circuits/challenge.md` for the argument.

use ff::FromUniformBytes;
use pasta_curves::Fp;

use crate::Layout;

/// Hashes everything that must be fixed before the challenge is known: the layout, the verifying key,
/// the caller's context, the public data, the commitments.
pub(crate) fn challenge(
    layout: &Layout,
    key: &[u8; 32],
    context: &[u8],
    statement: &[u8; 32],
    commitments: &[u8],
) -> Fp {
    let mut hasher = blake3::Hasher::new_derive_key("nonos/v1/halo2/challenge");
    for part in [&layout.encode()[..], key, context, statement, commitments] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut wide = [0; 64];
    hasher.finalize_xof().fill(&mut wide);
    Fp::from_uniform_bytes(&wide)
}
