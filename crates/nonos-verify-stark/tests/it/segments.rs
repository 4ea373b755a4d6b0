//! Runs in segments: proved together, and each by itself.

use std::sync::Arc;

use nonos_machine::{ExecutionStatement, Secret};
use nonos_types::{Outcome, TrapKind, Value};
use nonos_verify::{ProofSystem, Proving, Statement};
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
        assert_eq!(stark.verify(&*run, &proof).map(drop), Ok(()));
    }
}

/// The pieces of a run, with their proofs.
fn proved(stark: &Stark, run: &Arc<ExecutionStatement>, steps: u32) -> Vec<(SegmentStatement, Vec<u8>)> {
    let prove = |job: SegmentJob| {
        // Each job goes through its bytes, as it would to another process.
        let job = SegmentJob::from_bytes(&job.to_bytes()).expect("a job is read back");
        let mut seeds = runs::seeds();
        let backend: &dyn ProofSystem<SegmentStatement> = stark;
        let proof = backend.prove(&job.statement, &job.witness, &mut Proving::new(&mut seeds));
        (job.statement, proof.expect("it is proved"))
    };
    Cutter::new(run, steps).expect("it runs").map(prove).collect()
}

#[test]
fn segments_proved_elsewhere_are_joined_to_the_proof_of_the_run() {
    let run = work(20);
    let stark = Stark::new(Profile::Fast);
    let segments = proved(&stark, &run, 150);
    assert!(segments.len() > 2);
    for (statement, proof) in &segments {
        assert_eq!(stark.verify(statement, proof).map(drop), Ok(()));
    }
    let proof = stark.join(&segments).expect("they are all there");
    assert_eq!(stark.verify(&*run, &proof).map(drop), Ok(()));
}

#[test]
fn segments_that_are_missing_moved_or_of_another_run_are_not_joined() {
    let (run, other) = (work(20), work(21));
    let stark = Stark::new(Profile::Fast);
    let segments = proved(&stark, &run, 400);
    let refused = |segments: &[(SegmentStatement, Vec<u8>)]| stark.join(segments).is_err();
    assert!(refused(&[]), "none");
    assert!(refused(&segments[1..]), "the first is missing");
    assert!(refused(&segments[..segments.len() - 1]), "the last is missing");
    let mut moved = segments.clone();
    moved.swap(0, 1);
    assert!(refused(&moved), "moved");
    let mut twice = segments.clone();
    twice.insert(1, twice[1].clone());
    assert!(refused(&twice), "twice");
    let mut foreign = segments.clone();
    foreign[0] = proved(&stark, &other, 400).swap_remove(0);
    assert!(refused(&foreign), "of another run");
    assert!(!refused(&segments));
}

/// The bytes: mark, format, profile, count (4), then 86 + 4 for each segment, then the proofs.
#[test]
fn a_chain_that_is_put_together_otherwise_is_refused() {
    let run = work(20);
    let stark = Stark::new(Profile::Fast);
    let segments = proved(&stark, &run, 400);
    let proof = stark.join(&segments).expect("they are all there");
    let count = segments.len();
    let entry = |i: usize| 7 + 90 * i;
    let body = entry(count);
    let refused = |bytes: &[u8], why: &str| assert!(stark.verify(&*run, bytes).is_err(), "{why}");
    assert_eq!(stark.verify(&*run, &proof).map(drop), Ok(()));

    for i in 0..body {
        let mut bytes = proof.clone();
        bytes[i] ^= 1;
        refused(&bytes, &format!("byte {i}"));
    }
    refused(&proof[..proof.len() - 1], "a byte less");
    refused(&[&proof[..], &[0]].concat(), "a byte more");
    refused(&proof[..7], "no segments");
    let mut none = proof[..7].to_vec();
    none[3..7].fill(0);
    refused(&none, "none");
    // The proofs of two segments in each other's place, of equal length or not.
    let mut swapped = segments.clone();
    let (first, second) = (segments[0].1.clone(), segments[1].1.clone());
    (swapped[0].1, swapped[1].1) = (second, first);
    let mut bytes = proof[..body].to_vec();
    for (i, (_, proof)) in swapped.iter().enumerate() {
        bytes[entry(i) + 86..entry(i) + 90].copy_from_slice(&(proof.len() as u32).to_le_bytes());
        bytes.extend(proof);
    }
    refused(&bytes, "proofs in each other's place");
    // A segment by itself is not the run, and the run's proof is not a segment's.
    refused(&segments[0].1, "a segment instead of the run");
    assert!(stark.verify(&segments[0].0, &proof).is_err());
}

