//! Arithmetic, memory, globals and host calls.

use nonos_package::HostCall;
use nonos_types::TrapKind;
use wasmparser::{MemArg, Operator};

use super::{
    function::{Function, jump},
    module::Global,
    values::{Entry, Operand, copy, with_b},
};
use crate::{
    alu::alu,
    isa::{Instr, ext, flag, op, tape},
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
            GlobalGet { global_index } => self.global_get(global_index),
            GlobalSet { global_index } => self.global_set(global_index),
            MemorySize { .. } => self.grow(Operand::Const(0)),
            MemoryGrow { .. } => {
                let entry = self.values.pop();
                let pages = self.values.operand(entry);
                self.grow(pages);
            }
            _ => {
                if let Some(pure) = binary(operator) {
                    self.binary(pure);
                } else if let Some(pure) = shift(operator) {
                    self.shift(pure);
                } else if let Some((compare, narrow)) = compare(operator) {
                    self.compare(compare, narrow);
                } else if let Some((arg, op, narrow)) = load(operator) {
                    self.load(arg, op, narrow);
                } else {
                    let (arg, op) = store(operator)?;
                    self.store(arg, op);
                }
            }
        }
        Some(())
    }

    /// Computes `pure(a, b)` into `ic`, or at once if both are known.
    fn compute(&mut self, pure: Pure, a: Operand, b: Operand, ic: u16) -> (Operand, usize) {
        if let (Operand::Const(a), Operand::Const(b)) = (a, b) {
            return (Operand::Const(fold(pure, a, b)), super::emit::NOWHERE);
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
    fn with_a(&mut self, mut instr: Instr, a: Operand) -> Instr {
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
    fn hold(&mut self, value: Operand, above: usize) -> u16 {
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
    fn pair(&mut self) -> (Entry, Entry, Operand, Operand) {
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

    fn eqz(&mut self) {
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

    fn global_get(&mut self, index: u32) {
        match self.module.globals[index as usize] {
            Global {
                constant: Some(value),
                ..
            } => self.values.push_const(value),
            Global { narrow, .. } => {
                let instr = Instr {
                    flags: flag::EXT | flag::WC,
                    op: ext::GLOBAL,
                    ic: self.values.claim(self.out),
                    imm: u64::from(index),
                    ..Instr::default()
                };
                let from = self.out.emit(instr);
                self.values.push_slot(from, narrow);
            }
        }
    }

    fn global_set(&mut self, index: u32) {
        let entry = self.values.pop();
        let value = self.values.operand(entry);
        let instr = Instr {
            flags: flag::EXT | flag::COPY,
            op: ext::GLOBAL | ext::GLOBAL_SET,
            ..Instr::default()
        };
        self.emit_with_both(instr, u64::from(index), value);
    }

    /// Emits an instruction that takes `imm` and `b`: a constant `b` needs a register, if it is another.
    fn emit_with_both(&mut self, mut instr: Instr, imm: u64, b: Operand) {
        if b != Operand::Const(imm) {
            let ib = match b {
                Operand::Register(ib) => ib,
                Operand::Const(_) => self.hold(b, 2),
            };
            instr = with_b(instr, Operand::Register(ib));
        }
        self.out.emit(Instr { imm, ..instr });
    }

    fn grow(&mut self, pages: Operand) {
        let instr = Instr {
            flags: flag::EXT | flag::WC,
            op: ext::GROW,
            ic: self.values.claim(self.out),
            imm: u64::from(self.module.most_pages),
            ..Instr::default()
        };
        let instr = self.with_a(instr, pages);
        let from = self.out.emit(instr);
        self.values.push_slot(from, true);
    }

    /// The address and offset of an access; a known address goes into the offset.
    fn address(&mut self, mut instr: Instr, arg: MemArg, address: Operand, above: usize) -> Instr {
        instr.imm = arg.offset;
        match address {
            Operand::Const(known) if known + arg.offset <= u64::from(u32::MAX) => {
                instr.imm = known + arg.offset;
                instr
            }
            Operand::Const(_) => {
                instr.ia = self.hold(address, above);
                instr.flags |= flag::RA;
                instr
            }
            Operand::Register(ia) => {
                instr.ia = ia;
                instr.flags |= flag::RA;
                instr
            }
        }
    }

    fn load(&mut self, arg: MemArg, op: u16, narrow: bool) {
        let entry = self.values.pop();
        let address = self.values.operand(entry);
        let instr = Instr {
            flags: flag::EXT | flag::WC,
            op: ext::MEM | op,
            ic: self.values.claim(self.out),
            ..Instr::default()
        };
        let instr = self.address(instr, arg, address, 3);
        let from = self.out.emit(instr);
        self.values.push_slot(from, narrow);
    }

    fn store(&mut self, arg: MemArg, op: u16) {
        let (_, _, address, value) = self.pair();
        let instr = Instr {
            flags: flag::EXT | flag::COPY,
            op: ext::MEM | ext::MEM_STORE | op,
            ..Instr::default()
        };
        let instr = self.address(instr, arg, address, 3);
        self.emit_with_both(instr, instr.imm, value);
    }

    pub(super) fn host_call(&mut self, call: HostCall) {
        let arguments: Vec<Entry> = call.params().iter().map(|_| self.values.pop()).collect();
        let height = self.values.height();
        let mut operands: Vec<Operand> = Vec::new();
        for (index, entry) in arguments.into_iter().rev().enumerate() {
            operands.push(self.values.operand_at(entry, height + index));
        }
        if !self.module.hosts.contains(call) {
            self.trap(TrapKind::ForbiddenHostCall);
            if call.result().is_some() {
                self.values.push_const(0);
            }
            return;
        }
        match (call, operands.as_slice()) {
            (HostCall::Len, &[tape]) => self.take_from(tape, ext::HOST_LEN),
            (HostCall::Read, &[tape]) => self.take_from(tape, ext::HOST_READ),
            (HostCall::Write, &[tape, word]) => self.give_to(tape, ext::HOST_WRITE, word),
            (HostCall::CommitLen, &[tape, bytes]) => self.give_to(tape, ext::HOST_COMMIT, bytes),
            (HostCall::Exit, &[code]) => {
                let instr = self.with_a(host(ext::HOST_WRITE), Operand::Const(u64::from(tape::VALUES)));
                self.out.emit(with_b(instr, code));
                self.out.emit_jump(jump(), self.module.ends.exit);
            }
            // A checkpoint changes nothing that is proved.
            _ => {}
        }
    }

    fn take_from(&mut self, tape: Operand, op: u16) {
        let slot = self.values.claim(self.out);
        if !self.admit(tape, &[tape::INPUT, tape::SEALED, tape::INBOUND]) {
            return self.values.push_const(0);
        }
        let instr = Instr {
            flags: flag::EXT | flag::WC,
            op: ext::HOST | op,
            ic: slot,
            ..Instr::default()
        };
        let instr = self.with_a(instr, tape);
        let from = self.out.emit(instr);
        self.values.push_slot(from, false);
    }

    fn give_to(&mut self, tape: Operand, op: u16, word: Operand) {
        if self.admit(tape, &[tape::RESULT, tape::OUTBOUND, tape::LOG]) {
            let instr = self.with_a(host(op), tape);
            self.out.emit(with_b(instr, word));
        }
    }

    /// Keeps the capsule off the tapes that are not its own; the others are told apart when it runs.
    fn admit(&mut self, tape: Operand, right: &[u8]) -> bool {
        match tape {
            Operand::Const(number) => {
                let is_right = right.iter().any(|tape| u64::from(*tape) == number);
                if !is_right {
                    self.trap(TrapKind::BadTapeCall);
                }
                is_right
            }
            Operand::Register(ia) => {
                let check = Instr {
                    flags: flag::ALU | flag::RA | flag::BR,
                    op: op::CMP | op::CMP_LT | op::CMP_NEG,
                    ia,
                    imm: u64::from(tape::ARGUMENTS),
                    ..Instr::default()
                };
                self.out
                    .emit_jump(check, self.module.ends.trap(TrapKind::BadTapeCall));
                true
            }
        }
    }
}

/// An operation that consumes a word.
fn host(op: u16) -> Instr {
    Instr {
        flags: flag::EXT | flag::COPY,
        op: ext::HOST | op,
        ..Instr::default()
    }
}

fn fold(pure: Pure, a: u64, b: u64) -> u64 {
    let wide = match pure.flags {
        flags if flags & flag::ADD != 0 => a.wrapping_add(b),
        flags if flags & flag::SUB != 0 => a.wrapping_sub(b),
        _ => alu(pure.op, a, b).expect("the code is one of this module's"),
    };
    if pure.flags & flag::W32 != 0 {
        wide & u64::from(u32::MAX)
    } else {
        wide
    }
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

fn load(operator: &Operator<'_>) -> Option<(MemArg, u16, bool)> {
    use Operator::*;
    const LONG: u16 = ext::MEM_SIGNED | ext::MEM_RES64;
    Some(match *operator {
        I32Load { memarg } | I64Load32U { memarg } => (memarg, ext::MEM_W4, true),
        I32Load8U { memarg } | I64Load8U { memarg } => (memarg, ext::MEM_W1, true),
        I32Load16U { memarg } | I64Load16U { memarg } => (memarg, ext::MEM_W2, true),
        I32Load8S { memarg } => (memarg, ext::MEM_W1 | ext::MEM_SIGNED, true),
        I32Load16S { memarg } => (memarg, ext::MEM_W2 | ext::MEM_SIGNED, true),
        I64Load8S { memarg } => (memarg, ext::MEM_W1 | LONG, false),
        I64Load16S { memarg } => (memarg, ext::MEM_W2 | LONG, false),
        I64Load32S { memarg } => (memarg, ext::MEM_W4 | LONG, false),
        I64Load { memarg } => (memarg, ext::MEM_W8, false),
        _ => return None,
    })
}

fn store(operator: &Operator<'_>) -> Option<(MemArg, u16)> {
    use Operator::*;
    Some(match *operator {
        I32Store8 { memarg } | I64Store8 { memarg } => (memarg, ext::MEM_W1),
        I32Store16 { memarg } | I64Store16 { memarg } => (memarg, ext::MEM_W2),
        I32Store { memarg } | I64Store32 { memarg } => (memarg, ext::MEM_W4),
        I64Store { memarg } => (memarg, ext::MEM_W8),
        _ => return None,
    })
}
