//! Nodes that say two things of themselves.

use ed25519_dalek::SigningKey;
use nonos_types::*;

use super::{
    sample::{accusation, accuser, descriptor, digest, equivocation, forked_head, id, key},
    wire::{Broken, Fields, signed},
};

const EQUIVOCATION: u32 = 6;

fn evidence() -> Equivocation {
    match equivocation().evidence {
        Evidence::Equivocation(it) => *it,
        other => panic!("{other:?}"),
    }
}

/// The sample with one thing changed, signed.
fn described(key: &SigningKey, change: impl FnOnce(&mut Descriptor)) -> Signed<Descriptor> {
    let mut it = descriptor();
    change(&mut it);
    Signed::new(it, key)
}

/// An accusation with these two instead of the sample's.
fn with(broken: &Broken<'_, Accusation>, first: &Signed<Descriptor>, second: &Signed<Descriptor>) -> Fields {
    let fields = Fields::of(&broken.fields.all(EQUIVOCATION)[0]);
    let fields = fields.with(1, first.to_bytes()).with(2, second.to_bytes());
    broken.fields.with(EQUIVOCATION, fields.to_bytes())
}

#[test]
fn names_the_node_and_has_one_name_whoever_accuses_whenever_and_by_which_two() {
    assert_eq!(equivocation().evidence.subject(), id(&key()));
    assert_eq!(equivocation().evidence.item(), None);
    let later = Accusation {
        at: Timestamp::new(9),
        ..equivocation()
    };
    assert_eq!(later.evidence.id(), equivocation().evidence.id());
    let of = |key: &SigningKey, change: &dyn Fn(&mut Descriptor)| {
        let one = described(key, |it| {
            change(it);
            it.software = "one".to_owned();
        });
        let other = described(key, |it| {
            change(it);
            it.software = "other".to_owned();
        });
        Equivocation::of(&one, &other).expect("two under one number").id()
    };
    let here = evidence().id();
    assert_eq!(of(&key(), &|_| {}), here, "two others of the same number");
    assert_ne!(of(&accuser(), &|_| {}), here, "another node");
    assert_ne!(
        of(&key(), &|it| it.sequence = Sequence::new(301)),
        here,
        "another number"
    );
    assert_ne!(of(&key(), &|it| it.network = digest(2)), here, "another network");
}

/// Two descriptors show a fault only if all of this is the same, and they are not: each of these alone makes it none.
#[test]
fn two_descriptors_are_evidence_only_of_one_node_network_and_number_and_if_they_differ() {
    let (accuser, key) = (accuser(), key());
    let broken = Broken::of(&equivocation(), &accuser);
    let Equivocation { first, second } = evidence();
    broken.accepts(&with(&broken, &first, &second));
    assert_eq!(
        Equivocation::of(&second, &first),
        Some(evidence()),
        "in whatever order"
    );
    let none = [
        described(&accuser, |it| it.addresses = vec![]),
        described(&key, |it| it.sequence = Sequence::new(301)),
        described(&key, |it| it.sequence = Sequence::new(299)),
        described(&key, |it| it.network = digest(2)),
    ];
    let one = described(&key, |_| {});
    for other in &none {
        assert_eq!(Equivocation::of(&one, other), None);
        assert_eq!(Equivocation::of(other, &one), None);
        for (first, second) in [(&one, other), (other, &one)] {
            let fields = with(&broken, first, second);
            let field = if first.network == digest(1) {
                "equivocation"
            } else {
                "network_id"
            };
            broken.refuses_field(&fields, field);
        }
    }
    // The same twice, and the two the other way round.
    assert_eq!(Equivocation::of(&one, &one), None);
    broken.refuses_field(&with(&broken, &one, &one), "equivocation");
    broken.refuses_field(&with(&broken, &second, &first), "equivocation");
}

/// Its signer can sign the same descriptor in other ways: that is not another one.
#[test]
fn one_descriptor_with_two_signatures_is_no_evidence() {
    let one = described(&key(), |_| {});
    let again = super::sign_again(&Message::from(one.clone()), &key());
    let again: Signed<Descriptor> = Signed::from_bytes(&again).expect("a good signature");
    assert_ne!(one.to_bytes(), again.to_bytes());
    assert_eq!(Equivocation::of(&one, &again), None);
    let accuser = accuser();
    let broken = Broken::of(&equivocation(), &accuser);
    for (first, second) in [(&one, &again), (&again, &one)] {
        broken.refuses_field(&with(&broken, first, second), "equivocation");
    }
}

#[test]
fn refuses_descriptors_that_are_forged_missing_or_something_else() {
    let accuser = accuser();
    let broken = Broken::of(&equivocation(), &accuser);
    let fields = Fields::of(&broken.fields.all(EQUIVOCATION)[0]);
    let put = |number, bytes: Vec<u8>| {
        let fields = fields.with(number, bytes);
        broken.fields.with(EQUIVOCATION, fields.to_bytes())
    };
    for number in [1, 2] {
        // The accuser's signature under the key of the accused.
        let own = Fields::of(&fields.all(number)[0]);
        let forged = Fields::of(&signed::<Descriptor>(own.all(2).remove(0), &accuser));
        let forged = forged.with(3, own.all(3).remove(0)).to_bytes();
        broken.refuses(&put(number, forged), Error::BadSignature);
        let claim = signed::<Claim>(super::sample::claim().to_bytes(), &key());
        let expected = "descriptor";
        broken.refuses(&put(number, claim), Error::WrongType { expected });
        let (message, field) = ("envelope", "type");
        let empty = broken
            .fields
            .with(EQUIVOCATION, fields.without(number).to_bytes());
        broken.refuses(&empty, Error::Missing { message, field });
    }
    let more = broken.fields.with(EQUIVOCATION, fields.with(3, 1).to_bytes());
    let message = "accusation";
    broken.refuses(&more, Error::NotCanonical { message });
}

#[test]
fn refuses_a_fault_of_another_network_and_more_than_one_fault() {
    let accuser = accuser();
    let broken = Broken::of(&equivocation(), &accuser);
    broken.refuses_field(&broken.fields.with(1, vec![2; 32]), "network_id");
    let (message, field) = ("accusation", "evidence");
    let none = broken.fields.without(EQUIVOCATION);
    broken.refuses(&none, Error::Missing { message, field });
    let proof = Broken::of(&accusation(), &accuser).fields.all(2).remove(0);
    let fork = Broken::of(&forked_head(), &accuser).fields.all(5).remove(0);
    broken.refuses_field(&broken.fields.with(2, proof), "evidence");
    broken.refuses_field(&broken.fields.with(5, fork), "evidence");
}

#[test]
fn the_longest_two_fit() {
    let long = |last: &str| {
        described(&key(), |it| {
            it.addresses = vec!["~".repeat(128); 8];
            it.software = last.repeat(32);
        })
    };
    let evidence = Equivocation::of(&long("a"), &long("b")).expect("two under one number");
    let accusation = Accusation {
        evidence: Evidence::Equivocation(Box::new(evidence)),
        ..accusation()
    };
    let signed = Signed::new(accusation, &accuser());
    assert_eq!(Signed::from_bytes(&signed.to_bytes()), Ok(signed));
}
