//! Host calls.

use nonos_package::HostCall;
use nonos_types::TrapKind;

use super::{
    function::{Function, jump},
    values::{Entry, Operand, with_b},
};
use crate::isa::{Instr, ext, flag, op, tape};

impl Function<'_> {
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
            (HostCall::CommitLen, &[tape, bytes]) => self.commit_len(tape, bytes),
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
        if !self.admit(tape, tape::INPUT) {
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
        if self.admit(tape, tape::RESULT) {
            let instr = self.with_a(host(op), tape);
            self.out.emit(with_b(instr, word));
        }
    }

    /// At most 7 bytes may be cut off what is written, and none added.
    fn commit_len(&mut self, tape: Operand, bytes: Operand) {
        if !self.admit(tape, tape::RESULT) {
            return;
        }
        let tape = match tape {
            Operand::Const(_) => self.hold(tape, 2),
            Operand::Register(tape) => tape,
        };
        let written = self.values.scratch(3);
        self.out.emit(Instr {
            flags: flag::EXT | flag::RA | flag::WC,
            op: ext::HOST | ext::HOST_POS,
            ia: tape,
            ic: written,
            ..Instr::default()
        });
        let on_written = |flags: u32, op: u16, b: Operand| {
            let instr = Instr {
                flags: flags | flag::RA,
                op,
                ia: written,
                ic: if flags & flag::WC != 0 { written } else { 0 },
                ..Instr::default()
            };
            with_b(instr, b)
        };
        let bad = self.module.ends.trap(TrapKind::BadTapeCall);
        let words = Operand::Const(u64::from(u32::MAX));
        let eightfold = op::SHIFT | op::SHIFT_LEFT | op::SHIFT_LO;
        let pure = flag::ALU | flag::WC;
        self.out.emit(on_written(pure, op::BIT | op::BIT_AND, words));
        self.out.emit(on_written(pure, eightfold, Operand::Const(3)));
        let is_more = on_written(flag::ALU | flag::BR, op::CMP | op::CMP_LT, bytes);
        self.out.emit_jump(is_more, bad);
        self.out.emit(on_written(flag::SUB | flag::WC, 0, bytes));
        let cuts_a_word = op::CMP | op::CMP_LT | op::CMP_NEG;
        let cuts_a_word = on_written(flag::ALU | flag::BR, cuts_a_word, Operand::Const(8));
        self.out.emit_jump(cuts_a_word, bad);
        let commit = Instr {
            flags: host(0).flags | flag::RA,
            ia: tape,
            ..host(ext::HOST_COMMIT)
        };
        self.out.emit(with_b(commit, bytes));
    }

    /// Keeps the capsule off tapes other than the three from `first` on; whether it can go on.
    fn admit(&mut self, tape: Operand, first: u8) -> bool {
        let first = u64::from(first);
        let bad = self.module.ends.trap(TrapKind::BadTapeCall);
        match tape {
            Operand::Const(number) => {
                let is_right = number.wrapping_sub(first) < DIRECTION;
                if !is_right {
                    self.trap(TrapKind::BadTapeCall);
                }
                is_right
            }
            Operand::Register(tape) => {
                let mut number = tape;
                if first > 0 {
                    number = self.values.scratch(2);
                    self.out.emit(Instr {
                        flags: flag::SUB | flag::RA | flag::WC,
                        ia: tape,
                        ic: number,
                        imm: first,
                        ..Instr::default()
                    });
                }
                let is_other = Instr {
                    flags: flag::ALU | flag::RA | flag::BR,
                    op: op::CMP | op::CMP_LT | op::CMP_NEG,
                    ia: number,
                    imm: DIRECTION,
                    ..Instr::default()
                };
                self.out.emit_jump(is_other, bad);
                true
            }
        }
    }
}

/// Tapes of the host ABI that are read, and as many that are written, by number.
const DIRECTION: u64 = 3;

/// An operation that consumes a word.
fn host(op: u16) -> Instr {
    Instr {
        flags: flag::EXT | flag::COPY,
        op: ext::HOST | op,
        ..Instr::default()
    }
}
