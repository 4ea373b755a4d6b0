//! What an operator costs, and where a function pays. See `docs/spec/fuel.md`.
//!
//! A function is cut into *metered blocks*. A block begins at the first operator of the function and at
//! each operator that follows a `loop`, `if`, `else`, `br_if` or an `end` (of a block, loop or if); it
//! reaches up to where the next begins. Its whole cost is charged when control reaches its first
//! operator, before that operator has any effect. A `call` does not end a block. Operators that follow a
//! `br`, `br_table`, `return`, `return_call`, `return_call_indirect` or `unreachable` in the same block or
//! arm can never run: they cost nothing.
//!
//! The cost of the first block includes one unit for each declared local, which a call has to clear.
//!
//! Operators that act on as many bytes or entries as an operand says also pay for those, [`memory_units`] and
//! [`entry_units`], between their checks and their effect. A reference to a host call is one to a function that
//! passes its parameters on, which costs [`trampoline`].

use crate::abi::HostCall;
use nonos_types::Fuel;
use wasmparser::{FunctionBody, Operator};

/// What `memory.copy`, `memory.fill` and `memory.init` pay for each started 8 bytes.
pub const PER_WORD: u64 = 4;
/// What `table.copy`, `table.init`, `table.fill` and a successful `table.grow` pay for each entry.
pub const PER_ENTRY: u64 = 4;

/// What an operator that acts on `bytes` of memory pays for them, once they are known to be inside.
///
/// ```
/// use nonos_package::fuel;
/// assert_eq!([0, 1, 8, 9].map(|bytes| fuel::memory_units(bytes).get()), [0, 4, 4, 8]);
/// ```
pub fn memory_units(bytes: u32) -> Fuel {
    Fuel::new(u64::from(bytes.div_ceil(8)) * PER_WORD)
}

/// What an operator that acts on `entries` of a table pays for them, once they are known to be inside.
pub fn entry_units(entries: u32) -> Fuel {
    Fuel::new(u64::from(entries) * PER_ENTRY)
}

/// What the function costs that a reference to a host call refers to: `local.get` of each parameter, then the call.
pub fn trampoline(call: HostCall) -> u16 {
    call.params().len() as u16 + host_call(call)
}

/// What a metered block costs and where it is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Charge {
    /// Index of the block's first operator in the function's body, counting every operator from 0.
    /// The charge comes before it; so after a `loop` it is inside of the loop, and each round pays.
    pub op_index: u32,
    /// Fuel; never 0.
    pub cost: u16,
}

/// Why a function cannot be metered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operator that has no cost: outside of the instruction set.
    #[error("no cost for {opcode} at offset {offset:#x}")]
    Unpriced {
        /// Byte offset in the module.
        offset: usize,
        /// The operator's wasm name.
        opcode: String,
    },
    /// A metered block costs more than 65535.
    #[error("the block before offset {offset:#x} costs more than 65535 fuel")]
    BlockTooLong {
        /// Byte offset in the module of the operator at which the limit is passed.
        offset: usize,
    },
    /// The bytes are no function body.
    #[error("malformed code at offset {offset:#x}: {detail}")]
    Malformed {
        /// Byte offset in the module.
        offset: usize,
        /// What is wrong.
        detail: String,
    },
}

