//! Polynomials in the cells of a row and the next: written once, evaluated on a trace and given to halo2.

use std::ops::{Add, Mul, Sub};

use ff::Field;
use halo2_proofs::plonk::Expression;
use pasta_curves::Fp;

/// A cell that a polynomial reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cell {
    /// Of the current row.
    Cur(usize),
    /// Of the next row.
    Next(usize),
    /// Of a public column, current row.
    Public(usize),
    /// The number of the posting in its chunk, on the posting's first row.
    Index,
}

/// A polynomial.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Const(Fp),
    Cell(Cell),
    Sum(Box<Expr>, Box<Expr>),
    Product(Box<Expr>, Box<Expr>),
    Scaled(Box<Expr>, Fp),
}

/// The cell of a column on this row.
pub(crate) fn cur(column: usize) -> Expr {
    Expr::Cell(Cell::Cur(column))
}

/// The cell of a column on the next row.
pub(crate) fn next(column: usize) -> Expr {
    Expr::Cell(Cell::Next(column))
}

/// A constant.
pub(crate) fn int(value: u64) -> Expr {
    Expr::Const(Fp::from(value))
}

/// 2^`exponent`.
pub(crate) fn power(exponent: u64) -> Fp {
    Fp::from(2).pow_vartime([exponent])
}

impl Expr {
    pub(crate) fn scaled(self, factor: Fp) -> Self {
        if factor == Fp::ONE {
            self
        } else {
            Self::Scaled(Box::new(self), factor)
        }
    }

    /// `x^5`.
    pub(crate) fn fifth(self) -> Self {
        let square = self.clone() * self.clone();
        square.clone() * square * self
    }

    pub(crate) fn eval(&self, cell: &impl Fn(Cell) -> Fp) -> Fp {
        match self {
            Self::Const(value) => *value,
            Self::Cell(it) => cell(*it),
            Self::Sum(a, b) => a.eval(cell) + b.eval(cell),
            Self::Product(a, b) => a.eval(cell) * b.eval(cell),
            Self::Scaled(a, factor) => a.eval(cell) * factor,
        }
    }

    pub(crate) fn halo2(&self, cell: &mut impl FnMut(Cell) -> Expression<Fp>) -> Expression<Fp> {
        match self {
            Self::Const(value) => Expression::Constant(*value),
            Self::Cell(it) => cell(*it),
            Self::Sum(a, b) => a.halo2(cell) + b.halo2(cell),
            Self::Product(a, b) => a.halo2(cell) * b.halo2(cell),
            Self::Scaled(a, factor) => a.halo2(cell) * *factor,
        }
    }

    #[cfg(test)]
    pub(crate) fn degree(&self) -> usize {
        match self {
            Self::Const(_) => 0,
            Self::Cell(_) => 1,
            Self::Sum(a, b) => a.degree().max(b.degree()),
            Self::Product(a, b) => a.degree() + b.degree(),
            Self::Scaled(a, _) => a.degree(),
        }
    }
}

impl Add for Expr {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::Sum(Box::new(self), Box::new(other))
    }
}

impl Sub for Expr {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + other.scaled(-Fp::ONE)
    }
}

impl Mul for Expr {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self::Product(Box::new(self), Box::new(other))
    }
}
