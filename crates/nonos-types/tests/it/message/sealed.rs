//! The fields of jobs with something to hide.

use nonos_types::*;

use super::{
    sample::{award, claim, digest, key, offer, receipt},
    wire::{Broken, Field, Fields},
};

const SPEC: &str = include_str!("../../../../../docs/spec/message.md");

fn node(byte: u8) -> NodeId {
    NodeId::from_bytes([byte; 32])
}

fn sealed_offer() -> Offer {
    Offer {
        sealed: Some(SealedTape {
            commitment: Commitment {
                scheme: CommitmentScheme::POSEIDON2_KOALABEAR_1,
                digest: [28; 32],
            },
            object: digest(29),
            len: ByteLen::new(272),
        }),
        result_key: Some(BoxKey::from_bytes([30; 32])),
        weights: Weights::new([(node(32), 16), (node(31), 0)]).expect("two weights"),
        ..offer()
    }
}

fn sealed_claim() -> Claim {
    Claim {
        box_key: Some(BoxKey::from_bytes([33; 32])),
        ..claim()
    }
}

fn sealed_award() -> Award {
    Award {
        sealed_key: Some(SealedKey::from_bytes(std::array::from_fn(|at| at as u8))),
        ..award()
    }
}

fn sealed_receipt() -> Receipt {
    Receipt {
        result: Some(SealedResult {
            object: digest(34),
            len: ByteLen::new(5000),
        }),
        ..receipt()
    }
}

#[test]
fn sealed_messages_are_those_of_the_spec() {
    let key = key();
    let offer = Message::from(Signed::new(sealed_offer(), &key));
    let claim = Message::from(Signed::new(sealed_claim(), &key));
    let award = Message::from(Signed::new(sealed_award(), &key));
    let receipt = Message::from(Signed::new(sealed_receipt(), &key));
    for (message, vector) in [
        (offer, include_str!("../../vectors/message/offer-sealed.hex")),
        (claim, include_str!("../../vectors/message/claim-sealed.hex")),
        (award, include_str!("../../vectors/message/award-sealed.hex")),
        (receipt, include_str!("../../vectors/message/receipt-sealed.hex")),
    ] {
        let name = message.kind().name();
        assert_eq!(hex::encode(message.to_bytes()), vector.trim(), "{name}");
        let read = Message::from_bytes_of_any_kind(&message.to_bytes());
        assert_eq!(read.as_ref(), Ok(&message));
        let row = format!("| `{name}`, sealed | `{}` |", message.id());
        assert!(SPEC.contains(&row), "the page lacks {row}");
    }
}

#[test]
fn keys_are_absent_or_of_their_length() {
    fn check<P: Payload<Error = Error>>(
        broken: &Broken<'_, P>,
        number: u32,
        field: &'static str,
        len: usize,
    ) {
        broken.accepts(&broken.fields.without(number));
        broken.accepts(&broken.fields.with(number, vec![0; len]));
        for bad in [1, len - 1, len + 1] {
            broken.refuses_field(&broken.fields.with(number, vec![1; bad]), field);
        }
    }
    let key = key();
    check(&Broken::of(&sealed_offer(), &key), 16, "result_key", 32);
    check(&Broken::of(&sealed_claim(), &key), 5, "box_key", 32);
    check(
        &Broken::of(&sealed_award(), &key),
        6,
        "sealed_key",
        SealedKey::LEN,
    );
}

/// An empty field of bytes is no other way to write that it is absent.
#[test]
fn refuses_an_empty_key() {
    let key = key();
    let broken = Broken::of(&sealed_claim(), &key);
    let message = "claim";
    broken.refuses(&broken.fields.with(5, vec![]), Error::NotCanonical { message });
}

/// Changes one field of the message in a field.
fn within(all: &Fields, outer: u32, inner: u32, field: Option<Field>) -> Fields {
    let part = Fields::of(&all.all(outer)[0]);
    let part = match field {
        Some(field) => part.with(inner, field),
        None => part.without(inner),
    };
    all.with(outer, part.to_bytes())
}

#[test]
fn refuses_a_sealed_input_without_its_digests_or_of_no_length() {
    let key = key();
    let broken = Broken::of(&sealed_offer(), &key);
    let with = |inner, field| within(&broken.fields, 15, inner, field);
    broken.accepts(&broken.fields.without(15));
    for inner in [2, 3] {
        let missing = Error::Missing {
            message: "offer",
            field: "sealed",
        };
        broken.refuses(&with(inner, None), missing);
        broken.refuses_field(&with(inner, Some(vec![1; 31].into())), "sealed");
    }
    // A scheme that is not known is for who knows the backend to refuse.
    broken.accepts(&with(1, None));
    let most = SealedTape::MAX.get();
    broken.accepts(&with(4, Some(most.into())));
    broken.refuses_field(&with(4, Some((most + 1).into())), "sealed");
    broken.refuses_field(&with(4, None), "sealed");
    broken.refuses(&with(5, Some(1.into())), Error::NotCanonical { message: "offer" });
}

