//! BOUND: accesses that end past the end of the memory, which trap.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `one-hot` | `Σwidth = real` | no or several widths |
//! | `address` | `a_0 + f_0 + width − real = e + 2^16·k`, `e` 16-bit | another last byte |
//! | `past` | `a_1 + f_1 + k − pages = over`, `over` of 18 bits | an access in bounds |
//!
//! `a + f + width − 1` is the last byte's address, a number of up to 34 bits; `a_1 + f_1 + k` its page. Where that is
//! below `pages`, MEM or MEMX has the access, and only there.

use super::layout::{ExtStep, RowMut, cells, columns, radix, sum};
use crate::air::{Builder, Bus, Column, Table, When};
use crate::isa::ext;

columns! {
    /// Columns of BOUND.
    BoundCols {
        /// Whether the row is used.
        real: Bit,
        /// Width 1, 2, 4, 8, one-hot.
        width[4]: Bit,
        /// Time.
        clk_lo: U16,
        /// Time, high part.
        clk_hi: U8,
        /// Memory pages.
        pages: U16,
        /// Address operand.
        a[2]: Moved,
        /// Constant offset.
        f[2]: Moved,
        /// Low limb of the last byte's address.
        e: U16,
        /// Carry of the low limbs, up to 2.
        k[2]: Bit,
        /// Pages between the end of the memory and that of the last byte.
        over: U16,
        /// … high part.
        over_hi[2]: Bit,
    }
}

/// The BOUND table.
#[derive(Clone, Copy, Debug)]
pub struct BoundTable;

const WIDTHS: [(u16, i64); 4] = [
    (ext::MEM_W1, 1),
    (ext::MEM_W2, 2),
    (ext::MEM_W4, 4),
    (ext::MEM_W8, 8),
];

impl Table for BoundTable {
    fn name(&self) -> &'static str {
        "BOUND"
    }

    fn columns(&self) -> Vec<Column> {
        BoundCols::layout().1.clone()
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        let t = &BoundCols::layout().0;
        let k = |v: i64| B::E::from(v);
        let [real, pages, e, over] = cells(b, [t.real, t.pages, t.e, t.over]);
        let (width, a, f) = (cells(b, t.width), cells(b, t.a), cells(b, t.f));
        b.zero("one-hot", When::Always, sum::<B>(width.clone()) - real.clone());
        let of_widths = |value: fn(&(u16, i64)) -> i64| {
            sum::<B>(
                width
                    .iter()
                    .zip(&WIDTHS)
                    .map(|(w, it)| w.clone() * B::E::from(value(it))),
            )
        };
        let carry = radix::<B>(1, cells(b, t.k));
        let low = a[0].clone() + f[0].clone() + of_widths(|it| it.1) - real.clone();
        b.zero("address", When::Always, low - e - carry.clone() * k(1 << 16));
        let beyond = a[1].clone() + f[1].clone() + carry - pages.clone();
        let high = radix::<B>(1, cells(b, t.over_hi));
        b.zero("past", When::Always, beyond - over - high * k(1 << 16));

        let code = of_widths(|it| it.0.into()) + k(ext::BOUND.into());
        let clk = b.cur(t.clk_lo) + b.cur(t.clk_hi) * k(1 << 16);
        let mut message = vec![code, clk, pages, k(0)];
        message.extend(a.into_iter().chain([k(0), k(0)]).chain(f));
        message.extend([k(0), k(0), k(0), k(0)]);
        b.receive(Bus::Ext, real, &message);
    }
}

