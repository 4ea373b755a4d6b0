//! The rows of SEAL.

use nonos_machine::air::Col;
use nonos_machine::isa::Program;
use nonos_machine::tables::Reads;
use nonos_machine::trace::Trace;
use nonos_seal::{Block, Place, WORDS};

use super::{COLS, Cols};

/// How a run used its sealed input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Use {
    /// Words read.
    pub(crate) words: u64,
    /// Reads behind its end.
    pub(crate) ends: u64,
    /// Requests of its length.
    pub(crate) lengths: u64,
    /// Whether sealed outputs follow.
    pub(crate) more: bool,
}

impl Use {
    /// What a run reads of a sealed input of so many words.
    pub(crate) fn of(program: &Program, trace: &Trace, words: u64) -> Self {
        let Reads { words, ends, lengths } = Reads::of(program, trace, words);
        Self {
            words,
            ends,
            lengths,
            more: false,
        }
    }
}

/// A row for each block of a stream.
pub(crate) fn rows(blocks: &[Block], input: Use) -> Vec<Vec<u64>> {
    let is_input = blocks.get(1).is_some_and(|block| block.tape() == 1);
    let left = (1..=blocks.len() as u64).rev();
    blocks
        .iter()
        .zip(left)
        .map(|(block, left)| {
            let mut row = vec![0; COLS.list.len()];
            fill(&mut row, block, left, input);
            if block.place == Place::Salt {
                row[usize::from(COLS.input.0)] = u64::from(is_input);
            }
            row[usize::from(COLS.more.0)] = u64::from(is_input && input.more);
            row
        })
        .collect()
}

fn limbs(word: u64) -> [u64; 4] {
    std::array::from_fn(|i| word >> (16 * i) & 0xffff)
}

fn fill(row: &mut [u64], block: &Block, left: u64, input: Use) {
    let t: &Cols = &COLS;
    let mut set = |col: Col, value: u64| row[usize::from(col.0)] = value;
    let pos = u64::from(block.pos);
    set(t.real, 1);
    set(t.left, left);
    set(t.pos, pos);
    match block.place {
        Place::Salt => set(t.salt, 1),
        Place::Tape(1) => set(t.tapes[0], 1),
        Place::Tape(tape) => set(t.tapes[usize::from(tape) - 2], 1),
    }
    for (j, word) in block.words.into_iter().enumerate().take(block.used) {
        set(t.used[j], 1);
        for (col, limb) in t.limbs[j].into_iter().zip(limbs(word)) {
            set(col, limb);
        }
        let taken = match block.place {
            Place::Salt => false,
            Place::Tape(1) => pos + (j as u64) < input.words,
            Place::Tape(_) => true,
        };
        set(t.taken[j], u64::from(taken));
    }
    let tail = block.used.checked_sub(1).map_or(0, |last| block.words[last]);
    for (col, limb) in t.tail.into_iter().zip(limbs(tail)) {
        set(col, limb);
    }
    let Some(len) = block.len else { return };
    let (words, len) = (pos + block.used as u64, u64::from(len));
    let pad = 8 * words - len;
    set(t.close, 1);
    for i in 0..2 {
        set(t.words[i], words >> (16 * i) & 0xffff);
        set(t.len[i], len >> (16 * i) & 0xffff);
    }
    for (i, col) in t.pad.into_iter().enumerate() {
        set(col, pad >> i & 1);
    }
    let (is_input, ends_stream) = (block.tape() == 1, matches!(block.tape(), 1 | 5));
    set(t.fin, u64::from(!is_input));
    if ends_stream {
        set(t.last, 1);
        set(t.scale, 1 << (8 * pad));
    }
    if is_input {
        for (col, limb) in t.shifted.into_iter().zip(limbs(tail << (8 * pad))) {
            set(col, limb);
        }
        set(t.lengths, input.lengths);
        set(t.ends, input.ends);
    }
    debug_assert!(block.used <= WORDS && pad < 8);
}
