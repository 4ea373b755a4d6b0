//! Numbers that know what they count.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($int:ty), $suffix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($int);

        impl $name {
            /// None.
            pub const ZERO: Self = Self(0);
            /// The largest.
            pub const MAX: Self = Self(<$int>::MAX);

            /// This many.
            pub const fn new(count: $int) -> Self {
                Self(count)
            }

            /// How many.
            pub const fn get(self) -> $int {
                self.0
            }

            /// The sum, unless it does not fit.
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// The difference, unless it is negative.
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(difference) => Some(Self(difference)),
                    None => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{}", $suffix), self.0)
            }
        }

        impl From<$int> for $name {
            fn from(count: $int) -> Self {
                Self(count)
            }
        }
    };
}

unit! {
    /// Cost of executed instructions, in the units of `docs/spec/fuel.md`.
    Fuel(u64), ""
}
unit! {
    /// Pages of linear memory, 64 KiB each.
    Pages(u32), " pages"
}
unit! {
    /// A length in bytes.
    ByteLen(u64), " bytes"
}
unit! {
    /// Position of an executor among those of one job.
    Slot(u16), ""
}
unit! {
    /// How often this executor has tried this slot before.
    Attempt(u32), ""
}
unit! {
    /// Position in a series: of a node's descriptors, of the vouchers from one node to another, of a feed.
    Sequence(u64), ""
}
unit! {
    /// Which life of a node's books: a node that lost its newest entries goes on in the next one.
    Incarnation(u32), ""
}
unit! {
    /// Version of the provable machine: what the instructions mean and how they are lowered.
    MachineVersion(u32), ""
}
unit! {
    /// Seconds since 1970-01-01T00:00:00Z.
    Timestamp(u64), ""
}

unit! {
    /// An hour of a relay's journal: whole hours since 1970.
    Epoch(u64), ""
}

impl Epoch {
    /// Length in seconds.
    pub const SECONDS: u64 = 3600;

    /// The hour of a time.
    ///
    /// ```
    /// use nonos_types::{Epoch, Timestamp};
    ///
    /// let hour = Epoch::of(Timestamp::new(2 * Epoch::SECONDS + 1));
    /// assert_eq!(hour, Epoch::new(2));
    /// ```
    pub const fn of(at: Timestamp) -> Self {
        Self(at.0 / Self::SECONDS)
    }
}

impl Pages {
    /// Bytes of a page.
    pub const SIZE: ByteLen = ByteLen(65_536);

    /// Bytes of this many pages.
    ///
    /// ```
    /// use nonos_types::{ByteLen, Pages};
    ///
    /// assert_eq!(Pages::new(2).bytes(), ByteLen::new(131_072));
    /// ```
    pub const fn bytes(self) -> ByteLen {
        ByteLen(self.0 as u64 * Self::SIZE.0)
    }
}

impl From<usize> for ByteLen {
    fn from(len: usize) -> Self {
        Self(len as u64)
    }
}

/// Hundredths of a percent, 0 to 10,000.
///
/// ```
/// use nonos_types::BasisPoints;
///
/// assert_eq!(BasisPoints::new(10_000), Some(BasisPoints::WHOLE));
/// assert_eq!(BasisPoints::new(10_001), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BasisPoints(u16);

impl BasisPoints {
    /// The whole.
    pub const WHOLE: Self = Self(10_000);

    /// This many, unless they are more than 10,000.
    pub fn new(points: u16) -> Option<Self> {
        (points <= Self::WHOLE.0).then_some(Self(points))
    }

    /// The number of hundredths of a percent.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// Where the time comes from. Logic asks this, never the machine.
///
/// ```
/// use nonos_types::{Clock, Timestamp};
///
/// struct Fixed(u64);
/// impl Clock for Fixed {
///     fn now(&self) -> Timestamp {
///         Timestamp::new(self.0)
///     }
/// }
/// assert_eq!(Fixed(7).now().get(), 7);
/// ```
pub trait Clock {
    /// The time now. Implementations must not run backwards by more than the machine's own clock does.
    fn now(&self) -> Timestamp;
}
