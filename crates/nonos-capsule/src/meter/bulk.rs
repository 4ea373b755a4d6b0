//! Functions that stand for operators on many bytes or entries.
//!
//! Such an operator pays for what it touches once it is known to be inside, and before it has an effect. So the
//! metered module calls a function in its place, which compares, pays, and then does the operator itself. If it
//! is not inside, the function pays nothing, and the operator traps (`table.grow` gives −1). The functions take no
//! room: they are no calls of the program.

use std::collections::BTreeMap;

use nonos_package::{fuel, instructions::Module as Checked};
use wasm_encoder::{BlockType, CodeSection, Function, Instruction, RefType, TypeSection, ValType};
use wasmparser::Operator;

use super::{
    code::{Globals, charge_value},
    layout::Layout,
};

/// An operator with its immediates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Op {
    MemoryCopy,
    MemoryFill,
    MemoryInit(u32),
    TableCopy { to: u32, from: u32 },
    TableFill(u32),
    TableInit { table: u32, segment: u32 },
    TableGrow(u32),
}

/// The functions a module needs.
pub(super) struct Bulk<'a> {
    layout: &'a Layout<'a>,
    checked: &'a Checked,
    globals: Globals,
    /// In the order of their indices.
    ops: Vec<Op>,
    indices: BTreeMap<Op, u32>,
}

/// Local that holds the cost: behind the greatest number of parameters.
const COST: u32 = 3;
/// Local with the count of bytes or entries, but for `table.grow`.
const COUNT: u32 = 2;
/// Local with the count of `table.grow`.
const GROWTH: u32 = 1;

impl<'a> Bulk<'a> {
    pub(super) fn new(layout: &'a Layout<'a>, checked: &'a Checked, globals: Globals) -> Self {
        Self {
            layout,
            checked,
            globals,
            ops: Vec::new(),
            indices: BTreeMap::new(),
        }
    }

