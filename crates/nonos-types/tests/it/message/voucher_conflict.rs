//! Payers that owe two things at once.

use ed25519_dalek::SigningKey;
use nonos_types::*;

use super::{
    sample::{accuser, digest, equivocation, id, key, voucher, voucher_conflict},
    wire::{Broken, Fields, signed},
};

const VOUCHER_CONFLICT: u32 = 9;
/// What the lines of the sample come to.
const LINES: u128 = 1_000_000_000_000_001;
const TOTAL: u128 = 1_000_000_000_000_000_000;

fn evidence() -> VoucherConflict {
    match voucher_conflict().evidence {
        Evidence::VoucherConflict(it) => *it,
        other => panic!("{other:?}"),
    }
}

/// The sample with one thing changed, signed.
fn given(key: &SigningKey, change: impl FnOnce(&mut Voucher)) -> Signed<Voucher> {
    let mut it = voucher();
    change(&mut it);
    Signed::new(it, key)
}

/// A later one, whose total is this.
fn later(sequence: u64, total: u128) -> Signed<Voucher> {
    given(&key(), |it| {
        it.sequence = Sequence::new(sequence);
        it.total = Amount::from_atto(total);
    })
}

fn with(broken: &Broken<'_, Accusation>, first: &Signed<Voucher>, second: &Signed<Voucher>) -> Fields {
    let fields = Fields::of(&broken.fields.all(VOUCHER_CONFLICT)[0]);
    let fields = fields.with(1, first.to_bytes()).with(2, second.to_bytes());
    broken.fields.with(VOUCHER_CONFLICT, fields.to_bytes())
}

#[test]
fn names_the_payer_and_has_one_name_for_one_place_of_one_channel() {
    let it = voucher_conflict().evidence;
    assert_eq!((it.subject(), it.item()), (id(&key()), None));
    let of = |key: &SigningKey, change: &dyn Fn(&mut Voucher)| {
        let [one, other] = [1, 2].map(|at| {
            given(key, |it| {
                it.sequence = Sequence::new(8);
                it.at = Timestamp::new(at);
                change(it);
            })
        });
        let conflict = VoucherConflict::of(&one, &other).expect("two of one sequence");
        assert_eq!(VoucherConflict::of(&other, &one), Some(conflict.clone()));
        conflict.id()
    };
    let here = evidence().id();
    assert_eq!(of(&key(), &|_| {}), here, "two others of that sequence");
    assert_ne!(of(&accuser(), &|_| {}), here);
    assert_ne!(of(&key(), &|it| it.network = digest(2)), here);
    assert_ne!(of(&key(), &|it| it.payee = NodeId::from_bytes([5; 32])), here);
    assert_ne!(of(&key(), &|it| it.incarnation = Incarnation::new(2)), here);
    assert_ne!(of(&key(), &|it| it.sequence = Sequence::new(9)), here);
}

