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
use crate::hiding;
use crate::layout::{Layout, Shape, TableLayout};
use crate::seal::{self, SealTable};
use crate::tree::chips as tree;

/// Which table.
///
/// `Bits16` and `And` are lookup tables of as many rows as there are values in use: each row proves itself, so that a
/// small run does not pay for 2^16 rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A table of the machine, by index.
    Machine(usize),
    /// `{0 … 2^16 − 1}` or a part of it: 16 bits a row.
    Bits16,
    /// `{0 … 2^16 − 1}` by counting; exactly 2^16 rows.
    Count16,
    /// `{0 … 2^8 − 1}` by counting; exactly 2^8 rows.
    Count8,
    /// `(x, y, x ∧ y)`: 16 bits and the conjunction a row.
    And,
    /// Rows that the verifier writes, looked up any number of times.
    Rows(Bus),
    /// Rows that the verifier writes, each received once.
    Received,
    /// The blocks of sealed tapes, hashed.
    Seal,
    /// Of a segment: the leaves that it touches, before and after.
    Leaf,
    /// Of a segment: the nodes above them, the root first.
    Node,
}

/// Every kind, in the order of a proof's header.
pub(crate) fn kinds() -> Vec<Kind> {
    let machine = (0..machine::COUNT).map(Kind::Machine);
    let others = [
        Kind::Bits16,
        Kind::Count16,
        Kind::Count8,
        Kind::And,
        Kind::Rows(Bus::Count8),
        Kind::Rows(Bus::Program),
        Kind::Rows(Bus::Tape),
        Kind::Received,
        Kind::Seal,
        Kind::Leaf,
        Kind::Node,
    ];
    machine.chain(others).collect()
}

/// Where a kind is among them.
pub(crate) fn place(kind: Kind) -> usize {
    let place = kinds().into_iter().position(|known| known == kind);
    place.expect("every kind is among them")
}

/// Buses whose messages the verifier receives.
pub(crate) const RECEIVED: [(Bus, usize); 3] = [(Bus::Data, 5), (Bus::Output, 7), (Bus::Final, 5)];

/// One table of one proof.
#[derive(Clone)]
pub(crate) struct Chip {
    pub(crate) kind: Kind,
    pub(crate) layout: Arc<Layout>,
    /// The verifier's rows, with their height.
    pub(crate) rows: Option<RowMajorMatrix<Val>>,
    /// Whether the columns of [`hiding`] follow its own.
    pub(crate) hiding: bool,
}

impl Chip {
    /// Columns without those of [`hiding`].
    fn own_width(&self) -> usize {
        match self.kind {
            Kind::Machine(t) => self.layout.tables[t].width,
            Kind::Bits16 => 17,
            Kind::Count16 | Kind::Count8 => 2,
            Kind::And => 18,
            Kind::Rows(_) | Kind::Received => 1,
            Kind::Seal => seal::width(&self.layout),
            Kind::Leaf => tree::LEAF_WIDTH,
            Kind::Node => tree::NODE_WIDTH,
        }
    }
}

impl BaseAir<Val> for Chip {
    fn width(&self) -> usize {
        self.own_width() + if self.hiding { hiding::COLUMNS } else { 0 }
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
            Kind::Count16 | Kind::Count8 | Kind::Seal | Kind::Node => true,
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
            Kind::Seal => seal::PUBLIC,
            Kind::Node => tree::ROOTS,
            _ => 0,
        }
    }
}

impl<AB: InteractionBuilder<F = Val>> Air<AB> for Chip {
    fn eval(&self, b: &mut AB) {
        if self.hiding {
            hiding::eval(b, self.own_width());
        }
        match self.kind {
            Kind::Machine(t) => self.machine(t, b),
            Kind::Leaf => tree::leaf(b),
            Kind::Node => tree::node(b),
            Kind::Count16 => counter(b, Bus::Range16, 1 << 16),
            Kind::Count8 => counter(b, Bus::Range8, 1 << 8),
            Kind::Bits16 => {
                let bits = bits(b, 16);
                let main = b.main();
                let uses: AB::Expr = main.current_slice()[16].into();
                answer(b, Bus::Range16, vec![number::<AB>(&bits)], uses);
            }
            Kind::And => {
                let bits = bits(b, 16);
                let main = b.main();
                let (x, y) = bits.split_at(8);
                let both: Vec<_> = x.iter().zip(y).map(|(x, y)| x.clone() * y.clone()).collect();
                let and: AB::Expr = main.current_slice()[16].into();
                b.assert_zero(and.clone() - number::<AB>(&both));
                let uses: AB::Expr = main.current_slice()[17].into();
                answer(b, Bus::And8, vec![number::<AB>(x), number::<AB>(y), and], uses);
            }
            Kind::Rows(bus) => {
                let parts = b
                    .preprocessed()
                    .current_slice()
                    .iter()
                    .map(|part| (*part).into())
                    .collect();
                let uses = b.main().current_slice()[0].into();
                answer(b, bus, parts, uses);
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
            Kind::Seal => {
                SealTable.eval(&mut checked(&self.layout.seal, b, seal::PUBLIC));
                seal::sponge(b);
            }
        }
    }
}

impl Chip {
    fn machine<AB: InteractionBuilder<F = Val>>(&self, t: usize, b: &mut AB) {
        let table = &self.layout.tables[t];
        let a = &mut checked(table, b, self.layout.first);
        match t {
            0 => match self.layout.shape {
                Shape::Whole => machine::StepTable.eval(a),
                Shape::Segment => machine::SegmentTable.eval(a),
            },
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

/// The rules of a table's declared ranges; what it returns takes the table's text.
fn checked<'a, AB: InteractionBuilder<F = Val>>(
    table: &'a TableLayout,
    b: &'a mut AB,
    first: usize,
) -> Adapter<'a, AB> {
    let main = b.main();
    for col in &table.bits {
        let cell: AB::Expr = main.current_slice()[*col].into();
        b.assert_zero(cell.clone() * (AB::Expr::ONE - cell));
    }
    for (col, bus) in &table.ranges {
        let cell: AB::Expr = main.current_slice()[*col].into();
        b.push_interaction(name(*bus), [cell], Count::from(1));
    }
    Adapter::new(b, &table.weights, first)
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

/// Rows 0, 1, … up to `height − 1`. The last row says how many there are, so a shorter table does not do.
fn counter<AB: InteractionBuilder<F = Val>>(b: &mut AB, bus: Bus, height: u32) {
    let main = b.main();
    let (value, uses): (AB::Expr, AB::Expr) =
        (main.current_slice()[0].into(), main.current_slice()[1].into());
    let next: AB::Expr = main.next_slice()[0].into();
    b.when_first_row().assert_zero(value.clone());
    b.when_transition()
        .assert_zero(next - value.clone() - AB::Expr::ONE);
    b.when_last_row()
        .assert_zero(value.clone() - AB::Expr::from_u32(height - 1));
    answer(b, bus, vec![value], uses);
}

/// Takes a message as often as the prover says it was looked up. Any number does: a message that is in the table may
/// be looked up any number of times, and no other message is on the bus.
fn answer<AB: InteractionBuilder<F = Val>>(b: &mut AB, bus: Bus, parts: Vec<AB::Expr>, uses: AB::Expr) {
    b.push_interaction(name(bus), parts, Count::provided(-uses));
}
