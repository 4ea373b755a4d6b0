//! Chooses the cheapest layout.

use nonos_machine::air::Range;

use crate::Error;
use crate::compile::Compiled;
use crate::layout::{Layout, MAX_COLUMNS, MAX_FOLD, MIN_K, usable};
use crate::plan::{GROUP, count_columns};

/// Proving cost in µs of CPU per row of 2^k, measured on two cores of 2.45 GHz; then fitted to proofs of
/// SHA-256 of 64 bytes at k = 10 to 13, which it gives to within 11 %.
mod cost {
    /// Factor on what is counted by the row: what the single costs leave out.
    pub(super) const WHOLE: f64 = 1.3;
    /// A committed column, whatever its length: its blinding makes every window of the multi-scalar
    /// multiplication active, twice (dry run and proof).
    pub(super) const COMMITMENT: f64 = 5000.0;
    /// Independent of columns: the opening argument, quotient pieces.
    pub(super) const FIXED: f64 = 230.0;
    /// A committed column of bits.
    pub(super) const BIT: f64 = 2.5;
    /// A committed column of 8- or 16-bit numbers.
    pub(super) const SMALL: f64 = 3.2;
    /// A committed column of up to 64-bit numbers.
    pub(super) const WORD: f64 = 5.3;
    /// A committed column of field elements.
    pub(super) const FULL: f64 = 13.5;
    /// A node of a constraint.
    pub(super) const NODE: f64 = 0.045;
}

/// Copies of a table come in these numbers only, so that few layouts, and few keys, are in use.
fn rounded(fold: usize) -> usize {
    match fold {
        0..=4 => fold,
        5..=6 => 6,
        7..=8 => 8,
        9..=12 => 12,
        13..=16 => 16,
        _ => fold.next_multiple_of(8),
    }
}

/// A layout may cost this much more than the cheapest one if its proof is smaller.
const SLACK: f64 = 1.25;

/// A layout with room for `rows[t]` rows of table `t` and `lookups` public rows, of `k` at most `max_k`: the one of
/// fewest columns, hence of the smallest proof, among those that are nearly the cheapest.
pub(crate) fn plan(compiled: &Compiled, rows: &[usize], lookups: usize, max_k: u8) -> Result<Layout, Error> {
    if rows.len() != compiled.tables.len() {
        return Err(Error::Layout { part: "folds" });
    }
    let mut fitting = vec![];
    let mut needed = 0;
    for k in MIN_K..=max_k {
        let Some(layout) = layout(compiled, rows, lookups, k) else {
            needed = usize::MAX;
            continue;
        };
        let (phase0, phase1) = count_columns(compiled, &layout);
        needed = phase0 + phase1;
        if needed <= MAX_COLUMNS {
            fitting.push((cost(compiled, &layout), needed, layout));
        }
    }
    let least = fitting
        .iter()
        .map(|(cost, ..)| *cost)
        .fold(f64::INFINITY, f64::min);
    let near = fitting.into_iter().filter(|(cost, ..)| *cost <= SLACK * least);
    near.min_by_key(|(_, columns, _)| *columns)
        .map(|(.., layout)| layout)
        .ok_or(Error::TooLarge {
            needed,
            k: max_k,
            limit: MAX_COLUMNS,
        })
}

fn layout(compiled: &Compiled, rows: &[usize], lookups: usize, k: u8) -> Option<Layout> {
    let mut folds = vec![];
    for (table, rows) in compiled.tables.iter().zip(rows) {
        let least = usize::from(table.bound);
        let fold = rounded(rows.div_ceil(usable(k)).max(least));
        folds.push(u16::try_from(fold).ok().filter(|f| *f <= MAX_FOLD)?);
    }
    let public_columns = u16::try_from(lookups.div_ceil(usable(k))).ok()?;
    Some(Layout {
        k,
        folds,
        public_columns,
    })
}

