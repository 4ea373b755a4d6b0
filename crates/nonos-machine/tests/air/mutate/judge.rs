//! Says whether a change of an accepted witness is accepted, looking only at what the change touches.
//!
//! An honest witness balances every bus. A changed one is accepted if no constraint fails on the rows changed or
//! next to them, all that they look up is in its table, and they send and receive together what they did before.

use std::collections::HashSet;

use nonos_machine::air::{Bus, Constraint, Direction, Expr, Message, Public, Range, System, When};
use nonos_machine::tables::Witness;

use super::field::Residue;

/// What reads a column.
#[derive(Clone, Default)]
struct Readers {
    /// Constraints that read it on their row.
    here: Vec<usize>,
    /// Constraints that read it on the next row.
    next: Vec<usize>,
    messages: Vec<usize>,
}

/// A rule of a table, by its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Constraint(usize),
    Message(usize),
}

/// Judges changes of one witness, modulo `P`.
pub(super) struct Judge<'a, const P: u64> {
    system: &'a System,
    public: &'a Public,
    lookups: HashSet<(Bus, Vec<u64>)>,
    readers: Vec<Vec<Readers>>,
    /// Rows of each table, two of padding behind them.
    pub(super) rows: Vec<Vec<Vec<u64>>>,
}

impl<'a, const P: u64> Judge<'a, P> {
    pub(super) fn new(system: &'a System, public: &'a Public, witness: &Witness) -> Self {
        let reduced = |row: &Vec<u64>| row.iter().map(|v| v % P).collect::<Vec<_>>();
        let by_table = |bus: Bus| !matches!(bus, Bus::Range16 | Bus::Range8 | Bus::And8);
        let fixed = system.fixed.iter().filter(|fixed| by_table(fixed.bus));
        let fixed = fixed.flat_map(|fixed| fixed.rows.iter().map(|row| (fixed.bus, reduced(row))));
        let lookups = fixed
            .chain(public.lookups.iter().map(|(bus, row)| (*bus, reduced(row))))
            .collect();
        let mut rows = vec![];
        let mut readers = vec![];
        for (t, table) in system.tables.iter().enumerate() {
            let width = table.columns.len();
            let mut of_table = vec![vec![0; width]; witness.tables[t].len() + 2];
            of_table
                .iter_mut()
                .enumerate()
                .for_each(|(i, row)| witness.row(t, i, row));
            rows.push(of_table);
            let mut of_columns = vec![Readers::default(); width];
            for (n, constraint) in table.constraints.iter().enumerate() {
                constraint.expr.cells(&mut |col, is_next| {
                    let readers = &mut of_columns[usize::from(col.0)];
                    let list = if is_next {
                        &mut readers.next
                    } else {
                        &mut readers.here
                    };
                    if list.last() != Some(&n) {
                        list.push(n);
                    }
                });
            }
            for (n, message) in table.messages.iter().enumerate() {
                for expr in message.parts.iter().chain([&message.count]) {
                    expr.cells(&mut |col, _| {
                        let list = &mut of_columns[usize::from(col.0)].messages;
                        if list.last() != Some(&n) {
                            list.push(n);
                        }
                    });
                }
            }
            readers.push(of_columns);
        }
        Self {
            system,
            public,
            lookups,
            readers,
            rows,
        }
    }

    /// Whether the witness with `value` in one cell is accepted.
    pub(super) fn accepts_cell(&self, t: usize, i: usize, c: usize, value: u64) -> bool {
        self.accepts_cell_without(t, i, c, value, None)
    }

    /// Whether a rule reads a column.
    pub(super) fn reads(&self, t: usize, c: usize, rule: Rule) -> bool {
        let readers = &self.readers[t][c];
        match rule {
            Rule::Constraint(n) => readers.here.contains(&n) || readers.next.contains(&n),
            Rule::Message(n) => readers.messages.contains(&n),
        }
    }

    /// The same as [`Self::accepts_cell`], if one rule were not there.
    pub(super) fn accepts_cell_without(
        &self,
        t: usize,
        i: usize,
        c: usize,
        value: u64,
        gone: Option<Rule>,
    ) -> bool {
        let is_gone = |rule: Rule| gone == Some(rule);
        let (table, rows) = (&self.system.tables[t], &self.rows[t]);
        let readers = &self.readers[t][c];
        let mut row = rows[i].clone();
        row[c] = value;
        let here = readers.here.iter().chain(&readers.next);
        let holds = here
            .filter(|n| !is_gone(Rule::Constraint(**n)))
            .map(|n| &table.constraints[*n])
            .all(|constraint| self.holds(t, constraint, i, rows.len(), &row, rows.get(i + 1)));
        let before = i.checked_sub(1).is_none_or(|before| {
            readers.next.iter().all(|n| {
                let constraint = &table.constraints[*n];
                is_gone(Rule::Constraint(*n))
                    || self.holds(t, constraint, before, rows.len(), &rows[before], Some(&row))
            })
        });
        let mut sums = Sums::default();
        holds
            && before
            && readers
                .messages
                .iter()
                .filter(|n| !is_gone(Rule::Message(**n)))
                .all(|n| {
                    let message = &table.messages[*n];
                    self.message(t, message, &rows[i], -1, &mut sums);
                    self.message(t, message, &row, 1, &mut sums)
                })
            && sums.are_zero()
    }

