//! An executor that lies where it is told to and is consistent everywhere else.

use std::collections::BTreeMap;

use nonos_machine::alu;
use nonos_machine::isa::{Instr, Program, Space, ext, flag, tape};
use nonos_machine::tables::TapeWords;
use nonos_machine::trace::{Access, Cell, Step, Trace};

/// What follows a step.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    pub(crate) pc: u32,
    pub(crate) fp: u32,
    pub(crate) fuel: u64,
    pub(crate) pages: u32,
    pub(crate) room: u16,
}

/// A lie about something of a step, told the step's number.
type Lie<'a, T> = &'a dyn Fn(usize, &mut T);

/// A lie about an operand, told the numbers of step and operand.
type ReadLie<'a> = &'a dyn Fn(usize, usize, &mut (u64, u32));

/// Where to lie; each is told the number of the step, from 0.
#[derive(Clone, Copy, Default)]
pub(crate) struct Lies<'a> {
    /// What operand 0 or 1 is read as: the value and the stamp it is said to be from.
    pub(crate) read: Option<ReadLie<'a>>,
    /// The result, before it is stored or written.
    pub(crate) result: Option<Lie<'a, Step>>,
    /// The accesses of an `EXT` step.
    pub(crate) access: Option<Lie<'a, Vec<Access>>>,
    /// The state after the step.
    pub(crate) next: Option<Lie<'a, State>>,
}

struct Liar<'a> {
    inputs: &'a [TapeWords; 4],
    /// Value and stamp by key.
    cells: BTreeMap<u32, (u64, u32)>,
    trace: Trace,
}

/// Runs `program` with lies.
pub(crate) fn run(program: &Program, inputs: &[TapeWords; 4], lies: Lies<'_>) -> Trace {
    let mut cells: BTreeMap<u32, (u64, u32)> = program
        .data
        .iter()
        .map(|(key, value)| (*key, (*value, 0)))
        .collect();
    cells.extend(tape::OUTPUTS.map(|number| (Space::Tape.key(u32::from(number)), (0, 0))));
    let mut liar = Liar {
        inputs,
        cells,
        trace: Trace::default(),
    };
    let mut state = State {
        pages: program.pages,
        room: program.room,
        ..State::default()
    };
    for i in 0..100_000 {
        let instr = program.code[state.pc as usize];
        liar.step(i, instr, &mut state, lies);
        if instr.flags & flag::HALT != 0 {
            break;
        }
    }
    let init: BTreeMap<u32, u64> = program.data.iter().copied().collect();
    let cell = |(&key, &(last, stamp)): (&u32, &(u64, u32))| Cell {
        key,
        init: init.get(&key).copied().unwrap_or_default(),
        last,
        stamp,
    };
    liar.trace.cells = liar.cells.iter().map(cell).collect();
    liar.trace
}

