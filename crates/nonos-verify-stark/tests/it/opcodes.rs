//! Every operator of the instruction set and every outcome, really proved and verified. The module is that of the
//! halo2 backend's tests, where it is checked to have every operator.

use ed25519_dalek::SigningKey;
use nonos_machine::{ExecutionStatement, Subject};
use nonos_package::builder;
use nonos_types::{Outcome, TrapKind, Value};
use nonos_verify::ProofSystem;

use crate::runs::{BACKEND, prove, statement};

#[path = "../../../nonos-verify-halo2/tests/it/opcodes/text.rs"]
mod text;

/// What the entry is told to do: everything, a trap by its code, spend all fuel, or exit.
const EVERYTHING: u32 = 0;
const SPEND: u32 = 11;
const EXIT: u32 = 12;

const MANIFEST: &str = r#"requires_poi = false
[meta]
name = "operators"
version = "1.0.0"
author = "tests"
[exec]
entry = "run"
[resources]
fuel = 2500
mem = "256KiB"
net = "none"
[host]
calls = ["len", "read", "write", "commit_len", "exit"]
"#;

fn run(what: u32) -> ExecutionStatement {
    let wasm = wat::parse_str(text::module()).expect("valid text");
    let key = SigningKey::from_bytes(&[7; 32]);
    let package = builder::pack(&wasm, MANIFEST, &key).expect("a capsule");
    let subject = Subject::Capsule(Box::new(package));
    statement(subject, "run", &[Value::I32(what)], b"an input tape")
}

fn outcome(statement: &ExecutionStatement) -> &Outcome {
    &statement.record().proven.outcome
}

#[test]
fn a_run_of_every_operator_is_proved() {
    let honest = run(EVERYTHING);
    let Outcome::Return(values) = outcome(&honest) else {
        panic!("it ended with {}", outcome(&honest));
    };
    assert_eq!(values.len(), 2);
    let proof = prove(&honest);
    assert_eq!(BACKEND.verify(&honest, &proof).map(drop), Ok(()));
}

/// Proves runs, and sees each proof accepted for its own run and refused for the next.
fn prove_each(whats: &[u32], expected: impl Fn(u32) -> Outcome) {
    let runs: Vec<_> = whats.iter().map(|what| run(*what)).collect();
    for (run, what) in runs.iter().zip(whats) {
        assert_eq!(*outcome(run), expected(*what));
    }
    let proofs: Vec<_> = runs.iter().map(prove).collect();
    let own = runs.iter().zip(&proofs);
    let other = runs.iter().cycle().skip(1).zip(&proofs);
    let claims: Vec<_> = own.chain(other).map(|(run, proof)| (run, &proof[..])).collect();
    let verdicts = BACKEND.verify_batch(&claims);
    let accepted: Vec<bool> = verdicts.iter().map(Result::is_ok).collect();
    let count = runs.len();
    assert_eq!(
        accepted,
        [vec![true; count], vec![false; count]].concat(),
        "{verdicts:?}"
    );
}

fn trap(code: u32) -> Outcome {
    let code = u8::try_from(code).ok().and_then(TrapKind::from_code);
    Outcome::Trap(code.expect("a trap's code"))
}

#[test]
fn traps_of_numbers_and_memory_are_proved() {
    prove_each(&[1, 2, 3, 4], trap);
}

#[test]
fn traps_of_tables_and_indirect_calls_are_proved() {
    prove_each(&[5, 6, 7], trap);
}

#[test]
fn traps_of_calls_are_proved() {
    prove_each(&[8, 9, 10], trap);
    assert_eq!(TrapKind::ALL.len(), 10, "a kind that is not proved here");
}

#[test]
fn exhaustion_and_exit_are_proved() {
    prove_each(&[SPEND, EXIT], |what| match what {
        SPEND => Outcome::OutOfFuel,
        _ => Outcome::Exit(41),
    });
}
