//! The growing code: labels, fuel that the next instruction is to carry, and the last instruction, which may
//! still be changed.

use super::LowerError;
use crate::{
    isa::{Instr, flag},
    source::{Charge, Origin, Source},
};

/// Bits of a jump target.
const TARGET_BITS: u32 = 24;

/// A place in the code that may not be known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(usize);

/// No instruction.
pub(super) const NOWHERE: usize = usize::MAX;

#[derive(Default)]
pub(super) struct Emitter {
    code: Vec<Instr>,
    /// Instructions before this are behind a label: they may not be changed any more.
    barrier: usize,
    /// Fuel the next instruction carries.
    pending: u64,
    labels: Vec<Option<u32>>,
    jumps: Vec<(usize, Label)>,
    /// Instructions whose immediate operand names a label too.
    references: Vec<(usize, Label)>,
    used: Vec<bool>,
    /// Where instructions come from, if that is asked for.
    source: Option<Source>,
    /// Where those come from that are emitted now.
    place: Origin,
    /// What the next instruction carries.
    due: Vec<Charge>,
}

impl Emitter {
    /// One that keeps where instructions come from.
    pub(super) fn with_source() -> Self {
        Self {
            source: Some(Source::default()),
            ..Self::default()
        }
    }

    /// Says where the instructions come from that follow.
    pub(super) fn at(&mut self, place: Origin) {
        self.place = place;
    }

    /// Where the instructions come from, if it was kept.
    pub(super) fn take_source(&mut self) -> Option<Source> {
        self.source.take()
    }

    pub(super) fn position(&self) -> u32 {
        u32::try_from(self.code.len()).unwrap_or(u32::MAX)
    }

    /// Adds fuel to what the next instruction carries.
    pub(super) fn charge(&mut self, cost: u32) {
        self.carry(cost, false);
    }

    /// Adds the cost of the metered block that begins here.
    pub(super) fn charge_block(&mut self, cost: u32) {
        self.carry(cost, true);
    }

    fn carry(&mut self, cost: u32, block: bool) {
        self.pending += u64::from(cost);
        if self.source.is_some() {
            let place = self.place;
            self.due.push(Charge {
                pc: 0,
                place,
                cost,
                block,
            });
        }
    }

    fn push(&mut self, instr: Instr) {
        self.code.push(instr);
        if let Some(source) = &mut self.source {
            source.places.push(self.place);
        }
    }

    /// Appends an instruction and returns its place.
    pub(super) fn emit(&mut self, mut instr: Instr) -> usize {
        const MOST: u16 = u8::MAX as u16;
        while self.pending > u64::from(MOST) {
            self.pending -= u64::from(MOST);
            self.push(Instr {
                cost: MOST,
                ..NOTHING
            });
        }
        instr.cost = u16::try_from(std::mem::take(&mut self.pending)).expect("reduced above");
        self.push(instr);
        let at = self.code.len() - 1;
        if let Some(source) = &mut self.source {
            let carried = self.due.drain(..);
            source.charges.extend(carried.map(|charge| Charge {
                pc: at as u32,
                ..charge
            }));
        }
        at
    }

    /// Appends a call of the code at `label` with its frame at `base`; `room` is a flag of it, or 0.
    pub(super) fn emit_call(&mut self, base: u16, label: Label, room: u32) {
        let at = self.emit_link(base, flag::JMP | room, 0);
        self.jump_from(at, label);
    }

    /// Appends a call of the code that register `callee` names, with its frame at `base`.
    pub(super) fn emit_indirect_call(&mut self, base: u16, callee: u16) {
        self.emit_link(base, flag::IND | flag::RA, callee);
    }

    fn emit_link(&mut self, base: u16, flags: u32, ia: u16) -> usize {
        let at = self.emit(Instr {
            flags: flag::COPY | flag::WC | flag::CALL | flags,
            ia,
            ic: base,
            ..Instr::default()
        });
        self.code[at].imm = (at as u64 + 1) | (u64::from(base) << 32);
        at
    }

    /// Appends an instruction to whose immediate operand the place of `label` is added.
    pub(super) fn emit_reference(&mut self, instr: Instr, label: Label) {
        let at = self.emit(instr);
        self.used[label.0] = true;
        self.references.push((at, label));
    }

    /// Appends an instruction that goes to `label`.
    pub(super) fn emit_jump(&mut self, instr: Instr, label: Label) {
        let at = self.emit(instr);
        self.jump_from(at, label);
    }

    fn jump_from(&mut self, at: usize, label: Label) {
        self.used[label.0] = true;
        self.jumps.push((at, label));
    }

    /// The instruction at `at`, if it is the last one and no label stands behind it.
    pub(super) fn last(&mut self, at: usize) -> Option<&mut Instr> {
        if at == NOWHERE || at < self.barrier || at + 1 != self.code.len() {
            return None;
        }
        self.code.last_mut()
    }

    /// Takes the instruction at `at` back, where [`Self::last`] has it.
    pub(super) fn take_last(&mut self, at: usize) -> Option<Instr> {
        self.last(at)?;
        let mut instr = self.code.pop()?;
        self.pending += u64::from(std::mem::take(&mut instr.cost));
        if let Some(source) = &mut self.source {
            source.places.pop();
            let carried = source.charges.partition_point(|charge| (charge.pc as usize) < at);
            self.due.extend(source.charges.drain(carried..));
        }
        Some(instr)
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        self.used.push(false);
        Label(self.labels.len() - 1)
    }

    /// Whether something jumps to `label` or names it.
    pub(super) fn is_used(&self, label: Label) -> bool {
        self.used[label.0]
    }

    /// Puts `label` here. Fuel still to be charged is charged to those who arrive from above.
    pub(super) fn bind(&mut self, label: Label) {
        if self.pending > 0 {
            self.emit(NOTHING);
        }
        self.labels[label.0] = Some(self.position());
        self.barrier = self.code.len();
    }

    /// Where `label` is.
    pub(super) fn place(&self, label: Label) -> u32 {
        self.labels[label.0].expect("every block is closed and every function called is emitted")
    }

    /// Resolves every jump.
    pub(super) fn finish(&mut self) -> Result<Vec<Instr>, LowerError> {
        if self.code.len() >= 1 << TARGET_BITS {
            return Err(LowerError::TooLong {
                instructions: self.code.len(),
            });
        }
        for (at, label) in std::mem::take(&mut self.jumps) {
            self.code[at].target = self.place(label);
        }
        for (at, label) in std::mem::take(&mut self.references) {
            self.code[at].imm += u64::from(self.place(label));
        }
        Ok(std::mem::take(&mut self.code))
    }
}

/// The instruction without effect.
const NOTHING: Instr = Instr {
    flags: flag::COPY,
    op: 0,
    ia: 0,
    ib: 0,
    ic: 0,
    target: 0,
    cost: 0,
    imm: 0,
};
