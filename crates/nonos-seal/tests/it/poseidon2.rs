//! Commitments over KoalaBear.

use nonos_seal::poseidon2::{START, digest, elements, input_blocks, output_blocks, start};
use nonos_seal::{Place, Salt, Tape, commit_input_by, commit_outputs_by};
use nonos_types::CommitmentScheme;

use crate::{hex, salt, tapes};

const SCHEME: CommitmentScheme = CommitmentScheme::POSEIDON2_KOALABEAR_1;

/// Computed outside of this project's code, from the definition of Poseidon2 and the published constants.
#[test]
fn agrees_with_an_independent_computation() {
    let long: Vec<u8> = (0..1000).map(|i| (i % 251) as u8).collect();
    let counted: Vec<u8> = (0..17).collect();
    let vectors: [(&[u8], &str); 5] = [
        (
            b"",
            "691db65e56b6f23d6bf1fb450347b9229bba4361ffe8096383b4d95bf8f4665a",
        ),
        (
            b"abc",
            "5d1efd240359121f8dd7dd23bdbd1b1652674572b195a5187f1af674a0618254",
        ),
        (
            &[b'x'; 16],
            "f5d03b77352ce52a6ec9a05f29e81b6311eedb7e59e7a241d6c9495025950273",
        ),
        (
            &counted,
            "8afb68075a3c327383d23e1be568e63cee4f8868a337bd7030a911191f4c8e1f",
        ),
        (
            &long,
            "08e78e40cac6bf6508dff15ea815143d19bf6a5a0bbb1956dac61a77d272822c",
        ),
    ];
    for (bytes, expected) in vectors {
        let commitment = commit_input_by(SCHEME, bytes, &salt()).expect("a known scheme");
        assert_eq!(commitment.scheme, SCHEME);
        assert_eq!(hex(&commitment.digest), expected, "{} bytes", bytes.len());
    }
    let outputs = commit_outputs_by(SCHEME, &tapes(), &salt()).expect("a known scheme");
    assert_eq!(
        hex(&outputs.digest),
        "e1ba7506eb3ee06e7a91e023eff2da75fa5b7d299b4e666944da764120a9c916"
    );
}

#[test]
fn an_unknown_scheme_commits_to_nothing() {
    assert_eq!(commit_input_by(CommitmentScheme(3), b"", &salt()), None);
    assert_eq!(commit_outputs_by(CommitmentScheme(0), &tapes(), &salt()), None);
}

#[test]
fn every_part_of_a_stream_changes_the_digest() {
    let committed = |bytes: &[u8], salt: &Salt| digest(&input_blocks(bytes, salt));
    let honest = committed(b"twenty bytes or so..", &salt());
    let others = [
        committed(b"twenty bytes or so.", &salt()),
        committed(b"twenty bytes or so..\0", &salt()),
        committed(b"twenty bytes Or so..", &salt()),
        committed(b"twenty bytes or so..", &Salt::new([1; 32])),
        // The same words as outputs, in each of the tapes.
        outputs(0),
        outputs(1),
        outputs(2),
    ];
    for (i, other) in others.iter().enumerate() {
        assert_ne!(*other, honest, "{i}");
        assert!(!others[..i].contains(other), "{i}");
    }
}

fn outputs(place: usize) -> [u8; 32] {
    let mut tapes: [Tape; 3] = Default::default();
    tapes[place] = Tape::from_bytes(b"twenty bytes or so..");
    digest(&output_blocks(&tapes, &salt()))
}

#[test]
fn blocks_are_those_of_the_page() {
    let blocks = input_blocks(&[9; 20], &salt());
    let places: Vec<_> = blocks.iter().map(|block| (block.place, block.pos)).collect();
    assert_eq!(
        places,
        [
            (Place::Salt, 0),
            (Place::Salt, 2),
            (Place::Tape(1), 0),
            (Place::Tape(1), 2)
        ]
    );
    let last = blocks[3];
    assert_eq!((last.used, last.len, last.pad()), (1, Some(20), 4));
    let tag = 1 + 8 + 16 + 64 * 4;
    let first = u64::from(elements_of(&last)[0]);
    assert_eq!(first, 0x0909 + (tag << 16));
    assert_eq!(elements_of(&blocks[2])[0], 0x0909 + ((1 + 32) << 16));
    // Tapes of no bytes are blocks, too.
    assert_eq!(output_blocks(&Default::default(), &salt()).len(), 5);
    // The words of the start are elements as they are.
    let start: Vec<u8> = start()
        .iter()
        .flat_map(|element| as_number(element).to_le_bytes())
        .collect();
    assert_eq!(start, START);
}

fn as_number(element: &nonos_seal::poseidon2::KoalaBear) -> u32 {
    use p3_field::PrimeField32;
    element.as_canonical_u32()
}

fn elements_of(block: &nonos_seal::poseidon2::Block) -> [u32; 8] {
    block.elements().each_ref().map(as_number)
}

#[test]
fn bytes_of_elements_that_are_not_reduced_are_no_digest() {
    let mut bytes = digest(&input_blocks(b"", &salt()));
    assert!(elements(&bytes).is_some());
    bytes[28..].copy_from_slice(&0x7f00_0001_u32.to_le_bytes());
    assert_eq!(elements(&bytes), None);
    bytes[28..].copy_from_slice(&0x7f00_0000_u32.to_le_bytes());
    assert!(elements(&bytes).is_some());
}
