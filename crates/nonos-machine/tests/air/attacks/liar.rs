//! An executor that lies where it is told to and is consistent everywhere else.

mod effects;

pub(crate) use effects::width;

use std::collections::BTreeMap;

use nonos_machine::alu;
use nonos_machine::isa::{INDEX_BITS, Instr, Program, Space, alternatives, ext, flag, op, tape};
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

/// A cell's key and what it is made to hold.
type PokeLie<'a> = &'a dyn Fn(usize, &State) -> Option<(u32, u64)>;

/// Where to lie; each is told the number of the step, from 0.
#[derive(Clone, Copy, Default)]
pub(crate) struct Lies<'a> {
    /// The budget. With one, alternatives are executed where their conditions hold; without, never.
    pub(crate) fuel: Option<u64>,
    /// Which row at the program counter is executed.
    pub(crate) row: Option<Lie<'a, u8>>,
    /// The instruction itself.
    pub(crate) word: Option<Lie<'a, Instr>>,
    /// What operand 0 or 1 is read as: the value and the stamp it is said to be from.
    pub(crate) read: Option<ReadLie<'a>>,
    /// The result, before it is stored or written.
    pub(crate) result: Option<Lie<'a, Step>>,
    /// The accesses of an `EXT` step.
    pub(crate) access: Option<Lie<'a, Vec<Access>>>,
    /// The state after the step.
    pub(crate) next: Option<Lie<'a, State>>,
    /// A cell written over without an access, after the step.
    pub(crate) poke: Option<PokeLie<'a>>,
}

/// What a liar tells.
pub(crate) struct Account {
    pub(crate) trace: Trace,
    /// Steps at which another instruction than the program's was executed.
    pub(crate) words: Vec<(usize, Instr)>,
}

struct Liar<'a> {
    inputs: &'a [TapeWords; 4],
    /// Value and stamp by key.
    cells: BTreeMap<u32, (u64, u32)>,
    trace: Trace,
}

/// More steps than any sample has.
const MOST_STEPS: usize = 20_000;

/// Runs `program` with lies.
pub(crate) fn run(program: &Program, inputs: &[TapeWords; 4], lies: Lies<'_>) -> Trace {
    tell(program, inputs, lies).trace
}

