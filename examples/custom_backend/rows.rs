//! Tables as bytes: one encoding, decoded within bounds.
//!
//! A cell takes as many bytes as its column's range says, so that a byte or a limb out of range cannot even be written.
//! The other ranges are bounded here, and what they mean is left to the constraints.

use nonos_machine::air::{Range, TableShape};
use nonos_machine::tables::{Rows, STEP, Witness};
use nonos_verify::Refusal;

/// Most rows of one table.
pub(crate) const MAX_ROWS: usize = 1 << 14;

/// How a cell of one column is written.
#[derive(Clone, Copy, Debug)]
struct Cell {
    bytes: usize,
    range: Range,
}

impl Cell {
    fn of(range: Range) -> Self {
        let bytes = match range {
            Range::Bit | Range::U8 => 1,
            Range::U16 | Range::Moved => 2,
            Range::Derived { .. } | Range::Inverse => 8,
        };
        Self { bytes, range }
    }

    /// Whether the value is one that the checker tells from every other: it computes modulo 2^61 − 1.
    fn holds(self, value: u64) -> bool {
        match self.range {
            Range::Bit | Range::U8 => value < 1 << 8,
            Range::U16 | Range::Moved => value < 1 << 16,
            Range::Derived { hi, .. } => i64::try_from(value).is_ok_and(|value| value <= hi),
            // A signed integer, of which the backend is to take the inverse.
            Range::Inverse => (-(1 << 59)..1 << 59).contains(&value.cast_signed()),
        }
    }
}

/// Bytes of a row.
fn width(cells: &[Cell]) -> usize {
    cells.iter().map(|cell| cell.bytes).sum()
}

/// The encoding of the tables of one system.
#[derive(Debug)]
pub(crate) struct Encoding {
    tables: Vec<Vec<Cell>>,
}

fn malformed(part: &'static str) -> Refusal {
    Refusal::MalformedProof { part }
}

impl Encoding {
    pub(crate) fn of(tables: &[TableShape]) -> Self {
        let cells = |table: &TableShape| {
            table
                .columns
                .iter()
                .map(|column| Cell::of(column.range))
                .collect()
        };
        Self {
            tables: tables.iter().map(cells).collect(),
        }
    }

    /// Bytes that say how many rows each table has.
    fn header(&self) -> usize {
        4 * self.tables.len()
    }

    /// Most bytes that it decodes.
    pub(crate) fn most(&self) -> usize {
        self.header()
            + self
                .tables
                .iter()
                .map(|cells| width(cells) * MAX_ROWS)
                .sum::<usize>()
    }

    /// The rows as bytes; `None` if a cell is not of its column's range.
    pub(crate) fn encode(&self, witness: &Witness) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        for rows in &witness.tables {
            bytes.extend(u32::try_from(rows.len()).ok()?.to_le_bytes());
        }
        for (cells, rows) in self.tables.iter().zip(&witness.tables) {
            for (cell, value) in cells.iter().cycle().zip(&rows.cells) {
                bytes.extend_from_slice(
                    value
                        .to_le_bytes()
                        .get(..cell.bytes)
                        .filter(|_| cell.holds(*value))?,
                );
            }
        }
        Some(bytes)
    }

    /// Reads what [`encode`](Self::encode) writes, and nothing else.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<Witness, Refusal> {
        let (header, mut rest) = bytes.split_at_checked(self.header()).ok_or(malformed("header"))?;
        let heights: Vec<usize> = header
            .chunks_exact(4)
            .map(|height| {
                height
                    .iter()
                    .rev()
                    .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
            })
            .collect();
        // What the proof says of its own size is checked before anything of that size is made.
        if heights.iter().any(|height| *height > MAX_ROWS) || heights[STEP] == 0 {
            return Err(malformed("number of rows"));
        }
        let sizes = self
            .tables
            .iter()
            .zip(&heights)
            .map(|(cells, height)| width(cells) * height);
        if rest.len() != sizes.sum::<usize>() {
            return Err(malformed("length"));
        }
        let mut tables = Vec::with_capacity(self.tables.len());
        for (cells, height) in self.tables.iter().zip(heights) {
            let mut rows = Rows {
                width: cells.len(),
                cells: Vec::with_capacity(cells.len() * height),
            };
            for cell in cells.iter().cycle().take(cells.len() * height) {
                let (value, after) = rest.split_at(cell.bytes);
                let value = value
                    .iter()
                    .rev()
                    .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
                if !cell.holds(value) {
                    return Err(malformed("a cell"));
                }
                rows.cells.push(value);
                rest = after;
            }
            tables.push(rows);
        }
        Ok(Witness { tables })
    }
}