/// Each of these alone makes two vouchers no evidence.
#[test]
fn two_vouchers_are_evidence_only_of_one_channel_and_if_both_cannot_be() {
    let (accuser, key) = (accuser(), key());
    let broken = Broken::of(&voucher_conflict(), &accuser);
    let VoucherConflict { first, second } = evidence();
    broken.accepts(&with(&broken, &first, &second));
    let one = given(&key, |_| {});
    let another = |change: fn(&mut Voucher)| {
        given(&key, |it| {
            it.at = Timestamp::new(9);
            change(it);
        })
    };
    let none = [
        given(&accuser, |it| it.at = Timestamp::new(9)),
        another(|it| it.payee = NodeId::from_bytes([5; 32])),
        another(|it| it.incarnation = Incarnation::new(2)),
        // The next one, and later ones.
        later(8, TOTAL + LINES),
        later(9, TOTAL + LINES + 1),
        later(u64::MAX, u128::MAX),
    ];
    for other in &none {
        assert_eq!(VoucherConflict::of(&one, other), None, "{other:?}");
        assert_eq!(VoucherConflict::of(other, &one), None);
        for (first, second) in [(&one, other), (other, &one)] {
            broken.refuses_field(&with(&broken, first, second), "voucher_conflict");
        }
    }
    let elsewhere = another(|it| it.network = digest(2));
    assert_eq!(VoucherConflict::of(&one, &elsewhere), None);
    assert_eq!(VoucherConflict::of(&elsewhere, &one), None);
    broken.refuses_field(&with(&broken, &one, &elsewhere), "voucher_conflict");
    broken.refuses_field(&with(&broken, &elsewhere, &one), "network_id");
    // The same twice, and two the other way round.
    broken.refuses_field(&with(&broken, &one, &one), "voucher_conflict");
    let twin = another(|_| {});
    let twins = VoucherConflict::of(&one, &twin).expect("two of one sequence");
    broken.accepts(&with(&broken, &twins.first, &twins.second));
    broken.refuses_field(&with(&broken, &twins.second, &twins.first), "voucher_conflict");
    broken.refuses_field(&with(&broken, &second, &first), "voucher_conflict");
    let again = super::sign_again(&Message::from(one.clone()), &key);
    let again: Signed<Voucher> = Signed::from_bytes(&again).expect("a good signature");
    assert_ne!(one.to_bytes(), again.to_bytes());
    assert_eq!(VoucherConflict::of(&one, &again), None);
    for (first, second) in [(&one, &again), (&again, &one)] {
        broken.refuses_field(&with(&broken, first, second), "voucher_conflict");
    }
}

#[test]
fn a_total_that_cannot_follow_is_evidence() {
    let one = given(&key(), |_| {});
    let all = [
        later(8, LINES),
        later(8, TOTAL),
        later(8, TOTAL + LINES - 1),
        // The next one adds its own lines and nothing else.
        later(8, TOTAL + LINES + 1),
        later(9, TOTAL + LINES - 1),
        // What is between adds something.
        later(9, TOTAL + LINES),
        later(u64::MAX, LINES),
    ];
    for other in &all {
        let conflict = VoucherConflict::of(&one, other).expect("a conflict");
        assert_eq!(VoucherConflict::of(other, &one), Some(conflict.clone()));
        assert_eq!(conflict.first, one, "the earlier one first");
    }
    // No total is as high as what would follow.
    let most = given(&key(), |it| it.total = Amount::from_atto(u128::MAX));
    assert!(VoucherConflict::of(&most, &later(8, u128::MAX)).is_some());
}

#[test]
fn refuses_vouchers_that_are_forged_of_another_network_or_with_another_fault() {
    let accuser = accuser();
    let broken = Broken::of(&voucher_conflict(), &accuser);
    let fields = Fields::of(&broken.fields.all(VOUCHER_CONFLICT)[0]);
    for number in [1, 2] {
        let own = Fields::of(&fields.all(number)[0]);
        let forged = Fields::of(&signed::<Voucher>(own.all(2).remove(0), &accuser));
        let forged = forged.with(3, own.all(3).remove(0)).to_bytes();
        let forged = fields.with(number, forged).to_bytes();
        broken.refuses(&broken.fields.with(VOUCHER_CONFLICT, forged), Error::BadSignature);
    }
    broken.refuses_field(&broken.fields.with(1, vec![2; 32]), "network_id");
    let other = Broken::of(&equivocation(), &accuser).fields.all(6).remove(0);
    broken.refuses_field(&broken.fields.with(6, other), "evidence");
    let message = "accusation";
    let more = broken.fields.with(VOUCHER_CONFLICT, fields.with(3, 1).to_bytes());
    broken.refuses(&more, Error::NotCanonical { message });
}

#[test]
fn the_longest_two_fit() {
    let long = |at| {
        given(&key(), |it| {
            it.at = Timestamp::new(at);
            it.lines = (0..64)
                .map(|slot| Line {
                    slot: Slot::new(slot),
                    ..voucher().lines[1]
                })
                .collect();
        })
    };
    let evidence = VoucherConflict::of(&long(1), &long(2)).expect("two of one sequence");
    let accusation = Accusation {
        evidence: Evidence::VoucherConflict(Box::new(evidence)),
        ..voucher_conflict()
    };
    let signed = Signed::new(accusation, &accuser());
    assert_eq!(Signed::from_bytes(&signed.to_bytes()), Ok(signed));
}
