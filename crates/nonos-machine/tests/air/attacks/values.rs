//! Forged results of pure operations and sums.

use nonos_machine::alu;
use nonos_machine::isa::op;

use super::*;

pub(crate) fn with_result(code: impl IntoIterator<Item = Instr>, register: u16) -> Program {
    program(code.into_iter().chain(give(register)))
}

#[test]
fn refuses_another_result_of_each_pure_operation() {
    let wide = [0, 1, 63, 0x8000_0000, u64::MAX, 1 << 63, 0x0123_4567_89ab_cdef];
    let codes = [
        op::CMP | op::CMP_LT,
        op::CMP | op::CMP_LT | op::CMP_NEG | op::CMP_SIGNED,
        op::CMP | op::CMP_LT | op::CMP_SIGNED | op::CMP_W32,
        op::CMP | op::CMP_EQ,
        op::CMP | op::CMP_EQ | op::CMP_NEG,
        op::BIT | op::BIT_AND,
        op::BIT | op::BIT_OR,
        op::BIT | op::BIT_XOR,
        op::MUL,
        op::MUL | op::MUL_W32,
        op::SHIFT | op::SHIFT_LEFT | op::SHIFT_LO,
        op::SHIFT | op::SHIFT_HI,
        op::SHIFT | op::SHIFT_HI | op::SHIFT_SAR,
        op::SHIFT | op::SHIFT_LO | op::SHIFT_HI,
        op::SHIFT | op::SHIFT_W32 | op::SHIFT_LEFT | op::SHIFT_LO,
        op::SHIFT | op::SHIFT_W32 | op::SHIFT_HI | op::SHIFT_SAR,
        op::SHIFT | op::SHIFT_W32 | op::SHIFT_LEFT | op::SHIFT_LO | op::SHIFT_HI,
    ];
    for (n, code) in codes.into_iter().enumerate() {
        let (a, mut b) = (wide[n % 7], wide[(n + 3) % 7]);
        let narrow = match code & 7 {
            op::SHIFT => code & op::SHIFT_W32 != 0,
            op::CMP => code & op::CMP_W32 != 0,
            op::MUL => code & op::MUL_W32 != 0,
            _ => false,
        };
        let mask = if narrow { 0xffff_ffff } else { u64::MAX };
        if code & 7 == op::SHIFT {
            b &= if narrow { 31 } else { 63 };
        }
        let (a, b) = (a & mask, b & mask);
        let lie = with_result([set(1, a), set(2, b), pure(code, 3, 1, 2)], 3);
        let honest = alu(code, a, b).expect("a known operation");
        let (table, rule) = match code & 7 {
            op::CMP => ("CMP", "CMP/result"),
            op::BIT => ("BIT", "BIT/result"),
            op::MUL => ("MUL", "MUL/column"),
            _ => ("SHIFT", "SHIFT/result"),
        };
        let claim = forged_result(&lie, 2, honest ^ 1);
        assert_eq!(claim.rows(table), 1);
        refused_by(&claim, &[rule]);
    }
}

#[test]
fn refuses_a_comparison_with_forged_borrows_and_signs() {
    // 5 < 3 with a borrow that the difference does not support (#5: two answers to one question).
    let code = op::CMP | op::CMP_LT;
    let lie = with_result([set(1, 5), set(2, 3), pure(code, 3, 1, 2)], 3);
    let mut claim = forged_result(&lie, 2, 1);
    *claim.cell("CMP", 0, "k[3]") = 1;
    refused_by(&claim, &["CMP/borrow"]);
    // −1 < 1 denied by taking the sign of −1 to be 0.
    let code = op::CMP | op::CMP_LT | op::CMP_SIGNED;
    let lie = with_result([set(1, u64::MAX), set(2, 1), pure(code, 3, 1, 2)], 3);
    let mut claim = forged_result(&lie, 2, 0);
    *claim.cell("CMP", 0, "sign[0]") = 0;
    refused_by(&claim, &["CMP/sign"]);
    *claim.cell("CMP", 0, "rest[0]") = 2 * 0xffff;
    refused_by(&claim, &["CMP/Range16"]);
    // … or by taking it from another limb.
    let lie = with_result([set(1, 0xffff << 48), set(2, 1), pure(code, 3, 1, 2)], 3);
    let mut claim = forged_result(&lie, 2, 0);
    for column in ["sign[0]", "top[0]", "rest[0]"] {
        *claim.cell("CMP", 0, column) = 0;
    }
    refused_by(&claim, &["CMP/top"]);
    // An unsigned order with a sign.
    let code = op::CMP | op::CMP_LT;
    let lie = with_result([set(1, u64::MAX), set(2, 1), pure(code, 3, 1, 2)], 3);
    let mut claim = forged_result(&lie, 2, 1);
    *claim.cell("CMP", 0, "sign[0]") = 1;
    refused_by(&claim, &["CMP/sign"]);
    // Different words called equal, equal ones different.
    let code = op::CMP | op::CMP_EQ;
    for (b, forged) in [(1 << 40, 1), (7, 0)] {
        let lie = with_result([set(1, 7), set(2, b), pure(code, 3, 1, 2)], 3);
        let mut claim = forged_result(&lie, 2, forged);
        *claim.cell("CMP", 0, "e") = forged;
        *claim.cell("CMP", 0, "inv") = 0;
        refused_by(&claim, &["CMP/equal"]);
    }
    // Order and equality at once, to swap one answer for the other.
    let code = op::CMP | op::CMP_LT;
    let lie = with_result([set(1, 7), set(2, 7), pure(code, 3, 1, 2)], 3);
    let mut claim = forged_result(&lie, 2, 1);
    *claim.cell("CMP", 0, "eq") = 1;
    refused_by(&claim, &["CMP/kind", "Op"]);
}

