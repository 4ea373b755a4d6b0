//! What the tests of single tables share: a row alone, against the rules and lookups of its table.

use std::collections::BTreeSet;

use crate::air::{Bus, Expr, Interval, Public, Range, System, TableShape};
use crate::check::{failing, messages};

/// `−v` in the checker's field.
pub(super) fn minus(v: u64) -> u64 {
    (1 << 61) - 1 - v
}

/// A table, and the fixed tables that it looks up.
pub(super) struct Subject {
    shape: TableShape,
    fixed: BTreeSet<(Bus, Vec<u64>)>,
    public: Public,
}

impl Subject {
    pub(super) fn new(system: &System, table: &str) -> Self {
        let shape = system.tables.iter().find(|shape| shape.name == table);
        let rows = system.fixed.iter().filter(|table| table.bus != Bus::And8);
        Self {
            shape: shape.expect("the system has the table").clone(),
            fixed: rows
                .flat_map(|table| table.rows.iter().map(|row| (table.bus, row.clone())))
                .collect(),
            public: Public::default(),
        }
    }

    /// The rules that a row breaks, and the buses of its lookups that fail.
    pub(super) fn broken(&self, row: &[u64]) -> BTreeSet<String> {
        let rules = failing(&self.shape, &self.public, 1, false, row, row).map(str::to_owned);
        let lookups = messages(&self.shape, row)
            .filter(|(bus, parts, count)| {
                bus.is_lookup() && (*count < 0 || !self.fixed.contains(&(*bus, parts.clone())))
            })
            .map(|(bus, ..)| format!("{bus:?}"));
        rules.chain(lookups).collect()
    }

    /// What a row says to the other tables.
    pub(super) fn said(&self, row: &[u64]) -> Vec<(Bus, Vec<u64>, i64)> {
        let mut said: Vec<_> = messages(&self.shape, row)
            .filter(|(bus, ..)| !bus.is_lookup())
            .collect();
        said.sort();
        said
    }

    pub(super) fn width(&self) -> usize {
        self.shape.columns.len()
    }

    /// The ids of the table's rules, without those that only say that a column is a bit.
    pub(super) fn rules(&self) -> BTreeSet<&'static str> {
        let is_column = |id: &str| self.shape.columns.iter().any(|column| column.name == id);
        let ids = self.shape.constraints.iter().map(|rule| rule.id);
        ids.filter(|id| !is_column(id)).collect()
    }

    /// Columns of which some row of `rows` may hold another value and still break nothing and say the same.
    pub(super) fn free(&self, rows: &[Vec<u64>]) -> BTreeSet<&'static str> {
        let mut free = BTreeSet::new();
        for row in rows {
            assert_eq!(self.broken(row), BTreeSet::new(), "{row:?}");
            let said = self.said(row);
            for (i, column) in self.shape.columns.iter().enumerate() {
                let v = row[i];
                let others = match column.range {
                    Range::Bit => vec![1 - v],
                    _ => vec![
                        v.wrapping_add(1),
                        v.checked_sub(1).unwrap_or(minus(1)),
                        v ^ 0x80,
                        v ^ 0x5a5a,
                        v + (1 << 16),
                    ],
                };
                for other in others {
                    let mut changed = row.clone();
                    changed[i] = other;
                    if self.broken(&changed).is_empty() && self.said(&changed) == said {
                        free.insert(column.name);
                    }
                }
            }
        }
        free
    }

    /// Asserts that over the integers no constraint and no part of a message leaves a field of 31 bits.
    pub(super) fn assert_fits_31_bits(&self) {
        const ORDER: i128 = (1 << 31) - (1 << 24) + 1;
        let interval = |expr: &Expr| -> Option<Interval> { expr.interval(&|col| self.shape.interval(col)) };
        for constraint in &self.shape.constraints {
            let it = interval(&constraint.expr).expect("no column without a range");
            assert!(it.lo > -ORDER && it.hi < ORDER, "{}: {it:?}", constraint.id);
        }
        for message in &self.shape.messages {
            for part in &message.parts {
                let it = interval(part).expect("no column without a range");
                assert!(it.bits() < 31, "{:?}: {it:?}", message.bus);
            }
        }
    }
}