/// The cost of an operator; `None` if it is outside of the instruction set. `imports` are the host calls
/// by function index.
///
/// ```
/// use nonos_package::fuel;
/// use wasmparser::Operator;
/// assert_eq!(fuel::cost(&Operator::I64Mul, &[]), Some(2));
/// assert_eq!(fuel::cost(&Operator::F64Add, &[]), None);
/// ```
pub fn cost(op: &Operator<'_>, imports: &[HostCall]) -> Option<u16> {
    use Operator::*;
    Some(match op {
        Nop | Drop | Block { .. } | Loop { .. } | Else | End | Unreachable => 0,
        I32Const { .. } | I64Const { .. } => 1,
        LocalGet { .. } | LocalSet { .. } | LocalTee { .. } | GlobalGet { .. } | GlobalSet { .. } => 1,
        If { .. } | Br { .. } | BrIf { .. } | Return | MemorySize { .. } | TableSize { .. } => 1,
        Select | TypedSelect { .. } | RefNull { .. } | RefFunc { .. } | RefIsNull => 1,
        DataDrop { .. } | ElemDrop { .. } => 1,
        I32Eqz | I32Eq | I32Ne | I32LtS | I32LtU | I32GtS | I32GtU | I32LeS | I32LeU | I32GeS | I32GeU => 1,
        I64Eqz | I64Eq | I64Ne | I64LtS | I64LtU | I64GtS | I64GtU | I64LeS | I64LeU | I64GeS | I64GeU => 1,
        I32Add | I32Sub | I32And | I32Or | I32Xor | I32Shl | I32ShrS | I32ShrU | I32Rotl | I32Rotr => 1,
        I64Add | I64Sub | I64And | I64Or | I64Xor | I64Shl | I64ShrS | I64ShrU | I64Rotl | I64Rotr => 1,
        I32WrapI64 | I64ExtendI32S | I64ExtendI32U => 1,
        I32Extend8S | I32Extend16S | I64Extend8S | I64Extend16S | I64Extend32S => 1,
        I32Mul | I64Mul | BrTable { .. } => 2,
        I32Clz | I32Ctz | I32Popcnt | I64Clz | I64Ctz | I64Popcnt => 2,
        TableGet { .. } | TableSet { .. } => 3,
        I32DivS | I32DivU | I32RemS | I32RemU | I64DivS | I64DivU | I64RemS | I64RemU => 4,
        I32Load { .. } | I32Load8S { .. } | I32Load8U { .. } | I32Load16S { .. } | I32Load16U { .. } => 2,
        I64Load { .. } | I64Load8S { .. } | I64Load8U { .. } | I64Load16S { .. } | I64Load16U { .. } => 2,
        I64Load32S { .. } | I64Load32U { .. } => 2,
        I32Store { .. } | I32Store8 { .. } | I32Store16 { .. } => 2,
        I64Store { .. } | I64Store8 { .. } | I64Store16 { .. } | I64Store32 { .. } => 2,
        Call { function_index } | ReturnCall { function_index } => {
            match imports.get(*function_index as usize) {
                None => 3,
                Some(call) => host_call(*call),
            }
        }
        CallIndirect { .. } | ReturnCallIndirect { .. } => 6,
        MemoryCopy { .. } | MemoryFill { .. } | MemoryInit { .. } => 16,
        TableCopy { .. } | TableFill { .. } | TableInit { .. } | TableGrow { .. } => 16,
        MemoryGrow { .. } => 64,
        _ => return None,
    })
}

fn host_call(call: HostCall) -> u16 {
    match call {
        HostCall::Checkpoint => 1024,
        _ => 13,
    }
}

/// The charges of a function, by ascending `op_index`; blocks that cost nothing have none.
///
/// # Errors
///
/// [`Error`], for a function that the checked instruction set does not allow.
pub fn charges(body: &FunctionBody<'_>, imports: &[HostCall]) -> Result<Vec<Charge>, Error> {
    let mut meter = Meter::default();
    let locals = body.get_locals_reader().map_err(malformed)?;
    for group in locals {
        let (count, _) = group.map_err(malformed)?;
        meter.add(count, body.range().start)?;
    }
    for op in body
        .get_operators_reader()
        .map_err(malformed)?
        .into_iter_with_offsets()
    {
        let (op, offset) = op.map_err(malformed)?;
        let cost = cost(&op, imports).ok_or_else(|| Error::Unpriced {
            offset,
            opcode: crate::instructions::opcode(&op),
        })?;
        meter.operator(&op, cost, offset)?;
    }
    meter.next_block(0);
    Ok(meter.charges)
}

fn malformed(error: wasmparser::BinaryReaderError) -> Error {
    Error::Malformed {
        offset: error.offset(),
        detail: error.message().to_owned(),
    }
}

#[derive(Default)]
struct Meter {
    charges: Vec<Charge>,
    /// Operators seen.
    index: u32,
    /// First operator of the open block.
    start: u32,
    cost: u16,
    /// Frames opened since the code became unreachable; `None` while it is reachable.
    dead: Option<u32>,
}

impl Meter {
    fn add(&mut self, cost: u32, offset: usize) -> Result<(), Error> {
        let sum = u16::try_from(cost)
            .ok()
            .and_then(|cost| self.cost.checked_add(cost));
        self.cost = sum.ok_or(Error::BlockTooLong { offset })?;
        Ok(())
    }

    fn next_block(&mut self, start: u32) {
        if self.cost > 0 {
            self.charges.push(Charge {
                op_index: self.start,
                cost: self.cost,
            });
        }
        self.cost = 0;
        self.start = start;
    }

    fn operator(&mut self, op: &Operator<'_>, cost: u16, offset: usize) -> Result<(), Error> {
        let next = self.index + 1;
        self.index = next;
        match (&mut self.dead, op) {
            (Some(depth), Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. }) => {
                *depth += 1
            }
            (Some(depth), Operator::End) if *depth > 0 => *depth -= 1,
            (Some(0), Operator::Else | Operator::End) => {
                self.dead = None;
                self.next_block(next);
            }
            (Some(_), _) => {}
            (None, op) => {
                self.add(u32::from(cost), offset)?;
                match op {
                    Operator::Loop { .. } | Operator::If { .. } | Operator::Else => self.next_block(next),
                    Operator::End | Operator::BrIf { .. } => self.next_block(next),
                    Operator::Br { .. } | Operator::BrTable { .. } => self.dead = Some(0),
                    Operator::Return | Operator::Unreachable => self.dead = Some(0),
                    Operator::ReturnCall { .. } | Operator::ReturnCallIndirect { .. } => self.dead = Some(0),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
