//! The file `prove -o` writes: a proof with all that its verifier needs beside the program. See
//! `docs/spec/proof-file.md`.

use nonos_types::{ByteLen, Error, ExecutionRecord, wire};
use prost::Message;

/// The first bytes of a proof file, and the version of its format.
pub(crate) const MAGIC: [u8; 5] = *b"NONP\x01";
/// Longest proof file.
pub(crate) const MAX_BYTES: u64 = 160 << 20;

const NAME: &str = "proof file";

/// A proof, what it is about, and the public tapes it names by digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProofFile {
    /// The encoded [`nonos_verify::ProofObject`].
    pub(crate) object: Vec<u8>,
    /// The record of the run.
    pub(crate) record: ExecutionRecord,
    /// Public input tape.
    pub(crate) input: Vec<u8>,
    /// Mesh inbound tape.
    pub(crate) inbound: Vec<u8>,
    /// Result, outbound and log tape.
    pub(crate) outputs: [Vec<u8>; 3],
}

#[derive(Clone, PartialEq, Message)]
struct Wire {
    #[prost(bytes = "vec", tag = "1")]
    object: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    record: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    input: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    inbound: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    result: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    outbound: Vec<u8>,
    #[prost(bytes = "vec", tag = "7")]
    log: Vec<u8>,
}

impl ProofFile {
    /// The one encoding of this file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let [result, outbound, log] = self.outputs.clone();
        let wire = Wire {
            object: self.object.clone(),
            record: self.record.to_bytes(),
            input: self.input.clone(),
            inbound: self.inbound.clone(),
            result,
            outbound,
            log,
        };
        [&MAGIC[..], &wire::encode(&wire)].concat()
    }

    /// Reads a file: all of `bytes`, in its one encoding.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let body = bytes.strip_prefix(&MAGIC).ok_or(Error::Malformed { message: NAME })?;
        let wire: Wire = wire::decode(NAME, ByteLen::new(MAX_BYTES), body)?;
        Ok(Self {
            object: wire.object,
            record: ExecutionRecord::from_bytes(&wire.record)?,
            input: wire.input,
            inbound: wire.inbound,
            outputs: [wire.result, wire.outbound, wire.log],
        })
    }
}
