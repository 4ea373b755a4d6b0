//! Takes the values off the blocks of a function, where there are many.
//!
//! wasmi 2.0.0 goes wrong where several values pass through a label: a `br_table` that carries two copies none of
//! them if its targets are at one height, whatever lies below; the `else` of an `if` with parameters takes what the
//! first arm left in a register; a `loop` with parameters forgets to keep a local below them. So in a function with several results, or with a
//! block that has parameters or several results, no label carries values: they pass through locals. Those are
//! written right before a label is reached, and read right behind it, so all labels share them.

use std::collections::BTreeMap;

use wasm_encoder::{BlockType, Encode, Instruction, ValType, reencode::Reencode};
use wasmparser::{BlockType as Type, FuncType, Operator};

use crate::Error;

/// The blocks that are open in a function, and the locals that their values pass through.
pub(super) struct Values<'a> {
    types: &'a [FuncType],
    /// The function's own label is the first.
    labels: Vec<Label>,
    /// Types of the locals that are added, and the index of the first.
    added: Vec<ValType>,
    first: u32,
    /// By type and position of the value.
    passes: BTreeMap<(wasmparser::ValType, usize), u32>,
}

/// What an open block takes and leaves.
struct Label {
    params: Vec<wasmparser::ValType>,
    results: Vec<wasmparser::ValType>,
    is_loop: bool,
}

impl Label {
    /// What a branch to it carries.
    fn carries(&self) -> &[wasmparser::ValType] {
        if self.is_loop { &self.params } else { &self.results }
    }
}

impl<'a> Values<'a> {
    /// For a function of type `ty`, which has `locals` parameters and locals; `None` if its labels may keep their
    /// values.
    pub(super) fn of(
        types: &'a [FuncType],
        ty: &FuncType,
        locals: u32,
        operators: impl Iterator<Item = wasmparser::Result<Operator<'a>>>,
    ) -> wasmparser::Result<Option<Self>> {
        let mut wide = ty.results().len() > 1;
        for operator in operators {
            if let Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } =
                operator?
                && let Type::FuncType(index) = blockty
            {
                let ty = &types[index as usize];
                wide |= !ty.params().is_empty() || ty.results().len() > 1;
            }
        }
        Ok(wide.then(|| Self {
            types,
            labels: vec![Label {
                params: Vec::new(),
                results: ty.results().to_vec(),
                is_loop: false,
            }],
            // The first holds a condition or an index while the values below it are taken.
            added: vec![ValType::I32],
            first: locals,
            passes: BTreeMap::new(),
        }))
    }

    /// Opens the block that stands for the function's label.
    pub(super) fn enter(out: &mut Vec<u8>) {
        Instruction::Block(BlockType::Empty).encode(out);
    }

    /// Types of the locals to be added behind the function's own.
    pub(super) fn added(&self) -> &[ValType] {
        &self.added
    }

    /// Writes what stands for an operator; `false` if it stays as it is.
    pub(super) fn replace(
        &mut self,
        operator: &Operator<'_>,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<bool, Error> {
        match *operator {
            Operator::Block { blockty } => {
                self.open(blockty, &Instruction::Block(BlockType::Empty), out)?;
            }
            Operator::Loop { blockty } => {
                self.open(blockty, &Instruction::Loop(BlockType::Empty), out)?;
            }
            Operator::If { blockty } => {
                Instruction::LocalSet(self.first).encode(out);
                self.open(blockty, &Instruction::If(BlockType::Empty), out)?;
            }
            Operator::Else => {
                let (params, results) = self.innermost();
                self.take(&results, out)?;
                out.extend_from_slice(bytes);
                self.give(&params, out)?;
            }
            Operator::End => {
                let (_, results) = self.innermost();
                self.take(&results, out)?;
                Instruction::End.encode(out);
                self.give(&results, out)?;
                self.labels.pop();
                if self.labels.is_empty() {
                    Instruction::End.encode(out);
                }
            }
            Operator::Br { relative_depth } => {
                let values = self.carried(relative_depth);
                self.take(&values, out)?;
                out.extend_from_slice(bytes);
            }
            Operator::BrIf { relative_depth } => {
                let values = self.carried(relative_depth);
                self.branch(&values, bytes, out)?;
                self.give(&values, out)?;
            }
            Operator::BrTable { ref targets } => {
                let values = self.carried(targets.default());
                self.branch(&values, bytes, out)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn open(&mut self, ty: Type, instruction: &Instruction<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let (params, results) = match ty {
            Type::Empty => (Vec::new(), Vec::new()),
            Type::Type(result) => (Vec::new(), vec![result]),
            Type::FuncType(index) => {
                let ty = &self.types[index as usize];
                (ty.params().to_vec(), ty.results().to_vec())
            }
        };
        self.take(&params, out)?;
        if let Instruction::If(_) = instruction {
            Instruction::LocalGet(self.first).encode(out);
        }
        instruction.encode(out);
        self.give(&params, out)?;
        self.labels.push(Label {
            params,
            results,
            is_loop: matches!(instruction, Instruction::Loop(_)),
        });
        Ok(())
    }

    /// A branch that needs its condition or index on top.
    fn branch(
        &mut self,
        values: &[wasmparser::ValType],
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        if !values.is_empty() {
            Instruction::LocalSet(self.first).encode(out);
            self.take(values, out)?;
            Instruction::LocalGet(self.first).encode(out);
        }
        out.extend_from_slice(bytes);
        Ok(())
    }

    fn innermost(&self) -> (Vec<wasmparser::ValType>, Vec<wasmparser::ValType>) {
        let label = self
            .labels
            .last()
            .expect("a valid function closes what it has opened");
        (label.params.clone(), label.results.clone())
    }

    fn carried(&self, depth: u32) -> Vec<wasmparser::ValType> {
        let index = self.labels.len() - 1 - depth as usize;
        self.labels[index].carries().to_vec()
    }

    /// From the stack to the locals.
    fn take(&mut self, values: &[wasmparser::ValType], out: &mut Vec<u8>) -> Result<(), Error> {
        for (position, ty) in values.iter().enumerate().rev() {
            Instruction::LocalSet(self.local(*ty, position)?).encode(out);
        }
        Ok(())
    }

    /// From the locals to the stack.
    fn give(&mut self, values: &[wasmparser::ValType], out: &mut Vec<u8>) -> Result<(), Error> {
        for (position, ty) in values.iter().enumerate() {
            Instruction::LocalGet(self.local(*ty, position)?).encode(out);
        }
        Ok(())
    }

    fn local(&mut self, ty: wasmparser::ValType, position: usize) -> Result<u32, Error> {
        if let Some(local) = self.passes.get(&(ty, position)) {
            return Ok(*local);
        }
        let local = self.first + self.added.len() as u32;
        self.added
            .push(wasm_encoder::reencode::RoundtripReencoder.val_type(ty)?);
        self.passes.insert((ty, position), local);
        Ok(local)
    }
}
