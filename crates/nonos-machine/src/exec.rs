//! The executor: runs a [`Program`], and records what a proof of the run needs.

mod memory;
mod record;
mod segments;
mod state;
mod tapes;

use nonos_types::{Fuel, Pages, TrapKind};

use self::{memory::Memory, record::Recorder, state::width, tapes::Tapes};
pub use self::{
    record::Counts,
    segments::{Segments, State},
};
use crate::{
    alu::{alu, div_fault},
    isa::{Cause, INDEX_BITS, Instr, Program, alternatives, ext, flag, op, tape},
    tables::TapeWords,
    trace::{Step, Trace},
};

/// What enters a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inputs<'a> {
    /// Public input.
    pub input: &'a [u8],
    /// Sealed (private) input.
    pub sealed: &'a [u8],
    /// Mesh inbound.
    pub inbound: &'a [u8],
    /// Arguments of the entry, one word each; an `i32` is zero-extended.
    pub arguments: &'a [u64],
}

/// Where a run stops that does not stop by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fuel of the run. Part of what the run means.
    pub fuel: Fuel,
    /// Steps of the machine, the last included. Not part of what the run means: it protects whoever executes it.
    pub steps: u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The entry returned; with the words of its results.
    Return(Vec<u64>),
    /// The capsule called `exit`.
    Exit(u32),
    /// An instruction trapped.
    Trap(TrapKind),
    /// The fuel did not cover the next block.
    OutOfFuel,
    /// [`Limits::steps`] were not enough.
    TooManySteps,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Run {
    /// How it ended.
    pub end: End,
    /// Fuel used; the whole budget if it ran out.
    pub fuel: Fuel,
    /// Steps executed.
    pub steps: u64,
    /// Linear memory at the end.
    pub memory: Vec<u8>,
    /// Pages of the memory at the end, which is when it is largest.
    pub pages: Pages,
    /// Result, outbound and log: bytes, cut to the committed length.
    pub outputs: [Vec<u8>; 3],
    /// The words written to the output tapes, in the order of [`tape::OUTPUTS`], each with its exact length.
    pub written: [TapeWords; tape::OUTPUTS.len()],
}

/// Runs a program.
///
/// ```
/// use nonos_machine::{End, Inputs, Limits, Options, execute, lower};
/// use nonos_package::HostSet;
/// use nonos_types::{Fuel, Pages};
///
/// let wasm = wat::parse_str(
///     r#"(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))"#,
/// )?;
/// let options = Options { entry: "add", max_pages: Pages::new(0), hosts: HostSet::EMPTY };
/// let program = lower(&wasm, &options)?.program;
/// let inputs = Inputs { arguments: &[2, 3], ..Inputs::default() };
/// let run = execute(&program, &inputs, Limits { fuel: Fuel::new(100), steps: 100 });
/// assert_eq!(run.end, End::Return(vec![5]));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn execute(program: &Program, inputs: &Inputs<'_>, limits: Limits) -> Run {
    Machine::<()>::new(program, inputs, limits, ()).run().0
}

/// Runs a program and records the run, if the limit of steps lets it end. At most 2^30 steps: time stamps are
/// four times the clock and have 32 bits.
pub fn trace(program: &Program, inputs: &Inputs<'_>, limits: Limits) -> (Run, Option<Trace>) {
    let limits = Limits {
        steps: limits.steps.min(MOST_STEPS),
        ..limits
    };
    let (run, trace) = Machine::new(program, inputs, limits, record::Full::default()).run();
    let has_ended = run.end != End::TooManySteps;
    (run, has_ended.then_some(trace))
}

/// Runs a program and counts how often each instruction is executed; as long a run as the limit of steps lets it be.
pub fn count(program: &Program, inputs: &Inputs<'_>, limits: Limits) -> (Run, Counts) {
    Machine::new(program, inputs, limits, Counts::default()).run()
}

/// Steps that a trace can have.
const MOST_STEPS: u64 = 1 << 30;

#[derive(Clone)]
struct Machine<'a, R> {
    program: &'a Program,
    limits: Limits,
    record: R,
    pc: u32,
    fp: u32,
    room: u16,
    fuel: u64,
    steps: u64,
    /// Steps and fuel before those that are recorded.
    before: (u64, u64),
    registers: Vec<u64>,
    memory: Memory,
    globals: Vec<u64>,
    tapes: Tapes<'a>,
}

