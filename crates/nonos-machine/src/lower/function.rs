//! One function: control flow, locals and calls.
//!
//! The operand stack exists while lowering only: constants and locals stay what they are until they are used,
//! and a comparison becomes the branch that follows it.

use nonos_types::TrapKind;
use wasmparser::{BlockType, Operator, ValType};

use super::{
    emit::{Emitter, Label},
    module::Module,
    values::{Entry, Operand, Place, Values, copy, register_of, with_b},
};
use crate::isa::{Instr, flag, op};

/// Where a function returns its result and gets its first argument.
pub(super) const RESULT: u16 = 1;

pub(super) struct Function<'a> {
    pub(super) module: &'a Module,
    pub(super) out: &'a mut Emitter,
    pub(super) values: Values,
    frames: Vec<Frame>,
    /// Blocks opened in code that cannot be reached; `None` in code that can.
    dead: Option<u32>,
    /// Calls whose target is to be set.
    calls: Vec<(usize, u32)>,
}

struct Frame {
    kind: Kind,
    /// Height of the stack below the block.
    height: usize,
    /// Whether the result is an `i32`, if there is one.
    result: Option<bool>,
    /// Where a branch goes.
    label: Label,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Function,
    Block,
    Loop,
    /// The arm for true; the label is where the other begins, or the end.
    If(Label),
}

/// What a branch depends on.
enum Condition {
    Known(bool),
    /// A comparison without its result.
    Compare(Instr),
}

impl<'a> Function<'a> {
    pub(super) fn new(
        module: &'a Module,
        out: &'a mut Emitter,
        locals: Vec<bool>,
        result: Option<bool>,
    ) -> Self {
        let label = out.label();
        let body = Frame {
            kind: Kind::Function,
            height: 0,
            result,
            label,
        };
        Self {
            module,
            out,
            values: Values::new(locals),
            frames: vec![body],
            dead: None,
            calls: Vec::new(),
        }
    }

    pub(super) fn is_reachable(&self) -> bool {
        self.dead.is_none()
    }

    pub(super) fn charge(&mut self, cost: u32) {
        self.out.charge(cost);
    }

    /// Sets a local to zero.
    pub(super) fn clear(&mut self, local: u32) {
        self.out.emit(copy(register_of(local), Operand::Const(0)));
    }

    /// The calls: the instruction, and the function it calls.
    pub(super) fn finish(self) -> Vec<(usize, u32)> {
        self.calls
    }

    /// Lowers an operator; `None` if it is not of the instruction set.
    pub(super) fn operator(&mut self, operator: &Operator<'_>) -> Option<()> {
        if let Some(depth) = &mut self.dead {
            match operator {
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => *depth += 1,
                Operator::End if *depth > 0 => *depth -= 1,
                Operator::Else if *depth == 0 => self.otherwise(),
                Operator::End => self.end(),
                _ => {}
            }
            return Some(());
        }
        match *operator {
            Operator::Nop => {}
            Operator::Unreachable => {
                self.trap(TrapKind::Unreachable);
                self.dead = Some(0);
            }
            Operator::Drop => {
                self.values.pop();
            }
            Operator::Block { blockty } => {
                let result = block_result(blockty)?;
                self.values.settle_all(self.out);
                self.open(Kind::Block, result);
            }
            Operator::Loop { blockty } => {
                let result = block_result(blockty)?;
                self.values.settle_all(self.out);
                self.open(Kind::Loop, result);
                let head = self.frames.last()?.label;
                self.out.bind(head);
            }
            Operator::If { blockty } => {
                let result = block_result(blockty)?;
                let condition = self.condition();
                self.values.settle_all(self.out);
                let other = self.out.label();
                self.open(Kind::If(other), result);
                self.branch_if(condition, false, other);
            }
            Operator::Else => self.otherwise(),
            Operator::End => self.end(),
            Operator::Br { relative_depth } => self.br(relative_depth),
            Operator::BrIf { relative_depth } => self.br_if(relative_depth),
            Operator::Return => self.return_(),
            Operator::Select => self.select(),
            Operator::LocalGet { local_index } => self.values.push_local(local_index),
            Operator::LocalSet { local_index } => self.local_set(local_index),
            Operator::LocalTee { local_index } => {
                self.local_set(local_index);
                self.values.push_local(local_index);
            }
            Operator::Call { function_index } => self.call(function_index)?,
            _ => return self.computation(operator),
        }
        Some(())
    }

    fn open(&mut self, kind: Kind, result: Option<bool>) {
        let label = self.out.label();
        let height = self.values.height();
        self.frames.push(Frame {
            kind,
            height,
            result,
            label,
        });
    }

