//! The reader of halo2 proofs: the layout that a proof says it was made for is the one that its bytes say.

use nonos_verify_halo2::Proof;

/// Checks one input.
///
/// # Panics
/// If the reader is wrong.
pub fn check(bytes: &[u8]) {
    if let Ok(proof) = Proof::decode(bytes) {
        assert_eq!(proof.encode(), bytes);
    }
}
