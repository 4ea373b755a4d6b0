//! GLOBAL: reads and writes of mutable globals.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `get` | `(1 − SET)·(new_i − old_i) = 0` | a read that writes |
//!
//! The value of the message is `new`: what was read, or what is written. The index is `a + imm`, of which `a` has
//! 16 bits and `imm` 17: a message with more finds no row here.

use super::layout::{ExtStep, RowMut, cells, columns};
use super::step::access;
use crate::air::{Builder, Bus, Column, Table, When};
use crate::isa::{INDEX_BITS, Space, ext};
use crate::trace::Access;

columns! {
    /// Columns of GLOBAL.
    GlobalCols {
        /// Whether the row is used.
        real: Bit,
        /// Writes.
        set: Bit,
        /// Time.
        clk_lo: U16,
        /// Time, high part.
        clk_hi: U8,
        /// Memory pages.
        pages: U16,
        /// Index operand.
        a: Moved,
        /// Constant offset, low limb.
        f_lo: Moved,
        /// Constant offset, bit 16.
        f_hi: Bit,
        /// Value before.
        old[4]: Moved,
        /// Value after.
        new[4]: Moved,
        /// Stamp gap, low part.
        gap_lo: U16,
        /// Stamp gap, high part.
        gap_hi: U8,
    }
}

/// The GLOBAL table.
#[derive(Clone, Copy, Debug)]
pub struct GlobalTable;

impl Table for GlobalTable {
    fn name(&self) -> &'static str {
        "GLOBAL"
    }

    fn columns(&self) -> Vec<Column> {
        GlobalCols::layout().1.clone()
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        let t = &GlobalCols::layout().0;
        let k = |v: i64| B::E::from(v);
        let [real, set, pages] = cells(b, [t.real, t.set, t.pages]);
        let [a, f_lo, f_hi] = cells(b, [t.a, t.f_lo, t.f_hi]);
        let (old, new) = (cells(b, t.old), cells(b, t.new));
        for i in 0..4 {
            b.zero(
                "get",
                When::Always,
                (k(1) - set.clone()) * (new[i].clone() - old[i].clone()),
            );
        }
        let clk = b.cur(t.clk_lo) + b.cur(t.clk_hi) * k(1 << 16);
        let gap = b.cur(t.gap_lo) + b.cur(t.gap_hi) * k(1 << 16);
        let index = a.clone() + f_lo.clone() + f_hi.clone() * k(1 << 16);
        let key = real.clone() * k(i64::from(Space::Global as u8) << INDEX_BITS) + index;
        access(b, real.clone(), key, clk.clone() * k(4) + k(2), gap, &old, &new);

        let code = set * k(i64::from(ext::GLOBAL_SET)) + k(i64::from(ext::GLOBAL));
        let mut message = vec![code, clk, pages, k(0), a, k(0), k(0), k(0), f_lo, f_hi];
        message.extend(new);
        b.receive(Bus::Ext, real, &message);
    }
}

/// Fills the row of an access to global `a + imm`.
pub(crate) fn fill(row: &mut [u64], step: &ExtStep, access: &Access) {
    let ExtStep {
        code,
        clk,
        pages,
        imm,
        a,
        ..
    } = *step;
    let t = &GlobalCols::layout().0;
    let mut row = RowMut(row);
    row.bit(t.real, true);
    row.bit(t.set, code & ext::GLOBAL_SET != 0);
    row.set(t.clk_lo, clk & 0xffff);
    row.set(t.clk_hi, clk >> 16);
    row.set(t.pages, u64::from(pages));
    row.set(t.a, a & 0xffff);
    row.set(t.f_lo, imm & 0xffff);
    row.bit(t.f_hi, imm >> 16 & 1 == 1);
    row.split(t.old, 16, access.old);
    row.split(t.new, 16, access.new);
    row.gap(t.gap_lo, t.gap_hi, 4 * clk + 2, access.prev);
}
