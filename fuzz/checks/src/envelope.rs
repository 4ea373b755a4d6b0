//! The envelope's reader on bytes as they come, and the payload's reader behind a good signature.

use ed25519_dalek::SigningKey;
use nonos_types::{ByteLen, Envelope, Error, ExecutionRecord, Payload};

/// Bytes that are signed as a record, whatever they are.
struct Forged<'a>(&'a [u8]);

impl Payload for Forged<'_> {
    const TYPE: &'static str = ExecutionRecord::TYPE;
    const MAX: ByteLen = ExecutionRecord::MAX;
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn from_bytes(_: &[u8]) -> Result<Self, Error> {
        unreachable!("only written")
    }
}

/// Checks one input.
pub fn check(bytes: &[u8]) {
    if let Ok(envelope) = Envelope::from_bytes::<ExecutionRecord>(bytes) {
        assert_eq!(envelope.to_bytes(), bytes);
        let _ = envelope.open::<ExecutionRecord>();
    }
    let key = SigningKey::from_bytes(&[7; 32]);
    let opened = Envelope::sign(&Forged(bytes), &key)
        .open::<ExecutionRecord>()
        .map(|(record, _)| record);
    if bytes.len() as u64 <= ExecutionRecord::MAX.get() {
        assert_eq!(opened, ExecutionRecord::from_bytes(bytes));
    }
}
