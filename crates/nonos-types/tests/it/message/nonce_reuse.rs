//! Executors that say two things of one run.

use ed25519_dalek::SigningKey;
use nonos_types::*;

use super::{
    sample::{accuser, digest, equivocation, id, key, nonce_reuse, receipt},
    wire::{Broken, Fields, signed},
};

const NONCE_REUSE: u32 = 7;

fn evidence() -> NonceReuse {
    match nonce_reuse().evidence {
        Evidence::NonceReuse(it) => *it,
        other => panic!("{other:?}"),
    }
}

/// The sample with one thing changed, of the executor with this key, signed.
fn given(key: &SigningKey, change: impl FnOnce(&mut Receipt)) -> Signed<Receipt> {
    let mut it = receipt();
    it.record.proven.executor = id(key);
    change(&mut it);
    it.record.proven.nonce = it.assignment().nonce();
    Signed::new(it, key)
}

fn with(broken: &Broken<'_, Accusation>, first: &Signed<Receipt>, second: &Signed<Receipt>) -> Fields {
    let fields = Fields::of(&broken.fields.all(NONCE_REUSE)[0]);
    let fields = fields.with(1, first.to_bytes()).with(2, second.to_bytes());
    broken.fields.with(NONCE_REUSE, fields.to_bytes())
}

fn less_fuel(it: &mut Receipt) {
    it.record.proven.fuel_used = Fuel::new(1);
}

#[test]
fn names_the_executor_and_has_one_name_for_one_nonce() {
    assert_eq!(nonce_reuse().evidence.subject(), id(&key()));
    assert_eq!(nonce_reuse().evidence.item(), None);
    let of = |key: &SigningKey, change: &dyn Fn(&mut Receipt)| {
        let other = given(key, |it| {
            change(it);
            it.record.proven.fuel_used = Fuel::new(2);
        });
        NonceReuse::of(&given(key, change), &other)
            .expect("two of one nonce")
            .id()
    };
    assert_eq!(
        of(&key(), &|_| {}),
        evidence().id(),
        "two others of the same nonce"
    );
    assert_ne!(of(&accuser(), &|_| {}), evidence().id());
    assert_ne!(of(&key(), &|it| it.attempt = Attempt::new(3)), evidence().id());
}

/// Each of these alone makes two receipts no evidence.
#[test]
fn two_receipts_are_evidence_only_of_one_nonce_and_if_their_runs_differ() {
    let (accuser, key) = (accuser(), key());
    let broken = Broken::of(&nonce_reuse(), &accuser);
    let NonceReuse { first, second } = evidence();
    broken.accepts(&with(&broken, &first, &second));
    assert_eq!(
        NonceReuse::of(&second, &first),
        Some(evidence()),
        "in whatever order"
    );
    let one = given(&key, |_| {});
    let none = [
        // Of another attempt, slot, job, or executor.
        given(&key, |it| {
            less_fuel(it);
            it.attempt = Attempt::new(3);
        }),
        given(&key, |it| {
            less_fuel(it);
            it.record.proven.slot = Slot::new(7);
        }),
        given(&key, |it| {
            less_fuel(it);
            it.record.proven.job = digest(99);
        }),
        given(&accuser, less_fuel),
        // The same run, proved again, and asked another fee for.
        given(&key, |it| it.proof = digest(99)),
        given(&key, |it| it.fee = Amount::ZERO),
        given(&key, |it| it.at = Timestamp::new(9)),
        given(&key, |it| it.record.proven.segment_chain = digest(99)),
        given(&key, |it| it.record.attested.audit_root = digest(99)),
    ];
    for other in &none {
        assert_ne!(one.receipt_id(), other.receipt_id());
        assert_eq!(NonceReuse::of(&one, other), None);
        assert_eq!(NonceReuse::of(other, &one), None);
        for (first, second) in [(&one, other), (other, &one)] {
            broken.refuses_field(&with(&broken, first, second), "nonce_reuse");
        }
    }
    broken.refuses_field(&with(&broken, &one, &one), "nonce_reuse");
    broken.refuses_field(&with(&broken, &second, &first), "nonce_reuse");
    let again = super::sign_again(&Message::from(one.clone()), &key);
    let again: Signed<Receipt> = Signed::from_bytes(&again).expect("a good signature");
    assert_ne!(one.to_bytes(), again.to_bytes());
    for (first, second) in [(&one, &again), (&again, &one)] {
        broken.refuses_field(&with(&broken, first, second), "nonce_reuse");
    }
}

#[test]
fn refuses_receipts_that_are_forged_of_another_network_or_with_another_fault() {
    let accuser = accuser();
    let broken = Broken::of(&nonce_reuse(), &accuser);
    let fields = Fields::of(&broken.fields.all(NONCE_REUSE)[0]);
    for number in [1, 2] {
        let own = Fields::of(&fields.all(number)[0]);
        let forged = Fields::of(&signed::<Receipt>(own.all(2).remove(0), &accuser));
        let forged = forged.with(3, own.all(3).remove(0)).to_bytes();
        let fields = broken
            .fields
            .with(NONCE_REUSE, fields.with(number, forged).to_bytes());
        broken.refuses(&fields, Error::BadSignature);
    }
    broken.refuses_field(&broken.fields.with(1, vec![2; 32]), "network_id");
    let other = Broken::of(&equivocation(), &accuser).fields.all(6).remove(0);
    broken.refuses_field(&broken.fields.with(6, other), "evidence");
}
