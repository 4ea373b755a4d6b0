//! Verifiers that say of a proof what is not so.

use nonos_types::*;

use super::{
    sample::{accusation, accuser, digest, false_verdict, id, key, relay, verdict},
    wire::{Broken, Fields, signed},
};

const FALSE_VERDICT: u32 = 8;

fn evidence() -> FalseVerdict {
    match false_verdict().evidence {
        Evidence::FalseVerdict(it) => *it,
        other => panic!("{other:?}"),
    }
}

fn given(change: impl FnOnce(&mut Verdict)) -> Signed<Verdict> {
    let mut it = verdict();
    change(&mut it);
    Signed::new(it, &relay())
}

#[test]
fn names_the_verifier_and_has_one_name_for_one_receipt_and_answer() {
    let it = evidence();
    assert_eq!(false_verdict().evidence.subject(), id(&relay()));
    assert_eq!(false_verdict().evidence.item(), Some(&it.item));
    let of = |verdict: Signed<Verdict>| {
        let item = it.item.clone();
        FalseVerdict { verdict, item }.id()
    };
    let said = |at| {
        given(|it| {
            it.valid = false;
            it.at = Timestamp::new(at);
        })
    };
    assert_eq!([of(said(1)), of(said(2))], [it.id(); 2], "whenever it was said");
    assert_ne!(of(given(|_| {})), it.id(), "the contrary");
    let by_another = Verdict {
        valid: false,
        ..verdict()
    };
    assert_ne!(of(Signed::new(by_another, &key())), it.id(), "another verifier");
    let other = given(|it| {
        it.valid = false;
        it.receipt = digest(99);
    });
    assert_ne!(of(other), it.id(), "another receipt");
    let bytes = FalseVerdict {
        item: InvalidProof {
            tapes: vec![],
            ..it.item.clone()
        },
        ..it.clone()
    };
    assert_eq!(bytes.id(), it.id(), "whatever is shown");
}

#[test]
fn says_which_answer_of_a_check_shows_the_fault() {
    assert!(false_verdict().evidence.needs_valid());
    let mut praised = evidence();
    praised.verdict = given(|_| {});
    assert!(!Evidence::FalseVerdict(Box::new(praised)).needs_valid());
    assert!(!accusation().evidence.needs_valid());
}

#[test]
fn refuses_a_verdict_about_another_receipt_or_network() {
    let accuser = accuser();
    let broken = Broken::of(&false_verdict(), &accuser);
    let fields = Fields::of(&broken.fields.all(FALSE_VERDICT)[0]);
    let with = |verdict: &Signed<Verdict>| {
        let fields = fields.with(1, verdict.to_bytes());
        broken.fields.with(FALSE_VERDICT, fields.to_bytes())
    };
    broken.accepts(&with(&given(|_| {})));
    broken.refuses_field(&with(&given(|it| it.receipt = digest(99))), "false_verdict");
    broken.refuses_field(&with(&given(|it| it.network = digest(2))), "false_verdict");
    broken.refuses_field(&broken.fields.with(1, vec![2; 32]), "network_id");
}

#[test]
fn refuses_what_is_forged_missing_or_something_else() {
    let accuser = accuser();
    let broken = Broken::of(&false_verdict(), &accuser);
    let fields = Fields::of(&broken.fields.all(FALSE_VERDICT)[0]);
    let put = |fields: &Fields| broken.fields.with(FALSE_VERDICT, fields.to_bytes());

    let own = Fields::of(&fields.all(1)[0]);
    let forged = Fields::of(&signed::<Verdict>(own.all(2).remove(0), &accuser));
    let forged = forged.with(3, own.all(3).remove(0)).to_bytes();
    broken.refuses(&put(&fields.with(1, forged)), Error::BadSignature);
    let claim = signed::<Claim>(super::sample::claim().to_bytes(), &relay());
    let expected = "verdict";
    broken.refuses(&put(&fields.with(1, claim)), Error::WrongType { expected });

    let (message, field) = ("accusation", "item");
    broken.refuses(&put(&fields.without(2)), Error::Missing { message, field });
    let item = Fields::of(&fields.all(2)[0]);
    let receipt = Fields::of(&item.all(1)[0]);
    let forged = receipt.with(4, vec![1; 64]).to_bytes();
    let item = item.with(1, forged).to_bytes();
    broken.refuses(&put(&fields.with(2, item)), Error::BadSignature);

    broken.refuses(&put(&fields.with(3, 1)), Error::NotCanonical { message });
    let other = Broken::of(&accusation(), &accuser).fields.all(2).remove(0);
    broken.refuses_field(&broken.fields.with(2, other), "evidence");
}