    /// Whether the witness with `removed` rows from `at` on replaced by others is accepted.
    pub(super) fn accepts_rows(&self, t: usize, at: usize, removed: usize, inserted: &[Vec<u64>]) -> bool {
        let (table, rows) = (&self.system.tables[t], &self.rows[t]);
        let first = at.saturating_sub(1);
        let mut near: Vec<&Vec<u64>> = rows[first..at].iter().collect();
        near.extend(inserted);
        let checked = near.len();
        near.extend(rows.get(at + removed));
        let height = rows.len() + inserted.len() - removed;
        let holds = (0..checked).all(|j| {
            table.constraints.iter().all(|constraint| {
                self.holds(
                    t,
                    constraint,
                    first + j,
                    height,
                    near[j],
                    near.get(j + 1).copied(),
                )
            })
        });
        // What was second is first now.
        let starts = at > 0 || !inserted.is_empty() || {
            table.constraints.iter().all(|constraint| {
                constraint.when != When::First
                    || self.holds(t, constraint, 0, height, &rows[removed], rows.get(removed + 1))
            })
        };
        let mut sums = Sums::default();
        let changed = rows[at..at + removed].iter().map(|row| (row, -1));
        let changed = changed.chain(inserted.iter().map(|row| (row, 1)));
        holds
            && starts
            && changed.into_iter().all(|(row, sign)| {
                table
                    .messages
                    .iter()
                    .all(|message| self.message(t, message, row, sign, &mut sums))
            })
            && sums.are_zero()
    }

    fn cell(&self, t: usize, row: &[u64], c: usize) -> Residue<P> {
        match self.system.tables[t].columns[c].range {
            Range::Inverse => Residue::signed(row[c].cast_signed()).inverse(),
            _ => Residue::new(row[c]),
        }
    }

    fn eval(&self, t: usize, expr: &Expr, row: &[u64], next: &[u64]) -> Residue<P> {
        expr.eval(&Residue::signed, &|col, is_next| {
            self.cell(t, if is_next { next } else { row }, usize::from(col.0))
        })
    }

    fn holds(
        &self,
        t: usize,
        constraint: &Constraint,
        i: usize,
        height: usize,
        row: &[u64],
        next: Option<&Vec<u64>>,
    ) -> bool {
        let last = i + 1 == height;
        let active = match constraint.when {
            When::Always => true,
            When::First => i == 0,
            When::Last => last,
            When::Transition => !last,
        };
        let values = match constraint.when {
            When::First => &self.public.first,
            _ => &self.public.last,
        };
        let expected = constraint.public.map_or(0, |p| values[p]);
        let next = next.map_or(row, Vec::as_slice);
        !active || self.eval(t, &constraint.expr, row, next) == Residue::new(expected)
    }

    /// Adds a message to the sums, `sign` times; false if it looks up what its table does not have.
    fn message(&self, t: usize, message: &Message, row: &[u64], sign: i64, sums: &mut Sums) -> bool {
        let count = self.eval(t, &message.count, row, row).nearest();
        if count == 0 {
            return true;
        }
        let parts = message
            .parts
            .iter()
            .map(|part| self.eval(t, part, row, row).value());
        let parts: Vec<u64> = parts.collect();
        if !message.bus.is_lookup() {
            let way = if message.direction == Direction::Send {
                1
            } else {
                -1
            };
            sums.add(message.bus, parts, way * sign * count);
            return true;
        }
        sign < 0
            || count > 0
                && match message.bus {
                    Bus::Range16 => parts[0] < 1 << 16,
                    Bus::Range8 => parts[0] < 1 << 8,
                    Bus::And8 => parts[0].max(parts[1]) < 1 << 8 && parts[2] == parts[0] & parts[1],
                    _ => self.lookups.contains(&(message.bus, parts)),
                }
    }
}

/// Messages with how often they are sent, few of them.
#[derive(Default)]
struct Sums(Vec<(Bus, Vec<u64>, i64)>);

impl Sums {
    fn add(&mut self, bus: Bus, parts: Vec<u64>, count: i64) {
        let known = self.0.iter_mut().find(|(b, p, _)| *b == bus && *p == parts);
        match known {
            Some((_, _, sum)) => *sum += count,
            None => self.0.push((bus, parts, count)),
        }
    }

    fn are_zero(&self) -> bool {
        self.0.iter().all(|(_, _, sum)| *sum == 0)
    }
}
