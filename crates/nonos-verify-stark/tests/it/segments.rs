//! Runs in segments: proved together, and each by itself.

use std::sync::Arc;

use nonos_machine::{ExecutionStatement, Secret};
use nonos_types::{Outcome, TrapKind, Value};
use nonos_verify::{Erased, ProofSystem, Prover, Proving, Refusal, Statement, Verifier};
use nonos_verify_stark::{Cutter, Profile, SegmentJob, SegmentStatement, Stark};

use crate::runs;

/// Fills memory, sums it, writes both tapes, and calls itself in between.
const WORK: &str = r#"(module
  (import "nonos" "read" (func $read (param i32) (result i64)))
  (import "nonos" "write" (func $write (param i32 i64)))
  (memory (export "memory") 1 3)
  (data (i32.const 1000) "some initial data of some length")
  (global $g (mut i64) (i64.const 5))
  (func $sum (param $n i32) (result i64)
    (if (result i64) (local.get $n)
      (then (i64.add (i64.load (i32.mul (local.get $n) (i32.const 8)))
                     (call $sum (i32.sub (local.get $n) (i32.const 1)))))
      (else (i64.const 0))))
  (func (export "run") (param $n i32) (result i64) (local $i i32)
    (drop (memory.grow (i32.const 1)))
    (loop $l
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (i64.store (i32.mul (local.get $i) (i32.const 8))
        (i64.add (i64.extend_i32_u (local.get $i)) (call $read (i32.const 0))))
      (global.set $g (i64.add (global.get $g) (i64.const 3)))
      (call $write (i32.const 3) (i64.load (i32.mul (local.get $i) (i32.const 8))))
      (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
    (i64.store (i32.const 70000) (global.get $g))
    (i64.add (call $sum (local.get $n)) (i64.load (i32.const 70000)))))"#;

fn work(n: u32) -> Arc<ExecutionStatement> {
    let input: Vec<u8> = (0..200).collect();
    Arc::new(runs::statement(
        runs::module(WORK),
        "run",
        &[Value::I32(n)],
        &input,
    ))
}

fn prove(stark: &Stark, run: &ExecutionStatement) -> Vec<u8> {
    let mut seeds = runs::seeds();
    let mut proving = Proving::new(&mut seeds);
    ProofSystem::<ExecutionStatement>::prove(stark, run, &Secret::default(), &mut proving)
        .expect("it is proved")
}

#[test]
fn a_run_in_segments_is_proved_as_a_whole() {
    let run = work(20);
    let steps = run.repeat(&Secret::default()).expect("it runs").steps;
    for pieces in [2, 5] {
        let stark = Stark::new(Profile::Fast).with_segments(steps.div_ceil(pieces) as u32);
        let proof = prove(&stark, &run);
        assert_eq!(stark.verify(&*run, &proof), Ok(()));
    }
}
