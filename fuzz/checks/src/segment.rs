//! The readers of tasks, of what helpers answer, and of results: what they accept has these bytes and no others.
//! The first byte says which payload the rest is; signatures are not for a fuzzer to find, so that it is read bare, and then signed.

use ed25519_dalek::SigningKey;
use nonos_mesh::core::segment::Answer;
use nonos_types::{Error, Payload, SegmentResult, SegmentTask, Signed};

fn payload<P: Payload<Error = Error>>(bytes: &[u8]) {
    let Ok(value) = P::from_bytes(bytes) else { return };
    assert_eq!(value.to_bytes(), bytes);
    let sent = Signed::new(value, &SigningKey::from_bytes(&[7; 32])).to_bytes();
    match Signed::<P>::from_bytes(&sent) {
        Ok(read) => assert_eq!(read.to_bytes(), sent),
        Err(error) => assert!(matches!(error, Error::WrongSigner { .. }), "{error:?}"),
    }
}

/// Checks one input.
pub fn check(bytes: &[u8]) {
    if let Ok(answer) = Answer::from_bytes(bytes) {
        assert_eq!(answer.to_bytes(), bytes);
    }
    match bytes.split_first() {
        Some((0, bytes)) => payload::<SegmentTask>(bytes),
        Some((1, bytes)) => payload::<SegmentResult>(bytes),
        _ => {}
    }
}
