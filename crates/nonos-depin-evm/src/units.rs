//! Addresses and amounts of the chain.

use std::{fmt, str::FromStr};

use crate::Error;

/// An account or a contract: 20 bytes.
///
/// ```
/// use nonos_depin_evm::Address;
///
/// let address: Address = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266".parse()?;
/// assert_eq!(address.to_string(), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
/// // Letters of both cases are a checksum.
/// assert!("0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266".parse::<Address>().is_err());
/// # Ok::<_, nonos_depin_evm::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub(crate) alloy_primitives::Address);

impl Address {
    /// These bytes.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(alloy_primitives::Address::new(bytes))
    }

    /// The bytes.
    pub const fn to_bytes(self) -> [u8; 20] {
        self.0.into_array()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_checksum(None))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadAddress {
            text: text.chars().take(64).collect(),
        };
        let digits = text.strip_prefix("0x").ok_or_else(bad)?;
        let address: alloy_primitives::Address = text.parse().map_err(|_| bad())?;
        let of_both_cases = digits.contains(|c: char| c.is_ascii_lowercase())
            && digits.contains(|c: char| c.is_ascii_uppercase());
        if of_both_cases && address.to_checksum(None) != text {
            return Err(bad());
        }
        Ok(Self(address))
    }
}

/// The smallest unit of the chain's own money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wei(u128);

impl Wei {
    /// This many.
    pub const fn new(wei: u128) -> Self {
        Self(wei)
    }

    /// This many thousand millions: what gas is priced in.
    pub const fn from_gwei(gwei: u64) -> Self {
        Self(gwei as u128 * 1_000_000_000)
    }

    /// How many.
    pub const fn get(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Wei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} wei", self.0)
    }
}