impl<'a, R: Recorder> Machine<'a, R> {
    fn new(program: &'a Program, inputs: &Inputs<'a>, limits: Limits, record: R) -> Self {
        let mut machine = Self {
            program,
            limits,
            record,
            pc: 0,
            fp: 0,
            room: program.room,
            fuel: 0,
            steps: 0,
            before: (0, 0),
            registers: Vec::new(),
            memory: Memory::new(program.pages),
            globals: Vec::new(),
            tapes: Tapes::new(inputs),
        };
        for &(key, value) in &program.data {
            machine.set_cell(key, value).expect("data of a lowered program");
        }
        machine
    }

    /// Sets what a cell holds; `None` if there is no such cell.
    fn set_cell(&mut self, key: u32, value: u64) -> Option<()> {
        let index = (key & ((1 << INDEX_BITS) - 1)) as usize;
        match key >> INDEX_BITS {
            0 => *cell(&mut self.registers, index) = value,
            1 => self.memory.set_word(index, value)?,
            2 => self.tapes.set_cell(u8::try_from(index).ok()?, value).ok()?,
            3 => *cell(&mut self.globals, index) = value,
            _ => return None,
        }
        Some(())
    }

    fn run(mut self) -> (Run, R::Trace) {
        let end = loop {
            if self.steps >= self.limits.steps {
                break End::TooManySteps;
            }
            if let Some(pc) = self.step() {
                break self.halted(pc);
            }
        };
        let program = self.program;
        let trace = self.recorded(&program.data);
        (self.ended(end), trace)
    }

    /// What was recorded since this was last asked for.
    fn recorded(&mut self, data: &[(u32, u64)]) -> R::Trace {
        let record = std::mem::take(&mut self.record);
        record.finish(|key| self.cell(key), data)
    }

    /// What a cell holds.
    fn cell(&self, key: u32) -> u64 {
        let index = (key & ((1 << INDEX_BITS) - 1)) as usize;
        let of = |cells: &[u64]| cells.get(index).copied().unwrap_or_default();
        match key >> INDEX_BITS {
            0 => of(&self.registers),
            1 => self.memory.word(index),
            2 => self.tapes.cell(index as u8).unwrap_or_default(),
            _ => of(&self.globals),
        }
    }

    /// What there is to say of the run, now that it has ended.
    fn ended(self, end: End) -> Run {
        Run {
            end,
            fuel: Fuel::new(self.fuel),
            steps: self.steps,
            pages: Pages::new(self.memory.pages()),
            outputs: self.tapes.outputs(),
            written: self.tapes.written(),
            memory: self.memory.into_bytes(),
        }
    }

    fn halted(&self, pc: u32) -> End {
        let halts = &self.program.halts;
        let values = self.tapes.values();
        if pc == halts.returned {
            return End::Return(values.to_vec());
        }
        if pc == halts.exited {
            // `exit` takes an `i32`.
            return End::Exit(values.last().copied().unwrap_or_default() as u32);
        }
        let trap = TrapKind::ALL.iter().find(|kind| halts.trap(**kind) == pc);
        trap.map_or(End::OutOfFuel, |kind| End::Trap(*kind))
    }

