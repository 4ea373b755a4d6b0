use std::ops::{BitAnd, BitOr};

use crate::CapsuleHash;

/// A part of the capsules: those whose hash starts with the same two bits.
///
/// ```
/// use nonos_types::{CapsuleHash, Shard};
///
/// assert_eq!(Shard::of(&CapsuleHash::from_bytes([0b1011_1111; 32])).get(), 2);
/// assert_eq!(Shard::all().count(), 4);
/// assert_eq!(Shard::new(4), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u8);

impl Shard {
    /// How many there are.
    pub const COUNT: u8 = 4;

    /// The shard of this number, if there is one.
    pub const fn new(number: u32) -> Option<Self> {
        if number < Self::COUNT as u32 {
            Some(Self(number as u8))
        } else {
            None
        }
    }

    /// The shard of a capsule.
    pub fn of(capsule: &CapsuleHash) -> Self {
        Self(capsule.as_bytes()[0] >> 6)
    }

    /// In their order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    /// Its number, below [`Shard::COUNT`].
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// A set of shards.
///
/// ```
/// use nonos_types::{Shard, Shards};
///
/// let [first, .., last] = Shard::all().collect::<Vec<_>>()[..] else { panic!("there are four") };
/// let two: Shards = [first, last].into_iter().collect();
/// assert!(two.contains(last) && !two.is_all());
/// assert_eq!(two & Shards::from(first), Shards::from(first));
/// assert_eq!(two | Shards::ALL, Shards::ALL);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shards(u8);

impl Shards {
    /// Every shard.
    pub const ALL: Self = Self((1 << Shard::COUNT) - 1);
    /// No shard.
    pub const NONE: Self = Self(0);

    /// Is this one of them?
    pub const fn contains(self, shard: Shard) -> bool {
        self.0 & 1 << shard.0 != 0
    }

    /// Is each of the others one of them?
    pub const fn includes(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Those that are not among the others.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Are they all?
    pub const fn is_all(self) -> bool {
        self.0 == Self::ALL.0
    }

    /// Is there none?
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In their order.
    pub fn iter(self) -> impl Iterator<Item = Shard> {
        Shard::all().filter(move |shard| self.contains(*shard))
    }

    /// A bit for each, the first one's the lowest.
    pub const fn bits(self) -> u32 {
        self.0 as u32
    }

    /// Those of these bits, if no other is set.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits <= Self::ALL.0 as u32 {
            Some(Self(bits as u8))
        } else {
            None
        }
    }

    /// The bits on the wire of some, but not all of them: nothing of all.
    pub fn to_wire(self) -> Option<u32> {
        (!self.is_all()).then_some(self.bits())
    }

    /// Those of the wire: all if there is nothing; else at least one, and not all.
    pub fn from_wire(bits: Option<u32>) -> Option<Self> {
        let Some(bits) = bits else {
            return Some(Self::ALL);
        };
        Self::from_bits(bits).filter(|it| !it.is_all() && !it.is_empty())
    }
}

impl From<Shard> for Shards {
    fn from(shard: Shard) -> Self {
        Self(1 << shard.0)
    }
}

impl FromIterator<Shard> for Shards {
    fn from_iter<I: IntoIterator<Item = Shard>>(shards: I) -> Self {
        shards
            .into_iter()
            .fold(Self::NONE, |all, shard| all | shard.into())
    }
}

impl BitOr for Shards {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Shards {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
