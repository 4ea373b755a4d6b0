//! Real proofs.

use std::sync::{Arc, OnceLock};

use ff::Field;
use nonos_depin::BatchId;
use nonos_depin::rollup::{RollupStatement, Root, SUMS, Sums};
use nonos_types::{Amount, Sequence};
use nonos_verify::testing::Suite;
use nonos_verify::{Erased, ProofSystem, Prover, Proving, Refusal, Seed, Statement as _, Verifier};
use pasta_curves::Fp;

use super::support::*;
use crate::layout::*;
use crate::trace::Trace;
use crate::{Error, Rollup, proof};

fn backend() -> Arc<Rollup> {
    static BACKEND: OnceLock<Arc<Rollup>> = OnceLock::new();
    BACKEND
        .get_or_init(|| Arc::new(Rollup::new().expect("parameters and keys")))
        .clone()
}

#[test]
fn the_backend_conforms() {
    let (first, second) = (full(), single());
    let with = |change: &dyn Fn(&mut RollupStatement)| {
        let mut changed = first.0.clone();
        change(&mut changed);
        changed
    };
    let other = Root::from_bytes([1; 32]).expect("an element");
    let mut sums = *first.0.sums.amounts();
    sums.swap(0, SUMS / 2);
    let suite = Suite::new(first.clone(), second)
        .tampered("batch", &with(&|it| it.batch = BatchId::ZERO))
        .tampered("index", &with(&|it| it.index = 1))
        .tampered("limit", &with(&|it| it.limit = Amount::from_atto(1 << 90)))
        .tampered("root before", &with(&|it| it.before.root = other))
        .tampered("chain before", &with(&|it| it.before.chain = other))
        .tampered(
            "sequence before",
            &with(&|it| it.before.sequence = Sequence::new(1)),
        )
        .tampered("line before", &with(&|it| it.before.line = 1))
        .tampered("root after", &with(&|it| it.after.root = other))
        .tampered("chain after", &with(&|it| it.after.chain = other))
        .tampered("sequence after", &with(&|it| it.after.sequence = Sequence::MAX))
        .tampered("line after", &with(&|it| it.after.line = 1))
        .tampered("count", &with(&|it| it.count = 9))
        .tampered("sums", &with(&|it| it.sums = Sums::new(sums)))
        .flips(24);
    suite.run(backend()).assert_clean();
}

/// The proof of a trace with false cells, of the statement that the trace is of.
fn verdict(chunk: &Chunk, cells: &[((usize, usize), Fp)]) -> Result<(), Error> {
    let backend = backend();
    let trace = Trace::with_lies(&chunk.0, &chunk.1, cells.iter().copied().collect());
    let bytes = proof::create(&backend.keys, &chunk.0, trace, [7; 32]).expect("a proof of anything");
    assert_eq!(bytes.len(), proof::LEN);
    proof::verify(&backend.keys, &chunk.0, &bytes).map(drop)
}

#[test]
fn proofs_of_lies_are_refused() {
    assert_eq!(verdict(&single(), &[]), Ok(()));
    // A digit, a cell within a hash, a sibling: what changes nothing that the statement says.
    for cell in [(row(4) + 10, RANGE + 3), (row(9) + 40, 20)] {
        assert_eq!(
            verdict(&single(), &[(cell, Fp::ONE)]),
            Err(Error::Rejected),
            "{cell:?}"
        );
    }
}

#[test]
fn two_proofs_of_the_same_differ_and_both_verify_together() {
    let backend = backend();
    let (statement, witness) = opening();
    let prove = |seed| {
        let trace = Trace::new(&statement, &witness);
        proof::create(&backend.keys, &statement, trace, [seed; 32]).expect("a proof")
    };
    let proofs = [prove(1), prove(2)];
    // With the commitments, all of them, since each is blinded.
    assert_ne!(proofs[0][..32], proofs[1][..32]);
    let other = RollupStatement {
        index: 1,
        ..statement.clone()
    };
    let verdicts = backend.verify_batch(&[
        (&statement, &proofs[0]),
        (&other, &proofs[1]),
        (&statement, &proofs[1]),
        (&statement, &proofs[0][1..]),
    ]);
    let refused = Err(Refusal::Rejected { check: "halo2 proof" });
    let cut = Err(Refusal::MalformedProof { part: "length" });
    let alone: Vec<_> = verdicts.iter().map(|it| it.map(drop)).collect();
    assert_eq!(alone, [Ok(()), refused, Ok(()), cut]);
    assert_eq!(backend.verify_batch(&[]), []);
}

#[test]
fn chunks_of_a_batch_are_proved_apart_and_make_it_together() {
    let backend = Erased::<RollupStatement, _>::new(backend());
    let made = two_chunks();
    let mut drawn = 0;
    let mut seeds = || {
        drawn += 1;
        Seed::new([drawn; 32])
    };
    // The last one first.
    let mut proofs: Vec<_> = made
        .chunks
        .iter()
        .rev()
        .map(|(statement, witness)| {
            let proof = backend.prove(statement, witness, &mut Proving::new(&mut seeds));
            proof.expect("a proof")
        })
        .collect();
    proofs.reverse();
    let statements: Vec<_> = made
        .chunks
        .iter()
        .map(|(statement, _)| statement.clone())
        .collect();
    made.batch.check_chunks(&statements).expect("its chunks");
    for (statement, proof) in statements.iter().zip(&proofs) {
        backend.verify(&statement.public(), proof).expect("it verifies");
    }
    // A chunk's proof is of no other chunk, and of no other batch.
    assert!(backend.verify(&statements[0].public(), &proofs[1]).is_err());
    let other = RollupStatement {
        batch: BatchId::from_bytes([3; 32]),
        ..statements[0].clone()
    };
    assert!(backend.verify(&other.public(), &proofs[0]).is_err());
}
