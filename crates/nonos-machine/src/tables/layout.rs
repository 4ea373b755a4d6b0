//! Declaring a table's columns as a struct of [`Col`] indices.

/// Declares `pub struct $name` with one field per column (or array of columns), and `layout()` that returns
/// it together with the [`Column`](crate::air::Column) list in declaration order.
macro_rules! columns {
    (@ty) => { $crate::air::Col };
    (@ty $n:literal) => { [$crate::air::Col; $n] };
    (@make $list:ident $field:ident $range:expr;) => {{
        let col = $crate::air::Col($list.len() as u16);
        $list.push($crate::air::Column { name: stringify!($field), range: $range });
        col
    }};
    (@make $list:ident $field:ident $range:expr; $n:literal) => {
        std::array::from_fn::<_, $n, _>(|i| {
            let col = $crate::air::Col($list.len() as u16);
            let name: &'static str = Box::leak(format!("{}[{i}]", stringify!($field)).into_boxed_str());
            $list.push($crate::air::Column { name, range: $range });
            col
        })
    };
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident $([$n:literal])? : $range:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub(crate) struct $name { $($(#[$fdoc])* pub(crate) $field: $crate::tables::layout::columns!(@ty $($n)?),)* }

        impl $name {
            /// The column indices and the columns.
            pub(crate) fn layout() -> &'static (Self, Vec<$crate::air::Column>) {
                static LAYOUT: std::sync::LazyLock<($name, Vec<$crate::air::Column>)> =
                    std::sync::LazyLock::new(|| {
                        use $crate::air::Range::*;
                        let mut list: Vec<$crate::air::Column> = Vec::new();
                        $(let $field = $crate::tables::layout::columns!(@make list $field $range; $($n)?);)*
                        ($name { $($field,)* }, list)
                    });
                &LAYOUT
            }
        }
    };
}
pub(crate) use columns;

use crate::air::{Builder, Col};

/// The current row's cells of an array of columns.
pub(crate) fn cells<B: Builder, const N: usize>(b: &B, cols: [Col; N]) -> [B::E; N] {
    cols.map(|col| b.cur(col))
}

/// `Σ terms[i]·2^{bits·i}`.
pub(crate) fn radix<B: Builder>(bits: u32, terms: impl IntoIterator<Item = B::E>) -> B::E {
    terms
        .into_iter()
        .enumerate()
        .fold(B::E::from(0), |sum, (i, term)| {
            sum + term * B::E::from(1 << (bits * i as u32))
        })
}

/// `Σ terms[i]`.
pub(crate) fn sum<B: Builder>(terms: impl IntoIterator<Item = B::E>) -> B::E {
    terms.into_iter().fold(B::E::from(0), |sum, term| sum + term)
}

/// Sixteen-bit limbs from bytes: `bytes[2i] + 256·bytes[2i + 1]`.
pub(crate) fn limbs<B: Builder>(bytes: &[B::E]) -> Vec<B::E> {
    bytes
        .chunks(2)
        .map(|pair| radix::<B>(8, pair.iter().cloned()))
        .collect()
}

/// Writes one row of cells.
pub(crate) struct RowMut<'a>(pub(crate) &'a mut [u64]);

impl RowMut<'_> {
    pub(crate) fn set(&mut self, col: Col, value: u64) {
        self.0[usize::from(col.0)] = value;
    }

    pub(crate) fn bit(&mut self, col: Col, value: bool) {
        self.set(col, u64::from(value));
    }

    /// Little-endian limbs of `bits` each.
    pub(crate) fn split<const N: usize>(&mut self, cols: [Col; N], bits: u32, value: u64) {
        for (i, col) in cols.into_iter().enumerate() {
            self.set(col, value >> (bits * i as u32) & ((1 << bits) - 1));
        }
    }

    /// `stamp − 1 − prev` as 16 and 8 bits.
    pub(crate) fn gap(&mut self, lo: Col, hi: Col, stamp: u64, prev: u32) {
        let gap = stamp.wrapping_sub(1).wrapping_sub(u64::from(prev));
        self.set(lo, gap & 0xffff);
        self.set(hi, gap >> 16);
    }
}

/// What an `EXT` step hands to the table that answers it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExtStep {
    /// Operation code.
    pub(crate) code: u16,
    /// Time of the step.
    pub(crate) clk: u64,
    /// Memory pages before it.
    pub(crate) pages: u32,
    /// Immediate.
    pub(crate) imm: u64,
    /// First operand.
    pub(crate) a: u64,
    /// Value consumed or produced.
    pub(crate) c: u64,
}
