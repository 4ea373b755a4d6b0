//! Messages with fields of a newer version.

use nonos_types::*;

use super::{
    sample::{descriptor, key, messages},
    signer,
    wire::{Broken, Fields, signed},
};

/// Field 100, a number, and field 101, five bytes.
const FURTHER: &[u8] = &[0xa0, 0x06, 7, 0xaa, 0x06, 5, b'h', b'e', b'l', b'l', b'o'];

fn payload(message: &Message) -> Vec<u8> {
    Fields::of(&message.to_bytes()).all(2).remove(0)
}

fn read(message: &Message, payload: Vec<u8>) -> Result<Message, Error> {
    let key = signer(message.kind());
    let bytes = match message.kind() {
        Kind::Descriptor => signed::<Descriptor>(payload, &key),
        Kind::Offer => signed::<Offer>(payload, &key),
        Kind::Claim => signed::<Claim>(payload, &key),
        Kind::Award => signed::<Award>(payload, &key),
        Kind::Cancel => signed::<Cancel>(payload, &key),
        Kind::Receipt => signed::<Receipt>(payload, &key),
        Kind::Verdict => signed::<Verdict>(payload, &key),
        Kind::Voucher => signed::<Voucher>(payload, &key),
        Kind::Accusation => signed::<Accusation>(payload, &key),
        Kind::RelayHead => signed::<RelayHead>(payload, &key),
    };
    Message::from_bytes_of_any_kind(&bytes)
}

#[test]
fn a_newer_message_is_told_from_a_bad_one_and_a_newer_descriptor_is_read() {
    for message in messages() {
        let newer = read(&message, [&payload(&message)[..], FURTHER].concat());
        if message.kind() == Kind::Descriptor {
            let newer = newer.expect("what is known of it is read");
            let Message::Descriptor(it) = &newer else {
                panic!("{newer:?}")
            };
            assert_eq!(it.further.as_bytes(), FURTHER);
            let known = Descriptor {
                further: Further::NONE,
                ..it.value().clone()
            };
            assert_eq!(known, descriptor());
            assert_ne!(newer.id(), message.id(), "its name covers all of it");
            let again = Message::from_bytes_of_any_kind(&newer.to_bytes());
            assert_eq!(again.as_ref(), Ok(&newer), "it is passed on as it came");
        } else {
            let name = message.kind().name();
            assert_eq!(newer, Err(Error::Newer { message: name }));
        }
    }
}

/// What is signed is all of it.
#[test]
fn further_fields_cannot_be_added_or_taken_away_by_others() {
    let key = key();
    let newer = [&descriptor().to_bytes()[..], FURTHER].concat();
    let envelope = Fields::of(&signed::<Descriptor>(newer, &key));
    for payload in [
        descriptor().to_bytes(),
        [&descriptor().to_bytes()[..], &FURTHER[..3]].concat(),
    ] {
        let changed = envelope.with(2, payload).to_bytes();
        assert_eq!(
            Signed::<Descriptor>::from_bytes(&changed),
            Err(Error::BadSignature)
        );
    }
}

/// Each of these alone makes further fields none of any version.
#[test]
fn further_fields_have_one_encoding_and_are_unknown() {
    for message in messages() {
        let name = message.kind().name();
        let refuses = |further: &[u8]| {
            let refused = read(&message, [&payload(&message)[..], further].concat());
            let expected = [
                Error::NotCanonical { message: name },
                Error::Malformed { message: name },
            ];
            assert!(
                refused.as_ref().is_err_and(|it| expected.contains(it)),
                "{refused:?} {further:x?}"
            );
        };
        refuses(&[0xa0, 0x86, 0, 7]); // a number of a field that is longer than needed
        refuses(&[0xa0, 0x06, 0x87, 0]); // a number that is
        refuses(&[0xaa, 0x06, 0x81, 0, 7]); // a length that is
        refuses(&[0xaa, 0x06, 2, 7]); // more is said than is there
        refuses(&[0xa0, 0x06]);
        refuses(&[0xa5, 0x06, 0, 0, 0, 0]); // a type that this project does not use
        refuses(&[0xaa, 0x06, 0, 0xa0, 0x06, 7]); // another order
        refuses(&[0x08, 0]); // what is known, with a default written out
        refuses(&[0x18, 0]);
        // There is no room for so many in the short ones.
        if message.kind() == Kind::Offer {
            refuses(&[0xa0, 0x06, 7].repeat(Further::MOST + 1));
            let most = [0xa0, 0x06, 7].repeat(Further::MOST);
            let most = read(&message, [&payload(&message)[..], &most].concat());
            assert_eq!(most, Err(Error::Newer { message: name }));
        }
    }
}

#[test]
fn further_fields_count_towards_the_limit() {
    let key = key();
    let room = Descriptor::MAX.get() as usize - descriptor().to_bytes().len();
    let further = |len: usize| {
        let field = [
            &[0xaa, 0x06, (len & 0x7f) as u8 | 0x80, (len >> 7) as u8][..],
            &vec![7; len],
        ]
        .concat();
        signed::<Descriptor>([&descriptor().to_bytes()[..], &field].concat(), &key)
    };
    assert!(Signed::<Descriptor>::from_bytes(&further(room - 4)).is_ok());
    let refused = Signed::<Descriptor>::from_bytes(&further(room - 3));
    assert!(matches!(refused, Err(Error::TooLong { .. })), "{refused:?}");
}

/// The envelope and what is within a message have no further fields: nobody signs the one, and who judges the other needs
/// to know all of it.
#[test]
fn envelopes_and_parts_of_messages_have_no_further_fields() {
    let key = key();
    let envelope = Fields::of(&signed::<Descriptor>(descriptor().to_bytes(), &key));
    let more = Signed::<Descriptor>::from_bytes(&envelope.with(100, 7).to_bytes());
    assert_eq!(more, Err(Error::NotCanonical { message: "envelope" }));
    let broken = Broken::of(&descriptor(), &key);
    let part = Fields::of(&broken.fields.all(10)[0]).with(100, 7).to_bytes();
    let message = "descriptor";
    broken.refuses(&broken.fields.with(10, part), Error::NotCanonical { message });
}
