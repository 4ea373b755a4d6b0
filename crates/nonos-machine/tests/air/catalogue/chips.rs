//! Rows about what one operation computes.

use std::collections::BTreeSet;

use nonos_machine::alu;
use nonos_machine::isa::{ext, flag, op};
use nonos_machine::trace::{Access, Step};

use crate::asm::*;
use crate::attacks::claim::{Claim, KOALA_BEAR, M61};
use crate::attacks::liar::{Lies, run};
use crate::attacks::values::with_result;
use crate::attacks::{accepted, forged_result, refused_by};

#[test]
fn catalogue_01_a_load_gives_nothing_but_the_bytes_it_names() {
    // All widths, offsets and signs; a change within the window, one above it, and the value of another width.
    let widths = [
        (ext::MEM_W1, 8),
        (ext::MEM_W2, 16),
        (ext::MEM_W4, 32),
        (ext::MEM_W8, 64),
    ];
    for (code, bits) in widths {
        for sign in [0, ext::MEM_SIGNED | ext::MEM_RES64] {
            for at in 0..8 {
                let store = ext::MEM | ext::MEM_STORE | ext::MEM_W8;
                let start = [
                    set(2, 0x8192_a3b4_c5d6_e7f8),
                    state(store, 8, 2, 0),
                    state(store, 8, 2, 8),
                ];
                let sign = if bits == 64 { 0 } else { sign };
                let lie = program(
                    start
                        .into_iter()
                        .chain([state(ext::MEM | code | sign, 8, 3, at)])
                        .chain(give(3)),
                );
                let honest = run(&lie, &NO_TAPES, Lies::default()).steps[3].c;
                let forged = [honest ^ 1 << (bits - 1), honest ^ 0xff << (bits % 64), u64::MAX];
                for forged in forged.into_iter().filter(|forged| *forged != honest) {
                    let against = forged_result(&lie, 3, forged).verdict();
                    let rules = ["MEM/window", "MEMX/window", "MEM/extend", "MEMX/extend"].map(str::to_owned);
                    assert!(
                        against.iter().any(|rule| rules.contains(rule)),
                        "{bits} {at} {forged:x}: {against:?}"
                    );
                }
            }
        }
    }
}

fn division(code: u16, a: u64, b: u64, forged: u64) -> Claim {
    let lie = with_result([set(1, a), set(2, b), pure(op::DIV | code, 3, 1, 2)], 3);
    let result = |i: usize, step: &mut Step| {
        if i == 2 {
            step.c = forged;
        }
    };
    let lies = Lies {
        result: Some(&result),
        ..Lies::default()
    };
    Claim::lie(&lie, &NO_TAPES, lies)
}

#[test]
fn catalogue_04_a_remainder_equal_to_the_divisor() {
    // 14 = 1·7 + 7, and 7 = 0·7 + 7: everything holds but r < d.
    for (a, q) in [(14, 1), (7, 0)] {
        for code in [0, op::DIV_REM] {
            let mut claim = division(code, a, 7, if code == 0 { q } else { 7 });
            for (column, value) in [("q[0]", q), ("r[0]", 7), ("e[0]", 0)] {
                *claim.cell("DIV", 0, column) = value;
            }
            refused_by(&claim, &["DIV/less"]);
            // The difference, −1, as it is, and with a borrow that ends nowhere.
            *claim.cell("DIV", 0, "e[0]") = M61 - 1;
            refused_by(&claim, &["DIV/Range16"]);
            *claim.cell("DIV", 0, "e[0]") = 0xffff;
            *claim.cell("DIV", 0, "k_e[0]") = 1;
            refused_by(&claim, &["DIV/less"]);
        }
    }
}

#[test]
fn catalogue_05_two_quotients() {
    let edges = [1, 7, 0x8000_0000, 0xffff_ffff, 1 << 63, u64::MAX - 6];
    let kinds = [0, op::DIV_REM, op::DIV_SIGNED, op::DIV_SIGNED | op::DIV_REM];
    let mut divided = 0;
    for code in kinds.into_iter().flat_map(|kind| [kind, kind | op::DIV_W32]) {
        let narrow = code & op::DIV_W32 != 0;
        for a in edges.into_iter().filter(|v| !narrow || v >> 32 == 0) {
            for b in [0, 2, 0xffff_ffff, u64::MAX]
                .into_iter()
                .filter(|v| !narrow || v >> 32 == 0)
            {
                let honest = alu(op::DIV | code, a, b);
                if let Some(honest) = honest {
                    divided += 1;
                    accepted(&division(code, a, b, honest));
                }
                // What the published bug answered: the quotient one off or negated, anything by zero.
                let truth = honest.unwrap_or_default();
                let near = [truth.wrapping_add(1), truth.wrapping_neg(), u64::MAX];
                for forged in near.into_iter().filter(|forged| Some(*forged) != honest) {
                    let forged = if narrow { forged & 0xffff_ffff } else { forged };
                    if Some(forged) != honest {
                        assert!(
                            !division(code, a, b, forged).verdict().is_empty(),
                            "{code} {a} {b} {forged}"
                        );
                    }
                }
            }
        }
    }
    assert!(divided > 60, "{divided}");
}