/// The same, with the instructions that are not the program's.
pub(crate) fn tell(program: &Program, inputs: &[TapeWords; 4], lies: Lies<'_>) -> Account {
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
    let mut words = vec![];
    for i in 0..MOST_STEPS {
        let Some(instr) = program.code.get(state.pc as usize) else {
            break;
        };
        let mut alternative = lies.fuel.map_or(0, |fuel| liar.due(program, instr, &state, fuel));
        if let Some(row) = lies.row {
            row(i, &mut alternative);
        }
        let honest = program.row(state.pc, alternative);
        let mut instr = honest;
        if let Some(word) = lies.word {
            word(i, &mut instr);
        }
        if instr != honest {
            words.push((i, instr));
        }
        liar.step(i, instr, alternative, &mut state, lies);
        if let Some((key, value)) = lies.poke.and_then(|poke| poke(i, &state)) {
            liar.cells.entry(key).or_default().0 = value;
        }
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
    Account {
        trace: liar.trace,
        words,
    }
}

/// A cell's key, also of an index that is too large.
fn key(space: Space, index: u64) -> u32 {
    ((space as u32) << INDEX_BITS).wrapping_add(index as u32)
}

impl Liar<'_> {
    fn touch(&mut self, key: u32, stamp: u32, value: Option<u64>) -> (u64, u32) {
        let cell = self.cells.entry(key).or_default();
        let before = *cell;
        *cell = (value.unwrap_or(before.0), stamp);
        before
    }

    /// The value of a cell.
    fn peek(&self, key: u32) -> u64 {
        self.cells.get(&key).map_or(0, |cell| cell.0)
    }

    /// Which row is due: the first alternative whose condition holds, as the instruction set states them.
    fn due(&self, program: &Program, instr: &Instr, state: &State, fuel: u64) -> u8 {
        let read = |flag: u32, index: u16, other: u64| {
            let index = u64::from(state.fp) + u64::from(index);
            if instr.flags & flag != 0 {
                self.peek(key(Space::Register, index))
            } else {
                other
            }
        };
        let (a, b) = (read(flag::RA, instr.ia, 0), read(flag::RB, instr.ib, instr.imm));
        let holds = |row: &Instr| {
            let least = match row.op & op::DIV_W32 {
                0 => (1 << 63, u64::MAX),
                _ => (1 << 31, 0xffff_ffff),
            };
            match () {
                () if row.flags & flag::SPENT != 0 => state.fuel.saturating_add(row.imm) > fuel,
                () if row.flags & flag::EMPTY != 0 => state.room == 0,
                () if row.flags & flag::ALU != 0 && row.op & op::DIV_ZERO != 0 => b == 0,
                () if row.flags & flag::ALU != 0 => (a, b) == least,
                () if row.op & 7 == ext::BOUND => {
                    a.saturating_add(instr.imm).saturating_add(effects::width(row.op))
                        > u64::from(state.pages) << 16
                }
                () => self.peek(key(Space::Tape, a)) >> 32 != 0,
            }
        };
        let rows = alternatives(instr, &program.halts);
        let due = rows.iter().position(|(_, row)| holds(row));
        due.map_or(0, |place| place as u8 + 1)
    }

    fn step(&mut self, i: usize, instr: Instr, alternative: u8, state: &mut State, lies: Lies<'_>) {
        let clk = i as u32 + 1;
        let has = |bit: u32| instr.flags & bit != 0;
        let State {
            pc,
            fp,
            fuel,
            pages,
            room,
        } = *state;
        let mut s = Step {
            pc,
            alternative,
            fp,
            fuel,
            pages,
            room,
            b: instr.imm,
            ..Step::default()
        };
        let register = |index: u16| fp.wrapping_add(u32::from(index));
        for (slot, used, index) in [(0, flag::RA, instr.ia), (1, flag::RB, instr.ib)] {
            if !has(used) {
                continue;
            }
            let mut seen = self.touch(register(index), 4 * clk + slot as u32, None);
            if let Some(read) = lies.read {
                read(i, slot, &mut seen);
            }
            s.prev[slot] = seen.1;
            if slot == 0 { s.a = seen.0 } else { s.b = seen.0 }
        }
        let rest = lies.fuel.unwrap_or_default().wrapping_sub(fuel);
        let mut accesses = vec![];
        s.c = match () {
            () if has(flag::EXT) => {
                s.c = s.b;
                accesses = self.extended(instr, &mut s, pages);
                s.c
            }
            () if has(flag::ALU) => alu(instr.op, s.a, s.b).unwrap_or_default(),
            () if has(flag::ADD) => s.a.wrapping_add(s.b),
            () if has(flag::SUB) => s.a.wrapping_sub(s.b),
            () if has(flag::SPENT) => instr.imm.wrapping_sub(1).wrapping_sub(rest),
            () => s.b,
        };
        if has(flag::W32) {
            s.c &= u64::from(u32::MAX);
        }
        if let Some(result) = lies.result {
            result(i, &mut s);
        }
        if has(flag::EXT) {
            effects::store(instr, &s, &mut accesses);
        }
        if let Some(access) = lies.access {
            access(i, &mut accesses);
        }
        for access in &accesses {
            self.touch(access.key, 4 * clk + 2, Some(access.new));
        }
        if has(flag::WC) {
            (s.old, s.prev[2]) = self.touch(register(instr.ic), 4 * clk + 3, Some(s.c));
        }
        self.trace.steps.push(s);
        self.trace.accesses.extend(accesses);
        state.pc = match () {
            () if has(flag::JMP) || has(flag::BR) && s.c == 1 => instr.target,
            () if has(flag::IND) => instr.target.wrapping_add(s.a as u32),
            () => pc.wrapping_add(1),
        };
        if has(flag::CALL) {
            state.fp = fp.wrapping_add(u32::from(instr.ic));
        }
        if has(flag::RET) {
            state.fp = fp.wrapping_sub((s.a >> 32) as u32);
            state.room = room.wrapping_add(1);
        }
        state.room = state.room.wrapping_sub(u16::from(has(flag::ROOM)));
        state.fuel = fuel.wrapping_add(u64::from(instr.cost));
        if has(flag::SPENT) {
            state.fuel = fuel.wrapping_add(instr.imm.wrapping_sub(1).wrapping_sub(s.c));
        }
        state.pages = pages.wrapping_add(s.dpages);
        if let Some(next) = lies.next {
            next(i, state);
        }
    }
}
