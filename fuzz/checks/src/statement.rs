//! The public side of a claim, from strangers: a record, a program and tapes. What is accepted as a statement encodes to
//! the same bytes again, and what the verifier computes from it does not panic.

use nonos_machine::ExecutionStatement;
use nonos_verify::{Public, Statement as _};

/// Checks one input: two lengths of 16 bits, little-endian, then record, program and tapes.
pub fn check(bytes: &[u8]) {
    let Some(parts) = split(bytes) else { return };
    let [record, program, tapes] = parts;
    let public = Public::new(record).attach(program).attach(tapes);
    let Ok(statement) = ExecutionStatement::decode(&public) else {
        return;
    };
    assert_eq!(statement.bytes(), record);
    assert_eq!(&statement.attachments()[0][..], program);
    let side = statement.public_side();
    assert!(!side.lookups.is_empty(), "the program is there");
}

fn split(bytes: &[u8]) -> Option<[&[u8]; 3]> {
    let (lengths, rest) = bytes.split_first_chunk::<4>()?;
    let length = |at: usize| usize::from(u16::from_le_bytes([lengths[at], lengths[at + 1]]));
    let (record, rest) = rest.split_at_checked(length(0))?;
    let (program, tapes) = rest.split_at_checked(length(2))?;
    Some([record, program, tapes])
}
