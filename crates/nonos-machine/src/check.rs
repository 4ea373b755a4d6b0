//! The constraint checker: evaluates the tables on a concrete witness and names what fails.
//!
//! It works over the integers modulo 2^61 − 1 and compares messages as tuples, so it has neither a
//! backend's cost nor its packing. It is the fast half of every negative test; the other half is a real
//! proof that is refused.

mod field;

use std::collections::{HashMap, HashSet};

use crate::air::{Bus, Direction, Expr, FixedTable, Public, Range, System, TableShape, When};
use field::M61;

/// What a witness violates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A constraint does not hold.
    #[error("table {table}, row {row}: constraint {id} is not zero")]
    Constraint {
        /// Table.
        table: &'static str,
        /// Row.
        row: usize,
        /// Constraint.
        id: &'static str,
    },
    /// A lookup names a row that the table behind the bus does not have.
    #[error("table {table}, row {row}: {message:?} is not in the table of bus {bus:?}")]
    Lookup {
        /// Table.
        table: &'static str,
        /// Row.
        row: usize,
        /// Bus.
        bus: Bus,
        /// What was looked up.
        message: Vec<u64>,
    },
    /// A public value is wider than the system says.
    #[error("public value {index} of the {end} row is missing or wider than the system allows")]
    Public {
        /// First or last.
        end: &'static str,
        /// Index of the value.
        index: usize,
    },
    /// More was sent than received, or less.
    #[error("bus {bus:?}: {message:?} is sent {excess} times more than received")]
    Unbalanced {
        /// Bus.
        bus: Bus,
        /// The message.
        message: Vec<u64>,
        /// Sent less received.
        excess: i64,
    },
}

/// Checks every constraint and bus on the first `heights[t]` rows of each table `t`; `row` writes a row of a
/// table. Heights beyond the last real row check the padding too.
///
/// # Errors
///
/// The first [`Violation`] found.
pub fn check(
    system: &System,
    heights: &[usize],
    public: &Public,
    row: impl Fn(usize, usize, &mut [u64]),
) -> Result<(), Violation> {
    let (first, last) = &system.public_bits;
    for (end, values, bits) in [("first", &public.first, first), ("last", &public.last, last)] {
        let fits = |(i, bits): (usize, &u32)| {
            values
                .get(i)
                .is_some_and(|v| v.checked_shr(*bits).unwrap_or(0) == 0)
        };
        if let Some(index) = bits.iter().enumerate().position(|value| !fits(value)) {
            return Err(Violation::Public { end, index });
        }
    }
    let mut bus = Buses::new(system, public);
    for (t, table) in system.tables.iter().enumerate() {
        let width = table.columns.len();
        let height = heights[t];
        let mut current = vec![0; width];
        let mut next = vec![0; width];
        for i in 0..height {
            row(t, i, &mut current);
            if i + 1 < height {
                row(t, i + 1, &mut next);
            }
            if let Some(id) = failing(table, public, i, i + 1 == height, &current, &next).next() {
                return Err(Violation::Constraint {
                    table: table.name,
                    row: i,
                    id,
                });
            }
            bus.row(table, i, &current)?;
        }
    }
    bus.finish()
}

fn field_cell(table: &TableShape, row: &[u64], i: u16) -> M61 {
    let value = row[usize::from(i)];
    match table.columns[usize::from(i)].range {
        Range::Inverse => M61::from_i64(value as i64).inverse(),
        _ => M61::from_u64(value),
    }
}

fn eval(table: &TableShape, expr: &Expr, current: &[u64], next: &[u64]) -> M61 {
    expr.eval(&M61::from_i64, &|col, is_next| {
        field_cell(table, if is_next { next } else { current }, col.0)
    })
}

/// The constraints of `table` that fail on row `i` (`last`: of the padded table), given its cells and the
/// next row's.
pub fn failing<'a>(
    table: &'a TableShape,
    public: &'a Public,
    i: usize,
    last: bool,
    current: &'a [u64],
    next: &'a [u64],
) -> impl Iterator<Item = &'static str> + 'a {
    table
        .constraints
        .iter()
        .filter(move |c| {
            let active = match c.when {
                When::Always => true,
                When::First => i == 0,
                When::Last => last,
                When::Transition => !last,
            };
            let values = if c.when == When::First {
                &public.first
            } else {
                &public.last
            };
            let expected = c.public.map_or(M61::from_u64(0), |p| M61::from_u64(values[p]));
            active && eval(table, &c.expr, current, next) != expected
        })
        .map(|c| c.id)
}

/// The messages that a row makes: bus, parts modulo 2^61 − 1, and how many times, sent ones positive.
pub fn messages<'a>(
    table: &'a TableShape,
    row: &'a [u64],
) -> impl Iterator<Item = (Bus, Vec<u64>, i64)> + 'a {
    table.messages.iter().filter_map(move |m| {
        let count = eval(table, &m.count, row, row).signed();
        let sign = if m.direction == Direction::Send { 1 } else { -1 };
        let part = |p| eval(table, p, row, row).value();
        (count != 0).then(|| (m.bus, m.parts.iter().map(part).collect(), sign * count))
    })
}

/// The lookup tables, and the sums of the other buses.
struct Buses {
    tables: HashSet<(Bus, Vec<u64>)>,
    sums: HashMap<(Bus, Vec<u64>), i64>,
}

impl Buses {
    fn new(system: &System, public: &Public) -> Self {
        let key = |parts: &[u64]| {
            parts
                .iter()
                .map(|v| M61::from_u64(*v).value())
                .collect::<Vec<_>>()
        };
        let mut tables = HashSet::new();
        // The two large ones are computed, see `holds`.
        let listed = |fixed: &&FixedTable| !matches!(fixed.bus, Bus::Range16 | Bus::And8);
        for fixed in system.fixed.iter().filter(listed) {
            tables.extend(fixed.rows.iter().map(|row| (fixed.bus, key(row))));
        }
        tables.extend(public.lookups.iter().map(|(bus, row)| (*bus, key(row))));
        let mut sums = HashMap::new();
        for (bus, row) in &public.received {
            *sums.entry((*bus, key(row))).or_default() -= 1;
        }
        Self { tables, sums }
    }

    fn row(&mut self, table: &TableShape, i: usize, current: &[u64]) -> Result<(), Violation> {
        for (bus, message, count) in messages(table, current) {
            if !bus.is_lookup() {
                *self.sums.entry((bus, message)).or_default() += count;
            } else if count < 0 || !self.holds(bus, &message) {
                return Err(Violation::Lookup {
                    table: table.name,
                    row: i,
                    bus,
                    message,
                });
            }
        }
        Ok(())
    }

    fn holds(&self, bus: Bus, message: &[u64]) -> bool {
        match (bus, message) {
            (Bus::Range16, [x]) => *x < 1 << 16,
            (Bus::And8, [x, y, both]) => *x < 1 << 8 && *y < 1 << 8 && *both == x & y,
            _ => self.tables.contains(&(bus, message.to_vec())),
        }
    }

    fn finish(self) -> Result<(), Violation> {
        let mut wrong: Vec<_> = self.sums.into_iter().filter(|(_, excess)| *excess != 0).collect();
        wrong.sort();
        match wrong.into_iter().next() {
            Some(((bus, message), excess)) => Err(Violation::Unbalanced { bus, message, excess }),
            None => Ok(()),
        }
    }
}
