//! The reader of mesh inbound tapes: what it reads has these bytes and no others, and is a tape that can be built message by
//! message.

use nonos_types::{Inbound, InboundTape};

/// Checks one input.
pub fn check(bytes: &[u8]) {
    let Ok(tape) = InboundTape::from_bytes(bytes) else {
        return;
    };
    assert_eq!(tape.to_bytes(), bytes);
    assert_eq!(tape.len().get(), bytes.len() as u64);
    let mut built = InboundTape::default();
    for message in tape.messages() {
        assert!(!message.bytes.is_empty());
        built.push(message.clone()).expect("it was read");
    }
    assert_eq!(built, tape);
    // Whatever can be read can be named by an offer.
    assert_eq!(Inbound::of(&tape).is_some(), !tape.is_empty());
}
