//! What pure operations compute: one function, used to fold constants and to execute.

use nonos_types::TrapKind;

use crate::isa::op;

/// `op(a, b)`, or `None` for unknown codes and where a division traps.
///
/// ```
/// use nonos_machine::{alu, isa::op};
///
/// assert_eq!(alu(op::MUL | op::MUL_W32, 1 << 31, 2), Some(0));
/// assert_eq!(alu(op::DIV, 7, 0), None);
/// assert_eq!(alu(op::DIV | op::DIV_REM, 7, 4), Some(3));
/// ```
pub fn alu(code: u16, a: u64, b: u64) -> Option<u64> {
    let has = |bit: u16| code & bit != 0;
    Some(match code & 7 {
        op::CMP => {
            let holds = if has(op::CMP_EQ) {
                a == b
            } else if !has(op::CMP_SIGNED) {
                a < b
            } else if has(op::CMP_W32) {
                (a as u32).cast_signed() < (b as u32).cast_signed()
            } else {
                a.cast_signed() < b.cast_signed()
            };
            u64::from(holds != has(op::CMP_NEG))
        }
        op::BIT if has(op::BIT_AND) => a & b,
        op::BIT if has(op::BIT_OR) => a | b,
        op::BIT if has(op::BIT_XOR) => a ^ b,
        op::SHIFT => {
            let width: u32 = if has(op::SHIFT_W32) { 32 } else { 64 };
            let mask = u64::MAX >> (64 - width);
            let by = b as u32 & (width - 1);
            let t = if has(op::SHIFT_LEFT) { by } else { width - by };
            let product = u128::from(a & mask) << t;
            let mut c = 0;
            if has(op::SHIFT_LO) {
                c |= product as u64 & mask;
            }
            if has(op::SHIFT_HI) {
                c |= (product >> width) as u64 & mask;
            }
            if has(op::SHIFT_SAR) && a >> (width - 1) & 1 == 1 {
                c |= mask & !(mask >> by);
            }
            c
        }
        op::MUL if has(op::MUL_W32) => u64::from((a as u32).wrapping_mul(b as u32)),
        op::MUL => a.wrapping_mul(b),
        op::DIV if has(op::DIV_ZERO) || has(op::DIV_OVERFLOW) => 0,
        op::DIV => return divide(code, a, b),
        op::COUNT if has(op::COUNT_CLZ) => u64::from(a.leading_zeros()),
        op::COUNT if has(op::COUNT_CTZ) => u64::from(a.trailing_zeros()),
        op::COUNT if has(op::COUNT_POP) => u64::from(a.count_ones()),
        _ => return None,
    })
}

/// Why a division of class [`op::DIV`] traps, if it does.
pub(crate) fn div_fault(code: u16, a: u64, b: u64) -> Option<TrapKind> {
    if b == 0 {
        return Some(TrapKind::DivisionByZero);
    }
    let is_quotient = code & op::DIV_SIGNED != 0 && code & op::DIV_REM == 0;
    let least = if code & op::DIV_W32 != 0 {
        (1 << 31, u64::from(u32::MAX))
    } else {
        (1 << 63, u64::MAX)
    };
    (is_quotient && (a, b) == least).then_some(TrapKind::IntegerOverflow)
}

fn divide(code: u16, a: u64, b: u64) -> Option<u64> {
    // Whatever the upper halves are: 32-bit operands have none.
    let mask = if code & op::DIV_W32 != 0 {
        u64::from(u32::MAX)
    } else {
        u64::MAX
    };
    let (a, b) = (a & mask, b & mask);
    if div_fault(code, a, b).is_some() {
        return None;
    }
    let has = |bit: u16| code & bit != 0;
    let signed = |word: u64| {
        if has(op::DIV_W32) {
            i64::from((word as u32).cast_signed())
        } else {
            word.cast_signed()
        }
    };
    let result = match (has(op::DIV_SIGNED), has(op::DIV_REM)) {
        (false, false) => a / b,
        (false, true) => a % b,
        (true, false) => signed(a).wrapping_div(signed(b)).cast_unsigned(),
        (true, true) => signed(a).wrapping_rem(signed(b)).cast_unsigned(),
    };
    Some(if has(op::DIV_W32) {
        result & u64::from(u32::MAX)
    } else {
        result
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divides_i32_without_regard_to_upper_halves() {
        let code = op::DIV | op::DIV_SIGNED | op::DIV_W32;
        assert_eq!(alu(code, 7, 1 << 32), None);
        assert_eq!(alu(code, 1 << 40 | 7, 1 << 32 | 2), Some(3));
    }

    const EDGES: [u64; 9] = [0, 1, 2, 31, 32, 63, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
    const WIDE: [u64; 4] = [1 << 32, i64::MAX as u64, 1 << 63, u64::MAX];

    #[test]
    fn shifts_and_rotations_agree_with_the_standard_library() {
        for a in EDGES.into_iter().chain(WIDE) {
            for by in 0..64u32 {
                let b = u64::from(by);
                let wide = |bits: u16| alu(op::SHIFT | bits, a, b);
                assert_eq!(wide(op::SHIFT_LEFT | op::SHIFT_LO), Some(a << by));
                assert_eq!(wide(op::SHIFT_HI), Some(a >> by));
                assert_eq!(
                    wide(op::SHIFT_HI | op::SHIFT_SAR),
                    Some((a.cast_signed() >> by).cast_unsigned())
                );
                assert_eq!(
                    wide(op::SHIFT_LEFT | op::SHIFT_LO | op::SHIFT_HI),
                    Some(a.rotate_left(by))
                );
                assert_eq!(wide(op::SHIFT_LO | op::SHIFT_HI), Some(a.rotate_right(by)));
            }
        }
        for a in EDGES {
            for by in 0..32u32 {
                let (b, x) = (u64::from(by), a as u32);
                let narrow = |bits: u16| alu(op::SHIFT | op::SHIFT_W32 | bits, a, b);
                let word = |x: u32| Some(u64::from(x));
                assert_eq!(narrow(op::SHIFT_LEFT | op::SHIFT_LO), word(x << by));
                assert_eq!(narrow(op::SHIFT_HI), word(x >> by));
                assert_eq!(
                    narrow(op::SHIFT_HI | op::SHIFT_SAR),
                    word((x.cast_signed() >> by).cast_unsigned())
                );
                assert_eq!(
                    narrow(op::SHIFT_LEFT | op::SHIFT_LO | op::SHIFT_HI),
                    word(x.rotate_left(by))
                );
                assert_eq!(narrow(op::SHIFT_LO | op::SHIFT_HI), word(x.rotate_right(by)));
            }
        }
    }
}
