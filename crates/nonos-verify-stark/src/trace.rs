//! From the machine's rows to committed tables: field elements, and how often each row was looked up.

use std::collections::HashMap;

use nonos_machine::air::Bus;
use nonos_machine::tables::Witness;
use p3_field::{Field, PrimeCharacteristicRing, PrimeField32};
use p3_matrix::dense::RowMajorMatrix;
use rayon::prelude::*;

use crate::chip::{COUNT16, Kind, kinds};
use crate::config::{MIN_LOG, Val};
use crate::layout::{Layout, TableLayout};
use crate::public::PublicSide;

/// More distinct 16-bit values than this, and counting to 2^16 is cheaper than a row of bits for each.
const MANY: usize = 1 << 15;

/// The committed tables, in the order of [`kinds`]; `None` for one that is not used.
pub(crate) type Tables = Vec<Option<RowMajorMatrix<Val>>>;

fn matrix(table: &TableLayout, t: usize, witness: &Witness) -> Option<RowMajorMatrix<Val>> {
    let len = witness.tables[t].len();
    if len == 0 {
        return None;
    }
    let height = len.next_power_of_two().max(1 << MIN_LOG);
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
                    // Nearly all are small, and reducing 64 bits takes longer than all else here.
                    *cell = u32::try_from(*value).map_or_else(|_| Val::from_u64(*value), Val::from_u32);
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
    /// Values of [`Bus::Range16`].
    range16: Vec<u32>,
    /// Two bytes `x + 256·y` in a range.
    pairs: Vec<u32>,
    /// Pairs of bytes `x + 256·y`.
    and8: Vec<u32>,
    index: &'a Index,
    by_row: [Vec<u32>; 3],
}

/// Where each row of a public table is.
struct Index {
    tables: [HashMap<Vec<u32>, usize>; 3],
    /// The program's rows, and where those of each pc begin: every step looks one up.
    program: Vec<Vec<u32>>,
    starts: Vec<usize>,
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
        let canonical = |row: &[Val]| row.iter().map(|v| v.as_canonical_u32()).collect::<Vec<_>>();
        let mut program: Vec<_> =
            (public.program.values.chunks(public.program.width).map(canonical)).collect();
        // What follows the last pc is padding.
        let end = (1..program.len()).find(|i| program[*i][0] < program[i - 1][0]);
        program.truncate(end.unwrap_or(program.len()));
        let last = program.last().map_or(0, |row| row[0] as usize);
        let starts = (0..=last + 1).map(|pc| program.partition_point(|row| (row[0] as usize) < pc));
        let starts = starts.collect();
        Self {
            tables,
            program,
            starts,
        }
    }

    fn of_program(&self, message: &[u32]) -> Option<usize> {
        let pc = message[0] as usize;
        let (start, end) = (*self.starts.get(pc)?, *self.starts.get(pc + 1)?);
        let place = self.program[start..end].iter().position(|row| row == message)?;
        Some(start + place)
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
            pairs: vec![0; 1 << 16],
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
            Bus::And8 if part(0) < 256 && part(1) < 256 => self.and8.get_mut(part(0) + 256 * part(1)),
            _ => PUBLIC.iter().position(|known| *known == bus).and_then(|t| {
                let row = match bus {
                    Bus::Program => self.index.of_program(message)?,
                    _ => *self.index.tables[t].get(message)?,
                };
                self.by_row[t].get_mut(row)
            }),
        };
        if let Some(place) = place {
            *place = place.wrapping_add(count);
        }
    }

    fn row(&mut self, table: &TableLayout, row: &[Val], message: &mut Vec<u32>) {
        for col in &table.ranges {
            self.count(Bus::Range16, &[row[*col].as_canonical_u32()], 1);
        }
        for (x, y) in &table.pairs {
            let x = row[*x].as_canonical_u32() as usize;
            let y = y.map_or(0, |y| row[y].as_canonical_u32() as usize);
            if x < 256 && y < 256 {
                self.pairs[x + 256 * y] += 1;
            }
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
        add(&mut self.pairs, other.pairs);
        add(&mut self.and8, other.and8);
        for (a, b) in self.by_row.iter_mut().zip(other.by_row) {
            add(a, b);
        }
        self
    }
}

