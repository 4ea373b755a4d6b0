//! Linear forms in the cells of one row: over the integers, to know their range, and over the field.

use std::collections::BTreeMap;

use ff::{Field, PrimeField};
use nonos_machine::air::{Expr, Interval};
use pasta_curves::Fp;

/// `constant + Σ coefficient · cell` over the integers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    constant: i128,
    terms: BTreeMap<u16, i128>,
}

impl Form {
    /// The form of an expression of the current row, or `None` if it is not linear or leaves `i128`.
    pub(crate) fn of(expr: &Expr) -> Option<Self> {
        Some(match expr {
            Expr::Const(v) => Self {
                constant: i128::from(*v),
                terms: BTreeMap::new(),
            },
            Expr::Cell { next: true, .. } => return None,
            Expr::Cell { col, .. } => Self {
                constant: 0,
                terms: [(col.0, 1)].into(),
            },
            Expr::Add(a, b) => Self::of(a)?.plus(&Self::of(b)?)?,
            Expr::Sub(a, b) => Self::of(a)?.plus(&Self::of(b)?.times(-1)?)?,
            Expr::Mul(a, b) => {
                let (a, b) = (Self::of(a)?, Self::of(b)?);
                if a.terms.is_empty() {
                    b.times(a.constant)?
                } else if b.terms.is_empty() {
                    a.times(b.constant)?
                } else {
                    return None;
                }
            }
        })
    }

    fn plus(mut self, other: &Self) -> Option<Self> {
        self.constant = self.constant.checked_add(other.constant)?;
        for (col, coefficient) in &other.terms {
            let sum = self.terms.entry(*col).or_insert(0);
            *sum = sum.checked_add(*coefficient)?;
        }
        self.terms.retain(|_, c| *c != 0);
        Some(self)
    }

    fn times(mut self, factor: i128) -> Option<Self> {
        self.constant = self.constant.checked_mul(factor)?;
        for coefficient in self.terms.values_mut() {
            *coefficient = coefficient.checked_mul(factor)?;
        }
        self.terms.retain(|_, c| *c != 0);
        Some(self)
    }

    /// The interval of its values, given that of each cell.
    pub(crate) fn interval(&self, cell: &impl Fn(u16) -> Option<Interval>) -> Option<Interval> {
        let (mut lo, mut hi) = (self.constant, self.constant);
        for (col, coefficient) in &self.terms {
            let range = cell(*col)?;
            let (a, b) = (
                range.lo.checked_mul(*coefficient)?,
                range.hi.checked_mul(*coefficient)?,
            );
            lo = lo.checked_add(a.min(b))?;
            hi = hi.checked_add(a.max(b))?;
        }
        Some(Interval { lo, hi })
    }

    pub(crate) fn linear(&self) -> Linear {
        let terms = self
            .terms
            .iter()
            .map(|(col, c)| (usize::from(*col), signed(*c)))
            .collect();
        Linear {
            constant: signed(self.constant),
            terms,
        }
    }
}

/// An integer as a field element.
pub(crate) fn signed(v: i128) -> Fp {
    let magnitude = Fp::from_u128(v.unsigned_abs());
    if v < 0 { -magnitude } else { magnitude }
}

/// `constant + Σ coefficient · cell` over the field.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    pub(crate) constant: Fp,
    pub(crate) terms: Vec<(usize, Fp)>,
}

impl Linear {
    pub(crate) fn zero() -> Self {
        Self {
            constant: Fp::ZERO,
            terms: vec![],
        }
    }

    pub(crate) fn scaled(mut self, factor: Fp) -> Self {
        self.constant *= factor;
        self.terms.iter_mut().for_each(|(_, c)| *c *= factor);
        self
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.constant += other.constant;
        for (col, coefficient) in &other.terms {
            match self.terms.iter_mut().find(|(c, _)| c == col) {
                Some((_, sum)) => *sum += coefficient,
                None => self.terms.push((*col, *coefficient)),
            }
        }
    }

    pub(crate) fn eval(&self, cell: impl Fn(usize) -> Fp) -> Fp {
        self.terms
            .iter()
            .fold(self.constant, |sum, (col, c)| sum + *c * cell(*col))
    }
}
