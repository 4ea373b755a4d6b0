//! The constraint system as data: tables, constraints and bus messages, written once for every backend.
//!
//! A [`Table`] is a set of columns plus what must hold on its rows. It is written against [`Builder`], a
//! small trait over integer expressions, so that each proof system takes the same text: a backend that
//! monomorphises implements [`Builder`] itself; one that wants the polynomials as data reads a
//! [`TableShape`], recorded by [`TableShape::record`].
//!
//! # Ranges
//!
//! Every column declares what values an honest verifier may assume ([`Range`]). `Bit`, `U8` and `U16` are
//! *enforced*: [`TableShape::record`] adds the booleanity constraint or the range lookup itself, so that a
//! declared range cannot be forgotten. `Moved` is a 16-bit limb that was range-checked where it was born and
//! reaches this row over a bus that compares whole values. That argument needs messages compressed by a
//! random challenge; a backend that packs messages by fixed radix must range-check moved limbs too
//! (see `docs/circuits/challenge.md`, "Why moved limbs are checked").

mod expr;
mod shape;

pub use expr::{Expr, Interval};
pub use shape::{Constraint, Direction, FixedTable, Message, Public, System, TableShape};

use std::ops::{Add, Mul, Neg, Sub};

/// What is known of a column's values, and who enforces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// 0 or 1; enforced by a constraint `x·(1 − x) = 0`.
    Bit,
    /// `0 ≤ x < 2^8`; enforced by a lookup into the fixed table [`Bus::Range8`].
    U8,
    /// `0 ≤ x < 2^16`; enforced by a lookup into the fixed table [`Bus::Range16`].
    U16,
    /// A 16-bit limb that a bus carries here; see the module documentation.
    Moved,
    /// `lo ≤ x ≤ hi` follows from the table's other constraints, for the reason given.
    Derived {
        /// Least value.
        lo: i64,
        /// Greatest value.
        hi: i64,
        /// Why the constraints imply it.
        why: &'static str,
    },
    /// A field element of no known size, of which the trace stores the signed integer `v` (as two's
    /// complement `u64`) and the backend writes the field inverse of `v`, or 0 if `v = 0`.
    Inverse,
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name, unique in its table.
    pub name: &'static str,
    /// Declared range.
    pub range: Range,
}

/// Index of a column in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Col(pub u16);

/// On which rows a constraint holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// On every row, padding included.
    Always,
    /// On the first row.
    First,
    /// On the last row of the padded table.
    Last,
    /// On every row but the last; the only place where [`Builder::next`] may be used.
    Transition,
}

/// A channel on which tables exchange messages. The bus is part of every message.
///
/// For each bus the signed sum of all messages, as a multiset, is zero: whatever is sent is received.
/// On *lookup* buses ([`Bus::is_lookup`]) the receiving side is a fixed or public table that takes each of
/// its rows any number of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Bus {
    /// Lookup into `{x : 0 ≤ x < 2^16}`.
    Range16 = 1,
    /// Lookup into `{x : 0 ≤ x < 2^8}`.
    Range8 = 2,
    /// Lookup into `{(x, y, x ∧ y) : bytes x, y}`.
    And8 = 3,
    /// Lookup into the lowered program, one row per instruction (public).
    Program = 4,
    /// Lookup into public tables: tape words and tape lengths.
    Tape = 5,
    /// Memory accesses (registers, linear memory, tape positions): offline memory checking.
    Memory = 6,
    /// Operands and result of a pure operation: STEP sends, a chip receives.
    Op = 7,
    /// An operation that touches state besides registers: STEP sends, a chip receives.
    Ext = 8,
    /// Non-zero initial memory words; each public word is received exactly once.
    Data = 9,
    /// Output tape words; each public word is received exactly once.
    Output = 10,
    /// Final state of the output tapes; each public entry is received exactly once.
    Final = 11,
    /// Words and lengths of sealed tapes; received by a table of the backend that commits to them.
    Sealed = 12,
    /// Lookup into `{(kind, byte, count)}`: zeros above (kind 0), zeros below (1), ones (2).
    Count8 = 13,
}

impl Bus {
    /// All buses.
    pub const ALL: [Bus; 13] = [
        Bus::Range16,
        Bus::Range8,
        Bus::And8,
        Bus::Program,
        Bus::Tape,
        Bus::Memory,
        Bus::Op,
        Bus::Ext,
        Bus::Data,
        Bus::Output,
        Bus::Final,
        Bus::Sealed,
        Bus::Count8,
    ];

    /// Whether the receiving side is a table that takes each row any number of times.
    pub fn is_lookup(self) -> bool {
        matches!(
            self,
            Bus::Range16 | Bus::Range8 | Bus::And8 | Bus::Program | Bus::Tape | Bus::Count8
        )
    }
}

/// Takes the text of a table. Expressions are polynomials over small integer constants in the cells of the
/// current and the next row; degree at most 3, counts and message parts at most 1.
pub trait Builder {
    /// An expression.
    type E: Clone
        + From<i64>
        + Add<Output = Self::E>
        + Sub<Output = Self::E>
        + Mul<Output = Self::E>
        + Neg<Output = Self::E>;

    /// The cell of `col` on the current row.
    fn cur(&self, col: Col) -> Self::E;
    /// The cell of `col` on the next row; only in [`When::Transition`] constraints.
    fn next(&self, col: Col) -> Self::E;
    /// Requires `expr = 0` on the rows named by `when`. `id` names the rule in the table; the limbs of one
    /// rule share it.
    fn zero(&mut self, id: &'static str, when: When, expr: Self::E);
    /// Adds `count` copies of the message `parts` to the sum of `bus`; on a lookup bus, looks it up.
    fn send(&mut self, bus: Bus, count: Self::E, parts: &[Self::E]);
    /// Takes `count` copies of the message `parts` from the sum of `bus`.
    fn receive(&mut self, bus: Bus, count: Self::E, parts: &[Self::E]);
    /// Requires `expr` on the first or last row ([`When::First`], [`When::Last`]) to equal the public value
    /// `public`, an index into [`Public::first`] or [`Public::last`].
    fn public(&mut self, id: &'static str, when: When, public: usize, expr: Self::E);
}

/// A table: its columns and what must hold on its rows.
///
/// Implementations must accept padding after their last real row: rows of zeros, unless their
/// documentation says otherwise (STEP repeats its last row).
pub trait Table {
    /// Name, upper case.
    fn name(&self) -> &'static str;
    /// The columns, in order.
    fn columns(&self) -> Vec<Column>;
    /// States the constraints and messages.
    fn eval<B: Builder>(&self, b: &mut B);
}
