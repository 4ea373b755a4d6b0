//! Forged divisions, counts of bits and ends of the memory.

use nonos_machine::isa::{ASIDE, Space, op};

use super::claim::M61;
use super::values::with_result;
use super::*;

/// The run of `c = code(a, b)` in which row `row` is executed whatever is due, and everything follows from `c`.
fn computed(code: u16, a: u64, b: u64, row: u8, c: u64) -> Claim {
    let lie = with_result([set(1, a), set(2, b), pure(code, 3, 1, 2)], 3);
    told(&lie, row, c)
}

/// The claim of a run in which step 2 executes row `row`, with the result `c`.
fn told(program: &Program, row: u8, c: u64) -> Claim {
    let result = |i: usize, step: &mut Step| {
        if i == 2 {
            step.c = c;
        }
    };
    let row = |i: usize, due: &mut u8| *due = if i == 2 { row } else { 0 };
    let lies = Lies {
        row: Some(&row),
        result: Some(&result),
        ..Lies::default()
    };
    Claim::lie(program, &NO_TAPES, lies)
}

fn with_cells(mut claim: Claim, table: &str, cells: &[(&str, u64)]) -> Claim {
    for (column, value) in cells {
        *claim.cell(table, 0, column) = *value;
    }
    claim
}

/// Puts the row of `other`, changed in some cells, in place of the row of `claim`.
fn with_row_of(mut claim: Claim, mut other: Claim, table: &str, cells: &[(&str, u64)]) -> Claim {
    claim.take(table, 0);
    claim.insert(table, 0, other.take(table, 0));
    with_cells(claim, table, cells)
}

const DIVIDE: u8 = 0;
const BY_ZERO: u8 = 2;
const OVERFLOW: u8 = 3;

const fn negative(v: u64) -> u64 {
    v.wrapping_neg()
}

#[test]
fn refuses_another_quotient_or_remainder() {
    let (div, rem) = (op::DIV, op::DIV | op::DIV_REM);
    accepted(&computed(div, 7, 2, DIVIDE, 3));
    accepted(&computed(rem, 7, 2, DIVIDE, 1));
    // #5: 7 = 2·2 + 3 and 7 = 4·2 − 1 as well.
    let parts = |q: u64, r: u64| [("q[0]", q), ("r[0]", r)];
    for (code, c) in [(div, 2), (rem, 3)] {
        let claim = with_cells(computed(code, 7, 2, DIVIDE, c), "DIV", &parts(2, 3));
        let claim = with_cells(claim, "DIV", &[("e[0]", 0xfffe), ("e[1]", 0xffff)]);
        let claim = with_cells(claim, "DIV", &[("e[2]", 0xffff), ("e[3]", 0xffff)]);
        let borrows = [("k_e[0]", 1), ("k_e[1]", 1), ("k_e[2]", 1)];
        let claim = with_cells(claim, "DIV", &borrows);
        refused_by(&claim, &["DIV/less"]);
        refused_by(&with_cells(claim, "DIV", &[("e[3]", M61 - 1)]), &["DIV/Range16"]);
    }
    let claim = with_cells(computed(div, 7, 2, DIVIDE, 2), "DIV", &parts(2, 1));
    refused_by(&claim, &["DIV/product"]);
    let claim = with_cells(computed(div, 7, 2, DIVIDE, 4), "DIV", &parts(4, M61 - 1));
    assert!(claim.verdict().contains("DIV/Range8"));
    refused_by(&computed(div, 7, 2, DIVIDE, 4), &["DIV/result"]);
    // 0 = 2^32·2^32 modulo 2^64.
    let claim = with_cells(computed(div, 0, 1 << 32, DIVIDE, 1 << 32), "DIV", &[("q[4]", 1)]);
    refused_by(&claim, &["DIV/upper"]);
    // 8 divided in place of 7.
    let other = computed(div, 8, 1, DIVIDE, 8);
    let claim = with_row_of(computed(div, 7, 1, DIVIDE, 8), other, "DIV", &[("a[0]", 7)]);
    refused_by(&claim, &["DIV/magnitude"]);
    // Nothing divided at all.
    let nothing = [("ok", 0), ("q[0]", 0), ("r[0]", 0), ("e[0]", 2)];
    let claim = with_cells(computed(div, 7, 2, DIVIDE, 0), "DIV", &nothing);
    refused_by(&claim, &["DIV/kind"]);
    // An `i32` with an upper half.
    let claim = computed(div | op::DIV_W32, 1 << 32, 1 << 16, DIVIDE, 1 << 16);
    refused_by(&claim, &["DIV/w32-high"]);
}

