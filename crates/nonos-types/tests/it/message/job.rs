use nonos_types::*;

use super::{
    sample::{award, cancel, claim, digest, key, offer, offer_with_inbound},
    wire::{Broken, Field, Fields},
};

#[test]
fn names_are_32_bytes_amounts_and_salts_16() {
    let key = key();
    let broken = Broken::of(&offer(), &key);
    broken.has_fixed(32, &[(1, "network_id"), (2, "capsule_hash"), (5, "input_digest")]);
    broken.has_fixed(16, &[(8, "max_fee"), (9, "fuel_price"), (13, "salt")]);
    Broken::of(&claim(), &key).has_fixed(32, &[(1, "network_id"), (2, "job_id")]);
    Broken::of(&cancel(), &key).has_fixed(32, &[(1, "network_id"), (2, "job_id")]);
    Broken::of(&award(), &key).has_fixed(32, &[(1, "network_id"), (2, "job_id"), (4, "executor")]);
}

#[test]
fn have_no_other_fields() {
    let key = key();
    Broken::of(&offer(), &key).has_no_more_and_no_less(20);
    Broken::of(&offer_with_inbound(), &key).has_no_more_and_no_less(20);
    Broken::of(&claim(), &key).has_no_more_and_no_less(6);
    Broken::of(&award(), &key).has_no_more_and_no_less(7);
    Broken::of(&cancel(), &key).has_no_more_and_no_less(4);
}

#[test]
fn refuses_an_entry_that_is_too_long() {
    let key = key();
    let broken = Broken::of(&offer(), &key);
    broken.accepts(&broken.fields.with(3, "e".repeat(256).as_str()));
    broken.refuses_field(&broken.fields.with(3, "e".repeat(257).as_str()), "entry");
    broken.refuses_field(&broken.fields.with(3, "ø".repeat(129).as_str()), "entry");
}

#[test]
fn refuses_too_many_arguments_and_such_that_are_no_values() {
    let key = key();
    let broken = Broken::of(&offer(), &key);
    let arguments = |count| {
        broken
            .fields
            .with_all(4, vec![Field::from([0x08, 0x01].as_slice()); count])
    };
    broken.accepts(&arguments(0));
    broken.accepts(&arguments(1000));
    broken.refuses_field(&arguments(1001), "arguments");
    broken.refuses_field(&broken.fields.with(4, vec![]), "arguments");
}

#[test]
fn refuses_a_backend_that_is_no_name() {
    let key = key();
    let broken = Broken::of(&offer(), &key);
    broken.accepts(&broken.fields.with(7, "b".repeat(64).as_str()));
    broken.refuses_field(&broken.fields.without(7), "backend");
    for bad in ["Halo2", "halo2 ipa", "halo2_ipa", "b".repeat(65).as_str(), "ø"] {
        broken.refuses_field(&broken.fields.with(7, bad), "backend");
    }
}

#[test]
fn refuses_more_verifiers_than_there_can_be() {
    let key = key();
    let broken = Broken::of(&offer(), &key);
    broken.accepts(&broken.fields.without(10));
    broken.accepts(&broken.fields.with(10, 65_535));
    broken.refuses_field(&broken.fields.with(10, 65_536), "verifiers");
}

#[test]
fn an_offer_has_one_to_eight_slots() {
    let key = key();
    let broken = Broken::of(&offer(), &key);
    let slots = |further: u64| {
        let bytes = broken.fields.with(14, further).to_bytes();
        Offer::from_bytes(&bytes).map(|it| it.slots().map(Slot::get).collect::<Vec<_>>())
    };
    let one = Offer::from_bytes(&broken.fields.without(14).to_bytes()).expect("one slot");
    assert_eq!(one.slots().collect::<Vec<_>>(), [Slot::ZERO]);
    assert_eq!(slots(2), Ok(vec![0, 1, 2]));
    assert_eq!(slots(7).map(|it| it.len()), Ok(8));
    for bad in [8, 255, 256, u32::MAX.into()] {
        broken.refuses_field(&broken.fields.with(14, bad), "further_slots");
    }
}

#[test]
fn refuses_a_deadline_before_the_offer() {
    let key = key();
    let broken = Broken::of(&offer(), &key);
    let created = 1_700_000_000;
    broken.accepts(&broken.fields.with(12, created));
    broken.refuses_field(&broken.fields.with(12, created - 1), "deadline");
    broken.refuses_field(&broken.fields.without(12), "deadline");
}

#[test]
fn refuses_a_slot_beyond_16_bits() {
    let key = key();
    fn check<P: Payload<Error = Error>>(broken: &Broken<'_, P>) {
        broken.accepts(&broken.fields.without(3));
        broken.accepts(&broken.fields.with(3, 65_535));
        broken.refuses_field(&broken.fields.with(3, 65_536), "slot");
    }
    check(&Broken::of(&claim(), &key));
    check(&Broken::of(&award(), &key));
}

