//! Which rules a trace breaks, without a proof.

use std::collections::{BTreeMap, BTreeSet};

use ff::{Field, PrimeField};
use nonos_machine::air::When;
use pasta_curves::Fp;

use crate::compile::{Poly, Term};
use crate::plan::Plan;
use crate::statement::Statement;
use crate::trace::Trace;

fn eval(poly: &Poly, cell: &impl Fn(usize, bool) -> Fp) -> Fp {
    match poly {
        Poly::Const(v) => crate::linear::signed(i128::from(*v)),
        Poly::Cell { col, next } => cell(*col, *next),
        Poly::Linear(form) => form.eval(|col| cell(col, false)),
        Poly::Add(a, b) => eval(a, cell) + eval(b, cell),
        Poly::Sub(a, b) => eval(a, cell) - eval(b, cell),
        Poly::Mul(a, b) => eval(a, cell) * eval(b, cell),
    }
}

/// A trace seen as tables, row by row.
pub(super) struct Mock<'a> {
    pub(super) plan: &'a Plan,
    pub(super) statement: &'a Statement,
}

impl Mock<'_> {
    fn rows(&self, table: usize) -> usize {
        self.plan.copies(table) * self.plan.usable
    }

    fn cell(&self, trace: &Trace, table: usize, row: usize, col: usize) -> Fp {
        let copies = self.plan.copies(table);
        trace.columns[self.plan.column(table, row % copies, col)][row / copies]
    }

    /// Where a cell is among the trace's columns.
    pub(super) fn place(&self, table: usize, row: usize, col: usize) -> (usize, usize) {
        let copies = self.plan.copies(table);
        (self.plan.column(table, row % copies, col), row / copies)
    }

    /// The constraints, lookups and public values that fail on a row.
    pub(super) fn row(&self, trace: &Trace, table: usize, row: usize) -> BTreeSet<String> {
        let shape = &self.plan.compiled.tables[table];
        let (first, last) = (row == 0, row + 1 == self.rows(table));
        let mut broken = BTreeSet::new();
        for constraint in &shape.constraints {
            let holds_here = match constraint.when {
                When::Always => true,
                When::First => first,
                When::Last => last,
                When::Transition => !last,
            };
            let cell = |col, next| self.cell(trace, table, row + usize::from(next), col);
            if holds_here && eval(&constraint.poly, &cell) != Fp::ZERO {
                broken.insert(constraint.id.to_owned());
            }
        }
        for term in shape.terms.iter().filter(|term| term.lookup) {
            let (message, count) = self.message(trace, table, row, term);
            let is_there = self.plan.compiled.index.contains_key(&message.to_repr())
                || self.statement.lookups.contains(&message);
            if count != Fp::ZERO && !is_there {
                broken.insert(format!("{:?}", term.bus));
            }
        }
        if first {
            broken.extend(self.public(trace, table));
        }
        broken
    }

    fn public(&self, trace: &Trace, table: usize) -> Vec<String> {
        let mut broken = vec![];
        let instances = self.statement.instances(self.plan, Fp::ZERO, Fp::ZERO);
        for (i, slots) in self.plan.compiled.first.iter().enumerate() {
            let sum = slots.iter().fold(Fp::ZERO, |sum, slot| {
                let cell = |col, _| self.cell(trace, slot.table, 0, col);
                sum + eval(&slot.poly, &cell) * crate::packing::power(slot.shift)
            });
            if sum != instances[1 + i][0] {
                broken.push("public first".to_owned());
            }
        }
        let hashed = self.plan.hashed().filter(|sponge| sponge.table == table);
        for (sponge, j) in hashed.into_iter().flat_map(|sponge| [(sponge, 0), (sponge, 1)]) {
            if self.cell(trace, table, 0, sponge.digest(j)) != self.statement.digests[j] {
                broken.push("digests".to_owned());
            }
        }
        broken
    }

    fn message(&self, trace: &Trace, table: usize, row: usize, term: &Term) -> (Fp, Fp) {
        let cell = |col| self.cell(trace, table, row, col);
        (term.message.eval(cell), term.count.eval(cell))
    }

    /// What a row sends and receives, by message.
    pub(super) fn messages(&self, trace: &Trace, table: usize, row: usize) -> BTreeMap<[u8; 32], Fp> {
        let mut sums = BTreeMap::new();
        for term in self.plan.compiled.tables[table]
            .terms
            .iter()
            .filter(|term| !term.lookup)
        {
            let (message, count) = self.message(trace, table, row, term);
            *sums.entry(message.to_repr()).or_insert(Fp::ZERO) += count;
        }
        sums.retain(|_, count| *count != Fp::ZERO);
        sums
    }

    /// Everything that a trace breaks.
    pub(super) fn broken(&self, trace: &Trace) -> BTreeSet<String> {
        let tables = 0..self.plan.compiled.tables.len();
        let rows = tables.flat_map(|table| (0..self.rows(table)).map(move |row| (table, row)));
        let mut broken: BTreeSet<String> = rows
            .flat_map(|(table, row)| self.row(trace, table, row))
            .collect();
        broken.extend(
            trace
                .unbalanced(self.plan, self.statement)
                .map(|bus| format!("{bus:?}")),
        );
        broken
    }
}
