//! Bulk operations on memory and tables, as routines that are in a program once, if it uses them.
//!
//! A routine has a frame of its own, with the link word in register 0 and its arguments from register 1 on.
//! It is called with `CALL` but without `ROOM`, since wasm does not count it as a call. It traps before it
//! has any effect. The fuel that depends on how much there is to do is carried by what does it.

use nonos_types::TrapKind;

mod memory;
mod table;

use super::{
    emit::{Emitter, Label},
    module::Module,
    values::{Operand, Operand::Register, with_b},
};
use crate::{
    isa::{Instr, ext, flag, op},
    source::Origin,
};

/// A routine, and the arguments it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Routine {
    /// To, from, bytes.
    MemoryCopy,
    /// To, value, bytes.
    MemoryFill,
    /// To, from, bytes; length and start of the segment.
    MemoryInit,
    /// To, from, entries; size and offset of the table; length and start of the segment.
    TableInit,
    /// To, from, entries; size and offset of the table written; of the one read.
    TableCopy,
    /// To, value, entries; size and offset of the table.
    TableFill,
    /// Value, entries; cell of the size, offset and limit of the table. Gives the old size, or 2^32 − 1.
    TableGrow,
}

impl Routine {
    /// The operator that it does.
    fn operator(self) -> &'static str {
        match self {
            Self::MemoryCopy => "memory.copy",
            Self::MemoryFill => "memory.fill",
            Self::MemoryInit => "memory.init",
            Self::TableInit => "table.init",
            Self::TableCopy => "table.copy",
            Self::TableFill => "table.fill",
            Self::TableGrow => "table.grow",
        }
    }
}

const ALL: [Routine; 7] = [
    Routine::MemoryCopy,
    Routine::MemoryFill,
    Routine::MemoryInit,
    Routine::TableInit,
    Routine::TableCopy,
    Routine::TableFill,
    Routine::TableGrow,
];

/// Where the routines begin.
pub(super) struct Routines([Label; ALL.len()]);

impl Routines {
    pub(super) fn new(out: &mut Emitter) -> Self {
        Self(std::array::from_fn(|_| out.label()))
    }

    pub(super) fn label(&self, routine: Routine) -> Label {
        self.0[routine as usize]
    }

    /// Emits those that are called.
    pub(super) fn emit(module: &Module, out: &mut Emitter) {
        for routine in ALL {
            let label = module.routines.label(routine);
            if out.is_used(label) {
                out.bind(label);
                out.at(Origin::Routine {
                    operator: routine.operator(),
                });
                let mut code = Code { module, out };
                match routine {
                    Routine::MemoryCopy => code.memory_copy(),
                    Routine::MemoryFill => code.memory_fill(),
                    Routine::MemoryInit => code.memory_init(),
                    Routine::TableInit => code.table_init(),
                    Routine::TableCopy => code.table_copy(),
                    Routine::TableFill => code.table_fill(),
                    Routine::TableGrow => code.table_grow(),
                }
            }
        }
    }
}

// Arguments that most routines have.
const TO: u16 = 1;
const FROM: u16 = 2;
const COUNT: u16 = 3;
/// Behind what is read, or written where nothing is read.
const END: u16 = 8;
/// Behind what is written, in descending order.
const TO_END: u16 = 9;
const LIMIT: u16 = 10;
const WORD: u16 = 11;

/// Instructions of a routine, by register numbers.
struct Code<'a> {
    module: &'a Module,
    out: &'a mut Emitter,
}

impl Code<'_> {
    /// `end = start + COUNT`, which may be at most `size`. None of them wraps: arguments have 32 bits.
    fn end_within(&mut self, end: u16, start: u16, size: u16, trap: TrapKind) {
        self.add(end, start, Register(COUNT));
        self.branch(LESS, size, Register(end), self.module.ends.trap(trap));
    }

    fn add(&mut self, ic: u16, a: u16, b: Operand) {
        self.three(flag::ADD, 0, ic, a, b);
    }

    fn sub(&mut self, ic: u16, a: u16, b: Operand) {
        self.three(flag::SUB, 0, ic, a, b);
    }

    fn pure(&mut self, op: u16, ic: u16, a: u16, b: Operand) {
        self.three(flag::ALU, op, ic, a, b);
    }

    fn three(&mut self, source: u32, op: u16, ic: u16, ia: u16, b: Operand) {
        let instr = Instr {
            flags: source | flag::RA | flag::WC,
            op,
            ia,
            ic,
            ..Instr::default()
        };
        self.out.emit(with_b(instr, b));
    }

    fn branch(&mut self, op: u16, ia: u16, b: Operand, label: Label) {
        let instr = Instr {
            flags: flag::ALU | flag::RA | flag::BR,
            op,
            ia,
            ..Instr::default()
        };
        self.out.emit_jump(with_b(instr, b), label);
    }

    /// Reads a cell of [`Space::Global`](crate::isa::Space::Global).
    fn get(&mut self, ic: u16, ia: u16, first: u32) {
        self.out.emit(Instr {
            flags: flag::EXT | flag::RA | flag::WC,
            op: ext::GLOBAL,
            ia,
            ic,
            imm: u64::from(first),
            ..Instr::default()
        });
    }

    /// Writes one.
    fn set(&mut self, ia: u16, first: u32, ib: u16) {
        self.out.emit(Instr {
            flags: flag::EXT | flag::COPY | flag::RA | flag::RB,
            op: ext::GLOBAL | ext::GLOBAL_SET,
            ia,
            ib,
            imm: u64::from(first),
            ..Instr::default()
        });
    }

    fn ret(&mut self) {
        self.out.emit(Instr {
            flags: flag::RET | flag::ROOM | flag::IND | flag::RA | flag::COPY,
            ..Instr::default()
        });
    }
}

const LESS: u16 = op::CMP | op::CMP_LT;
const NOT_LESS: u16 = LESS | op::CMP_NEG;
/// … of signed numbers.
const BELOW: u16 = LESS | op::CMP_SIGNED;
const NOT_BELOW: u16 = BELOW | op::CMP_NEG;
