//! A claimed run, to tamper with, and a judge that names every rule that stands against it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::{Add, Mul, Sub};

use nonos_machine::air::{Bus, Direction, FixedTable, Public, Range, System, TableShape, When};
use nonos_machine::check::check;
use nonos_machine::isa::{Program, Space, ext, flag, tape};
use nonos_machine::tables::{Hidden, PublicRun, TapeWords, Witness, public, system, witness};
use nonos_machine::trace::Trace;

use super::liar::{Account, Lies, tell};

/// The order of the checker's field, and that of a 31-bit field that a proof system may use.
pub(crate) const M61: u64 = (1 << 61) - 1;
pub(crate) const KOALA_BEAR: u64 = (1 << 31) - (1 << 24) + 1;

#[derive(Clone, Copy, PartialEq)]
struct Residue {
    value: u64,
    order: u64,
}

impl Residue {
    fn new(order: u64, value: i128) -> Self {
        Self {
            value: value.rem_euclid(i128::from(order)) as u64,
            order,
        }
    }

    fn signed(self) -> i64 {
        if self.value > self.order / 2 {
            self.value as i64 - self.order as i64
        } else {
            self.value as i64
        }
    }

    fn inverse(self) -> Self {
        let (mut result, mut base, mut exponent) = (Self { value: 1, ..self }, self, self.order - 2);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result * base;
            }
            base = base * base;
            exponent >>= 1;
        }
        result
    }
}

macro_rules! residue_operator {
    ($($operator:ident $function:ident $symbol:tt),*) => {$(
        impl $operator for Residue {
            type Output = Self;
            fn $function(self, other: Self) -> Self {
                Self::new(self.order, i128::from(self.value) $symbol i128::from(other.value))
            }
        }
    )*};
}
residue_operator!(Add add +, Sub sub -, Mul mul *);

thread_local! {
    /// The system without the table of conjunctions; ranges of 16 bits are tested without one.
    static TABLES: System = {
        let mut system = system();
        system.fixed.retain(|fixed| matches!(fixed.bus, Bus::Range8 | Bus::Count8));
        system
    };
}

/// A program with a claimed run of it.
#[derive(Clone)]
pub(crate) struct Claim {
    pub(crate) system: System,
    pub(crate) public: Public,
    pub(crate) witness: Witness,
}

impl Claim {
    pub(crate) fn new(program: &Program, inputs: &[TapeWords; 4], trace: &Trace) -> Self {
        Self::with(
            program,
            PublicRun::of(program, trace, inputs.clone()),
            program,
            trace,
        )
    }

    /// The claim of `run` of `program`, witnessed by a trace of `executed`.
    fn with(program: &Program, run: PublicRun, executed: &Program, trace: &Trace) -> Self {
        let mut claim = Self {
            system: TABLES.with(Clone::clone),
            public: public(program, &run),
            witness: witness(executed, trace),
        };
        claim.conjunctions();
        claim
    }

    /// Of the table of conjunctions, the rows of the operands that occur: the whole of it takes long to load.
    fn conjunctions(&mut self) {
        let t = self.table("BIT");
        let columns = &self.system.tables[t].columns;
        let place = |name: &str| {
            columns
                .iter()
                .position(|c| c.name == name)
                .expect("BIT has the column")
        };
        let (x, y) = (place("x[0]"), place("y[0]"));
        let rows = &self.witness.tables[t];
        let pairs = rows
            .cells
            .chunks(rows.width)
            .flat_map(|row| (0..8).map(move |i| (row[x + i], row[y + i])));
        let rows = pairs.chain([(0, 0)]).map(|(x, y)| vec![x, y, x & y]).collect();
        self.system.fixed.push(FixedTable { bus: Bus::And8, rows });
    }

    /// A claim of what a liar did.
    pub(crate) fn lie(program: &Program, inputs: &[TapeWords; 4], lies: Lies<'_>) -> Self {
        Self::told(program, inputs, tell(program, inputs, lies))
    }