    fn frame(&self) -> &Frame {
        self.frames.last().expect("the module is valid")
    }

    fn otherwise(&mut self) {
        let &Frame {
            kind,
            height,
            result,
            label,
        } = self.frame();
        let Kind::If(other) = kind else {
            unreachable!("the module is valid")
        };
        if self.is_reachable() {
            if result.is_some() {
                self.values.settle(height, self.out);
            }
            self.out.emit_jump(jump(), label);
        }
        self.values.truncate(height);
        self.dead = Some(0);
        if self.out.is_used(other) {
            self.out.bind(other);
            self.dead = None;
        }
        self.frames.last_mut().expect("just seen").kind = Kind::Block;
    }

    fn end(&mut self) {
        let Frame {
            kind,
            height,
            result,
            label,
        } = self.frames.pop().expect("the module is valid");
        let other = match kind {
            Kind::Function => return self.end_function(result, label),
            Kind::If(other) => Some(other),
            _ => None,
        };
        let joins = |out: &Emitter, label| out.is_used(label) && kind != Kind::Loop;
        if joins(self.out, label) || other.is_some_and(|other| self.out.is_used(other)) {
            if self.is_reachable() && result.is_some() {
                self.values.settle(height, self.out);
            }
            self.out.bind(label);
            if let Some(other) = other {
                self.out.bind(other);
            }
            self.values.truncate(height);
            if let Some(narrow) = result {
                self.values.push_slot(super::emit::NOWHERE, narrow);
            }
            self.dead = None;
        } else if !self.is_reachable() {
            self.values.truncate(height);
        }
    }

    fn end_function(&mut self, result: Option<bool>, label: Label) {
        if self.is_reachable() && result.is_some() {
            self.emit_return(true);
        } else if self.is_reachable() || self.out.is_used(label) {
            self.out.bind(label);
            self.emit_return(false);
        }
        self.dead = Some(0);
    }

    /// Pops a condition; a comparison just made is taken back to become the branch.
    fn condition(&mut self) -> Condition {
        let entry = self.values.pop();
        if let Some(instr) = self.out.last(entry.from)
            && instr.flags & flag::ALU != 0
            && instr.op & 7 == op::CMP
        {
            let mut compare = self.out.take_last(entry.from).expect("just seen");
            compare.flags &= !flag::WC;
            compare.ic = 0;
            return Condition::Compare(compare);
        }
        match self.values.operand(entry) {
            Operand::Const(value) => Condition::Known(value != 0),
            Operand::Register(ia) => Condition::Compare(Instr {
                flags: flag::ALU | flag::RA,
                op: op::CMP | op::CMP_EQ | op::CMP_NEG,
                ia,
                ..Instr::default()
            }),
        }
    }

    /// Goes to `label` if the condition is `sense`.
    fn branch_if(&mut self, condition: Condition, sense: bool, label: Label) {
        match condition {
            Condition::Known(value) if value == sense => {
                self.out.emit_jump(jump(), label);
                self.dead = Some(0);
            }
            Condition::Known(_) => {}
            Condition::Compare(mut compare) => {
                compare.flags |= flag::BR;
                if !sense {
                    compare.op ^= op::CMP_NEG;
                }
                self.out.emit_jump(compare, label);
            }
        }
    }

    fn target(&self, depth: u32) -> (Kind, usize, bool, Label) {
        let frame = &self.frames[self.frames.len() - 1 - depth as usize];
        (
            frame.kind,
            frame.height,
            frame.result.is_some() && frame.kind != Kind::Loop,
            frame.label,
        )
    }

    fn br(&mut self, depth: u32) {
        let (kind, height, result, label) = self.target(depth);
        if kind == Kind::Function {
            return self.return_();
        }
        if result {
            let value = self.values.pop();
            let slot = self.values.slot(height);
            self.move_to(value, slot);
        }
        self.out.emit_jump(jump(), label);
        self.dead = Some(0);
    }

    fn br_if(&mut self, depth: u32) {
        let (kind, height, result, label) = self.target(depth);
        let condition = self.condition();
        if let Condition::Known(taken) = condition {
            if taken {
                self.br(depth);
            }
            return;
        }
        let top = self.values.height().wrapping_sub(1);
        if !result {
            self.branch_if(condition, true, label);
        } else if kind != Kind::Function && top == height {
            self.values.settle(top, self.out);
            self.branch_if(condition, true, label);
        } else {
            let stay = self.out.label();
            self.branch_if(condition, false, stay);
            let value = self.values.pop();
            let from = self.values.operand(value);
            self.values.push_again(value);
            if kind == Kind::Function {
                self.copy_unless_there(RESULT, from);
                self.out.emit(ret());
            } else {
                let slot = self.values.slot(height);
                self.copy_unless_there(slot, from);
                self.out.emit_jump(jump(), label);
            }
            self.out.bind(stay);
        }
    }

