//! The tables that the verifier writes itself.

use nonos_machine::air::{Bus, Public};
use nonos_machine::isa::flag;
use nonos_verify::Refusal;
use p3_field::{PrimeCharacteristicRing, PrimeField32};
use p3_matrix::dense::RowMajorMatrix;

use crate::chip::RECEIVED;
use crate::config::{MIN_LOG, Val};
use crate::layout::Layout;

/// Flags of an instruction, its second part, that exclude each other.
const BOTH: u64 = (flag::ALU | flag::EXT) as u64;

/// The public side of one statement as matrices.
pub(crate) struct PublicSide {
    pub(crate) program: RowMajorMatrix<Val>,
    pub(crate) tape: RowMajorMatrix<Val>,
    pub(crate) received: RowMajorMatrix<Val>,
    pub(crate) count8: RowMajorMatrix<Val>,
    /// Of the first row, then of the last.
    pub(crate) values: Vec<Val>,
}

fn element(value: u64) -> Result<Val, Refusal> {
    match u32::try_from(value) {
        Ok(small) if small < Val::ORDER_U32 => Ok(Val::from_u32(small)),
        _ => Err(Refusal::MalformedPublic {
            part: "a value as large as the field",
        }),
    }
}

/// A matrix of rows of one width, padded by `padding` to a height that the backend proves.
fn matrix(rows: &[&[u64]], width: usize, padding: &[u64]) -> Result<RowMajorMatrix<Val>, Refusal> {
    let height = rows.len().next_power_of_two().max(1 << MIN_LOG);
    let mut cells = Vec::with_capacity(height * width);
    for row in rows
        .iter()
        .copied()
        .chain(std::iter::repeat_n(padding, height - rows.len()))
    {
        if row.len() != width {
            return Err(Refusal::MalformedPublic {
                part: "width of a row",
            });
        }
        for value in row {
            cells.push(element(*value)?);
        }
    }
    Ok(RowMajorMatrix::new(cells, width))
}

impl PublicSide {
    pub(crate) fn new(layout: &Layout, public: &Public) -> Result<Self, Refusal> {
        let malformed = |part| Refusal::MalformedPublic { part };
        let values: Vec<u64> = public.first.iter().chain(&public.last).copied().collect();
        if public.first.len() != layout.first || values.len() != layout.public_bits.len() {
            return Err(malformed("number of public values"));
        }
        if values
            .iter()
            .zip(&layout.public_bits)
            .any(|(v, bits)| v.checked_shr(*bits) != Some(0))
        {
            return Err(malformed("a wide public value"));
        }
        if public.digests.iter().any(Option::is_some) {
            return Err(malformed("sealed tapes, which this backend cannot prove"));
        }
        let of = |bus: Bus| -> Vec<&[u64]> {
            public
                .lookups
                .iter()
                .filter(|(b, _)| *b == bus)
                .map(|(_, row)| &row[..])
                .collect()
        };
        let (program, tape) = (of(Bus::Program), of(Bus::Tape));
        let (Some(first), Some(length)) = (program.first(), tape.first()) else {
            return Err(malformed("program or tapes"));
        };
        if program.len() + tape.len() != public.lookups.len() {
            return Err(malformed("a row to look up"));
        }
        let narrow = |row: &&[u64]| {
            row.iter()
                .zip(&layout.program_bits)
                .all(|(v, bits)| v.checked_shr(*bits) == Some(0))
        };
        // STEP's messages on Op and Ext share a column, which holds only if no step sends both (`adapter.rs`).
        let exclusive = |row: &&[u64]| row[1] & BOTH != BOTH;
        if !program.iter().all(|row| narrow(row) && exclusive(row)) {
            return Err(malformed("an instruction"));
        }
        let count8: Vec<&[u64]> = layout.count8.iter().map(Vec::as_slice).collect();
        Ok(Self {
            program: matrix(&program, layout.program_bits.len(), first)?,
            tape: matrix(&tape, length.len(), length)?,
            received: received(public)?,
            count8: matrix(&count8, count8[0].len(), count8[0])?,
            values: values.into_iter().map(element).collect::<Result<_, _>>()?,
        })
    }

    /// Everything of it, as bytes for the transcript.
    pub(crate) fn absorb(&self, h: &mut blake3::Hasher) {
        for matrix in [&self.program, &self.tape, &self.received, &self.count8] {
            h.update(&(matrix.width as u64).to_le_bytes());
            h.update(&(matrix.values.len() as u64).to_le_bytes());
            put(h, &matrix.values);
        }
        put(h, &self.values);
    }
}

fn put(h: &mut blake3::Hasher, values: &[Val]) {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|v| v.as_canonical_u32().to_le_bytes())
        .collect();
    h.update(&bytes);
}

/// One row for each message to receive: which bus, then the parts.
fn received(public: &Public) -> Result<RowMajorMatrix<Val>, Refusal> {
    let most = RECEIVED.iter().map(|(_, width)| *width).max().unwrap_or(0);
    let width = RECEIVED.len() + most;
    let mut rows = Vec::with_capacity(public.received.len());
    for (bus, parts) in &public.received {
        let place = RECEIVED.iter().position(|known| *known == (*bus, parts.len()));
        let place = place.ok_or(Refusal::MalformedPublic {
            part: "a message to receive",
        })?;
        let mut row = vec![0; width];
        row[place] = 1;
        row[RECEIVED.len()..][..parts.len()].copy_from_slice(parts);
        rows.push(row);
    }
    let rows: Vec<&[u64]> = rows.iter().map(Vec::as_slice).collect();
    matrix(&rows, width, &vec![0; width])
}
