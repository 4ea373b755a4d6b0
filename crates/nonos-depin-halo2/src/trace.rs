//! The rows of a chunk. Every cell is computed from the witness or from cells before it, never from both, so that a
//! test can exchange one cell and have all that follows from it follow.

use std::collections::BTreeMap;

use ff::{Field, PrimeField};
use nonos_depin::rollup::{Boundary, CHUNK, Channel, ChunkWitness, DEPTH, RollupStatement, SUMS, Step};
use pasta_curves::Fp;

use crate::expr::{Cell, Expr};
use crate::gates::{Range, digest, mark, ranges, real};
use crate::hash::{self, Permutation};
use crate::layout::*;

/// Values that a test puts into cells, under row and column.
pub(crate) type Lies = BTreeMap<(usize, usize), Fp>;

/// All witness columns, `columns[column][row]`.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub(crate) columns: Vec<Vec<Fp>>,
    lies: Lies,
    limit: Fp,
}

/// The public columns of a statement.
pub(crate) fn publics(statement: &RollupStatement) -> Vec<Vec<Fp>> {
    let mut columns = vec![vec![Fp::ZERO; END + 1]; public::COLUMNS];
    for (row, boundary) in [(0, &statement.before), (END, &statement.after)] {
        columns[public::ROOT][row] = boundary.root.element();
        columns[public::CHAIN][row] = boundary.chain.element();
        columns[public::SEQUENCE][row] = Fp::from(boundary.sequence.get());
        columns[public::LINE][row] = Fp::from(u64::from(boundary.line));
    }
    columns[public::COUNT][0] = Fp::from(u64::from(statement.index == 0));
    columns[public::COUNT][END] = Fp::from(u64::from(statement.count));
    for (sum, amount) in statement.sums.amounts().iter().enumerate() {
        columns[public::SUM + sum][END] = Fp::from_u128(amount.atto());
    }
    let limit = Fp::from_u128(statement.limit.atto());
    for row in On::After.all_rows() {
        columns[public::LIMIT][row] = limit;
    }
    // What comes after the last row that is not zero costs a commitment something and means nothing.
    columns[public::LIMIT].truncate(END);
    columns
}

/// What a posting's rows are filled from.
struct Block<'a> {
    step: &'a Step,
    /// The account as it is: for padding, as the last posting left it.
    before: Option<Channel>,
    real: bool,
}

impl Trace {
    /// The trace of a witness that the statement holds for.
    pub(crate) fn new(statement: &RollupStatement, witness: &ChunkWitness) -> Self {
        Self::with_lies(statement, witness, Lies::new())
    }

    /// As [`Trace::new`], with other values in some cells.
    pub(crate) fn with_lies(statement: &RollupStatement, witness: &ChunkWitness, lies: Lies) -> Self {
        let mut trace = Self {
            columns: vec![vec![Fp::ZERO; END + 1]; COLUMNS],
            lies,
            limit: Fp::from_u128(statement.limit.atto()),
        };
        trace.start(&statement.before);
        let last = witness.steps.last().expect("a chunk has a posting");
        // Padding writes the last posting's leaf again as it is; its path is the same.
        let rest = last.after(statement.limit).ok().or(last.before);
        for posting in 0..CHUNK {
            let real = witness.steps.get(posting);
            let block = Block {
                step: real.unwrap_or(last),
                before: real.map_or(rest, |step| step.before),
                real: real.is_some(),
            };
            trace.posting(posting * ROWS, &block);
        }
        trace
    }

    fn start(&mut self, before: &Boundary) {
        self.set(0, ROOT, before.root.element());
        self.set(0, CHAIN, before.chain.element());
        self.set(0, SEQUENCE, Fp::from(before.sequence.get()));
        self.set(0, LINE, Fp::from(u64::from(before.line)));
        for column in (SUM..SUM + SUMS).chain([COUNT]) {
            self.set(0, column, Fp::ZERO);
        }
    }

