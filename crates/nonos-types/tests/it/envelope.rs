use ed25519_dalek::SigningKey;
use nonos_types::{ByteLen, Envelope, Error, ExecutionRecord, NodeId, Payload};
use proptest::prelude::*;

use crate::sample::key;

/// A payload of any bytes.
#[derive(Clone, Debug, PartialEq)]
struct Note(Vec<u8>);

impl Payload for Note {
    const TYPE: &'static str = "note";
    const MAX: ByteLen = ByteLen::new(32);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self(bytes.to_vec()))
    }
}

/// The same bytes under another type; decoding it is a test failure.
#[derive(Debug, PartialEq)]
struct Other;

impl Payload for Other {
    const TYPE: &'static str = "other";
    const MAX: ByteLen = ByteLen::new(32);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        b"hello".to_vec()
    }

    fn from_bytes(_: &[u8]) -> Result<Self, Error> {
        panic!("decoded an unverified payload")
    }
}

fn open(bytes: &[u8]) -> Result<(Note, NodeId), Error> {
    Envelope::from_bytes::<Note>(bytes)?.open::<Note>()
}

fn note() -> Note {
    Note(b"hello".to_vec())
}

/// Tags and lengths of a `note` envelope with a 5-byte payload, as in `docs/spec/envelope.md`.
const TYPE_AT: usize = 2;
const PAYLOAD_AT: usize = 8;
const KEY_AT: usize = 15;
const SIGNATURE_AT: usize = 49;

/// The vector of `docs/spec/envelope.md`.
#[test]
fn bytes_are_those_of_the_spec() {
    let bytes = Envelope::sign(&note(), &key()).to_bytes();
    assert_eq!(
        hex::encode(&bytes),
        "0a046e6f7465120568656c6c6f1a20ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c2240d1cc8d79271f021318db2105e478243dbede94e3edadf6ede6ad70dc8eee1c92c44d3502664baf237080cc71c680f9c448258ab3840368a4eb53ede0b3247104"
    );
    let signer = NodeId::from_bytes(key().verifying_key().to_bytes());
    assert_eq!(open(&bytes), Ok((note(), signer)));
}

#[test]
fn refuses_another_type() {
    let envelope = Envelope::sign(&note(), &key());
    assert_eq!(
        envelope.open::<Other>(),
        Err(Error::WrongType { expected: "other" })
    );
}

#[test]
fn refuses_a_signature_made_for_another_type() {
    let mut bytes = Envelope::sign(&note(), &key()).to_bytes();
    // "note" becomes "nota", and is opened as that.
    struct Nota;
    impl Payload for Nota {
        const TYPE: &'static str = "nota";
        const MAX: ByteLen = Note::MAX;
        type Error = Error;
        fn to_bytes(&self) -> Vec<u8> {
            Vec::new()
        }
        fn from_bytes(_: &[u8]) -> Result<Self, Error> {
            panic!("decoded an unverified payload")
        }
    }
    bytes[TYPE_AT + 3] = b'a';
    let envelope = Envelope::from_bytes::<Nota>(&bytes).expect("well-formed");
    assert_eq!(envelope.open::<Nota>().err(), Some(Error::BadSignature));
}

#[test]
fn refuses_a_changed_payload_and_a_changed_signature() {
    let bytes = Envelope::sign(&note(), &key()).to_bytes();
    for at in [PAYLOAD_AT, PAYLOAD_AT + 4, SIGNATURE_AT, SIGNATURE_AT + 63] {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        assert_eq!(open(&bad), Err(Error::BadSignature), "byte {at}");
    }
}

#[test]
fn refuses_another_signer() {
    let mut bytes = Envelope::sign(&note(), &key()).to_bytes();
    let other = SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes();
    bytes[KEY_AT..KEY_AT + 32].copy_from_slice(&other);
    assert_eq!(open(&bytes), Err(Error::BadSignature));
}

/// With the neutral element as key and (R, s) = (neutral, 0), lax verification accepts every message.
#[test]
fn refuses_a_weak_key() {
    let mut bytes = Envelope::sign(&note(), &key()).to_bytes();
    let mut neutral = [0; 32];
    neutral[0] = 1;
    bytes[KEY_AT..KEY_AT + 32].copy_from_slice(&neutral);
    bytes[SIGNATURE_AT..SIGNATURE_AT + 32].copy_from_slice(&neutral);
    bytes[SIGNATURE_AT + 32..].fill(0);
    assert_eq!(open(&bytes), Err(Error::BadKey));
}

#[test]
fn refuses_a_key_that_is_not_on_the_curve() {
    let mut bytes = Envelope::sign(&note(), &key()).to_bytes();
    bytes[KEY_AT..KEY_AT + 32].fill(0);
    bytes[KEY_AT] = 2;
    assert_eq!(open(&bytes), Err(Error::BadKey));
}

#[test]
fn refuses_more_than_the_limit() {
    let long = Note(vec![0; 33]);
    let envelope = Envelope::sign(&long, &key());
    let limit = Note::MAX;
    let actual = ByteLen::new(33);
    assert_eq!(
        envelope.open::<Note>(),
        Err(Error::TooLong {
            message: "note",
            limit,
            actual
        })
    );

    let huge = vec![0xff; 32 + 257];
    let refused = Envelope::from_bytes::<Note>(&huge);
    let limit = ByteLen::new(32 + 256);
    assert_eq!(
        refused,
        Err(Error::TooLong {
            message: "envelope",
            limit,
            actual: ByteLen::from(huge.len())
        })
    );
}

#[test]
fn refuses_truncated_extended_and_incomplete_envelopes() {
    let bytes = Envelope::sign(&note(), &key()).to_bytes();
    for len in 0..bytes.len() {
        assert!(
            Envelope::from_bytes::<Note>(&bytes[..len]).is_err(),
            "{len} bytes"
        );
    }
    let extended = [&bytes[..], &[0x28, 0x01]].concat();
    assert_eq!(
        Envelope::from_bytes::<Note>(&extended),
        Err(Error::NotCanonical { message: "envelope" })
    );
    let missing = |field| {
        Err(Error::Missing {
            message: "envelope",
            field,
        })
    };
    assert_eq!(
        Envelope::from_bytes::<Note>(&bytes[..KEY_AT - 2]),
        missing("public_key")
    );
    assert_eq!(
        Envelope::from_bytes::<Note>(&bytes[..SIGNATURE_AT - 2]),
        missing("signature")
    );
    assert_eq!(Envelope::from_bytes::<Note>(&bytes[6..]), missing("type"));
}

#[test]
fn a_record_travels_signed() {
    let record = crate::sample::record();
    let bytes = Envelope::sign(&record, &key()).to_bytes();
    let envelope = Envelope::from_bytes_within(ByteLen::new(4096), &bytes).expect("well-formed");
    assert_eq!(envelope.kind(), ExecutionRecord::TYPE);
    assert_eq!(envelope.open::<ExecutionRecord>().expect("verifies").0, record);
}

proptest! {
    #[test]
    fn every_flipped_bit_is_refused(at in 0usize..113, bit in 0u32..8) {
        let mut bytes = Envelope::sign(&note(), &key()).to_bytes();
        bytes[at] ^= 1 << bit;
        prop_assert!(open(&bytes).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(&bytes).is_err());
    }
}
