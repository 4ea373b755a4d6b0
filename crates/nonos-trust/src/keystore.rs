//! The identity's file: encrypted under a passphrase, readable by its owner only.
//!
//! ```
//! use nonos_trust::keystore::{self, Cost, Entropy, Passphrase};
//!
//! # let directory = tempfile::tempdir()?;
//! # let entropy = Entropy { seed: [1; 32], salt: [2; 16], nonce: [3; 24] };
//! let path = directory.path().join("keys/identity");
//! let passphrase = Passphrase::new(b"correct horse".to_vec())?;
//! // `entropy` is fresh from the system's generator; `Cost::DEFAULT` for a key that matters.
//! let identity = keystore::create(&path, entropy, &passphrase, Cost::MIN)?;
//!
//! assert_eq!(keystore::open(&path, &passphrase)?.node_id(), identity.node_id());
//! assert_eq!(keystore::public_key(&path)?, identity.node_id());
//! assert!(keystore::open(&path, &Passphrase::new(b"wrong".to_vec())?).is_err());
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! A file is never replaced but by [`change_passphrase`], which leaves the old one or the new one, whole. Whether a
//! missing keystore is a first start or a loss is for the caller to know. [`Backup`] is what brings a node's key to another
//! machine, [`to_words`] what brings it there on paper.

mod backup;
mod error;
mod file;
mod format;
mod words;

use std::{fmt, path::Path};

use nonos_types::{ByteLen, NodeId};
use zeroize::{Zeroize as _, Zeroizing};

use self::format::Sealed;
pub use self::{
    backup::{Backup, Label},
    error::KeystoreError,
    format::LEN,
    words::{WORDS, from_words, to_words},
};
use crate::Identity;

/// What the keystore is encrypted under; overwritten when dropped.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// These bytes, as they are: a line's end belongs to it.
    ///
    /// # Errors
    /// [`KeystoreError::EmptyPassphrase`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, KeystoreError> {
        if bytes.is_empty() {
            return Err(KeystoreError::EmptyPassphrase);
        }
        Ok(Self(Zeroizing::new(bytes)))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// What it costs to try one passphrase, by Argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// KiB.
    memory: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// For a key that matters: 64 MiB, 3 passes, 1 lane.
    pub const DEFAULT: Self = Self {
        memory: 64 << 10,
        passes: 3,
        lanes: 1,
    };
    /// For tests and meshes that live for minutes: 19 MiB, 2 passes, 1 lane.
    pub const MIN: Self = Self {
        memory: MIN_MEMORY,
        passes: 2,
        lanes: 1,
    };

    /// Memory of 19 MiB to 1 GiB, in whole KiB; 1 to 16 passes; 1 to 4 lanes.
    ///
    /// # Errors
    /// [`KeystoreError::CostOutOfRange`].
    pub fn new(memory: ByteLen, passes: u32, lanes: u32) -> Result<Self, KeystoreError> {
        let kib = u32::try_from(memory.get() / 1024).ok();
        kib.filter(|_| memory.get().is_multiple_of(1024))
            .and_then(|kib| Self::checked(kib, passes, lanes))
            .ok_or(KeystoreError::CostOutOfRange {
                memory,
                passes,
                lanes,
            })
    }

    /// Memory.
    pub fn memory(self) -> ByteLen {
        ByteLen::new(u64::from(self.memory) << 10)
    }

    /// Passes over it.
    pub fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes of it.
    pub fn lanes(self) -> u32 {
        self.lanes
    }

    fn checked(memory: u32, passes: u32, lanes: u32) -> Option<Self> {
        let good = (MIN_MEMORY..=MAX_MEMORY).contains(&memory)
            && (1..=16).contains(&passes)
            && (1..=4).contains(&lanes);
        good.then_some(Self {
            memory,
            passes,
            lanes,
        })
    }
}

const MIN_MEMORY: u32 = 19 << 10;
const MAX_MEMORY: u32 = 1 << 20;

/// Fresh random bytes, from the system's generator; never used twice.
pub struct Entropy {
    /// Becomes the key.
    pub seed: [u8; 32],
    /// Makes equal passphrases different.
    pub salt: [u8; 16],
    /// Of the cipher.
    pub nonce: [u8; 24],
}

impl Drop for Entropy {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(…)")
    }
}

