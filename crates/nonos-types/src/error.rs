//! What can be wrong with a value, and whose fault it is.

use crate::ByteLen;

/// Who has to act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The one who called: wrong arguments, wrong file, wrong configuration.
    Caller,
    /// The one who sent or made the data.
    Peer,
    /// The machine: disk, memory, permissions, another process.
    Environment,
    /// This program.
    Bug,
}

/// Why bytes or text are not a value of this crate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More bytes than this kind of message may have.
    #[error("{message}: {actual} exceed the limit of {limit}")]
    TooLong {
        /// Kind of message or field.
        message: &'static str,
        /// Most it may have.
        limit: ByteLen,
        /// What it has.
        actual: ByteLen,
    },
    /// Not the protobuf encoding of this kind of message.
    #[error("{message}: not its protobuf encoding")]
    Malformed {
        /// Kind of message.
        message: &'static str,
    },
    /// A readable message, but not the one encoding its value has: an unknown field, another order, a number
    /// that is longer than needed, a default written out.
    #[error("{message}: not in canonical form")]
    NotCanonical {
        /// Kind of message.
        message: &'static str,
    },
    /// A message of this kind with fields that this version does not know, without which it means something else.
    #[error("{message}: of a newer version")]
    Newer {
        /// Kind of message.
        message: &'static str,
    },
    /// A field is absent that must be there.
    #[error("{message}: field `{field}` is missing")]
    Missing {
        /// Kind of message.
        message: &'static str,
        /// Name of the field.
        field: &'static str,
    },
    /// A field's value is not one it may have.
    #[error("{message}: field `{field}` is out of its domain")]
    BadField {
        /// Kind of message.
        message: &'static str,
        /// Name of the field.
        field: &'static str,
    },
    /// The envelope holds another kind of payload.
    #[error("the envelope is not of type `{expected}`")]
    WrongType {
        /// The type asked for.
        expected: &'static str,
    },
    /// The public key is not a point of the curve, or is one of the weak ones.
    #[error("the public key is not a usable ed25519 key")]
    BadKey,
    /// The signature is not that of the key over the payload.
    #[error("the signature does not verify")]
    BadSignature,
    /// The signature is good, and of a key that may not sign this.
    #[error("{message}: signed by one who may not sign it")]
    WrongSigner {
        /// Kind of message.
        message: &'static str,
    },
    /// Text that is not the expected count of lowercase hex bytes.
    #[error("expected {expected} bytes in lowercase hex")]
    BadHex {
        /// Bytes expected.
        expected: usize,
    },
    /// Text that is not an amount.
    #[error("not an amount of NONOS (such as `0.0001 NONOS`, at most 18 decimals)")]
    BadAmount,
    /// Text that is not an integer of the type.
    #[error("not an integer that fits {expected}")]
    BadValue {
        /// The wasm type.
        expected: crate::ValueType,
    },
}

impl Error {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::BadHex { .. } | Self::BadAmount | Self::BadValue { .. } | Self::WrongType { .. } => {
                Fault::Caller
            }
            Self::TooLong { .. }
            | Self::Malformed { .. }
            | Self::NotCanonical { .. }
            | Self::Newer { .. }
            | Self::Missing { .. }
            | Self::BadField { .. }
            | Self::BadKey
            | Self::WrongSigner { .. }
            | Self::BadSignature => Fault::Peer,
        }
    }
}
