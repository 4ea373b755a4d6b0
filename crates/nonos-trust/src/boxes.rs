//! What only one node may read: the key of a job's sealed input, for the executor that is awarded; results, for the
//! requester. X25519, BLAKE3 and XChaCha20-Poly1305, as in `docs/spec/sealed-job.md`.
//!
//! ```
//! use nonos_trust::{Identity, boxes::{self, Place}};
//! use nonos_types::{Commitment, CommitmentScheme, JobId, NetworkId, Salt, Slot};
//!
//! let (requester, executor) = (Identity::from_seed([1; 32]), Identity::from_seed([2; 32]));
//! let (network, commitment) = (
//!     NetworkId::named("example"),
//!     Commitment { scheme: CommitmentScheme(2), digest: [3; 32] },
//! );
//! let input = boxes::InputLabel { network, requester: requester.node_id(), commitment };
//!
//! // The requester seals the input, and says in its offer where it is.
//! let key = boxes::content_key(&requester, &Salt::new([4; 16]), &input);
//! let sealed = boxes::seal_input(&key, &input, &[5; 32], b"balance: 1200")?;
//!
//! // An executor claims with a key, and is awarded with the input's key, sealed to it.
//! let place = Place { network, job: JobId::ZERO, slot: Slot::ZERO, executor: executor.node_id() };
//! let mine = boxes::slot_secret(&executor, &place);
//! let award = boxes::seal_key(&requester, &mine.public(), &place, &key)?;
//!
//! let key = boxes::open_key(&mine, &place, &award)?;
//! let (salt, bytes) = boxes::open_input(&key, &input, &sealed)?;
//! assert_eq!((*salt, &bytes[..]), ([5; 32], &b"balance: 1200"[..]));
//! # Ok::<_, boxes::BoxError>(())
//! ```
//!
//! Nothing is drawn and nothing is stored: every secret is derived from the node's identity and from what it is for, so that
//! it is there again after a restart. So whoever gets hold of an identity can read what was sealed to it before, too.

use std::fmt;

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use nonos_types::{
    BoxKey, ByteLen, Commitment, Digest, Fault, JobId, NetworkId, NodeId, Salt, SealedKey, SealedResult,
    SealedTape, Slot, Tag,
};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::Identity;

/// Why something is not sealed, or does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BoxError {
    /// What is encrypted to such a key, everybody can read.
    #[error("the key it is for is of low order, and would hide nothing")]
    WeakKey,
    /// The cipher refuses it: it was made for another node, job or slot, or with another key, or was changed.
    #[error("it does not open: it was sealed for something else, or was changed")]
    NotOpened,
    /// It opens, and whoever sealed it did not keep to the format.
    #[error("what was sealed is not of the format: {part}")]
    Malformed {
        /// What is not right.
        part: &'static str,
    },
    /// It is longer than what may be sealed.
    #[error("{actual} are too long to be sealed, the limit is {limit}")]
    TooLong {
        /// Most bytes.
        limit: ByteLen,
        /// Those that were given.
        actual: ByteLen,
    },
}

impl BoxError {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::TooLong { .. } => Fault::Caller,
            _ => Fault::Peer,
        }
    }
}

/// Whose turn something is sealed for: an executor's in a slot of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Network of the job.
    pub network: NetworkId,
    /// The job.
    pub job: JobId,
    /// The slot.
    pub slot: Slot,
    /// Who runs it.
    pub executor: NodeId,
}

impl Place {
    fn to_bytes(self) -> [u8; 98] {
        let slot = self.slot.get().to_le_bytes();
        let parts: [&[u8]; 4] = [
            self.network.as_bytes(),
            self.job.as_bytes(),
            &slot,
            self.executor.as_bytes(),
        ];
        parts.concat().try_into().expect("32 + 32 + 2 + 32 bytes")
    }
}

/// What a sealed input is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputLabel {
    /// Network of the job.
    pub network: NetworkId,
    /// Who offers it.
    pub requester: NodeId,
    /// The input's commitment.
    pub commitment: Commitment,
}

