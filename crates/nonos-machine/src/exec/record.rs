//! What is recorded of a run: everything, or how often what was done, or nothing.

use std::collections::BTreeMap;

use crate::{
    isa::{INDEX_BITS, Space, tape},
    trace::{Access, Cell, Step, Trace},
};

pub(super) trait Recorder: Default {
    type Trace;

    /// An access to a register that holds `value`; gives the stamp of the one before.
    fn register(&mut self, index: usize, stamp: u32, value: u64) -> u32;
    /// An access to another cell.
    fn access(&mut self, key: u32, stamp: u32, old: u64, new: u64);
    fn step(&mut self, step: &Step);
    /// Ends the record, given what cells hold at the end and those that are recorded though they are not touched.
    fn finish(self, last: impl Fn(u32) -> u64, data: &[(u32, u64)]) -> Self::Trace;
}

impl Recorder for () {
    type Trace = ();

    fn register(&mut self, _: usize, _: u32, _: u64) -> u32 {
        0
    }
    fn access(&mut self, _: u32, _: u32, _: u64, _: u64) {}
    fn step(&mut self, _: &Step) {}
    fn finish(self, _: impl Fn(u32) -> u64, _: &[(u32, u64)]) {}
}

/// How often each instruction was executed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// By place in the code, its alternatives included; as long as it has to be.
    pub steps: Vec<u64>,
    /// Of these, those that reached over the end of an 8-byte word of the memory; as long as it has to be.
    pub crossing: Vec<u64>,
    /// The one alternative that was executed, if one was, and where: it ends the run.
    pub alternative: Option<(u32, u8)>,
    /// Accesses to cells other than registers since the last step.
    accesses: u8,
}

impl Recorder for Counts {
    type Trace = Self;

    fn register(&mut self, _: usize, _: u32, _: u64) -> u32 {
        0
    }

    fn access(&mut self, _: u32, _: u32, _: u64, _: u64) {
        self.accesses += 1;
    }

    fn step(&mut self, step: &Step) {
        let pc = step.pc as usize;
        *count_at(&mut self.steps, pc) += 1;
        if std::mem::take(&mut self.accesses) > 1 {
            *count_at(&mut self.crossing, pc) += 1;
        }
        if step.alternative != 0 {
            self.alternative = Some((step.pc, step.alternative));
        }
    }

    fn finish(self, _: impl Fn(u32) -> u64, _: &[(u32, u64)]) -> Self {
        self
    }
}

fn count_at(counts: &mut Vec<u64>, index: usize) -> &mut u64 {
    if counts.len() <= index {
        counts.resize(index + 1, 0);
    }
    &mut counts[index]
}

#[derive(Clone, Default)]
pub(super) struct Full {
    trace: Trace,
    /// Cells in the order in which they are first touched, with what they held.
    first: Vec<(u32, u64)>,
    /// Stamps of the last access, by register.
    registers: Vec<u32>,
    /// Stamps of the last access, by index: linear memory, tapes, globals.
    others: [Vec<u32>; 3],
}

fn at(stamps: &mut Vec<u32>, index: usize) -> &mut u32 {
    if stamps.len() <= index {
        stamps.resize(index + 1, 0);
    }
    &mut stamps[index]
}

impl Recorder for Full {
    type Trace = Trace;

    fn register(&mut self, index: usize, stamp: u32, value: u64) -> u32 {
        let prev = std::mem::replace(at(&mut self.registers, index), stamp);
        if prev == 0 {
            self.first.push((Space::Register.key(index as u32), value));
        }
        prev
    }

    fn access(&mut self, key: u32, stamp: u32, old: u64, new: u64) {
        let space = (key >> INDEX_BITS) as usize - 1;
        let index = key & ((1 << INDEX_BITS) - 1);
        let prev = std::mem::replace(at(&mut self.others[space], index as usize), stamp);
        if prev == 0 {
            self.first.push((key, old));
        }
        self.trace.accesses.push(Access { key, prev, old, new });
    }

    fn step(&mut self, step: &Step) {
        self.trace.steps.push(*step);
    }

    fn finish(mut self, last: impl Fn(u32) -> u64, data: &[(u32, u64)]) -> Trace {
        let mut first: BTreeMap<u32, u64> = data.iter().copied().collect();
        for number in tape::OUTPUTS {
            let key = Space::Tape.key(u32::from(number));
            first.entry(key).or_insert_with(|| last(key));
        }
        first.extend(self.first);
        let [linear, positions, global] = &self.others;
        let stamps = [&self.registers, linear, positions, global];
        let cell = |(key, init)| {
            let index = (key & ((1 << INDEX_BITS) - 1)) as usize;
            let stamp = stamps[(key >> INDEX_BITS) as usize].get(index).copied();
            Cell {
                key,
                init,
                last: last(key),
                stamp: stamp.unwrap_or_default(),
            }
        };
        self.trace.cells = first.into_iter().map(cell).collect();
        self.trace
    }
}