    /// What stands for an operator; `None` if it stays.
    pub(super) fn replaces(&mut self, operator: &Operator<'_>) -> Option<Vec<Instruction<'static>>> {
        let op = match *operator {
            Operator::MemoryCopy { .. } => Op::MemoryCopy,
            Operator::MemoryFill { .. } => Op::MemoryFill,
            Operator::MemoryInit { data_index, .. } => Op::MemoryInit(data_index),
            Operator::TableCopy { dst_table, src_table } => Op::TableCopy {
                to: dst_table,
                from: src_table,
            },
            Operator::TableFill { table } => Op::TableFill(table),
            Operator::TableInit { elem_index, table } => Op::TableInit {
                table,
                segment: elem_index,
            },
            Operator::TableGrow { table } => Op::TableGrow(table),
            Operator::DataDrop { data_index } => {
                return Some(dropped(
                    self.data_left(data_index),
                    Instruction::DataDrop(data_index),
                ));
            }
            Operator::ElemDrop { elem_index } => {
                return Some(dropped(
                    self.elements_left(elem_index),
                    Instruction::ElemDrop(elem_index),
                ));
            }
            _ => return None,
        };
        let next = self.layout.functions.next() + self.ops.len() as u32;
        let index = *self.indices.entry(op).or_insert_with(|| {
            self.ops.push(op);
            next
        });
        Some(vec![Instruction::Call(index)])
    }

    /// The global with what is left of a passive data segment.
    fn data_left(&self, segment: u32) -> Option<u32> {
        let left = &self.layout.data_left;
        nth_passive(left, segment).map(|nth| self.globals.left + nth)
    }

    /// The global with what is left of a passive element segment.
    fn elements_left(&self, segment: u32) -> Option<u32> {
        let before = self.layout.data_left.iter().flatten().count() as u32;
        let left = &self.layout.elements_left;
        nth_passive(left, segment).map(|nth| self.globals.left + before + nth)
    }

    /// Adds the types of the functions, one for each.
    pub(super) fn types(&self, section: &mut TypeSection) {
        for op in &self.ops {
            let params = self.params(*op);
            let results = match op {
                Op::TableGrow(_) => &[ValType::I32][..],
                _ => &[],
            };
            section.ty().function(params, results.iter().copied());
        }
    }

    /// Where those are: behind the meter's.
    pub(super) fn function_types(&self) -> impl Iterator<Item = u32> {
        let first = self.layout.type_count() + 1;
        first..first + self.ops.len() as u32
    }

    /// Adds the functions.
    pub(super) fn functions(&self, section: &mut CodeSection) {
        for op in &self.ops {
            // As many locals as bring the first free one to `COST`.
            let padding = COST - self.params(*op).len() as u32;
            let mut body = Function::new([(padding, ValType::I32), (1, ValType::I64)]);
            self.body(*op, &mut |instruction| {
                body.instruction(&instruction);
            });
            section.function(&body);
        }
    }

    fn params(&self, op: Op) -> Vec<ValType> {
        let entry = |table: u32| {
            let ty = self.layout.tables[table as usize].element_type;
            ValType::Ref(if ty.is_func_ref() {
                RefType::FUNCREF
            } else {
                RefType::EXTERNREF
            })
        };
        match op {
            Op::TableFill(table) => vec![ValType::I32, entry(table), ValType::I32],
            Op::TableGrow(table) => vec![entry(table), ValType::I32],
            _ => vec![ValType::I32; 3],
        }
    }

    fn body(&self, op: Op, emit: &mut impl FnMut(Instruction<'static>)) {
        let memory = [
            Instruction::MemorySize(0),
            Instruction::I64ExtendI32U,
            Instruction::I64Const(16),
            Instruction::I64Shl,
        ];
        let size = |table| [Instruction::TableSize(table), Instruction::I64ExtendI32U];
        let left = |global: Option<u32>| {
            let left = global.map_or(Instruction::I32Const(0), Instruction::GlobalGet);
            [left, Instruction::I64ExtendI32U]
        };
        let (to, from) = (0, 1);
        match op {
            Op::MemoryCopy => {
                inside(to, &memory, emit);
                inside(from, &memory, emit);
                emit(Instruction::I32And);
            }
            Op::MemoryFill => inside(to, &memory, emit),
            Op::MemoryInit(segment) => {
                inside(to, &memory, emit);
                inside(from, &left(self.data_left(segment)), emit);
                emit(Instruction::I32And);
            }
            Op::TableCopy {
                to: table,
                from: other,
            } => {
                inside(to, &size(table), emit);
                inside(from, &size(other), emit);
                emit(Instruction::I32And);
            }
            Op::TableFill(table) => inside(to, &size(table), emit),
            Op::TableInit { table, segment } => {
                inside(to, &size(table), emit);
                inside(from, &left(self.elements_left(segment)), emit);
                emit(Instruction::I32And);
            }
            Op::TableGrow(table) => {
                let limit = i64::from(self.checked.tables[table as usize].limit);
                emit(Instruction::TableSize(table));
                emit(Instruction::I64ExtendI32U);
                emit(Instruction::LocalGet(GROWTH));
                emit(Instruction::I64ExtendI32U);
                emit(Instruction::I64Add);
                emit(Instruction::I64Const(limit));
                emit(Instruction::I64LeU);
            }
        }
        emit(Instruction::If(BlockType::Empty));
        self.pay(op, emit);
        if let Op::TableGrow(_) = op {
            emit(Instruction::Else);
            // The interpreter would take it for a lack of memory.
            emit(Instruction::I32Const(-1));
            emit(Instruction::Return);
        }
        emit(Instruction::End);
        (0..self.params(op).len() as u32).for_each(|local| emit(Instruction::LocalGet(local)));
        emit(match op {
            Op::MemoryCopy => Instruction::MemoryCopy {
                src_mem: 0,
                dst_mem: 0,
            },
            Op::MemoryFill => Instruction::MemoryFill(0),
            Op::MemoryInit(data_index) => Instruction::MemoryInit { mem: 0, data_index },
            Op::TableCopy { to, from } => Instruction::TableCopy {
                src_table: from,
                dst_table: to,
            },
            Op::TableFill(table) => Instruction::TableFill(table),
            Op::TableInit { table, segment } => Instruction::TableInit {
                elem_index: segment,
                table,
            },
            Op::TableGrow(table) => Instruction::TableGrow(table),
        });
        emit(Instruction::End);
    }

    /// Pays for the bytes or entries.
    fn pay(&self, op: Op, emit: &mut impl FnMut(Instruction<'static>)) {
        let (count, each) = match op {
            Op::MemoryCopy | Op::MemoryFill | Op::MemoryInit(_) => (COUNT, fuel::PER_WORD),
            Op::TableCopy { .. } | Op::TableFill(_) | Op::TableInit { .. } => (COUNT, fuel::PER_ENTRY),
            Op::TableGrow(_) => (GROWTH, fuel::PER_ENTRY),
        };
        emit(Instruction::LocalGet(count));
        emit(Instruction::I64ExtendI32U);
        if let Op::MemoryCopy | Op::MemoryFill | Op::MemoryInit(_) = op {
            emit(Instruction::I64Const(7));
            emit(Instruction::I64Add);
            emit(Instruction::I64Const(3));
            emit(Instruction::I64ShrU);
        }
        emit(Instruction::I64Const(each.cast_signed()));
        emit(Instruction::I64Mul);
        emit(Instruction::LocalSet(COST));
        let meter = self.layout.functions.imported;
        charge_value(self.globals.fuel, meter, &Instruction::LocalGet(COST), emit);
    }
}

/// Whether what begins at the place in local `start`, and is as long as [`COUNT`] says, ends by `end`.
fn inside(start: u32, end: &[Instruction<'static>], emit: &mut impl FnMut(Instruction<'static>)) {
    emit(Instruction::LocalGet(start));
    emit(Instruction::I64ExtendI32U);
    emit(Instruction::LocalGet(COUNT));
    emit(Instruction::I64ExtendI32U);
    emit(Instruction::I64Add);
    end.iter().for_each(|instruction| emit(instruction.clone()));
    emit(Instruction::I64LeU);
}

fn dropped(left: Option<u32>, drop: Instruction<'static>) -> Vec<Instruction<'static>> {
    let clear = left.map(|global| [Instruction::I32Const(0), Instruction::GlobalSet(global)]);
    clear.into_iter().flatten().chain([drop]).collect()
}

/// How many segments before a passive one are passive; `None` for another.
fn nth_passive(left: &[Option<u32>], segment: u32) -> Option<u32> {
    let (before, at) = left.split_at_checked(segment as usize)?;
    at.first()?.as_ref()?;
    Some(before.iter().flatten().count() as u32)
}
