//! Filling the tables from a trace, and the public side that the verifier computes.

use nonos_seal::Tape as TapeWords;

use super::layout::ExtStep;
use super::{
    BIT, BITS, BOUND, CELLS, CMP, COUNT, DIV, GLOBAL, GROW, HOST, MEM, MEMX, MUL, MemTable, SHIFT, STEP, bit,
    bound, cells, cmp, count, div, global, grow, host, mul, shift, step, system,
};
use crate::air::{Bus, Public};
use crate::exec::State;
use crate::isa::{Instr, Program, Space, alternatives, ext, flag, op, tape};
use crate::trace::{Access, Trace};

/// The rows of one table, before padding.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Columns.
    pub width: usize,
    /// Cells, row by row.
    pub cells: Vec<u64>,
}

impl Rows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.cells.len() / self.width
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    fn push(&mut self) -> &mut [u64] {
        let start = self.cells.len();
        self.cells.resize(start + self.width, 0);
        &mut self.cells[start..]
    }
}

/// All tables of a run, in the order of [`system`].
#[derive(Clone, Debug)]
pub struct Witness {
    /// The tables.
    pub tables: Vec<Rows>,
}

impl Witness {
    /// Writes row `i` of a table, for any `i`: past the end, STEP repeats its last row with the clock
    /// running on, the others are zero.
    pub fn row(&self, table: usize, i: usize, out: &mut [u64]) {
        let rows = &self.tables[table];
        if let Some(row) = rows.cells.get(i * rows.width..(i + 1) * rows.width) {
            out.copy_from_slice(row);
        } else if table == STEP {
            let last = rows.len() - 1;
            out.copy_from_slice(&rows.cells[last * rows.width..]);
            out[0] += (i - last) as u64;
        } else {
            out.fill(0);
        }
    }
}

/// Which tapes the verifier does not see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// The sealed input, tape 1.
    pub input: bool,
    /// Result, outbound and log.
    pub outputs: bool,
}

impl Hidden {
    /// Whether it hides a tape.
    pub fn hides(self, number: u8) -> bool {
        match number {
            tape::SEALED => self.input,
            tape::RESULT | tape::OUTBOUND | tape::LOG => self.outputs,
            _ => false,
        }
    }
}

/// The public side of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicRun {
    /// Input tapes, in the order of [`tape::INPUTS`].
    pub inputs: [TapeWords; 4],
    /// Output tapes, in the order of [`tape::OUTPUTS`].
    pub outputs: [TapeWords; 4],
    /// Where the run halted.
    pub halt: u32,
    /// Fuel used.
    pub fuel: u64,
    /// Memory pages at the end, which are the most there were.
    pub pages: u32,
    /// Tapes of which the content above is not used.
    pub hidden: Hidden,
}

impl PublicRun {
    /// The public side of a recorded run: what it wrote, where it halted, what it used.
    pub fn of(program: &Program, trace: &Trace, inputs: [TapeWords; 4]) -> Self {
        let mut outputs: [TapeWords; 4] = Default::default();
        let place = |number: u64| tape::OUTPUTS.iter().position(|t| u64::from(*t) == number);
        for s in &trace.steps {
            let instr = program.row(s.pc, s.alternative);
            if instr.flags & flag::EXT != 0 && instr.op == ext::HOST | ext::HOST_WRITE {
                outputs[place(s.a).expect("the executor traps a write to an input")]
                    .words
                    .push(s.c);
            }
        }
        for (number, content) in tape::OUTPUTS.into_iter().zip(&mut outputs) {
            let key = Space::Tape.key(u32::from(number));
            let cell = trace.cells.binary_search_by_key(&key, |cell| cell.key);
            let pad = cell.map_or(0, |i| trace.cells[i].last >> 32);
            content.len = 8 * content.words.len() as u64 - pad;
        }
        let last = trace.steps.last().copied().unwrap_or_default();
        Self {
            inputs,
            outputs,
            halt: last.pc,
            fuel: last.fuel,
            pages: last.pages,
            hidden: Hidden::default(),
        }
    }
}

fn limbs(v: u64) -> [u64; 4] {
    std::array::from_fn(|i| v >> (16 * i) & 0xffff)
}