#[test]
fn refuses_a_sealed_result_without_its_digest_or_of_no_length() {
    let key = key();
    let broken = Broken::of(&sealed_receipt(), &key);
    let with = |inner, field| within(&broken.fields, 12, inner, field);
    broken.accepts(&broken.fields.without(12));
    let missing = Error::Missing {
        message: "receipt",
        field: "result",
    };
    broken.refuses(&with(1, None), missing);
    broken.refuses_field(&with(1, Some(vec![1; 33].into())), "result");
    let most = SealedResult::MAX.get();
    broken.accepts(&with(2, Some(most.into())));
    broken.refuses_field(&with(2, Some((most + 1).into())), "result");
    broken.refuses_field(&with(2, None), "result");
}

#[test]
fn refuses_weights_that_are_too_great_or_say_nothing() {
    let key = key();
    let broken = Broken::of(&sealed_offer(), &key);
    // The second one is of a node, and of a weight that is not 0.
    let with = |weight: Option<Field>| {
        let [first, second] = broken.fields.all(17).try_into().expect("two");
        let second = Fields::of(&second);
        let second = match weight {
            Some(weight) => second.with(2, weight),
            None => second.without(2),
        };
        let weights = [first, second.to_bytes()].map(Field::from);
        broken.fields.with_all(17, weights.to_vec())
    };
    broken.accepts(&with(None));
    broken.accepts(&with(Some(2.into())));
    for bad in [1, 17, 256] {
        broken.refuses_field(&with(Some(bad.into())), "weights");
    }
    let nobody = Field::from([0x10, 0x02].as_slice());
    let missing = Error::Missing {
        message: "offer",
        field: "weights",
    };
    broken.refuses(&broken.fields.with_all(17, vec![nobody]), missing);
}

#[test]
fn refuses_weights_out_of_order_twice_or_too_many() {
    let key = key();
    let broken = Broken::of(&sealed_offer(), &key);
    let of = |nodes: &[u8]| {
        let weight = |node: &u8| Field::from([&[0x0a, 32][..], &[*node; 32]].concat());
        broken.fields.with_all(17, nodes.iter().map(weight).collect())
    };
    broken.accepts(&of(&[1, 2, 3]));
    broken.refuses_field(&of(&[2, 1]), "weights");
    broken.refuses_field(&of(&[1, 1]), "weights");
    let many: Vec<u8> = (1..=33).collect();
    broken.accepts(&of(&many[..32]));
    broken.refuses_field(&of(&many), "weights");
}

#[test]
fn weights_are_made_in_order_and_refused_as_they_are_read() {
    let weights = Weights::new([(node(3), 0), (node(1), 16), (node(2), 1)]).expect("three");
    assert_eq!(weights.iter().collect::<Vec<_>>(), [(node(1), 16), (node(3), 0)]);
    assert_eq!([1, 2, 3, 4].map(|it| weights.of(node(it))), [16, 1, 0, 1]);
    assert!(Weights::new([(node(1), 2), (node(1), 3)]).is_err());
    assert!(Weights::new([(node(1), 1), (node(1), 3)]).is_err());
    assert!(Weights::new([(node(1), 17)]).is_err());
    let many = |count| Weights::new((1..=count).map(|it| (node(it), 2)));
    assert!(many(32).is_ok());
    assert!(many(33).is_err());
}

/// Whoever claims or is awarded, and whatever is weighed.
#[test]
fn the_widest_sealed_ones_fit() {
    let key = key();
    let wide = Offer {
        entry: "e".repeat(256),
        arguments: vec![Value::I64(u64::MAX); 1000],
        input_len: ByteLen::MAX,
        backend: "b".repeat(64).parse().expect("a name"),
        verifiers: u16::MAX,
        slots: std::num::NonZeroU8::new(Offer::MAX_SLOTS).expect("eight"),
        created: Timestamp::MAX,
        deadline: Timestamp::MAX,
        sealed: Some(SealedTape {
            commitment: Commitment {
                scheme: CommitmentScheme(u32::MAX),
                digest: [255; 32],
            },
            object: digest(255),
            len: SealedTape::MAX,
        }),
        weights: Weights::new((1..=32).map(|it| (node(it), 16))).expect("32"),
        ..sealed_offer()
    };
    Broken::of(&wide, &key);
    let (slot, at) = (Slot::MAX, Timestamp::MAX);
    Broken::of(
        &Claim {
            slot,
            at,
            ..sealed_claim()
        },
        &key,
    );
    Broken::of(
        &Award {
            slot,
            at,
            ..sealed_award()
        },
        &key,
    );
}