#[test]
fn refuses_a_product_with_forged_carries() {
    let lie = with_result([set(1, 0xffff), set(2, 0x101), pure(op::MUL, 3, 1, 2)], 3);
    let honest = 0xffff * 0x101;
    // The carry out of byte 0 disappears; the bytes above it follow.
    let claim = forged_result(&lie, 2, honest - 0x100);
    refused_by(&claim, &["MUL/column"]);
    // An i32 product that keeps its upper half.
    let code = op::MUL | op::MUL_W32;
    let lie = with_result([set(1, 1 << 31), set(2, 2), pure(code, 3, 1, 2)], 3);
    refused_by(&forged_result(&lie, 2, 1 << 32), &["MUL/w32-high"]);
    // A byte of the product that is not one (#8, #9: another way to write the same number).
    let lie = with_result([set(1, 256), set(2, 1), pure(op::MUL, 3, 1, 2)], 3);
    let mut claim = forged_result(&lie, 2, 256);
    *claim.cell("MUL", 0, "z[0]") = 256;
    *claim.cell("MUL", 0, "z[1]") = 0;
    *claim.cell("MUL", 0, "k[0]") = 0;
    // Limb 0 is still 256, so the message is unchanged; only the range of the byte is violated, and the
    // next column, which lost a carry that was not there.
    let against = claim.verdict();
    assert!(against.contains("MUL/Range8"), "{against:?}");
}

