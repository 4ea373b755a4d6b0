//! Memory and globals.

use wasmparser::{MemArg, Operator};

use super::{
    function::Function,
    module::Global,
    values::{Operand, with_b},
};
use crate::isa::{Instr, ext, flag};

impl Function<'_> {
    /// Lowers an operator on memory, globals or tables; `None` if it is none.
    pub(super) fn on_state(&mut self, operator: &Operator<'_>) -> Option<()> {
        match *operator {
            Operator::GlobalGet { global_index } => self.global_get(global_index),
            Operator::GlobalSet { global_index } => self.global_set(global_index),
            Operator::MemorySize { .. } => self.grow(Operand::Const(0)),
            Operator::MemoryGrow { .. } => {
                let entry = self.values.pop();
                let pages = self.values.operand(entry);
                self.grow(pages);
            }
            _ => {
                if let Some((arg, op, narrow)) = load(operator) {
                    self.load(arg, op, narrow);
                } else if let Some((arg, op)) = store(operator) {
                    self.store(arg, op);
                } else {
                    return self.bulk(operator);
                }
            }
        }
        Some(())
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
    pub(super) fn emit_with_both(&mut self, mut instr: Instr, imm: u64, b: Operand) {
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
