//! A small random-access machine for tests: a public program of reads and writes over public initial memory.

use nonos_machine::air::{
    Builder, Bus, Col, Column, FixedTable, Public, Range, System, Table, TableShape, When,
};

use crate::trace::Witness;

/// Toy range tables hold 0 ..= 63.
pub(crate) const SMALL: u64 = 64;
const CLOCK: Range = Range::Derived {
    lo: 0,
    hi: 1 << 20,
    why: "starts at 1, counts rows",
};

pub(crate) struct Access;

impl Access {
    pub(crate) const CLK: Col = Col(0);
    pub(crate) const REAL: Col = Col(1);
    pub(crate) const WRITE: Col = Col(2);
    pub(crate) const ADDR: Col = Col(3);
    pub(crate) const VALUE: Col = Col(4);
    pub(crate) const BEFORE: Col = Col(5);
    pub(crate) const AGE: Col = Col(6);
    pub(crate) const WRITES: Col = Col(7);
    pub(crate) const INVERSE: Col = Col(8);
    pub(crate) const ZERO: Col = Col(9);
}

impl Table for Access {
    fn name(&self) -> &'static str {
        "ACCESS"
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column {
                name: "clk",
                range: CLOCK,
            },
            Column {
                name: "real",
                range: Range::Bit,
            },
            Column {
                name: "write",
                range: Range::Bit,
            },
            Column {
                name: "addr",
                range: Range::U8,
            },
            Column {
                name: "value",
                range: Range::U16,
            },
            Column {
                name: "before",
                range: Range::Moved,
            },
            Column {
                name: "age",
                range: Range::U16,
            },
            Column {
                name: "writes",
                range: CLOCK,
            },
            Column {
                name: "inverse",
                range: Range::Inverse,
            },
            Column {
                name: "zero",
                range: Range::Bit,
            },
        ]
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        let one = || B::E::from(1);
        let (clk, real, write) = (b.cur(Self::CLK), b.cur(Self::REAL), b.cur(Self::WRITE));
        let (value, before) = (b.cur(Self::VALUE), b.cur(Self::BEFORE));
        b.zero("clk-first", When::First, clk.clone() - one());
        b.zero(
            "clk-counts",
            When::Transition,
            b.next(Self::CLK) - clk.clone() - one(),
        );
        b.zero("writes-first", When::First, b.cur(Self::WRITES) - write.clone());
        let counted = b.next(Self::WRITES) - b.cur(Self::WRITES) - b.next(Self::WRITE);
        b.zero("writes-counts", When::Transition, counted);
        b.zero(
            "write-is-real",
            When::Always,
            write.clone() * (one() - real.clone()),
        );
        b.zero(
            "reads-keep",
            When::Always,
            real.clone() * (one() - write.clone()) * (value.clone() - before.clone()),
        );
        let (inverse, zero) = (b.cur(Self::INVERSE), b.cur(Self::ZERO));
        b.zero(
            "zero",
            When::Always,
            one() - value.clone() * inverse - zero.clone(),
        );
        b.zero("zero-not", When::Always, zero * value.clone());
        b.public("value-first", When::First, 0, value.clone());
        b.public("addr-first", When::First, 1, b.cur(Self::ADDR));
        b.public("writes-last", When::Last, 0, b.cur(Self::WRITES));
        let addr = b.cur(Self::ADDR);
        b.send(Bus::Program, real.clone(), &[clk.clone(), addr.clone(), write]);
        let before_clk = clk.clone() - one() - b.cur(Self::AGE);
        b.receive(Bus::Memory, real.clone(), &[addr.clone(), before_clk, before]);
        b.send(Bus::Memory, real, &[addr, clk, value]);
    }
}

pub(crate) struct Cell;

impl Cell {
    pub(crate) const REAL: Col = Col(0);
    pub(crate) const ADDR: Col = Col(1);
    pub(crate) const GAP: Col = Col(2);
    pub(crate) const FIRST: Col = Col(3);
    pub(crate) const LAST: Col = Col(4);
    pub(crate) const CLK_LOW: Col = Col(5);
    pub(crate) const CLK_HIGH: Col = Col(6);
}

