//! SHIFT: shifts and rotations by a multiplication with `2^t`, `t = 8·q + r`.
//!
//! `a·2^r` is taken byte by byte (`u + 256·v`), the byte shift `q` by selection. `X_j` is byte `j` of
//! `a·2^t`; its low `W` bits are `lo`, the rest is `hi`.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `one-hot` | `Σr = Σq = real` | no or several shift amounts |
//! | `amount` | `s = LEFT·t + (1 − LEFT)·(64·real − 32·W32 − t)` | another amount |
//! | `bits` | `a_i·2^r = u_i + 256·v_i`, all bytes | a wrong product |
//! | `select` | `hi32 = HI·W32`, `hi64 = HI − hi32`, `lo64 = LO·(1 − W32)` | the wrong half |
//! | `top`, `sign` | `top = W32 ? a_3 : a_7`; `2·top − 256·sign = rest`, a byte | a wrong sign |
//! | `fill` | `fill = SAR·sign`, `fill64 = fill·(1 − W32)` | a wrong sign fill |
//! | `result` | byte `j` = `LO·X_j + hi·X_{j + W/8} + fill·(2^W − 2^t)_j`, upper half 0 if `W32` | a wrong result |

use super::layout::{RowMut, cells, columns, limbs, radix, sum};
use crate::air::{Builder, Bus, Column, Table, When};
use crate::isa::op;

columns! {
    /// Columns of SHIFT.
    ShiftCols {
        /// Whether the row is used.
        real: Bit,
        /// Leftwards.
        left: Bit,
        /// Width 32.
        w32: Bit,
        /// Takes the low part.
        lo: Bit,
        /// Takes the high part.
        hi: Bit,
        /// Fills with the sign.
        sar: Bit,
        /// Bytes of the operand.
        a[8]: U8,
        /// Low byte of `a_i·2^r`.
        u[8]: U8,
        /// High byte of `a_i·2^r`.
        v[8]: U8,
        /// `r`, one-hot.
        r[8]: Bit,
        /// `q`, one-hot.
        q[9]: Bit,
        /// Shift amount as the program names it.
        s: Derived { lo: -128, hi: 192, why: "a sum of 64, 32 and t ≤ 71 with signs" },
        /// `HI·W32`.
        hi32: Derived { lo: 0, hi: 1, why: "product of bits" },
        /// `HI·(1 − W32)`.
        hi64: Derived { lo: 0, hi: 1, why: "product of bits" },
        /// `LO·(1 − W32)`.
        lo64: Derived { lo: 0, hi: 1, why: "product of bits" },
        /// Top byte.
        top: Derived { lo: 0, hi: 255, why: "equals a byte of a" },
        /// Top bit.
        sign: Bit,
        /// `2·top − 256·sign`.
        rest: U8,
        /// `SAR·sign`.
        fill: Derived { lo: 0, hi: 1, why: "product of bits" },
        /// `fill·(1 − W32)`.
        fill64: Derived { lo: 0, hi: 1, why: "product of bits" },
        /// Result.
        c[4]: Derived { lo: 0, hi: 0xffff, why: "two bytes, each a sum of bytes with disjoint bits" },
    }
}

/// The SHIFT table.
#[derive(Clone, Copy, Debug)]
pub struct ShiftTable;

