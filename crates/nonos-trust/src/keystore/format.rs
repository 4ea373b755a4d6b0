//! The file's bytes, as in `docs/spec/keystore.md`.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use nonos_types::{ByteLen, NodeId};
use zeroize::Zeroizing;

use super::{Cost, Entropy, KeystoreError};
use crate::Identity;

const VERSION: u8 = 1;
const HEADER_LEN: usize = 83;
const CIPHERTEXT_LEN: usize = 32 + 16;
/// Length of a keystore in bytes.
pub const LEN: usize = HEADER_LEN + CIPHERTEXT_LEN;

/// What a file is: both begin with the same header, under another magic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Keystore,
    Backup,
}

impl Kind {
    fn magic(self) -> [u8; 4] {
        match self {
            Self::Keystore => *b"NONK",
            Self::Backup => *b"NONB",
        }
    }

    pub(super) fn bad(self, part: &'static str) -> KeystoreError {
        match self {
            Self::Keystore => KeystoreError::NotAKeystore { part },
            Self::Backup => KeystoreError::NotABackup { part },
        }
    }

    fn unknown(self, version: u8) -> KeystoreError {
        match self {
            Self::Keystore => KeystoreError::UnknownVersion { version },
            Self::Backup => KeystoreError::UnknownBackupVersion { version },
        }
    }

    fn refused(self) -> KeystoreError {
        match self {
            Self::Keystore => KeystoreError::WrongPassphraseOrDamaged,
            Self::Backup => KeystoreError::WrongPassphraseOrDamagedBackup,
        }
    }
}

/// A keystore that has not been opened.
pub(super) struct Sealed {
    header: Header,
    ciphertext: [u8; CIPHERTEXT_LEN],
}

/// What is readable without the passphrase, and bound to the ciphertext.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) cost: Cost,
    pub(super) salt: [u8; 16],
    pub(super) nonce: [u8; 24],
    pub(super) public_key: [u8; 32],
}

impl Sealed {
    pub(super) fn seal(
        identity: &Identity,
        entropy: &Entropy,
        passphrase: &[u8],
        cost: Cost,
    ) -> Result<Self, KeystoreError> {
        let header = Header {
            kind: Kind::Keystore,
            cost,
            salt: entropy.salt,
            nonce: entropy.nonce,
            public_key: *identity.node_id().as_bytes(),
        };
        let ciphertext = header
            .seal(passphrase, &entropy.seed)?
            .try_into()
            .expect("a ciphertext is its plaintext and a tag");
        Ok(Self { header, ciphertext })
    }

    pub(super) fn open(&self, passphrase: &[u8]) -> Result<Identity, KeystoreError> {
        let plain = self.header.open(passphrase, &self.ciphertext)?;
        self.header.identity(&plain)
    }

    pub(super) fn cost(&self) -> Cost {
        self.header.cost
    }

    pub(super) fn public_key(&self) -> NodeId {
        NodeId::from_bytes(self.header.public_key)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [&self.header.to_bytes()[..], &self.ciphertext].concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, KeystoreError> {
        let (header, ciphertext) = Header::split(Kind::Keystore, bytes, |rest| rest == CIPHERTEXT_LEN)?;
        let ciphertext = ciphertext.try_into().expect("the length was checked");
        Ok(Self { header, ciphertext })
    }
}

impl Header {
    /// The header at the beginning, and what follows: of a length that is one.
    pub(super) fn split(
        kind: Kind,
        bytes: &[u8],
        is_length: impl FnOnce(usize) -> bool,
    ) -> Result<(Self, &[u8]), KeystoreError> {
        let mut rest = bytes;
        if take(&mut rest) != Some(kind.magic()) {
            return Err(kind.bad("the first bytes"));
        }
        let [version] = take(&mut rest).ok_or(kind.bad("the length"))?;
        if version != VERSION {
            return Err(kind.unknown(version));
        }
        if !bytes.len().checked_sub(HEADER_LEN).is_some_and(is_length) {
            return Err(kind.bad("the length"));
        }
        let mut fields = || {
            let memory = u32::from_be_bytes(take(&mut rest)?);
            let [passes, lanes] = take(&mut rest)?;
            Some((memory, passes.into(), lanes.into()))
        };
        let (memory, passes, lanes) = fields().expect("the length was checked");
        let cost = Cost::checked(memory, passes, lanes).ok_or(KeystoreError::CostOutOfRange {
            memory: ByteLen::new(u64::from(memory) << 10),
            passes,
            lanes,
        })?;
        let mut fields = || {
            Some(Self {
                kind,
                cost,
                salt: take(&mut rest)?,
                nonce: take(&mut rest)?,
                public_key: take(&mut rest)?,
            })
        };
        let header = fields().expect("the length was checked");
        Ok((header, rest))
    }

    pub(super) fn seal(self, passphrase: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeystoreError> {
        let aad = self.to_bytes();
        let plain = Payload {
            msg: plain,
            aad: &aad,
        };
        let sealed = self.cipher(passphrase)?.encrypt(&XNonce::from(self.nonce), plain);
        Ok(sealed.expect("a few kilobytes are within the cipher's limit"))
    }

    pub(super) fn open(
        self,
        passphrase: &[u8],
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
        let aad = self.to_bytes();
        let sealed = Payload {
            msg: ciphertext,
            aad: &aad,
        };
        let plain = self
            .cipher(passphrase)?
            .decrypt(&XNonce::from(self.nonce), sealed);
        plain.map(Zeroizing::new).map_err(|_| self.kind.refused())
    }

    /// The identity of a seed, which must be the header's.
    pub(super) fn identity(self, seed: &[u8]) -> Result<Identity, KeystoreError> {
        let seed = Zeroizing::new(<[u8; 32]>::try_from(seed).map_err(|_| self.kind.bad("the secret key"))?);
        let identity = Identity::from_seed(seed);
        // Only who made the file with another public key can bring this about.
        if *identity.node_id().as_bytes() != self.public_key {
            return Err(self.kind.bad("the public key is not that of the secret one"));
        }
        Ok(identity)
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER_LEN] {
        // A cost's passes and lanes are at most 16 and 4.
        let small = [self.cost.passes as u8, self.cost.lanes as u8];
        [
            &self.kind.magic()[..],
            &[VERSION],
            &self.cost.memory.to_be_bytes(),
            &small,
            &self.salt,
            &self.nonce,
            &self.public_key,
        ]
        .concat()
        .try_into()
        .expect("the lengths add up")
    }

    fn cipher(&self, passphrase: &[u8]) -> Result<XChaCha20Poly1305, KeystoreError> {
        let Cost {
            memory,
            passes,
            lanes,
        } = self.cost;
        let params = Params::new(memory, passes, lanes, Some(32)).expect("a cost is within Argon2's limits");
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase, &self.salt, &mut *key)
            .map_err(|_| KeystoreError::OutOfMemory {
                memory: ByteLen::new(u64::from(memory) << 10),
            })?;
        Ok(XChaCha20Poly1305::new_from_slice(&*key).expect("a key has 32 bytes"))
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_secret_that_is_not_that_of_the_header() {
        let entropy = Entropy {
            seed: [1; 32],
            salt: [2; 16],
            nonce: [3; 24],
        };
        let other = Identity::from_seed([4; 32]);
        let sealed = Sealed::seal(&other, &entropy, b"x", Cost::MIN).expect("there is memory");
        let error = sealed.open(b"x").expect_err("is another's");
        assert!(matches!(error, KeystoreError::NotAKeystore { .. }), "{error:?}");
    }
}
