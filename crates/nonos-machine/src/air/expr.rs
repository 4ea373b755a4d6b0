//! Integer expression trees, their degree and interval.

use std::ops::{Add, Mul, Neg, Sub};
use std::sync::Arc;

use super::Col;

/// A polynomial with integer coefficients in the cells of two neighbouring rows. Shared between threads, so that a backend
/// can hold the [`System`](super::System) that it proves.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A constant.
    Const(i64),
    /// A cell: `next` selects the following row.
    Cell {
        /// Column.
        col: Col,
        /// On the next row instead of the current one.
        next: bool,
    },
    /// Sum.
    Add(Arc<Expr>, Arc<Expr>),
    /// Difference.
    Sub(Arc<Expr>, Arc<Expr>),
    /// Product.
    Mul(Arc<Expr>, Arc<Expr>),
}

impl Expr {
    /// Total degree in the cells.
    pub fn degree(&self) -> usize {
        match self {
            Expr::Const(_) => 0,
            Expr::Cell { .. } => 1,
            Expr::Add(a, b) | Expr::Sub(a, b) => a.degree().max(b.degree()),
            Expr::Mul(a, b) => a.degree() + b.degree(),
        }
    }

    /// Calls `f` on every cell.
    pub fn cells(&self, f: &mut impl FnMut(Col, bool)) {
        match self {
            Expr::Const(_) => {}
            Expr::Cell { col, next } => f(*col, *next),
            Expr::Add(a, b) | Expr::Sub(a, b) | Expr::Mul(a, b) => {
                a.cells(f);
                b.cells(f);
            }
        }
    }

    /// Evaluates in any ring, given its constants and cells.
    pub fn eval<T>(&self, constant: &impl Fn(i64) -> T, cell: &impl Fn(Col, bool) -> T) -> T
    where
        T: Add<Output = T> + Sub<Output = T> + Mul<Output = T>,
    {
        match self {
            Expr::Const(v) => constant(*v),
            Expr::Cell { col, next } => cell(*col, *next),
            Expr::Add(a, b) => a.eval(constant, cell) + b.eval(constant, cell),
            Expr::Sub(a, b) => a.eval(constant, cell) - b.eval(constant, cell),
            Expr::Mul(a, b) => a.eval(constant, cell) * b.eval(constant, cell),
        }
    }

    /// The interval of the expression's values over the integers, given the interval of each cell;
    /// `None` where a cell has none or a bound leaves `i128`.
    pub fn interval(&self, cell: &impl Fn(Col) -> Option<Interval>) -> Option<Interval> {
        match self {
            Expr::Const(v) => Some(Interval {
                lo: i128::from(*v),
                hi: i128::from(*v),
            }),
            Expr::Cell { col, .. } => cell(*col),
            Expr::Add(a, b) => a.interval(cell)?.add(b.interval(cell)?),
            Expr::Sub(a, b) => a.interval(cell)?.add(b.interval(cell)?.negate()?),
            Expr::Mul(a, b) => a.interval(cell)?.mul(b.interval(cell)?),
        }
    }
}

/// A closed interval of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Least value.
    pub lo: i128,
    /// Greatest value.
    pub hi: i128,
}

impl Interval {
    fn add(self, other: Self) -> Option<Self> {
        Some(Self {
            lo: self.lo.checked_add(other.lo)?,
            hi: self.hi.checked_add(other.hi)?,
        })
    }

    fn negate(self) -> Option<Self> {
        Some(Self {
            lo: self.hi.checked_neg()?,
            hi: self.lo.checked_neg()?,
        })
    }

    fn mul(self, other: Self) -> Option<Self> {
        let ends = [
            self.lo.checked_mul(other.lo)?,
            self.lo.checked_mul(other.hi)?,
            self.hi.checked_mul(other.lo)?,
            self.hi.checked_mul(other.hi)?,
        ];
        Some(Self {
            lo: *ends.iter().min()?,
            hi: *ends.iter().max()?,
        })
    }

    /// The smallest interval that holds both.
    pub fn union(self, other: Self) -> Self {
        Self {
            lo: self.lo.min(other.lo),
            hi: self.hi.max(other.hi),
        }
    }

    /// Bits needed for `x − lo`, for every `x` of the interval.
    pub fn bits(self) -> u32 {
        128 - u128::leading_zeros(self.hi.wrapping_sub(self.lo) as u128)
    }
}

impl From<i64> for Expr {
    fn from(v: i64) -> Self {
        Expr::Const(v)
    }
}

// The three operators fold constants, so that `0 + x`, `1·x` and `0·x` leave no node behind.
impl Add for Expr {
    type Output = Expr;
    fn add(self, other: Expr) -> Expr {
        match (&self, &other) {
            (Expr::Const(0), _) => other,
            (_, Expr::Const(0)) => self,
            (Expr::Const(a), Expr::Const(b)) => Expr::Const(a + b),
            _ => Expr::Add(Arc::new(self), Arc::new(other)),
        }
    }
}

impl Sub for Expr {
    type Output = Expr;
    fn sub(self, other: Expr) -> Expr {
        match (&self, &other) {
            (_, Expr::Const(0)) => self,
            (Expr::Const(a), Expr::Const(b)) => Expr::Const(a - b),
            _ => Expr::Sub(Arc::new(self), Arc::new(other)),
        }
    }
}

impl Mul for Expr {
    type Output = Expr;
    fn mul(self, other: Expr) -> Expr {
        match (&self, &other) {
            (Expr::Const(0), _) | (_, Expr::Const(0)) => Expr::Const(0),
            (Expr::Const(1), _) => other,
            (_, Expr::Const(1)) => self,
            (Expr::Const(a), Expr::Const(b)) => Expr::Const(a * b),
            _ => Expr::Mul(Arc::new(self), Arc::new(other)),
        }
    }
}

impl Neg for Expr {
    type Output = Expr;
    fn neg(self) -> Expr {
        Expr::Const(0) - self
    }
}
