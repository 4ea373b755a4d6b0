//! What is recorded of a run: everything, or nothing.

use std::collections::BTreeMap;

use super::{memory::Memory, tapes::Tapes};
use crate::{
    isa::{INDEX_BITS, Space, tape},
    trace::{Access, Cell, Step, Trace},
};

pub(super) trait Recorder {
    type Trace;

    /// An access to a register; gives the stamp of the one before.
    fn register(&mut self, index: usize, stamp: u32) -> u32;
    /// An access to another cell.
    fn access(&mut self, key: u32, stamp: u32, old: u64, new: u64);
    fn step(&mut self, step: &Step);
    /// Ends the record, with the state at the end and the initial cells.
    fn finish(
        self,
        registers: &[u64],
        memory: &Memory,
        globals: &[u64],
        tapes: &Tapes<'_>,
        data: &[(u32, u64)],
    ) -> Self::Trace;
}

impl Recorder for () {
    type Trace = ();

    fn register(&mut self, _: usize, _: u32) -> u32 {
        0
    }
    fn access(&mut self, _: u32, _: u32, _: u64, _: u64) {}
    fn step(&mut self, _: &Step) {}
    fn finish(self, _: &[u64], _: &Memory, _: &[u64], _: &Tapes<'_>, _: &[(u32, u64)]) {}
}

#[derive(Default)]
pub(super) struct Full {
    trace: Trace,
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

    fn register(&mut self, index: usize, stamp: u32) -> u32 {
        std::mem::replace(at(&mut self.registers, index), stamp)
    }

    fn access(&mut self, key: u32, stamp: u32, old: u64, new: u64) {
        let space = (key >> INDEX_BITS) as usize - 1;
        let index = key & ((1 << INDEX_BITS) - 1);
        let prev = std::mem::replace(at(&mut self.others[space], index as usize), stamp);
        self.trace.accesses.push(Access { key, prev, old, new });
    }

    fn step(&mut self, step: &Step) {
        self.trace.steps.push(*step);
    }

    fn finish(
        mut self,
        registers: &[u64],
        memory: &Memory,
        globals: &[u64],
        tapes: &Tapes<'_>,
        data: &[(u32, u64)],
    ) -> Trace {
        let init: BTreeMap<u32, u64> = data.iter().copied().collect();
        let mut stamps: BTreeMap<u32, u32> = init.keys().map(|key| (*key, 0)).collect();
        stamps.extend(tape::OUTPUTS.map(|number| (Space::Tape.key(u32::from(number)), 0)));
        let [linear, positions, global] = &self.others;
        let spaces = [
            (Space::Register, &self.registers),
            (Space::Linear, linear),
            (Space::Tape, positions),
            (Space::Global, global),
        ];
        for (space, of_space) in spaces {
            for (index, stamp) in (0..).zip(of_space).filter(|(_, stamp)| **stamp > 0) {
                stamps.insert(space.key(index), *stamp);
            }
        }
        let last = |key: u32| {
            let index = (key & ((1 << INDEX_BITS) - 1)) as usize;
            let of = |cells: &[u64]| cells.get(index).copied().unwrap_or_default();
            match key >> INDEX_BITS {
                0 => of(registers),
                1 => memory.word(index),
                2 => tapes.cell(index as u8).unwrap_or_default(),
                _ => of(globals),
            }
        };
        self.trace.cells = stamps
            .into_iter()
            .map(|(key, stamp)| Cell {
                key,
                init: init.get(&key).copied().unwrap_or_default(),
                last: last(key),
                stamp,
            })
            .collect();
        self.trace
    }
}
