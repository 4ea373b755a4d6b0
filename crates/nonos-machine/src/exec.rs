//! The executor: runs a [`Program`], and records what a proof of the run needs.

mod memory;
mod record;
mod tapes;

use nonos_types::{Fuel, Pages, TrapKind};

use self::{memory::Memory, record::Recorder, tapes::Tapes};
use crate::{
    alu::{alu, div_fault},
    isa::{ASIDE, Cause, Instr, Program, Space, alternatives, ext, flag, op, tape},
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
    /// Steps of the machine, the last included, at most 2^30. Not part of what the run means: it protects
    /// whoever executes it.
    pub steps: u32,
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
    pub steps: u32,
    /// Linear memory at the end.
    pub memory: Vec<u8>,
    /// Pages of the memory at the end, which is when it is largest.
    pub pages: Pages,
    /// Result, outbound and log: bytes, cut to the committed length.
    pub outputs: [Vec<u8>; 3],
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

/// Runs a program and records the run, if the limit of steps lets it end.
pub fn trace(program: &Program, inputs: &Inputs<'_>, limits: Limits) -> (Run, Option<Trace>) {
    let (run, trace) = Machine::new(program, inputs, limits, record::Full::default()).run();
    let has_ended = run.end != End::TooManySteps;
    (run, has_ended.then_some(trace))
}

/// Steps a clock can count: stamps are four times the clock and have 32 bits.
const MOST_STEPS: u32 = 1 << 30;

struct Machine<'a, R> {
    program: &'a Program,
    limits: Limits,
    record: R,
    pc: u32,
    fp: u32,
    room: u16,
    fuel: u64,
    steps: u32,
    registers: Vec<u64>,
    memory: Memory,
    globals: Vec<u64>,
    tapes: Tapes<'a>,
}

impl<'a, R: Recorder> Machine<'a, R> {
    fn new(program: &'a Program, inputs: &Inputs<'a>, limits: Limits, record: R) -> Self {
        let mut memory = Memory::new(program.pages);
        let mut globals = Vec::new();
        for &(key, value) in &program.data {
            let index = (key & ((1 << crate::isa::INDEX_BITS) - 1)) as usize;
            if key == Space::Global.key(index as u32) {
                grow_to(&mut globals, index);
                globals[index] = value;
            } else {
                memory.set_word(index, value);
            }
        }
        Self {
            program,
            limits,
            record,
            pc: 0,
            fp: 0,
            room: program.room,
            fuel: 0,
            steps: 0,
            registers: Vec::new(),
            memory,
            globals,
            tapes: Tapes::new(inputs),
        }
    }

    fn run(mut self) -> (Run, R::Trace) {
        let end = loop {
            if self.steps >= self.limits.steps.min(MOST_STEPS) {
                break End::TooManySteps;
            }
            if let Some(pc) = self.step() {
                break self.halted(pc);
            }
        };
        let trace = self.record.finish(
            &self.registers,
            &self.memory,
            &self.globals,
            &self.tapes,
            &self.program.data,
        );
        let run = Run {
            end,
            fuel: Fuel::new(self.fuel),
            steps: self.steps,
            pages: Pages::new(self.memory.pages()),
            memory: self.memory.into_bytes(),
            outputs: self.tapes.outputs(),
        };
        (run, trace)
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
        let clk = self.steps;
        let mut step = Step {
            pc: self.pc,
            alternative,
            fp: self.fp,
            fuel: self.fuel,
            pages: self.memory.pages(),
            room: self.room,
            ..Step::default()
        };
        self.fuel += u64::from(instr.cost);
        step.b = instr.imm;
        if has(flag::RA) {
            let index = self.register(instr.ia);
            step.a = self.registers[index];
            step.prev[0] = self.record.register(index, 4 * clk);
        }
        if has(flag::RB) {
            let index = self.register(instr.ib);
            step.b = self.registers[index];
            step.prev[1] = self.record.register(index, 4 * clk + 1);
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
                self.extended(&instr, &mut step, 4 * clk + 2)
            }
        };
        if has(flag::W32) {
            step.c &= u64::from(u32::MAX);
        }
        if has(flag::WC) {
            let index = self.register(instr.ic);
            step.old = std::mem::replace(&mut self.registers[index], step.c);
            step.prev[2] = self.record.register(index, 4 * clk + 3);
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

    /// Executes an `EXT` operation and gives `c`, which is also what it consumes.
    fn extended(&mut self, instr: &Instr, step: &mut Step, stamp: u32) -> u64 {
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

/// Flags that say where `c` comes from; `EXT` with `COPY` is an `EXT`.
const SOURCES: u32 = flag::ADD | flag::SUB | flag::COPY | flag::ALU | flag::EXT;

/// Bytes of an access.
fn width(code: u16) -> usize {
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
