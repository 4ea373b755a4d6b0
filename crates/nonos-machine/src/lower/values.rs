//! The operand stack of a function being lowered, and where its values are.

use super::emit::{Emitter, NOWHERE};
use crate::isa::{Instr, flag};

/// Where a value of the operand stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a local that has not been written since.
    Local(u32),
    /// A constant.
    Const(u64),
    /// In the slot of its height on the stack.
    Slot,
    /// One above its slot, where a call left it; so are the results of the call above it.
    Above,
}

/// A value of the operand stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) place: Place,
    /// Known to be below 2^32.
    pub(super) narrow: bool,
    /// The instruction that put it in its slot, if it is one.
    pub(super) from: usize,
}

/// An operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    Register(u16),
    Const(u64),
}

pub(super) struct Values {
    /// The register of the stack's bottom.
    bottom: usize,
    entries: Vec<Entry>,
    /// Types of the locals: whether they are `i32`.
    narrow: Vec<bool>,
}

impl Values {
    /// Register 0 is the link word, then come the locals, then the stack.
    pub(super) fn new(narrow: Vec<bool>) -> Self {
        let bottom = narrow.len() + 1;
        Self {
            bottom,
            entries: Vec::new(),
            narrow,
        }
    }

    pub(super) fn height(&self) -> usize {
        self.entries.len()
    }

    /// The register of the value at a height.
    pub(super) fn slot(&self, height: usize) -> u16 {
        u16::try_from(self.bottom + height).expect("a checked module's frames are small")
    }

    /// A register above `used` operands that were on top of the stack and the value before them.
    pub(super) fn scratch(&self, used: usize) -> u16 {
        self.slot(self.height() + used + 1)
    }

    /// Makes the next value's slot free and names it.
    pub(super) fn claim(&mut self, out: &mut Emitter) -> u16 {
        self.vacate(self.height(), out)
    }

    /// Clears the slot of `height` of a value of the height below, and names it.
    pub(super) fn vacate(&mut self, height: usize, out: &mut Emitter) -> u16 {
        self.settle_below(height, out);
        self.slot(height)
    }

    /// Pushes the value that `from` put in its slot.
    pub(super) fn push_slot(&mut self, from: usize, narrow: bool) {
        self.push(Place::Slot, narrow, from);
    }

    /// Pushes the value that a call left above its slot.
    pub(super) fn push_above(&mut self, narrow: bool) {
        self.push(Place::Above, narrow, NOWHERE);
    }

    pub(super) fn push_const(&mut self, value: u64) {
        self.push(Place::Const(value), value >> 32 == 0, NOWHERE);
    }

    pub(super) fn push_local(&mut self, local: u32) {
        let narrow = self.narrow[local as usize];
        self.push(Place::Local(local), narrow, NOWHERE);
    }

    /// Pushes an entry as it was popped, perhaps knowing more of it.
    pub(super) fn push_again(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    fn push(&mut self, place: Place, narrow: bool, from: usize) {
        self.entries.push(Entry { place, narrow, from });
    }

    pub(super) fn pop(&mut self) -> Entry {
        self.entries.pop().expect("the module is valid")
    }

    /// Forgets what is above `height`.
    pub(super) fn truncate(&mut self, height: usize) {
        self.entries.truncate(height);
    }

    /// Where `entry`, just popped, is.
    pub(super) fn operand(&self, entry: Entry) -> Operand {
        self.operand_at(entry, self.height())
    }

    /// Where `entry`, which is or was at `height`, is.
    pub(super) fn operand_at(&self, entry: Entry, height: usize) -> Operand {
        match entry.place {
            Place::Const(value) => Operand::Const(value),
            Place::Local(local) => Operand::Register(register_of(local)),
            Place::Slot => Operand::Register(self.slot(height)),
            Place::Above => Operand::Register(self.slot(height + 1)),
        }
    }

    /// Where the value at `height` is.
    pub(super) fn operand_of(&self, height: usize) -> Operand {
        self.operand_at(self.entries[height], height)
    }

    /// The instruction that made the value at `height`, if it is one.
    pub(super) fn maker_of(&self, height: usize) -> usize {
        self.entries[height].from
    }

    /// Brings the value at `height` to its slot.
    pub(super) fn settle(&mut self, height: usize, out: &mut Emitter) {
        let entry = self.entries[height];
        if entry.place == Place::Slot {
            return;
        }
        self.settle_below(height, out);
        let from = self.operand_at(entry, height);
        let from = out.emit(copy(self.slot(height), from));
        self.entries[height] = Entry {
            place: Place::Slot,
            from,
            ..entry
        };
    }

    fn settle_below(&mut self, height: usize, out: &mut Emitter) {
        if let Some(below) = height.checked_sub(1)
            && self.entries[below].place == Place::Above
        {
            self.settle(below, out);
        }
    }

    /// Makes the stack what it is on every way to a label: constants and slots.
    pub(super) fn settle_all(&mut self, out: &mut Emitter) {
        for height in 0..self.height() {
            if !matches!(self.entries[height].place, Place::Const(_)) {
                self.settle(height, out);
            }
        }
    }

    /// Brings the values on top, constants too, to their slots, where they are only known by their types:
    /// whether each is an `i32`.
    pub(super) fn settle_top(&mut self, types: &[bool], out: &mut Emitter) {
        let bottom = self.height() - types.len();
        for (height, narrow) in (bottom..).zip(types) {
            self.settle(height, out);
            self.entries[height] = Entry {
                place: Place::Slot,
                narrow: *narrow,
                from: NOWHERE,
            };
        }
    }

    /// Whether a value of the stack is still in `local`.
    pub(super) fn is_pending(&self, local: u32) -> bool {
        let place = Place::Local(local);
        self.entries.iter().any(|entry| entry.place == place)
    }

    /// Moves values of the stack out of `local`, which is about to be written.
    pub(super) fn settle_local(&mut self, local: u32, out: &mut Emitter) {
        for height in 0..self.height() {
            if self.entries[height].place == Place::Local(local) {
                self.settle(height, out);
            }
        }
    }
}

/// The register of a local.
pub(super) fn register_of(local: u32) -> u16 {
    u16::try_from(local + 1).expect("a checked module's frames are small")
}

/// `register[ic] = from`.
pub(super) fn copy(ic: u16, from: Operand) -> Instr {
    with_b(
        Instr {
            flags: flag::COPY | flag::WC,
            ic,
            ..Instr::default()
        },
        from,
    )
}

/// Sets the second operand.
pub(super) fn with_b(mut instr: Instr, b: Operand) -> Instr {
    match b {
        Operand::Register(ib) => {
            instr.flags |= flag::RB;
            instr.ib = ib;
        }
        Operand::Const(imm) => instr.imm = imm,
    }
    instr
}