#[test]
fn refuses_a_shift_by_another_amount_or_with_another_fill() {
    let code = op::SHIFT | op::SHIFT_LEFT | op::SHIFT_LO;
    let lie = with_result([set(1, 3), set(2, 4), pure(code, 3, 1, 2)], 3);
    // Everything as if the amount were 5.
    let claim = forged_result(&lie, 2, 3 << 5);
    let other = with_result([set(1, 3), set(2, 5), pure(code, 3, 1, 2)], 3);
    let row = |mut claim: Claim| claim.take("SHIFT", 0);
    let mut wrong = claim.clone();
    wrong.take("SHIFT", 0);
    wrong.insert("SHIFT", 0, row(Claim::lie(&other, &NO_TAPES, Lies::default())));
    refused_by(&wrong, &["Op"]);
    *wrong.cell("SHIFT", 0, "s") = 4;
    refused_by(&wrong, &["SHIFT/amount"]);
    // Two amounts at once: r = 4 and r = 5 give 3·(16 + 32).
    let mut both = forged_result(&lie, 2, 3 << 4 | 3 << 5);
    for (column, value) in [("r[5]", 1), ("u[0]", 3 << 4 | 3 << 5), ("left", 1)] {
        *both.cell("SHIFT", 0, column) = value;
    }
    let against = both.verdict();
    assert!(against.contains("SHIFT/one-hot"), "{against:?}");
    // A negative number shifted as a positive one.
    let code = op::SHIFT | op::SHIFT_HI | op::SHIFT_SAR;
    let lie = with_result([set(1, 1 << 63), set(2, 1), pure(code, 3, 1, 2)], 3);
    let mut claim = forged_result(&lie, 2, 1 << 62);
    for (column, rule) in [
        ("fill64", "SHIFT/fill"),
        ("fill", "SHIFT/fill"),
        ("sign", "SHIFT/sign"),
    ] {
        *claim.cell("SHIFT", 0, column) = 0;
        refused_by(&claim, &[rule]);
    }
    *claim.cell("SHIFT", 0, "top") = 0;
    refused_by(&claim, &["SHIFT/top"]);
    // The low part taken where the high one is meant.
    let code = op::SHIFT | op::SHIFT_HI;
    let lie = with_result([set(1, 0x11), set(2, 4), pure(code, 3, 1, 2)], 3);
    let mut claim = forged_result(&lie, 2, 0x11 << 60);
    *claim.cell("SHIFT", 0, "hi64") = 0;
    *claim.cell("SHIFT", 0, "lo64") = 1;
    *claim.cell("SHIFT", 0, "c[0]") = 0;
    let against = claim.verdict();
    assert!(against.contains("SHIFT/select"), "{against:?}");
    // A byte of a·2^r that overflows into the next one.
    let mut claim = forged_result(&lie, 2, 1);
    *claim.cell("SHIFT", 0, "v[0]") -= 1;
    *claim.cell("SHIFT", 0, "u[0]") += 256;
    let against = claim.verdict();
    assert!(against.contains("SHIFT/Range8"), "{against:?}");
    let mut claim = forged_result(&lie, 2, 0x11 >> 4);
    *claim.cell("SHIFT", 0, "u[7]") = 1;
    refused_by(&claim, &["SHIFT/bits", "SHIFT/result"]);
}

#[test]
fn refuses_bitwise_results_of_operations_mixed() {
    let code = op::BIT | op::BIT_AND;
    let lie = with_result([set(1, 6), set(2, 3), pure(code, 3, 1, 2)], 3);
    let mut claim = forged_result(&lie, 2, 6 ^ 3);
    *claim.cell("BIT", 0, "kind[0]") = 0;
    *claim.cell("BIT", 0, "kind[2]") = 1;
    refused_by(&claim, &["Op"]);
    *claim.cell("BIT", 0, "kind[0]") = 1;
    let against = claim.verdict();
    assert!(against.contains("BIT/kind"), "{against:?}");
    let mut claim = forged_result(&lie, 2, 3);
    *claim.cell("BIT", 0, "z[0]") = 3;
    refused_by(&claim, &["BIT/And8"]);
}

#[test]
fn refuses_sums_that_lose_a_carry_or_keep_an_upper_half() {
    for (flags, a, b, forged, rule) in [
        (flag::ADD, 0xffff, 1, 0, "STEP/add"),
        (flag::ADD, u64::MAX, 1, 1, "STEP/add"),
        (flag::SUB, 0x10000, 1, 0x1ffff, "STEP/sub"),
        (flag::ADD | flag::W32, 0xffff_ffff, 1, 1, "STEP/add"),
        (flag::SUB | flag::W32, 0, 1, 0xfffe_ffff, "STEP/sub"),
    ] {
        let lie = with_result([set(1, a), set(2, b), sum(flags, 3, 1, 2)], 3);
        refused_by(&forged_result(&lie, 2, forged), &[rule]);
    }
    // With the carry out of limb 1 not stopped, and the upper half it makes.
    let lie = with_result(
        [
            set(1, 0xffff_ffff),
            set(2, 1),
            sum(flag::ADD | flag::W32, 3, 1, 2),
        ],
        3,
    );
    let claim = forged_result(&lie, 2, 1 << 32);
    refused_by(&claim, &["STEP/add", "STEP/w32-high"]);
    // A limb of 2^16, which stands for the same number as the carry it replaces (#8, #9).
    let code = [set(1, 0xffff), set(2, 1), sum(flag::ADD, 3, 1, 2)];
    let mut claim = forged_result(&program(code), 2, 0x10000);
    for (column, value) in [("c[0]", 0x10000), ("c[1]", 0), ("carry[0]", 0)] {
        *claim.cell("STEP", 2, column) = value;
    }
    let row = claim.first_row("CELLS", "key_lo", 3);
    *claim.cell("CELLS", row, "last[0]") = 0x10000;
    *claim.cell("CELLS", row, "last[1]") = 0;
    refused_by(&claim, &["CELLS/Range16", "STEP/Range16"]);
}