#[test]
fn refuses_a_division_with_another_sign() {
    let (rem, signed) = (op::DIV | op::DIV_REM, op::DIV | op::DIV_SIGNED);
    let carries = [("k_c[0]", 1), ("k_c[1]", 1), ("k_c[2]", 1), ("k_c[3]", 1)];
    accepted(&computed(signed, negative(7), 2, DIVIDE, negative(3)));
    accepted(&computed(
        signed | op::DIV_REM,
        negative(7),
        2,
        DIVIDE,
        negative(1),
    ));
    accepted(&computed(signed | op::DIV_REM, 1 << 63, negative(1), DIVIDE, 0));
    // −1 / 2 as 2^64 − 1 / 2.
    let half = u64::MAX / 2;
    let other = computed(op::DIV, u64::MAX, 2, DIVIDE, half);
    let claim = computed(signed, u64::MAX, 2, DIVIDE, half);
    let claim = with_row_of(claim, other, "DIV", &[("signed", 1)]);
    refused_by(&claim, &["DIV/sign"]);
    refused_by(
        &with_cells(claim, "DIV", &[("rest[0]", 2 * 0xffff)]),
        &["DIV/Range16"],
    );
    // 7 % 4 = −3.
    let claim = with_cells(computed(rem, 7, 4, DIVIDE, negative(3)), "DIV", &[("s", 1)]);
    refused_by(&with_cells(claim, "DIV", &carries), &["DIV/result-sign"]);
    // −2 / −2 = −3: two signs not known to be alike.
    let claim = computed(signed, negative(2), negative(2), DIVIDE, negative(3));
    let claim = with_cells(claim, "DIV", &[("pos", 0), ("s", 2)]);
    refused_by(&with_cells(claim, "DIV", &carries), &["DIV/alike"]);
}

#[test]
fn refuses_a_division_that_traps_without_a_reason_or_does_not_with_one() {
    let div = op::DIV;
    let signed = div | op::DIV_SIGNED;
    let (least, minus_one) = (1 << 63, u64::MAX);
    accepted(&computed(div, 7, 0, BY_ZERO, 0));
    accepted(&computed(signed, least, minus_one, OVERFLOW, 0));
    accepted(&computed(signed | op::DIV_W32, 1 << 31, 0xffff_ffff, OVERFLOW, 0));
    // Invented: by zero, and for every operand that is nearly the right one.
    refused_by(&computed(div, 7, 2, BY_ZERO, 0), &["DIV/by-zero"]);
    refused_by(&computed(div, 7, 1 << 48, BY_ZERO, 0), &["DIV/by-zero"]);
    let nearly = [
        (least, minus_one - 1),
        (least, minus_one ^ 1 << 63),
        (least + 1, minus_one),
        (1 << 15, minus_one),
        (1 << 31, 0xffff_ffff),
        (least, 0xffff_ffff),
    ];
    for (a, b) in nearly {
        refused_by(&computed(signed, a, b, OVERFLOW, 0), &["DIV/overflow"]);
    }
    for (a, b) in [(1 << 31, 0xffff_fffe), (1 << 31 | 1, 0xffff_ffff)] {
        refused_by(
            &computed(signed | op::DIV_W32, a, b, OVERFLOW, 0),
            &["DIV/overflow"],
        );
    }
    // One kind of trap as the other.
    refused_by(&computed(signed, least, minus_one, BY_ZERO, 0), &["DIV/by-zero"]);
    refused_by(&computed(signed, least, 0, OVERFLOW, 0), &["DIV/overflow"]);
    // A result of a division by zero.
    let claim = with_cells(computed(div, 7, 0, BY_ZERO, 9), "DIV", &[("q[0]", 9)]);
    refused_by(&claim, &["DIV/by-zero"]);
    // Hidden: 7 / 0 = 0, remainder 7; the difference 0 − 7 − 1 has no borrow left to take.
    let claim = with_cells(
        computed(div, 7, 0, DIVIDE, 0),
        "DIV",
        &[("r[0]", 7), ("e[0]", 0xfff8)],
    );
    refused_by(&claim, &["DIV/less"]);
    // −2^63 / −1 = −2^63.
    for (code, a, b) in [
        (signed, least, minus_one),
        (signed | op::DIV_W32, 1 << 31, 0xffff_ffff),
    ] {
        let claim = computed(code, a, b, DIVIDE, a);
        refused_by(&claim, &["DIV/Range8"]);
        refused_by(&with_cells(claim, "DIV", &[("half", 0)]), &["DIV/fits"]);
    }
}

