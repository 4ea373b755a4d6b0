//! Where everything is, once a system has a layout: the order of the committed columns and the groups of
//! messages that share a helper column.
//!
//! Phase 0 (committed before the challenge): the tables' columns (table by table, copy by copy), then one
//! multiplicity column per fixed lookup column, then one per public lookup column. Phase 1: the challenge,
//! the helpers, the running sum.

use std::collections::BTreeSet;
use std::sync::Arc;

use nonos_machine::air::When;

use crate::Error;
use crate::compile::{Compiled, Poly};
use crate::layout::{Layout, MAX_COLUMNS, MAX_FOLD, MAX_K, MIN_K};
use crate::sponge;

/// Fractions that one helper column sums.
pub(crate) const GROUP: usize = 3;
/// Fixed columns that select rows: table, first, last, transition, end.
pub(crate) const SELECTORS: usize = 5;
/// Pieces of the quotient polynomial at degree 5.
const QUOTIENT_PIECES: usize = 4;

/// A fraction of the running sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fraction {
    /// Message `term` of copy `copy` of a table.
    Message { table: usize, term: usize, copy: usize },
    /// A column of fixed rows, received as often as its multiplicity says.
    Fixed(usize),
    /// A column of public rows.
    Public(usize),
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) layout: Layout,
    /// Physical rows of the tables; the row after them ends the running sum.
    pub(crate) usable: usize,
    table_base: Vec<usize>,
    pub(crate) fixed_columns: usize,
    pub(crate) groups: Vec<Vec<Fraction>>,
    /// Columns of phase 0.
    pub(crate) phase0: usize,
}

/// Columns that a layout commits to: phase 0 and phase 1.
pub(crate) fn count_columns(compiled: &Compiled, layout: &Layout) -> (usize, usize) {
    let mut phase0 = 0;
    let mut fractions = 0;
    for (table, fold) in compiled.tables.iter().zip(&layout.folds) {
        phase0 += table.columns.len() * usize::from(*fold);
        fractions += table.terms.len() * usize::from(*fold);
    }
    let looked_up = compiled.fixed.len().div_ceil(layout.usable()) + usize::from(layout.public_columns);
    (phase0 + looked_up, 2 + (fractions + looked_up).div_ceil(GROUP))
}

impl Plan {
    pub(crate) fn new(compiled: &Arc<Compiled>, layout: &Layout) -> Result<Arc<Self>, Error> {
        if !(MIN_K..=MAX_K).contains(&layout.k) {
            return Err(Error::Layout { part: "k" });
        }
        if layout.folds.len() != compiled.tables.len() || layout.folds.iter().any(|f| *f > MAX_FOLD) {
            return Err(Error::Layout { part: "folds" });
        }
        // A table that is left out has no first row on which to hold what must hold there.
        if compiled
            .tables
            .iter()
            .zip(&layout.folds)
            .any(|(t, fold)| t.bound && *fold == 0)
        {
            return Err(Error::Layout {
                part: "a table that is left out",
            });
        }
        let (phase0, phase1) = count_columns(compiled, layout);
        if phase0 + phase1 > MAX_COLUMNS {
            return Err(Error::Layout {
                part: "number of columns",
            });
        }

        let usable = layout.usable();
        let fixed_columns = compiled.fixed.len().div_ceil(usable);
        let mut table_base = vec![];
        let mut base = 0;
        let mut fractions = vec![];
        for (t, (table, fold)) in compiled.tables.iter().zip(&layout.folds).enumerate() {
            table_base.push(base);
            base += table.columns.len() * usize::from(*fold);
            for copy in 0..usize::from(*fold) {
                fractions.extend((0..table.terms.len()).map(|term| Fraction::Message {
                    table: t,
                    term,
                    copy,
                }));
            }
        }
        fractions.extend((0..fixed_columns).map(Fraction::Fixed));
        fractions.extend((0..usize::from(layout.public_columns)).map(Fraction::Public));

        let mut plan = Self {
            compiled: compiled.clone(),
            layout: layout.clone(),
            usable,
            table_base,
            fixed_columns,
            groups: vec![],
            phase0,
        };
        // In a group the first denominator is written once, the second twice, the third three times: deal
        // the costly ones out first.
        fractions.sort_by_key(|f| std::cmp::Reverse(plan.cost(*f)));
        let count = fractions.len().div_ceil(GROUP);
        let mut groups = vec![vec![]; count];
        for (i, fraction) in fractions.into_iter().enumerate() {
            groups[i % count].push(fraction);
        }
        plan.groups = groups;
        Ok(Arc::new(plan))
    }

