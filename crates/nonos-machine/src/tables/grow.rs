//! GROW: `memory.grow` and `memory.size`.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `case` | `ok + high + over = real` | growth that both succeeds and fails |
//! | `high` | `high·(1 − inv·d_1) = 0`, `(1 − high)·d_1 = 0` | failing for want of a high limb, succeeding with one |
//! | `slack` | `ok·(max − pages − d_0 − slack) = 0`, `over·(d_0 − max + pages − real − slack) = 0` | growth past the limit; refusal within it |
//! | `hint` | `high·slack = 0`, `(1 − high)·inv = 0` | values that nothing reads |
//! | `delta` | `dpages = ok·d_0` | other growth |
//! | `result` | `c_0 = ok·pages + (1 − ok)·(2^16 − 1)`, `c_1 = (real − ok)·(2^16 − 1)` | another result |

use super::layout::{ExtStep, RowMut, cells, columns};
use crate::air::{Builder, Bus, Column, Table, When};
use crate::isa::ext;

columns! {
    /// Columns of GROW.
    GrowCols {
        /// Whether the row is used.
        real: Bit,
        /// Growth succeeds.
        ok: Bit,
        /// Fails: 2^16 pages or more.
        high: Bit,
        /// Fails: over the limit.
        over: Bit,
        /// Time.
        clk_lo: U16,
        /// Time, high part.
        clk_hi: U8,
        /// Pages before.
        pages: U16,
        /// Greatest number of pages.
        max: U16,
        /// Pages asked for.
        d[2]: U16,
        /// Distance to the limit.
        slack: U16,
        /// Inverse of `d_1`.
        inv: Inverse,
        /// Pages added.
        dpages: Derived { lo: 0, hi: 0xffff, why: "0 or d_0" },
        /// Result.
        c[2]: Derived { lo: 0, hi: 0xffff, why: "pages or 2^16 − 1" },
    }
}

/// The GROW table.
#[derive(Clone, Copy, Debug)]
pub struct GrowTable;

impl Table for GrowTable {
    fn name(&self) -> &'static str {
        "GROW"
    }

    fn columns(&self) -> Vec<Column> {
        GrowCols::layout().1.clone()
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        let t = &GrowCols::layout().0;
        let k = |v: i64| B::E::from(v);
        let [real, ok, high, over] = cells(b, [t.real, t.ok, t.high, t.over]);
        let [pages, max, slack, dpages, inv] = cells(b, [t.pages, t.max, t.slack, t.dpages, t.inv]);
        let [d0, d1] = cells(b, t.d);
        let [c0, c1] = cells(b, t.c);
        b.zero(
            "case",
            When::Always,
            ok.clone() + high.clone() + over.clone() - real.clone(),
        );
        b.zero(
            "high",
            When::Always,
            high.clone() * (k(1) - inv.clone() * d1.clone()),
        );
        b.zero("high", When::Always, (k(1) - high.clone()) * d1.clone());
        b.zero("hint", When::Always, high.clone() * slack.clone());
        b.zero("hint", When::Always, (k(1) - high) * inv);
        let left = max.clone() - pages.clone();
        b.zero(
            "slack",
            When::Always,
            ok.clone() * (left.clone() - d0.clone() - slack.clone()),
        );
        b.zero(
            "slack",
            When::Always,
            over * (d0.clone() - left - real.clone() - slack),
        );
        b.zero("delta", When::Always, dpages.clone() - ok.clone() * d0.clone());
        let failed = (real.clone() - ok.clone()) * k(0xffff);
        b.zero(
            "result",
            When::Always,
            c0.clone() - ok * pages.clone() - failed.clone(),
        );
        b.zero("result", When::Always, c1.clone() - failed);

        let clk = b.cur(t.clk_lo) + b.cur(t.clk_hi) * k(1 << 16);
        let mut message = vec![k(i64::from(ext::GROW)), clk, pages, dpages];
        message.extend([d0, d1, k(0), k(0), max, k(0), c0, c1, k(0), k(0)]);
        b.receive(Bus::Ext, real, &message);
    }
}

/// Fills the row of growth by `a` pages.
pub(crate) fn fill(row: &mut [u64], step: &ExtStep) {
    let ExtStep {
        clk,
        pages,
        imm: max,
        a: delta,
        ..
    } = *step;
    let t = &GrowCols::layout().0;
    let mut row = RowMut(row);
    let pages = u64::from(pages);
    let (d0, d1) = (delta & 0xffff, delta >> 16);
    let ok = d1 == 0 && pages + d0 <= max;
    row.bit(t.real, true);
    row.bit(t.ok, ok);
    row.bit(t.high, d1 != 0);
    row.bit(t.over, !ok && d1 == 0);
    row.set(t.clk_lo, clk & 0xffff);
    row.set(t.clk_hi, clk >> 16);
    row.set(t.pages, pages);
    row.set(t.max, max);
    row.split(t.d, 16, delta);
    let slack = if ok {
        max - pages - d0
    } else if d1 == 0 {
        pages + d0 - max - 1
    } else {
        0
    };
    row.set(t.slack, slack);
    row.set(t.inv, d1);
    row.set(t.dpages, if ok { d0 } else { 0 });
    row.set(t.c[0], if ok { pages } else { 0xffff });
    row.set(t.c[1], if ok { 0 } else { 0xffff });
}
