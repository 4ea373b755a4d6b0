//! DIV: quotients and remainders, and the two ways in which a division traps.
//!
//! With `n`, `d` the magnitudes of the operands, `q·d + r = n` exactly and `r < d` has one solution, and none
//! for `d = 0`. The result is `v = REM ? r : q` with its sign. A row is one of three cases: a division
//! (`ok`), one by zero, one whose quotient does not fit. In the last two nothing is divided: there `n` counts
//! as 0 in `product`, so that `q`, `r` and the result are 0.
//!
//! Sums and products are of bytes and 16-bit limbs: none reaches 2^25, so they hold over the integers in any
//! field of 31 bits or more. "± as `s`" is one formula for `x = y` (`s = 0`, then all carries are 0) and
//! `x + y = 2^W` or `x = y = 0` (`s = 1`): `x_i = (1 − 2s)·y_i + 2^16·k_i − k_{i−1}`; where `W32`, `k_1` goes no further.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `kind` | `ok + ZERO + OVERFLOW = real` | a row that is no case, or two |
//! | `w32-high` | `W32·(a_2 + a_3 + b_2 + b_3) = 0` | an `i32` with an upper half |
//! | `sign` | `2·SIGNED·top − 2^16·s − rest = 0`, `top = W32 ? limb 1 : limb 3`, `rest` 16-bit, for `a` and `b` | a wrong sign; a sign in an unsigned division |
//! | `magnitude` | `a = ± n` as `s_a`, `b = ± d` as `s_b`; the last carry is `s·(1 − W32)` | another magnitude |
//! | `product` | `Σ_{i+l=j} q_i·d_l + r_j + k_{j−1} = ok·n_j + 256·k_j` over bytes, `k_7 = 0` | another dividend |
//! | `upper` | `Σ_{i+l≥8} q_i·d_l = 0` | a product that is right modulo 2^64 only |
//! | `less` | `d − r − ok = e` with borrows, none at the end | a remainder too large; a division by zero |
//! | `alike` | `pos = s_a·s_b·(1 − REM)` | a quotient of negative numbers not known as such |
//! | `fits` | `half = 2·pos·top(q)`, `top(q) = W32 ? q_3 : q_7`, `half` a byte | a positive quotient of 2^{W−1} |
//! | `result-sign` | `s = s_a + (1 − REM)·s_b − 2·pos` | a wrong sign: that of `a` for remainders |
//! | `result` | `c = ± v` as `s` | another result |
//! | `by-zero` | `ZERO·Σb_i = ZERO·Σq_i = 0` | a trap that is none; a quotient of it |
//! | `overflow` | `OVERFLOW·(1 − s_a) = OVERFLOW·REM = 0`, `OVERFLOW·(Σa_i − 2^15) = 0`, `OVERFLOW·(Σb_i − (4 − 2·W32)·(2^16 − 1)) = 0` | a trap that is none: with the sign, all of `Σa_i` is the top limb |

#[cfg(test)]
mod tests;

use super::layout::{RowMut, cells, columns, limbs, sum};
use crate::air::{Builder, Bus, Col, Column, Table, When};
use crate::isa::op;

columns! {
    /// Columns of DIV.
    DivCols {
        /// Whether the row is used.
        real: Bit,
        /// A division that does not trap.
        ok: Bit,
        /// Traps: by zero.
        zero: Bit,
        /// Traps: the quotient does not fit.
        over: Bit,
        /// The result is the remainder.
        rem: Bit,
        /// In two's complement.
        signed: Bit,
        /// Of two `i32`.
        w32: Bit,
        /// Dividend.
        a[4]: Moved,
        /// Divisor.
        b[4]: Moved,
        /// Result.
        c[4]: Moved,
        /// Signs of `a` and `b`.
        s_ab[2]: Bit,
        /// `2·SIGNED·top − 2^16·s`, of `a` and `b`.
        rest[2]: U16,
        /// Magnitude of `a`.
        n[8]: U8,
        /// Carries of `a ± n`.
        k_n[3]: Bit,
        /// Magnitude of `b`.
        d[8]: U8,
        /// Carries of `b ± d`.
        k_d[3]: Bit,
        /// Quotient of the magnitudes.
        q[8]: U8,
        /// Remainder of the magnitudes.
        r[8]: U8,
        /// Carries of `q·d + r`.
        k[7]: U16,
        /// `d − r − ok`.
        e[4]: U16,
        /// Its borrows.
        k_e[3]: Bit,
        /// `s_a·s_b·(1 − REM)`.
        pos: Derived { lo: 0, hi: 1, why: "product of bits" },
        /// `2·pos·top(q)`.
        half: U8,
        /// Sign of the result.
        s: Derived { lo: 0, hi: 1, why: "s_a, or s_a xor s_b" },
        /// Carries of `c ± v`.
        k_c[4]: Bit,
    }
}

