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

/// Name of a bus; the argument separates buses by it.
pub(crate) fn name(bus: Bus) -> &'static str {
    match bus {
        Bus::Range16 => "range16",
        Bus::Range8 => "range8",
        Bus::And8 => "and8",
        Bus::Program => "program",
        Bus::Tape => "tape",
        Bus::Memory => "memory",
        Bus::Op => "op",
        Bus::Ext => "ext",
        Bus::Data => "data",
        Bus::Output => "output",
        Bus::Final => "final",
        Bus::Sealed => "sealed",
        Bus::Count8 => "count8",
    }
}

/// Takes the text of a table to one of Plonky3's builders.
pub(crate) struct Adapter<'a, AB: InteractionBuilder> {
    builder: &'a mut AB,
    main: AB::MainWindow,
    /// For each message of the table, in order, the most copies that a row can make; 0 where any number is sound.
    weights: std::slice::Iter<'a, u32>,
    /// Number of public values of the first row; those of the last row follow them.
    first: usize,
}

impl<'a, AB: InteractionBuilder> Adapter<'a, AB> {
    pub(crate) fn new(builder: &'a mut AB, weights: &'a [u32], first: usize) -> Self {
        Self {
            main: builder.main(),
            builder,
            weights: weights.iter(),
            first,
        }
    }

    fn message(&mut self, bus: Bus, count: impl FnOnce(u32) -> Count<AB::Expr>, parts: &[E<AB::Expr>]) {
        let weight = self.weights.next().expect("recorded from the same text");
        let parts = parts.iter().map(|part| part.0.clone());
        self.builder.push_interaction(name(bus), parts, count(*weight));
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
        self.message(bus, |weight| Count::bounded(count.0, weight), parts);
    }

    fn receive(&mut self, bus: Bus, count: Self::E, parts: &[Self::E]) {
        self.message(bus, |weight| -Count::bounded(count.0, weight), parts);
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