    /// A claim of what a liar told.
    pub(crate) fn told(program: &Program, inputs: &[TapeWords; 4], told: Account) -> Self {
        // An instruction that the program does not have is filled in as one behind its end, and put in its place.
        let (mut executed, mut trace) = (program.clone(), told.trace);
        let mut places = vec![];
        for (i, instr) in told.words {
            let step = &mut trace.steps[i];
            places.push((i, step.pc));
            (step.pc, step.alternative) = (executed.code.len() as u32, 0);
            executed.code.push(instr);
        }
        let mut run = claimed(&executed, &trace, inputs);
        for (i, pc) in &places {
            if *i + 1 == trace.steps.len() {
                run.halt = *pc;
            }
        }
        let mut claim = Self::with(program, run, &executed, &trace);
        for (i, pc) in places {
            *claim.cell("STEP", i, "pc") = u64::from(pc);
        }
        claim
    }

    pub(crate) fn table(&self, name: &str) -> usize {
        let place = self.system.tables.iter().position(|table| table.name == name);
        place.unwrap_or_else(|| panic!("no table {name}"))
    }

    /// Rows of a table.
    pub(crate) fn rows(&self, table: &str) -> usize {
        self.witness.tables[self.table(table)].len()
    }

    /// A cell, by the names of table and column.
    pub(crate) fn cell(&mut self, table: &str, row: usize, column: &str) -> &mut u64 {
        let t = self.table(table);
        let columns = &self.system.tables[t].columns;
        let c = columns
            .iter()
            .position(|c| c.name == column)
            .unwrap_or_else(|| panic!("no column {column}"));
        let rows = &mut self.witness.tables[t];
        &mut rows.cells[row * rows.width + c]
    }

    /// Sets a column and its high part, from bit 16 on.
    pub(crate) fn split(&mut self, table: &str, row: usize, [lo, hi]: [&str; 2], value: u64) {
        *self.cell(table, row, lo) = value & 0xffff;
        *self.cell(table, row, hi) = value >> 16;
    }

    /// Takes row `row` out and gives it.
    pub(crate) fn take(&mut self, table: &str, row: usize) -> Vec<u64> {
        let t = self.table(table);
        let rows = &mut self.witness.tables[t];
        rows.cells
            .drain(row * rows.width..(row + 1) * rows.width)
            .collect()
    }

    /// Inserts a row before row `row`.
    pub(crate) fn insert(&mut self, table: &str, row: usize, cells: Vec<u64>) {
        let t = self.table(table);
        let rows = &mut self.witness.tables[t];
        rows.cells.splice(row * rows.width..row * rows.width, cells);
    }

    pub(crate) fn first_row(&mut self, table: &str, column: &str, value: u64) -> usize {
        let found = (0..self.rows(table)).find(|row| *self.cell(table, *row, column) == value);
        found.unwrap_or_else(|| panic!("no row of {table} has {column} = {value}"))
    }

    /// The row of a key in CELLS.
    pub(crate) fn cell_row(&mut self, key: u32) -> usize {
        let found = (0..self.rows("CELLS")).find(|row| {
            *self.cell("CELLS", *row, "key_lo") == u64::from(key & 0xffff)
                && *self.cell("CELLS", *row, "key_hi") == u64::from(key >> 16)
        });
        found.unwrap_or_else(|| panic!("no cell has the key {key:x}"))
    }

    /// Every rule that stands against the claim: `TABLE/constraint`, `TABLE/LookupBus`, `Bus`. The checker
    /// must agree that there is one.
    pub(crate) fn verdict(&self) -> BTreeSet<String> {
        let heights: Vec<usize> = self.witness.tables.iter().map(|t| t.len() + 2).collect();
        let verdict = self.verdict_modulo(M61);
        let checked = check(&self.system, &heights, &self.public, |t, i, out| {
            self.witness.row(t, i, out)
        });
        assert_eq!(checked.is_ok(), verdict.is_empty(), "{checked:?} but {verdict:?}");
        verdict
    }

    /// The same, in the field of the given order.
    pub(crate) fn verdict_modulo(&self, order: u64) -> BTreeSet<String> {
        let mut judge = Judge::new(self, order);
        for t in 0..self.system.tables.len() {
            let height = self.witness.tables[t].len() + 2;
            let mut rows = vec![vec![0; self.system.tables[t].columns.len()]; height];
            rows.iter_mut()
                .enumerate()
                .for_each(|(i, row)| self.witness.row(t, i, row));
            for i in 0..height {
                judge.row(&self.system.tables[t], i, &rows[i], rows.get(i + 1));
            }
        }
        judge.finish()
    }
}