    fn posting(&mut self, row: usize, block: &Block<'_>) {
        self.link(row, block);
        self.leaves(row + 1, block);
        for (number, range) in ranges().iter().enumerate() {
            self.digits(row, RANGE + number, range);
        }
        self.path(row + 3, block);
        for kept in [CHAIN, SEQUENCE, LINE, COUNT].into_iter().chain(SUM..SUM + SUMS) {
            self.keep(row + 1..row + ROWS, kept);
        }
        self.keep(row..row + ROWS - 1, ROOT);
        let root = self.eval(row + ROWS - 1, &NEW.output(0));
        self.set(row + ROWS, ROOT, root);
    }

    /// Flags, order, chain, sums.
    fn link(&mut self, row: usize, block: &Block<'_>) {
        let posting = &block.step.posting;
        for kind in 0..SUMS {
            let on = block.real && kind == posting.sum_index();
            self.set(row, KIND + kind, Fp::from(u64::from(on)));
        }
        let first = block.real && posting.line == 0;
        self.set(row, FIRST, Fp::from(u64::from(first)));
        self.set(row, FRESH, Fp::from(u64::from(block.before.is_none())));
        let amount = if block.real { posting.amount.atto() } else { 0 };
        self.set(row, AMOUNT, Fp::from_u128(amount));
        let (sequence, line) = if block.real {
            let line = Fp::from(u64::from(posting.line));
            (Fp::from(posting.sequence.get()), line)
        } else {
            (self.at(row, SEQUENCE), self.at(row, LINE))
        };
        self.set(row + 1, SEQUENCE, sequence);
        self.set(row + 1, LINE, line);
        let real = self.eval(row, &real());
        self.set(row + 1, COUNT, self.at(row, COUNT) + real);
        for sum in 0..SUMS {
            let posted = self.at(row, KIND + sum) * self.at(row, AMOUNT);
            self.set(row + 1, SUM + sum, self.at(row, SUM + sum) + posted);
        }
        self.set(row, A, self.at(row, CHAIN));
        self.set(row, B, posting.account.element());
        self.set(row, C, self.at(row, AMOUNT));
        self.set(row, D, self.eval(row, &mark()));
        self.hash_four(row);
        let before = self.at(row, CHAIN);
        let linked = self.eval(row, &digest());
        self.set(row + 1, CHAIN, before + real * (linked - before));
        for flag in (KIND..KIND + SUMS).chain([FIRST, FRESH, AMOUNT]) {
            self.keep(row..row + 2, flag);
        }
    }

    /// The leaf before on `row`, the leaf after on the next.
    fn leaves(&mut self, row: usize, block: &Block<'_>) {
        let before = block.before.unwrap_or_default();
        self.set(row, A, self.at(row - 1, B));
        self.set(row, B, Fp::from_u128(before.earned.atto()));
        self.set(row, C, Fp::from_u128(before.spent.atto()));
        self.set(row, RECEIVED, Fp::from(before.received.get()));
        self.set(row, ISSUED, Fp::from(before.issued.get()));
        self.numbers_and_hash(row);
        let found = Fp::ONE - self.at(row, FRESH);
        let leaf = self.eval(row, &digest());
        self.set(row + 1, LEAF, found * leaf);

        let pays = (SUMS / 2..SUMS).fold(Fp::ZERO, |sum, kind| sum + self.at(row, KIND + kind));
        let (amount, first) = (self.at(row, AMOUNT), self.at(row, FIRST));
        self.keep(row..row + 1, A);
        for (column, share, what) in [
            (B, Fp::ONE - pays, amount),
            (C, pays, amount),
            (RECEIVED, Fp::ONE - pays, first),
            (ISSUED, pays, first),
        ] {
            self.set(row + 1, column, self.at(row, column) + share * what);
        }
        self.numbers_and_hash(row + 1);
        self.set(
            row + 1,
            POSITION,
            Fp::from_u128(block.step.posting.account.position()),
        );
    }

    fn numbers_and_hash(&mut self, row: usize) {
        let issued = self.at(row, ISSUED) * crate::expr::power(64);
        self.set(row, D, self.at(row, RECEIVED) + issued);
        self.hash_four(row);
    }