#[test]
fn refuses_another_count_of_bits() {
    let count = |kind: u16, a: u64, c: u64| {
        let count = Instr {
            flags: flag::ALU | flag::RA | flag::WC,
            ib: 0,
            ..pure(op::COUNT | kind, 3, 1, 0)
        };
        told(&with_result([set(1, a), set(2, 0), count], 3), 0, c)
    };
    let (clz, ctz, pop) = (op::COUNT_CLZ, op::COUNT_CTZ, op::COUNT_POP);
    for (kind, a, c) in [
        (clz, 0, 64),
        (ctz, 0, 64),
        (pop, 0, 0),
        (clz, 1, 63),
        (ctz, 1 << 63, 63),
    ] {
        accepted(&count(kind, a, c));
        refused_by(&count(kind, a, c + 1), &["COUNT/result"]);
    }
    let forged = |claim: Claim, cells: &[(&str, u64)]| with_cells(claim, "COUNT", cells);
    // Both ends of 2^63 at once: 63 + 7.
    let claim = forged(count(ctz, 1 << 63, 70), &[("kind[0]", 1)]);
    refused_by(&claim, &["COUNT/kind", "Op"]);
    // clz(0) = 0: no byte, and no claim that there is none.
    refused_by(&forged(count(clz, 0, 0), &[("none", 0)]), &["COUNT/place"]);
    // clz(2^32) = 64.
    let nothing = [("none", 1), ("p[4]", 0), ("left", 7)];
    refused_by(&forged(count(clz, 1 << 32, 64), &nothing), &["COUNT/no-bit"]);
    // The first byte that is not 0 passed over, from either end.
    let ends = 1 << 63 | 1;
    let low = [("p[7]", 0), ("p[0]", 1), ("left", 0)];
    refused_by(&forged(count(clz, ends, 55), &low), &["COUNT/before"]);
    let high = [("p[7]", 1), ("p[0]", 0), ("left", 0)];
    refused_by(&forged(count(ctz, ends, 55), &high), &["COUNT/before"]);
    // The search ended before it: clz(1) = 8.
    let claim = forged(count(clz, 1, 8), &high);
    refused_by(&claim, &["COUNT/found"]);
    refused_by(&forged(claim, &[("left", M61 - 1)]), &["COUNT/Range8"]);
    refused_by(&forged(count(pop, 1, 0), &[("y[0]", 0)]), &["COUNT/Count8"]);
}

