//! What is computed once from the machine's tables: ranges, messages that look something up, weights.

use nonos_machine::air::{
    Bus, Col, Column, Constraint, Direction, Expr, FixedTable, Message, Range, System, TableShape,
};
use nonos_machine::tables;
use p3_field::PrimeCharacteristicRing;

use crate::bounded::is_bounded;
use crate::config::Val;

/// A linear expression in the cells of a row.
pub(crate) struct Linear {
    constant: Val,
    terms: Vec<(usize, Val)>,
}

impl Linear {
    /// `None` if the expression is not linear, or reads the next row.
    fn of(expr: &Expr) -> Option<Self> {
        let scaled = |a: Self, k: Val| Self {
            constant: a.constant * k,
            terms: a.terms.into_iter().map(|(col, c)| (col, c * k)).collect(),
        };
        Some(match expr {
            Expr::Const(v) => Self {
                constant: Val::from_i64(*v),
                terms: vec![],
            },
            Expr::Cell { col, next: false } => Self {
                constant: Val::ZERO,
                terms: vec![(usize::from(col.0), Val::ONE)],
            },
            Expr::Cell { next: true, .. } => return None,
            Expr::Add(a, b) | Expr::Sub(a, b) => {
                let minus = matches!(expr, Expr::Sub(..));
                let (mut a, b) = (Self::of(a)?, Self::of(b)?);
                let b = if minus { scaled(b, -Val::ONE) } else { b };
                a.constant += b.constant;
                a.terms.extend(b.terms);
                a
            }
            Expr::Mul(a, b) => {
                let (a, b) = (Self::of(a)?, Self::of(b)?);
                match (a.terms.is_empty(), b.terms.is_empty()) {
                    (true, _) => scaled(b, a.constant),
                    (_, true) => scaled(a, b.constant),
                    _ => return None,
                }
            }
        })
    }

    pub(crate) fn eval(&self, row: &[Val]) -> Val {
        self.terms
            .iter()
            .fold(self.constant, |sum, (col, k)| sum + *k * row[*col])
    }
}

/// A message on a lookup bus.
pub(crate) struct Lookup {
    pub(crate) bus: Bus,
    pub(crate) count: Linear,
    pub(crate) parts: Vec<Linear>,
}

/// A table of the machine.
pub(crate) struct TableLayout {
    pub(crate) name: &'static str,
    pub(crate) width: usize,
    /// Columns that are 0 or 1.
    pub(crate) bits: Vec<usize>,
    /// Columns of 16-bit values that are looked up.
    pub(crate) ranges: Vec<usize>,
    /// Columns of bytes, which are looked up by two; the last one with 0 if they are odd.
    pub(crate) pairs: Vec<(usize, Option<usize>)>,
    /// Columns that hold a field inverse.
    pub(crate) inverses: Vec<usize>,
    /// For each message of the table's text, the most copies that a row can make.
    pub(crate) weights: Vec<u32>,
    pub(crate) lookups: Vec<Lookup>,
    pub(crate) reads_next: bool,
}

/// The machine, as this backend proves it.
pub(crate) struct Layout {
    pub(crate) tables: Vec<TableLayout>,
    /// The rows behind [`Bus::Count8`].
    pub(crate) count8: Vec<Vec<u64>>,
    /// Number of public values of the first and of the last row.
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) public_bits: Vec<u32>,
    /// For each part of a [`Bus::Program`] message, the bits that a row of the program may have there, since STEP
    /// does not check them again.
    pub(crate) program_bits: Vec<u32>,
    /// Digest of everything that the tables say.
    pub(crate) digest: [u8; 32],
}

impl Layout {
    pub(crate) fn machine() -> Self {
        let System {
            tables,
            fixed,
            public_bits: (first, last),
        } = tables::system();
        let step = &tables[tables::STEP];
        let program = step
            .messages
            .iter()
            .find(|m| m.bus == Bus::Program)
            .expect("STEP fetches");
        let bits = |part: &Expr| cell(part).and_then(|col| bits(&step.columns[col])).unwrap_or(31);
        let count8 = |fixed: FixedTable| (fixed.bus == Bus::Count8).then_some(fixed.rows);
        let layouts: Vec<TableLayout> = tables.iter().map(TableLayout::of).collect();
        Self {
            first: first.len(),
            last: last.len(),
            public_bits: [first, last].concat(),
            program_bits: program.parts.iter().map(bits).collect(),
            count8: fixed
                .into_iter()
                .find_map(count8)
                .expect("the machine counts bits"),
            digest: digest(&tables, &layouts),
            tables: layouts,
        }
    }
}

fn cell(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Cell { col, next: false } => Some(usize::from(col.0)),
        _ => None,
    }
}

