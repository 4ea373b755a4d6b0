//! Constants, arithmetic, comparisons and conversions.

use wasmparser::Operator;

use super::{
    function::Function,
    values::{Entry, Operand, copy, with_b},
};
use crate::{
    alu::alu,
    isa::{Instr, flag, op},
};

/// A binary operation as an instruction: flags and code.
#[derive(Clone, Copy)]
struct Pure {
    flags: u32,
    op: u16,
    commutes: bool,
}

const fn sum(flags: u32) -> Pure {
    Pure {
        flags,
        op: 0,
        commutes: flags & flag::ADD != 0,
    }
}

const fn chip(op: u16, commutes: bool) -> Pure {
    Pure {
        flags: flag::ALU,
        op,
        commutes,
    }
}

/// An order or equality: `(a < b) xor negate` or `(a = b) xor negate`, of `(b, a)` if `swap`.
#[derive(Clone, Copy)]
struct Compare {
    op: u16,
    swap: bool,
}

impl Function<'_> {
    pub(super) fn computation(&mut self, operator: &Operator<'_>) -> Option<()> {
        use Operator::*;
        match *operator {
            I32Const { value } => self.values.push_const(u64::from(value.cast_unsigned())),
            I64Const { value } => self.values.push_const(value.cast_unsigned()),
            I32Eqz | I64Eqz => self.eqz(),
            I32WrapI64 => self.wrap(),
            I64ExtendI32U => {}
            I64ExtendI32S => self.extend_i32(),
            I32Extend8S => self.sign_extend(24, op::SHIFT_W32),
            I32Extend16S => self.sign_extend(16, op::SHIFT_W32),
            I64Extend8S => self.sign_extend(56, 0),
            I64Extend16S => self.sign_extend(48, 0),
            I64Extend32S => self.sign_extend(32, 0),
            I32Clz => self.count(op::COUNT_CLZ, true),
            I64Clz => self.count(op::COUNT_CLZ, false),
            I32Ctz => self.count(op::COUNT_CTZ, true),
            I64Ctz => self.count(op::COUNT_CTZ, false),
            I32Popcnt => self.count(op::COUNT_POP, true),
            I64Popcnt => self.count(op::COUNT_POP, false),
            _ => {
                if let Some(pure) = binary(operator) {
                    self.binary(pure);
                } else if let Some(pure) = shift(operator) {
                    self.shift(pure);
                } else if let Some((compare, narrow)) = compare(operator) {
                    self.compare(compare, narrow);
                } else {
                    return self.on_state(operator);
                }
            }
        }
        Some(())
    }

    /// Computes `pure(a, b)` into `ic`, or at once if both are known and it does not trap.
    fn compute(&mut self, pure: Pure, a: Operand, b: Operand, ic: u16) -> (Operand, usize) {
        if let (Operand::Const(a), Operand::Const(b)) = (a, b)
            && let Some(known) = fold(pure, a, b)
        {
            return (Operand::Const(known), super::emit::NOWHERE);
        }
        let instr = Instr {
            flags: pure.flags | flag::WC,
            op: pure.op,
            ic,
            ..Instr::default()
        };
        let instr = self.with_a(with_b(instr, b), a);
        (Operand::Register(ic), self.out.emit(instr))
    }

    /// Sets the first operand; a constant other than 0 needs a register of its own.
    pub(super) fn with_a(&mut self, mut instr: Instr, a: Operand) -> Instr {
        let ia = match a {
            Operand::Const(0) => return instr,
            Operand::Register(ia) => ia,
            Operand::Const(_) => self.hold(a, 2),
        };
        instr.flags |= flag::RA;
        instr.ia = ia;
        instr
    }

    /// Puts a value in a register above the operands in use.
    pub(super) fn hold(&mut self, value: Operand, above: usize) -> u16 {
        let register = self.values.scratch(above);
        self.out.emit(copy(register, value));
        register
    }

    fn push(&mut self, (result, from): (Operand, usize), narrow: bool) {
        match result {
            Operand::Const(value) => self.values.push_const(value),
            Operand::Register(_) => self.values.push_slot(from, narrow),
        }
    }

    /// Pops two operands.
    pub(super) fn pair(&mut self) -> (Entry, Entry, Operand, Operand) {
        let (second, first) = (self.values.pop(), self.values.pop());
        let height = self.values.height();
        let a = self.values.operand_at(first, height);
        let b = self.values.operand_at(second, height + 1);
        (first, second, a, b)
    }

    fn binary(&mut self, pure: Pure) {
        let (first, second, mut a, mut b) = self.pair();
        if pure.commutes && matches!(a, Operand::Const(_)) {
            std::mem::swap(&mut a, &mut b);
        }
        let narrow = match pure.op & 7 {
            op::BIT if pure.op & op::BIT_AND != 0 => first.narrow || second.narrow,
            op::BIT => first.narrow && second.narrow,
            op::MUL => pure.op & op::MUL_W32 != 0,
            op::DIV => pure.op & op::DIV_W32 != 0,
            _ => pure.flags & flag::W32 != 0,
        };
        let slot = self.values.claim(self.out);
        let result = self.compute(pure, a, b, slot);
        self.push(result, narrow);
    }

    fn shift(&mut self, pure: Pure) {
        let (_, _, a, mut b) = self.pair();
        let is_narrow = pure.op & op::SHIFT_W32 != 0;
        let most = if is_narrow { 31 } else { 63 };
        let slot = self.values.claim(self.out);
        let mut narrow = is_narrow;
        match &mut b {
            Operand::Const(by) => {
                *by &= most;
                let kind = op::SHIFT_LEFT | op::SHIFT_LO | op::SHIFT_HI | op::SHIFT_SAR;
                narrow |= pure.op & kind == op::SHIFT_HI && *by >= 32;
            }
            Operand::Register(_) => {
                let by = self.values.scratch(3);
                (b, _) = self.compute(chip(op::BIT | op::BIT_AND, true), b, Operand::Const(most), by);
            }
        }
        let result = self.compute(pure, a, b, slot);
        self.push(result, narrow);
    }

    fn compare(&mut self, compare: Compare, is_narrow: bool) {
        let (_, _, mut a, mut b) = self.pair();
        let slot = self.values.claim(self.out);
        let Compare { mut op, swap } = compare;
        if swap {
            std::mem::swap(&mut a, &mut b);
        }
        if let (Operand::Const(known), Operand::Register(_)) = (a, b) {
            a = b;
            if op & op::CMP_EQ != 0 {
                b = Operand::Const(known);
            } else {
                // k < x is not x < k + 1.
                op ^= op::CMP_NEG;
                match successor(known, op & op::CMP_SIGNED != 0, is_narrow) {
                    Some(next) => b = Operand::Const(next),
                    None => return self.values.push_const(u64::from(op & op::CMP_NEG == 0)),
                }
            }
        }
        let result = self.compute(chip(op, false), a, b, slot);
        self.push(result, true);
    }

    pub(super) fn eqz(&mut self) {
        let entry = self.values.pop();
        if let Some(instr) = self.out.last(entry.from)
            && instr.flags & flag::ALU != 0
            && instr.op & 7 == op::CMP
        {
            instr.op ^= op::CMP_NEG;
            return self.values.push_again(entry);
        }
        let a = self.values.operand(entry);
        let slot = self.values.claim(self.out);
        let result = self.compute(chip(op::CMP | op::CMP_EQ, true), a, Operand::Const(0), slot);
        self.push(result, true);
    }

    fn wrap(&mut self) {
        let entry = self.values.pop();
        if entry.narrow {
            return self.values.push_again(entry);
        }
        let a = self.values.operand(entry);
        let slot = self.values.claim(self.out);
        let mask = Operand::Const(u64::from(u32::MAX));
        let result = self.compute(chip(op::BIT | op::BIT_AND, true), a, mask, slot);
        self.push(result, true);
    }

    /// Counts bits. There are 64 of them, so half of that is a matter of what is above.
    fn count(&mut self, kind: u16, is_narrow: bool) {
        let entry = self.values.pop();
        let mut a = self.values.operand(entry);
        let slot = self.values.claim(self.out);
        if is_narrow && kind == op::COUNT_CTZ {
            let stop = Operand::Const(1 << 32);
            (a, _) = self.compute(chip(op::BIT | op::BIT_OR, true), a, stop, slot);
        }
        let mut result = self.compute(chip(op::COUNT | kind, false), a, Operand::Const(0), slot);
        if is_narrow && kind == op::COUNT_CLZ {
            result = self.compute(sum(flag::SUB), result.0, Operand::Const(32), slot);
        }
        self.push(result, true);
    }

    fn extend_i32(&mut self) {
        let entry = self.values.pop();
        let a = self.values.operand(entry);
        let slot = self.values.claim(self.out);
        let bias = Operand::Const(1 << 31);
        let (biased, _) = self.compute(sum(flag::ADD | flag::W32), a, bias, slot);
        let result = self.compute(sum(flag::SUB), biased, bias, slot);
        self.push(result, false);
    }

    fn sign_extend(&mut self, by: u64, width: u16) {
        let entry = self.values.pop();
        let a = self.values.operand(entry);
        let slot = self.values.claim(self.out);
        let (left, right) = (op::SHIFT_LEFT | op::SHIFT_LO, op::SHIFT_HI | op::SHIFT_SAR);
        let by = Operand::Const(by);
        let (high, _) = self.compute(chip(op::SHIFT | width | left, false), a, by, slot);
        let result = self.compute(chip(op::SHIFT | width | right, false), high, by, slot);
        self.push(result, width != 0);
    }
}