/// Makes an identity and its file. The directory is made if it is missing; a file that is there stays as it is.
///
/// When this returns, the file is on the disk, whole; if it fails, there is none.
///
/// ```
/// use nonos_trust::keystore::{self, Cost, Entropy, Passphrase};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("keys/node.key");
/// # fn fresh<const N: usize>() -> [u8; N] { [7; N] } // of the system's randomness, elsewhere
/// let passphrase = Passphrase::new(b"correct horse".to_vec())?;
/// let entropy = Entropy { seed: fresh(), salt: fresh(), nonce: fresh() };
/// let made = keystore::create(&path, entropy, &passphrase, Cost::MIN)?;
///
/// assert_eq!(keystore::public_key(&path)?, made.node_id()); // takes no passphrase
/// assert_eq!(keystore::open(&path, &passphrase)?.node_id(), made.node_id());
/// let wrong = Passphrase::new(b"wrong".to_vec())?;
/// assert!(keystore::open(&path, &wrong).is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`KeystoreError::Exists`], [`KeystoreError::WideMode`] of the directory, [`KeystoreError::OutOfMemory`],
/// [`KeystoreError::Io`].
pub fn create(
    path: &Path,
    entropy: Entropy,
    passphrase: &Passphrase,
    cost: Cost,
) -> Result<Identity, KeystoreError> {
    file::refuse_existing(path)?;
    let identity = Identity::from_seed(entropy.seed);
    let sealed = Sealed::seal(&identity, &entropy, &passphrase.0, cost)?;
    // The salt is fresh, so its name is too.
    file::write_new(path, &entropy.salt, &sealed.to_bytes())?;
    Ok(identity)
}

/// Opens an identity.
///
/// # Errors
/// [`KeystoreError::Missing`], [`KeystoreError::WideMode`] of file or directory, [`KeystoreError::NotAKeystore`],
/// [`KeystoreError::UnknownVersion`], [`KeystoreError::CostOutOfRange`] before any work,
/// [`KeystoreError::WrongPassphraseOrDamaged`], [`KeystoreError::OutOfMemory`], [`KeystoreError::Io`].
pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Identity, KeystoreError> {
    read(path)?.open(&passphrase.0)
}

/// Whose keystore it says it is. Without the passphrase nobody knows whether that is true.
///
/// # Errors
/// As [`open`], but for those of the passphrase.
pub fn public_key(path: &Path) -> Result<NodeId, KeystoreError> {
    read(path).map(|sealed| sealed.public_key())
}

/// What it costs to try a passphrase on it, as it says.
///
/// # Errors
/// As [`public_key`].
pub fn cost(path: &Path) -> Result<Cost, KeystoreError> {
    read(path).map(|sealed| sealed.cost())
}

/// Encrypts the key under another passphrase, and puts that in the place of the file. `fresh` gives salt and nonce; its
/// seed is not used.
///
/// Until the new file is on the disk, whole, and has been opened, the old one stays: whenever this is cut off, there is one
/// keystore, under one of the two passphrases.
///
/// # Errors
/// As [`open`], and [`KeystoreError::Linked`].
pub fn change_passphrase(
    path: &Path,
    old: &Passphrase,
    new: &Passphrase,
    fresh: Entropy,
    cost: Cost,
) -> Result<Identity, KeystoreError> {
    change(path, old, new, fresh, cost, &mut |_| {})
}

fn change(
    path: &Path,
    old: &Passphrase,
    new: &Passphrase,
    mut fresh: Entropy,
    cost: Cost,
    done: &mut dyn FnMut(file::Step),
) -> Result<Identity, KeystoreError> {
    file::refuse_link(path)?;
    let identity = open(path, old)?;
    fresh.seed.copy_from_slice(&identity.signing_key().to_bytes());
    let bytes = Sealed::seal(&identity, &fresh, &new.0, cost)?.to_bytes();
    // A machine that computes wrongly must not replace what works.
    Sealed::from_bytes(&bytes)?.open(&new.0)?;
    file::replace(path, &fresh.salt, &bytes, done)?;
    Ok(identity)
}

fn read(path: &Path) -> Result<Sealed, KeystoreError> {
    Sealed::from_bytes(&file::read_private(path)?)
}

#[cfg(test)]
mod tests;