    fn return_(&mut self) {
        let result = self.frames[0].result.is_some();
        self.emit_return(result);
        self.dead = Some(0);
    }

    fn emit_return(&mut self, result: bool) {
        if result {
            let value = self.values.pop();
            self.move_to(value, RESULT);
        }
        self.out.emit(ret());
    }

    /// Moves a value just popped to a register that nothing on the stack needs.
    fn move_to(&mut self, value: Entry, register: u16) {
        if let Some(instr) = self.out.last(value.from) {
            instr.ic = register;
        } else {
            let from = self.values.operand(value);
            self.copy_unless_there(register, from);
        }
    }

    fn copy_unless_there(&mut self, register: u16, from: Operand) {
        if from != Operand::Register(register) {
            self.out.emit(copy(register, from));
        }
    }

    fn local_set(&mut self, local: u32) {
        let value = self.values.pop();
        if value.place == Place::Local(local) {
            return;
        }
        let register = register_of(local);
        if !self.values.is_pending(local) {
            return self.move_to(value, register);
        }
        let maker = self.out.take_last(value.from);
        self.values.settle_local(local, self.out);
        let set = match maker {
            Some(instr) => Instr {
                ic: register,
                ..instr
            },
            None => copy(register, self.values.operand(value)),
        };
        self.out.emit(set);
    }

    fn select(&mut self) {
        let condition = self.condition();
        let (other, value) = (self.values.pop(), self.values.pop());
        let height = self.values.height();
        let slot = self.values.claim(self.out);
        let narrow = value.narrow && other.narrow;
        if let Condition::Known(first) = condition {
            if first {
                return self.values.push_again(value);
            }
            let from = self.values.operand_at(other, height + 1);
            let from = self.out.emit(copy(slot, from));
            return self.values.push_slot(from, other.narrow);
        }
        let from = self.values.operand_at(value, height);
        self.copy_unless_there(slot, from);
        let keep = self.out.label();
        self.branch_if(condition, true, keep);
        let from = self.values.operand_at(other, height + 1);
        self.out.emit(copy(slot, from));
        self.out.bind(keep);
        self.values.push_slot(super::emit::NOWHERE, narrow);
    }

    fn call(&mut self, function: u32) -> Option<()> {
        if let Some(&host) = self.module.imports.get(function as usize) {
            self.host_call(host);
            return Some(());
        }
        let signature = self.module.signature(function)?;
        let arguments: Vec<Entry> = signature.params.iter().map(|_| self.values.pop()).collect();
        let height = self.values.height();
        let base = self.values.claim(self.out);
        // From the last to the first: each goes where the next one was.
        for (place, entry) in arguments.into_iter().enumerate() {
            let index = height + signature.params.len() - 1 - place;
            let register = self.values.slot(index + 1);
            if place == 0
                && let Some(instr) = self.out.last(entry.from)
            {
                instr.ic = register;
            } else {
                let from = self.values.operand_at(entry, index);
                self.copy_unless_there(register, from);
            }
        }
        let at = self.out.emit_call(base);
        self.calls.push((at, function));
        if let Some(narrow) = signature.result {
            self.values.slot(height + 1);
            self.values.push_above(narrow);
        }
        Some(())
    }

    /// Ends the run in a trap.
    pub(super) fn trap(&mut self, kind: TrapKind) {
        self.out.emit(trap(kind));
    }
}

/// The instruction that stands for a trap; its immediate operand is the code of the kind.
pub(super) fn trap(kind: TrapKind) -> Instr {
    Instr {
        flags: flag::ALU,
        op: op::TRAP,
        imm: u64::from(kind.code()),
        ..Instr::default()
    }
}

/// An unconditional jump.
pub(super) fn jump() -> Instr {
    with_b(
        Instr {
            flags: flag::COPY | flag::JMP,
            ..Instr::default()
        },
        Operand::Const(0),
    )
}

fn ret() -> Instr {
    Instr {
        flags: flag::RET | flag::RA,
        ..Instr::default()
    }
}

/// Whether a block's result is an `i32`, if it has one; `None` for other blocks.
fn block_result(block: BlockType) -> Option<Option<bool>> {
    match block {
        BlockType::Empty => Some(None),
        BlockType::Type(ValType::I32) => Some(Some(true)),
        BlockType::Type(ValType::I64) => Some(Some(false)),
        _ => None,
    }
}
