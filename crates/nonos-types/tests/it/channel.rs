//! The mesh inbound tape.

use nonos_types::*;

const SPEC: &str = include_str!("../../../../docs/spec/channel.md");

fn message(receipt: u8, capsule: u8, bytes: &[u8]) -> InboundMessage {
    InboundMessage {
        receipt: Digest::from_bytes([receipt; 32]),
        capsule: Digest::from_bytes([capsule; 32]),
        bytes: bytes.to_vec(),
    }
}

fn tape_of(messages: &[InboundMessage]) -> Result<InboundTape, Error> {
    let mut tape = InboundTape::default();
    for message in messages {
        tape.push(message.clone())?;
    }
    Ok(tape)
}

/// The tape of `docs/spec/channel.md`.
pub(crate) fn tape() -> InboundTape {
    let bytes: Vec<u8> = (1..18).collect();
    let messages = [
        message(31, 5, b"hello"),
        message(30, 6, b"12345678"),
        message(33, 5, &bytes),
    ];
    tape_of(&messages).expect("a tape")
}

fn bad(field: &'static str) -> Error {
    let message = "inbound tape";
    Error::BadField { message, field }
}

const MALFORMED: Error = Error::Malformed {
    message: "inbound tape",
};

#[test]
fn bytes_and_digest_are_those_of_the_spec() {
    let vector = hex::decode(include_str!("../vectors/inbound.hex").trim()).expect("hex");
    assert_eq!(tape().to_bytes(), vector);
    assert_eq!(InboundTape::from_bytes(&vector), Ok(tape()));
    assert_eq!(tape().len(), ByteLen::from(vector.len()));
    let digest = format!("`{}`", tape().digest());
    assert!(SPEC.contains(&digest), "the page lacks {digest}");
    assert_eq!(InboundTape::from_bytes(b""), Ok(InboundTape::default()));
}

#[test]
fn another_order_is_another_tape() {
    let mut messages = tape().messages().to_vec();
    messages.swap(0, 2);
    assert_ne!(tape_of(&messages).expect("a tape").digest(), tape().digest());
}

#[test]
fn refuses_a_tape_that_is_cut_anywhere() {
    let bytes = tape().to_bytes();
    let ends = [80, 160, 256];
    for len in 1..bytes.len() {
        let read = InboundTape::from_bytes(&bytes[..len]);
        match ends.contains(&len) {
            true => assert!(read.is_ok(), "a tape of fewer messages"),
            false => assert_eq!(read, Err(MALFORMED), "{len}"),
        }
    }
    for more in 1..8 {
        let long = [&bytes[..], &vec![0; more]].concat();
        assert_eq!(InboundTape::from_bytes(&long), Err(MALFORMED));
    }
}

#[test]
fn refuses_a_length_beyond_the_tape() {
    let mut bytes = tape_of(&[message(1, 2, b"x")]).expect("a tape").to_bytes();
    for len in [9, 1 << 40, u64::MAX - 6, u64::MAX] {
        bytes[64..72].copy_from_slice(&len.to_le_bytes());
        assert_eq!(InboundTape::from_bytes(&bytes), Err(MALFORMED), "{len}");
    }
}

#[test]
fn refuses_words_that_are_filled_up_with_something() {
    let bytes = tape_of(&[message(1, 2, b"x")]).expect("a tape").to_bytes();
    for at in 73..80 {
        let mut bytes = bytes.clone();
        bytes[at] = 1;
        let message = "inbound tape";
        assert_eq!(
            InboundTape::from_bytes(&bytes),
            Err(Error::NotCanonical { message })
        );
    }
}

#[test]
fn refuses_a_message_of_no_bytes() {
    assert_eq!(tape_of(&[message(1, 2, b"")]), Err(bad("length")));
    let mut bytes = vec![1; 64];
    bytes.extend([0; 8]);
    assert_eq!(InboundTape::from_bytes(&bytes), Err(bad("length")));
}

#[test]
fn refuses_a_message_twice_but_not_two_of_a_channel() {
    let (one, two) = (message(1, 2, b"x"), message(2, 2, b"x"));
    let bytes = tape_of(&[one.clone(), two.clone()]).expect("two").to_bytes();
    assert_eq!(tape_of(&[one.clone(), two, one]), Err(bad("receipt")));
    let twice = [&bytes[..], &bytes[..80]].concat();
    assert_eq!(InboundTape::from_bytes(&twice), Err(bad("receipt")));
}

#[test]
fn has_64_messages_at_most() {
    let messages: Vec<_> = (0..65).map(|it| message(it, 2, b"x")).collect();
    let most = tape_of(&messages[..64]).expect("64");
    assert_eq!(tape_of(&messages), Err(bad("messages")));
    let mut bytes = most.to_bytes();
    assert_eq!(InboundTape::from_bytes(&bytes), Ok(most));
    bytes.extend(tape_of(&messages[64..]).expect("one").to_bytes());
    assert_eq!(InboundTape::from_bytes(&bytes), Err(bad("messages")));
}

#[test]
fn has_4_mebibytes_at_most() {
    let limit = InboundTape::MAX;
    let long = vec![1; (4 << 20) - 72];
    let most = tape_of(&[message(1, 2, &long)]).expect("it fits");
    assert_eq!(most.len(), limit);
    assert_eq!(InboundTape::from_bytes(&most.to_bytes()), Ok(most.clone()));
    let mut full = most;
    let too_long = |actual: usize| Error::TooLong {
        message: "inbound tape",
        limit,
        actual: ByteLen::from(actual),
    };
    assert_eq!(full.push(message(3, 2, b"x")), Err(too_long((4 << 20) + 80)));
    assert_eq!(full.len(), limit, "what is refused changes nothing");
    let longer = [&long[..], b"x"].concat();
    assert_eq!(tape_of(&[message(1, 2, &longer)]), Err(too_long((4 << 20) + 8)));
    assert_eq!(
        InboundTape::from_bytes(&vec![0; (4 << 20) + 1]),
        Err(too_long((4 << 20) + 1))
    );
}

#[test]
fn is_named_by_its_receipts_in_their_order() {
    let inbound = Inbound::of(&tape()).expect("three messages");
    let names: Vec<ReceiptId> = [31, 30, 33].map(|it| Digest::from_bytes([it; 32])).to_vec();
    assert_eq!(inbound.receipts(), names);
    assert_eq!((inbound.digest(), inbound.len()), (tape().digest(), tape().len()));
    assert_eq!(Inbound::of(&InboundTape::default()), None);
}
