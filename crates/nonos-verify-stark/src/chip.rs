//! The tables of a proof: the machine's, and those that answer its lookups.

use std::sync::Arc;

use nonos_machine::air::{Bus, Table};
use nonos_machine::tables as machine;
use p3_air::{Air, AirBuilder, BaseAir, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};
use p3_matrix::dense::RowMajorMatrix;

use crate::adapter::{Adapter, name};
use crate::config::Val;
use crate::layout::Layout;

/// Which table.
///
/// `Bits16` and `And` are lookup tables of as many rows as there are values in use: each row proves itself, so that a
/// small run does not pay for 2^16 rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A table of the machine, by index.
    Machine(usize),
    /// `{0 … 2^16 − 1}` or a part of it: 16 bits a row, which are two bytes as well.
    Bits16,
    /// `{0 … 2^16 − 1}` by counting with two bytes; exactly 2^16 rows.
    Count16,
    /// `(x, y, x ∧ y)`: 16 bits and the conjunction a row.
    And,
    /// Rows that the verifier writes, looked up any number of times.
    Rows(Bus),
    /// Rows that the verifier writes, each received once.
    Received,
}

/// Every kind, in the order of a proof's header.
pub(crate) fn kinds() -> Vec<Kind> {
    let machine = (0..machine::COUNT).map(Kind::Machine);
    let others = [
        Kind::Bits16,
        Kind::Count16,
        Kind::And,
        Kind::Rows(Bus::Count8),
        Kind::Rows(Bus::Program),
        Kind::Rows(Bus::Tape),
        Kind::Received,
    ];
    machine.chain(others).collect()
}

/// Lookups of two bytes at once. The rows that answer are those of 16-bit values: an address or a register is looked up as
/// limbs in one table and as bytes in another, so that few rows are there for pairs alone.
pub(crate) const PAIR: &str = "pair8";

/// Buses whose messages the verifier receives.
pub(crate) const RECEIVED: [(Bus, usize); 3] = [(Bus::Data, 5), (Bus::Output, 7), (Bus::Final, 5)];

/// One table of one proof.
#[derive(Clone)]
pub(crate) struct Chip {
    pub(crate) kind: Kind,
    pub(crate) layout: Arc<Layout>,
    /// The verifier's rows, with their height.
    pub(crate) rows: Option<RowMajorMatrix<Val>>,
}

impl BaseAir<Val> for Chip {
    fn width(&self) -> usize {
        match self.kind {
            Kind::Machine(t) => self.layout.tables[t].width,
            Kind::Bits16 | Kind::And => 18,
            Kind::Count16 => COUNT16,
            Kind::Rows(_) | Kind::Received => 1,
        }
    }

    fn preprocessed_trace(&self) -> Option<RowMajorMatrix<Val>> {
        self.rows.clone()
    }

    fn preprocessed_width(&self) -> usize {
        self.rows.as_ref().map_or(0, |rows| rows.width)
    }

    fn main_next_row_columns(&self) -> Vec<usize> {
        let reads = match self.kind {
            Kind::Machine(t) => self.layout.tables[t].reads_next,
            Kind::Count16 => true,
            _ => false,
        };
        if reads {
            (0..BaseAir::<Val>::width(self)).collect()
        } else {
            vec![]
        }
    }

    fn preprocessed_next_row_columns(&self) -> Vec<usize> {
        vec![]
    }

    fn num_public_values(&self) -> usize {
        match self.kind {
            Kind::Machine(machine::STEP) => self.layout.first + self.layout.last,
            _ => 0,
        }
    }
}

impl<AB: InteractionBuilder<F = Val>> Air<AB> for Chip {
    fn eval(&self, b: &mut AB) {
        match self.kind {
            Kind::Machine(t) => self.machine(t, b),
            Kind::Count16 => pairs(b),
            Kind::Bits16 => {
                let bits = bits(b, 16);
                let main = b.main();
                let [uses, of_pair]: [AB::Expr; 2] = [16, 17].map(|col| main.current_slice()[col].into());
                answer(b, name(Bus::Range16), vec![number::<AB>(&bits)], uses);
                let (low, high) = bits.split_at(8);
                answer(b, PAIR, vec![number::<AB>(low), number::<AB>(high)], of_pair);
            }
            Kind::And => {
                let bits = bits(b, 16);
                let main = b.main();
                let (x, y) = bits.split_at(8);
                let both: Vec<_> = x.iter().zip(y).map(|(x, y)| x.clone() * y.clone()).collect();
                let and: AB::Expr = main.current_slice()[16].into();
                b.assert_zero(and.clone() - number::<AB>(&both));
                let uses: AB::Expr = main.current_slice()[17].into();
                answer(
                    b,
                    name(Bus::And8),
                    vec![number::<AB>(x), number::<AB>(y), and],
                    uses,
                );
            }
            Kind::Rows(bus) => {
                let parts = b
                    .preprocessed()
                    .current_slice()
                    .iter()
                    .map(|part| (*part).into())
                    .collect();
                let uses = b.main().current_slice()[0].into();
                answer(b, name(bus), parts, uses);
            }
            Kind::Received => {
                let row: Vec<AB::Expr> = b
                    .preprocessed()
                    .current_slice()
                    .iter()
                    .map(|part| (*part).into())
                    .collect();
                let (flags, parts) = row.split_at(RECEIVED.len());
                for (flag, (bus, width)) in flags.iter().zip(RECEIVED) {
                    let parts = parts[..width].iter().cloned();
                    b.push_interaction(name(bus), parts, -Count::bounded(flag.clone(), 1));
                }
                // The committed column has no use; a table without one is not an instance.
                let idle: AB::Expr = b.main().current_slice()[0].into();
                b.assert_zero(idle);
            }
        }
    }
}

