//! Conditions, branches and what they carry.

use wasmparser::BrTable;

use super::{
    emit::{Label, NOWHERE},
    function::{Function, Kind, jump},
    values::{Operand, copy},
};
use crate::isa::{Instr, flag, op};

/// Comparisons of a `br_table` that are no worse than a jump into a row of jumps.
const FEW: usize = 3;

/// What a branch depends on.
pub(super) enum Condition {
    Known(bool),
    /// A comparison without its result.
    Compare(Instr),
}

/// Where a branch goes.
#[derive(Clone, Copy)]
struct Target {
    is_return: bool,
    /// Height of the stack below what the branch brings.
    height: usize,
    /// Values that it brings.
    count: usize,
    label: Label,
}

impl Function<'_> {
    /// Pops a condition; a comparison just made is taken back to become the branch.
    pub(super) fn condition(&mut self) -> Condition {
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
    pub(super) fn branch_if(&mut self, condition: Condition, sense: bool, label: Label) {
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

    fn target(&self, depth: u32) -> Target {
        let frame = &self.frames[self.frames.len() - 1 - depth as usize];
        let values = match frame.kind {
            Kind::Loop => &frame.signature.params,
            _ => &frame.signature.results,
        };
        Target {
            is_return: frame.kind == Kind::Function,
            height: frame.height,
            count: values.len(),
            label: frame.label,
        }
    }

    /// Whether the values that a branch brings need not be moved once they are in their slots.
    fn is_in_place(&self, target: &Target) -> bool {
        target.count == 0 || !target.is_return && self.values.height() - target.count == target.height
    }

    /// Brings the values to where the branch goes, and goes there.
    fn go(&mut self, target: &Target) {
        if target.is_return {
            return self.emit_return(target.count);
        }
        self.deliver(self.values.slot(target.height), target.count);
        self.out.emit_jump(jump(), target.label);
    }

    pub(super) fn br(&mut self, depth: u32) {
        let target = self.target(depth);
        self.go(&target);
        self.dead = Some(0);
    }

    pub(super) fn br_if(&mut self, depth: u32) {
        let target = self.target(depth);
        let condition = self.condition();
        if let Condition::Known(taken) = condition {
            if taken {
                self.br(depth);
            }
        } else if self.is_in_place(&target) {
            self.settle_for(&target);
            self.branch_if(condition, true, target.label);
        } else {
            let stay = self.out.label();
            self.branch_if(condition, false, stay);
            self.go(&target);
            self.out.bind(stay);
        }
    }

    /// Brings the values of a branch to their slots.
    fn settle_for(&mut self, target: &Target) {
        let height = self.values.height();
        for at in height - target.count..height {
            self.values.settle(at, self.out);
        }
    }

    /// A chain of comparisons if a few do, else a jump into a row of jumps.
    pub(super) fn br_table(&mut self, table: &BrTable<'_>) -> Option<()> {
        let depths = table.targets().collect::<Result<Vec<u32>, _>>().ok()?;
        // Where none of the instructions before goes.
        let mut default = table.default();
        let index = self.values.pop();
        let index = match self.values.operand(index) {
            Operand::Const(known) => {
                let depth = usize::try_from(known).ok().and_then(|known| depths.get(known));
                self.br(*depth.unwrap_or(&default));
                return Some(());
            }
            Operand::Register(index) => index,
        };
        let mut ways = Ways::new(self.frames.len());
        for depth in depths.iter().chain([&default]) {
            let target = self.target(*depth);
            if self.is_in_place(&target) {
                self.settle_for(&target);
            }
        }
        // Where the index leads elsewhere than the one before.
        let changes: Vec<usize> = (1..=depths.len())
            .filter(|at| depths[at - 1] != *depths.get(*at).unwrap_or(&default))
            .collect();
        if changes.len() <= FEW {
            for at in changes {
                let label = ways.of(self, depths[at - 1]);
                let compare = bound_check(op::CMP | op::CMP_LT, index, at as u64);
                self.out.emit_jump(compare, label);
            }
        } else {
            let compare = bound_check(op::CMP | op::CMP_LT | op::CMP_NEG, index, depths.len() as u64);
            let label = ways.of(self, default);
            self.out.emit_jump(compare, label);
            let row = self.out.label();
            let into = Instr {
                flags: flag::COPY | flag::IND | flag::RA,
                ia: index,
                ..Instr::default()
            };
            self.out.emit_jump(into, row);
            self.out.bind(row);
            let (last, others) = depths.split_last().expect("it has more than a few");
            for depth in others {
                let label = ways.of(self, *depth);
                self.out.emit_jump(jump(), label);
            }
            default = *last;
        }
        let target = self.target(default);
        self.go(&target);
        self.land(&ways);
        self.dead = Some(0);
        Some(())
    }

    /// Emits the landings of a `br_table`.
    fn land(&mut self, ways: &Ways) {
        for (depth, landing) in ways.landings.iter().enumerate() {
            if let Some(landing) = landing {
                self.out.bind(*landing);
                let target = self.target(depth as u32);
                self.go(&target);
            }
        }
    }

    pub(super) fn select(&mut self) {
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
        self.values.push_slot(NOWHERE, narrow);
    }
}

/// The labels of a `br_table`: a block's own where nothing is to be moved, else that of a landing.
struct Ways {
    /// By depth.
    landings: Vec<Option<Label>>,
}

impl Ways {
    fn new(depths: usize) -> Self {
        Self {
            landings: vec![None; depths],
        }
    }

    fn of(&mut self, function: &mut Function<'_>, depth: u32) -> Label {
        let target = function.target(depth);
        if function.is_in_place(&target) {
            return target.label;
        }
        *self.landings[depth as usize].get_or_insert_with(|| function.out.label())
    }
}

/// A branch that compares an index with a number.
pub(super) fn bound_check(op: u16, index: u16, bound: u64) -> Instr {
    Instr {
        flags: flag::ALU | flag::RA | flag::BR,
        op,
        ia: index,
        imm: bound,
        ..Instr::default()
    }
}
