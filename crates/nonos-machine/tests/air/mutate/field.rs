//! Integers modulo a prime, fast enough for a million evaluations.

use std::ops::{Add, Mul, Sub};

/// An element, reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Residue<const P: u64>(u64);

impl<const P: u64> Residue<P> {
    pub(super) fn new(v: u64) -> Self {
        Self(v % P)
    }

    pub(super) fn signed(v: i64) -> Self {
        Self(i128::from(v).rem_euclid(i128::from(P)) as u64)
    }

    pub(super) fn value(self) -> u64 {
        self.0
    }

    /// The representative nearest to zero.
    pub(super) fn nearest(self) -> i64 {
        if self.0 > P / 2 {
            self.0.cast_signed() - P.cast_signed()
        } else {
            self.0.cast_signed()
        }
    }

    /// The inverse, or 0 of 0.
    pub(super) fn inverse(self) -> Self {
        let (mut result, mut base, mut exponent) = (Self(1), self, P - 2);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result * base;
            }
            base = base * base;
            exponent >>= 1;
        }
        result
    }
}

impl<const P: u64> Add for Residue<P> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self((self.0 + other.0) % P)
    }
}

impl<const P: u64> Sub for Residue<P> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self((self.0 + P - other.0) % P)
    }
}

impl<const P: u64> Mul for Residue<P> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self((u128::from(self.0) * u128::from(other.0) % u128::from(P)) as u64)
    }
}
