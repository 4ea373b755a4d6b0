//! Accusers whose evidence shows nothing.

use nonos_types::*;

use super::{
    sample::{accusation, accuser, bad_relay, false_accusation, false_verdict, id, key, relay},
    wire::{Broken, Fields, signed},
};

const FALSE_ACCUSATION: u32 = 11;

fn evidence() -> FalseAccusation {
    match false_accusation().evidence {
        Evidence::FalseAccusation(it) => *it,
        other => panic!("{other:?}"),
    }
}

fn of(accusation: Accusation) -> FalseAccusation {
    FalseAccusation::of(&Signed::new(accusation, &relay())).expect("not of this kind")
}

#[test]
fn names_the_accuser_and_has_one_name_for_one_accusation() {
    let it = false_accusation().evidence;
    assert_eq!(it.subject(), id(&relay()), "not whom the accuser accuses");
    assert_eq!(it.item(), accusation().evidence.item());
    let again = super::sign_again(&Message::from(evidence().accusation), &relay());
    let again = FalseAccusation {
        accusation: Signed::from_bytes(&again).expect("a good signature"),
    };
    assert_eq!(again.id(), evidence().id(), "whatever the signature");
    let later = Accusation {
        at: Timestamp::new(9),
        ..accusation()
    };
    assert_ne!(
        of(later).id(),
        evidence().id(),
        "another accusation of the same fault"
    );
    let other = FalseAccusation {
        accusation: Signed::new(accusation(), &key()),
    };
    assert_ne!(other.id(), evidence().id(), "another accuser");
}

#[test]
fn says_which_answer_of_a_check_shows_the_fault() {
    let needs = |it| Evidence::FalseAccusation(Box::new(of(it))).needs_valid();
    assert!(needs(accusation()));
    assert!(needs(bad_relay()));
    assert!(
        !needs(false_verdict()),
        "who says that a proof is invalid is said to lie"
    );
}

/// Else a few bytes would be read thousands of times, each within the other.
#[test]
fn refuses_one_within_another_before_it_is_read() {
    let accuser = accuser();
    let broken = Broken::of(&false_accusation(), &accuser);
    let inner = Signed::new(false_accusation(), &relay());
    assert_eq!(FalseAccusation::of(&inner), None);
    let with = |bytes: Vec<u8>| {
        let fields = Fields::of(&broken.fields.all(FALSE_ACCUSATION)[0]).with(1, bytes);
        broken.fields.with(FALSE_ACCUSATION, fields.to_bytes())
    };
    broken.refuses_field(&with(inner.to_bytes()), "false_accusation");
    // Nor is its signature looked at.
    let unsigned = Fields::of(&inner.to_bytes()).with(4, vec![0; 64]).to_bytes();
    broken.refuses_field(&with(unsigned), "false_accusation");
    // As deep as there is room for.
    let mut deep = inner.to_bytes();
    while deep.len() < 60_000 {
        let fields = Fields::of(&broken.fields.all(FALSE_ACCUSATION)[0]).with(1, deep);
        let fields = broken.fields.with(FALSE_ACCUSATION, fields.to_bytes());
        deep = signed::<Accusation>(fields.to_bytes(), &relay());
    }
    broken.refuses_field(&with(deep), "false_accusation");
}

#[test]
fn refuses_an_accusation_that_is_forged_broken_of_another_network_or_with_another_fault() {
    let accuser = accuser();
    let broken = Broken::of(&false_accusation(), &accuser);
    let fields = Fields::of(&broken.fields.all(FALSE_ACCUSATION)[0]);
    let put = |bytes: Vec<u8>| {
        let fields = fields.with(1, bytes);
        broken.fields.with(FALSE_ACCUSATION, fields.to_bytes())
    };
    let own = Fields::of(&fields.all(1)[0]);
    let forged = Fields::of(&signed::<Accusation>(own.all(2).remove(0), &accuser));
    let forged = forged.with(3, own.all(3).remove(0)).to_bytes();
    broken.refuses(&put(forged), Error::BadSignature);
    let claim = signed::<Claim>(super::sample::claim().to_bytes(), &relay());
    assert!(
        Signed::<Accusation>::from_bytes(&signed::<Accusation>(put(claim).to_bytes(), &accuser)).is_err()
    );
    let (message, field) = ("envelope", "type");
    let empty = broken.fields.with(FALSE_ACCUSATION, fields.without(1).to_bytes());
    broken.refuses(&empty, Error::Missing { message, field });
    // What is no accusation, being unreadable, is none that can be false.
    let unread = signed::<Accusation>(vec![0xff; 40], &relay());
    let message = "accusation";
    broken.refuses(&put(unread), Error::Malformed { message });
    broken.refuses_field(&broken.fields.with(1, vec![2; 32]), "network_id");
    let other = Broken::of(&accusation(), &accuser).fields.all(2).remove(0);
    broken.refuses_field(&broken.fields.with(2, other), "evidence");
}