    /// Executes one step; gives the `pc` of a `HALT`.
    fn step(&mut self) -> Option<u32> {
        let (instr, alternative) = self.row();
        let has = |bit: u32| instr.flags & bit != 0;
        self.steps += 1;
        // Only what is recorded has stamps, and that is bounded.
        let clk = (self.steps - self.before.0) as u32;
        let stamp = |slot: u32| clk.wrapping_mul(4).wrapping_add(slot);
        let mut step = Step {
            pc: self.pc,
            alternative,
            fp: self.fp,
            fuel: self.fuel - self.before.1,
            pages: self.memory.pages(),
            room: self.room,
            ..Step::default()
        };
        self.fuel += u64::from(instr.cost);
        step.b = instr.imm;
        if has(flag::RA) {
            let index = self.register(instr.ia);
            step.a = self.registers[index];
            step.prev[0] = self.record.register(index, stamp(0), step.a);
        }
        if has(flag::RB) {
            let index = self.register(instr.ib);
            step.b = self.registers[index];
            step.prev[1] = self.record.register(index, stamp(1), step.b);
        }
        step.c = match instr.flags & SOURCES {
            flag::ADD => step.a.wrapping_add(step.b),
            flag::SUB => step.a.wrapping_sub(step.b),
            flag::COPY => step.b,
            flag::ALU => alu(instr.op, step.a, step.b).expect("lowered code has known operations"),
            0 => {
                // `SPENT`: what is missing, less 1.
                let rest = self.limits.fuel.get() - self.fuel;
                self.fuel += rest;
                instr.imm - 1 - rest
            }
            _ => {
                step.c = step.b;
                self.extended(&instr, &mut step, stamp(2))
            }
        };
        if has(flag::W32) {
            step.c &= u64::from(u32::MAX);
        }
        if has(flag::WC) {
            let index = self.register(instr.ic);
            step.old = std::mem::replace(&mut self.registers[index], step.c);
            step.prev[2] = self.record.register(index, stamp(3), step.old);
        }
        self.record.step(&step);
        if has(flag::HALT) {
            return Some(self.pc);
        }
        self.pc = if has(flag::JMP) || has(flag::BR) && step.c == 1 {
            instr.target
        } else if has(flag::IND) {
            instr.target + step.a as u32
        } else {
            self.pc + 1
        };
        if has(flag::CALL) {
            self.fp += u32::from(instr.ic);
        }
        if has(flag::RET) {
            self.fp -= (step.a >> 32) as u32;
            self.room += 1;
        }
        self.room -= u16::from(has(flag::ROOM));
        None
    }

    /// The instruction to execute, or the alternative whose condition holds, and the number of that.
    fn row(&self) -> (Instr, u8) {
        let instr = self.program.code[self.pc as usize];
        let Some(cause) = self.cause(&instr) else {
            return (instr, 0);
        };
        let rows = alternatives(&instr, &self.program.halts);
        let index = rows.iter().position(|(other, _)| *other == cause);
        let index = index.expect("an instruction has an alternative for each cause");
        (rows[index].1, index as u8 + 1)
    }

    /// Why `instr` cannot be executed.
    fn cause(&self, instr: &Instr) -> Option<Cause> {
        let has = |bit: u32| instr.flags & bit != 0;
        if self.fuel + u64::from(instr.cost) > self.limits.fuel.get() && instr.cost > 0 {
            return Some(Cause::Spent);
        }
        if has(flag::ROOM) && !has(flag::RET) && self.room == 0 {
            return Some(Cause::Trap(TrapKind::StackExhausted));
        }
        let read = |flag: u32, index: u16, other: u64| {
            let index = self.fp as usize + usize::from(index);
            let value = self.registers.get(index).copied().unwrap_or_default();
            if has(flag) { value } else { other }
        };
        let a = || read(flag::RA, instr.ia, 0);
        let class = instr.op & 7;
        let kind = if has(flag::ALU) && class == op::DIV {
            div_fault(instr.op, a(), read(flag::RB, instr.ib, instr.imm))?
        } else if has(flag::EXT) && class == ext::MEM && instr.op & ext::MEM_ASIDE == 0 {
            self.memory.range(a() + instr.imm, width(instr.op)).err()?
        } else if has(flag::EXT) && instr.op == ext::HOST | ext::HOST_WRITE {
            self.tapes.is_cut(a()).then_some(TrapKind::BadTapeCall)?
        } else {
            return None;
        };
        Some(Cause::Trap(kind))
    }

    fn register(&mut self, index: u16) -> usize {
        let index = self.fp as usize + usize::from(index);
        grow_to(&mut self.registers, index);
        index
    }
}

/// Flags that say where `c` comes from; `EXT` with `COPY` is an `EXT`.
const SOURCES: u32 = flag::ADD | flag::SUB | flag::COPY | flag::ALU | flag::EXT;

/// The cell of an index, which exists then.
fn cell(cells: &mut Vec<u64>, index: usize) -> &mut u64 {
    grow_to(cells, index);
    &mut cells[index]
}

fn grow_to(cells: &mut Vec<u64>, index: usize) {
    if cells.len() <= index {
        cells.resize(index + 1, 0);
    }
}

/// The tapes that are written, in the order of [`Run::outputs`].
const OUTPUTS: [u8; 3] = [tape::RESULT, tape::OUTBOUND, tape::LOG];
