//! Signed messages: verify the bytes as sent, decode after.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::{
    ByteLen, Error, NodeId,
    wire::{self, proto},
};

/// First bytes of what is signed.
const DOMAIN: &[u8] = b"nonos/v1/envelope";
const NAME: &str = "envelope";
/// What an envelope adds to its payload at most.
const OVERHEAD: u64 = 256;

/// A message that travels signed.
///
/// Implementations must use a `TYPE` no other message uses, of at most 64 bytes, and must read back exactly the
/// bytes they write. `from_bytes` may rely on the signature: it is called only after verification.
pub trait Payload: Sized {
    /// Names the type within the signature, `kebab-case`.
    const TYPE: &'static str;
    /// Most bytes a payload may have.
    const MAX: ByteLen;
    /// Why bytes are not such a payload.
    type Error: From<Error>;

    /// The bytes that are signed.
    fn to_bytes(&self) -> Vec<u8>;

    /// Reads a verified payload.
    ///
    /// # Errors
    /// If the bytes are not exactly one payload.
    fn from_bytes(bytes: &[u8]) -> Result<Self, Self::Error>;

    /// Refuses a signer who may not sign this, where the payload says who may.
    ///
    /// # Errors
    /// [`Error::WrongSigner`].
    fn check_signer(&self, _signer: &NodeId) -> Result<(), Error> {
        Ok(())
    }
}

/// A payload and a signature over it; not yet verified.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_types::{ByteLen, Envelope, Error, Payload};
///
/// #[derive(Debug, PartialEq)]
/// struct Ping(u8);
/// impl Payload for Ping {
///     const TYPE: &'static str = "ping";
///     const MAX: ByteLen = ByteLen::new(1);
///     type Error = Error;
///     fn to_bytes(&self) -> Vec<u8> {
///         vec![self.0]
///     }
///     fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
///         nonos_types::wire::fixed::<1>("ping", "ping", bytes).map(|[byte]| Ping(byte))
///     }
/// }
///
/// let key = SigningKey::from_bytes(&[7; 32]);
/// let sent = Envelope::sign(&Ping(1), &key).to_bytes();
///
/// let (ping, signer) = Envelope::from_bytes::<Ping>(&sent)?.open::<Ping>()?;
/// assert_eq!(ping, Ping(1));
/// assert_eq!(signer.as_bytes(), key.verifying_key().as_bytes());
/// # Ok::<_, Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    kind: String,
    payload: Vec<u8>,
    signer: NodeId,
    signature: [u8; 64],
}

impl Envelope {
    /// Signs a payload.
    pub fn sign<P: Payload>(payload: &P, key: &SigningKey) -> Self {
        let payload = payload.to_bytes();
        let signature = key.sign(&signed_bytes(P::TYPE, &payload)).to_bytes();
        let signer = NodeId::from_bytes(key.verifying_key().to_bytes());
        Self {
            kind: P::TYPE.to_owned(),
            payload,
            signer,
            signature,
        }
    }

    /// Verifies the signature, then decodes; says who signed.
    ///
    /// # Errors
    /// [`Error::WrongType`], [`Error::TooLong`], [`Error::BadKey`], [`Error::BadSignature`], [`Error::WrongSigner`], or what the payload
    /// says of its bytes.
    pub fn open<P: Payload>(&self) -> Result<(P, NodeId), P::Error> {
        self.verify::<P>()?;
        let payload = P::from_bytes(&self.payload)?;
        payload.check_signer(&self.signer)?;
        Ok((payload, self.signer))
    }

    fn verify<P: Payload>(&self) -> Result<(), Error> {
        if self.kind != P::TYPE {
            return Err(Error::WrongType { expected: P::TYPE });
        }
        wire::check_len(P::TYPE, P::MAX, self.payload.len())?;
        let key = VerifyingKey::from_bytes(self.signer.as_bytes()).map_err(|_| Error::BadKey)?;
        if key.is_weak() {
            return Err(Error::BadKey);
        }
        key.verify_strict(
            &signed_bytes(P::TYPE, &self.payload),
            &Signature::from_bytes(&self.signature),
        )
        .map_err(|_| Error::BadSignature)
    }

    /// The type the sender gave it; for choosing the `P` to open it with.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Who signed, if the signature is good.
    pub fn signer(&self) -> NodeId {
        self.signer
    }

    /// What is signed, verified or not.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Bytes for the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&proto::Envelope {
            r#type: self.kind.clone(),
            payload: self.payload.clone(),
            public_key: self.signer.as_bytes().to_vec(),
            signature: self.signature.to_vec(),
        })
    }

    /// Most bytes of an envelope that holds a `P`.
    pub const fn max_len<P: Payload>() -> ByteLen {
        ByteLen::new(P::MAX.get().saturating_add(OVERHEAD))
    }

    /// Reads an envelope that should hold a `P`. Nothing is verified yet.
    ///
    /// # Errors
    /// [`Error::TooLong`] before any decoding; [`Error::Malformed`], [`Error::NotCanonical`], [`Error::Missing`],
    /// [`Error::BadField`].
    pub fn from_bytes<P: Payload>(bytes: &[u8]) -> Result<Self, Error> {
        Self::from_bytes_within(Self::max_len::<P>(), bytes)
    }

    /// Reads an envelope of at most `limit`, where its type is not known beforehand.
    ///
    /// # Errors
    /// As [`Envelope::from_bytes`].
    pub fn from_bytes_within(limit: ByteLen, bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Envelope = wire::decode(NAME, limit, bytes)?;
        if message.r#type.is_empty() {
            return Err(Error::Missing {
                message: NAME,
                field: "type",
            });
        }
        if message.r#type.len() > 64 {
            return Err(Error::BadField {
                message: NAME,
                field: "type",
            });
        }
        Ok(Self {
            kind: message.r#type,
            payload: message.payload,
            signer: NodeId::from_bytes(wire::fixed(NAME, "public_key", &message.public_key)?),
            signature: wire::fixed(NAME, "signature", &message.signature)?,
        })
    }
}

/// Domain ‖ length of the type ‖ type ‖ payload.
fn signed_bytes(kind: &str, payload: &[u8]) -> Vec<u8> {
    [
        DOMAIN,
        &(kind.len() as u64).to_le_bytes(),
        kind.as_bytes(),
        payload,
    ]
    .concat()
}