#[test]
fn names_messages_with_the_tape_that_they_make_or_neither() {
    let key = key();
    let broken = Broken::of(&offer_with_inbound(), &key);
    let message = "offer";
    let field = "inbound_tape";
    broken.accepts(&broken.fields.without(18).without(19));
    broken.refuses(&broken.fields.without(19), Error::Missing { message, field });
    broken.refuses_field(&broken.fields.without(18), "inbound");
    let receipts = broken.fields.all(18);
    let named = |receipts: &[Vec<u8>]| {
        let fields = receipts.iter().cloned().map(Field::from);
        broken.fields.with_all(18, fields.collect())
    };
    broken.refuses_field(&named(&[&receipts[..], &receipts[..1]].concat()), "inbound");
    for bad in [31, 33] {
        broken.refuses_field(&named(&[vec![1; bad]]), "inbound");
    }
}

#[test]
fn names_64_messages_at_most() {
    let key = key();
    let named = |count: u8| {
        let receipts = (0..count).map(digest).collect();
        Inbound::new(receipts, digest(1), ByteLen::new(80 * u64::from(count)))
    };
    let most = Offer {
        inbound: Some(named(64).expect("64 messages")),
        ..offer()
    };
    Broken::of(&most, &key);
    let (message, field) = ("offer", "inbound");
    assert_eq!(named(65), Err(Error::BadField { message, field }));
    let more = Broken::of(&most, &key);
    let receipts = (0..65).map(|it| Field::from(vec![it; 32])).collect();
    more.refuses_field(&more.fields.with_all(18, receipts), "inbound");
}

#[test]
fn a_tape_is_as_long_as_its_messages_can_make_it() {
    let key = key();
    let broken = Broken::of(&offer_with_inbound(), &key);
    let tape = |len: u64| {
        let digest = Fields::of(&broken.fields.all(19)[0]).without(2);
        broken.fields.with(19, digest.with(2, len).to_bytes())
    };
    // Three messages, of at least 80 bytes.
    for good in [240, 248, 4 << 20] {
        broken.accepts(&tape(good));
    }
    for bad in [232, 239, 241, 247, (4 << 20) + 8, u64::MAX - 7] {
        broken.refuses_field(&tape(bad), "inbound_tape");
    }
    let without = |number| Fields::of(&broken.fields.all(19)[0]).without(number).to_bytes();
    let (message, field) = ("offer", "inbound_tape");
    broken.refuses(
        &broken.fields.with(19, without(1)),
        Error::Missing { message, field },
    );
    broken.refuses_field(&broken.fields.with(19, without(2)), "inbound_tape");
}

#[test]
fn a_run_without_messages_reads_an_empty_tape() {
    assert_eq!(offer().inbound_digest(), InboundDigest::hash(&[b""]));
    let offer = offer_with_inbound();
    assert_eq!(Some(offer.inbound_digest()), offer.inbound.map(|it| it.digest()));
}

#[test]
fn another_salt_makes_another_job() {
    let key = key();
    let job = |salt| {
        Signed::new(
            Offer {
                salt: Salt::new([salt; 16]),
                ..offer()
            },
            &key,
        )
        .job()
    };
    assert_ne!(job(1), job(2));
}

/// Arguments take the most bytes where each is the widest.
#[test]
fn the_widest_fit() {
    let key = key();
    let most = Amount::from_atto(u128::MAX);
    let wide = Offer {
        network: digest(255),
        capsule: digest(255),
        entry: "e".repeat(256),
        arguments: vec![Value::I64(u64::MAX); 1000],
        input: digest(255),
        input_len: ByteLen::MAX,
        backend: "b".repeat(64).parse().expect("a name"),
        max_fee: most,
        fuel_price: most,
        verifiers: u16::MAX,
        slots: std::num::NonZeroU8::new(Offer::MAX_SLOTS).expect("eight"),
        created: Timestamp::MAX,
        deadline: Timestamp::MAX,
        salt: Salt::new([255; 16]),
        sealed: None,
        result_key: None,
        weights: Weights::default(),
        inbound: Inbound::new((0..64).map(digest).collect(), digest(255), InboundTape::MAX).ok(),
    };
    assert_eq!(
        Fields::of(&Broken::of(&wide, &key).fields.to_bytes())
            .all(4)
            .len(),
        1000
    );
    let (job, slot, at) = (digest(255), Slot::MAX, Timestamp::MAX);
    let network = digest(255);
    Broken::of(
        &Claim {
            network,
            job,
            slot,
            at,
            box_key: None,
        },
        &key,
    );
    let executor = NodeId::from_bytes([255; 32]);
    Broken::of(
        &Award {
            network,
            job,
            slot,
            executor,
            at,
            sealed_key: None,
        },
        &key,
    );
}