fn fold(pure: Pure, a: u64, b: u64) -> Option<u64> {
    let wide = match pure.flags {
        flags if flags & flag::ADD != 0 => a.wrapping_add(b),
        flags if flags & flag::SUB != 0 => a.wrapping_sub(b),
        _ => alu(pure.op, a, b)?,
    };
    let narrow = wide & u64::from(u32::MAX);
    Some(if pure.flags & flag::W32 != 0 { narrow } else { wide })
}

/// `value + 1`, unless `value` is the greatest of its type.
fn successor(value: u64, signed: bool, narrow: bool) -> Option<u64> {
    let greatest = match (signed, narrow) {
        (false, false) => u64::MAX,
        (false, true) => u64::from(u32::MAX),
        (true, false) => u64::MAX >> 1,
        (true, true) => u64::from(u32::MAX >> 1),
    };
    let mask = if narrow { u64::from(u32::MAX) } else { u64::MAX };
    (value != greatest).then(|| value.wrapping_add(1) & mask)
}

fn binary(operator: &Operator<'_>) -> Option<Pure> {
    use Operator::*;
    Some(match operator {
        I32Add => sum(flag::ADD | flag::W32),
        I64Add => sum(flag::ADD),
        I32Sub => sum(flag::SUB | flag::W32),
        I64Sub => sum(flag::SUB),
        I32Mul => chip(op::MUL | op::MUL_W32, true),
        I64Mul => chip(op::MUL, true),
        I32DivS => chip(op::DIV | op::DIV_W32 | op::DIV_SIGNED, false),
        I32DivU => chip(op::DIV | op::DIV_W32, false),
        I32RemS => chip(op::DIV | op::DIV_W32 | op::DIV_SIGNED | op::DIV_REM, false),
        I32RemU => chip(op::DIV | op::DIV_W32 | op::DIV_REM, false),
        I64DivS => chip(op::DIV | op::DIV_SIGNED, false),
        I64DivU => chip(op::DIV, false),
        I64RemS => chip(op::DIV | op::DIV_SIGNED | op::DIV_REM, false),
        I64RemU => chip(op::DIV | op::DIV_REM, false),
        I32And | I64And => chip(op::BIT | op::BIT_AND, true),
        I32Or | I64Or => chip(op::BIT | op::BIT_OR, true),
        I32Xor | I64Xor => chip(op::BIT | op::BIT_XOR, true),
        _ => return None,
    })
}

