//! COUNT: zeros above the highest bit, zeros below the lowest bit, ones.
//!
//! `y_i` is the same count of byte `x_i`, by lookup; a byte of 0 has 8 zeros at either end. So the zeros of a
//! word are the sum of `y` over its bytes from the end up to the first one that is not 0, of which `p` is
//! the place.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `kind` | `CLZ + CTZ + POP = real` | a mixture |
//! | `place` | `Σp + none + POP = real` | no place or several; one where there is no byte but 0 |
//! | `no-bit` | `none·Σx = 0` | a word that is not 0 counted as 0 |
//! | `before` | `CLZ·p_i·Σ_{l>i} x_l = 0`, `CTZ·p_i·Σ_{l<i} x_l = 0` | a place behind the first byte that is not 0 |
//! | `found` | `7·real − Σ p_i·y_i = left`, a byte | a place whose byte is 0: there `y` is 8 |
//! | `result` | `c = POP·Σy + 64·none + CLZ·Σ_i p_i·Σ_{l≥i} y_l + CTZ·Σ_i p_i·Σ_{l≤i} y_l` | another result |

use super::layout::{RowMut, cells, columns, limbs, sum};
use crate::air::{Builder, Bus, Column, Table, When};
use crate::isa::op;

columns! {
    /// Columns of COUNT.
    CountCols {
        /// Whether the row is used.
        real: Bit,
        /// Zeros above, zeros below, ones.
        kind[3]: Bit,
        /// No bit is set; not where ones are counted.
        none: Bit,
        /// Place of the first byte that is not 0, one-hot.
        p[8]: Bit,
        /// Bytes of the operand.
        x[8]: U8,
        /// Counts of the bytes.
        y[8]: Moved,
        /// 7 less the count of the first byte that is not 0.
        left: U8,
        /// Result.
        c: Moved,
    }
}

/// The COUNT table.
#[derive(Clone, Copy, Debug)]
pub struct CountTable;

const KINDS: [u16; 3] = [op::COUNT_CLZ, op::COUNT_CTZ, op::COUNT_POP];

/// The rows of [`Bus::Count8`]: kind, byte, count.
pub(super) fn bytes() -> Vec<Vec<u64>> {
    let rows = (0..3).flat_map(|kind| (0..=u8::MAX).map(move |byte| (kind, byte)));
    rows.map(|(kind, byte)| vec![kind as u64, u64::from(byte), u64::from(of_byte(kind, byte))])
        .collect()
}

fn of_byte(kind: usize, byte: u8) -> u32 {
    match kind {
        0 => byte.leading_zeros(),
        1 => byte.trailing_zeros(),
        _ => byte.count_ones(),
    }
}

