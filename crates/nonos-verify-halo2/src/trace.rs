//! The committed columns' values: phase 0 from the witness, phase 1 from the challenge.

use std::collections::HashMap;

use ff::{Field, PrimeField};
use nonos_machine::air::{Bus, Range};
use pasta_curves::Fp;
use rayon::prelude::*;

use crate::Error;
use crate::field::invert_all;
use crate::linear::signed;
use crate::packing::bus_of;
use crate::plan::{Fraction, Plan};
use crate::sponge;
use crate::statement::Statement;

/// Rows of every table, as many as a layout has room for.
///
/// Implementations must give the same row whenever they are asked for the same one, and pad as the table
/// requires.
pub trait Witness: Sync {
    /// Writes row `row` of table `table` to `cells`, which come zeroed and in the order of the columns.
    ///
    /// Numbers are written as they are, negative ones as two's complement; for a `Range::Inverse` column the
    /// (signed) number of which the inverse is meant.
    fn row(&self, table: usize, row: usize, cells: &mut [u64]);
}

/// Phase 0: one vector per column, as long as the tables.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub(crate) columns: Vec<Vec<Fp>>,
}

impl Trace {
    pub(crate) fn new(plan: &Plan, witness: &dyn Witness, statement: &Statement) -> Result<Self, Error> {
        let mut columns = Vec::with_capacity(plan.advice());
        for t in 0..plan.compiled.tables.len() {
            columns.extend(fill_table(plan, t, witness, statement));
        }
        let counts = count_lookups(plan, &columns, statement)?;
        for i in 0..plan.fixed_columns + plan.public_columns() {
            let counts = counts[i * plan.usable..(i + 1) * plan.usable].iter();
            columns.push(counts.map(|n| Fp::from(*n)).collect());
        }
        Ok(Self { columns })
    }

    /// As [`Trace::new`], of a witness that may look up what is not there.
    #[cfg(test)]
    pub(crate) fn unchecked(plan: &Plan, witness: &dyn Witness, statement: &Statement) -> Self {
        let mut columns = vec![];
        for t in 0..plan.compiled.tables.len() {
            columns.extend(fill_table(plan, t, witness, statement));
        }
        let size = (plan.fixed_columns + plan.public_columns()) * plan.usable;
        let counts = count_lookups(plan, &columns, statement).unwrap_or_else(|_| vec![0; size]);
        for i in 0..plan.fixed_columns + plan.public_columns() {
            let counts = counts[i * plan.usable..(i + 1) * plan.usable].iter();
            columns.push(counts.map(|n| Fp::from(*n)).collect());
        }
        Self { columns }
    }

    /// All columns, phase 1 included. `None` if the challenge is a pole of some message.
    pub(crate) fn phase1(
        &self,
        plan: &Plan,
        statement: &Statement,
        alpha: Fp,
        start: Fp,
    ) -> Option<Vec<Vec<Fp>>> {
        let helpers: Vec<Vec<Fp>> = plan
            .groups
            .par_iter()
            .map(|group| self.helper(plan, group, statement, alpha))
            .collect::<Option<_>>()?;
        let mut sum = Vec::with_capacity(plan.usable + 1);
        let mut value = start;
        sum.push(value);
        for row in 0..plan.usable {
            value += helpers.iter().map(|h| h[row]).sum::<Fp>();
            sum.push(value);
        }
        let mut columns = self.columns.clone();
        columns.push(vec![alpha; plan.usable + 1]);
        columns.extend(helpers);
        columns.push(sum);
        Some(columns)
    }

    /// `Σ n/d` per row over some fractions.
    fn helper(&self, plan: &Plan, group: &[Fraction], statement: &Statement, alpha: Fp) -> Option<Vec<Fp>> {
        let mut sum = vec![Fp::ZERO; plan.usable];
        for fraction in group {
            let mut inverses: Vec<Fp> = (0..plan.usable)
                .map(|row| alpha + self.message(plan, *fraction, statement, row))
                .collect();
            if inverses.iter().any(|d| bool::from(d.is_zero())) {
                return None;
            }
            invert_all(&mut inverses);
            for (row, (sum, inverse)) in sum.iter_mut().zip(inverses).enumerate() {
                *sum += self.count(plan, *fraction, row) * inverse;
            }
        }
        Some(sum)
    }

    fn message(&self, plan: &Plan, fraction: Fraction, statement: &Statement, row: usize) -> Fp {
        match fraction {
            Fraction::Message { table, term, copy } => plan.compiled.tables[table].terms[term]
                .message
                .eval(|col| self.columns[plan.column(table, copy, col)][row]),
            Fraction::Fixed(i) => at(&plan.compiled.fixed, i * plan.usable + row),
            Fraction::Public(i) => at(&statement.lookups, i * plan.usable + row),
        }
    }

    fn count(&self, plan: &Plan, fraction: Fraction, row: usize) -> Fp {
        match fraction {
            Fraction::Message { table, term, copy } => plan.compiled.tables[table].terms[term]
                .count
                .eval(|col| self.columns[plan.column(table, copy, col)][row]),
            Fraction::Fixed(i) => -self.columns[plan.multiplicity(i)][row],
            Fraction::Public(i) => -self.columns[plan.multiplicity(plan.fixed_columns + i)][row],
        }
    }

