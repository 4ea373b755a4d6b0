//! The account's key, in a file of its own: it pays for gas and nothing else, and is not the node's key.
//!
//! The bytes are those of `docs/spec/anchor.md`.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, U256};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use k256::ecdsa::{RecoveryId, Signature, SigningKey, signature::hazmat::PrehashSigner as _};
use nonos_types::Fault;
use zeroize::{Zeroize as _, Zeroizing};

use crate::Address;

const MAGIC: [u8; 4] = *b"NONE";
const VERSION: u8 = 1;
/// Magic, version, salt, nonce, address.
const HEADER_LEN: usize = 4 + 1 + 16 + 24 + 20;
const LEN: usize = HEADER_LEN + 32 + 16;
/// KiB. Version 1 has this one cost, so that none read from a file has to be judged.
const MEMORY: u32 = 64 << 10;
const PASSES: u32 = 3;

/// The key of an account, in memory.
///
/// ```
/// use nonos_depin_evm::{Entropy, EvmKey};
///
/// # let directory = tempfile::tempdir()?;
/// let path = directory.path().join("evm");
/// // Fresh from the system's generator.
/// # let entropy = Entropy { secret: [1; 32], salt: [2; 16], nonce: [3; 24] };
/// let key = EvmKey::create(&path, entropy, b"correct horse")?;
/// assert_eq!(EvmKey::open(&path, b"correct horse")?.address(), key.address());
/// assert!(EvmKey::open(&path, b"wrong").is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct EvmKey(SigningKey);

impl fmt::Debug for EvmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EvmKey({})", self.address())
    }
}

/// Fresh random bytes, from the system's generator; never used twice.
pub struct Entropy {
    /// Becomes the key.
    pub secret: [u8; 32],
    /// Makes equal passphrases different.
    pub salt: [u8; 16],
    /// Of the cipher.
    pub nonce: [u8; 24],
}

impl Drop for Entropy {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(…)")
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// These 32 bytes are no key of the curve: zero, or too large. One in 2¹²⁷ is.
    #[error("these bytes are no key")]
    NoKey,
    /// A passphrase must not be empty.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// Something is there already; it was left as it is.
    #[error("{} exists already, and is left as it is", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// There is no such file.
    #[error("there is no key at {}", path.display())]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// Others than the owner may read or change it.
    #[error("{} has mode {mode:04o}: others may use it; `chmod 600 {}`", path.display(), path.display())]
    WideMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a file of this format, or not all of one.
    #[error("not the key of an account, or a damaged one: {part}")]
    NotAKey {
        /// The part that is wrong, for people.
        part: &'static str,
    },
    /// A version this program does not know.
    #[error("version {version} of the file is not known to this program")]
    UnknownVersion {
        /// The version.
        version: u8,
    },
    /// The two cannot be told apart.
    #[error("wrong passphrase or damaged file")]
    WrongPassphraseOrDamaged,
    /// Key derivation needs memory the machine does not give.
    #[error("no 64 MiB of memory for key derivation")]
    OutOfMemory,
    /// The file system failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
}

impl KeyError {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::WideMode { .. } | Self::OutOfMemory | Self::Io { .. } => Fault::Environment,
            _ => Fault::Caller,
        }
    }
}

impl EvmKey {
    /// The key with these bytes.
    ///
    /// # Errors
    /// [`KeyError::NoKey`].
    pub fn from_secret(secret: &[u8; 32]) -> Result<Self, KeyError> {
        SigningKey::from_slice(secret)
            .map(Self)
            .map_err(|_| KeyError::NoKey)
    }

    /// Makes a key and its file, of mode 0600; a file that is there stays as it is.
    ///
    /// # Errors
    /// [`KeyError::NoKey`], [`KeyError::EmptyPassphrase`], [`KeyError::Exists`], [`KeyError::OutOfMemory`],
    /// [`KeyError::Io`].
    pub fn create(path: &Path, entropy: Entropy, passphrase: &[u8]) -> Result<Self, KeyError> {
        let key = Self::from_secret(&entropy.secret)?;
        let mut bytes = Vec::with_capacity(LEN);
        bytes.extend(MAGIC);
        bytes.push(VERSION);
        bytes.extend(entropy.salt);
        bytes.extend(entropy.nonce);
        bytes.extend(key.address().to_bytes());
        let sealed = Payload {
            msg: &entropy.secret,
            aad: &bytes,
        };
        let ciphertext = cipher(passphrase, &entropy.salt)?
            .encrypt(&XNonce::from(entropy.nonce), sealed)
            .expect("32 bytes are within the cipher's limit");
        bytes.extend(ciphertext);
        write_new(path, &bytes)?;
        Ok(key)
    }

