//! One function: its operators, blocks and locals.
//!
//! The operand stack exists while lowering only: constants and locals stay what they are until they are used,
//! and a comparison becomes the branch that follows it.

use std::collections::HashMap;

use nonos_types::TrapKind;
use wasmparser::{BlockType, Operator, ValType};

use super::{
    calls::Mistyped,
    emit::{Emitter, Label, NOWHERE},
    module::{Module, Signature},
    moves,
    values::{Entry, Operand, Place, Values, copy, register_of, with_b},
};
use crate::{
    isa::{Instr, flag},
    source::Origin,
};

/// Where a function returns its first result and gets its first argument.
pub(super) const RESULT: u16 = 1;

pub(super) struct Function<'a> {
    pub(super) module: &'a Module,
    pub(super) out: &'a mut Emitter,
    pub(super) values: Values,
    pub(super) frames: Vec<Frame>,
    /// Blocks opened in code that cannot be reached; `None` in code that can.
    pub(super) dead: Option<u32>,
    /// Where indirect calls go that do not find a function of their type.
    pub(super) mistyped: Vec<Mistyped>,
    /// Their labels, by register and type.
    pub(super) mistyped_labels: HashMap<(u16, u64), Label>,
}

pub(super) struct Frame {
    pub(super) kind: Kind,
    /// Height of the stack below the block and its parameters.
    pub(super) height: usize,
    /// Its parameters and results; of a function, results only.
    pub(super) signature: Signature,
    /// Where a branch goes.
    pub(super) label: Label,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Function,
    Block,
    Loop,
    /// The arm for true; the label is where the other begins, or the end.
    If(Label),
}

impl<'a> Function<'a> {
    pub(super) fn new(
        module: &'a Module,
        out: &'a mut Emitter,
        locals: Vec<bool>,
        results: Vec<bool>,
    ) -> Self {
        let label = out.label();
        let body = Frame {
            kind: Kind::Function,
            height: 0,
            signature: Signature {
                params: Vec::new(),
                results,
            },
            label,
        };
        Self {
            module,
            out,
            values: Values::new(locals),
            frames: vec![body],
            dead: None,
            mistyped: Vec::new(),
            mistyped_labels: HashMap::new(),
        }
    }

    pub(super) fn is_reachable(&self) -> bool {
        self.dead.is_none()
    }

    /// Says where the instructions come from that follow.
    pub(super) fn at(&mut self, place: Origin) {
        self.out.at(place);
    }

    pub(super) fn charge(&mut self, cost: u32) {
        self.out.charge_block(cost);
    }

