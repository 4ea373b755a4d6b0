use std::ops::Deref;

use ed25519_dalek::SigningKey;

use crate::{
    Accusation, Award, Cancel, Claim, Descriptor, Digest, Envelope, Error, MessageId, NetworkId, NodeId,
    Offer, Payload, Receipt, RelayHead, Tag, Timestamp, Verdict, Voucher,
};

/// A payload whose signature was verified, with the bytes that were signed.
///
/// It exists only by signing or by verifying, so that whoever has one need not check it again.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_types::{Claim, JobId, NetworkId, Signed, Slot, Timestamp};
///
/// let network = NetworkId::named("example");
/// let claim = Claim { network, job: JobId::ZERO, slot: Slot::ZERO, at: Timestamp::new(7), box_key: None };
/// let signed = Signed::new(claim, &SigningKey::from_bytes(&[1; 32]));
///
/// let mut sent = signed.to_bytes();
/// assert_eq!(Signed::<Claim>::from_bytes(&sent)?.slot, Slot::ZERO); // it derefs to what is signed
/// *sent.last_mut().expect("a signature") ^= 1;
/// assert!(Signed::<Claim>::from_bytes(&sent).is_err());
/// # Ok::<_, nonos_types::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed<P> {
    value: P,
    envelope: Envelope,
}

impl<P: Payload<Error = Error>> Signed<P> {
    /// Signs.
    pub fn new(value: P, key: &SigningKey) -> Self {
        let envelope = Envelope::sign(&value, key);
        Self { value, envelope }
    }

    /// Reads an envelope and verifies it.
    ///
    /// # Errors
    /// Those of [`Envelope::from_bytes`] and [`Envelope::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let envelope = Envelope::from_bytes::<P>(bytes)?;
        let (value, _signer) = envelope.open()?;
        Ok(Self { value, envelope })
    }

    /// The envelope's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.envelope.to_bytes()
    }

    /// What is signed.
    pub fn value(&self) -> &P {
        &self.value
    }

    /// Who signed.
    pub fn signer(&self) -> NodeId {
        self.envelope.signer()
    }

    /// Digest of signer and payload. The signature is not part of it: its signer can make others for the same.
    pub(crate) fn digest<T: Tag>(&self) -> Digest<T> {
        Digest::hash(&[self.signer().as_bytes(), self.envelope.payload()])
    }

    /// Its name among all messages.
    pub fn id(&self) -> MessageId {
        MessageId::hash(&[
            P::TYPE.as_bytes(),
            self.signer().as_bytes(),
            self.envelope.payload(),
        ])
    }
}

impl<P> Deref for Signed<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.value
    }
}

macro_rules! headers {
    ($($name:ident: $it:ident => $network:expr, $at:expr;)*) => {
        $(impl Signed<$name> {
            /// Network it is for.
            pub fn network(&self) -> NetworkId {
                let $it = &self.value;
                $network
            }

            /// When its signer says it was made.
            pub fn at(&self) -> Timestamp {
                let $it = &self.value;
                $at
            }
        })*
    };
}

headers! {
    Descriptor: it => it.network, it.valid_from;
    Offer: it => it.network, it.created;
    Claim: it => it.network, it.at;
    Award: it => it.network, it.at;
    Cancel: it => it.network, it.at;
    Receipt: it => it.record.proven.network, it.at;
    Verdict: it => it.network, it.at;
    Voucher: it => it.network, it.at;
    Accusation: it => it.network, it.at;
    RelayHead: it => it.network, it.at;
}
