//! Rewrites function bodies.

use nonos_package::{fuel, instructions::Module as Checked};
use wasm_encoder::{
    BlockType, Encode, Function, Instruction,
    reencode::{Reencode, RoundtripReencoder},
};
use wasmparser::{FuncType, FunctionBody, Operator};

use super::{NO_ROOM, bulk::Bulk, layout::Layout, malformed, values::Values};
use crate::Error;

/// Indices of the appended globals.
#[derive(Clone, Copy)]
pub(super) struct Globals {
    /// What is left of the slice.
    pub(super) fuel: u32,
    room: u32,
    condition: u32,
    /// The first passive segment's; each has one, data before elements.
    pub(super) left: u32,
}

impl Globals {
    pub(super) fn new(layout: &Layout<'_>) -> Self {
        let first = layout.global_types.len() as u32;
        Self {
            fuel: first,
            room: first + 1,
            condition: first + 2,
            left: first + 3,
        }
    }
}

/// Rewrites the bodies of a module, one by one.
pub(super) struct Code<'a, 'b> {
    pub(super) wasm: &'a [u8],
    pub(super) layout: &'a Layout<'a>,
    pub(super) checked: &'a Checked,
    pub(super) globals: Globals,
    pub(super) bulk: &'b mut Bulk<'a>,
}

impl Code<'_, '_> {
    pub(super) fn body(&mut self, ty: &FuncType, body: &FunctionBody<'_>) -> Result<Vec<u8>, Error> {
        let mut charges = fuel::charges(body, &self.checked.imports)?.into_iter().peekable();
        let mut locals = Vec::new();
        for group in body.get_locals_reader().map_err(malformed)? {
            let (count, ty) = group.map_err(malformed)?;
            locals.push((count, RoundtripReencoder.val_type(ty)?));
        }
        let mut reader = body.get_operators_reader().map_err(malformed)?;
        let count = ty.params().len() as u32 + locals.iter().map(|(count, _)| count).sum::<u32>();
        let types = &self.layout.type_list;
        let mut values = Values::of(types, ty, count, reader.clone().into_iter()).map_err(malformed)?;
        let mut start = reader.original_position();
        let mut out = Vec::new();
        if values.is_some() {
            Values::enter(&mut out);
        }
        let mut index = 0;
        while !reader.eof() {
            let operator = reader.read().map_err(malformed)?;
            let end = reader.original_position();
            if let Some(due) = charges.next_if(|charge| charge.op_index == index) {
                charge(self.globals.fuel, self.meter(), due.cost, &mut |op| {
                    op.encode(&mut out)
                });
            }
            let bytes = &self.wasm[start..end];
            let replaced = match &mut values {
                Some(values) => values.replace(&operator, bytes, &mut out)?,
                None => false,
            };
            if !replaced {
                self.operator(&operator, bytes, &mut out);
            }
            start = end;
            index += 1;
        }
        debug_assert!(charges.next().is_none(), "every charge lies before an operator");
        let added = values.iter().flat_map(|values| values.added());
        locals.extend(added.map(|ty| (1, *ty)));
        let mut body = Function::new(locals);
        body.raw(out);
        Ok(body.into_raw_body())
    }

    /// Index of the meter.
    fn meter(&self) -> u32 {
        self.layout.functions.imported
    }

    fn operator(&mut self, operator: &Operator<'_>, bytes: &[u8], out: &mut Vec<u8>) {
        let functions = &self.layout.functions;
        let host = |function| function < functions.imported;
        match *operator {
            Operator::Call { function_index } if !host(function_index) => {
                self.open(out);
                Instruction::Call(functions.call(function_index)).encode(out);
                self.close(out);
            }
            Operator::CallIndirect { .. } => {
                self.open(out);
                out.extend_from_slice(bytes);
                self.close(out);
            }
            Operator::ReturnCall { function_index } if host(function_index) => {
                Instruction::Call(function_index).encode(out);
                Instruction::Return.encode(out);
            }
            Operator::ReturnCall { function_index } => {
                Instruction::ReturnCall(functions.call(function_index)).encode(out);
            }
            Operator::RefFunc { function_index } => {
                Instruction::RefFunc(functions.reference(function_index)).encode(out);
            }
            Operator::Select | Operator::TypedSelect { .. } => {
                Instruction::GlobalSet(self.globals.condition).encode(out);
                Instruction::GlobalGet(self.globals.condition).encode(out);
                out.extend_from_slice(bytes);
            }
            _ => match self.bulk.replaces(operator) {
                Some(instructions) => instructions.iter().for_each(|op| op.encode(out)),
                None => out.extend_from_slice(bytes),
            },
        }
    }

    /// Takes the room of one call, or traps.
    fn open(&self, out: &mut Vec<u8>) {
        for instruction in [
            Instruction::GlobalGet(self.globals.room),
            Instruction::I32Eqz,
            Instruction::If(BlockType::Empty),
            Instruction::I64Const(NO_ROOM),
            Instruction::Call(self.meter()),
            Instruction::End,
            Instruction::GlobalGet(self.globals.room),
            Instruction::I32Const(1),
            Instruction::I32Sub,
            Instruction::GlobalSet(self.globals.room),
        ] {
            instruction.encode(out);
        }
    }

    /// Gives the room of a call back.
    fn close(&self, out: &mut Vec<u8>) {
        for instruction in [
            Instruction::GlobalGet(self.globals.room),
            Instruction::I32Const(1),
            Instruction::I32Add,
            Instruction::GlobalSet(self.globals.room),
        ] {
            instruction.encode(out);
        }
    }
}

/// Pays a known cost.
pub(super) fn charge(fuel: u32, meter: u32, cost: u16, emit: &mut impl FnMut(Instruction<'static>)) {
    let cost = Instruction::I64Const(i64::from(cost));
    charge_value(fuel, meter, &cost, emit);
}

/// Pays what an instruction without operands gives.
pub(super) fn charge_value(
    fuel: u32,
    meter: u32,
    cost: &Instruction<'static>,
    emit: &mut impl FnMut(Instruction<'static>),
) {
    for instruction in [
        Instruction::GlobalGet(fuel),
        cost.clone(),
        Instruction::I64LtU,
        Instruction::If(BlockType::Empty),
        cost.clone(),
        Instruction::Call(meter),
        Instruction::End,
        Instruction::GlobalGet(fuel),
        cost.clone(),
        Instruction::I64Sub,
        Instruction::GlobalSet(fuel),
    ] {
        emit(instruction);
    }
}