/// The DIV table.
#[derive(Clone, Copy, Debug)]
pub struct DivTable;

impl Table for DivTable {
    fn name(&self) -> &'static str {
        "DIV"
    }

    fn columns(&self) -> Vec<Column> {
        DivCols::layout().1.clone()
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        let t = &DivCols::layout().0;
        let [real, ok, zero, over] = cells(b, [t.real, t.ok, t.zero, t.over]);
        let [rem, signed, w32] = cells(b, [t.rem, t.signed, t.w32]);
        let (va, vb, vc) = (cells(b, t.a), cells(b, t.b), cells(b, t.c));
        let k = |v: i64| B::E::from(v);
        let when = When::Always;

        b.zero("kind", when, ok + zero.clone() + over.clone() - real.clone());
        let high = sum::<B>(va[2..].iter().chain(&vb[2..]).cloned());
        b.zero("w32-high", when, w32.clone() * high);
        self.magnitude(b, 0, t.n, t.k_n);
        self.magnitude(b, 1, t.d, t.k_d);
        self.product(b);
        self.result(b);

        let q = sum::<B>(cells(b, t.q));
        let (of_a, of_b) = (sum::<B>(va.clone()), sum::<B>(vb.clone()));
        b.zero("by-zero", when, zero.clone() * of_b.clone());
        b.zero("by-zero", when, zero.clone() * q);
        b.zero("overflow", when, over.clone() * (k(1) - b.cur(t.s_ab[0])));
        b.zero("overflow", when, over.clone() * rem.clone());
        b.zero("overflow", when, over.clone() * (of_a - k(1 << 15)));
        let ones = (k(4) - w32.clone() * k(2)) * k(0xffff);
        b.zero("overflow", when, over.clone() * (of_b - ones));

        let bits = [
            (rem, op::DIV_REM),
            (signed, op::DIV_SIGNED),
            (w32, op::DIV_W32),
            (zero, op::DIV_ZERO),
            (over, op::DIV_OVERFLOW),
        ];
        let code = sum::<B>(bits.map(|(flag, bit)| flag * k(i64::from(bit))));
        let mut message = vec![code + k(i64::from(op::DIV))];
        message.extend(va.into_iter().chain(vb).chain(vc));
        b.receive(Bus::Op, real, &message);
    }
}

impl DivTable {
    /// The sign and the magnitude, in `bytes`, of operand `which`.
    fn magnitude<B: Builder>(&self, b: &mut B, which: usize, bytes: [Col; 8], carries: [Col; 3]) {
        let t = &DivCols::layout().0;
        let value = cells(b, [t.a, t.b][which]);
        let [w32, signed, s, rest] = cells(b, [t.w32, t.signed, t.s_ab[which], t.rest[which]]);
        let top = value[3].clone() + w32.clone() * (value[1].clone() - value[3].clone());
        let sign = signed * top * B::E::from(2) - s.clone() * B::E::from(1 << 16) - rest;
        b.zero("sign", When::Always, sign);
        let [k0, k1, k2] = cells(b, carries);
        let last = s.clone() * (B::E::from(1) - w32);
        let limbs = limbs::<B>(&cells(b, bytes));
        self.plus_minus(b, "magnitude", s, &value, &limbs, [k0, k1, k2, last]);
    }

