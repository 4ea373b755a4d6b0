//! Tests of the commitments.

mod poseidon2;

use ff::{Field, PrimeField};
use halo2_poseidon::{ConstantLength, Hash, P128Pow5T3};
use nonos_seal::{
    Block, Place, Salt, Tape, commit_input, commit_outputs, digest, input_blocks, output_blocks,
    poseidon::{Fp, permute},
};
use nonos_types::CommitmentScheme;

fn salt() -> Salt {
    Salt::new(std::array::from_fn(|i| i as u8))
}

fn tapes() -> [Tape; 3] {
    let log: Vec<u8> = (0..100).collect();
    [
        Tape::from_bytes(b"result"),
        Tape::default(),
        Tape::from_bytes(&log),
    ]
}

/// Computed outside of this project's code, from the definition of Poseidon: constants by the Grain generator.
#[test]
fn agrees_with_an_independent_computation() {
    let long: Vec<u8> = (0..1000).map(|i| (i % 251) as u8).collect();
    let counted: Vec<u8> = (0..49).collect();
    let vectors: [(&[u8], &str); 5] = [
        (
            b"",
            "17ee2280abb6448eab4741eb2b52d54b811a591cec18c650f853faf1065d4137",
        ),
        (
            b"abc",
            "d4e18b3218c8eec1cc2b0626517a04b7c14c338da7128f3a11ee444cca08da1f",
        ),
        (
            &[b'x'; 48],
            "4889fb614797d429699d5ba15b10f547043b125514a2e8f83aa13c0361a4e738",
        ),
        (
            &counted,
            "55c6331aee342c25b7fb257e8fd5e1d0c82b1760479d8f72c8fcc2c571ef150a",
        ),
        (
            &long,
            "65534d5411cfab89af0817da1bd2fdb9674c370c063f0bf9f3dd0a643d6f8407",
        ),
    ];
    for (bytes, expected) in vectors {
        let commitment = commit_input(bytes, &salt());
        assert_eq!(commitment.scheme, CommitmentScheme::POSEIDON_PALLAS_1);
        assert_eq!(hex(&commitment.digest), expected, "{} bytes", bytes.len());
    }
    let outputs = commit_outputs(&tapes(), &salt());
    assert_eq!(
        hex(&outputs.digest),
        "b68e510898fcc5f832b9d8bc5f4be18fe0040f105ae890e9c4cb9303fccf5c3c"
    );
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn permutes_as_orchard_does() {
    let message = [Fp::from(6), Fp::from(42)];
    let mut state = [message[0], message[1], Fp::from_u128(2 << 64)];
    permute(&mut state);
    let hash = Hash::<_, P128Pow5T3, ConstantLength<2>, 3, 2>::init().hash(message);
    assert_eq!(state[0], hash);
}

#[test]
fn hashes_the_elements_of_its_blocks_at_their_constant_length() {
    let blocks = input_blocks(&[9; 60], &salt());
    assert_eq!(blocks.len(), 3);
    let mut message = [Fp::ZERO; 6];
    for (pair, block) in message.as_chunks_mut().0.iter_mut().zip(&blocks) {
        *pair = block.elements();
    }
    let hash = Hash::<_, P128Pow5T3, ConstantLength<6>, 3, 2>::init().hash(message);
    assert_eq!(digest(&blocks), hash.to_repr());
}

#[test]
fn cuts_tapes_into_blocks() {
    let shape =
        |blocks: &[Block]| -> Vec<_> { blocks.iter().map(|b| (b.tape(), b.pos, b.used, b.len)).collect() };
    let salt_block = (0, 0, 4, None);
    assert_eq!(
        shape(&input_blocks(b"", &salt())),
        [salt_block, (1, 0, 0, Some(0))]
    );
    assert_eq!(
        shape(&input_blocks(&[1; 48], &salt())),
        [salt_block, (1, 0, 6, Some(48))]
    );
    assert_eq!(
        shape(&input_blocks(&[1; 49], &salt())),
        [salt_block, (1, 0, 6, None), (1, 6, 1, Some(49))]
    );
    assert_eq!(
        shape(&output_blocks(&tapes(), &salt())),
        [
            salt_block,
            (3, 0, 1, Some(6)),
            (4, 0, 0, Some(0)),
            (5, 0, 6, None),
            (5, 6, 6, None),
            (5, 12, 1, Some(100))
        ]
    );
}

#[test]
fn commits_to_every_bit_the_length_the_order_and_the_salt() {
    let bytes: Vec<u8> = (0..90).collect();
    let honest = commit_input(&bytes, &salt());
    for bit in 0..8 * bytes.len() {
        let mut other = bytes.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(commit_input(&other, &salt()), honest, "bit {bit}");
    }
    for bit in 0..256 {
        let mut other = *salt().as_bytes();
        other[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(
            commit_input(&bytes, &Salt::new(other)),
            honest,
            "bit {bit} of the salt"
        );
    }
    // Zeros behind the end, up to a word, a block, and beyond.
    let zeros: Vec<_> = (0..100)
        .map(|n| commit_input(&vec![0; n], &salt()).digest)
        .collect();
    for (i, a) in zeros.iter().enumerate() {
        assert!(!zeros[..i].contains(a), "{i} zeros");
    }
    let [result, outbound, log] = tapes();
    let swapped = commit_outputs(&[outbound, result, log], &salt());
    assert_ne!(swapped, commit_outputs(&tapes(), &salt()));
}

#[test]
fn covers_written_bytes_behind_a_tapes_end() {
    let [mut result, outbound, log] = tapes();
    result.words[0] |= 0xff << 56;
    assert_ne!(
        commit_outputs(&[result, outbound, log], &salt()),
        commit_outputs(&tapes(), &salt())
    );
}

#[test]
fn gives_blocks_of_different_streams_different_elements() {
    let tape = |tape, len| Block {
        place: Place::Tape(tape),
        pos: 0,
        words: [5; 6],
        used: 6,
        len,
    };
    let salt = Block {
        place: Place::Salt,
        ..tape(0, None)
    };
    let all = [
        salt,
        tape(1, None),
        tape(3, None),
        tape(1, Some(48)),
        tape(1, Some(47)),
        tape(3, Some(48)),
    ];
    let elements = all.map(|block| block.elements());
    for (i, one) in elements.iter().enumerate() {
        assert!(!elements[..i].contains(one), "block {i}");
    }
}

#[test]
fn shows_no_salt() {
    assert_eq!(format!("{:?}", salt()), "Salt(secret)");
}