impl Chip {
    fn machine<AB: InteractionBuilder<F = Val>>(&self, t: usize, b: &mut AB) {
        let table = &self.layout.tables[t];
        let main = b.main();
        for col in &table.bits {
            let cell: AB::Expr = main.current_slice()[*col].into();
            b.assert_zero(cell.clone() * (AB::Expr::ONE - cell));
        }
        for col in &table.ranges {
            let cell: AB::Expr = main.current_slice()[*col].into();
            b.push_interaction(name(Bus::Range16), [cell], Count::from(1));
        }
        for (x, y) in &table.pairs {
            let x: AB::Expr = main.current_slice()[*x].into();
            let y = y.map_or(AB::Expr::ZERO, |y| main.current_slice()[y].into());
            b.push_interaction(PAIR, [x, y], Count::from(1));
        }
        let a = &mut Adapter::new(b, &table.weights, self.layout.first, t == machine::STEP);
        match t {
            0 => machine::StepTable.eval(a),
            1 => machine::CmpTable.eval(a),
            2 => machine::BitTable.eval(a),
            3 => machine::ShiftTable.eval(a),
            4 => machine::MulTable.eval(a),
            5 => machine::MemTable { crossing: false }.eval(a),
            6 => machine::MemTable { crossing: true }.eval(a),
            7 => machine::GrowTable.eval(a),
            8 => machine::GlobalTable.eval(a),
            9 => machine::HostTable.eval(a),
            10 => machine::CellsTable.eval(a),
            11 => machine::DivTable.eval(a),
            12 => machine::CountTable.eval(a),
            13 => machine::BoundTable.eval(a),
            // The layout is made from as many tables.
            _ => unreachable!("the machine has {} tables", machine::COUNT),
        }
    }
}

/// The first `n` cells, each 0 or 1.
fn bits<AB: AirBuilder<F = Val>>(b: &mut AB, n: usize) -> Vec<AB::Expr> {
    let main = b.main();
    let bits: Vec<AB::Expr> = main.current_slice()[..n]
        .iter()
        .map(|bit| (*bit).into())
        .collect();
    for bit in &bits {
        b.assert_zero(bit.clone() * (AB::Expr::ONE - bit.clone()));
    }
    bits
}

fn number<AB: AirBuilder<F = Val>>(bits: &[AB::Expr]) -> AB::Expr {
    let bits = bits.iter().enumerate();
    bits.map(|(i, bit)| bit.clone() * AB::Expr::from_u32(1 << i))
        .sum()
}

/// Columns of COUNT16: low and high byte, whether the low one is 255, the inverse that shows where it is not, and how often
/// the value and the pair are looked up.
pub(crate) const COUNT16: usize = 6;

/// Rows (0, 0), (1, 0), … up to (255, 255): the low byte starts again, and the high one moves on, at 255 and nowhere
/// else, and the last row says how many there are.
fn pairs<AB: InteractionBuilder<F = Val>>(b: &mut AB) {
    let main = b.main();
    let cell = |col: usize| -> AB::Expr { main.current_slice()[col].into() };
    let next = |col: usize| -> AB::Expr { main.next_slice()[col].into() };
    let [low, high, full, inverse, uses, of_pair] = [0, 1, 2, 3, 4, 5].map(cell);
    let most = || AB::Expr::from_u32(255);
    let left = low.clone() - most();
    b.assert_zero(full.clone() * left.clone());
    b.assert_zero(AB::Expr::ONE - full.clone() - left * inverse);
    b.when_first_row().assert_zero(low.clone());
    b.when_first_row().assert_zero(high.clone());
    let on = (AB::Expr::ONE - full.clone()) * (low.clone() + AB::Expr::ONE);
    b.when_transition().assert_zero(next(0) - on);
    b.when_transition().assert_zero(next(1) - high.clone() - full);
    b.when_last_row().assert_zero(low.clone() - most());
    b.when_last_row().assert_zero(high.clone() - most());
    let value = low.clone() + high.clone() * AB::Expr::from_u32(1 << 8);
    answer(b, name(Bus::Range16), vec![value], uses);
    answer(b, PAIR, vec![low, high], of_pair);
}

/// Takes a message as often as the prover says it was looked up. Any number does: a message that is in the table may
/// be looked up any number of times, and no other message is on the bus.
fn answer<AB: InteractionBuilder<F = Val>>(b: &mut AB, bus: &str, parts: Vec<AB::Expr>, uses: AB::Expr) {
    b.push_interaction(bus, parts, Count::provided(-uses));
}