/// Fills the row of an access past the end.
pub(crate) fn fill(row: &mut [u64], step: &ExtStep) {
    let ExtStep {
        code,
        clk,
        pages,
        imm,
        a,
        ..
    } = *step;
    let t = &BoundCols::layout().0;
    let mut row = RowMut(row);
    row.bit(t.real, true);
    let mut low = (a & 0xffff) + (imm & 0xffff);
    for (col, (bit, width)) in t.width.into_iter().zip(WIDTHS) {
        row.bit(col, code & bit != 0);
        if code & bit != 0 {
            low += width.cast_unsigned() - 1;
        }
    }
    row.set(t.clk_lo, clk & 0xffff);
    row.set(t.clk_hi, clk >> 16);
    row.set(t.pages, u64::from(pages));
    row.split(t.a, 16, a);
    row.split(t.f, 16, imm);
    row.set(t.e, low & 0xffff);
    row.split(t.k, 1, low >> 16);
    let page = (a >> 16 & 0xffff) + (imm >> 16 & 0xffff) + (low >> 16);
    let over = page.wrapping_sub(u64::from(pages));
    row.set(t.over, over & 0xffff);
    row.split(t.over_hi, 1, over >> 16);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::air::Col;
    use crate::tables::{
        MemTable, mem, system,
        testing::{Subject, minus},
    };
    use crate::trace::Access;

    const EDGES: [u64; 12] = [
        0,
        1,
        7,
        0xfff8,
        0xffff,
        0x1_0000,
        0x1_fff9,
        0x2_0000,
        0x3fff_ffff,
        0x4000_0000,
        0xffff_fff8,
        0xffff_ffff,
    ];
    const PAGES: [u32; 5] = [0, 1, 2, 16_384, 65_535];

    fn step(width: u16, a: u64, imm: u64, pages: u32) -> ExtStep {
        ExtStep {
            code: ext::BOUND | width,
            clk: 1,
            pages,
            imm,
            a,
            c: 0,
        }
    }

    fn row(subject: &Subject, step: &ExtStep) -> Vec<u64> {
        let mut row = vec![0; subject.width()];
        fill(&mut row, step);
        row
    }

    fn steps() -> impl Iterator<Item = (ExtStep, u64)> {
        let addresses = EDGES.into_iter().flat_map(|a| EDGES.map(|imm| (a, imm)));
        addresses.flat_map(|(a, imm)| {
            WIDTHS.into_iter().flat_map(move |(bit, width)| {
                PAGES.map(|pages| (step(bit, a, imm, pages), width.cast_unsigned()))
            })
        })
    }

    #[test]
    fn every_access_is_either_out_of_bounds_here_or_in_bounds_there() {
        let system = system();
        let [here, within, crossing] = ["BOUND", "MEM", "MEMX"].map(|name| Subject::new(&system, name));
        let t = &BoundCols::layout().0;
        for (step, width) in steps() {
            let address = step.a + step.imm;
            // What is left of the memory behind the page of the last byte, that page included.
            let left = i64::from(step.pages) - ((address + width - 1) >> 16).cast_signed();
            let expected = |accepted: bool| match accepted {
                true => BTreeSet::new(),
                false => BTreeSet::from(["Range16".to_owned()]),
            };
            let mut outside = row(&here, &step);
            if left > 0 {
                // The one value that satisfies the constraints.
                let mut cells = RowMut(&mut outside);
                cells.set(t.over, minus(left.unsigned_abs()));
                cells.split(t.over_hi, 1, 0);
            }
            assert_eq!(here.broken(&outside), expected(left <= 0), "{step:x?}");

            let crosses = address % 8 + width > 8;
            let there = if crosses { &crossing } else { &within };
            let load = ExtStep {
                code: step.code & !7 | ext::MEM,
                ..step
            };
            let mut inside = vec![0; there.width()];
            let words = [Access::default(); 2];
            MemTable { crossing: crosses }.fill(&mut inside, &load, &words[..1 + usize::from(crosses)]);
            if left <= 0 {
                RowMut(&mut inside).set(mem::slack(crosses), minus(left.unsigned_abs() + 1));
            }
            assert_eq!(there.broken(&inside), expected(left > 0), "{load:x?}");
        }
    }

    #[test]
    fn leaves_no_cell_free() {
        let subject = Subject::new(&system(), "BOUND");
        let ends_past = |step: &ExtStep, width: u64| step.a + step.imm + width > u64::from(step.pages) << 16;
        let all = steps().filter(|(step, width)| ends_past(step, *width));
        let rows: Vec<_> = all.map(|(step, _)| row(&subject, &step)).collect();
        assert_eq!(subject.free(&rows), BTreeSet::new());
    }

    #[test]
    fn accepts_rows_of_zeros_and_never_leaves_a_small_field() {
        let subject = Subject::new(&system(), "BOUND");
        assert_eq!(subject.broken(&vec![0; subject.width()]), BTreeSet::new());
        subject.assert_fits_31_bits();
    }

    #[test]
    fn each_rule_stands_alone_against_some_lie() {
        let (subject, t) = (Subject::new(&system(), "BOUND"), &BoundCols::layout().0);
        let of = |step: &ExtStep, cells: &[(Col, u64)]| {
            let mut row = row(&subject, step);
            for (col, value) in cells {
                row[usize::from(col.0)] = *value;
            }
            subject.broken(&row)
        };
        let cases = [
            // The last 8 bytes of the memory, of which 8 and 4 more are said to be accessed.
            (
                "one-hot",
                of(
                    &step(ext::MEM_W8, 0xfff8, 0, 1),
                    &[
                        (t.width[2], 1),
                        (t.e, 3),
                        (t.k[0], 1),
                        (t.over, 0),
                        (t.over_hi[0], 0),
                        (t.over_hi[1], 0),
                    ],
                ),
            ),
            // Its last byte, at an address a page higher.
            (
                "address",
                of(
                    &step(ext::MEM_W1, 0xffff, 0, 1),
                    &[(t.k[0], 1), (t.over, 0), (t.over_hi[0], 0), (t.over_hi[1], 0)],
                ),
            ),
            (
                "past",
                of(
                    &step(ext::MEM_W1, 0xffff, 0, 1),
                    &[(t.over, 0), (t.over_hi[0], 0), (t.over_hi[1], 0)],
                ),
            ),
        ];
        for (i, (rule, broken)) in cases.iter().enumerate() {
            assert_eq!(broken, &BTreeSet::from([(*rule).to_owned()]), "case {i}");
        }
        let attacked: BTreeSet<&str> = cases.iter().map(|(rule, _)| *rule).collect();
        assert_eq!(attacked, subject.rules());
    }
}
