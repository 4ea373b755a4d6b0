//! Honest traces satisfy every constraint, here and in halo2's own checker.

use std::collections::BTreeSet;

use halo2_proofs::dev::MockProver;

use super::support::*;
use crate::circuit;
use crate::layout::K;
use crate::trace::{Trace, publics};

#[test]
fn honest_chunks_break_nothing() {
    for (statement, witness) in honest_chunks() {
        let trace = Trace::new(&statement, &witness);
        assert_eq!(broken_on(&trace, &publics(&statement), |_| true), BTreeSet::new());
        assert_eq!(claimed(&statement, &trace), publics(&statement));
    }
}

#[test]
fn the_circuit_is_these_constraints() {
    let (statement, witness) = single();
    let trace = Trace::new(&statement, &witness);
    let circuit = circuit::Chunk {
        trace: Some(trace.into()),
    };
    let mut publics = publics(&statement);
    let prover = MockProver::run(K, &circuit, publics.clone()).expect("it runs");
    assert_eq!(prover.verify(), Ok(()));
    publics[crate::layout::public::ROOT][0] += pasta_curves::Fp::one();
    let prover = MockProver::run(K, &circuit, publics).expect("it runs");
    let failures = format!("{:?}", prover.verify().expect_err("another root"));
    assert!(failures.contains("\"start\""), "{failures}");
}
