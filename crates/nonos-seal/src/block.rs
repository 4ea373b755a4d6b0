//! Tapes cut into blocks, each of which is absorbed by one permutation.
//!
//! A stream is the block of its salt, then the blocks of its tapes, in order. The last block of a tape says its
//! length in bytes; every tape has at least one block, so that an empty one is told from an absent one.

use crate::Salt;

/// Words of a block of [`CommitmentScheme::POSEIDON_PALLAS_1`](nonos_types::CommitmentScheme::POSEIDON_PALLAS_1).
pub const WORDS: usize = 6;

/// What a tape holds, in words.
///
/// ```
/// use nonos_seal::Tape;
///
/// let tape = Tape::from_bytes(b"ten bytes!");
/// assert_eq!((tape.len, tape.words.len()), (10, 2));
/// assert_eq!(tape.bytes(), b"ten bytes!");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tape {
    /// Little-endian words.
    pub words: Vec<u64>,
    /// Exact length in bytes, at most 7 less than the words'.
    pub len: u64,
}

impl Tape {
    /// The words of a byte string, the last one zero padded.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let word = |chunk: &[u8]| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        };
        Self {
            words: bytes.chunks(8).map(word).collect(),
            len: bytes.len() as u64,
        }
    }

    /// The bytes, cut to the exact length.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate(usize::try_from(self.len).unwrap_or(usize::MAX));
        bytes
    }
}

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The salt.
    Salt,
    /// Words of this tape: 1 is the sealed input, 3 to 5 are the outputs.
    Tape(u8),
}

/// Up to `N` words of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<const N: usize = WORDS> {
    /// What it holds.
    pub place: Place,
    /// Position of its first word in the tape, or in the salt.
    pub pos: u32,
    /// The words, zeros behind those used.
    pub words: [u64; N],
    /// How many are used.
    pub used: usize,
    /// The tape's length in bytes, if the tape ends here.
    pub len: Option<u32>,
}

impl<const N: usize> Block<N> {
    /// Number of the tape, 0 for the salt.
    pub fn tape(&self) -> u8 {
        match self.place {
            Place::Salt => 0,
            Place::Tape(tape) => tape,
        }
    }
}

/// The stream of a sealed input.
pub fn input_blocks(bytes: &[u8], salt: &Salt) -> Vec<Block> {
    input_stream(bytes, salt)
}

/// The stream of sealed outputs: result, outbound, log.
pub fn output_blocks(tapes: &[Tape; 3], salt: &Salt) -> Vec<Block> {
    output_stream(tapes, salt)
}

pub(crate) fn input_stream<const N: usize>(bytes: &[u8], salt: &Salt) -> Vec<Block<N>> {
    let mut blocks = salt_blocks(salt);
    tape_blocks(1, &Tape::from_bytes(bytes), &mut blocks);
    blocks
}

pub(crate) fn output_stream<const N: usize>(tapes: &[Tape; 3], salt: &Salt) -> Vec<Block<N>> {
    let mut blocks = salt_blocks(salt);
    for (number, tape) in (3..).zip(tapes) {
        tape_blocks(number, tape, &mut blocks);
    }
    blocks
}

fn salt_blocks<const N: usize>(salt: &Salt) -> Vec<Block<N>> {
    let parts = salt.words();
    let parts = parts.chunks(N).enumerate();
    parts
        .map(|(i, part)| block(Place::Salt, i * N, part, None))
        .collect()
}

fn tape_blocks<const N: usize>(number: u8, tape: &Tape, blocks: &mut Vec<Block<N>>) {
    let count = tape.words.len().div_ceil(N).max(1);
    for i in 0..count {
        let rest = tape.words.get(i * N..).unwrap_or_default();
        let len = (i + 1 == count).then_some(tape.len as u32);
        blocks.push(block(Place::Tape(number), i * N, &rest[..rest.len().min(N)], len));
    }
}

fn block<const N: usize>(place: Place, pos: usize, used: &[u64], len: Option<u32>) -> Block<N> {
    let mut words = [0; N];
    words[..used.len()].copy_from_slice(used);
    Block {
        place,
        pos: pos as u32,
        words,
        used: used.len(),
        len,
    }
}