    fn hash_four(&mut self, row: usize) {
        let capacity = Fp::from_u128(4 << 64);
        let state = self.permute(row, OLD, [self.at(row, A), self.at(row, B), capacity]);
        let [a, b, c] = state;
        self.permute(row, NEW, [a + self.at(row, C), b + self.at(row, D), c]);
    }

    /// Fills a permutation; gives the permuted state.
    fn permute(&mut self, row: usize, at: Permutation, state: [Fp; 3]) -> [Fp; 3] {
        for (i, element) in state.into_iter().enumerate() {
            let constant = nonos_seal::poseidon::ROUND_CONSTANTS[0][i];
            self.set(row, at.base + i, element + constant);
        }
        let first = std::array::from_fn(|i| self.at(row, at.base + i));
        let (cells, permuted) = Permutation::fill(first);
        for (i, cell) in cells.into_iter().enumerate().skip(3) {
            self.set(row, at.base + i, cell);
        }
        permuted
    }

    fn digits(&mut self, row: usize, column: usize, range: &Range) {
        let first = range.first.all_rows()[0] + row;
        let count = range.end.all_rows()[0] - range.first.all_rows()[0];
        self.set(first, column, self.eval(first, &range.value));
        for row in first..first + count {
            let quotient = shifted(self.at(row, column));
            self.set(row + 1, column, quotient);
        }
    }

    fn path(&mut self, row: usize, block: &Block<'_>) {
        self.keep(row - 1..row, POSITION);
        for height in 0..DEPTH {
            let at = row + height;
            let position = self.at(at, POSITION);
            let bit = Fp::from(u64::from(bool::from(position.is_odd())));
            self.set(at, BIT, bit);
            let bit = self.at(at, BIT);
            if height + 1 < DEPTH {
                self.set(at + 1, POSITION, (position - bit) * Fp::TWO_INV);
            }
            let nodes = if height == 0 {
                [self.at(at - 1, LEAF), self.eval(at - 1, &digest())]
            } else {
                [OLD, NEW].map(|hash| self.eval(at - 1, &hash.output(0)))
            };
            let beside = block.step.siblings[height].element();
            for (hash, node) in [OLD, NEW].into_iter().zip(nodes) {
                // What solves both equations of the path for any bit but a half, so that a lie about it is possible.
                let scale: Fp = Option::from((Fp::ONE - bit.double()).invert()).expect("no half");
                let [left, right] =
                    [(node, beside), (beside, node)].map(|(own, other)| (own - bit * (own + other)) * scale);
                self.permute(at, hash, [left, right, Fp::from_u128(2 << 64)]);
            }
        }
    }

    /// Repeats a column's first cell of these rows down to the row behind them.
    fn keep(&mut self, rows: std::ops::Range<usize>, column: usize) {
        for row in rows {
            self.set(row + 1, column, self.at(row, column));
        }
    }

    fn set(&mut self, row: usize, column: usize, value: Fp) {
        let lie = self.lies.get(&(row, column)).copied();
        self.columns[column][row] = lie.unwrap_or(value);
    }

    pub(crate) fn at(&self, row: usize, column: usize) -> Fp {
        self.columns[column][row]
    }

    fn eval(&self, row: usize, expr: &Expr) -> Fp {
        expr.eval(&|cell| match cell {
            Cell::Cur(column) => self.at(row, column),
            Cell::Next(column) => self.at(row + 1, column),
            Cell::Public(_) => self.limit,
            Cell::Index => Fp::from((row / ROWS) as u64),
        })
    }
}

/// `⌊value / 4⌋`, of the number below the field's order that stands for it.
fn shifted(value: Fp) -> Fp {
    let mut bytes = value.to_repr();
    for i in 0..32 {
        let above = if i < 31 { bytes[i + 1] } else { 0 };
        bytes[i] = bytes[i] >> 2 | above << 6;
    }
    Option::from(Fp::from_repr(bytes)).expect("smaller than it was")
}

const _: () = assert!(hash::COLUMNS == 82);