/// The public side that suits a trace best: [`PublicRun::of`] for traces that may be no runs.
fn claimed(program: &Program, trace: &Trace, inputs: &[TapeWords; 4]) -> PublicRun {
    let mut outputs: [TapeWords; 4] = Default::default();
    for s in &trace.steps {
        let instr = program.row(s.pc, s.alternative);
        let writes = instr.flags & flag::EXT != 0 && instr.op == ext::HOST | ext::HOST_WRITE;
        let place = tape::OUTPUTS.iter().position(|number| u64::from(*number) == s.a);
        if let (true, Some(place)) = (writes, place) {
            outputs[place].words.push(s.c);
        }
    }
    for (number, content) in tape::OUTPUTS.into_iter().zip(&mut outputs) {
        let key = Space::Tape.key(u32::from(number));
        let cell = trace.cells.iter().find(|cell| cell.key == key);
        let pad = cell.map_or(0, |cell| cell.last >> 32);
        content.len = (8 * content.words.len() as u64).saturating_sub(pad);
    }
    let last = trace.steps.last().copied().unwrap_or_default();
    PublicRun {
        inputs: inputs.clone(),
        outputs,
        halt: last.pc,
        fuel: last.fuel,
        pages: last.pages,
        hidden: Hidden::default(),
    }
}

struct Judge<'a> {
    order: u64,
    public: &'a Public,
    lookups: HashSet<(Bus, Vec<u64>)>,
    sums: HashMap<(Bus, Vec<u64>), i64>,
    against: BTreeSet<String>,
}

impl<'a> Judge<'a> {
    fn new(claim: &'a Claim, order: u64) -> Self {
        let reduced = |row: &Vec<u64>| row.iter().map(|v| v % order).collect::<Vec<_>>();
        let fixed = claim.system.fixed.iter().filter(|f| f.bus != Bus::Range16);
        let fixed = fixed.flat_map(|f| f.rows.iter().map(|row| (f.bus, reduced(row))));
        let lookups = fixed
            .chain(claim.public.lookups.iter().map(|(bus, row)| (*bus, reduced(row))))
            .collect();
        let mut sums = HashMap::new();
        for (bus, row) in &claim.public.received {
            *sums.entry((*bus, reduced(row))).or_default() -= 1;
        }
        Self {
            order,
            public: &claim.public,
            lookups,
            sums,
            against: BTreeSet::new(),
        }
    }

    fn row(&mut self, table: &TableShape, i: usize, row: &[u64], next: Option<&Vec<u64>>) {
        let order = self.order;
        let constant = |v: i64| Residue::new(order, i128::from(v));
        let cell = |col: nonos_machine::air::Col, is_next: bool| {
            let from = if is_next {
                next.map_or(row, Vec::as_slice)
            } else {
                row
            };
            let value = from[usize::from(col.0)];
            match table.columns[usize::from(col.0)].range {
                Range::Inverse => constant(value as i64).inverse(),
                _ => Residue::new(order, i128::from(value)),
            }
        };
        for c in &table.constraints {
            let holds_here = match c.when {
                When::Always => true,
                When::First => i == 0,
                When::Last => next.is_none(),
                When::Transition => next.is_some(),
            };
            let values = if c.when == When::First {
                &self.public.first
            } else {
                &self.public.last
            };
            let expected = c.public.map_or(0, |p| values[p]);
            if holds_here && c.expr.eval(&constant, &cell) != Residue::new(order, i128::from(expected)) {
                self.against.insert(format!("{}/{}", table.name, c.id));
            }
        }
        for m in &table.messages {
            let count = m.count.eval(&constant, &cell).signed();
            let parts: Vec<u64> = m.parts.iter().map(|p| p.eval(&constant, &cell).value).collect();
            if count == 0 {
            } else if !m.bus.is_lookup() {
                let sign = if m.direction == Direction::Send { 1 } else { -1 };
                *self.sums.entry((m.bus, parts)).or_default() += sign * count;
            } else {
                let holds = match m.bus {
                    Bus::Range16 => parts[0] < 1 << 16,
                    _ => self.lookups.contains(&(m.bus, parts)),
                };
                if !holds || count < 0 {
                    self.against.insert(format!("{}/{:?}", table.name, m.bus));
                }
            }
        }
    }

    fn finish(mut self) -> BTreeSet<String> {
        let wrong = self.sums.iter().filter(|(_, sum)| **sum != 0);
        self.against.extend(wrong.map(|((bus, _), _)| format!("{bus:?}")));
        self.against
    }
}
