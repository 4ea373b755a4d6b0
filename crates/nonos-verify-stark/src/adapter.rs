//! The machine's tables under Plonky3's builders.

use std::ops::{Add, Mul, Neg, Sub};

use nonos_machine::air::{Builder, Bus, Col, When};
use p3_air::{AirBuilder, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};

/// An expression of Plonky3 as the machine wants it.
#[derive(Clone)]
pub(crate) struct E<X>(pub(crate) X);

impl<X: PrimeCharacteristicRing> From<i64> for E<X> {
    fn from(v: i64) -> Self {
        Self(X::from_i64(v))
    }
}

macro_rules! binary {
    ($op:ident $f:ident) => {
        impl<X: PrimeCharacteristicRing> $op for E<X> {
            type Output = Self;
            fn $f(self, other: Self) -> Self {
                Self(self.0.$f(other.0))
            }
        }
    };
}
binary!(Add add);
binary!(Sub sub);
binary!(Mul mul);

impl<X: PrimeCharacteristicRing> Neg for E<X> {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

/// Name of a bus; the argument separates buses by it. `Op` and `Ext` are one: no step sends on both, so that one column does
/// for both messages of STEP. They are told apart by their first part, the code ([`EXT`]).
pub(crate) fn name(bus: Bus) -> &'static str {
    match bus {
        Bus::Range16 => "range16",
        Bus::Range8 => "range8",
        Bus::And8 => "and8",
        Bus::Program => "program",
        Bus::Tape => "tape",
        Bus::Memory => "memory",
        Bus::Op | Bus::Ext => "operation",
        Bus::Data => "data",
        Bus::Output => "output",
        Bus::Final => "final",
        Bus::Sealed => "sealed",
        Bus::Count8 => "count8",
    }
}

/// What is added to the code of a message on [`Bus::Ext`]: codes have 16 bits, so that none passes for one of [`Bus::Op`].
const EXT: u32 = 1 << 16;
/// Parts of a message on either: those of [`Bus::Op`] have a zero more, behind the code.
const PARTS: usize = 14;

/// One of the messages that exclude each other: whether it is sent, how often, and its parts.
type Branch<X> = (X, Count<X>, Vec<X>);

/// Takes the text of a table to one of Plonky3's builders.
pub(crate) struct Adapter<'a, AB: InteractionBuilder> {
    builder: &'a mut AB,
    main: AB::MainWindow,
    /// For each message of the table, in order, the most copies that a row can make.
    weights: std::slice::Iter<'a, u32>,
    /// Number of public values of the first row; those of the last row follow them.
    first: usize,
    /// STEP: its messages on `Op` and `Ext` exclude each other.
    is_step: bool,
    operations: Vec<Branch<AB::Expr>>,
}

impl<'a, AB: InteractionBuilder> Adapter<'a, AB> {
    pub(crate) fn new(builder: &'a mut AB, weights: &'a [u32], first: usize, is_step: bool) -> Self {
        Self {
            main: builder.main(),
            builder,
            weights: weights.iter(),
            first,
            is_step,
            operations: vec![],
        }
    }

    fn message(&mut self, bus: Bus, count: AB::Expr, is_sent: bool, parts: &[E<AB::Expr>]) {
        let weight = *self.weights.next().expect("recorded from the same text");
        let mut parts: Vec<AB::Expr> = parts.iter().map(|part| part.0.clone()).collect();
        if matches!(bus, Bus::Op | Bus::Ext) {
            if bus == Bus::Ext {
                parts[0] += AB::Expr::from_u32(EXT);
            }
            let missing = PARTS - parts.len();
            parts.splice(1..1, vec![AB::Expr::ZERO; missing]);
            if self.is_step {
                self.operations.push((count, Count::from(1), parts));
                if self.operations.len() == 2 {
                    let operations = std::mem::take(&mut self.operations);
                    self.builder.push_exclusive_interaction(name(bus), operations);
                }
                return;
            }
        }
        let count = Count::bounded(count, weight);
        let count = if is_sent { count } else { -count };
        self.builder.push_interaction(name(bus), parts, count);
    }
}

impl<AB: InteractionBuilder> Builder for Adapter<'_, AB> {
    type E = E<AB::Expr>;

    fn cur(&self, col: Col) -> Self::E {
        E(self.main.current_slice()[usize::from(col.0)].into())
    }

    fn next(&self, col: Col) -> Self::E {
        E(self.main.next_slice()[usize::from(col.0)].into())
    }

    fn zero(&mut self, _: &'static str, when: When, expr: Self::E) {
        match when {
            When::Always => self.builder.assert_zero(expr.0),
            When::First => self.builder.when_first_row().assert_zero(expr.0),
            When::Last => self.builder.when_last_row().assert_zero(expr.0),
            When::Transition => self.builder.when_transition().assert_zero(expr.0),
        }
    }

    fn send(&mut self, bus: Bus, count: Self::E, parts: &[Self::E]) {
        self.message(bus, count.0, true, parts);
    }

    fn receive(&mut self, bus: Bus, count: Self::E, parts: &[Self::E]) {
        self.message(bus, count.0, false, parts);
    }

    fn public(&mut self, id: &'static str, when: When, public: usize, expr: Self::E) {
        let index = if when == When::First {
            public
        } else {
            self.first + public
        };
        let value: AB::Expr = self.builder.public_values()[index].into();
        self.zero(id, when, expr - E(value));
    }
}