#[test]
fn refuses_to_invent_an_access_past_the_end() {
    // Row 2 is the alternative, behind the one for the fuel.
    let trapped = |width: u16, address: u64, offset: u64| {
        let code = [set(1, address), set(2, 0), state(ext::MEM | width, 1, 2, offset)];
        told(&program(code), 2, 0)
    };
    let (byte, word) = (ext::MEM_W1, ext::MEM_W8);
    for (width, address, offset) in [
        (byte, 0x1_0000, 0),
        (byte, 0, 0x1_0000),
        (word, 0xfff9, 0),
        (word, 0xffff_ffff, 0xffff_ffff),
        (word, 0xffff, 0xffff),
    ] {
        accepted(&trapped(width, address, offset));
    }
    let forged = |claim: Claim, cells: &[(&str, u64)]| with_cells(claim, "BOUND", cells);
    let far = [("over", 0), ("over_hi[0]", 0), ("over_hi[1]", 0)];
    for (width, address, offset) in [
        (byte, 0xffff, 0),
        (word, 0xfff8, 0),
        (byte, 0, 0),
        (word, 8, 0xfff0),
    ] {
        let claim = forged(trapped(width, address, offset), &far);
        refused_by(&claim, &["BOUND/past"]);
        refused_by(&forged(claim, &[("over", M61 - 1)]), &["BOUND/Range16"]);
    }
    // The last byte, a page higher; the last 8 bytes, with 4 more.
    let claim = forged(forged(trapped(byte, 0xffff, 0), &far), &[("k[0]", 1)]);
    refused_by(&claim, &["BOUND/address"]);
    refused_by(&forged(claim, &[("e", M61 - 1)]), &["BOUND/Range16"]);
    let wider = [("width[2]", 1), ("e", 3), ("k[0]", 1)];
    let claim = forged(forged(trapped(word, 0xfff8, 0), &far), &wider);
    refused_by(&claim, &["BOUND/one-hot", "Ext"]);
    // Memory said to be smaller than it is.
    let claim = forged(
        trapped(byte, 0xffff, 0),
        &[("pages", 0), ("over", 0), ("over_hi[0]", 0), ("over_hi[1]", 0)],
    );
    refused_by(&claim, &["Ext"]);
}

#[test]
fn refuses_segments_passed_off_as_memory_and_memory_as_segments() {
    let load = |aside: u16| {
        let code = [
            set(1, 3),
            set(2, 0),
            state(ext::MEM | ext::MEM_W4 | aside, 1, 2, 4),
        ];
        let mut lie = with_result(code, 2);
        let (linear, global) = (Space::Linear.key(0), Space::Global.key(ASIDE));
        lie.data = vec![(linear, 0x1111_1111_1111_1111), (global, 0x2222_2222_2222_2222)];
        lie
    };
    for (aside, column) in [(0, 1), (ext::MEM_ASIDE, 0)] {
        // Offset 7: the word and the next one.
        let run = |aside: u16| Claim::lie(&load(aside), &NO_TAPES, Lies::default());
        accepted(&run(aside));
        let mut claim = run(aside);
        *claim.cell("MEMX", 0, "aside") = column;
        // The key is another's, and so is the code.
        let against = claim.verdict();
        assert!(
            against.contains("Memory") && against.contains("Ext"),
            "{against:?}"
        );
        // Of the other space, with its rows and its value.
        let mut claim = run(ext::MEM_ASIDE - aside);
        claim.public = run(aside).public;
        for column in ["op", "flags[8]"] {
            let value = *run(aside).cell("STEP", 2, column);
            *claim.cell("STEP", 2, column) = value;
        }
        let against = claim.verdict();
        assert!(against.contains("Ext"), "{against:?}");
    }
}

/// No lie needs them; but a row has one witness only.
#[test]
fn refuses_other_values_of_cells_that_nothing_reads() {
    let other = |code: Instr, operands: [u64; 2], table: &str, column: &str| {
        let lie = program([set(1, operands[0]), set(2, operands[1]), code]);
        let claim = Claim::lie(&lie, &NO_TAPES, Lies::default());
        accepted(&claim);
        with_cells(claim, table, &[(column, 1)])
    };
    let equal = pure(op::CMP | op::CMP_EQ, 3, 1, 2);
    let less = pure(op::CMP | op::CMP_LT, 3, 1, 2);
    let product = pure(op::MUL | op::MUL_W32, 3, 1, 2);
    let grow = state(ext::GROW, 1, 2, 5);
    refused_by(&other(equal, [5, 5], "CMP", "inv"), &["CMP/hint"]);
    refused_by(&other(product, [5, 5], "MUL", "k[6]"), &["MUL/hint"]);
    refused_by(&other(grow, [1 << 16, 0], "GROW", "slack"), &["GROW/hint"]);
    refused_by(&other(grow, [1, 0], "GROW", "inv"), &["GROW/hint"]);
    refused_by(&other(less, [5, 7], "CMP", "rest[0]"), &["CMP/sign"]);
    refused_by(
        &with_cells(other(less, [5, 7], "CMP", "e"), "CMP", &[("inv", 0)]),
        &["CMP/equal"],
    );
    refused_by(
        &with_cells(other(less, [5, 5], "CMP", "inv"), "CMP", &[("e", 0)]),
        &["CMP/equal"],
    );
}