/// A row of the program as a lookup.
fn instruction(pc: u32, instr: &Instr) -> (Bus, Vec<u64>) {
    let mut row = vec![u64::from(pc), u64::from(instr.flags)];
    row.extend([instr.op, instr.ia, instr.ib, instr.ic].map(u64::from));
    row.extend([
        u64::from(instr.target & 0xffff),
        u64::from(instr.target >> 16),
        u64::from(instr.cost),
    ]);
    row.extend(limbs(instr.imm));
    (Bus::Program, row)
}

/// The program and the public input tapes.
fn lookups(program: &Program, run: &PublicRun) -> Vec<(Bus, Vec<u64>)> {
    let mut lookups = Vec::with_capacity(program.code.len());
    for (pc, instr) in (0..).zip(&program.code) {
        lookups.push(instruction(pc, instr));
        let others = alternatives(instr, &program.halts);
        lookups.extend(others.iter().map(|(_, row)| instruction(pc, row)));
    }
    let inputs = tape::INPUTS.into_iter().zip(&run.inputs);
    for (tape, content) in inputs.filter(|(tape, _)| !run.hidden.hides(*tape)) {
        let row = |kind: u64, pos: usize, end: u64, value: u64| {
            let mut row = vec![
                kind,
                u64::from(tape),
                (pos & 0xffff) as u64,
                (pos >> 16) as u64,
                end,
            ];
            row.extend(limbs(value));
            (Bus::Tape, row)
        };
        lookups.push(row(0, 0, 0, content.len));
        lookups.extend(
            content
                .words
                .iter()
                .enumerate()
                .map(|(pos, word)| row(1, pos, 0, *word)),
        );
        lookups.push(row(1, content.words.len(), 1, 0));
    }
    lookups
}

fn keyed(key: u32, value: u64) -> Vec<u64> {
    [u64::from(key)].into_iter().chain(limbs(value)).collect()
}

/// Words `from..` of an output tape, and where the tape then is.
fn output(tape: u8, words: &[u64], from: usize, position: u64) -> impl Iterator<Item = (Bus, Vec<u64>)> {
    let word = move |(pos, word): (usize, &u64)| {
        let mut row = vec![u64::from(tape), (pos & 0xffff) as u64, (pos >> 16) as u64];
        row.extend(limbs(*word));
        (Bus::Output, row)
    };
    let end = (Bus::Final, keyed(Space::Tape.key(u32::from(tape)), position));
    (from..).zip(words).map(word).chain([end])
}

/// What the verifier computes itself: the program, the tapes, how the run ended.
///
/// Output words beyond a tape's exact length are part of the run; a caller that takes outputs from bytes
/// must know them ([`TapeWords::words`]), for `commit_len` only names a length.
pub fn public(program: &Program, run: &PublicRun) -> Public {
    let mut received: Vec<(Bus, Vec<u64>)> = program
        .data
        .iter()
        .map(|(key, value)| (Bus::Data, keyed(*key, *value)))
        .collect();
    let outputs = tape::OUTPUTS.into_iter().zip(&run.outputs);
    for (tape, content) in outputs.filter(|(tape, _)| !run.hidden.hides(*tape)) {
        received.extend(output(tape, &content.words, 0, position(content)));
    }
    Public {
        lookups: lookups(program, run),
        received,
        first: vec![u64::from(program.room), u64::from(program.pages)],
        last: vec![u64::from(run.halt), run.fuel, u64::from(run.pages)],
        digests: [None; 2],
    }
}

/// The cell of a finished tape's position.
pub fn position(content: &TapeWords) -> u64 {
    let words = content.words.len() as u64;
    words | (8 * words - content.len) << 32
}

/// What the verifier computes itself of a piece of a run, between two states. `None` if no piece of this run can be
/// between them.
///
/// Initial memory is not among it: what cells hold before and after is the business of the backend.
pub fn segment_public(program: &Program, run: &PublicRun, before: &State, after: &State) -> Option<Public> {
    let pause = Instr {
        flags: flag::HALT,
        ..Instr::default()
    };
    let mut lookups = lookups(program, run);
    lookups.push(instruction(after.pc, &pause));
    let mut received = vec![];
    let positions = before.outputs.iter().zip(&after.outputs);
    for ((tape, content), (from, to)) in tape::OUTPUTS.into_iter().zip(&run.outputs).zip(positions) {
        if run.hidden.hides(tape) {
            continue;
        }
        let words = |position: u64| usize::try_from(position & u64::from(u32::MAX)).ok();
        let (from, until) = (words(*from)?, words(*to)?);
        received.extend(output(tape, content.words.get(from..until)?, from, *to));
    }
    let [enter, leave] = [before, after].map(|s| [s.pc, s.fp, u32::from(s.room), s.pages].map(u64::from));
    let fuel = after.fuel.checked_sub(before.fuel)?;
    Some(Public {
        lookups,
        received,
        first: enter.to_vec(),
        last: leave.into_iter().chain([fuel]).collect(),
        digests: [None; 2],
    })
}