    /// `x = y` if `s = 0`, `x = −y` if `s = 1`.
    fn plus_minus<B: Builder>(
        &self,
        b: &mut B,
        id: &'static str,
        s: B::E,
        x: &[B::E],
        y: &[B::E],
        k: [B::E; 4],
    ) {
        let wide = B::E::from(1) - b.cur(DivCols::layout().0.w32);
        let carried = [B::E::from(0), k[0].clone(), wide * k[1].clone(), k[2].clone()];
        for (i, carry) in carried.into_iter().enumerate() {
            let same = x[i].clone() - y[i].clone() + s.clone() * y[i].clone() * B::E::from(2);
            b.zero(
                id,
                When::Always,
                same + carry - k[i].clone() * B::E::from(1 << 16),
            );
        }
    }

    /// `q·d + r = n` and `r < d`.
    fn product<B: Builder>(&self, b: &mut B) {
        let t = &DivCols::layout().0;
        let (ok, k) = (b.cur(t.ok), cells(b, t.k));
        let (n, d, q, r) = (cells(b, t.n), cells(b, t.d), cells(b, t.q), cells(b, t.r));
        let column = |j: usize| {
            let pairs = (0..8).filter(|i| *i <= j && j - i < 8);
            sum::<B>(pairs.map(|i| q[i].clone() * d[j - i].clone()))
        };
        for j in 0..8 {
            let carry = if j == 0 { B::E::from(0) } else { k[j - 1].clone() };
            let total = column(j) + r[j].clone() + carry - ok.clone() * n[j].clone();
            let out = k.get(j).map_or(B::E::from(0), |k| k.clone() * B::E::from(256));
            b.zero("product", When::Always, total - out);
        }
        b.zero("upper", When::Always, sum::<B>((8..15).map(column)));

        let (e, borrows) = (cells(b, t.e), cells(b, t.k_e));
        for (i, (d, r)) in limbs::<B>(&d).into_iter().zip(limbs::<B>(&r)).enumerate() {
            let before = if i == 0 {
                ok.clone()
            } else {
                borrows[i - 1].clone()
            };
            let after = borrows
                .get(i)
                .map_or(B::E::from(0), |k| k.clone() * B::E::from(1 << 16));
            b.zero("less", When::Always, d - r - before + after - e[i].clone());
        }
    }

    fn result<B: Builder>(&self, b: &mut B) {
        let t = &DivCols::layout().0;
        let ([rem, w32], [s_a, s_b]) = (cells(b, [t.rem, t.w32]), cells(b, t.s_ab));
        let [pos, half, s] = cells(b, [t.pos, t.half, t.s]);
        let (q, r) = (cells(b, t.q), cells(b, t.r));
        let is_quotient = B::E::from(1) - rem.clone();
        let twice = |e: B::E| e * B::E::from(2);
        b.zero(
            "alike",
            When::Always,
            pos.clone() - s_a.clone() * s_b.clone() * is_quotient.clone(),
        );
        let top = q[7].clone() + w32 * (q[3].clone() - q[7].clone());
        b.zero("fits", When::Always, half - twice(pos.clone() * top));
        b.zero(
            "result-sign",
            When::Always,
            s.clone() - s_a - is_quotient * s_b + twice(pos),
        );
        let v: Vec<B::E> = limbs::<B>(&q)
            .into_iter()
            .zip(limbs::<B>(&r))
            .map(|(q, r)| q.clone() + rem.clone() * (r - q))
            .collect();
        let (c, carries) = (cells(b, t.c), cells(b, t.k_c));
        self.plus_minus(b, "result", s, &c, &v, carries);
    }
}

/// Fills the row of `code(a, b) = c`.
pub(crate) fn fill(row: &mut [u64], code: u16, a: u64, b: u64, c: u64) {
    let [n, d] = [a, b].map(|v| magnitude(code, v).0);
    let is_fault = code & (op::DIV_ZERO | op::DIV_OVERFLOW) != 0;
    let parts = (n.checked_div(d), n.checked_rem(d));
    let (q, r) = match parts {
        (Some(q), Some(r)) if !is_fault => (q, r),
        _ => (0, 0),
    };
    fill_parts(row, code, [a, b], [q, r], c);
}

