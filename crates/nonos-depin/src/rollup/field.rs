//! Field elements as bytes, and the hash that can be proved.

use std::fmt;

use ff::{Field, PrimeField};
pub use nonos_seal::poseidon::Fp;
use nonos_seal::poseidon::{WIDTH, permute};
use serde::{Serialize, Serializer};

/// An element of Pallas' base field: a root of the state tree, a node of it, or the end of a chain of postings.
///
/// Its bytes are little-endian and below the field's order, so that each has one encoding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Root(Fp);

impl Root {
    /// The empty leaf, and where a chain of postings starts.
    pub const ZERO: Self = Self(Fp::ZERO);

    /// Of a field element.
    pub const fn new(element: Fp) -> Self {
        Self(element)
    }

    /// The field element.
    pub const fn element(self) -> Fp {
        self.0
    }

    /// Reads 32 bytes; `None` if they are not below the field's order.
    pub fn from_bytes(bytes: [u8; 32]) -> Option<Self> {
        Option::from(Fp::from_repr(bytes)).map(Self)
    }

    /// The 32 bytes.
    pub fn to_bytes(self) -> [u8; 32] {
        self.0.to_repr()
    }

    /// Hash of two: a node of the tree.
    pub fn of_two(left: Self, right: Self) -> Self {
        Self(hash(&[left.0, right.0]))
    }

    /// Hash of four: a leaf of the tree, or a link of the chain of postings.
    pub fn of_four(elements: [Fp; 4]) -> Self {
        Self(hash(&elements))
    }
}

/// Poseidon (`P128Pow5T3`, `ConstantLength`) of an even number of elements.
fn hash(elements: &[Fp]) -> Fp {
    let length = Fp::from_u128((elements.len() as u128) << 64);
    let mut state: [Fp; WIDTH] = [Fp::ZERO, Fp::ZERO, length];
    for pair in elements.as_chunks::<2>().0 {
        state[0] += pair[0];
        state[1] += pair[1];
        permute(&mut state);
    }
    state[0]
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.to_bytes();
        digits.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({self})")
    }
}

impl Serialize for Root {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_bytes_beyond_the_order_of_the_field() {
        let largest = Root::new(-Fp::ONE).to_bytes();
        assert_eq!(Root::from_bytes(largest), Some(Root::new(-Fp::ONE)));
        let mut order = largest;
        order[0] += 1; // Its lowest byte is zero.
        assert_eq!(Root::from_bytes(order), None);
        assert_eq!(Root::from_bytes([0xff; 32]), None);
    }
}