    /// Opens a key.
    ///
    /// # Errors
    /// [`KeyError::Missing`], [`KeyError::WideMode`], [`KeyError::NotAKey`], [`KeyError::UnknownVersion`],
    /// [`KeyError::EmptyPassphrase`], [`KeyError::WrongPassphraseOrDamaged`], [`KeyError::OutOfMemory`],
    /// [`KeyError::Io`].
    pub fn open(path: &Path, passphrase: &[u8]) -> Result<Self, KeyError> {
        let bytes = read(path)?;
        let (header, ciphertext) = parts(&bytes)?;
        let salt: [u8; 16] = header[5..21].try_into().expect("a range of 16 bytes");
        let nonce: [u8; 24] = header[21..45].try_into().expect("a range of 24 bytes");
        let sealed = Payload {
            msg: ciphertext,
            aad: header,
        };
        let secret = cipher(passphrase, &salt)?
            .decrypt(&XNonce::from(nonce), sealed)
            .map(Zeroizing::new)
            .map_err(|_| KeyError::WrongPassphraseOrDamaged)?;
        let secret: Zeroizing<[u8; 32]> = Zeroizing::new(
            secret
                .as_slice()
                .try_into()
                .expect("the ciphertext is of 32 bytes"),
        );
        let key = Self::from_secret(&secret)?;
        if key.address().to_bytes() != header[45..] {
            return Err(KeyError::NotAKey { part: "its address" });
        }
        Ok(key)
    }

    /// Whose key a file says that it has, for who only wants to look: it is known to be so when it is opened.
    ///
    /// # Errors
    /// [`KeyError::Missing`], [`KeyError::WideMode`], [`KeyError::NotAKey`], [`KeyError::UnknownVersion`],
    /// [`KeyError::Io`].
    pub fn address_in(path: &Path) -> Result<Address, KeyError> {
        let bytes = read(path)?;
        let (header, _) = parts(&bytes)?;
        let address = header[45..].try_into().expect("a range of 20 bytes");
        Ok(Address::from_bytes(address))
    }

    /// Whose key it is.
    pub fn address(&self) -> Address {
        Address(alloy_primitives::Address::from_private_key(&self.0))
    }

    /// Whether the y of the point is odd, then r and s.
    pub(crate) fn sign(&self, digest: B256) -> (bool, U256, U256) {
        let signed: Result<(Signature, RecoveryId), _> = self.0.sign_prehash(digest.as_slice());
        let (signature, recovery) = signed.expect("a digest of 32 bytes is signed");
        let (r, s) = signature.split_bytes();
        (
            recovery.is_y_odd(),
            U256::from_be_slice(&r),
            U256::from_be_slice(&s),
        )
    }
}

/// Header and ciphertext.
fn parts(bytes: &[u8]) -> Result<(&[u8], &[u8]), KeyError> {
    let part = |part| KeyError::NotAKey { part };
    if bytes.get(..4) != Some(&MAGIC) {
        return Err(part("its first bytes"));
    }
    match bytes.get(4) {
        Some(&VERSION) => {}
        Some(&version) => return Err(KeyError::UnknownVersion { version }),
        None => return Err(part("its length")),
    }
    let bytes: &[u8; LEN] = bytes.try_into().map_err(|_| part("its length"))?;
    Ok(bytes.split_at(HEADER_LEN))
}

fn cipher(passphrase: &[u8], salt: &[u8; 16]) -> Result<XChaCha20Poly1305, KeyError> {
    if passphrase.is_empty() {
        return Err(KeyError::EmptyPassphrase);
    }
    let params = Params::new(MEMORY, PASSES, 1, Some(32)).expect("the cost is within Argon2's limits");
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase, salt, &mut *key)
        .map_err(|_| KeyError::OutOfMemory)?;
    Ok(XChaCha20Poly1305::new_from_slice(&*key).expect("a key has 32 bytes"))
}

fn read(path: &Path) -> Result<Vec<u8>, KeyError> {
    let failed = failure("read", path);
    // Asked of the path first: to open a pipe would wait for its writer.
    let metadata = fs::metadata(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => KeyError::Missing {
            path: path.to_owned(),
        },
        _ => failed(source),
    })?;
    if !metadata.is_file() {
        return Err(KeyError::NotAKey {
            part: "it is not a regular file",
        });
    }
    let file = File::open(path).map_err(&failed)?;
    let mode = file.metadata().map_err(&failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyError::WideMode {
            path: path.to_owned(),
            mode,
        });
    }
    let mut bytes = Vec::with_capacity(LEN + 1);
    file.take(LEN as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(&failed)?;
    Ok(bytes)
}

/// Writes a new file, whole or not at all.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let failed = failure("write", path);
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .map_err(&failed)?;
    let mode = fs::Permissions::from_mode(0o600);
    file.set_permissions(mode)
        .and_then(|()| file.write_all(bytes))
        .and_then(|()| file.sync_all())
        .map_err(&failed)?;
    // A link, unlike a rename, is never made over a file that is there.
    let linked = fs::hard_link(&new, path);
    fs::remove_file(&new).map_err(&failed)?;
    linked.map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => KeyError::Exists {
            path: path.to_owned(),
        },
        _ => failed(source),
    })?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory).and_then(|it| it.sync_all()).map_err(failed)
}

fn failure(action: &'static str, path: &Path) -> impl Fn(io::Error) -> KeyError + use<> {
    let path = path.to_owned();
    move |source| KeyError::Io {
        action,
        path: path.clone(),
        source,
    }
}