/// The magnitude of an operand, whether it is negative, and its top limb.
fn magnitude(code: u16, v: u64) -> (u64, bool, u64) {
    let (top, mask) = if code & op::DIV_W32 == 0 {
        (v >> 48, u64::MAX)
    } else {
        (v >> 16 & 0xffff, u64::from(u32::MAX))
    };
    let negative = code & op::DIV_SIGNED != 0 && top >> 15 == 1;
    let size = if negative { v.wrapping_neg() & mask } else { v };
    (size, negative, top)
}

/// Fills the row for any quotient and remainder of the magnitudes.
fn fill_parts(row: &mut [u64], code: u16, [a, b]: [u64; 2], [q, r]: [u64; 2], c: u64) {
    let t = &DivCols::layout().0;
    let mut row = RowMut(row);
    let has = |bit: u16| code & bit != 0;
    let (w32, signed, rem) = (has(op::DIV_W32), has(op::DIV_SIGNED), has(op::DIV_REM));
    let ok = !has(op::DIV_ZERO) && !has(op::DIV_OVERFLOW);
    let bits = [
        (t.real, true),
        (t.ok, ok),
        (t.zero, has(op::DIV_ZERO)),
        (t.over, has(op::DIV_OVERFLOW)),
        (t.rem, rem),
        (t.signed, signed),
        (t.w32, w32),
    ];
    for (col, bit) in bits {
        row.bit(col, bit);
    }
    for (cols, value) in [(t.a, a), (t.b, b), (t.c, c)] {
        row.split(cols, 16, value);
    }
    let operands = [(a, t.n, t.k_n), (b, t.d, t.k_d)];
    let [(n, s_a), (d, s_b)] = operands.map(|(v, bytes, carries)| {
        let which = usize::from(bytes[0] != t.n[0]);
        let (size, negative, top) = magnitude(code, v);
        row.split(bytes, 8, size);
        row.bit(t.s_ab[which], negative);
        row.set(t.rest[which], if signed { (2 * top) & 0xffff } else { 0 });
        fill_carries(&mut row, &carries, negative, w32, v, size);
        (size, negative)
    });
    row.split(t.q, 8, q);
    row.split(t.r, 8, r);

    let byte = |v: u64, i: usize| v >> (8 * i) & 0xff;
    let mut carry = 0;
    for (j, col) in t.k.into_iter().enumerate() {
        let products: u64 = (0..=j).map(|i| byte(q, i) * byte(d, j - i)).sum();
        let total = products + byte(r, j) + carry;
        carry = total.saturating_sub(if ok { byte(n, j) } else { 0 }) >> 8;
        row.set(col, carry);
    }
    let limb = |v: u64, i: usize| (v >> (16 * i) & 0xffff) as i64;
    let mut borrow = i64::from(ok);
    for (i, col) in t.e.into_iter().enumerate() {
        let difference = limb(d, i) - limb(r, i) - borrow;
        borrow = i64::from(difference < 0);
        row.set(col, difference as u64 & 0xffff);
        if let Some(col) = t.k_e.get(i) {
            row.set(*col, borrow as u64);
        }
    }

    let pos = s_a && s_b && !rem;
    let s = s_a != (s_b && !rem);
    let top = byte(q, if w32 { 3 } else { 7 });
    row.bit(t.pos, pos);
    row.set(t.half, if pos { 2 * top } else { 0 });
    row.bit(t.s, s);
    fill_carries(&mut row, &t.k_c, s, w32, c, if rem { r } else { q });
}

/// The carries of `x + y`, if that is what is added.
fn fill_carries(row: &mut RowMut<'_>, cols: &[Col], adds: bool, w32: bool, x: u64, y: u64) {
    let limb = |v: u64, i: usize| v >> (16 * i) & 0xffff;
    let mut carry = 0;
    for (i, col) in cols.iter().enumerate() {
        if i == 2 && w32 {
            carry = 0;
        }
        carry = if adds {
            (limb(x, i) + limb(y, i) + carry) >> 16
        } else {
            0
        };
        row.set(*col, carry);
    }
}
