//! The tapes that a verifier is given.

use nonos_types::{ByteLen, OutputDigest, wire};

use crate::tables::TapeWords;

/// The public tapes of a run.
///
/// ```
/// use nonos_machine::PublicTapes;
///
/// let tapes = PublicTapes { input: b"abc".to_vec(), ..PublicTapes::default() };
/// assert_eq!(PublicTapes::from_bytes(&tapes.to_bytes()), Some(tapes));
/// assert_eq!(PublicTapes::from_bytes(&[0xff]), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicTapes {
    /// Public input.
    pub input: Vec<u8>,
    /// Mesh inbound.
    pub inbound: Vec<u8>,
    /// Result, outbound and log: the words written, of which the last may have up to 7 bytes beyond the exact
    /// length. Those bytes are not part of any digest, but they are part of the run.
    pub outputs: [TapeWords; 3],
}

#[derive(Clone, PartialEq, prost::Message)]
struct WireTape {
    #[prost(fixed64, repeated, tag = "1")]
    words: Vec<u64>,
    #[prost(uint64, tag = "2")]
    len: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct WireTapes {
    #[prost(bytes = "vec", tag = "1")]
    input: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    inbound: Vec<u8>,
    #[prost(message, repeated, tag = "3")]
    outputs: Vec<WireTape>,
}

/// Whether a tape's length goes with its words.
pub(super) fn is_valid(tape: &TapeWords) -> bool {
    let words = tape.words.len() as u64;
    words < 1 << 24 && tape.len <= 8 * words && tape.len + 7 >= 8 * words
}

impl PublicTapes {
    /// Most bytes of all tapes together, encoded.
    pub const MAX: ByteLen = ByteLen::new(64 << 20);

    /// The statement's second attachment.
    pub fn to_bytes(&self) -> Vec<u8> {
        let wire_tape = |tape: &TapeWords| WireTape {
            words: tape.words.clone(),
            len: tape.len,
        };
        wire::encode(&WireTapes {
            input: self.input.clone(),
            inbound: self.inbound.clone(),
            outputs: self.outputs.iter().map(wire_tape).collect(),
        })
    }

    /// Reads them; `None` if the bytes are not those of tapes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let wire: WireTapes = wire::decode("public tapes", Self::MAX, bytes).ok()?;
        let tape = |wire: WireTape| TapeWords {
            words: wire.words,
            len: wire.len,
        };
        let outputs: Vec<TapeWords> = wire.outputs.into_iter().map(tape).collect();
        Some(Self {
            input: wire.input,
            inbound: wire.inbound,
            outputs: outputs.try_into().ok()?,
        })
    }

    /// The digest of the output tapes.
    pub fn output_digest(&self) -> OutputDigest {
        let [result, outbound, log] = self.outputs.each_ref().map(TapeWords::bytes);
        OutputDigest::hash(&[&result, &outbound, &log])
    }
}
