//! A run executed in pieces, each of which is recorded by itself.

use super::{End, Inputs, Limits, Machine, record};
use crate::{
    isa::{Program, flag, tape},
    trace::{PAUSE, Step, Trace},
};
use nonos_types::Fuel;

/// The machine between two steps, but for its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Program counter.
    pub pc: u32,
    /// Frame pointer.
    pub fp: u32,
    /// Calls still allowed.
    pub room: u16,
    /// Memory pages.
    pub pages: u32,
    /// Fuel used since the beginning.
    pub fuel: u64,
    /// Positions of the output tapes, in the order of [`tape::OUTPUTS`]: `words | pad << 32`.
    pub outputs: [u64; tape::OUTPUTS.len()],
}

impl State {
    /// In which every run of a program begins.
    pub fn initial(program: &Program) -> Self {
        Self {
            pc: 0,
            fp: 0,
            room: program.room,
            pages: program.pages,
            fuel: 0,
            outputs: [0; tape::OUTPUTS.len()],
        }
    }
}

/// A run, executed piece by piece. What a piece records begins with clock 1 and fuel 0, and ends with a `HALT`: that of
/// the run, or one that pauses it ([`PAUSE`]).
///
/// ```
/// use nonos_machine::{End, Inputs, Options, Segments, lower};
/// use nonos_package::HostSet;
/// use nonos_types::{Fuel, Pages};
///
/// let wasm = wat::parse_str(
///     r#"(module (func (export "run") (param $n i64) (result i64) (local $sum i64)
///          (loop $l (local.set $sum (i64.add (local.get $sum) (local.get $n)))
///            (br_if $l (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
///          (local.get $sum)))"#,
/// )?;
/// let options = Options { entry: "run", max_pages: Pages::new(0), hosts: HostSet::EMPTY };
/// let program = lower(&wasm, &options)?.program;
/// let inputs = Inputs { arguments: &[100], ..Inputs::default() };
///
/// let mut run = Segments::new(&program, &inputs, Fuel::new(10_000));
/// let mut pieces = vec![];
/// while run.end().is_none() {
///     pieces.push((run.state(), run.advance(20)));
/// }
/// assert_eq!(run.end(), Some(End::Return(vec![5050])));
/// assert!(pieces.len() > 2);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Segments<'a> {
    machine: Machine<'a, record::Full>,
    /// Where it halted.
    halted: Option<u32>,
}

impl<'a> Segments<'a> {
    /// Begins a run.
    pub fn new(program: &'a Program, inputs: &Inputs<'a>, fuel: Fuel) -> Self {
        let limits = Limits {
            fuel,
            steps: u64::MAX,
        };
        Self {
            machine: Machine::new(program, inputs, limits, record::Full::default()),
            halted: None,
        }
    }

    /// Takes up a run in the middle: `cells` are those that it will touch. `None` if there is no such state.
    ///
    /// Cells that are not given hold nothing, wherever the state comes from: it is for whoever proves the piece to see
    /// that what follows is what was to be proved. A state that no run reaches may make [`advance`](Self::advance)
    /// panic.
    pub fn resume(
        program: &'a Program,
        inputs: &Inputs<'a>,
        fuel: Fuel,
        state: &State,
        cells: &[(u32, u64)],
    ) -> Option<Self> {
        let mut this = Self::new(program, inputs, fuel);
        let machine = &mut this.machine;
        if usize::try_from(state.pc).ok()? >= program.code.len() || state.fuel > fuel.get() {
            return None;
        }
        for (key, _) in &program.data {
            machine.set_cell(*key, 0)?;
        }
        let more = state.pages.checked_sub(program.pages)?;
        machine.memory.grow(u64::from(more), 1 << 16)?;
        for (key, value) in cells {
            machine.set_cell(*key, *value)?;
        }
        for (number, position) in tape::OUTPUTS.into_iter().zip(state.outputs) {
            machine.tapes.set_cell(number, position).ok()?;
        }
        (machine.pc, machine.fp, machine.room) = (state.pc, state.fp, state.room);
        machine.fuel = state.fuel;
        machine.before = (0, state.fuel);
        Some(this)
    }

    /// Where the run is.
    pub fn state(&self) -> State {
        let machine = &self.machine;
        let position = |number| machine.tapes.cell(number).unwrap_or_default();
        State {
            pc: machine.pc,
            fp: machine.fp,
            room: machine.room,
            pages: machine.memory.pages(),
            fuel: machine.fuel,
            outputs: tape::OUTPUTS.map(position),
        }
    }

    /// What a cell holds.
    pub fn cell(&self, key: u32) -> u64 {
        self.machine.cell(key)
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.machine.steps
    }

    /// How the run ended, if it has. Of one that was taken up in the middle, the values are those since then.
    pub fn end(&self) -> Option<End> {
        self.halted.map(|pc| self.machine.halted(pc))
    }

    /// Executes up to `steps` steps more, at most 2^30, and gives the record of them. The cells of it are those
    /// touched, and every output tape.
    pub fn advance(&mut self, steps: u32) -> Trace {
        let machine = &mut self.machine;
        machine.before = (machine.steps, machine.fuel);
        let last = machine.steps + u64::from(steps.min(1 << 30));
        while self.halted.is_none() && machine.steps < last {
            self.halted = machine.step();
        }
        let pause = Step {
            pc: machine.pc,
            alternative: PAUSE,
            fp: machine.fp,
            fuel: machine.fuel - machine.before.1,
            pages: machine.memory.pages(),
            room: machine.room,
            ..Step::default()
        };
        let mut trace = machine.recorded(&[]);
        let ends = |step: &Step| machine.program.row(step.pc, step.alternative).flags & flag::HALT != 0;
        if !trace.steps.last().is_some_and(ends) {
            trace.steps.push(pause);
        }
        trace
    }
}

impl std::fmt::Debug for Segments<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segments")
            .field("state", &self.state())
            .field("steps", &self.steps())
            .finish_non_exhaustive()
    }
}
