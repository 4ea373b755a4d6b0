//! A key as words, for paper: its 32 bytes are the entropy of BIP-39, whose last word has a checksum.

use bip39::{Language, Mnemonic};
use zeroize::Zeroizing;

use super::KeystoreError;
use crate::Identity;

/// Words that a key has.
pub const WORDS: usize = 24;

/// The key as 24 English words of BIP-39, with a space between two. They are the key itself, not encrypted: the seed
/// of a wallet would be derived from such words, this one is not.
///
/// ```
/// use nonos_trust::{Identity, keystore};
///
/// let words = keystore::to_words(&Identity::from_seed([0; 32]));
/// assert!(words.starts_with("abandon abandon ") && words.ends_with(" art"));
/// ```
pub fn to_words(identity: &Identity) -> Zeroizing<String> {
    let seed = Zeroizing::new(identity.signing_key().to_bytes());
    let words = Mnemonic::from_entropy_in(Language::English, &*seed).expect("32 bytes are entropy of BIP-39");
    // Of the full size at once: growing would leave copies behind. The longest words have eight letters.
    let mut text = Zeroizing::new(String::with_capacity(WORDS * 9));
    for word in words.words() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// The key of 24 words, whatever space is between them, in capital letters or not.
///
/// # Errors
/// [`KeystoreError::WordCount`], [`KeystoreError::UnknownWord`], [`KeystoreError::WordsChecksum`].
pub fn from_words(text: &str) -> Result<Identity, KeystoreError> {
    let text = Zeroizing::new(text.to_ascii_lowercase());
    let found = text.split_whitespace().count();
    if found != WORDS {
        return Err(KeystoreError::WordCount { found });
    }
    let words = Mnemonic::parse_in_normalized(Language::English, &text).map_err(|error| match error {
        bip39::Error::UnknownWord(index) => KeystoreError::UnknownWord { place: index + 1 },
        _ => KeystoreError::WordsChecksum,
    })?;
    let (entropy, _) = words.to_entropy_array();
    let entropy = Zeroizing::new(entropy);
    let (seed, _) = entropy.split_first_chunk().expect("24 words have 32 bytes");
    Ok(Identity::from_seed(Zeroizing::new(*seed)))
}
