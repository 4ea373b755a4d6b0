//! From the machine's rows to committed tables: field elements, and how often each row was looked up.

use std::collections::HashMap;

use nonos_machine::air::Bus;
use nonos_machine::tables::Witness;
use p3_field::{Field, PrimeCharacteristicRing, PrimeField32};
use p3_matrix::dense::RowMajorMatrix;
use rayon::prelude::*;

use crate::chip::{Kind, kinds, place};
use crate::config::Val;
use crate::layout::{Layout, TableLayout};
use crate::public::PublicSide;
use crate::seal::{self, Row};
use crate::tree::{Update, chips};

/// More distinct 16-bit values than this, and counting to 2^16 is cheaper than a row of bits for each.
const MANY: usize = 1 << 13;

/// The committed tables, in the order of [`kinds`]; `None` for one that is not used.
pub(crate) type Tables = Vec<Option<RowMajorMatrix<Val>>>;

fn matrix(table: &TableLayout, t: usize, witness: &Witness, min_log: u8) -> Option<RowMajorMatrix<Val>> {
    let len = witness.tables[t].len();
    if len == 0 {
        return None;
    }
    let height = len.next_power_of_two().max(1 << min_log);
    let mut cells = Val::zero_vec(height * table.width);
    let chunk = 1024;
    cells
        .par_chunks_mut(chunk * table.width)
        .enumerate()
        .for_each(|(n, rows)| {
            let mut row = vec![0; table.width];
            for (i, cells) in rows.chunks_mut(table.width).enumerate() {
                witness.row(t, n * chunk + i, &mut row);
                for (cell, value) in cells.iter_mut().zip(&row) {
                    *cell = Val::from_u64(*value);
                }
                for col in &table.inverses {
                    let value = Val::from_i64(row[*col] as i64);
                    cells[*col] = value.try_inverse().unwrap_or(Val::ZERO);
                }
            }
        });
    Some(RowMajorMatrix::new(cells, table.width))
}

/// How often each value or row was looked up.
struct Uses<'a> {
    /// Values of [`Bus::Range16`], then of [`Bus::Range8`].
    range16: Vec<u32>,
    range8: Vec<u32>,
    /// Pairs of bytes `x + 256·y`.
    and8: Vec<u32>,
    index: &'a Index,
    by_row: [Vec<u32>; 3],
}

/// Where each row of a public table is.
struct Index {
    tables: [HashMap<Vec<u32>, usize>; 3],
}

/// The buses of public tables, in the order of [`Index`].
const PUBLIC: [Bus; 3] = [Bus::Count8, Bus::Program, Bus::Tape];

impl Index {
    fn new(public: &PublicSide) -> Self {
        let tables = [&public.count8, &public.program, &public.tape].map(|matrix| {
            let rows = matrix.values.chunks(matrix.width).enumerate();
            // Where a row is there twice, any one answers.
            rows.map(|(i, row)| (row.iter().map(|v| v.as_canonical_u32()).collect(), i))
                .collect()
        });
        Self { tables }
    }
}

impl<'a> Uses<'a> {
    fn none(index: &'a Index) -> Self {
        let sizes = index
            .tables
            .each_ref()
            .map(|table| table.values().max().map_or(0, |last| last + 1));
        Self {
            range16: vec![0; 1 << 16],
            range8: vec![0; 1 << 8],
            and8: vec![0; 1 << 16],
            index,
            by_row: sizes.map(|size| vec![0; size]),
        }
    }

    /// Counts one message. One that no table has is not counted: the proof will not verify.
    fn count(&mut self, bus: Bus, message: &[u32], count: u32) {
        let part = |i: usize| message[i] as usize;
        let place = match bus {
            Bus::Range16 => self.range16.get_mut(part(0)),
            Bus::Range8 => self.range8.get_mut(part(0)),
            Bus::And8 if part(0) < 256 && part(1) < 256 => self.and8.get_mut(part(0) + 256 * part(1)),
            _ => PUBLIC.iter().position(|known| *known == bus).and_then(|t| {
                let row = self.index.tables[t].get(message)?;
                self.by_row[t].get_mut(*row)
            }),
        };
        if let Some(place) = place {
            *place = place.wrapping_add(count);
        }
    }

    fn row(&mut self, table: &TableLayout, row: &[Val], message: &mut Vec<u32>) {
        for (col, bus) in &table.ranges {
            self.count(*bus, &[row[*col].as_canonical_u32()], 1);
        }
        for lookup in &table.lookups {
            let count = lookup.count.eval(row).as_canonical_u32();
            if count != 0 {
                message.clear();
                message.extend(lookup.parts.iter().map(|part| part.eval(row).as_canonical_u32()));
                self.count(lookup.bus, message, count);
            }
        }
    }

    fn rows(mut self, table: &TableLayout, rows: &[Val]) -> Self {
        let mut message = vec![];
        for row in rows.chunks(table.width) {
            self.row(table, row, &mut message);
        }
        self
    }

