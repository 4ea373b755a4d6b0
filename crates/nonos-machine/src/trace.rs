//! What the executor records of a run: enough to fill every table, nothing that follows from the program.
//!
//! Time stamps: step `i` (from 0) has `clk = i + 1`; its accesses have the stamps `4·clk` (operand `a`),
//! `4·clk + 1` (`b`), `4·clk + 2` (`EXT`), `4·clk + 3` (`c`). Every cell starts with stamp 0.

/// [`Step::alternative`] of the row that ends a piece of a run: a `HALT` at the `pc` where it is taken up again.
pub const PAUSE: u8 = u8::MAX;

/// One step, the final `HALT` included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Program counter.
    pub pc: u32,
    /// Which row at `pc` is executed: 0 for the instruction, then its alternatives, or [`PAUSE`].
    pub alternative: u8,
    /// Frame pointer.
    pub fp: u32,
    /// Fuel used before this step.
    pub fuel: u64,
    /// Memory pages before this step.
    pub pages: u32,
    /// Pages this step adds.
    pub dpages: u32,
    /// Calls still allowed before this step.
    pub room: u16,
    /// First operand.
    pub a: u64,
    /// Second operand.
    pub b: u64,
    /// Result.
    pub c: u64,
    /// What register `ic` held before, where it is written.
    pub old: u64,
    /// Stamps of the previous accesses to the registers of `a`, `b`, `c`; 0 where there is no access.
    pub prev: [u32; 3],
}

/// One access of an `EXT` step to a cell that is not a register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The cell.
    pub key: u32,
    /// Stamp of the previous access.
    pub prev: u32,
    /// Value before.
    pub old: u64,
    /// Value after (equal to `old` for a read).
    pub new: u64,
}

/// A cell at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The cell.
    pub key: u32,
    /// Initial value.
    pub init: u64,
    /// Final value.
    pub last: u64,
    /// Stamp of the last access, 0 if none.
    pub stamp: u32,
}

/// The record of a run that ended in a `HALT`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Steps, in order.
    pub steps: Vec<Step>,
    /// Accesses of the `EXT` steps, in order: `MEM` makes one, or two (ascending keys) where it crosses an
    /// 8-byte word; `GLOBAL` and `HOST` make one, but for `HOST_LEN`; `GROW` and `BOUND` none.
    pub accesses: Vec<Access>,
    /// Every cell touched, every initial data cell and every output tape, by ascending key.
    pub cells: Vec<Cell>,
}
