//! Protobuf with exactly one encoding per value, and a limit before any decoding.
//!
//! Protobuf readers skip fields they do not know and take numbers in several lengths and fields in any order.
//! Bytes that are hashed and signed must not have such twins, so [`decode`] encodes what it has read again and
//! refuses what differs. That covers unknown fields, too: a new field is a new version of the message.
//!
//! ```
//! use nonos_types::{ByteLen, Error, wire};
//!
//! #[derive(Clone, PartialEq, prost::Message)]
//! struct Greeting {
//!     #[prost(string, tag = "1")]
//!     text: String,
//! }
//!
//! let bytes = wire::encode(&Greeting { text: "hi".into() });
//! assert_eq!(wire::decode::<Greeting>("greeting", ByteLen::new(16), &bytes)?.text, "hi");
//!
//! let with_unknown_field = [&bytes[..], &[0x10, 0x01]].concat();
//! let error = wire::decode::<Greeting>("greeting", ByteLen::new(16), &with_unknown_field).unwrap_err();
//! assert_eq!(error, Error::NotCanonical { message: "greeting" });
//! # Ok::<_, Error>(())
//! ```

use crate::{ByteLen, Error};

/// The generated messages of `proto/`.
pub(crate) mod proto {
    #![expect(unreachable_pub, reason = "generated")]
    include!(concat!(env!("OUT_DIR"), "/nonos.v1.rs"));
}

/// The bytes of a message: fields in ascending order, defaults left out.
pub fn encode<M: prost::Message>(message: &M) -> Vec<u8> {
    message.encode_to_vec()
}

/// Reads a message that is all of `bytes`; `name` is what errors call it.
///
/// # Errors
/// [`Error::TooLong`] before decoding, [`Error::Malformed`], or [`Error::NotCanonical`] if the same value has
/// other bytes.
pub fn decode<M: prost::Message + Default>(
    name: &'static str,
    limit: ByteLen,
    bytes: &[u8],
) -> Result<M, Error> {
    check_len(name, limit, bytes.len())?;
    let message = M::decode(bytes).map_err(|_| Error::Malformed { message: name })?;
    if message.encode_to_vec() != bytes {
        return Err(Error::NotCanonical { message: name });
    }
    Ok(message)
}

/// Reads a `bytes` field of fixed length.
///
/// # Errors
/// [`Error::Missing`] if it is empty, [`Error::BadField`] if it has another length.
pub fn fixed<const N: usize>(
    message: &'static str,
    field: &'static str,
    bytes: &[u8],
) -> Result<[u8; N], Error> {
    if bytes.is_empty() {
        return Err(Error::Missing { message, field });
    }
    bytes.try_into().map_err(|_| Error::BadField { message, field })
}

/// Refuses more than `limit`.
pub(crate) fn check_len(message: &'static str, limit: ByteLen, len: usize) -> Result<(), Error> {
    let actual = ByteLen::from(len);
    if actual > limit {
        Err(Error::TooLong {
            message,
            limit,
            actual,
        })
    } else {
        Ok(())
    }
}
