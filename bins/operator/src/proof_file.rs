//! The file `prove -o` writes: a proof with all that its verifier needs beside the program. See
//! `docs/spec/proof-file.md`.

use nonos_types::{ByteLen, Error, wire};
use prost::Message;

/// The first bytes of a proof file, and the version of its format.
const MAGIC: [u8; 5] = *b"NONP\x01";
/// Longest proof file.
pub(crate) const MAX_BYTES: u64 = 144 << 20;

const NAME: &str = "proof file";

/// A proof, the statement it is a proof of, and the public tapes that the statement names by digest. Opaque
/// here: each part has its own decoder.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ProofFile {
    /// The proof object.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) object: Vec<u8>,
    /// The statement: an execution record.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) record: Vec<u8>,
    /// The statement's second attachment: its public tapes.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) tapes: Vec<u8>,
}

impl ProofFile {
    /// The one encoding of this file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        [&MAGIC[..], &wire::encode(self)].concat()
    }

    /// Reads a file: all of `bytes`, in its one encoding.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let body = bytes
            .strip_prefix(&MAGIC)
            .ok_or(Error::Malformed { message: NAME })?;
        wire::decode(NAME, ByteLen::new(MAX_BYTES), body)
    }
}

#[cfg(test)]
mod tests {
    use super::ProofFile;

    fn file() -> ProofFile {
        ProofFile {
            object: vec![1, 2],
            record: vec![3],
            tapes: vec![4, 5, 6],
        }
    }

    #[test]
    fn has_the_bytes_of_its_specification() {
        let golden = "4e4f4e5001 0a020102 120103 1a03040506".replace(' ', "");
        assert_eq!(hex::encode(file().to_bytes()), golden);
        assert_eq!(ProofFile::from_bytes(&file().to_bytes()), Ok(file()));
    }

    #[test]
    fn refuses_every_other_encoding() {
        let bytes = file().to_bytes();
        for end in 0..bytes.len() {
            // A message cut between two fields is one without the second: the parts' decoders refuse it.
            let whole_fields = end == 5 || end == 9 || end == 12;
            assert_eq!(
                ProofFile::from_bytes(&bytes[..end]).is_ok(),
                whole_fields,
                "cut at {end}"
            );
        }
        ProofFile::from_bytes(&[&bytes[..], &[0x22, 0]].concat()).expect_err("an unknown field");
        ProofFile::from_bytes(&[&bytes[..], &[0x0a, 1, 9]].concat()).expect_err("a field twice");
        let mut version = bytes;
        version[4] = 2;
        ProofFile::from_bytes(&version).expect_err("another version");
    }
}