fn shift(operator: &Operator<'_>) -> Option<Pure> {
    use Operator::*;
    let width = match operator {
        I32Shl | I32ShrS | I32ShrU | I32Rotl | I32Rotr => op::SHIFT_W32,
        _ => 0,
    };
    let kind = match operator {
        I32Shl | I64Shl => op::SHIFT_LEFT | op::SHIFT_LO,
        I32ShrU | I64ShrU => op::SHIFT_HI,
        I32ShrS | I64ShrS => op::SHIFT_HI | op::SHIFT_SAR,
        I32Rotl | I64Rotl => op::SHIFT_LEFT | op::SHIFT_LO | op::SHIFT_HI,
        I32Rotr | I64Rotr => op::SHIFT_LO | op::SHIFT_HI,
        _ => return None,
    };
    Some(chip(op::SHIFT | width | kind, false))
}

fn compare(operator: &Operator<'_>) -> Option<(Compare, bool)> {
    use Operator::*;
    const NARROW: u16 = op::CMP_SIGNED | op::CMP_W32;
    let narrow = match operator {
        I32Eq | I32Ne | I32LtS | I32LtU | I32GtS | I32GtU | I32LeS | I32LeU | I32GeS | I32GeU => true,
        I64Eq | I64Ne | I64LtS | I64LtU | I64GtS | I64GtU | I64LeS | I64LeU | I64GeS | I64GeU => false,
        _ => return None,
    };
    let sign = match operator {
        I32LtS | I32GtS | I32LeS | I32GeS => NARROW,
        I64LtS | I64GtS | I64LeS | I64GeS => op::CMP_SIGNED,
        _ => 0,
    };
    let (order, swap) = match operator {
        I32Eq | I64Eq => (op::CMP_EQ, false),
        I32Ne | I64Ne => (op::CMP_EQ | op::CMP_NEG, false),
        I32LtS | I32LtU | I64LtS | I64LtU => (op::CMP_LT, false),
        I32GtS | I32GtU | I64GtS | I64GtU => (op::CMP_LT, true),
        I32LeS | I32LeU | I64LeS | I64LeU => (op::CMP_LT | op::CMP_NEG, true),
        _ => (op::CMP_LT | op::CMP_NEG, false),
    };
    let op = op::CMP | order | sign;
    Some((Compare { op, swap }, narrow))
}