/// The claim's other parts are bound by each segment's transcript, as by a whole proof's.
#[test]
fn a_chain_proves_no_other_run() {
    let run = work(20);
    let stark = Stark::new(Profile::Fast).with_segments(400);
    let proof = prove(&stark, &run);
    let changed = [
        runs::altered(&run, |record, _| record.proven.slot = nonos_types::Slot::new(1)),
        runs::altered(&run, |record, _| {
            record.proven.fuel_used = runs::more(record.proven.fuel_used)
        }),
        runs::altered(&run, |record, _| {
            record.proven.outcome = Outcome::Return(vec![Value::I64(1)])
        }),
        runs::altered(&run, |_, tapes| tapes.outputs[0].words[3] += 1),
        runs::altered(&run, |record, _| {
            record.proven.peak_pages = nonos_types::Pages::new(record.proven.peak_pages.get() + 1);
        }),
    ];
    for (i, other) in changed.into_iter().enumerate() {
        let other = other.expect("well-formed");
        assert!(stark.verify(&other, &proof).is_err(), "change {i}");
    }
}

#[test]
fn a_job_with_other_cells_steps_or_digests_is_refused() {
    let run = work(20);
    let job = Cutter::new(&run, 400).expect("it runs").nth(1).expect("a second");
    assert_eq!(job.statement.check(&job.witness), Ok(()));
    let bytes = job.to_bytes();
    assert_eq!(SegmentJob::from_bytes(&bytes), Ok(job.clone()));
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(SegmentJob::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    // One byte in every place where the witness is; the statement's own bytes are bound by their digests.
    let statement = job.statement.public().len().get() as usize;
    let mut seen = [0, 0];
    for i in (statement + 20..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[i] ^= 1;
        let Ok(other) = SegmentJob::from_bytes(&changed) else {
            seen[0] += 1;
            continue;
        };
        seen[1] += 1;
        assert!(other.statement.check(&other.witness).is_err(), "byte {i}");
    }
    assert!(seen[1] > 10, "{seen:?}");
}

#[test]
fn each_end_of_a_run_is_proved_in_segments() {
    let wat = r#"(module (memory 1) (func (export "run") (param $n i32) (local $i i32)
      (loop $l (i32.store (local.get $i) (local.get $i))
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4000))) (local.get $n))))))"#;
    let stark = Stark::new(Profile::Fast).with_segments(30);
    for n in [60_000, 70_000] {
        let run = runs::statement(runs::module(wat), "run", &[Value::I32(n)], b"");
        let trap = Outcome::Trap(TrapKind::MemoryOutOfBounds);
        assert_eq!(run.record().proven.outcome == trap, n == 70_000);
        assert_eq!(stark.verify(&run, &prove(&stark, &run)).map(drop), Ok(()));
    }
}

/// What a boundary says of fuel and of words written is compared before anything is computed from it.
#[test]
fn boundaries_that_no_run_has_are_no_statement() {
    let run = work(20);
    let job = Cutter::new(&run, 150).expect("it runs").nth(1).expect("a second");
    let [index, count] = [job.statement.index(), job.statement.count()];
    let boundaries = [*job.statement.before(), *job.statement.after()];
    let make = |index, count, boundaries| SegmentStatement::new(run.clone(), index, count, boundaries);
    assert_eq!(make(index, count, boundaries), Some(job.statement.clone()));
    type Change = fn(&mut [nonos_verify_stark::Boundary; 2]);
    let changes: [(&str, Change); 3] = [
        ("fuel that shrinks", |b| b[1].state.fuel = b[0].state.fuel - 1),
        ("words that are unwritten again", |b| {
            b[0].state.outputs[0] = b[1].state.outputs[0] + 1
        }),
        ("words that are not written", |b| b[1].state.outputs[2] = 1),
    ];
    for (name, change) in changes {
        let mut boundaries = boundaries;
        change(&mut boundaries);
        assert_eq!(make(index, count, boundaries), None, "{name}");
    }
    assert_eq!(make(count, count, boundaries), None, "an index beyond the last");
    assert_eq!(
        make(0, count, boundaries),
        None,
        "the first begins where the run begins"
    );
    assert_eq!(
        make(count - 1, count, boundaries),
        None,
        "the last ends where the run ends"
    );
    let most = SegmentStatement::MAX_COUNT;
    assert_eq!(make(index, most + 1, boundaries), None, "too many");
    assert!(make(index, most, boundaries).is_some());
}