    fn cost(&self, fraction: Fraction) -> usize {
        match fraction {
            Fraction::Message { table, term, .. } => {
                self.compiled.tables[table].terms[term].message.terms.len()
            }
            Fraction::Fixed(_) | Fraction::Public(_) => 1,
        }
    }

    pub(crate) fn copies(&self, table: usize) -> usize {
        usize::from(self.layout.folds[table])
    }

    pub(crate) fn public_columns(&self) -> usize {
        usize::from(self.layout.public_columns)
    }

    /// Committed column of a table's cell.
    pub(crate) fn column(&self, table: usize, copy: usize, col: usize) -> usize {
        self.table_base[table] + copy * self.compiled.tables[table].columns.len() + col
    }

    /// Committed column of a table's cell in the row after copy `copy`: the column, and whether it is on
    /// the next physical row.
    pub(crate) fn next_column(&self, table: usize, copy: usize, col: usize) -> (usize, bool) {
        let wraps = copy + 1 == self.copies(table);
        (self.column(table, if wraps { 0 } else { copy + 1 }, col), wraps)
    }

    /// Multiplicities of fixed lookup column `i`; those of public column `i` follow after the fixed ones.
    pub(crate) fn multiplicity(&self, i: usize) -> usize {
        self.phase0 - self.fixed_columns - self.public_columns() + i
    }

    pub(crate) fn alpha(&self) -> usize {
        self.phase0
    }

    pub(crate) fn helper(&self, group: usize) -> usize {
        self.phase0 + 1 + group
    }

    pub(crate) fn sum(&self) -> usize {
        self.phase0 + 1 + self.groups.len()
    }

    /// All committed columns.
    pub(crate) fn advice(&self) -> usize {
        self.phase0 + 2 + self.groups.len()
    }

    /// Instance columns: the challenge with the start of the sum, bound values, public rows, digests.
    pub(crate) fn instances(&self) -> usize {
        1 + self.compiled.bound_columns() + self.public_columns() + usize::from(self.hashed().is_some())
    }

    /// The table whose rows are hashed, if the layout has it.
    pub(crate) fn hashed(&self) -> Option<&sponge::Compiled> {
        self.compiled
            .sponge
            .as_ref()
            .filter(|sponge| self.copies(sponge.table) > 0)
    }

    pub(crate) fn fixed(&self) -> usize {
        SELECTORS + self.fixed_columns
    }

    /// Bytes of a proof.
    pub(crate) fn proof_len(&self) -> usize {
        let points = self.advice() + 1 + QUOTIENT_PIECES + 1 + 1 + 2 * usize::from(self.layout.k);
        // Every column is opened on the current row, instance columns of two values also on the next one. The
        // columns fall into two sets, by the points at which they are opened.
        let two_values = 1 + usize::from(self.hashed().is_some());
        let openings = self.advice() + self.next_rows() + self.instances() + two_values + self.fixed() + 1;
        32 * (points + openings + 2 + 2)
    }

    /// Committed columns that are also read on the next physical row.
    fn next_rows(&self) -> usize {
        let mut next: BTreeSet<usize> = [self.alpha(), self.sum()].into();
        for (t, table) in self
            .compiled
            .tables
            .iter()
            .enumerate()
            .filter(|(t, _)| self.copies(*t) > 0)
        {
            let copy = self.copies(t) - 1;
            for c in &table.constraints {
                walk(&c.poly, &mut |col, is_next| {
                    if is_next {
                        next.insert(self.next_column(t, copy, col).0);
                    }
                });
            }
        }
        next.len()
    }

    /// Whether copy `copy` has rows of the kind.
    pub(crate) fn holds_on(&self, when: When, table: usize, copy: usize) -> bool {
        match when {
            When::First => copy == 0,
            When::Last => copy + 1 == self.copies(table),
            When::Always | When::Transition => true,
        }
    }
}

fn walk(poly: &Poly, f: &mut impl FnMut(usize, bool)) {
    match poly {
        Poly::Const(_) => {}
        Poly::Cell { col, next } => f(*col, *next),
        Poly::Linear(form) => form.terms.iter().for_each(|(col, _)| f(*col, false)),
        Poly::Add(a, b) | Poly::Sub(a, b) | Poly::Mul(a, b) => {
            walk(a, f);
            walk(b, f);
        }
    }
}
