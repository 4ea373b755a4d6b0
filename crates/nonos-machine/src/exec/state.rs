//! What the operations on state do: memory, globals, tapes.

use super::{Machine, cell, record::Recorder};
use crate::{
    isa::{ASIDE, Instr, Space, ext},
    trace::Step,
};

impl<R: Recorder> Machine<'_, R> {
    /// Executes an `EXT` operation and gives `c`, which is also what it consumes.
    pub(super) fn extended(&mut self, instr: &Instr, step: &mut Step, stamp: u32) -> u64 {
        match instr.op & 7 {
            ext::MEM if instr.op & ext::MEM_ASIDE != 0 => self.access_aside(instr, step, stamp),
            ext::MEM => self.access(instr, step, stamp),
            ext::GROW => {
                let most = u32::try_from(instr.imm).unwrap_or(u32::MAX);
                match self.memory.grow(step.a, most) {
                    Some(added) => {
                        step.dpages = added;
                        u64::from(step.pages)
                    }
                    None => u64::from(u32::MAX),
                }
            }
            ext::HOST => self.host(instr, step, stamp),
            ext::BOUND => 0,
            _ => {
                let index = step.a + instr.imm;
                let old = *cell(&mut self.globals, index as usize);
                if instr.op & ext::GLOBAL_SET != 0 {
                    self.globals[index as usize] = step.c;
                }
                let new = self.globals[index as usize];
                let key = Space::Global.key(index as u32);
                self.record.access(key, stamp, old, new);
                new
            }
        }
    }

    fn host(&mut self, instr: &Instr, step: &Step, stamp: u32) -> u64 {
        const CHECKED: &str = "the code has checked the tape";
        let has = |bit: u16| instr.op & bit != 0;
        let number = u8::try_from(step.a).expect(CHECKED);
        if has(ext::HOST_LEN) {
            return self.tapes.len(number).expect(CHECKED);
        }
        let old = self.tapes.cell(number).expect(CHECKED);
        let c = if has(ext::HOST_READ) {
            self.tapes.read(number).expect(CHECKED)
        } else if has(ext::HOST_POS) {
            old
        } else {
            if has(ext::HOST_WRITE) {
                self.tapes.write(number, step.c).expect(CHECKED);
            } else if has(ext::HOST_COMMIT) {
                self.tapes.commit(number, step.c).expect(CHECKED);
            }
            step.c
        };
        let new = self.tapes.cell(number).expect(CHECKED);
        let key = Space::Tape.key(u32::from(number));
        self.record.access(key, stamp, old, new);
        c
    }

    fn access(&mut self, instr: &Instr, step: &Step, stamp: u32) -> u64 {
        let width = width(instr.op);
        let range = self.memory.range(step.a + instr.imm, width);
        let range = range.expect("an access past the end is another row");
        let words = range.start / 8..=(range.end - 1) / 8;
        let mut old = words.clone().map(|index| self.memory.word(index));
        let old: [u64; 2] = [old.next().unwrap_or_default(), old.next().unwrap_or_default()];
        let c = if instr.op & ext::MEM_STORE != 0 {
            self.memory.store(range, step.c);
            step.c
        } else {
            extend(instr.op, self.memory.load(range))
        };
        for (index, old) in words.zip(old) {
            let new = self.memory.word(index);
            self.record
                .access(Space::Linear.key(index as u32), stamp, old, new);
        }
        c
    }

    /// A load or store of the cells from [`ASIDE`] on.
    fn access_aside(&mut self, instr: &Instr, step: &Step, stamp: u32) -> u64 {
        let (width, address) = (width(instr.op), (step.a + instr.imm) as usize);
        let first = ASIDE as usize + address / 8;
        let count = 1 + usize::from(address % 8 + width > 8);
        let words = [first, first + 1];
        let old = words.map(|index| *cell(&mut self.globals, index));
        let mut window = u128::from(old[0]) | u128::from(old[1]) << 64;
        let shift = 8 * (address % 8);
        let mask = u128::from(u64::MAX >> (64 - 8 * width)) << shift;
        let c = if instr.op & ext::MEM_STORE != 0 {
            window = window & !mask | u128::from(step.c) << shift & mask;
            step.c
        } else {
            extend(instr.op, ((window & mask) >> shift) as u64)
        };
        for (place, index) in words.into_iter().enumerate().take(count) {
            let new = (window >> (64 * place)) as u64;
            self.globals[index] = new;
            self.record
                .access(Space::Global.key(index as u32), stamp, old[place], new);
        }
        c
    }
}

/// Bytes of an access.
pub(super) fn width(code: u16) -> usize {
    let one_hot = code & (ext::MEM_W1 | ext::MEM_W2 | ext::MEM_W4 | ext::MEM_W8);
    usize::from(one_hot >> ext::MEM_W1.trailing_zeros())
}

/// A loaded value, sign-extended if the operation says so.
fn extend(code: u16, value: u64) -> u64 {
    if code & ext::MEM_SIGNED == 0 {
        return value;
    }
    let unused = 64 - 8 * width(code) as u32;
    let wide = ((value << unused).cast_signed() >> unused).cast_unsigned();
    if code & ext::MEM_RES64 == 0 {
        wide & u64::from(u32::MAX)
    } else {
        wide
    }
}