/// All tables of a proof.
pub(crate) fn tables(layout: &Layout, public: &PublicSide, witness: &Witness) -> Tables {
    tables_counting(layout, public, witness, MANY)
}

/// All tables of a proof, with COUNT16 in place of BITS16 where more than `many` values are in use.
pub(crate) fn tables_counting(
    layout: &Layout,
    public: &PublicSide,
    witness: &Witness,
    many: usize,
) -> Tables {
    let machine: Tables = layout
        .tables
        .iter()
        .enumerate()
        .map(|(t, table)| matrix(table, t, witness))
        .collect();
    let index = Index::new(public);
    let uses = layout
        .tables
        .iter()
        .zip(&machine)
        .filter_map(|(table, matrix)| Some((table, matrix.as_ref()?)))
        .map(|(table, matrix)| {
            let rows = matrix.values.par_chunks(table.width << 14);
            let none = || Uses::none(&index);
            rows.fold(none, |uses, rows| uses.rows(table, rows))
                .reduce(none, Uses::add)
        })
        .fold(Uses::none(&index), Uses::add);
    answers(machine, public, &uses, many)
}

fn answers(mut tables: Tables, public: &PublicSide, uses: &Uses<'_>, many: usize) -> Tables {
    let used = |counts: &[u32]| counts.iter().filter(|n| **n != 0).count();
    let values: Vec<[u32; 2]> = (uses.range16.iter().zip(&uses.pairs))
        .map(|(value, pair)| [*value, *pair])
        .collect();
    let many = values.iter().filter(|uses| **uses != [0; 2]).count() > many;
    let column = |counts: &[u32], height: usize| {
        let mut cells: Vec<Val> = counts.iter().map(|n| Val::from_u32(*n)).collect();
        cells.resize(height, Val::ZERO);
        RowMajorMatrix::new(cells, 1)
    };
    for kind in kinds().into_iter().skip(tables.len()) {
        tables.push(match kind {
            Kind::Machine(_) => None,
            Kind::Bits16 => (!many).then(|| bits16(&values)),
            Kind::Count16 => many.then(|| count16(&values)),
            Kind::And => (used(&uses.and8) > 0).then(|| and8(&uses.and8)),
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

/// A row of bits, and how often it is looked up as a value and as two bytes, for every value in use.
fn bits16(values: &[[u32; 2]]) -> RowMajorMatrix<Val> {
    each(
        values.iter().enumerate().filter(|(_, uses)| **uses != [0; 2]),
        |(value, uses)| (value, uses.map(Val::from_u32)),
    )
}

/// A row of bits, the bytes' conjunction, and uses for every pair of bytes in use.
fn and8(uses: &[u32]) -> RowMajorMatrix<Val> {
    each(uses.iter().enumerate().filter(|(_, n)| **n != 0), |(pair, n)| {
        (
            pair,
            [Val::from_usize(pair & 0xff & pair >> 8), Val::from_u32(*n)],
        )
    })
}

/// Sixteen bits and two other cells for each item.
fn each<T>(items: impl Iterator<Item = T>, row: impl Fn(T) -> (usize, [Val; 2])) -> RowMajorMatrix<Val> {
    let width = 16 + 2;
    let mut cells = vec![];
    for (value, others) in items.map(row) {
        cells.extend((0..16).map(|bit| Val::from_usize(value >> bit & 1)));
        cells.extend(others);
    }
    let height = (cells.len() / width).next_power_of_two().max(1 << MIN_LOG);
    cells.resize(height * width, Val::ZERO);
    RowMajorMatrix::new(cells, width)
}

/// The rows of COUNT16.
fn count16(values: &[[u32; 2]]) -> RowMajorMatrix<Val> {
    let most = Val::from_u32(255);
    let inverses: Vec<Val> = (0..=255)
        .map(|low| (Val::from_u32(low) - most).try_inverse().unwrap_or(Val::ZERO))
        .collect();
    let row = |(value, uses): (usize, &[u32; 2])| -> [Val; COUNT16] {
        let (low, high) = (value & 0xff, value >> 8);
        let [of_value, of_pair] = uses.map(Val::from_u32);
        [
            Val::from_usize(low),
            Val::from_usize(high),
            Val::from_bool(low == 255),
            inverses[low],
            of_value,
            of_pair,
        ]
    };
    RowMajorMatrix::new(values.iter().enumerate().flat_map(row).collect(), COUNT16)
}
