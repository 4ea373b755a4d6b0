//! Money that may be owed either way.

use std::fmt;

use nonos_types::Amount;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An amount with a sign, counted in atto-NONOS (10⁻¹⁸).
///
/// In JSON a string of atto-NONOS in decimal; in text `-0.1 NONOS`.
///
/// ```
/// use nonos_depin::SignedAmount;
///
/// let debt = SignedAmount::from_atto(-100_000_000_000_000_000);
/// assert_eq!(debt.to_string(), "-0.1 NONOS");
/// assert_eq!(debt.checked_neg().and_then(|it| it.checked_add(debt)), Some(SignedAmount::ZERO));
/// assert_eq!(serde_json::to_string(&debt)?, "\"-100000000000000000\"");
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignedAmount(i128);

impl SignedAmount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// This many atto-NONOS.
    pub const fn from_atto(atto: i128) -> Self {
        Self(atto)
    }

    /// Atto-NONOS.
    pub const fn atto(self) -> i128 {
        self.0
    }

    /// The sum, unless it does not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, unless it does not fit.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The opposite, unless it does not fit.
    pub fn checked_neg(self) -> Option<Self> {
        self.0.checked_neg().map(Self)
    }

    /// The amount without its sign.
    pub const fn magnitude(self) -> Amount {
        Amount::from_atto(self.0.unsigned_abs())
    }

    /// The amount, unless it is negative.
    pub fn non_negative(self) -> Option<Amount> {
        u128::try_from(self.0).ok().map(Amount::from_atto)
    }
}

impl TryFrom<Amount> for SignedAmount {
    type Error = std::num::TryFromIntError;

    fn try_from(amount: Amount) -> Result<Self, Self::Error> {
        i128::try_from(amount.atto()).map(Self)
    }
}

impl fmt::Display for SignedAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}", self.magnitude())
    }
}

impl Serialize for SignedAmount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SignedAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let atto: i128 = text.parse().map_err(de::Error::custom)?;
        // One text per value: no `+1`, `01` or `-0`.
        if atto.to_string() == text {
            Ok(Self(atto))
        } else {
            Err(de::Error::custom("not a whole number in its shortest form"))
        }
    }
}
