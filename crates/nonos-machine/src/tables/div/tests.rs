use std::collections::BTreeSet;

use nonos_types::TrapKind;

use super::*;
use crate::alu::{alu, div_fault};
use crate::tables::{system, testing::Subject};

const EDGES: [u64; 14] = [
    0,
    1,
    2,
    7,
    0xff,
    0x100,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_0000_0000,
    u64::MAX,
];

fn subject() -> Subject {
    Subject::new(&system(), "DIV")
}

/// The row of `code(a, b) = c`, for given magnitudes of quotient and remainder if there are any.
fn row(subject: &Subject, code: u16, a: u64, b: u64, parts: Option<[u64; 2]>, c: u64) -> Vec<u64> {
    let mut row = vec![0; subject.width()];
    match parts {
        Some(parts) => fill_parts(&mut row, code, [a, b], parts, c),
        None => fill(&mut row, code, a, b, c),
    }
    row
}

/// The codes of the eight instructions.
fn codes() -> impl Iterator<Item = u16> {
    let bits = [op::DIV_REM, op::DIV_SIGNED, op::DIV_W32];
    (0..8u16).map(move |choice| {
        let chosen = (0..3).filter(|i| choice >> i & 1 == 1);
        chosen.fold(op::DIV, |code, i| code | bits[i])
    })
}

fn operands(code: u16) -> impl Iterator<Item = (u64, u64)> {
    let edges = move || {
        EDGES
            .into_iter()
            .filter(move |v| code & op::DIV_W32 == 0 || v >> 32 == 0)
    };
    edges().flat_map(move |a| edges().map(move |b| (a, b)))
}

/// The code of the row that is executed, and its result.
fn executed(code: u16, a: u64, b: u64) -> (u16, u64) {
    match div_fault(code, a, b) {
        None => (code, alu(code, a, b).expect("it does not trap")),
        Some(TrapKind::DivisionByZero) => (code | op::DIV_ZERO, 0),
        Some(_) => (code | op::DIV_OVERFLOW, 0),
    }
}

#[test]
fn accepts_every_outcome_of_every_division() {
    let subject = subject();
    for code in codes() {
        for (a, b) in operands(code) {
            let (code, c) = executed(code, a, b);
            let row = row(&subject, code, a, b, None, c);
            assert_eq!(subject.broken(&row), BTreeSet::new(), "{code:#b}: {a:#x}, {b:#x}");
        }
    }
}

/// Carries and borrows follow from the rest, so that whatever a prover does else, some rule fails.
#[test]
fn refuses_every_other_quotient_and_remainder_of_the_magnitudes() {
    let subject = subject();
    for code in codes() {
        for (a, b) in operands(code) {
            let (code, c) = executed(code, a, b);
            let honest = row(&subject, code, a, b, None, c);
            for (q, r) in EDGES.into_iter().flat_map(|q| EDGES.map(|r| (q, r))) {
                // The result that follows, so that it is not the result that is refused.
                let [n, d] = [a, b].map(|v| magnitude(code, v));
                let v = if code & op::DIV_REM == 0 { q } else { r };
                let negative = n.1 != (d.1 && code & op::DIV_REM == 0);
                let c = if negative { v.wrapping_neg() } else { v };
                let forged = row(&subject, code, a, b, Some([q, r]), c);
                assert!(
                    forged == honest || !subject.broken(&forged).is_empty(),
                    "{code:#b}: {a:#x}, {b:#x}: {q:#x}, {r:#x}"
                );
            }
        }
    }
}

#[test]
fn refuses_every_other_result() {
    let subject = subject();
    for code in codes() {
        for (a, b) in operands(code) {
            let (code, c) = executed(code, a, b);
            let near = [c.wrapping_add(1), c.wrapping_neg(), !c, c ^ 1 << 31, c ^ 1 << 63];
            for forged in EDGES.into_iter().chain(near).filter(|forged| *forged != c) {
                let row = row(&subject, code, a, b, None, forged);
                assert_ne!(
                    subject.broken(&row),
                    BTreeSet::new(),
                    "{code:#b}: {a:#x}, {b:#x}: {forged:#x}"
                );
            }
        }
    }
}

#[test]
fn a_row_traps_exactly_on_its_condition() {
    let subject = subject();
    for code in codes() {
        for (a, b) in operands(code) {
            let (right, _) = executed(code, a, b);
            for claimed in [code, code | op::DIV_ZERO, code | op::DIV_OVERFLOW] {
                let c = alu(claimed, a, b).unwrap_or_default();
                for parts in [None, Some([0, 0]), Some([1, 0]), Some([0, a]), Some([a, 0])] {
                    let row = row(&subject, claimed, a, b, parts, c);
                    assert!(
                        !subject.broken(&row).is_empty() || claimed == right,
                        "{claimed:#b} for {right:#b}: {a:#x}, {b:#x}"
                    );
                }
            }
        }
    }
}

