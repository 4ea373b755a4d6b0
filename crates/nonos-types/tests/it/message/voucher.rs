use nonos_types::*;

use super::{
    sample::{digest, id, key, voucher},
    wire::{Broken, Field, Fields, signed},
};

const LINES: u32 = 6;

/// The voucher with this in place of its lines.
fn with_lines<P: Payload<Error = Error>>(broken: &Broken<'_, P>, lines: &[Fields]) -> Fields {
    let lines = lines.iter().map(|it| Field::from(it.to_bytes())).collect();
    broken.fields.with_all(LINES, lines)
}

fn lines<P: Payload<Error = Error>>(broken: &Broken<'_, P>) -> [Fields; 2] {
    let lines = broken.fields.all(LINES);
    [Fields::of(&lines[0]), Fields::of(&lines[1])]
}

#[test]
fn names_are_32_bytes_and_amounts_16() {
    let key = key();
    let broken = Broken::of(&voucher(), &key);
    broken.has_fixed(32, &[(1, "network_id"), (2, "payee")]);
    broken.has_fixed(16, &[(5, "total")]);
}

#[test]
fn has_no_other_fields() {
    let key = key();
    let broken = Broken::of(&voucher(), &key);
    broken.has_no_more_and_no_less(8);
    let [line, _] = lines(&broken);
    let more = with_lines(&broken, &[line.with(6, 1)]);
    broken.refuses(&more, Error::NotCanonical { message: "voucher" });
}

#[test]
fn refuses_a_voucher_to_oneself() {
    let key = key();
    let own = Voucher {
        payee: id(&key),
        ..voucher()
    };
    let refused = Signed::<Voucher>::from_bytes(&signed::<Voucher>(own.to_bytes(), &key));
    assert_eq!(refused.err(), Some(Error::WrongSigner { message: "voucher" }));
}

#[test]
fn refuses_the_sequence_0() {
    let key = key();
    let broken = Broken::of(&voucher(), &key);
    broken.accepts(&broken.fields.with(4, 1));
    broken.refuses_field(&broken.fields.without(4), "sequence");
}

#[test]
fn refuses_no_lines_and_too_many() {
    let key = key();
    let broken = Broken::of(&voucher(), &key);
    let [line, _] = lines(&broken);
    let many = |count: u64| {
        let lines: Vec<_> = (1..=count).map(|slot| line.with(2, slot)).collect();
        with_lines(&broken, &lines)
    };
    broken.refuses_field(&many(0), "lines");
    broken.accepts(&many(64));
    broken.refuses_field(&many(65), "lines");
}

/// One fee is paid once: the same job, slot and kind may not come twice, whatever else the lines say.
#[test]
fn refuses_a_line_twice() {
    let key = key();
    let broken = Broken::of(&voucher(), &key);
    let [first, second] = lines(&broken);
    broken.refuses_field(&with_lines(&broken, &[first.clone(), first.clone()]), "lines");
    let other_receipt = first.with(4, vec![9; 32]);
    let other_amount = first.with(
        5,
        vec![1; 16]
            .into_iter()
            .enumerate()
            .map(|(at, _)| u8::from(at == 15))
            .collect::<Vec<_>>(),
    );
    for twin in [other_receipt, other_amount] {
        broken.refuses_field(
            &with_lines(&broken, &[first.clone(), second.clone(), twin]),
            "lines",
        );
    }
    for other in [first.with(1, vec![9; 32]), first.with(2, 301), first.with(3, 2)] {
        broken.accepts(&with_lines(&broken, &[first.clone(), second.clone(), other]));
    }
}

#[test]
fn refuses_lines_with_bad_fields() {
    let key = key();
    let broken = Broken::of(&voucher(), &key);
    let [line, other] = lines(&broken);
    let message = "voucher";
    let with = |bad: Fields| with_lines(&broken, &[other.clone(), bad]);
    broken.refuses_field(&with(line.with(5, vec![0; 16])), "amount");
    broken.refuses_field(&with(line.with(5, vec![1; 15])), "amount");
    broken.refuses_field(&with(line.with(2, 65_536)), "slot");
    broken.refuses_field(&with(line.with(1, vec![1; 33])), "job_id");
    broken.refuses_field(&with(line.with(4, vec![1; 31])), "receipt");
    broken.refuses_field(&with(line.without(3)), "kind");
    for kind in [5, 256, 257] {
        broken.refuses_field(&with(line.with(3, kind)), "kind");
    }
    for (number, field) in [(1, "job_id"), (4, "receipt"), (5, "amount")] {
        broken.refuses(&with(line.without(number)), Error::Missing { message, field });
    }
}

#[test]
fn refuses_a_total_below_its_lines() {
    let key = key();
    let broken = Broken::of(&voucher(), &key);
    let total = |atto: u128| broken.fields.with(5, atto.to_be_bytes().to_vec());
    let sum = 1_000_000_000_000_001;
    broken.accepts(&total(sum));
    broken.accepts(&total(u128::MAX));
    broken.refuses_field(&total(sum - 1), "total");
    broken.refuses_field(&total(0), "total");
}

#[test]
fn refuses_lines_whose_sum_is_beyond_every_amount() {
    let key = key();
    let broken = Broken::of(&voucher(), &key);
    let [first, second] = lines(&broken);
    let lines = [first.with(5, vec![255; 16]), second];
    let most = with_lines(&broken, &lines[..1]).with(5, vec![255; 16]);
    broken.accepts(&most);
    let beyond = with_lines(&broken, &lines).with(5, vec![255; 16]);
    broken.refuses_field(&beyond, "total");
}

#[test]
fn kinds_have_the_numbers_of_the_spec() {
    for kind in FeeKind::ALL {
        assert_eq!(FeeKind::from_code(kind.code()), Some(kind));
        let row = format!("| {} | `{kind}` |", kind.code());
        assert!(super::SPEC.contains(&row), "the page lacks {row}");
    }
    assert_eq!(FeeKind::from_code(0), None);
    assert_eq!(FeeKind::from_code(5), None);
}

#[test]
fn the_widest_fits() {
    let key = key();
    let line = |slot| Line {
        job: digest(255),
        slot: Slot::new(u16::MAX - slot),
        kind: FeeKind::Verify,
        receipt: digest(255),
        amount: Amount::from_atto(u128::MAX >> 8),
    };
    let wide = Voucher {
        network: digest(255),
        payee: NodeId::from_bytes([255; 32]),
        incarnation: Incarnation::MAX,
        sequence: Sequence::MAX,
        total: Amount::from_atto(u128::MAX),
        lines: (0..64).map(line).collect(),
        at: Timestamp::MAX,
    };
    Broken::of(&wide, &key);
}
