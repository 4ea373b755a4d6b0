//! What makes a commitment hide.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// 32 random bytes that make a commitment hide what it commits to. Who knows them can confirm a guess.
///
/// ```
/// use nonos_seal::Salt;
///
/// // It is not printed by mistake, and wiped when it is dropped.
/// assert!(!format!("{:?}", Salt::new([7; 32])).contains('7'));
/// ```
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Salt([u8; 32]);

impl Salt {
    /// A salt of fresh secret bytes, which must not be used for any other commitment.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn words(&self) -> [u64; 4] {
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(self.0.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        words
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(secret)")
    }
}
