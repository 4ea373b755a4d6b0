//! Integers modulo the prime 2^61 − 1.

use std::ops::{Add, Mul, Sub};

const P: u64 = (1 << 61) - 1;

/// An element, reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct M61(u64);

impl M61 {
    pub(super) fn from_u64(v: u64) -> Self {
        Self(v % P)
    }

    pub(super) fn from_i64(v: i64) -> Self {
        Self(i128::from(v).rem_euclid(i128::from(P)) as u64)
    }

    pub(super) fn value(self) -> u64 {
        self.0
    }

    /// The representative nearest to zero.
    pub(super) fn signed(self) -> i64 {
        if self.0 > P / 2 {
            self.0 as i64 - P as i64
        } else {
            self.0 as i64
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

impl Add for M61 {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self((self.0 + other.0) % P)
    }
}

impl Sub for M61 {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self((self.0 + P - other.0) % P)
    }
}

impl Mul for M61 {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self((u128::from(self.0) * u128::from(other.0) % u128::from(P)) as u64)
    }
}
