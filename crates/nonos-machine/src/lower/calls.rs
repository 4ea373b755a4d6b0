//! Calls, direct and indirect, and references to functions.
//!
//! An entry of a table is a word: where the function begins, and above 32 bits its type's number plus 1. An
//! indirect call takes its own type from that; what is left is the function if it is below 2^32.

use nonos_types::TrapKind;

use super::{
    branch::bound_check,
    emit::{Label, NOWHERE},
    function::{Function, RESULT, jump},
    module::{Signature, Size},
    values::{Operand, copy},
};
use crate::isa::{Instr, ext, flag, op};

/// Where an indirect call goes that does not find a function of its type.
pub(super) struct Mistyped {
    label: Label,
    /// Register of the entry less the type.
    word: u16,
    /// The type of the call.
    ty: u64,
}

impl Function<'_> {
    pub(super) fn call(&mut self, function: u32) -> Option<()> {
        if let Some(&host) = self.module.imports.get(function as usize) {
            self.host_call(host);
            return Some(());
        }
        let signature = self.module.signature(function)?;
        let base = self.arguments(signature.params.len());
        self.out
            .emit_call(base, self.module.labels[function as usize], flag::ROOM);
        self.push_results(signature);
        Some(())
    }

    /// Takes `count` values to the first registers of the frame of a call, and gives its base.
    pub(super) fn arguments(&mut self, count: usize) -> u16 {
        let height = self.values.height() - count;
        let base = self.values.vacate(height, self.out);
        self.deliver(base + RESULT, count);
        self.values.truncate(height);
        base
    }

    fn push_results(&mut self, signature: &Signature) {
        for narrow in &signature.results {
            self.values.push_above(*narrow);
        }
    }

    pub(super) fn call_indirect(&mut self, ty: u32, table: u32) -> Option<()> {
        let signature = self.module.ty(ty)?;
        let callee = self.callee(ty, table, flag::ROOM)?;
        let base = self.arguments(signature.params.len());
        self.out.emit_indirect_call(base, callee);
        self.push_results(signature);
        Some(())
    }

    pub(super) fn return_call(&mut self, function: u32) -> Option<()> {
        if let Some(&host) = self.module.imports.get(function as usize) {
            self.host_call(host);
            self.return_();
            return Some(());
        }
        let params = self.module.signature(function)?.params.len();
        self.deliver(RESULT, params);
        self.out.emit_jump(jump(), self.module.labels[function as usize]);
        self.dead = Some(0);
        Some(())
    }

    pub(super) fn return_call_indirect(&mut self, ty: u32, table: u32) -> Option<()> {
        let params = self.module.ty(ty)?.params.len();
        let callee = self.callee(ty, table, 0)?;
        self.deliver(RESULT, params);
        self.out.emit(Instr {
            flags: flag::COPY | flag::IND | flag::RA,
            ia: callee,
            ..Instr::default()
        });
        self.dead = Some(0);
        Some(())
    }

    /// Pops the index of an entry of a table and finds where its function begins; `room` is a flag of the
    /// first check.
    fn callee(&mut self, ty: u32, table: u32, room: u32) -> Option<u16> {
        let index = self.values.pop();
        let index = match self.values.operand(index) {
            Operand::Register(index) => index,
            known => {
                let register = self.values.scratch(0);
                self.out.emit(copy(register, known));
                register
            }
        };
        // Above the arguments, wherever they go, and the index.
        let word = self.values.scratch(1);
        let table = self.module.tables.get(table as usize)?;
        let mut check = bound_check(op::CMP | op::CMP_LT | op::CMP_NEG, index, 0);
        match table.size {
            Size::Fixed(size) => check.imm = u64::from(size),
            Size::Cell(cell) => {
                self.out.emit(Instr {
                    flags: flag::EXT | flag::WC,
                    op: ext::GLOBAL,
                    ic: word,
                    imm: u64::from(cell),
                    ..Instr::default()
                });
                check.flags |= flag::RB;
                check.ib = word;
            }
        }
        check.flags |= room;
        self.out
            .emit_jump(check, self.module.ends.trap(TrapKind::TableOutOfBounds));
        self.out.emit(Instr {
            flags: flag::EXT | flag::WC | flag::RA,
            op: ext::GLOBAL,
            ia: index,
            ic: word,
            imm: u64::from(self.module.entries) + u64::from(table.offset),
            ..Instr::default()
        });
        let ty = type_word(self.module.canonical(ty));
        self.out.emit(Instr {
            flags: flag::SUB | flag::WC | flag::RA,
            ia: word,
            ic: word,
            imm: ty,
            ..Instr::default()
        });
        let label = self.mistyped(word, ty);
        let check = bound_check(op::CMP | op::CMP_LT | op::CMP_NEG, word, 1 << 32);
        self.out.emit_jump(check, label);
        Some(word)
    }

    fn mistyped(&mut self, word: u16, ty: u64) -> Label {
        // By key: a function may have more of them than could be searched one by one.
        if let Some(label) = self.mistyped_labels.get(&(word, ty)) {
            return *label;
        }
        let label = self.out.label();
        self.mistyped_labels.insert((word, ty), label);
        self.mistyped.push(Mistyped { label, word, ty });
        label
    }

    /// Emits the ways to the two traps: null less the type is known, all else is another type.
    pub(super) fn emit_mistyped(&mut self) {
        for Mistyped { label, word, ty } in std::mem::take(&mut self.mistyped) {
            self.out.bind(label);
            let is_null = bound_check(op::CMP | op::CMP_EQ, word, 0_u64.wrapping_sub(ty));
            self.out
                .emit_jump(is_null, self.module.ends.trap(TrapKind::IndirectCallNull));
            self.trap(TrapKind::IndirectCallType);
        }
    }

    pub(super) fn ref_func(&mut self, function: u32) -> Option<()> {
        let slot = self.values.claim(self.out);
        let label = *self.module.labels.get(function as usize)?;
        let word = self.module.reference(function, 0);
        self.out.emit_reference(copy(slot, Operand::Const(word)), label);
        // The instruction has to stay where it is.
        self.values.push_slot(NOWHERE, false);
        Some(())
    }
}

/// What the reference to a function has above 32 bits, by its type.
pub(super) fn type_word(canonical: u32) -> u64 {
    (u64::from(canonical) + 1) << 32
}
