//! CELLS: the first and last value of every cell that a run touches (the boundary of offline memory checking).
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `key13`, `gap13` | `8·hi` is 16-bit | keys that wrap in a small field |
//! | `prefix` | `real'·(1 − real) = 0` | rows after a gap, whose order is not checked |
//! | `order` | `real'·(key' − key − 1 − gap) = 0`, `gap` of 29 bits | a cell initialised twice |
//! | `zero-init` | `(1 − DATA)·init_i = 0` | an initial value that the program does not set |
//! | `marks` | `DATA·(1 − real) = OUT·(1 − real) = 0` | initial values without a cell |
//!
//! The verifier receives each word of the program's initial memory once from the `DATA` rows, and the final
//! position of each output tape once from the `OUT` rows. Keys being unique, a data word cannot also be
//! claimed to be zero, nor be left out.

use super::layout::{RowMut, cells, columns};
use crate::air::{Builder, Bus, Column, Table, When};
use crate::trace::Cell;

columns! {
    /// Columns of CELLS.
    CellsCols {
        /// Whether the row is used.
        real: Bit,
        /// The initial value is set by the program.
        data: Bit,
        /// The final value is public.
        out: Bit,
        /// Key, low 16 bits.
        key_lo: U16,
        /// Key, high 13 bits.
        key_hi: U16,
        /// `8·key_hi`.
        key13: U16,
        /// Distance to the next key less 1, low 16 bits.
        gap_lo: U16,
        /// … high 13 bits.
        gap_hi: U16,
        /// `8·gap_hi`.
        gap13: U16,
        /// Initial value.
        init[4]: U16,
        /// Final value.
        last[4]: Moved,
        /// Stamp of the last access, low part.
        stamp_lo: U16,
        /// Stamp of the last access, high part.
        stamp_hi: U8,
    }
}

/// The CELLS table.
#[derive(Clone, Copy, Debug)]
pub struct CellsTable;

impl Table for CellsTable {
    fn name(&self) -> &'static str {
        "CELLS"
    }

    fn columns(&self) -> Vec<Column> {
        CellsCols::layout().1.clone()
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        let t = &CellsCols::layout().0;
        let k = |v: i64| B::E::from(v);
        let [real, data, out] = cells(b, [t.real, t.data, t.out]);
        let [key_lo, key_hi, gap_lo, gap_hi] = cells(b, [t.key_lo, t.key_hi, t.gap_lo, t.gap_hi]);
        let (init, last) = (cells(b, t.init), cells(b, t.last));
        b.zero("key13", When::Always, b.cur(t.key13) - key_hi.clone() * k(8));
        b.zero("gap13", When::Always, b.cur(t.gap13) - gap_hi.clone() * k(8));
        let key = key_lo + key_hi * k(1 << 16);
        let gap = gap_lo + gap_hi * k(1 << 16);
        let next_key = b.next(t.key_lo) + b.next(t.key_hi) * k(1 << 16);
        b.zero("prefix", When::Transition, b.next(t.real) * (k(1) - real.clone()));
        b.zero(
            "order",
            When::Transition,
            b.next(t.real) * (next_key - key.clone() - k(1) - gap),
        );
        for limb in &init {
            b.zero("zero-init", When::Always, (k(1) - data.clone()) * limb.clone());
        }
        b.zero("marks", When::Always, data.clone() * (k(1) - real.clone()));
        b.zero("marks", When::Always, out.clone() * (k(1) - real.clone()));

        let with = |stamp: Option<B::E>, value: &[B::E; 4]| {
            let mut message = vec![key.clone()];
            message.extend(stamp);
            message.extend(value.iter().cloned());
            message
        };
        let stamp = b.cur(t.stamp_lo) + b.cur(t.stamp_hi) * k(1 << 16);
        b.send(Bus::Memory, real.clone(), &with(Some(k(0)), &init));
        b.receive(Bus::Memory, real, &with(Some(stamp), &last));
        b.send(Bus::Data, data, &with(None, &init));
        b.send(Bus::Final, out, &with(None, &last));
    }
}

/// Fills the row of a cell; `next` is the key of the one after it.
pub(crate) fn fill(row: &mut [u64], cell: &Cell, next: Option<u32>, data: bool, out: bool) {
    let t = &CellsCols::layout().0;
    let mut row = RowMut(row);
    row.bit(t.real, true);
    row.bit(t.data, data);
    row.bit(t.out, out);
    let split = [
        (t.key_lo, t.key_hi, Some(t.key13), cell.key),
        (t.stamp_lo, t.stamp_hi, None, cell.stamp),
    ];
    let gap = next.map(|next| (t.gap_lo, t.gap_hi, Some(t.gap13), next - cell.key - 1));
    for (lo, hi, hi4, value) in split.into_iter().chain(gap) {
        row.set(lo, u64::from(value & 0xffff));
        row.set(hi, u64::from(value >> 16));
        if let Some(col) = hi4 {
            row.set(col, u64::from(value >> 16 << 3));
        }
    }
    row.split(t.init, 16, cell.init);
    row.split(t.last, 16, cell.last);
}