/// Width of a column with a range that is looked up.
fn bits(column: &Column) -> Option<u32> {
    match column.range {
        Range::U8 => Some(8),
        Range::U16 => Some(16),
        _ => None,
    }
}

impl TableLayout {
    fn of(shape: &TableShape) -> Self {
        let all = |range: Range| -> Vec<usize> {
            let columns = shape.columns.iter().enumerate();
            columns
                .filter(move |(_, c)| c.range == range)
                .map(|(i, _)| i)
                .collect()
        };
        // A cell that every row looks up as such in a table of values of its range needs no check of its own.
        let bounded = |bus: Bus| matches!(bus, Bus::Program | Bus::And8);
        let always =
            |m: &&Message| m.count == Expr::from(1) && m.direction == Direction::Send && bounded(m.bus);
        let looked_up: Vec<usize> = shape
            .messages
            .iter()
            .filter(always)
            .flat_map(|m| m.parts.iter().filter_map(cell))
            .collect();
        let in_range = |range: Range| -> Vec<usize> {
            let mut columns = all(range);
            columns
                .retain(|col| !looked_up.contains(col) && !is_bounded(shape.name, shape.columns[*col].name));
            columns
        };
        // Range checks come first in the recorded messages: one for each declared range.
        let declared = |c: &&Column| matches!(c.range, Range::U8 | Range::U16 | Range::Moved);
        let own = &shape.messages[shape.columns.iter().filter(declared).count()..];
        let lookup = |m: &Message| Lookup {
            bus: m.bus,
            count: Linear::of(&m.count).expect("counts are linear"),
            parts: m
                .parts
                .iter()
                .map(|p| Linear::of(p).expect("messages are linear"))
                .collect(),
        };
        let weight = |m: &Message| {
            let interval = m
                .count
                .interval(&|col| shape.interval(col))
                .expect("counts are bounded");
            u32::try_from(interval.lo.abs().max(interval.hi.abs())).expect("counts are small")
        };
        let mut reads_next = false;
        for Constraint { expr, .. } in &shape.constraints {
            expr.cells(&mut |_, next| reads_next |= next);
        }
        Self {
            name: shape.name,
            width: shape.columns.len(),
            bits: all(Range::Bit),
            ranges: in_range(Range::U16),
            pairs: in_range(Range::U8)
                .chunks(2)
                .map(|pair| (pair[0], pair.get(1).copied()))
                .collect(),
            inverses: all(Range::Inverse),
            weights: own.iter().map(weight).collect(),
            lookups: own.iter().filter(|m| m.bus.is_lookup()).map(lookup).collect(),
            reads_next,
        }
    }
}

/// Constraints and messages are not part of Plonky3's transcript: this digest is.
fn digest(tables: &[TableShape], layouts: &[TableLayout]) -> [u8; 32] {
    let mut h = blake3::Hasher::new_derive_key("nonos stark tables v1");
    let mut put = |bytes: &[u8]| {
        h.update(&(bytes.len() as u64).to_le_bytes());
        h.update(bytes);
    };
    for (table, layout) in tables.iter().zip(layouts) {
        put(table.name.as_bytes());
        for col in &layout.ranges {
            put(&[9, *col as u8]);
        }
        for (x, y) in &layout.pairs {
            put(&[10, *x as u8, y.map_or(u8::MAX, |y| y as u8)]);
        }
        for Column { name, range } in &table.columns {
            put(name.as_bytes());
            let kind = match range {
                Range::Bit => 1,
                Range::U8 => 2,
                Range::U16 => 3,
                Range::Moved => 4,
                Range::Derived { .. } => 5,
                Range::Inverse => 6,
            };
            put(&[kind]);
        }
        for c in &table.constraints {
            put(&[7, c.when as u8, c.public.map_or(0, |p| p as u8 + 1)]);
            put(&expression(&c.expr));
        }
        for m in &table.messages {
            put(&[8, m.bus as u8, m.direction as u8, m.parts.len() as u8]);
            put(&expression(&m.count));
            for part in &m.parts {
                put(&expression(part));
            }
        }
    }
    *h.finalize().as_bytes()
}

fn expression(expr: &Expr) -> Vec<u8> {
    let pair = |tag: u8, a: &Expr, b: &Expr| [&[tag][..], &expression(a), &expression(b)].concat();
    match expr {
        Expr::Const(v) => [&[1][..], &v.to_le_bytes()].concat(),
        Expr::Cell { col: Col(col), next } => [&[2, u8::from(*next)][..], &col.to_le_bytes()].concat(),
        Expr::Add(a, b) => pair(3, a, b),
        Expr::Sub(a, b) => pair(4, a, b),
        Expr::Mul(a, b) => pair(5, a, b),
    }
}
