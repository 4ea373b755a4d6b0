//! BIT: and, or, exclusive or of two words, byte by byte.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `kind` | `AND + OR + XOR = real` | a mixture |
//! | `result` | limb `i` of `c` = `AND·z + OR·(x + y − z) + XOR·(x + y − 2z)` over its two bytes, `z = x ∧ y` by lookup | a wrong result |

use super::layout::{RowMut, cells, columns, limbs, sum};
use crate::air::{Builder, Bus, Column, Table, When};
use crate::isa::op;

columns! {
    /// Columns of BIT.
    BitCols {
        /// And, or, exclusive or.
        kind[3]: Bit,
        /// Whether the row is used.
        real: Bit,
        /// Bytes of the first operand.
        x[8]: U8,
        /// Bytes of the second.
        y[8]: U8,
        /// Their conjunction.
        z[8]: Moved,
        /// Result.
        c[4]: Derived { lo: 0, hi: 0xffff, why: "two bytes, each a bitwise function of two bytes" },
    }
}

/// The BIT table.
#[derive(Clone, Copy, Debug)]
pub struct BitTable;

const KINDS: [u16; 3] = [op::BIT_AND, op::BIT_OR, op::BIT_XOR];

impl Table for BitTable {
    fn name(&self) -> &'static str {
        "BIT"
    }

    fn columns(&self) -> Vec<Column> {
        BitCols::layout().1.clone()
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        let t = &BitCols::layout().0;
        let (kind, real) = (cells(b, t.kind), b.cur(t.real));
        let (x, y, z) = (cells(b, t.x), cells(b, t.y), cells(b, t.z));
        b.zero("kind", When::Always, sum::<B>(kind.clone()) - real.clone());
        for i in 0..8 {
            b.send(
                Bus::And8,
                B::E::from(1),
                &[x[i].clone(), y[i].clone(), z[i].clone()],
            );
        }
        let (a, rhs, and) = (limbs::<B>(&x), limbs::<B>(&y), limbs::<B>(&z));
        let c = cells(b, t.c);
        for i in 0..4 {
            let both = a[i].clone() + rhs[i].clone();
            let value = kind[0].clone() * and[i].clone()
                + kind[1].clone() * (both.clone() - and[i].clone())
                + kind[2].clone() * (both - and[i].clone() * B::E::from(2));
            b.zero("result", When::Always, c[i].clone() - value);
        }
        let code = sum::<B>((0..3).map(|i| kind[i].clone() * B::E::from(i64::from(KINDS[i]))));
        let mut message = vec![code + B::E::from(i64::from(op::BIT))];
        message.extend(a.into_iter().chain(rhs).chain(c));
        b.receive(Bus::Op, real, &message);
    }
}

/// Fills the row of `code(a, b) = c`.
pub(crate) fn fill(row: &mut [u64], code: u16, a: u64, b: u64, c: u64) {
    let t = &BitCols::layout().0;
    let mut row = RowMut(row);
    row.bit(t.real, true);
    for (col, bit) in t.kind.into_iter().zip(KINDS) {
        row.bit(col, code & bit != 0);
    }
    row.split(t.x, 8, a);
    row.split(t.y, 8, b);
    row.split(t.z, 8, a & b);
    row.split(t.c, 16, c);
}
