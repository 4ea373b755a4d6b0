//! The executor: runs a [`Program`], and records what a proof of the run needs.

mod memory;
mod record;
mod tapes;

use nonos_types::{Fuel, Pages, TrapKind};

use self::{memory::Memory, record::Recorder, tapes::Tapes};
use crate::{
    alu::alu,
    isa::{Instr, Program, Space, ext, flag, op, tape},
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The entry returned; with the word of its result, if it has one.
    Return(Option<u64>),
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
/// assert_eq!(run.end, End::Return(Some(5)));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn execute(program: &Program, inputs: &Inputs<'_>, limits: Limits) -> Run {
    Machine::<()>::new(program, inputs, limits, ()).run().0
}

/// Runs a program and records the run, if it ends by return or exit.
pub fn trace(program: &Program, inputs: &Inputs<'_>, limits: Limits) -> (Run, Option<Trace>) {
    let (run, trace) = Machine::new(program, inputs, limits, record::Full::default()).run();
    let is_provable = matches!(run.end, End::Return(_) | End::Exit(_));
    (run, is_provable.then_some(trace))
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
            match self.step() {
                Ok(None) => {}
                Ok(Some(pc)) => break self.halted(pc),
                Err(end) => break end,
            }
        };
        if end == End::OutOfFuel {
            self.fuel = self.limits.fuel.get();
        }
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
        let value = self.tapes.values().last().copied();
        if pc == self.program.halt_exit {
            // `exit` takes an `i32`.
            End::Exit(value.unwrap_or_default() as u32)
        } else {
            End::Return(value)
        }
    }

    /// Executes one step; gives the `pc` of a `HALT`.
    fn step(&mut self) -> Result<Option<u32>, End> {
        let instr = self.program.code[self.pc as usize];
        let has = |bit: u16| instr.flags & bit != 0;
        let fuel = self
            .fuel
            .checked_add(u64::from(instr.cost))
            .ok_or(End::OutOfFuel)?;
        if fuel > self.limits.fuel.get() {
            return Err(End::OutOfFuel);
        }
        if has(flag::CALL) && self.room == 0 {
            self.fuel = fuel;
            return Err(End::Trap(TrapKind::StackExhausted));
        }
        self.steps += 1;
        let clk = self.steps;
        let mut step = Step {
            pc: self.pc,
            fp: self.fp,
            fuel: self.fuel,
            pages: self.memory.pages(),
            room: self.room,
            ..Step::default()
        };
        self.fuel = fuel;
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
        let trap = |kind| Err(End::Trap(kind));
        step.c = match instr.flags & SOURCES {
            flag::ADD => step.a.wrapping_add(step.b),
            flag::SUB => step.a.wrapping_sub(step.b),
            flag::COPY => step.b,
            flag::RET => step.a,
            flag::ALU if instr.op == op::TRAP => return trap(trap_kind(instr.imm)),
            flag::ALU => alu(instr.op, step.a, step.b).expect("lowered code has known operations"),
            _ => {
                step.c = step.b;
                match self.extended(&instr, &mut step, 4 * clk + 2) {
                    Ok(c) => c,
                    Err(kind) => return trap(kind),
                }
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
            return Ok(Some(self.pc));
        }
        self.pc = if has(flag::JMP) || has(flag::BR) && step.c == 1 {
            instr.target
        } else if has(flag::RET) {
            step.c as u32
        } else {
            self.pc + 1
        };
        if has(flag::CALL) {
            self.fp += u32::from(instr.ic);
            self.room -= 1;
        } else if has(flag::RET) {
            self.fp -= (step.c >> 32) as u32;
            self.room += 1;
        }
        Ok(None)
    }

    fn register(&mut self, index: u16) -> usize {
        let index = self.fp as usize + usize::from(index);
        grow_to(&mut self.registers, index);
        index
    }

    /// Executes an `EXT` operation and gives `c`, which is also what it consumes.
    fn extended(&mut self, instr: &Instr, step: &mut Step, stamp: u32) -> Result<u64, TrapKind> {
        let has = |bit: u16| instr.op & bit != 0;
        match instr.op & 7 {
            ext::MEM => self.access(instr, step, stamp),
            ext::GROW => {
                let most = u32::try_from(instr.imm).unwrap_or(u32::MAX);
                Ok(match self.memory.grow(step.a, most) {
                    Some(added) => {
                        step.dpages = added;
                        u64::from(step.pages)
                    }
                    None => u64::from(u32::MAX),
                })
            }
            ext::HOST => {
                // The lowering lets a capsule name none of the tapes beyond those of the host ABI.
                let number = u8::try_from(step.a).map_err(|_| TrapKind::BadTapeCall)?;
                if has(ext::HOST_LEN) {
                    return self.tapes.len(number);
                }
                let old = self.tapes.cell(number)?;
                let c = if has(ext::HOST_READ) {
                    self.tapes.read(number)?
                } else {
                    if has(ext::HOST_WRITE) {
                        self.tapes.write(number, step.c)?;
                    } else {
                        self.tapes.commit(number, step.c)?;
                    }
                    step.c
                };
                let new = self.tapes.cell(number)?;
                let key = Space::Tape.key(u32::from(number));
                self.record.access(key, stamp, old, new);
                Ok(c)
            }
            _ => {
                let index = instr.imm as usize;
                grow_to(&mut self.globals, index);
                let old = self.globals[index];
                if has(ext::GLOBAL_SET) {
                    self.globals[index] = step.c;
                }
                let new = self.globals[index];
                let key = Space::Global.key(instr.imm as u32);
                self.record.access(key, stamp, old, new);
                Ok(new)
            }
        }
    }

    fn access(&mut self, instr: &Instr, step: &Step, stamp: u32) -> Result<u64, TrapKind> {
        let has = |bit: u16| instr.op & bit != 0;
        let width = usize::from(instr.op >> ext::MEM_W1.trailing_zeros());
        let address = step.a + instr.imm;
        let range = self.memory.range(address, width)?;
        let words = range.start / 8..=(range.end - 1) / 8;
        let old = words.clone().map(|index| self.memory.word(index));
        let old: [u64; 2] = {
            let mut old = old;
            [old.next().unwrap_or_default(), old.next().unwrap_or_default()]
        };
        let c = if has(ext::MEM_STORE) {
            self.memory.store(range, step.c);
            step.c
        } else {
            let value = self.memory.load(range);
            if has(ext::MEM_SIGNED) {
                let unused = 64 - 8 * width as u32;
                let wide = ((value << unused).cast_signed() >> unused).cast_unsigned();
                if has(ext::MEM_RES64) {
                    wide
                } else {
                    wide & u64::from(u32::MAX)
                }
            } else {
                value
            }
        };
        for (index, old) in words.zip(old) {
            let new = self.memory.word(index);
            self.record
                .access(Space::Linear.key(index as u32), stamp, old, new);
        }
        Ok(c)
    }
}

/// Flags that say where `c` comes from; `EXT` with `COPY` is an `EXT`.
const SOURCES: u16 = flag::ADD | flag::SUB | flag::COPY | flag::RET | flag::ALU | flag::EXT;

fn trap_kind(code: u64) -> TrapKind {
    let kind = u8::try_from(code).ok().and_then(TrapKind::from_code);
    kind.expect("the lowering put a kind's code there")
}

fn grow_to(cells: &mut Vec<u64>, index: usize) {
    if cells.len() <= index {
        cells.resize(index + 1, 0);
    }
}

/// The tapes that are written, in the order of [`Run::outputs`].
const OUTPUTS: [u8; 3] = [tape::RESULT, tape::OUTBOUND, tape::LOG];
