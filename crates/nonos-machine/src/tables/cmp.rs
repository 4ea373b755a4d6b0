//! CMP: comparisons of two words.
//!
//! `d = a − b` modulo 2^64 with borrows; the last borrow is unsigned order, and signed order is
//! `borrow + sign(a) − sign(b)`.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `kind` | `EQ + LT = real`, `SIGNED·(1 − LT) = 0` | two answers at once |
//! | `borrow` | `a_i − b_i − k_{i−1} + 2^16·k_i = d_i` | a wrong order |
//! | `top` | `top = W32 ? limb 1 : limb 3`, for `a` and `b` | the sign of another limb |
//! | `sign` | `2·SIGNED·top − 2^16·s − rest = 0`, `rest` 16-bit | a wrong sign; a sign in an unsigned order |
//! | `equal` | `e·Σd = 0`, `real·(1 − e − inv·Σd) = 0` | a wrong equality |
//! | `hint` | `e·inv = 0` | an inverse of 0, which nothing reads |
//! | `result` | `r = y + NEG − 2·NEG·y`, `y = LT·(k_3 + s_a − s_b) + EQ·e` | a wrong result |

use super::layout::{RowMut, cells, columns, sum};
use crate::air::{Builder, Bus, Column, Table, When};
use crate::isa::op;

columns! {
    /// Columns of CMP.
    CmpCols {
        /// Whether the row is used.
        real: Bit,
        /// Tests equality.
        eq: Bit,
        /// Tests order.
        lt: Bit,
        /// Negates.
        neg: Bit,
        /// Signed order.
        signed: Bit,
        /// The sign is bit 31.
        w32: Bit,
        /// First operand.
        a[4]: U16,
        /// Second operand.
        b[4]: U16,
        /// Difference.
        d[4]: U16,
        /// Borrows.
        k[4]: Bit,
        /// Top limbs of `a` and `b`.
        top[2]: Derived { lo: 0, hi: 0xffff, why: "equals a limb of a or b" },
        /// Signs.
        sign[2]: Bit,
        /// `2·SIGNED·top − 2^16·sign`.
        rest[2]: U16,
        /// `d = 0`.
        e: Bit,
        /// Inverse of the sum of `d`'s limbs.
        inv: Inverse,
        /// Result.
        r: Bit,
    }
}

/// The CMP table.
#[derive(Clone, Copy, Debug)]
pub struct CmpTable;

impl Table for CmpTable {
    fn name(&self) -> &'static str {
        "CMP"
    }

    fn columns(&self) -> Vec<Column> {
        CmpCols::layout().1.clone()
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        let t = &CmpCols::layout().0;
        let [real, eq, lt, neg, signed, w32] = cells(b, [t.real, t.eq, t.lt, t.neg, t.signed, t.w32]);
        let (va, vb, d, k) = (cells(b, t.a), cells(b, t.b), cells(b, t.d), cells(b, t.k));
        let one = || B::E::from(1);

        b.zero("kind", When::Always, eq.clone() + lt.clone() - real.clone());
        b.zero("kind", When::Always, signed.clone() * (one() - lt.clone()));
        for i in 0..4 {
            let borrow = if i == 0 { B::E::from(0) } else { k[i - 1].clone() };
            let limb = va[i].clone() - vb[i].clone() - borrow + k[i].clone() * B::E::from(1 << 16);
            b.zero("borrow", When::Always, limb - d[i].clone());
        }
        let sign = cells(b, t.sign);
        for (n, v) in [&va, &vb].into_iter().enumerate() {
            let top = b.cur(t.top[n]);
            let limb = v[3].clone() + w32.clone() * (v[1].clone() - v[3].clone());
            b.zero("top", When::Always, top.clone() - limb);
            let double = signed.clone() * top * B::E::from(2);
            b.zero(
                "sign",
                When::Always,
                double - sign[n].clone() * B::E::from(1 << 16) - b.cur(t.rest[n]),
            );
        }
        let (e, inv, total) = (b.cur(t.e), b.cur(t.inv), sum::<B>(d));
        b.zero("hint", When::Always, e.clone() * inv.clone());
        b.zero("equal", When::Always, e.clone() * total.clone());
        b.zero(
            "equal",
            When::Always,
            real.clone() * (one() - e.clone() - inv * total),
        );
        let y = lt.clone() * (k[3].clone() + sign[0].clone() - sign[1].clone()) + eq.clone() * e;
        let r = b.cur(t.r);
        let result = y.clone() + neg.clone() - neg.clone() * y * B::E::from(2);
        b.zero("result", When::Always, r.clone() - result);

        let bits = [
            (eq, op::CMP_EQ),
            (lt, op::CMP_LT),
            (neg, op::CMP_NEG),
            (signed, op::CMP_SIGNED),
            (w32, op::CMP_W32),
        ];
        let code = sum::<B>(bits.map(|(flag, bit)| flag * B::E::from(i64::from(bit))));
        let mut message = vec![code + B::E::from(i64::from(op::CMP))];
        message.extend(va.into_iter().chain(vb));
        message.extend([r, B::E::from(0), B::E::from(0), B::E::from(0)]);
        b.receive(Bus::Op, real, &message);
    }
}

/// Fills the row of `code(a, b) = c`.
pub(crate) fn fill(row: &mut [u64], code: u16, a: u64, b: u64, c: u64) {
    let t = &CmpCols::layout().0;
    let mut row = RowMut(row);
    let bits = [
        (t.eq, op::CMP_EQ),
        (t.lt, op::CMP_LT),
        (t.neg, op::CMP_NEG),
        (t.signed, op::CMP_SIGNED),
        (t.w32, op::CMP_W32),
    ];
    row.bit(t.real, true);
    for (col, bit) in bits {
        row.bit(col, code & bit != 0);
    }
    let d = a.wrapping_sub(b);
    row.split(t.a, 16, a);
    row.split(t.b, 16, b);
    row.split(t.d, 16, d);
    for (i, col) in t.k.into_iter().enumerate() {
        let mask = u64::MAX >> (48 - 16 * i);
        row.bit(col, a & mask < b & mask);
    }
    let signed = code & op::CMP_SIGNED != 0;
    for (n, v) in [a, b].into_iter().enumerate() {
        let top = if code & op::CMP_W32 != 0 {
            v >> 16 & 0xffff
        } else {
            v >> 48
        };
        let sign = signed && top >> 15 == 1;
        row.set(t.top[n], top);
        row.bit(t.sign[n], sign);
        row.set(t.rest[n], if signed { (2 * top) & 0xffff } else { 0 });
    }
    row.bit(t.e, d == 0);
    row.set(t.inv, (0..4).map(|i| d >> (16 * i) & 0xffff).sum());
    row.set(t.r, c);
}
