//! `memory.copy` and `memory.fill` of a few bytes, whose number is known: loads and stores.
//!
//! Everything is loaded before anything is stored, and the last bytes are stored first: so whatever is outside
//! of the memory traps before there is an effect. What comes next carries the units, which a trap does not pay.

use nonos_package::fuel;

use super::{
    function::Function,
    routine::Routine,
    values::{Operand, Place},
};
use crate::isa::{Instr, ext, flag, op};

/// Most bytes that are moved without a routine.
const MOST: u64 = 64;

impl Function<'_> {
    pub(super) fn memory_copy(&mut self) {
        let Some(bytes) = self.pop_few() else {
            return self.routine(Routine::MemoryCopy, 3, &[]);
        };
        let (_, _, to, from) = self.pair();
        let (to, from) = (self.address_of(to, bytes, 2), self.address_of(from, bytes, 3));
        let pieces = pieces(bytes);
        let registers = (4..).map(|above| self.values.scratch(above));
        let registers: Vec<u16> = registers.take(pieces.len()).collect();
        for ((at, width), ic) in pieces.iter().zip(&registers) {
            let load = access(from, *width, *at);
            self.out.emit(Instr {
                flags: load.flags | flag::WC,
                ic: *ic,
                ..load
            });
        }
        let stores = pieces.into_iter().zip(registers).rev();
        self.store_all(to, bytes, stores.collect());
    }

    pub(super) fn memory_fill(&mut self) {
        const EACH_BYTE: u64 = 0x0101_0101_0101_0101;
        let Some(bytes) = self.pop_few() else {
            return self.routine(Routine::MemoryFill, 3, &[]);
        };
        let (_, _, to, value) = self.pair();
        let to = self.address_of(to, bytes, 2);
        let pattern = match value {
            Operand::Const(value) => self.hold(Operand::Const((value & 0xff) * EACH_BYTE), 3),
            Operand::Register(value) => {
                let pattern = self.values.scratch(3);
                let low = (value, op::BIT | op::BIT_AND, 0xff);
                for (ia, op, imm) in [low, (pattern, op::MUL, EACH_BYTE)] {
                    self.out.emit(Instr {
                        flags: flag::ALU | flag::RA | flag::WC,
                        op,
                        ia,
                        ic: pattern,
                        imm,
                        ..Instr::default()
                    });
                }
                pattern
            }
        };
        let stores = pieces(bytes).into_iter().rev();
        self.store_all(to, bytes, stores.map(|piece| (piece, pattern)).collect());
    }

    /// Pops the number of bytes, if it is known and small.
    fn pop_few(&mut self) -> Option<u64> {
        let count = self.values.pop();
        match count.place {
            // Nothing is moved, but something is checked, where there are none.
            Place::Const(bytes) if (1..=MOST).contains(&bytes) => Some(bytes),
            _ => {
                self.values.push_again(count);
                None
            }
        }
    }

    /// What accesses to an address and those behind it have in common.
    fn address_of(&mut self, address: Operand, bytes: u64, above: usize) -> Instr {
        let mut instr = Instr {
            flags: flag::EXT,
            ..Instr::default()
        };
        match address {
            Operand::Const(known) if known + bytes <= u64::from(u32::MAX) => instr.imm = known,
            Operand::Const(_) => {
                instr.flags |= flag::RA;
                instr.ia = self.hold(address, above);
            }
            Operand::Register(ia) => {
                instr.flags |= flag::RA;
                instr.ia = ia;
            }
        }
        instr
    }

    fn store_all(&mut self, to: Instr, bytes: u64, stores: Vec<((u64, u16), u16)>) {
        for ((at, width), ib) in stores {
            let store = access(to, ext::MEM_STORE | width, at);
            self.out.emit(Instr {
                flags: store.flags | flag::COPY | flag::RB,
                ib,
                ..store
            });
        }
        self.out.charge(fuel::memory_units(bytes as u32).get() as u32);
    }
}

/// An access `at` bytes behind an address.
fn access(address: Instr, op: u16, at: u64) -> Instr {
    Instr {
        op: ext::MEM | op,
        imm: address.imm + at,
        ..address
    }
}

/// Offsets and widths of the accesses that `bytes` bytes take, ascending.
fn pieces(bytes: u64) -> Vec<(u64, u16)> {
    const WIDTHS: [(u64, u16); 4] = [
        (8, ext::MEM_W8),
        (4, ext::MEM_W4),
        (2, ext::MEM_W2),
        (1, ext::MEM_W1),
    ];
    let mut pieces = Vec::new();
    let mut at = 0;
    for (width, op) in WIDTHS {
        while bytes - at >= width {
            pieces.push((at, op));
            at += width;
        }
    }
    pieces
}