impl Table for CountTable {
    fn name(&self) -> &'static str {
        "COUNT"
    }

    fn columns(&self) -> Vec<Column> {
        CountCols::layout().1.clone()
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        let t = &CountCols::layout().0;
        let [real, none, left, c] = cells(b, [t.real, t.none, t.left, t.c]);
        let [clz, ctz, pop] = cells(b, t.kind);
        let (p, x, y) = (cells(b, t.p), cells(b, t.x), cells(b, t.y));
        let k = |v: i64| B::E::from(v);
        let when = When::Always;

        b.zero(
            "kind",
            when,
            clz.clone() + ctz.clone() + pop.clone() - real.clone(),
        );
        let places = sum::<B>(p.clone());
        b.zero("place", when, places + none.clone() + pop.clone() - real.clone());
        b.zero("no-bit", when, none.clone() * sum::<B>(x.clone()));
        let code = ctz.clone() + pop.clone() * k(2);
        for i in 0..8 {
            b.send(
                Bus::Count8,
                real.clone(),
                &[code.clone(), x[i].clone(), y[i].clone()],
            );
            let (below, above) = (sum::<B>(x[..i].to_vec()), sum::<B>(x[i + 1..].to_vec()));
            if i < 7 {
                b.zero("before", when, clz.clone() * p[i].clone() * above);
            }
            if i > 0 {
                b.zero("before", when, ctz.clone() * p[i].clone() * below);
            }
        }
        let at_place = sum::<B>((0..8).map(|i| p[i].clone() * y[i].clone()));
        b.zero("found", when, real.clone() * k(7) - at_place - left);
        let from = |range: std::ops::Range<usize>| sum::<B>(y[range].to_vec());
        let above = sum::<B>((0..8).map(|i| p[i].clone() * from(i..8)));
        let below = sum::<B>((0..8).map(|i| p[i].clone() * from(0..i + 1)));
        let result = pop.clone() * from(0..8) + none * k(64) + clz.clone() * above + ctz.clone() * below;
        b.zero("result", when, c.clone() - result);

        let bits = [clz, ctz, pop].into_iter().zip(KINDS);
        let code = sum::<B>(bits.map(|(kind, bit)| kind * k(i64::from(bit))));
        let mut message = vec![code + k(i64::from(op::COUNT))];
        message.extend(limbs::<B>(&x));
        message.extend([k(0), k(0), k(0), k(0), c, k(0), k(0), k(0)]);
        b.receive(Bus::Op, real, &message);
    }
}