impl Table for Cell {
    fn name(&self) -> &'static str {
        "CELL"
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column {
                name: "real",
                range: Range::Bit,
            },
            Column {
                name: "addr",
                range: Range::U8,
            },
            Column {
                name: "gap",
                range: Range::U8,
            },
            Column {
                name: "first",
                range: Range::U16,
            },
            Column {
                name: "last",
                range: Range::Moved,
            },
            Column {
                name: "clk-low",
                range: Range::U16,
            },
            Column {
                name: "clk-high",
                range: Range::U16,
            },
        ]
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        let one = || B::E::from(1);
        let (real, next_real) = (b.cur(Self::REAL), b.next(Self::REAL));
        let addr = b.cur(Self::ADDR);
        b.zero(
            "real-first",
            When::Transition,
            next_real.clone() * (one() - real.clone()),
        );
        let grows = b.next(Self::ADDR) - addr.clone() - one() - b.cur(Self::GAP);
        b.zero("addr-grows", When::Transition, next_real * grows);
        let clk = b.cur(Self::CLK_LOW) + b.cur(Self::CLK_HIGH) * B::E::from(SMALL as i64);
        b.send(Bus::Data, real.clone(), &[addr.clone(), b.cur(Self::FIRST)]);
        b.send(
            Bus::Memory,
            real.clone(),
            &[addr.clone(), B::E::from(0), b.cur(Self::FIRST)],
        );
        b.receive(Bus::Memory, real, &[addr, clk, b.cur(Self::LAST)]);
    }
}

pub(crate) const ACCESS: usize = 0;
pub(crate) const CELL: usize = 1;

pub(crate) fn system() -> System {
    let small = |bus| FixedTable {
        bus,
        rows: (0..SMALL).map(|v| vec![v]).collect(),
    };
    System {
        tables: vec![TableShape::record(&Access), TableShape::record(&Cell)],
        fixed: vec![small(Bus::Range16), small(Bus::Range8)],
        public_bits: (vec![16, 8], vec![32]),
    }
}

/// An honest run, of which single cells can be replaced.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    rows: [Vec<Vec<u64>>; 2],
    pub(crate) changed: Vec<(usize, usize, Col, u64)>,
}

impl Witness for Run {
    fn row(&self, table: usize, row: usize, cells: &mut [u64]) {
        match self.rows[table].get(row) {
            Some(real) => cells.copy_from_slice(real),
            None if table == ACCESS => {
                let writes = self.rows[ACCESS]
                    .last()
                    .map_or(0, |r| r[usize::from(Access::WRITES.0)]);
                cells[usize::from(Access::CLK.0)] = row as u64 + 1;
                cells[usize::from(Access::WRITES.0)] = writes;
                cells[usize::from(Access::ZERO.0)] = 1;
            }
            None => {}
        }
        for (_, _, col, value) in self.changed.iter().filter(|(t, r, ..)| (*t, *r) == (table, row)) {
            cells[usize::from(col.0)] = *value;
        }
    }
}

/// Runs `steps` accesses over `cells` words, and gives what the verifier knows of it.
pub(crate) fn run(steps: usize, cells: usize) -> (Run, Public) {
    let mut run = Run::default();
    let mut public = Public {
        first: vec![0, 0],
        last: vec![0],
        ..Public::default()
    };
    let start: Vec<u64> = (0..cells as u64).map(|a| (a * 7 + 3) % SMALL).collect();
    let mut memory: Vec<(u64, u64)> = start.iter().map(|v| (*v, 0)).collect();
    for step in 0..steps {
        let (clk, addr) = (step as u64 + 1, (step * 5) % cells);
        let (before, last) = memory[addr];
        let write = u64::from(step % 3 == 0);
        let value = if write == 1 {
            (before + clk) % SMALL
        } else {
            before
        };
        memory[addr] = (value, clk);
        public.last[0] += write;
        if step == 0 {
            public.first = vec![value, addr as u64];
        }
        public.lookups.push((Bus::Program, vec![clk, addr as u64, write]));
        let row = [
            clk,
            1,
            write,
            addr as u64,
            value,
            before,
            clk - 1 - last,
            public.last[0],
            value,
        ];
        run.rows[ACCESS].push(row.into_iter().chain([u64::from(value == 0)]).collect());
    }
    for (addr, (value, clk)) in memory.iter().enumerate() {
        let addr = addr as u64;
        public
            .received
            .push((Bus::Data, vec![addr, start[addr as usize]]));
        run.rows[CELL].push(vec![
            1,
            addr,
            0,
            start[addr as usize],
            *value,
            clk % SMALL,
            clk / SMALL,
        ]);
    }
    (run, public)
}