    fn add(mut self, other: Self) -> Self {
        let add = |a: &mut Vec<u32>, b: Vec<u32>| {
            for (a, b) in a.iter_mut().zip(b) {
                *a = a.wrapping_add(b);
            }
        };
        add(&mut self.range16, other.range16);
        add(&mut self.range8, other.range8);
        add(&mut self.and8, other.and8);
        for (a, b) in self.by_row.iter_mut().zip(other.by_row) {
            add(a, b);
        }
        self
    }
}

/// All tables of a proof; with the rows of sealed tapes, and of a segment with what it does to the tree of all cells.
pub(crate) fn tables(
    layout: &Layout,
    public: &PublicSide,
    witness: &Witness,
    sealed: &[Row],
    update: Option<&Update>,
) -> Tables {
    let seal = (!sealed.is_empty()).then(|| seal::matrix(sealed, public.min_log()));
    let machine: Tables = layout
        .tables
        .iter()
        .enumerate()
        .map(|(t, table)| matrix(table, t, witness, public.min_log()))
        .collect();
    let index = Index::new(public);
    let uses = layout
        .tables
        .iter()
        .zip(&machine)
        .chain([(&layout.seal, &seal)])
        .filter_map(|(table, matrix)| Some((table, matrix.as_ref()?)))
        .map(|(table, matrix)| {
            let rows = matrix.values.par_chunks(table.width << 14);
            let none = || Uses::none(&index);
            rows.fold(none, |uses, rows| uses.rows(table, rows))
                .reduce(none, Uses::add)
        })
        .fold(Uses::none(&index), Uses::add);
    let seal = seal.map(|seal| seal::extended(sealed, &seal));
    let mut tables = answers(machine, public, &uses);
    tables.extend([update.map(chips::leaves), update.map(chips::nodes)]);
    tables[place(Kind::Seal)] = seal;
    tables
}

fn answers(mut tables: Tables, public: &PublicSide, uses: &Uses<'_>) -> Tables {
    let used = |counts: &[u32]| counts.iter().filter(|n| **n != 0).count();
    let many = used(&uses.range16) > MANY;
    let column = |counts: &[u32], height: usize| {
        let mut cells: Vec<Val> = counts.iter().map(|n| Val::from_u32(*n)).collect();
        cells.resize(height, Val::ZERO);
        RowMajorMatrix::new(cells, 1)
    };
    let ours = |kind: &Kind| !matches!(kind, Kind::Leaf | Kind::Node);
    for kind in kinds().into_iter().skip(tables.len()).filter(ours) {
        tables.push(match kind {
            Kind::Machine(_) | Kind::Seal | Kind::Leaf | Kind::Node => None,
            Kind::Bits16 => (!many).then(|| each(&uses.range16, public.min_log(), |x| (x, 16, None))),
            Kind::Count16 => many.then(|| counted(&uses.range16)),
            Kind::Count8 => Some(counted(&uses.range8)),
            Kind::And => {
                let row = |i| (i, 16, Some(i & 0xff & i >> 8));
                (used(&uses.and8) > 0).then(|| each(&uses.and8, public.min_log(), row))
            }
            Kind::Rows(bus) => {
                let t = PUBLIC
                    .iter()
                    .position(|known| *known == bus)
                    .expect("one of the public tables");
                let height =
                    [&public.count8, &public.program, &public.tape].map(|m| m.values.len() / m.width)[t];
                let wanted = bus != Bus::Count8 || used(&uses.by_row[t]) > 0;
                wanted.then(|| column(&uses.by_row[t], height))
            }
            Kind::Received => Some(column(&[], public.received.values.len() / public.received.width)),
        });
    }
    tables
}

/// `(value, uses)` for every value.
fn counted(uses: &[u32]) -> RowMajorMatrix<Val> {
    let cells = uses
        .iter()
        .enumerate()
        .flat_map(|(i, n)| [Val::from_usize(i), Val::from_u32(*n)]);
    RowMajorMatrix::new(cells.collect(), 2)
}

/// A row of bits, perhaps another cell, and uses for every value in use.
fn each(
    uses: &[u32],
    min_log: u8,
    row: impl Fn(usize) -> (usize, usize, Option<usize>),
) -> RowMajorMatrix<Val> {
    let width = row(0).1 + 1 + usize::from(row(0).2.is_some());
    let mut cells = vec![];
    for (i, n) in uses.iter().enumerate().filter(|(_, n)| **n != 0) {
        let (value, bits, more) = row(i);
        cells.extend((0..bits).map(|bit| Val::from_usize(value >> bit & 1)));
        cells.extend(more.map(Val::from_usize));
        cells.push(Val::from_u32(*n));
    }
    let height = (cells.len() / width).next_power_of_two().max(1 << min_log);
    cells.resize(height * width, Val::ZERO);
    RowMajorMatrix::new(cells, width)
}