impl Liar<'_> {
    fn touch(&mut self, key: u32, stamp: u32, value: Option<u64>) -> (u64, u32) {
        let cell = self.cells.entry(key).or_default();
        let before = *cell;
        *cell = (value.unwrap_or(before.0), stamp);
        before
    }

    fn step(&mut self, i: usize, instr: Instr, state: &mut State, lies: Lies<'_>) {
        let clk = i as u32 + 1;
        let has = |bit: u16| instr.flags & bit != 0;
        let State {
            pc,
            fp,
            fuel,
            pages,
            room,
        } = *state;
        let mut s = Step {
            pc,
            fp,
            fuel,
            pages,
            room,
            b: instr.imm,
            ..Step::default()
        };
        for (slot, used, index) in [(0, flag::RA, instr.ia), (1, flag::RB, instr.ib)] {
            if !has(used) {
                continue;
            }
            let mut seen = self.touch(fp + u32::from(index), 4 * clk + slot as u32, None);
            if let Some(read) = lies.read {
                read(i, slot, &mut seen);
            }
            s.prev[slot] = seen.1;
            if slot == 0 { s.a = seen.0 } else { s.b = seen.0 }
        }
        let mut accesses = vec![];
        if has(flag::EXT) {
            s.c = s.b;
            accesses = self.extended(instr, &mut s, pages);
        } else if has(flag::ALU) {
            s.c = alu(instr.op, s.a, s.b).unwrap_or_default();
        } else {
            s.c = match () {
                () if has(flag::ADD) => s.a.wrapping_add(s.b),
                () if has(flag::SUB) => s.a.wrapping_sub(s.b),
                () if has(flag::RET) => s.a,
                () => s.b,
            };
            if has(flag::W32) {
                s.c &= u64::from(u32::MAX);
            }
        }
        if let Some(result) = lies.result {
            result(i, &mut s);
        }
        if has(flag::EXT) {
            store(instr, &s, &mut accesses);
        }
        if let Some(access) = lies.access {
            access(i, &mut accesses);
        }
        for access in &accesses {
            self.touch(access.key, 4 * clk + 2, Some(access.new));
        }
        if has(flag::WC) {
            (s.old, s.prev[2]) = self.touch(fp + u32::from(instr.ic), 4 * clk + 3, Some(s.c));
        }
        self.trace.steps.push(s);
        self.trace.accesses.extend(accesses);
        let jumps = has(flag::JMP) || has(flag::BR) && s.c == 1;
        state.pc = match () {
            () if jumps => instr.target,
            () if has(flag::RET) => s.c as u32,
            () => pc + 1,
        };
        if has(flag::CALL) {
            state.fp += u32::from(instr.ic);
            state.room = room.wrapping_sub(1);
        } else if has(flag::RET) {
            state.fp -= (s.c >> 32) as u32;
            state.room = room.wrapping_add(1);
        }
        state.fuel += u64::from(instr.cost);
        state.pages += s.dpages;
        if let Some(next) = lies.next {
            next(i, state);
        }
    }

    /// The accesses of an `EXT` step as a read would make them, and its result.
    fn extended(&mut self, instr: Instr, s: &mut Step, pages: u32) -> Vec<Access> {
        let has = |bit: u16| instr.op & bit != 0;
        let cells = self.cells.clone();
        let read = |key: u32| {
            let (old, prev) = cells.get(&key).copied().unwrap_or_default();
            Access {
                key,
                prev,
                old,
                new: old,
            }
        };
        match instr.op & 7 {
            ext::MEM => {
                let address = s.a + instr.imm;
                let width = width(instr.op);
                let crosses = address % 8 + width > 8;
                let word = (address / 8) as u32;
                let words: Vec<Access> = (word..=word + u32::from(crosses))
                    .map(|w| read(Space::Linear.key(w)))
                    .collect();
                if !has(ext::MEM_STORE) {
                    let both = words
                        .iter()
                        .rev()
                        .fold(0u128, |sum, w| sum << 64 | u128::from(w.old));
                    let unused = 64 - 8 * width as u32;
                    let raw = (both >> (8 * (address % 8))) as u64;
                    s.c = raw << unused >> unused;
                    if has(ext::MEM_SIGNED) {
                        s.c = ((raw << unused).cast_signed() >> unused).cast_unsigned();
                        s.c &= if has(ext::MEM_RES64) {
                            u64::MAX
                        } else {
                            u64::from(u32::MAX)
                        };
                    }
                }
                words
            }
            ext::GROW => {
                let fits = s.a + u64::from(pages) <= instr.imm;
                s.dpages = if fits { s.a as u32 } else { 0 };
                s.c = if fits {
                    u64::from(pages)
                } else {
                    u64::from(u32::MAX)
                };
                vec![]
            }
            ext::GLOBAL => {
                let access = read(Space::Global.key(instr.imm as u32));
                if !has(ext::GLOBAL_SET) {
                    s.c = access.old;
                }
                vec![access]
            }
            _ => {
                let input = tape::INPUTS.iter().position(|tape| u64::from(*tape) == s.a);
                let input = input.map(|place| &self.inputs[place]);
                if has(ext::HOST_LEN) {
                    s.c = input.map_or(0, |tape| tape.len);
                    return vec![];
                }
                let mut access = read(Space::Tape.key(s.a as u32));
                if has(ext::HOST_READ) {
                    let word = input
                        .and_then(|tape| tape.words.get(access.old as usize))
                        .copied();
                    access.new += u64::from(word.is_some());
                    s.c = word.unwrap_or_default();
                }
                vec![access]
            }
        }
    }
}

fn width(code: u16) -> u64 {
    u64::from(code >> ext::MEM_W1.trailing_zeros() & 15)
}

/// What the result changes in the cells accessed.
fn store(instr: Instr, s: &Step, accesses: &mut [Access]) {
    let has = |bit: u16| instr.op & bit != 0;
    match instr.op & 7 {
        ext::MEM if has(ext::MEM_STORE) => {
            let at = (s.a + instr.imm) % 8;
            for i in 0..width(instr.op) {
                let word = &mut accesses[((at + i) / 8) as usize].new;
                let shift = (at + i) % 8 * 8;
                *word = *word & !(0xff << shift) | ((s.c >> (8 * i)) & 0xff) << shift;
            }
        }
        ext::GLOBAL if has(ext::GLOBAL_SET) => accesses[0].new = s.c,
        ext::HOST if has(ext::HOST_WRITE) => accesses[0].new += 1,
        ext::HOST if has(ext::HOST_COMMIT) => {
            let words = accesses[0].old & 0xffff_ffff;
            accesses[0].new = words | ((8 * words).wrapping_sub(s.c) % 8) << 32;
        }
        _ => {}
    }
}