/// Fills the row of `code(a) = c`.
pub(crate) fn fill(row: &mut [u64], code: u16, a: u64, c: u64) {
    let t = &CountCols::layout().0;
    let mut row = RowMut(row);
    row.bit(t.real, true);
    let mut kind = 2;
    for (i, bit) in KINDS.into_iter().enumerate() {
        row.bit(t.kind[i], code & bit != 0);
        if code & bit != 0 {
            kind = i;
        }
    }
    row.split(t.x, 8, a);
    let bytes = a.to_le_bytes();
    for (col, byte) in t.y.into_iter().zip(bytes) {
        row.set(col, of_byte(kind, byte).into());
    }
    let place = match kind {
        0 => bytes.iter().rposition(|byte| *byte != 0),
        1 => bytes.iter().position(|byte| *byte != 0),
        _ => None,
    };
    if let Some(place) = place {
        row.bit(t.p[place], true);
        row.set(t.left, 7 - u64::from(of_byte(kind, bytes[place])));
    } else {
        row.bit(t.none, kind < 2);
        row.set(t.left, 7);
    }
    row.set(t.c, c);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::air::Col;
    use crate::alu::alu;
    use crate::tables::{
        system,
        testing::{Subject, minus},
    };

    fn subject() -> Subject {
        Subject::new(&system(), "COUNT")
    }

    fn row(subject: &Subject, code: u16, a: u64, c: u64) -> Vec<u64> {
        let mut row = vec![0; subject.width()];
        fill(&mut row, code, a, c);
        row
    }

    fn codes() -> [u16; 3] {
        KINDS.map(|kind| op::COUNT | kind)
    }

    /// Each bit alone, each with all below and all above it, and some with gaps.
    fn words() -> Vec<u64> {
        let bits = (0..64).flat_map(|i| [1 << i, (1 << i) - 1, u64::MAX << i]);
        bits.chain([u64::MAX, 0x00f0_0000_0081_0000, 0x8000_0000_0000_0001])
            .collect()
    }

    #[test]
    fn accepts_every_count_and_no_other() {
        let subject = subject();
        for code in codes() {
            for a in words() {
                let c = alu(code, a, 0).expect("a known code");
                for claimed in 0..=65 {
                    let broken = subject.broken(&row(&subject, code, a, claimed));
                    assert_eq!(broken.is_empty(), claimed == c, "{code:#b} of {a:#x}: {claimed}");
                }
            }
        }
    }

    /// Whichever place is claimed, and the result that follows from it.
    #[test]
    fn refuses_every_other_place() {
        let (subject, t) = (subject(), &CountCols::layout().0);
        for code in &codes()[..2] {
            for a in words() {
                let honest = row(&subject, *code, a, alu(*code, a, 0).expect("a known code"));
                for place in 0..9 {
                    let mut forged = honest.clone();
                    let mut cells = RowMut(&mut forged);
                    for (i, col) in t.p.into_iter().enumerate() {
                        cells.bit(col, i == place);
                    }
                    cells.bit(t.none, place == 8);
                    let y = t.y.map(|col| honest[usize::from(col.0)]);
                    let bytes = match (place, *code == op::COUNT | op::COUNT_CLZ) {
                        (8, _) => &[8; 8][..],
                        (_, true) => &y[place..],
                        (_, false) => &y[..=place],
                    };
                    cells.set(t.c, bytes.iter().sum());
                    let found = if place == 8 { 0 } else { y[place] };
                    for left in [7u64.checked_sub(found).unwrap_or(minus(1)), 0, 7] {
                        RowMut(&mut forged).set(t.left, left);
                        assert!(
                            forged == honest || !subject.broken(&forged).is_empty(),
                            "{code:#b} of {a:#x}: {place}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn leaves_no_cell_free() {
        let subject = subject();
        let cases = codes().into_iter().flat_map(|code| {
            let words = words().into_iter().step_by(3);
            words.map(move |a| (code, a, alu(code, a, 0).expect("a known code")))
        });
        let rows: Vec<_> = cases.map(|(code, a, c)| row(&subject, code, a, c)).collect();
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
        let (subject, t) = (subject(), &CountCols::layout().0);
        let of = |code: u16, a: u64, c: u64, cells: &[(Col, u64)]| {
            let mut row = row(&subject, op::COUNT | code, a, c);
            for (col, value) in cells {
                row[usize::from(col.0)] = *value;
            }
            subject.broken(&row)
        };
        let (clz, ctz, pop) = (op::COUNT_CLZ, op::COUNT_CTZ, op::COUNT_POP);
        let cases = [
            // Both ends of 2^63 at once, with the lookups of one: 63 + 7.
            ("kind", of(ctz, 1 << 63, 70, &[(t.kind[0], 1)])),
            // clz(0) = 0: no byte, and no claim that there is none.
            ("place", of(clz, 0, 0, &[(t.none, 0)])),
            // clz(2^32) = 64.
            (
                "no-bit",
                of(clz, 1 << 32, 64, &[(t.none, 1), (t.p[4], 0), (t.left, 7)]),
            ),
            // clz(2^63 + 1) = 63, ctz of it likewise.
            (
                "before",
                of(clz, 1 << 63 | 1, 55, &[(t.p[7], 0), (t.p[0], 1), (t.left, 0)]),
            ),
            (
                "before",
                of(ctz, 1 << 63 | 1, 55, &[(t.p[7], 1), (t.p[0], 0), (t.left, 0)]),
            ),
            // clz(1) = 8.
            ("found", of(clz, 1, 8, &[(t.p[7], 1), (t.p[0], 0), (t.left, 0)])),
            ("result", of(pop, 7, 4, &[])),
        ];
        for (i, (rule, broken)) in cases.iter().enumerate() {
            assert_eq!(broken, &BTreeSet::from([(*rule).to_owned()]), "case {i}");
        }
        let attacked: BTreeSet<&str> = cases.iter().map(|(rule, _)| *rule).collect();
        assert_eq!(attacked, subject.rules());
        // popcnt(1) = 0 and clz(1) = 8: only the lookups refuse them.
        let lookup = |bus: &str| BTreeSet::from([bus.to_owned()]);
        assert_eq!(of(pop, 1, 0, &[(t.y[0], 0)]), lookup("Count8"));
        let minus_one = [(t.p[7], 1), (t.p[0], 0), (t.left, minus(1))];
        assert_eq!(of(clz, 1, 8, &minus_one), lookup("Range8"));
    }
}