    /// The first bus on which messages are left over.
    pub(crate) fn unbalanced(&self, plan: &Plan, statement: &Statement) -> Option<Bus> {
        let mut sums: HashMap<[u8; 32], Fp> = HashMap::new();
        for message in &statement.received {
            *sums.entry(message.to_repr()).or_insert(Fp::ZERO) -= Fp::ONE;
        }
        for (t, table) in plan.compiled.tables.iter().enumerate() {
            for term in table.terms.iter().filter(|term| !term.lookup) {
                for copy in 0..plan.copies(t) {
                    for row in 0..plan.usable {
                        let cell = |col| self.columns[plan.column(t, copy, col)][row];
                        *sums.entry(term.message.eval(cell).to_repr()).or_insert(Fp::ZERO) +=
                            term.count.eval(cell);
                    }
                }
            }
        }
        let left = sums.into_iter().filter(|(_, sum)| !bool::from(sum.is_zero()));
        left.filter_map(|(message, _)| bus_of(&message)).min()
    }
}

fn at(rows: &[Fp], i: usize) -> Fp {
    rows.get(i).copied().unwrap_or(Fp::ZERO)
}

fn fill_table(plan: &Plan, table: usize, witness: &dyn Witness, statement: &Statement) -> Vec<Vec<Fp>> {
    let (all, copies) = (&plan.compiled.tables[table].columns, plan.copies(table));
    let sponge = plan.hashed().filter(|sponge| sponge.table == table);
    let ranges = &all[..all.len() - sponge.map_or(0, sponge::Compiled::width)];
    let cells = fill_cells(plan.usable, copies, ranges, &|row, cells| {
        witness.row(table, row, cells);
    });
    let Some(sponge) = sponge else { return cells };
    let hashed = sponge.fill(&cells, copies, statement.digests);
    let (cells, hashed) = (cells.chunks(ranges.len()), hashed.chunks(sponge.width()));
    cells
        .zip(hashed)
        .flat_map(|(cells, hashed)| [cells, hashed].concat())
        .collect()
}

/// The columns of a table, from its rows.
fn fill_cells(
    usable: usize,
    copies: usize,
    ranges: &[Range],
    witness: &(dyn Fn(usize, &mut [u64]) + Sync),
) -> Vec<Vec<Fp>> {
    let width = ranges.len();
    if width * copies == 0 {
        return vec![];
    }
    let mut cells = vec![0u64; width * copies * usable];
    cells
        .par_chunks_mut(width)
        .enumerate()
        .for_each(|(row, cells)| witness(row, cells));
    (0..copies * width)
        .into_par_iter()
        .map(|i| {
            let range = ranges[i % width];
            // Copy-major like the committed columns: cell `i` of every physical row.
            let column = cells.iter().skip(i).step_by(copies * width);
            let is_signed = match range {
                Range::Inverse => true,
                Range::Derived { lo, .. } => lo < 0,
                Range::Bit | Range::U8 | Range::U16 | Range::Moved => false,
            };
            let value = |v: &u64| {
                if is_signed {
                    signed(i128::from(*v as i64))
                } else {
                    Fp::from(*v)
                }
            };
            let mut column: Vec<Fp> = column.map(value).collect();
            if range == Range::Inverse {
                invert_all(&mut column);
            }
            column
        })
        .collect()
}

/// How often each fixed row, then each public row, is looked up.
fn count_lookups(plan: &Plan, columns: &[Vec<Fp>], statement: &Statement) -> Result<Vec<u64>, Error> {
    let public_base = plan.fixed_columns * plan.usable;
    let size = public_base + plan.public_columns() * plan.usable;
    let public: HashMap<[u8; 32], usize> = statement
        .lookups
        .iter()
        .enumerate()
        .rev()
        .map(|(i, m)| (m.to_repr(), public_base + i))
        .collect();
    let mut jobs = vec![];
    for (t, table) in plan.compiled.tables.iter().enumerate() {
        for term in table.terms.iter().filter(|term| term.lookup) {
            jobs.extend((0..plan.copies(t)).map(|copy| (t, table.name, term, copy)));
        }
    }
    let rows = 0..plan.usable;
    let count =
        |mut counts: Vec<u64>,
         (t, name, term, copy): &(usize, &'static str, &crate::compile::Term, usize)| {
            for row in rows.clone() {
                let cell = |col| columns[plan.column(*t, *copy, col)][row];
                let times = term.count.eval(cell);
                if bool::from(times.is_zero()) {
                    continue;
                }
                let missing = || Error::NotInTable {
                    table: name,
                    row: row * plan.copies(*t) + copy,
                    bus: term.bus,
                };
                let packed = term.message.eval(cell).to_repr();
                let fixed = plan.compiled.index.get(&packed).map(|i| *i as usize);
                let index = fixed
                    .or_else(|| public.get(&packed).copied())
                    .ok_or_else(missing)?;
                let (low, high) = times
                    .to_repr()
                    .split_first_chunk::<8>()
                    .map(|(l, h)| (*l, h.to_vec()))
                    .ok_or_else(missing)?;
                if high.iter().any(|b| *b != 0) {
                    return Err(missing());
                }
                counts[index] += u64::from_le_bytes(low);
            }
            Ok(counts)
        };
    jobs.par_iter().try_fold(|| vec![0; size], count).try_reduce(
        || vec![0; size],
        |mut a, b| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            Ok(a)
        },
    )
}