impl InputLabel {
    fn to_bytes(self) -> [u8; 100] {
        let scheme = self.commitment.scheme.0.to_le_bytes();
        let parts: [&[u8]; 4] = [
            self.network.as_bytes(),
            self.requester.as_bytes(),
            &scheme,
            &self.commitment.digest,
        ];
        parts.concat().try_into().expect("32 + 32 + 4 + 32 bytes")
    }
}

/// A secret X25519 key; overwritten when dropped.
pub struct BoxSecret(StaticSecret);

impl BoxSecret {
    fn new(derived: Zeroizing<[u8; 32]>) -> Self {
        Self(StaticSecret::from(*derived))
    }

    /// What others encrypt to.
    pub fn public(&self) -> BoxKey {
        BoxKey::from_bytes(PublicKey::from(&self.0).to_bytes())
    }
}

impl fmt::Debug for BoxSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxSecret(…)")
    }
}

/// The key of a sealed input; overwritten when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey(…)")
    }
}

macro_rules! domains {
    ($($tag:ident = $domain:literal;)*) => {
        $(enum $tag {}
        impl Tag for $tag {
            const DOMAIN: &'static str = concat!("nonos/v1/box/", $domain);
        })*
    };
}

domains! {
    SlotSecret = "slot-secret";
    ResultSecret = "result-secret";
    ContentSecret = "content-key";
    Ephemeral = "ephemeral";
    Shared = "shared-key";
}

fn derive<T: Tag>(parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(Digest::<T>::hash(parts).to_bytes())
}

fn seed(identity: &Identity) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(identity.signing_key().to_bytes())
}

/// What an executor claims a slot with. The executor of the place is the identity's.
pub fn slot_secret(identity: &Identity, place: &Place) -> BoxSecret {
    BoxSecret::new(derive::<SlotSecret>(&[&*seed(identity), &place.to_bytes()]))
}

/// What the results of a requester's job are sealed to: one key for each job that it offers.
pub fn result_secret(identity: &Identity, network: NetworkId, salt: &Salt) -> BoxSecret {
    let parts: [&[u8]; 3] = [&*seed(identity), network.as_bytes(), salt.as_bytes()];
    BoxSecret::new(derive::<ResultSecret>(&parts))
}

/// The key of a requester's sealed input. It hangs on the commitment, so that one key never encrypts two inputs.
pub fn content_key(identity: &Identity, salt: &Salt, label: &InputLabel) -> ContentKey {
    let parts: [&[u8]; 3] = [&*seed(identity), salt.as_bytes(), &label.to_bytes()];
    ContentKey(derive::<ContentSecret>(&parts))
}

/// Is it a key that something can be encrypted to? Others are of low order: what a party gets with such a key, everybody does.
pub fn is_sound(key: &BoxKey) -> bool {
    // Clamped, every secret is a multiple of 8: it takes exactly the points of low order to zero.
    let any = StaticSecret::from([1; 32]);
    let public = PublicKey::from(*key.as_bytes());
    any.diffie_hellman(&public).was_contributory()
}

/// Encrypts an input with the salt of its commitment.
///
/// # Errors
/// [`BoxError::TooLong`].
pub fn seal_input(
    key: &ContentKey,
    label: &InputLabel,
    salt: &[u8; 32],
    input: &[u8],
) -> Result<Vec<u8>, BoxError> {
    let plain = pad(&[salt, input])?;
    Ok(encrypt(&key.0, &label.to_bytes(), &plain))
}

/// The salt of an input's commitment, and its bytes.
pub type OpenInput = (Zeroizing<[u8; 32]>, Zeroizing<Vec<u8>>);

/// Decrypts an input: the salt of its commitment, and the bytes. Whether the commitment is theirs, is for the caller to check.
///
/// # Errors
/// [`BoxError::NotOpened`], [`BoxError::Malformed`].
pub fn open_input(key: &ContentKey, label: &InputLabel, sealed: &[u8]) -> Result<OpenInput, BoxError> {
    let body = unpad(decrypt(&key.0, &label.to_bytes(), sealed)?)?;
    let (salt, input) = body
        .split_first_chunk::<32>()
        .ok_or(BoxError::Malformed { part: "the salt" })?;
    Ok((Zeroizing::new(*salt), Zeroizing::new(input.to_vec())))
}