/// Estimated CPU time of a proof, in seconds.
pub(crate) fn cost(compiled: &Compiled, layout: &Layout) -> f64 {
    let mut per_row = cost::FIXED;
    let mut fractions = compiled.fixed.len().div_ceil(layout.usable()) + usize::from(layout.public_columns);
    per_row += cost::SMALL * fractions as f64;
    for (table, fold) in compiled.tables.iter().zip(&layout.folds) {
        let columns: f64 = table.columns.iter().map(|range| column(*range)).sum();
        let constraints: usize = table.constraints.iter().map(|c| 2 + c.poly.nodes()).sum();
        let messages: usize = table
            .terms
            .iter()
            .map(|t| 4 * (t.message.terms.len() + t.count.terms.len()))
            .sum();
        per_row += f64::from(*fold) * (columns + cost::NODE * (constraints + messages) as f64);
        fractions += table.terms.len() * usize::from(*fold);
    }
    per_row += cost::FULL * (2 + fractions.div_ceil(GROUP)) as f64;
    let (phase0, phase1) = count_columns(compiled, layout);
    let columns = (phase0 + phase1) as f64;
    (cost::WHOLE * per_row * f64::from(1u32 << layout.k) + cost::COMMITMENT * columns) / 1e6
}

fn column(range: Range) -> f64 {
    match range {
        Range::Bit => cost::BIT,
        Range::U8 | Range::U16 | Range::Moved => cost::SMALL,
        Range::Derived { lo, hi, .. } if lo >= 0 && hi < 1 << 17 => cost::SMALL,
        Range::Derived { lo, .. } if lo >= 0 => cost::WORD,
        // Negative numbers are large field elements.
        Range::Derived { .. } | Range::Inverse => cost::FULL,
    }
}

/// Estimated peak memory of proving, in bytes.
pub(crate) fn memory(compiled: &Compiled, layout: &Layout) -> u64 {
    /// Of a cell: its value, coefficient and four evaluations, and copies in the evaluator. Fitted to proofs of SHA-256
    /// of 64 and 1,024 bytes.
    const BYTES: u64 = 420;
    /// Whatever the layout: parameters, fixed tables, the program.
    const FLOOR: u64 = 50 << 20;
    let (phase0, phase1) = count_columns(compiled, layout);
    FLOOR + BYTES * (phase0 + phase1 + 25) as u64 * (1 << layout.k)
}

#[cfg(test)]
mod tests {
    use super::{cost, plan};
    use crate::compile::Compiled;
    use crate::layout::MAX_COLUMNS;
    use crate::plan::count_columns;
    use crate::toy::{self, ACCESS, CELL};
    use crate::{Error, Layout};

    #[test]
    fn plans_room_for_every_row() {
        let compiled = Compiled::new(&toy::system(), None).expect("the toy is sound");
        let mut before = 0.0;
        for rows in [1, 249, 250, 1000, 10_000, 100_000] {
            let layout = plan(&compiled, &[rows, 60], rows, 14).expect("fits");
            assert!(layout.capacity(ACCESS) >= rows && layout.capacity(CELL) >= 60);
            assert!(usize::from(layout.public_columns) * layout.usable() >= rows);
            let cost = cost(&compiled, &layout);
            assert!(cost >= before, "{rows} rows cost {cost}, fewer cost {before}");
            before = cost;
        }
    }

    #[test]
    fn leaves_empty_tables_out_unless_something_must_hold_on_them() {
        let compiled = Compiled::new(&toy::system(), None).expect("the toy is sound");
        let layout = plan(&compiled, &[0, 0], 0, 14).expect("fits");
        assert_eq!(layout, Layout::new(8, vec![1, 0], 0));
    }

    #[test]
    fn says_what_a_trace_too_large_would_need() {
        let compiled = Compiled::new(&toy::system(), None).expect("the toy is sound");
        let rows = 250 * 240;
        let error = plan(&compiled, &[rows, rows], 0, 8).expect_err("too many columns");
        let Error::TooLarge {
            needed,
            k: 8,
            limit: MAX_COLUMNS,
        } = error
        else {
            panic!("{error:?}")
        };
        let (phase0, phase1) = count_columns(&compiled, &Layout::new(8, vec![248, 248], 0));
        assert_eq!(needed, phase0 + phase1);
        assert!(plan(&compiled, &[1 << 30, 1], 0, 14).is_err());
    }
}
