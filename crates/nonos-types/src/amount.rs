//! Money: whole atto-NONOS, checked arithmetic, no floats.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Error;

/// An amount of NONOS, counted in atto-NONOS (10⁻¹⁸).
///
/// On the wire 16 bytes, big-endian; in JSON a string of atto-NONOS in decimal; in text `0.0001 NONOS`.
///
/// ```
/// use nonos_types::Amount;
///
/// let fee: Amount = "0.0001 NONOS".parse()?;
/// assert_eq!(fee.atto(), 100_000_000_000_000);
/// assert_eq!(fee.to_string(), "0.0001 NONOS");
/// assert_eq!(Amount::from_be_bytes(fee.to_be_bytes()), fee);
/// assert!("0.0000000000000000001 NONOS".parse::<Amount>().is_err()); // finer than atto
/// assert_eq!(Amount::MAX.checked_add(fee), None);
/// # Ok::<_, nonos_types::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u128);

/// Decimals of a NONOS.
const DECIMALS: usize = 18;
const ATTO_PER_NONOS: u128 = 10u128.pow(DECIMALS as u32);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest.
    pub const MAX: Self = Self(u128::MAX);

    /// This many atto-NONOS.
    pub const fn from_atto(atto: u128) -> Self {
        Self(atto)
    }

    /// Atto-NONOS.
    pub const fn atto(self) -> u128 {
        self.0
    }

    /// From the 16 bytes of the wire.
    pub const fn from_be_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// The 16 bytes of the wire.
    pub const fn to_be_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The sum, unless it does not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, unless it is negative.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The product, unless it does not fit.
    pub fn checked_mul(self, factor: u64) -> Option<Self> {
        self.0.checked_mul(u128::from(factor)).map(Self)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / ATTO_PER_NONOS, self.0 % ATTO_PER_NONOS);
        if rest == 0 {
            return write!(f, "{whole} NONOS");
        }
        let decimals = format!("{rest:0DECIMALS$}");
        write!(f, "{whole}.{} NONOS", decimals.trim_end_matches('0'))
    }
}

impl FromStr for Amount {
    type Err = Error;

    /// Reads `1 NONOS`, `0.0001 NONOS`: digits, a point with at most 18 digits after it, the unit.
    fn from_str(text: &str) -> Result<Self, Error> {
        let number = text.strip_suffix(" NONOS").ok_or(Error::BadAmount)?;
        let (whole, decimals) = match number.split_once('.') {
            Some((whole, decimals)) => (digits(whole)?, Some(decimals)),
            None => (digits(number)?, None),
        };
        let rest = match decimals {
            None => 0,
            Some(text) if text.len() <= DECIMALS => {
                digits(&format!("{text:0<DECIMALS$}")).and_then(|rest| {
                    if text.is_empty() {
                        Err(Error::BadAmount)
                    } else {
                        Ok(rest)
                    }
                })?
            }
            Some(_) => return Err(Error::BadAmount),
        };
        whole
            .checked_mul(ATTO_PER_NONOS)
            .and_then(|atto| atto.checked_add(rest))
            .map(Self)
            .ok_or(Error::BadAmount)
    }
}

/// Digits only: `parse` alone would take a sign.
fn digits(text: &str) -> Result<u128, Error> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Error::BadAmount);
    }
    text.parse().map_err(|_| Error::BadAmount)
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        digits(&text).map(Self).map_err(de::Error::custom)
    }
}
