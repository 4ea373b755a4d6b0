//! The rows of SEAL.

use nonos_machine::air::Col;
use nonos_machine::tables::{PublicRun, Reads};
use nonos_machine::trace::Trace;
use nonos_machine::{ExecutionStatement, Secret};
use nonos_seal::Place;
use nonos_seal::poseidon2::{Block, RATE, WIDTH, input_blocks, output_blocks, states};
use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;

use super::COLS;
use crate::config::Val;
use crate::poseidon::{CELLS, fill as fill_permutation};

/// A row of the columns before the permutation's, and the state that is permuted.
pub(crate) type Row = (Vec<u64>, [Val; WIDTH]);

/// The rows of a statement's sealed tapes; none if nothing is sealed.
pub(crate) fn rows(statement: &ExecutionStatement, secret: &Secret, trace: &Trace) -> Vec<Row> {
    let program = statement.program();
    let mut rows = vec![];
    if let Some(input) = &secret.input {
        let words = input.bytes.len().div_ceil(8) as u64;
        let reads = Reads::of(program, trace, words);
        let blocks = input_blocks(&input.bytes, &input.salt);
        rows.extend(stream(&blocks, reads, secret.outputs.is_some()));
    }
    if let Some(salt) = &secret.outputs {
        let [result, outbound, log, _] = PublicRun::of(program, trace, Default::default()).outputs;
        let blocks = output_blocks(&[result, outbound, log], salt);
        rows.extend(stream(&blocks, Reads::default(), false));
    }
    rows
}

/// The rows of one stream.
pub(crate) fn stream(blocks: &[Block], reads: Reads, more: bool) -> Vec<Row> {
    let (states, _) = states(blocks);
    let is_input = blocks.iter().any(|block| block.tape() == 1);
    let rows = blocks.iter().zip(states);
    rows.map(|(block, state)| {
        let mut row = vec![0; COLS.list.len()];
        let mut set = |col: Col, value: u64| row[usize::from(col.0)] = value;
        set(COLS.more, u64::from(more));
        if block.place == Place::Salt {
            set(COLS.input, u64::from(is_input));
        }
        fill(&mut set, block, reads);
        (row, state)
    })
    .collect()
}

fn limbs(word: u64) -> [u64; 4] {
    std::array::from_fn(|i| word >> (16 * i) & 0xffff)
}

fn fill(set: &mut impl FnMut(Col, u64), block: &Block, reads: Reads) {
    let t = &*COLS;
    let pos = u64::from(block.pos);
    match (block.place, pos) {
        (Place::Salt, 0) => set(t.start, 1),
        (Place::Salt, _) => set(t.salt, 1),
        (Place::Tape(1), _) => set(t.tapes[0], 1),
        (Place::Tape(tape), _) => set(t.tapes[usize::from(tape) - 2], 1),
    }
    if block.place != Place::Salt {
        set(t.pos, pos);
    }
    for (j, word) in block.words.into_iter().enumerate().take(block.used) {
        set(t.used[j], 1);
        for (col, limb) in t.limbs[j].into_iter().zip(limbs(word)) {
            set(col, limb);
        }
        let taken = match block.place {
            Place::Salt => false,
            Place::Tape(1) => pos + (j as u64) < reads.words,
            Place::Tape(_) => true,
        };
        set(t.taken[j], u64::from(taken));
    }
    let pad = u64::from(block.pad());
    let tail = limbs(block.used.checked_sub(1).map_or(0, |last| block.words[last]));
    let [upper, lower] = if pad & 4 == 0 {
        [tail[3], tail[2]]
    } else {
        [tail[1], tail[0]]
    };
    let top = if pad & 2 == 0 { upper } else { lower };
    for (col, limb) in t.tail.into_iter().zip(tail) {
        set(col, limb);
    }
    for (col, limb) in [(t.upper, upper), (t.lower, lower), (t.top, top)] {
        set(col, limb);
    }
    let Some(len) = block.len else { return };
    let (words, is_input) = (pos + block.used as u64, block.tape() == 1);
    set(t.close, 1);
    set(t.last, u64::from(matches!(block.tape(), 1 | 5)));
    set(t.fin, u64::from(!is_input));
    for i in 0..2 {
        set(t.words[i], words >> (16 * i) & 0xffff);
    }
    for (i, col) in t.pad.into_iter().enumerate() {
        set(col, pad >> i & 1);
    }
    if is_input {
        set(t.byte, (pad & 1) * top);
        set(t.len[0], u64::from(len & 0xffff));
        set(t.len[1], u64::from(len >> 16));
        set(t.high, u64::from(len >> 16 << 5));
        set(t.lengths, reads.lengths);
        set(t.ends, reads.ends);
    }
}

/// The columns before the permutation's, padded to a height.
pub(crate) fn matrix(rows: &[Row], min_log: u8) -> RowMajorMatrix<Val> {
    let width = COLS.list.len();
    let height = rows.len().next_power_of_two().max(1 << min_log);
    let cells = rows.iter().flat_map(|(row, _)| row);
    let mut cells: Vec<Val> = cells.map(|cell| Val::from_u64(*cell)).collect();
    cells.resize(height * width, Val::ZERO);
    RowMajorMatrix::new(cells, width)
}

/// The whole table: capacity and permutation of each row's state behind its columns, the permutation of zeros in the
/// padding.
pub(crate) fn extended(rows: &[Row], table: &RowMajorMatrix<Val>) -> RowMajorMatrix<Val> {
    let width = table.width + RATE + CELLS;
    let hash = |state: [Val; WIDTH]| {
        let mut cells = [Val::ZERO; RATE + CELLS];
        let (capacity, permutation) = cells.split_at_mut(RATE);
        capacity.copy_from_slice(&state[RATE..]);
        let _ = fill_permutation(state, permutation);
        cells
    };
    let padding = hash([Val::ZERO; WIDTH]);
    let mut cells = Vec::with_capacity(table.values.len() / table.width * width);
    for (i, row) in table.values.chunks(table.width).enumerate() {
        cells.extend_from_slice(row);
        let hash = rows.get(i).map_or(padding, |(_, state)| hash(*state));
        cells.extend_from_slice(&hash);
    }
    RowMajorMatrix::new(cells, width)
}