/// Fills the tables from the trace of a run of `program`, all tapes of which are public.
pub fn witness(program: &Program, trace: &Trace) -> Witness {
    hiding_witness(program, trace, Hidden::default())
}

/// Fills the tables from the trace of a run of `program`, of which some tapes are hidden.
pub fn hiding_witness(program: &Program, trace: &Trace, hidden: Hidden) -> Witness {
    let mut witness = segment_witness(program, trace, hidden);
    for (i, cell) in trace.cells.iter().enumerate() {
        let next = trace.cells.get(i + 1).map(|next| next.key);
        let data = program
            .data
            .binary_search_by_key(&cell.key, |(key, _)| *key)
            .is_ok();
        let out = tape::OUTPUTS
            .iter()
            .any(|tape| Space::Tape.key(u32::from(*tape)) == cell.key);
        cells::fill(witness.tables[CELLS].push(), cell, next, data, out);
    }
    witness
}

/// Fills the tables from the trace of a piece of a run, all but CELLS: what cells hold before and after a piece is the
/// business of the backend, which commits to it.
pub fn segment_witness(program: &Program, trace: &Trace, hidden: Hidden) -> Witness {
    let mut tables: Vec<Rows> = system()
        .tables
        .iter()
        .map(|t| Rows {
            width: t.columns.len(),
            cells: vec![],
        })
        .collect();
    debug_assert_eq!(tables.len(), COUNT);
    let mut accesses = trace.accesses.iter();
    for (i, s) in trace.steps.iter().enumerate() {
        let instr = &program.row(s.pc, s.alternative);
        step::fill(tables[STEP].push(), i, s, instr);
        if instr.flags & flag::ALU != 0 {
            match instr.op & 7 {
                op::CMP => cmp::fill(tables[CMP].push(), instr.op, s.a, s.b, s.c),
                op::BIT => bit::fill(tables[BIT].push(), instr.op, s.a, s.b, s.c),
                op::SHIFT => shift::fill(tables[SHIFT].push(), instr.op, s.a, s.b, s.c),
                op::COUNT => count::fill(tables[BITS].push(), instr.op, s.a, s.c),
                op::DIV => div::fill(tables[DIV].push(), instr.op, s.a, s.b, s.c),
                op::MUL => mul::fill(tables[MUL].push(), instr.op, s.a, s.b, s.c),
                _ => {}
            }
        }
        if instr.flags & flag::EXT == 0 {
            continue;
        }
        let code = instr.op;
        let step = ExtStep {
            code,
            clk: i as u64 + 1,
            pages: s.pages,
            imm: instr.imm,
            a: s.a,
            c: s.c,
        };
        match code & 7 {
            ext::MEM => {
                let width = match code & (ext::MEM_W1 | ext::MEM_W2 | ext::MEM_W4) {
                    ext::MEM_W1 => 1,
                    ext::MEM_W2 => 2,
                    ext::MEM_W4 => 4,
                    _ => 8,
                };
                let crossing = s.a.wrapping_add(instr.imm) % 8 + width > 8;
                let words: Vec<Access> = accesses
                    .by_ref()
                    .take(1 + usize::from(crossing))
                    .copied()
                    .collect();
                let row = tables[if crossing { MEMX } else { MEM }].push();
                MemTable { crossing }.fill(row, &step, &words);
            }
            ext::BOUND => bound::fill(tables[BOUND].push(), &step),
            ext::GROW => grow::fill(tables[GROW].push(), &step),
            ext::GLOBAL => {
                let access = accesses.next().copied().unwrap_or_default();
                global::fill(tables[GLOBAL].push(), &step, &access);
            }
            ext::HOST => {
                let cell = if code & ext::HOST_LEN != 0 {
                    None
                } else {
                    accesses.next()
                };
                let sealed = u8::try_from(s.a).is_ok_and(|tape| hidden.hides(tape));
                host::fill(tables[HOST].push(), &step, cell, sealed);
            }
            _ => {}
        }
    }
    Witness { tables }
}