impl Table for ShiftTable {
    fn name(&self) -> &'static str {
        "SHIFT"
    }

    fn columns(&self) -> Vec<Column> {
        ShiftCols::layout().1.clone()
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        let t = &ShiftCols::layout().0;
        let [real, left, w32, lo, hi, sar] = cells(b, [t.real, t.left, t.w32, t.lo, t.hi, t.sar]);
        let (a, u, v) = (cells(b, t.a), cells(b, t.u), cells(b, t.v));
        let (r, q) = (cells(b, t.r), cells(b, t.q));
        let k = |v: i64| B::E::from(v);
        let wide = k(1) - w32.clone();

        b.zero("one-hot", When::Always, sum::<B>(r.clone()) - real.clone());
        b.zero("one-hot", When::Always, sum::<B>(q.clone()) - real.clone());
        let amount = sum::<B>((0..8).map(|i| r[i].clone() * k(i as i64)))
            + sum::<B>((0..9).map(|i| q[i].clone() * k(8 * i as i64)));
        let right = real.clone() * k(64) - w32.clone() * k(32) - amount.clone();
        let s = b.cur(t.s);
        b.zero(
            "amount",
            When::Always,
            s.clone() - right.clone() - left.clone() * (amount - right),
        );
        let power = radix::<B>(1, r.iter().cloned());
        for i in 0..8 {
            let product = a[i].clone() * power.clone() - u[i].clone() - v[i].clone() * k(256);
            b.zero("bits", When::Always, product);
        }

        let [hi32, hi64, lo64] = cells(b, [t.hi32, t.hi64, t.lo64]);
        b.zero("select", When::Always, hi32.clone() - hi.clone() * w32.clone());
        b.zero("select", When::Always, hi64.clone() - hi.clone() + hi32.clone());
        b.zero("select", When::Always, lo64.clone() - lo.clone() * wide.clone());
        let [top, sign, rest, fill, fill64] = cells(b, [t.top, t.sign, t.rest, t.fill, t.fill64]);
        b.zero(
            "top",
            When::Always,
            top.clone() - a[7].clone() - w32.clone() * (a[3].clone() - a[7].clone()),
        );
        b.zero("sign", When::Always, top * k(2) - sign.clone() * k(256) - rest);
        b.zero("fill", When::Always, fill.clone() - sar.clone() * sign);
        b.zero("fill", When::Always, fill64.clone() - fill.clone() * wide);

        // Byte j of a·2^r (nine of them), of a·2^t (seventeen), and of 2^64 − 2^t.
        let byte = |j: usize| match j {
            0 => u[0].clone(),
            8 => v[7].clone(),
            _ => u[j].clone() + v[j - 1].clone(),
        };
        let shifted = |j: usize| {
            sum::<B>(
                (0..9)
                    .filter(|&n| n <= j && j - n <= 8)
                    .map(|n| q[n].clone() * byte(j - n)),
            )
        };
        let ones = |j: usize| {
            sum::<B>((0..=j).map(|n| q[n].clone() * if n == j { k(256) - power.clone() } else { k(255) }))
        };
        let bytes: Vec<B::E> = (0..8)
            .map(|j| {
                let (low, sign) = if j < 4 {
                    (lo.clone(), fill.clone())
                } else {
                    (lo64.clone(), fill64.clone())
                };
                let narrow = if j < 4 {
                    hi32.clone() * shifted(j + 4)
                } else {
                    k(0)
                };
                low * shifted(j) + hi64.clone() * shifted(j + 8) + narrow + sign * ones(j)
            })
            .collect();
        let c = cells(b, t.c);
        for (c, value) in c.iter().zip(limbs::<B>(&bytes)) {
            b.zero("result", When::Always, c.clone() - value);
        }

        let bits = [
            (left, op::SHIFT_LEFT),
            (w32, op::SHIFT_W32),
            (lo, op::SHIFT_LO),
            (hi, op::SHIFT_HI),
            (sar, op::SHIFT_SAR),
        ];
        let code = sum::<B>(bits.map(|(flag, bit)| flag * k(i64::from(bit))));
        let mut message = vec![code + k(i64::from(op::SHIFT))];
        message.extend(limbs::<B>(&a));
        message.extend([s, k(0), k(0), k(0)]);
        message.extend(c);
        b.receive(Bus::Op, real, &message);
    }
}

/// Fills the row of `code(a, s) = c`.
pub(crate) fn fill(row: &mut [u64], code: u16, a: u64, s: u64, c: u64) {
    let t = &ShiftCols::layout().0;
    let mut row = RowMut(row);
    let has = |bit: u16| code & bit != 0;
    let (w32, left) = (has(op::SHIFT_W32), has(op::SHIFT_LEFT));
    row.bit(t.real, true);
    row.bit(t.left, left);
    row.bit(t.w32, w32);
    row.bit(t.lo, has(op::SHIFT_LO));
    row.bit(t.hi, has(op::SHIFT_HI));
    row.bit(t.sar, has(op::SHIFT_SAR));
    let width: u64 = if w32 { 32 } else { 64 };
    // An amount of a false trace may have no row.
    let amount = if left { s } else { width.wrapping_sub(s) } % 128;
    let (q, r) = (amount / 8, amount % 8);
    row.split(t.a, 8, a);
    for i in 0..8 {
        let product = (a >> (8 * i) & 0xff) << r;
        row.set(t.u[i], product & 0xff);
        row.set(t.v[i], product >> 8);
    }
    row.bit(t.r[r as usize], true);
    if let Some(col) = t.q.get(q as usize) {
        row.bit(*col, true);
    }
    row.set(t.s, s);
    row.bit(t.hi32, has(op::SHIFT_HI) && w32);
    row.bit(t.hi64, has(op::SHIFT_HI) && !w32);
    row.bit(t.lo64, has(op::SHIFT_LO) && !w32);
    let top = if w32 { a >> 24 & 0xff } else { a >> 56 };
    let sign = top >> 7 == 1;
    row.set(t.top, top);
    row.bit(t.sign, sign);
    row.set(t.rest, (2 * top) & 0xff);
    row.bit(t.fill, has(op::SHIFT_SAR) && sign);
    row.bit(t.fill64, has(op::SHIFT_SAR) && sign && !w32);
    row.split(t.c, 16, c);
}
