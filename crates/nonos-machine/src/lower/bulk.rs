//! Tables, and bulk operations on them and on memory.

use nonos_types::TrapKind;
use wasmparser::Operator;

use super::{
    function::Function,
    module::{Size, Table},
    routine::Routine,
    values::{Operand, copy, with_b},
};
use crate::isa::{Instr, ext, flag, op};

impl Function<'_> {
    pub(super) fn bulk(&mut self, operator: &Operator<'_>) -> Option<()> {
        let module = self.module;
        let table = |index: u32| module.tables.get(index as usize);
        match *operator {
            Operator::MemoryCopy { .. } => self.memory_copy(),
            Operator::MemoryFill { .. } => self.memory_fill(),
            Operator::MemoryInit { data_index, .. } => {
                let segment = module.data.get(data_index as usize)?;
                let more = [segment.length, Size::Fixed(segment.start)];
                self.routine(Routine::MemoryInit, 3, &more);
            }
            Operator::DataDrop { data_index } => {
                self.drop_segment(module.data.get(data_index as usize)?.length);
            }
            Operator::ElemDrop { elem_index } => {
                self.drop_segment(module.elements.get(elem_index as usize)?.length);
            }
            Operator::TableGet { table: index } => self.table_get(table(index)?),
            Operator::TableSet { table: index } => self.table_set(table(index)?),
            Operator::TableSize { table: index } => match table(index)?.size {
                Size::Fixed(size) => self.values.push_const(u64::from(size)),
                Size::Cell(cell) => {
                    let slot = self.values.claim(self.out);
                    let from = self.out.emit(read(slot, cell));
                    self.values.push_slot(from, true);
                }
            },
            Operator::TableGrow { table: index } => {
                let table = table(index)?;
                let Size::Cell(cell) = table.size else {
                    unreachable!("a table that code grows has a cell")
                };
                let more = [cell, table.offset, table.limit].map(Size::Fixed);
                self.routine(Routine::TableGrow, 2, &more);
                self.values.push_above(true);
            }
            Operator::TableFill { table: index } => {
                let table = table(index)?;
                let more = [table.size, Size::Fixed(table.offset)];
                self.routine(Routine::TableFill, 3, &more);
            }
            Operator::TableCopy { dst_table, src_table } => {
                let (to, from) = (table(dst_table)?, table(src_table)?);
                let [to_offset, from_offset] = [to, from].map(|table| Size::Fixed(table.offset));
                let more = [to.size, to_offset, from.size, from_offset];
                self.routine(Routine::TableCopy, 3, &more);
            }
            Operator::TableInit {
                elem_index,
                table: index,
            } => {
                let (to, segment) = (table(index)?, module.elements.get(elem_index as usize)?);
                let start = Size::Fixed(segment.start);
                let more = [to.size, Size::Fixed(to.offset), segment.length, start];
                self.routine(Routine::TableInit, 3, &more);
            }
            _ => return None,
        }
        Some(())
    }

    /// Calls a routine with arguments from the stack, and `more` behind them.
    pub(super) fn routine(&mut self, routine: Routine, arguments: usize, more: &[Size]) {
        let base = self.arguments(arguments);
        for (register, size) in (base + 1 + arguments as u16..).zip(more) {
            self.out.emit(match *size {
                Size::Fixed(number) => copy(register, Operand::Const(u64::from(number))),
                Size::Cell(cell) => read(register, cell),
            });
        }
        self.out.emit_call(base, self.module.routines.label(routine), 0);
    }

    /// Nothing is left of a segment; of one that was not passive, nothing was.
    fn drop_segment(&mut self, length: Size) {
        if let Size::Cell(cell) = length {
            let clear = Instr {
                flags: flag::EXT | flag::COPY,
                op: ext::GLOBAL | ext::GLOBAL_SET,
                ..Instr::default()
            };
            self.emit_with_both(clear, u64::from(cell), Operand::Const(0));
        }
    }

    fn table_get(&mut self, table: &Table) {
        let entry = self.values.pop();
        let index = self.values.operand(entry);
        let ia = self.entry_of(table, index);
        let from = Instr {
            flags: flag::EXT | flag::RA | flag::WC,
            op: ext::GLOBAL,
            ia,
            ic: self.values.claim(self.out),
            imm: self.first_of(table),
            ..Instr::default()
        };
        let from = self.out.emit(from);
        self.values.push_slot(from, false);
    }

    fn table_set(&mut self, table: &Table) {
        let (_, _, index, value) = self.pair();
        let ia = self.entry_of(table, index);
        let set = Instr {
            flags: flag::EXT | flag::COPY | flag::RA,
            op: ext::GLOBAL | ext::GLOBAL_SET,
            ia,
            ..Instr::default()
        };
        self.emit_with_both(set, self.first_of(table), value);
    }

    /// The register of an index that is checked to be one of an entry.
    fn entry_of(&mut self, table: &Table, index: Operand) -> u16 {
        let ia = match index {
            Operand::Register(ia) => ia,
            Operand::Const(_) => self.hold(index, 3),
        };
        let size = match table.size {
            Size::Fixed(size) => Operand::Const(u64::from(size)),
            Size::Cell(cell) => {
                let register = self.values.scratch(4);
                self.out.emit(read(register, cell));
                Operand::Register(register)
            }
        };
        let is_outside = Instr {
            flags: flag::ALU | flag::RA | flag::BR,
            op: op::CMP | op::CMP_LT | op::CMP_NEG,
            ia,
            ..Instr::default()
        };
        let trap = self.module.ends.trap(TrapKind::TableOutOfBounds);
        self.out.emit_jump(with_b(is_outside, size), trap);
        ia
    }

    /// Index of a table's first entry among the cells.
    fn first_of(&self, table: &Table) -> u64 {
        u64::from(self.module.entries) + u64::from(table.offset)
    }
}

/// Reads a cell of [`Space::Global`](crate::isa::Space::Global).
fn read(ic: u16, index: u32) -> Instr {
    Instr {
        flags: flag::EXT | flag::WC,
        op: ext::GLOBAL,
        ic,
        imm: u64::from(index),
        ..Instr::default()
    }
}
