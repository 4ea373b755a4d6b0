//! The tables of the machine: which traces are true runs.
//!
//! STEP follows the program and moves registers; pure operations go over [`Bus::Op`] to CMP, BIT, SHIFT,
//! MUL, DIV and COUNT, operations on state over [`Bus::Ext`] to MEM, MEMX, BOUND, GROW, GLOBAL and HOST;
//! CELLS closes the memory argument. [`system`] is all of it as data, [`witness`] fills it from a [`Trace`],
//! [`public`] is what the verifier computes itself.

mod bit;
mod bound;
mod cells;
mod cmp;
mod count;
mod div;
mod global;
mod grow;
mod host;
mod layout;
mod mem;
mod mul;
mod sealed;
mod segment;
mod shift;
mod step;
#[cfg(test)]
mod testing;
mod witness;

pub use bit::BitTable;
pub use bound::BoundTable;
pub use cells::CellsTable;
pub use cmp::CmpTable;
pub use count::CountTable;
pub use div::DivTable;
pub use global::GlobalTable;
pub use grow::GrowTable;
pub use host::HostTable;
pub use mem::MemTable;
pub use mul::MulTable;
pub use nonos_seal::Tape as TapeWords;
pub use sealed::Reads;
pub use segment::SegmentTable;
pub use shift::ShiftTable;
pub use step::{MAX_ROWS, StepTable};
pub use witness::{
    Hidden, PublicRun, Rows, Witness, hiding_witness, position, public, segment_public, segment_witness,
    witness,
};

use crate::air::{Bus, FixedTable, System, TableShape};
use crate::isa::{Instr, ext, flag, op};
#[cfg(doc)]
use crate::trace::Trace;

/// Number of tables; the index of each is its place in [`system`].
pub const COUNT: usize = 14;

/// Index of STEP in [`system`].
pub const STEP: usize = 0;
const CMP: usize = 1;
const BIT: usize = 2;
const SHIFT: usize = 3;
const MUL: usize = 4;
const MEM: usize = 5;
const MEMX: usize = 6;
const GROW: usize = 7;
const GLOBAL: usize = 8;
const HOST: usize = 9;
const CELLS: usize = 10;
const DIV: usize = 11;
const BITS: usize = 12;
const BOUND: usize = 13;

/// The table, beside STEP, in which a step has a row; `crossing`: it reaches over the end of an 8-byte word of the
/// memory. CELLS has a row per cell, not per step.
pub fn chip(instr: &Instr, crossing: bool) -> Option<usize> {
    let class = instr.op & 7;
    if instr.flags & flag::ALU != 0 {
        return Some(match class {
            op::CMP => CMP,
            op::BIT => BIT,
            op::SHIFT => SHIFT,
            op::MUL => MUL,
            op::DIV => DIV,
            op::COUNT => BITS,
            _ => return None,
        });
    }
    if instr.flags & flag::EXT == 0 {
        return None;
    }
    Some(match class {
        ext::MEM if crossing => MEMX,
        ext::MEM => MEM,
        ext::GROW => GROW,
        ext::GLOBAL => GLOBAL,
        ext::HOST => HOST,
        ext::BOUND => BOUND,
        _ => return None,
    })
}

/// The constraint system of the machine, for a piece of a run: STEP begins and ends in any state, and what cells hold
/// before and after is sent to and received from [`Bus::Memory`] by the backend: CELLS has no rows.
pub fn segment_system() -> System {
    let mut system = system();
    system.tables[STEP] = TableShape::record(&SegmentTable);
    system.public_bits = (vec![24, 27, 16, 16], vec![24, 27, 16, 16, 30]);
    system
}

/// The constraint system of the machine.
pub fn system() -> System {
    let tables = vec![
        TableShape::record(&StepTable),
        TableShape::record(&CmpTable),
        TableShape::record(&BitTable),
        TableShape::record(&ShiftTable),
        TableShape::record(&MulTable),
        TableShape::record(&MemTable { crossing: false }),
        TableShape::record(&MemTable { crossing: true }),
        TableShape::record(&GrowTable),
        TableShape::record(&GlobalTable),
        TableShape::record(&HostTable),
        TableShape::record(&CellsTable),
        TableShape::record(&DivTable),
        TableShape::record(&CountTable),
        TableShape::record(&BoundTable),
    ];
    let bytes = || (0..1 << 16u64).map(|i| (i & 0xff, i >> 8));
    let fixed = vec![
        FixedTable {
            bus: Bus::Range16,
            rows: (0..1 << 16).map(|x| vec![x]).collect(),
        },
        FixedTable {
            bus: Bus::Range8,
            rows: (0..1 << 8).map(|x| vec![x]).collect(),
        },
        FixedTable {
            bus: Bus::And8,
            rows: bytes().map(|(x, y)| vec![x, y, x & y]).collect(),
        },
        FixedTable {
            bus: Bus::Count8,
            rows: count::bytes(),
        },
    ];
    // First row: calls allowed, pages. Last row: pc, fuel, pages. As wide as the columns, so that no value of one
    // can pass for a value of both.
    System {
        tables,
        fixed,
        public_bits: (vec![16, 16], vec![34, 30, 16]),
    }
}
