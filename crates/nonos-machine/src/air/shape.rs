//! Tables recorded as data.

use super::{Builder, Bus, Col, Column, Expr, Interval, Range, Table, When};

/// A constraint: `expr = 0` on the rows named by `when`.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// Name of the rule, or of the column for booleanity.
    pub id: &'static str,
    /// Rows.
    pub when: When,
    /// The polynomial, of degree at most 3.
    pub expr: Expr,
    /// `Some(i)`: the constraint is `expr = public value i` instead.
    pub public: Option<usize>,
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Adds to the bus (or looks up).
    Send,
    /// Takes from the bus.
    Receive,
}

/// A bus message that every row of a table makes, `count` times.
#[derive(Clone, Debug)]
pub struct Message {
    /// The bus.
    pub bus: Bus,
    /// Direction.
    pub direction: Direction,
    /// How many times, of degree at most 1.
    pub count: Expr,
    /// The message, each part of degree at most 1.
    pub parts: Vec<Expr>,
    /// The message is the range check of a [`Range::Moved`] limb, which backends that compress
    /// messages by a random challenge may leave out.
    pub moved: bool,
}

/// A table recorded as data.
#[derive(Clone, Debug)]
pub struct TableShape {
    /// Name, upper case.
    pub name: &'static str,
    /// Columns.
    pub columns: Vec<Column>,
    /// Constraints, booleanity of the `Bit` columns included.
    pub constraints: Vec<Constraint>,
    /// Messages, range lookups included.
    pub messages: Vec<Message>,
}

impl TableShape {
    /// Records a table and adds what its declared ranges require.
    pub fn record(table: &impl Table) -> Self {
        let mut shape = Self {
            name: table.name(),
            columns: table.columns(),
            constraints: vec![],
            messages: vec![],
        };
        for (i, column) in shape.columns.clone().into_iter().enumerate() {
            let cell = Expr::Cell {
                col: Col(i as u16),
                next: false,
            };
            let (bus, moved) = match column.range {
                Range::Bit => {
                    shape.constraints.push(Constraint {
                        id: column.name,
                        when: When::Always,
                        expr: cell.clone() * (Expr::from(1) - cell),
                        public: None,
                    });
                    continue;
                }
                Range::U8 => (Bus::Range8, false),
                Range::U16 => (Bus::Range16, false),
                Range::Moved => (Bus::Range16, true),
                Range::Derived { .. } | Range::Inverse => continue,
            };
            shape.messages.push(Message {
                bus,
                direction: Direction::Send,
                count: Expr::from(1),
                parts: vec![cell],
                moved,
            });
        }
        table.eval(&mut Recorder(&mut shape));
        shape
    }

    /// The interval of a column's values, if it has one.
    pub fn interval(&self, col: Col) -> Option<Interval> {
        let (lo, hi) = match self.columns[usize::from(col.0)].range {
            Range::Bit => (0, 1),
            Range::U8 => (0, 0xff),
            Range::U16 | Range::Moved => (0, 0xffff),
            Range::Derived { lo, hi, .. } => (lo, hi),
            Range::Inverse => return None,
        };
        Some(Interval {
            lo: i128::from(lo),
            hi: i128::from(hi),
        })
    }
}

struct Recorder<'a>(&'a mut TableShape);

impl Recorder<'_> {
    fn message(&mut self, bus: Bus, direction: Direction, count: Expr, parts: &[Expr]) {
        let parts = parts.to_vec();
        self.0.messages.push(Message {
            bus,
            direction,
            count,
            parts,
            moved: false,
        });
    }
}

impl Builder for Recorder<'_> {
    type E = Expr;

    fn cur(&self, col: Col) -> Expr {
        Expr::Cell { col, next: false }
    }

    fn next(&self, col: Col) -> Expr {
        Expr::Cell { col, next: true }
    }

    fn zero(&mut self, id: &'static str, when: When, expr: Expr) {
        self.0.constraints.push(Constraint {
            id,
            when,
            expr,
            public: None,
        });
    }

    fn send(&mut self, bus: Bus, count: Expr, parts: &[Expr]) {
        self.message(bus, Direction::Send, count, parts);
    }

    fn receive(&mut self, bus: Bus, count: Expr, parts: &[Expr]) {
        self.message(bus, Direction::Receive, count, parts);
    }

    fn public(&mut self, id: &'static str, when: When, public: usize, expr: Expr) {
        self.0.constraints.push(Constraint {
            id,
            when,
            expr,
            public: Some(public),
        });
    }
}

/// A table whose rows are the same for every program: the receiving side of a lookup bus.
#[derive(Clone, Debug)]
pub struct FixedTable {
    /// The bus it answers.
    pub bus: Bus,
    /// Its rows, all of one width.
    pub rows: Vec<Vec<u64>>,
}

/// What the verifier computes itself for one statement. Values are field elements given as integers.
#[derive(Clone, Debug, Default)]
pub struct Public {
    /// Rows that may be looked up any number of times.
    pub lookups: Vec<(Bus, Vec<u64>)>,
    /// Messages that the verifier receives, each exactly once.
    pub received: Vec<(Bus, Vec<u64>)>,
    /// Values bound on the first row, by [`Builder::public`] index.
    pub first: Vec<u64>,
    /// Values bound on the last row.
    pub last: Vec<u64>,
    /// Digests of sealed tapes, which a table of the backend must show to be those of what it hands out: of the
    /// input, of the outputs. That table is there only if there is one.
    pub digests: [Option<[u8; 32]>; 2],
}

/// A whole constraint system: tables and the fixed tables they look up.
#[derive(Clone, Debug)]
pub struct System {
    /// Witness tables.
    pub tables: Vec<TableShape>,
    /// Fixed tables.
    pub fixed: Vec<FixedTable>,
    /// Width in bits of each public value, first row and last row; the verifier refuses larger ones.
    pub public_bits: (Vec<u32>, Vec<u32>),
}
