//! What a run costs and who gets it. See `docs/spec/fees.md`.
//!
//! ```
//! use nonos_depin::fees::{self, Shares};
//! use nonos_types::{Amount, BasisPoints, ByteLen, Fuel, NodeId, Transfer};
//!
//! let fee = fees::execution_fee(
//!     Amount::from_atto(100), // of the capsule
//!     Amount::from_atto(50),  // for 10⁶ fuel
//!     Fuel::new(1_000_001),
//!     Amount::from_atto(1_000),
//! );
//! assert_eq!(fee.atto(), 100 + 51);
//!
//! let percent = |it: u16| BasisPoints::new(it * 100).expect("at most 100");
//! let shares = Shares { seeders: percent(10), verifiers: percent(20) };
//! let seeder = NodeId::from_bytes([2; 32]);
//! let transfer = Transfer { seeder, bytes: ByteLen::new(4096) };
//! let split = fees::split(fee, shares, &[transfer], NodeId::from_bytes([1; 32]), 2)?;
//! assert_eq!(split.seeders, [(seeder, Amount::from_atto(15))]);
//! assert_eq!(split.bounty.atto(), 15); // each of two
//! assert_eq!(split.executor.atto(), 151 - 15 - 2 * 15);
//! # Ok::<_, nonos_depin::Error>(())
//! ```

use std::collections::BTreeMap;

use nonos_types::{Amount, BasisPoints, Fuel, NodeId, Transfer};

use crate::Error;

/// Fuel that a fuel price is for.
pub const PRICED_FUEL: Fuel = Fuel::new(1_000_000);

/// `base` and, for each million units of fuel, `fuel_price`, rounded up; at most `max_fee`.
pub fn execution_fee(base: Amount, fuel_price: Amount, fuel: Fuel, max_fee: Amount) -> Amount {
    let whole = u128::from(PRICED_FUEL.get());
    let (price, fuel) = (fuel_price.atto(), u128::from(fuel.get()));
    mul_div(price, fuel, whole)
        .and_then(|(metered, rest)| metered.checked_add(u128::from(rest > 0)))
        .and_then(|metered| base.checked_add(Amount::from_atto(metered)))
        // What does not fit an amount is more than any cap.
        .map_or(max_fee, |fee| fee.min(max_fee))
}

/// Which parts of a fee are not the executor's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// Of those who gave the capsule.
    pub seeders: BasisPoints,
    /// Of those who verify.
    pub verifiers: BasisPoints,
}

/// Who gets how much of a fee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The executor.
    pub executor: Amount,
    /// Each seeder, in the order of their ids; none who gets nothing.
    pub seeders: Vec<(NodeId, Amount)>,
    /// Each of the first distinct verifiers.
    pub bounty: Amount,
}

/// Splits a fee, so that executor, seeders and `verifiers` bounties make exactly `fee`.
///
/// Seeders share by the bytes they gave; who is listed twice counts once with the sum, and the executor is no
/// seeder of its own run. Shares are rounded down. What that leaves, and what nobody takes, is the executor's.
///
/// # Errors
/// [`Error::Shares`] if the shares exceed the whole.
pub fn split(
    fee: Amount,
    shares: Shares,
    transfers: &[Transfer],
    executor: NodeId,
    verifiers: u16,
) -> Result<Split, Error> {
    let whole = BasisPoints::WHOLE.get();
    let (seeding, verifying) = (shares.seeders.get(), shares.verifiers.get());
    if seeding.saturating_add(verifying) > whole {
        return Err(Error::Shares);
    }
    let part = |points: u16| part_of(fee.atto(), points.into(), whole.into());

    let mut given = BTreeMap::<NodeId, u128>::new();
    for transfer in transfers.iter().filter(|it| it.seeder != executor) {
        *given.entry(transfer.seeder).or_default() += u128::from(transfer.bytes.get());
    }
    let all: u128 = given.values().sum();
    let pool = part(seeding);
    let seeders: Vec<_> = given
        .into_iter()
        .filter(|(_, bytes)| *bytes > 0)
        .map(|(seeder, bytes)| (seeder, part_of(pool, bytes, all)))
        .filter(|(_, amount)| *amount > 0)
        .collect();
    let bounty = part(verifying).checked_div(verifiers.into()).unwrap_or(0);

    let others = seeders.iter().map(|(_, amount)| amount).sum::<u128>() + bounty * u128::from(verifiers);
    Ok(Split {
        executor: Amount::from_atto(fee.atto() - others),
        seeders: seeders
            .into_iter()
            .map(|(seeder, amount)| (seeder, Amount::from_atto(amount)))
            .collect(),
        bounty: Amount::from_atto(bounty),
    })
}

/// `amount · part / whole`, rounded down; `part` must not exceed `whole`, which must not be zero.
fn part_of(amount: u128, part: u128, whole: u128) -> u128 {
    let (quotient, _) = mul_div(amount, part, whole).expect("a part is not more than the whole");
    quotient
}

/// Quotient and rest of `a · b / divisor`, unless the quotient does not fit. The product has 256 bits.
fn mul_div(a: u128, b: u128, divisor: u128) -> Option<(u128, u128)> {
    let (high, low) = widening_mul(a, b);
    if high >= divisor {
        return None;
    }
    // Long division by bits. `rest` stays below the divisor; doubled it may need a 129th bit, which is `carry`.
    let (mut quotient, mut rest) = (0u128, high);
    for bit in (0..128).rev() {
        let carry = rest >> 127 == 1;
        rest = (rest << 1) | ((low >> bit) & 1);
        quotient <<= 1;
        if carry || rest >= divisor {
            rest = rest.wrapping_sub(divisor);
            quotient |= 1;
        }
    }
    Some((quotient, rest))
}

/// High and low half of a product.
fn widening_mul(a: u128, b: u128) -> (u128, u128) {
    const HALF: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & HALF, b >> 64, b & HALF);
    let low = a0 * b0;
    let middle = a1 * b0 + (low >> 64);
    let other = a0 * b1 + (middle & HALF);
    (
        a1 * b1 + (middle >> 64) + (other >> 64),
        (other << 64) | (low & HALF),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiplies_and_divides_beyond_128_bits() {
        let max = u128::MAX;
        assert_eq!(widening_mul(max, max), (max - 1, 1));
        assert_eq!(mul_div(max, max, max), Some((max, 0)));
        assert_eq!(mul_div(max, max - 1, max), Some((max - 1, 0)));
        assert_eq!(mul_div(max - 1, max - 1, max), Some((max - 2, 1)));
        assert_eq!(mul_div(max, 10_000, 10_000), Some((max, 0)));
        assert_eq!(mul_div(max, 2, 1), None);
        assert_eq!(mul_div(7, 5, 4), Some((8, 3)));
    }
}