/// Length of the ciphertext of an input of this length.
pub fn sealed_len(input: ByteLen) -> ByteLen {
    let padded = padded_len(input.get().saturating_add(32));
    ByteLen::new(padded.saturating_add(TAG))
}

/// Is it a length that ciphertexts of inputs have?
pub fn is_sealed_len(len: ByteLen) -> bool {
    len <= SealedTape::MAX && len.get().checked_sub(TAG).is_some_and(is_padded_len)
}

/// Encrypts the key of an input to the executor that is awarded.
///
/// # Errors
/// [`BoxError::WeakKey`].
pub fn seal_key(
    identity: &Identity,
    to: &BoxKey,
    place: &Place,
    key: &ContentKey,
) -> Result<SealedKey, BoxError> {
    let sealed = enclose(AWARD, identity, to, place, &*key.0)?;
    let sealed = sealed.try_into().expect("a key, a ciphertext of 32 bytes, a tag");
    Ok(SealedKey::from_bytes(sealed))
}

/// Decrypts the key of an input.
///
/// # Errors
/// [`BoxError::WeakKey`], [`BoxError::NotOpened`].
pub fn open_key(secret: &BoxSecret, place: &Place, sealed: &SealedKey) -> Result<ContentKey, BoxError> {
    let plain = disclose(AWARD, secret, place, sealed.as_bytes())?;
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&plain);
    Ok(ContentKey(key))
}

/// Encrypts what opens a run's outputs to the requester.
///
/// ```
/// use nonos_trust::{Identity, boxes::{Place, open_result, result_secret, seal_result}};
/// use nonos_types::{JobId, NetworkId, Salt, Slot};
///
/// let (requester, executor) = (Identity::from_seed([1; 32]), Identity::from_seed([2; 32]));
/// let network = NetworkId::named("example");
/// let place = Place { network, job: JobId::ZERO, slot: Slot::ZERO, executor: executor.node_id() };
/// let secret = result_secret(&requester, network, &Salt::new([3; 16]));
///
/// let sealed = seal_result(&executor, &secret.public(), &place, b"an opening")?;
/// assert_eq!(*open_result(&secret, &place, &sealed)?, b"an opening");
/// let elsewhere = Place { slot: Slot::new(1), ..place };
/// assert!(open_result(&secret, &elsewhere, &sealed).is_err());
/// # Ok::<_, nonos_trust::boxes::BoxError>(())
/// ```
///
/// # Errors
/// [`BoxError::WeakKey`], [`BoxError::TooLong`].
pub fn seal_result(
    identity: &Identity,
    to: &BoxKey,
    place: &Place,
    opening: &[u8],
) -> Result<Vec<u8>, BoxError> {
    enclose(RESULT, identity, to, place, &pad(&[opening])?)
}