    /// Sets a local to zero.
    pub(super) fn clear(&mut self, local: u32) {
        self.out.emit(copy(register_of(local), Operand::Const(0)));
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
            Operator::Block { blockty } => self.block(blockty)?,
            Operator::Loop { blockty } => self.loop_(blockty)?,
            Operator::If { blockty } => self.if_(blockty)?,
            Operator::Else => self.otherwise(),
            Operator::End => self.end(),
            Operator::Br { relative_depth } => self.br(relative_depth),
            Operator::BrIf { relative_depth } => self.br_if(relative_depth),
            Operator::BrTable { ref targets } => self.br_table(targets)?,
            Operator::Return => self.return_(),
            Operator::Select | Operator::TypedSelect { .. } => self.select(),
            Operator::LocalGet { local_index } => self.values.push_local(local_index),
            Operator::LocalSet { local_index } => self.local_set(local_index),
            Operator::LocalTee { local_index } => {
                self.local_set(local_index);
                self.values.push_local(local_index);
            }
            Operator::Call { function_index } => self.call(function_index)?,
            Operator::CallIndirect {
                type_index,
                table_index,
            } => self.call_indirect(type_index, table_index)?,
            Operator::ReturnCall { function_index } => self.return_call(function_index)?,
            Operator::ReturnCallIndirect {
                type_index,
                table_index,
            } => self.return_call_indirect(type_index, table_index)?,
            Operator::RefNull { .. } => self.values.push_const(0),
            Operator::RefIsNull => self.eqz(),
            Operator::RefFunc { function_index } => self.ref_func(function_index)?,
            _ => return self.computation(operator),
        }
        Some(())
    }

    fn signature_of(&self, block: BlockType) -> Option<Signature> {
        let results = match block {
            BlockType::Empty => Vec::new(),
            BlockType::Type(ty) => vec![ty == ValType::I32],
            BlockType::FuncType(ty) => return self.module.ty(ty).cloned(),
        };
        Some(Signature {
            params: Vec::new(),
            results,
        })
    }

    fn block(&mut self, block: BlockType) -> Option<()> {
        let signature = self.signature_of(block)?;
        self.values.settle_all(self.out);
        self.open(Kind::Block, signature);
        Some(())
    }

    fn loop_(&mut self, block: BlockType) -> Option<()> {
        let signature = self.signature_of(block)?;
        self.values.settle_all(self.out);
        // Another round brings other values.
        self.values.settle_top(&signature.params, self.out);
        self.open(Kind::Loop, signature);
        let head = self.frame().label;
        self.out.bind(head);
        Some(())
    }

    fn if_(&mut self, block: BlockType) -> Option<()> {
        let signature = self.signature_of(block)?;
        let condition = self.condition();
        self.values.settle_all(self.out);
        // Where there is no other arm, they are the results.
        self.values.settle_top(&signature.params, self.out);
        let other = self.out.label();
        self.open(Kind::If(other), signature);
        self.branch_if(condition, false, other);
        Some(())
    }

    fn open(&mut self, kind: Kind, signature: Signature) {
        let label = self.out.label();
        let height = self.values.height() - signature.params.len();
        self.frames.push(Frame {
            kind,
            height,
            signature,
            label,
        });
    }

    fn frame(&self) -> &Frame {
        self.frames.last().expect("the module is valid")
    }

    fn otherwise(&mut self) {
        let mut frame = self.frames.pop().expect("the module is valid");
        let Kind::If(other) = frame.kind else {
            unreachable!("the module is valid")
        };
        if self.is_reachable() {
            self.deliver(self.values.slot(frame.height), frame.signature.results.len());
            self.out.emit_jump(jump(), frame.label);
        }
        self.values.truncate(frame.height);
        self.dead = Some(0);
        if self.out.is_used(other) {
            self.out.bind(other);
            self.dead = None;
            for narrow in &frame.signature.params {
                self.values.push_slot(NOWHERE, *narrow);
            }
        }
        frame.kind = Kind::Block;
        self.frames.push(frame);
    }

    fn end(&mut self) {
        let Frame {
            kind,
            height,
            signature,
            label,
        } = self.frames.pop().expect("the module is valid");
        let results = signature.results;
        let other = match kind {
            Kind::Function => return self.end_function(results.len(), label),
            Kind::If(other) => Some(other),
            _ => None,
        };
        let joins = |out: &Emitter, label| out.is_used(label) && kind != Kind::Loop;
        if joins(self.out, label) || other.is_some_and(|other| self.out.is_used(other)) {
            if self.is_reachable() {
                self.deliver(self.values.slot(height), results.len());
            }
            self.out.bind(label);
            if let Some(other) = other {
                self.out.bind(other);
            }
            self.values.truncate(height);
            for narrow in results {
                self.values.push_slot(NOWHERE, narrow);
            }
            self.dead = None;
        } else if !self.is_reachable() {
            self.values.truncate(height);
        }
    }

    fn end_function(&mut self, results: usize, label: Label) {
        if self.is_reachable() && results > 0 {
            self.emit_return(results);
        } else if self.is_reachable() || self.out.is_used(label) {
            self.out.bind(label);
            self.emit_return(0);
        }
        self.dead = Some(0);
        self.emit_mistyped();
    }

    pub(super) fn return_(&mut self) {
        let results = self.frames[0].signature.results.len();
        self.emit_return(results);
        self.dead = Some(0);
    }

    pub(super) fn emit_return(&mut self, results: usize) {
        self.deliver(RESULT, results);
        self.out.emit(Instr {
            flags: flag::RET | flag::IND | flag::RA | flag::COPY,
            ..Instr::default()
        });
    }

    /// Puts the `count` values on top of the stack, which stay there, into the registers from `first` on.
    /// Nothing else on the stack may be needed any more that is in those.
    pub(super) fn deliver(&mut self, first: u16, count: usize) {
        let height = self.values.height();
        let mut moves: Vec<(u16, Operand)> = (first..)
            .zip(height - count..height)
            .map(|(to, at)| (to, self.values.operand_of(at)))
            .collect();
        // The last one may just have been made: then it is made where it goes.
        if let Some(&(to, _)) = moves.last()
            && !moves::is_source(&moves[..count - 1], to)
            && let Some(instr) = self.out.last(self.values.maker_of(height - 1))
        {
            instr.ic = to;
            moves.pop();
        }
        let spare = self.values.scratch(2);
        for (to, from) in moves::sequence(moves, spare) {
            self.out.emit(copy(to, from));
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

    /// Moves a value just popped to a register that nothing on the stack needs.
    fn move_to(&mut self, value: Entry, register: u16) {
        if let Some(instr) = self.out.last(value.from) {
            instr.ic = register;
        } else {
            let from = self.values.operand(value);
            self.copy_unless_there(register, from);
        }
    }

    pub(super) fn copy_unless_there(&mut self, register: u16, from: Operand) {
        if from != Operand::Register(register) {
            self.out.emit(copy(register, from));
        }
    }

    /// Ends the run in a trap.
    pub(super) fn trap(&mut self, kind: TrapKind) {
        self.out.emit_jump(jump(), self.module.ends.trap(kind));
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
