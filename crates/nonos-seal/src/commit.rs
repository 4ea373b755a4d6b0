//! The hash of a stream.

use ff::{Field, PrimeField};
use nonos_types::{Commitment, CommitmentScheme};

use crate::poseidon::{Fp, WIDTH, permute};
use crate::{Block, Salt, Tape, input_blocks, output_blocks, poseidon2};

/// Commits to a sealed input under [`CommitmentScheme::POSEIDON_PALLAS_1`].
pub fn commit_input(bytes: &[u8], salt: &Salt) -> Commitment {
    Commitment {
        scheme: CommitmentScheme::POSEIDON_PALLAS_1,
        digest: digest(&input_blocks(bytes, salt)),
    }
}

/// Commits to the output tapes, result, outbound and log, under [`CommitmentScheme::POSEIDON_PALLAS_1`].
///
/// The words are those that the run wrote. The last word of a tape may have bytes beyond the tape's length, which
/// the commitment covers too.
pub fn commit_outputs(tapes: &[Tape; 3], salt: &Salt) -> Commitment {
    Commitment {
        scheme: CommitmentScheme::POSEIDON_PALLAS_1,
        digest: digest(&output_blocks(tapes, salt)),
    }
}

/// Commits to a sealed input under this scheme; `None` for one that is not known.
///
/// ```
/// use nonos_seal::{Salt, commit_input, commit_input_by};
/// use nonos_types::CommitmentScheme;
///
/// let salt = Salt::new([7; 32]);
/// let of_stark = commit_input_by(CommitmentScheme::POSEIDON2_KOALABEAR_1, b"abc", &salt).expect("it is known");
/// assert_ne!(of_stark.digest, commit_input(b"abc", &salt).digest);
/// assert_eq!(commit_input_by(CommitmentScheme(99), b"abc", &salt), None);
/// ```
pub fn commit_input_by(scheme: CommitmentScheme, bytes: &[u8], salt: &Salt) -> Option<Commitment> {
    match scheme {
        CommitmentScheme::POSEIDON_PALLAS_1 => Some(commit_input(bytes, salt)),
        CommitmentScheme::POSEIDON2_KOALABEAR_1 => Some(Commitment {
            scheme,
            digest: poseidon2::digest(&poseidon2::input_blocks(bytes, salt)),
        }),
        _ => None,
    }
}

/// Commits to the output tapes under this scheme, as [`commit_outputs`] does; `None` for one that is not known.
pub fn commit_outputs_by(scheme: CommitmentScheme, tapes: &[Tape; 3], salt: &Salt) -> Option<Commitment> {
    match scheme {
        CommitmentScheme::POSEIDON_PALLAS_1 => Some(commit_outputs(tapes, salt)),
        CommitmentScheme::POSEIDON2_KOALABEAR_1 => Some(Commitment {
            scheme,
            digest: poseidon2::digest(&poseidon2::output_blocks(tapes, salt)),
        }),
        _ => None,
    }
}

/// Poseidon of the two field elements of each block, with the number of elements in the capacity (`ConstantLength`).
pub fn digest(blocks: &[Block]) -> [u8; 32] {
    let elements = 2 * blocks.len() as u128;
    let mut state: [Fp; WIDTH] = [Fp::ZERO, Fp::ZERO, Fp::from_u128(elements << 64)];
    for block in blocks {
        let [first, second] = block.elements();
        state[0] += first;
        state[1] += second;
        permute(&mut state);
    }
    state[0].to_repr()
}

impl Block {
    /// The two field elements: three words each, and above them the tape with its end mark, and its length.
    pub fn elements(&self) -> [Fp; 2] {
        let [a, b, c, d, e, f] = self.words;
        let tag = u64::from(self.tape()) + if self.len.is_some() { 8 } else { 0 };
        let len = u64::from(self.len.unwrap_or_default());
        [[a, b, c, tag], [d, e, f, len]].map(|words| {
            let mut bytes = [0; 32];
            for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
                *place = word.to_le_bytes();
            }
            Option::from(Fp::from_repr(bytes)).expect("below 2^224, and the field has 255 bits")
        })
    }
}