/// Decrypts what opens a run's outputs.
///
/// # Errors
/// [`BoxError::WeakKey`], [`BoxError::NotOpened`], [`BoxError::Malformed`].
pub fn open_result(secret: &BoxSecret, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, BoxError> {
    unpad(disclose(RESULT, secret, place, sealed)?)
}

const AWARD: &[u8] = b"award";
const RESULT: &[u8] = b"result";
const TAG: u64 = 16;

/// To a key: a fresh key's public part, and what is encrypted by both. The fresh key is derived from the sender's identity
/// and all that is sealed, so that none serves twice and none need be drawn.
fn enclose(
    purpose: &[u8],
    identity: &Identity,
    to: &BoxKey,
    place: &Place,
    plain: &[u8],
) -> Result<Vec<u8>, BoxError> {
    let (seed, place) = (seed(identity), place.to_bytes());
    let fresh = derive::<Ephemeral>(&[&*seed, purpose, to.as_bytes(), &place, plain]);
    let fresh = BoxSecret::new(fresh);
    let public = fresh.public();
    let key = agree(purpose, &fresh, to, &public, to, &place)?;
    let mut sealed = public.as_bytes().to_vec();
    sealed.extend(encrypt(&key, &place, plain));
    Ok(sealed)
}

fn disclose(
    purpose: &[u8],
    secret: &BoxSecret,
    place: &Place,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, BoxError> {
    let place = place.to_bytes();
    let (fresh, sealed) = sealed.split_first_chunk::<32>().ok_or(BoxError::NotOpened)?;
    let fresh = BoxKey::from_bytes(*fresh);
    let key = agree(purpose, secret, &fresh, &fresh, &secret.public(), &place)?;
    decrypt(&key, &place, sealed)
}

/// The key that both sides get.
fn agree(
    purpose: &[u8],
    secret: &BoxSecret,
    other: &BoxKey,
    fresh: &BoxKey,
    to: &BoxKey,
    place: &[u8],
) -> Result<Zeroizing<[u8; 32]>, BoxError> {
    let shared = secret.0.diffie_hellman(&PublicKey::from(*other.as_bytes()));
    if !shared.was_contributory() {
        return Err(BoxError::WeakKey);
    }
    let parts: [&[u8]; 5] = [purpose, shared.as_bytes(), fresh.as_bytes(), to.as_bytes(), place];
    Ok(derive::<Shared>(&parts))
}

/// Every key encrypts one text, so the nonce need not tell them apart.
fn encrypt(key: &[u8; 32], label: &[u8], plain: &[u8]) -> Vec<u8> {
    let payload = Payload {
        msg: plain,
        aad: label,
    };
    XChaCha20Poly1305::new(key.into())
        .encrypt(&XNonce::from([0; 24]), payload)
        .expect("at most 64 MiB are within the cipher's limit")
}

fn decrypt(key: &[u8; 32], label: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, BoxError> {
    let payload = Payload {
        msg: sealed,
        aad: label,
    };
    XChaCha20Poly1305::new(key.into())
        .decrypt(&XNonce::from([0; 24]), payload)
        .map(Zeroizing::new)
        .map_err(|_| BoxError::NotOpened)
}

/// The length (u64, little-endian), the parts, and zeros up to a power of two, of which nothing but its logarithm is told.
fn pad(parts: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>, BoxError> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let total = padded_len(len as u64);
    if total > MOST_PADDED {
        return Err(BoxError::TooLong {
            limit: ByteLen::new(MOST_PADDED - 8),
            actual: ByteLen::from(len),
        });
    }
    // At once in its full length, so that no copy is left behind.
    let mut padded = Zeroizing::new(Vec::with_capacity(total as usize));
    padded.extend_from_slice(&(len as u64).to_le_bytes());
    parts.iter().for_each(|part| padded.extend_from_slice(part));
    padded.resize(total as usize, 0);
    Ok(padded)
}

fn unpad(padded: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, BoxError> {
    let malformed = |part| BoxError::Malformed { part };
    let (len, rest) = padded.split_first_chunk::<8>().ok_or(malformed("the length"))?;
    let len = u64::from_le_bytes(*len);
    if len > MOST_PADDED || padded_len(len) != padded.len() as u64 {
        return Err(malformed("the length"));
    }
    let (body, zeros) = rest.split_at(len as usize);
    if zeros.iter().any(|byte| *byte != 0) {
        return Err(malformed("the padding"));
    }
    Ok(Zeroizing::new(body.to_vec()))
}

const LEAST_PADDED: u64 = 256;
const MOST_PADDED: u64 = 64 << 20;
const _: () = assert!(SealedTape::MAX.get() == MOST_PADDED + TAG);
const _: () = assert!(SealedResult::MAX.get() == 32 + MOST_PADDED + TAG);

fn padded_len(len: u64) -> u64 {
    let padded = len.checked_add(8).and_then(u64::checked_next_power_of_two);
    padded.map_or(u64::MAX, |it| it.max(LEAST_PADDED))
}

fn is_padded_len(len: u64) -> bool {
    len.is_power_of_two() && len >= LEAST_PADDED
}

#[cfg(test)]
mod tests;
