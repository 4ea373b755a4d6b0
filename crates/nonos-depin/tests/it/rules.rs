//! A feed whose entries are well signed and chained must keep the rules all the same.

use nonos_depin::{Body, Claimed, Damage, Error, Ledger, MAX_AMOUNT};
use nonos_types::*;

use crate::support::*;

/// What the last of these entries does wrong; those before must be good.
fn broken(bodies: &[Body]) -> Error {
    let author = key(1);
    let check = |bodies: &[Body]| Ledger::rebuild(&feed(&author, bodies), NETWORK, id(&author));
    check(&bodies[..bodies.len() - 1]).expect("all but the last are good");
    match check(bodies) {
        Err(Error::Corrupt {
            entry,
            source: Damage::Rule(rule),
        }) => {
            assert_eq!(entry.get(), bodies.len() as u64);
            *rule
        }
        other => panic!("the last entry is taken: {other:?}"),
    }
}

fn hold(job: u8) -> Body {
    Body::Hold {
        job: self::job(job),
        amount: Amount::from_atto(10),
    }
}

fn release(job: u8) -> Body {
    Body::Release { job: self::job(job) }
}

fn claimed(requester: u8, receipt: u8, atto: u128) -> Body {
    Body::Claimed(Claimed {
        receipt: ReceiptId::from_bytes([receipt; 32]),
        requester: id(&key(requester)),
        job: job(1),
        slot: Slot::ZERO,
        amount: Amount::from_atto(atto),
    })
}

fn paid(payer: u8, payee: u8, sequence: u64, total: u128, lines: &[Line]) -> Body {
    Body::Paid {
        voucher: Box::new(voucher(&key(payer), id(&key(payee)), sequence, total, lines)),
    }
}

fn received(payer: u8, payee: u8, sequence: u64, total: u128, lines: &[Line]) -> Body {
    Body::Received {
        voucher: Box::new(voucher(&key(payer), id(&key(payee)), sequence, total, lines)),
    }
}

const EXECUTE: FeeKind = FeeKind::Execute;

macro_rules! breaks {
    ($($name:ident: $bodies:expr => $pattern:pat,)*) => {$(
        #[test]
        fn $name() {
            let rule = broken(&$bodies);
            assert!(matches!(rule, $pattern), "{rule:?}");
        }
    )*};
}

breaks! {
    names_a_second_hold_for_a_job: [hold(1), hold(2), hold(1)] => Error::HeldOtherwise { .. },
    names_a_hold_after_release: [hold(1), release(1), hold(1)] => Error::HeldOtherwise { .. },
    names_a_hold_of_too_much: [Body::Hold { job: job(1), amount: Amount::MAX }] => Error::TooMuch { .. },
    names_a_release_of_nothing: [hold(1), release(2)] => Error::NotHeld { .. },
    names_a_second_release: [hold(1), release(1), release(1)] => Error::NotHeld { .. },
    names_a_claim_of_oneself: [claimed(1, 1, 5)] => Error::Oneself,
    names_a_second_claim: [claimed(2, 1, 5), claimed(2, 1, 5)] => Error::ClaimedBefore { .. },
    names_a_claim_of_what_is_paid:
        [received(2, 1, 1, 5, &[line(1, EXECUTE, 5)]), claimed(2, 1, 5)] => Error::ClaimedBefore { .. },
    names_a_claim_of_too_much: [claimed(2, 1, MAX_AMOUNT.atto() + 1)] => Error::TooMuch { .. },
    names_a_payment_that_another_signed: [paid(2, 3, 1, 5, &[line(1, EXECUTE, 5)])] => Error::WrongKey { .. },
    names_a_payment_out_of_order: [paid(1, 2, 2, 5, &[line(1, EXECUTE, 5)])] => Error::NotNext { .. },
    names_a_payment_with_a_wrong_total: [
        paid(1, 2, 1, 5, &[line(1, EXECUTE, 5)]),
        paid(1, 2, 2, 9, &[line(2, EXECUTE, 5)]),
    ] => Error::WrongTotal { .. },
    names_a_fee_paid_twice: [
        paid(1, 2, 1, 5, &[line(1, FeeKind::Seed, 5)]),
        paid(1, 2, 2, 10, &[line(1, FeeKind::Seed, 5)]),
    ] => Error::SameLine { .. },
    names_a_run_paid_to_two: [
        paid(1, 2, 1, 5, &[line(1, EXECUTE, 5)]),
        paid(1, 3, 1, 5, &[line(1, EXECUTE, 5)]),
    ] => Error::PaidToAnother { .. },
    names_a_payment_of_too_much: [
        paid(1, 2, 1, MAX_AMOUNT.atto() + 1, &[line(1, EXECUTE, MAX_AMOUNT.atto() + 1)]),
    ] => Error::TotalTooLarge { .. },
    names_a_voucher_to_another: [received(2, 3, 1, 5, &[line(1, EXECUTE, 5)])] => Error::NotPayee { .. },
    names_a_voucher_booked_twice: [
        received(2, 1, 1, 5, &[line(1, EXECUTE, 5)]),
        received(2, 1, 1, 5, &[line(1, EXECUTE, 5)]),
    ] => Error::NotNext { .. },
    names_a_voucher_after_a_gap: [received(2, 1, 2, 5, &[line(1, EXECUTE, 5)])] => Error::NotNext { .. },
    names_a_fee_received_twice: [
        received(2, 1, 1, 5, &[line(1, EXECUTE, 5)]),
        received(2, 1, 2, 10, &[line(1, EXECUTE, 5)]),
    ] => Error::SameLine { .. },
}
