//! Columns and rows.
//!
//! A posting has 99 rows: its link of the chain, its leaf before, its leaf after, and the 96 levels of the leaf's
//! path. Ten postings follow one another; the row behind them holds what they lead to.

use nonos_depin::rollup::{CHUNK, DEPTH, SUMS};

use crate::hash::{self, Permutation};

/// Logarithm of the rows.
pub(crate) const K: u32 = 10;
/// Rows of a posting.
pub(crate) const ROWS: usize = 3 + DEPTH;
/// The row behind the last posting.
pub(crate) const END: usize = CHUNK * ROWS;

/// Hash over the leaf before; on the first three rows, first half of a hash of four.
pub(crate) const OLD: Permutation = Permutation { base: 0 };
/// Hash over the leaf after; on the first three rows, second half of a hash of four.
pub(crate) const NEW: Permutation = Permutation { base: hash::COLUMNS };

macro_rules! columns {
    ($first:expr; $($(#[$doc:meta])* $name:ident: $width:expr,)*) => {
        columns!(@ $first; $($(#[$doc])* $name: $width,)*);
    };
    (@ $at:expr; $(#[$doc:meta])* $name:ident: $width:expr, $($rest:tt)*) => {
        $(#[$doc])* pub(crate) const $name: usize = $at;
        columns!(@ $name + $width; $($rest)*);
    };
    (@ $at:expr;) => {
        /// All columns of the witness.
        pub(crate) const COLUMNS: usize = $at;
    };
}

columns! { 2 * hash::COLUMNS;
    /// The four elements hashed on each of the first three rows.
    A: 1,
    B: 1,
    C: 1,
    D: 1,
    /// Root of the state tree.
    ROOT: 1,
    /// End of the chain of postings.
    CHAIN: 1,
    /// Entry and line posted from last, how many postings so far, and their sums.
    SEQUENCE: 1,
    LINE: 1,
    COUNT: 1,
    SUM: SUMS,
    /// Which sum the posting adds to, one column each; none of padding.
    KIND: SUMS,
    /// Whether the posting is the first line of its voucher.
    FIRST: 1,
    /// Whether the account has no leaf before.
    FRESH: 1,
    /// The amount.
    AMOUNT: 1,
    /// The leaf before, on the row of the leaf after.
    LEAF: 1,
    /// Numbers of the newest vouchers both ways.
    RECEIVED: 1,
    ISSUED: 1,
    /// What of the position is not climbed yet, and which child the path comes from.
    POSITION: 1,
    BIT: 1,
    /// Running quotients by 4 of what has a range; see `gates`.
    RANGE: RANGES,
}

/// Values whose range is checked.
pub(crate) const RANGES: usize = 12;

macro_rules! selectors {
    ($($(#[$doc:meta])* $name:ident => $rows:expr,)*) => {
        /// Where a constraint holds: a fixed column of ones and zeros each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum On {
            $($(#[$doc])* $name,)*
        }

        impl On {
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The rows within a posting, or the one row of all.
            fn rows(self) -> std::ops::Range<usize> {
                match self {
                    $(Self::$name => $rows,)*
                }
            }
        }
    };
}

selectors! {
    /// First row of all.
    Start => 0..1,
    /// The row behind the postings.
    End => END..END + 1,
    /// Every row of a posting.
    Every => 0..ROWS,
    /// The three hashes of four.
    Hash => 0..3,
    /// The link of the chain.
    Link => 0..1,
    /// The leaf before.
    Before => 1..2,
    /// The leaf after.
    After => 2..3,
    /// Rows whose flags go on to the next.
    Flags => 0..2,
    /// Rows behind the link, whose running values go on to the next.
    Kept => 1..ROWS,
    /// All rows but the top, where the root does.
    Rooted => 0..ROWS - 1,
    /// Levels of the path.
    Path => 3..ROWS,
    /// All but the last of them.
    Climb => 3..ROWS - 1,
    /// The last.
    Top => ROWS - 1..ROWS,
    /// 49 digits from the leaf after, and the row behind them.
    Digits98 => 2..51,
    End98 => 51..52,
    /// 32 digits.
    Digits64 => 2..34,
    End64 => 34..35,
    /// 76 digits.
    Digits152 => 2..78,
    End152 => 78..79,
    /// 32 digits from the link.
    DigitsGap => 0..32,
    EndGap => 32..33,
}

impl On {
    /// Every row that it is on.
    pub(crate) fn all_rows(self) -> Vec<usize> {
        if matches!(self, Self::Start | Self::End) {
            return self.rows().collect();
        }
        (0..CHUNK)
            .flat_map(|posting| self.rows().map(move |row| posting * ROWS + row))
            .collect()
    }
}

/// Fixed columns: the selectors, and the posting's number on its first row.
pub(crate) const FIXED: usize = On::ALL.len() + 1;

/// Public columns.
pub(crate) mod public {
    use nonos_depin::rollup::SUMS;

    /// Before on the first row, after on the last.
    pub(crate) const ROOT: usize = 0;
    pub(crate) const CHAIN: usize = 1;
    pub(crate) const SEQUENCE: usize = 2;
    pub(crate) const LINE: usize = 3;
    /// Whether the chunk opens a batch, on the first row; how many postings, on the last.
    pub(crate) const COUNT: usize = 4;
    /// On the last row.
    pub(crate) const SUM: usize = 5;
    /// On every row of a leaf after.
    pub(crate) const LIMIT: usize = SUM + SUMS;
    pub(crate) const COLUMNS: usize = LIMIT + 1;
}
