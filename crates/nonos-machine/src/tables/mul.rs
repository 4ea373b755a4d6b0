//! MUL: the low half of a product, by schoolbook multiplication of bytes.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `column` | `Σ_{i+l=j} x_i·y_l + k_{j−1} = z_j + 256·k_j`, for `j ≥ 4` only if not `W32` | a wrong product |
//! | `w32-high` | `W32·z_j = 0`, `j ≥ 4` | an `i32` with an upper half |
//! | `hint` | `W32·Σ_{j≥4} k_j = 0` | carries that nothing reads |

use super::layout::{RowMut, cells, columns, limbs, sum};
use crate::air::{Builder, Bus, Column, Table, When};
use crate::isa::op;

columns! {
    /// Columns of MUL.
    MulCols {
        /// Whether the row is used.
        real: Bit,
        /// Modulo 2^32.
        w32: Bit,
        /// Bytes of the first factor.
        x[8]: U8,
        /// Bytes of the second.
        y[8]: U8,
        /// Bytes of the product.
        z[8]: U8,
        /// Carries.
        k[8]: U16,
    }
}

/// The MUL table.
#[derive(Clone, Copy, Debug)]
pub struct MulTable;

impl Table for MulTable {
    fn name(&self) -> &'static str {
        "MUL"
    }

    fn columns(&self) -> Vec<Column> {
        MulCols::layout().1.clone()
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        let t = &MulCols::layout().0;
        let [real, w32] = cells(b, [t.real, t.w32]);
        let (x, y, z, k) = (cells(b, t.x), cells(b, t.y), cells(b, t.z), cells(b, t.k));
        for j in 0..8 {
            let products = sum::<B>((0..=j).map(|i| x[i].clone() * y[j - i].clone()));
            let carry = if j == 0 { B::E::from(0) } else { k[j - 1].clone() };
            let total = products + carry - z[j].clone() - k[j].clone() * B::E::from(256);
            if j < 4 {
                b.zero("column", When::Always, total);
            } else {
                b.zero("column", When::Always, (B::E::from(1) - w32.clone()) * total);
                b.zero("w32-high", When::Always, w32.clone() * z[j].clone());
            }
        }
        b.zero("hint", When::Always, w32.clone() * sum::<B>(k[4..].to_vec()));
        let code = w32 * B::E::from(i64::from(op::MUL_W32)) + B::E::from(i64::from(op::MUL));
        let mut message = vec![code];
        for bytes in [&x, &y, &z] {
            message.extend(limbs::<B>(bytes));
        }
        b.receive(Bus::Op, real, &message);
    }
}

/// Fills the row of `code(a, b) = c`.
pub(crate) fn fill(row: &mut [u64], code: u16, a: u64, b: u64, c: u64) {
    let t = &MulCols::layout().0;
    let mut row = RowMut(row);
    let w32 = code & op::MUL_W32 != 0;
    row.bit(t.real, true);
    row.bit(t.w32, w32);
    row.split(t.x, 8, a);
    row.split(t.y, 8, b);
    row.split(t.z, 8, c);
    let byte = |v: u64, i: usize| v >> (8 * i) & 0xff;
    let mut carry = 0;
    for j in 0..if w32 { 4 } else { 8 } {
        carry = (carry + (0..=j).map(|i| byte(a, i) * byte(b, j - i)).sum::<u64>()) >> 8;
        row.set(t.k[j], carry);
    }
}