#[test]
fn leaves_no_cell_free() {
    let subject = subject();
    let cases = codes().flat_map(|code| operands(code).map(move |(a, b)| (code, a, b)));
    let rows: Vec<_> = cases
        .step_by(11)
        .map(|(code, a, b)| {
            let (code, c) = executed(code, a, b);
            row(&subject, code, a, b, None, c)
        })
        .collect();
    assert_eq!(subject.free(&rows), BTreeSet::new());
}

#[test]
fn accepts_rows_of_zeros_and_never_leaves_a_small_field() {
    let subject = subject();
    assert_eq!(subject.broken(&vec![0; subject.width()]), BTreeSet::new());
    subject.assert_fits_31_bits();
}

#[test]
fn each_rule_stands_alone_against_some_lie() {
    let t = &DivCols::layout().0;
    let subject = subject();
    let of = |code, a: i64, b: i64, c: i64, parts: [u64; 2], cells: &[(Col, u64)]| {
        let [a, b, c] = [a, b, c].map(i64::cast_unsigned);
        let mut row = row(&subject, code, a, b, Some(parts), c);
        for (col, value) in cells {
            row[usize::from(col.0)] = *value;
        }
        subject.broken(&row)
    };
    let (div, rem) = (op::DIV, op::DIV | op::DIV_REM);
    let (signed, by_zero) = (div | op::DIV_SIGNED, div | op::DIV_ZERO);
    let overflow = signed | op::DIV_OVERFLOW;
    let least = 1 << 63;
    let ones = t.k_c.map(|col| (col, 1));
    let cases = [
        // 7 / 2 = 0, of a row that neither divides nor traps.
        ("kind", of(div, 7, 2, 0, [0, 0], &[(t.ok, 0), (t.e[0], 2)])),
        (
            "w32-high",
            of(div | op::DIV_W32, 1 << 32, 1 << 16, 1 << 16, [1 << 16, 0], &[]),
        ),
        // −1 / 2 = 2^63 − 1.
        (
            "sign",
            of(div, -1, 2, i64::MAX, [u64::MAX / 2, 1], &[(t.signed, 1)]),
        ),
        // 7 / 1 = 8.
        ("magnitude", of(div, 7, 1, 8, [8, 0], &[(t.n[0], 8)])),
        // 7 / 2 = 2, remainder 1.
        ("product", of(div, 7, 2, 2, [2, 1], &[])),
        // 0 / 2^32 = 2^32.
        ("upper", of(div, 0, 1 << 32, 1 << 32, [1 << 32, 0], &[])),
        // 7 / 2 = 2, remainder 3.
        ("less", of(div, 7, 2, 2, [2, 3], &[])),
        // −2 / −2 = −3: two signs, and a result that follows from them.
        (
            "alike",
            of(
                signed,
                -2,
                -2,
                -3,
                [1, 0],
                &[&[(t.pos, 0), (t.s, 2)], &ones[..]].concat(),
            ),
        ),
        // −2^63 / −1 = −2^63.
        (
            "fits",
            of(signed, i64::MIN, -1, i64::MIN, [least, 0], &[(t.half, 0)]),
        ),
        // 7 % 4 = −3.
        (
            "result-sign",
            of(rem, 7, 4, -3, [1, 3], &[&[(t.s, 1)], &ones[..]].concat()),
        ),
        ("result", of(div, 7, 2, 4, [3, 1], &[])),
        ("by-zero", of(by_zero, 7, 2, 0, [0, 0], &[])),
        ("by-zero", of(by_zero, 7, 0, 9, [9, 0], &[])),
        ("overflow", of(overflow, i64::MIN, -2, 0, [0, 0], &[])),
        ("overflow", of(overflow, i64::MIN + 1, -1, 0, [0, 0], &[])),
        ("overflow", of(overflow, 1 << 15, -1, 0, [0, 0], &[])),
        (
            "overflow",
            of(overflow | op::DIV_REM, i64::MIN, -1, 0, [0, 0], &[]),
        ),
    ];
    for (i, (rule, broken)) in cases.iter().enumerate() {
        assert_eq!(broken, &BTreeSet::from([(*rule).to_owned()]), "case {i}");
    }
    let attacked: BTreeSet<&str> = cases.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(attacked, subject.rules());
    // The quotient that does not fit, as a true quotient: only its range refuses it.
    let kept = of(signed, i64::MIN, -1, i64::MIN, [least, 0], &[]);
    assert_eq!(kept, BTreeSet::from(["Range8".to_owned()]));
}