#[test]
fn catalogue_06_one_register_as_both_operands_and_destination() {
    let lie = with_result([set(1, 5), sum(flag::ADD, 1, 1, 1)], 1);
    accepted(&Claim::lie(&lie, &NO_TAPES, Lies::default()));
    for slot in 0..2 {
        for seen_then in [(6, None), (0, Some(0)), (10, Some(2 * 4 + 3))] {
            let read = |i: usize, of: usize, seen: &mut (u64, u32)| {
                if (i, of) == (1, slot) {
                    *seen = (seen_then.0, seen_then.1.unwrap_or(seen.1));
                }
            };
            let lies = Lies {
                read: Some(&read),
                ..Lies::default()
            };
            assert!(
                !Claim::lie(&lie, &NO_TAPES, lies).verdict().is_empty(),
                "{slot} {seen_then:?}"
            );
        }
    }
}

#[test]
fn catalogue_07_the_second_half_of_an_access_not_made() {
    // A store across two words of which only one is written, either of them.
    let store = state(ext::MEM | ext::MEM_STORE | ext::MEM_W8, 8, 1, 5);
    let lie = with_result([set(1, u64::MAX), store], 1);
    accepted(&Claim::lie(&lie, &NO_TAPES, Lies::default()));
    for half in 0..2 {
        let skip = |i: usize, accesses: &mut Vec<Access>| {
            if i == 1 {
                accesses[half].new = accesses[half].old;
            }
        };
        let lies = Lies {
            access: Some(&skip),
            ..Lies::default()
        };
        refused_by(&Claim::lie(&lie, &NO_TAPES, lies), &["MEMX/window"]);
    }
}

#[test]
fn catalogue_09_a_written_word_in_another_form() {
    // The limbs 2^16 and −1 stand for 0 and 0 in their sum, modulo the field and over the integers.
    let lie = program([set(1, 5)]);
    for (low, high) in [(5 + (1 << 16), M61 - 1), (5 + KOALA_BEAR, 0)] {
        let mut claim = Claim::lie(&lie, &NO_TAPES, Lies::default());
        for limbs in [["c[0]", "c[1]"], ["b[0]", "b[1]"], ["imm[0]", "imm[1]"]] {
            *claim.cell("STEP", 0, limbs[0]) = low;
            *claim.cell("STEP", 0, limbs[1]) = high;
        }
        let cell = claim.first_row("CELLS", "key_lo", 1);
        *claim.cell("CELLS", cell, "last[0]") = low;
        *claim.cell("CELLS", cell, "last[1]") = high;
        let against = claim.verdict();
        let needed = ["STEP/Range16", "CELLS/Range16", "STEP/Program"].map(str::to_owned);
        assert!(against.is_superset(&BTreeSet::from(needed)), "{against:?}");
    }
}

#[test]
fn catalogue_37_an_operation_in_place_of_another() {
    // Each operation computed, filled and claimed as each other one of its chip: the program names it.
    let codes = [
        op::CMP | op::CMP_EQ,
        op::CMP | op::CMP_LT,
        op::CMP | op::CMP_LT | op::CMP_SIGNED,
        op::CMP | op::CMP_LT | op::CMP_NEG,
        op::BIT | op::BIT_AND,
        op::BIT | op::BIT_OR,
        op::BIT | op::BIT_XOR,
        op::SHIFT | op::SHIFT_LEFT | op::SHIFT_LO,
        op::SHIFT | op::SHIFT_HI,
        op::SHIFT | op::SHIFT_HI | op::SHIFT_SAR,
        op::MUL,
        op::DIV,
        op::DIV | op::DIV_REM,
        op::DIV | op::DIV_SIGNED,
    ];
    let of = |code: u16| with_result([set(1, 1 << 63 | 5), set(2, 3), pure(code, 3, 1, 2)], 3);
    for says in codes {
        for does in codes.into_iter().filter(|does| *does != says) {
            let mut claim = Claim::lie(&of(does), &NO_TAPES, Lies::default());
            claim.public.lookups = Claim::lie(&of(says), &NO_TAPES, Lies::default()).public.lookups;
            refused_by(&claim, &["STEP/Program"]);
        }
    }
}

#[test]
fn catalogue_38_a_read_that_changes_what_it_reads() {
    // A load, a global's get, the position of a tape, a register as an operand.
    let get = state(ext::GLOBAL, 0, 1, 1);
    let load = state(ext::MEM | ext::MEM_W1, 8, 1, 0);
    let position = state(ext::HOST | ext::HOST_POS, 1, 2, 0);
    for (code, rules) in [
        (vec![get], &["GLOBAL/get"][..]),
        (vec![load], &["MEM/load", "MEM/outside"]),
        (
            vec![set(1, 3), position],
            &["Final", "HOST/advance", "HOST/pad-kept"],
        ),
    ] {
        let at = code.len() - 1;
        let lie = program(code);
        let write = |i: usize, accesses: &mut Vec<Access>| {
            if i == at {
                accesses[0].new += 1 << 8;
            }
        };
        let lies = Lies {
            access: Some(&write),
            ..Lies::default()
        };
        let against = Claim::lie(&lie, &NO_TAPES, lies).verdict();
        assert!(!against.is_empty());
        assert!(
            against
                .iter()
                .all(|rule| rules.contains(&rule.as_str()) || rule == "Ext"),
            "{against:?}"
        );
    }
    // The register's value on the way out of an operand's access is the one on the way in: one set of cells.
    let lie = with_result([set(1, 5), copy(2, 1), copy(3, 1)], 3);
    let poke = |i: usize, _: &crate::attacks::liar::State| (i == 1).then_some((1, 6));
    let lies = Lies {
        poke: Some(&poke),
        ..Lies::default()
    };
    refused_by(&Claim::lie(&lie, &NO_TAPES, lies), &["Memory"]);
}
