//! From deeds to scores, in whole numbers: the same deeds at the same times give the same score on every machine,
//! in whatever order they are counted.

use std::fmt;

use nonos_types::Timestamp;
use serde::Serialize;

const DAY: u64 = 24 * 60 * 60;
/// One deed, in the fixed point of masses: 32 bits after the point.
pub(crate) const ONE: u64 = 1 << 32;
/// What a bad deed weighs more than a good one.
const KAPPA: u128 = 4;

/// A share in millionths, at most one whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Ppm(u32);

impl Ppm {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The whole.
    pub const ONE: Self = Self(1_000_000);

    /// So many millionths; `None` for more than the whole.
    pub const fn new(millionths: u32) -> Option<Self> {
        if millionths <= Self::ONE.0 {
            Some(Self(millionths))
        } else {
            None
        }
    }

    pub(crate) const fn percent(percent: u32) -> Self {
        assert!(percent <= 100, "at most the whole");
        Self(percent * 10_000)
    }

    /// How many millionths.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Of a number with 32 bits after the point, to the nearest.
    fn from_q32(share: u128) -> Self {
        let millionths = (share * u128::from(Self::ONE.0) + u128::from(ONE / 2)) >> 32;
        Self(u32::try_from(millionths).map_or(Self::ONE.0, |it| it.min(Self::ONE.0)))
    }
}

impl fmt::Display for Ppm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:04} %", self.0 / 10_000, self.0 % 10_000)
    }
}

/// After what time half of a deed is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HalfLife {
    /// 7 days.
    Good,
    /// 30 days.
    Bad,
}

impl HalfLife {
    const fn seconds(self) -> u64 {
        match self {
            Self::Good => 7 * DAY,
            Self::Bad => 30 * DAY,
        }
    }
}

/// What remains of deeds, each halved once per half-life since.
///
/// A deed of weight w at time t is kept as w·2^(t/h − k), where k = ⌊t/h⌋, in the sum of epoch k. Sums do not depend
/// on the order of their terms, and nothing is rounded again until the mass is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mass {
    /// Epoch and its sum, with 32 bits after the point; ascending.
    pub(crate) epochs: Vec<(u64, u64)>,
}

impl Mass {
    /// Epochs kept: a deed counts 2^−32 of itself when it is dropped.
    pub(crate) const EPOCHS: usize = 32;

    pub(crate) fn add(&mut self, weight: u32, at: Timestamp, half_life: HalfLife) {
        let (epoch, part) = split(at, half_life);
        let mass = exp2(part, half_life).saturating_mul(weight.into());
        match self.epochs.binary_search_by_key(&epoch, |it| it.0) {
            Ok(found) => self.epochs[found].1 = self.epochs[found].1.saturating_add(mass),
            Err(place) => self.epochs.insert(place, (epoch, mass)),
        }
        let last = self.epochs.last().map_or(0, |it| it.0);
        self.epochs.retain(|it| last - it.0 < Self::EPOCHS as u64);
    }

    /// The mass at a time that is not before any of its deeds, with 32 bits after the point.
    pub(crate) fn at(&self, now: Timestamp, half_life: HalfLife) -> u64 {
        let (epoch, part) = split(now, half_life);
        // 16 bits more, so that halving loses nothing that would be seen.
        let sum: u128 = self
            .epochs
            .iter()
            .map(|&(of, sum)| {
                let halvings = u32::try_from(epoch.saturating_sub(of)).unwrap_or(u32::MAX);
                (u128::from(sum) << 16).checked_shr(halvings).unwrap_or(0)
            })
            .sum();
        // 2^−x = 2^(1−x) / 2, which keeps the factor within the table.
        let factor = exp2(half_life.seconds() - part, half_life);
        let mass = (sum * u128::from(factor)) >> (16 + 32 + 1);
        u64::try_from(mass).unwrap_or(u64::MAX)
    }
}

fn split(at: Timestamp, half_life: HalfLife) -> (u64, u64) {
    (at.get() / half_life.seconds(), at.get() % half_life.seconds())
}

/// 2^(part / half-life), with 32 bits after the point; `part` is at most one half-life.
fn exp2(part: u64, half_life: HalfLife) -> u64 {
    if part >= half_life.seconds() {
        return 2 * ONE;
    }
    let exponent = (u128::from(part) << 32) / u128::from(half_life.seconds());
    let mut power: u128 = 1 << 62;
    for (bit, root) in ROOTS.iter().enumerate() {
        if exponent >> (31 - bit) & 1 == 1 {
            power = (power * root) >> 62;
        }
    }
    ((power + (1 << 29)) >> 30) as u64
}

/// 2^(1/2), 2^(1/4), …, with 62 bits after the point.
const ROOTS: [u128; 32] = {
    let mut roots = [0; 32];
    let mut root: u128 = 2 << 62;
    let mut at = 0;
    while at < roots.len() {
        root = (root << 62).isqrt();
        roots[at] = root;
        at += 1;
    }
    roots
};

/// Expectation and lower confidence bound of what remains of good and bad deeds.
///
/// With W = 2 deeds of a newcomer's doubt at a = 0.3: T = (α + aW) / (α + β + W), and the bound is
/// T − √(T(1 − T) / (α + β + W + 1)). Both are rounded to the nearest millionth.
pub(crate) fn score(good: u64, bad: u64) -> (Ppm, Ppm) {
    let one = u128::from(ONE);
    let (alpha, beta) = (u128::from(good), KAPPA * u128::from(bad));
    let all = alpha + beta + 2 * one;
    // aW = 6/10 of a deed.
    let share = ((10 * alpha + 6 * one) << 32) / (10 * all);
    let variance = ((share * (one - share)) << 32) / (all + one);
    let bound = share.saturating_sub(variance.isqrt());
    (Ppm::from_q32(share), Ppm::from_q32(bound))
}
