//! The other hash: Poseidon2 of width 16 over the KoalaBear field, with Plonky3's constants.
//!
//! A sponge with a rate and a capacity of eight elements. The capacity starts as [`START`]; each block replaces the rate by
//! its elements, then the state is permuted. The digest is the rate at the end. No stream is the start of another,
//! since each ends where its last tape does.

use p3_field::{PrimeCharacteristicRing, PrimeField32};
pub use p3_koala_bear::KoalaBear;
use p3_koala_bear::default_koalabear_poseidon2_16;
use p3_symmetric::Permutation;

use crate::block::{input_stream, output_stream};
use crate::{Salt, Tape};

/// Words of a block: as many as one permutation absorbs.
pub const WORDS: usize = 2;
/// Elements that a block replaces, and elements of a digest.
pub const RATE: usize = 8;
/// Elements of the state.
pub const WIDTH: usize = 16;
/// What the capacity starts as: four bytes an element, little-endian.
pub const START: &[u8; 32] = b"nonos seal poseidon2 koalabear 1";

/// A block of this scheme.
pub type Block = crate::Block<WORDS>;

/// The stream of a sealed input.
pub fn input_blocks(bytes: &[u8], salt: &Salt) -> Vec<Block> {
    input_stream(bytes, salt)
}

/// The stream of sealed outputs: result, outbound, log.
pub fn output_blocks(tapes: &[Tape; 3], salt: &Salt) -> Vec<Block> {
    output_stream(tapes, salt)
}

/// What the capacity starts as.
pub fn start() -> [KoalaBear; RATE] {
    let number = |i: usize| u32::from_le_bytes(std::array::from_fn(|byte| START[4 * i + byte]));
    std::array::from_fn(|i| KoalaBear::from_u32(number(i)))
}

impl Block {
    /// Bytes that the tape's length cuts off its last word, where the tape ends here.
    pub fn pad(&self) -> u32 {
        self.len.map_or(0, |len| 8 * (self.pos + self.used as u32) - len)
    }

    /// The words in limbs of 16 bits; above the first, what the block says of its tape.
    pub fn elements(&self) -> [KoalaBear; RATE] {
        let mut limbs = [0; RATE];
        for (i, limb) in limbs.iter_mut().enumerate() {
            *limb = (self.words[i / 4] >> (16 * (i % 4))) as u32 & 0xffff;
        }
        let last = u32::from(self.len.is_some());
        let tag = u32::from(self.tape()) + 8 * last + 16 * self.used as u32 + 64 * self.pad();
        limbs[0] += tag << 16;
        limbs.map(KoalaBear::from_u32)
    }
}

/// The states before each permutation of a stream, and the one behind the last.
pub fn states(blocks: &[Block]) -> (Vec<[KoalaBear; WIDTH]>, [KoalaBear; WIDTH]) {
    let permutation = default_koalabear_poseidon2_16();
    let mut state = [KoalaBear::ZERO; WIDTH];
    state[RATE..].copy_from_slice(&start());
    let before = blocks.iter().map(|block| {
        state[..RATE].copy_from_slice(&block.elements());
        let before = state;
        permutation.permute_mut(&mut state);
        before
    });
    (before.collect(), state)
}

/// The digest of a stream: its elements, four bytes each, little-endian.
pub fn digest(blocks: &[Block]) -> [u8; 32] {
    let (_, state) = states(blocks);
    let mut digest = [0; 32];
    for (bytes, element) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = element.as_canonical_u32().to_le_bytes();
    }
    digest
}

/// The elements of a digest; `None` if its bytes are not those of elements.
pub fn elements(digest: &[u8; 32]) -> Option<[KoalaBear; RATE]> {
    let mut elements = [KoalaBear::ZERO; RATE];
    for (element, bytes) in elements.iter_mut().zip(digest.as_chunks().0) {
        let number = u32::from_le_bytes(*bytes);
        if number >= KoalaBear::ORDER_U32 {
            return None;
        }
        *element = KoalaBear::from_u32(number);
    }
    Some(elements)
}
