//! A false statement about sealed tapes, by a prover that knows the inside of the backend.

use std::sync::LazyLock;

use nonos_machine::{
    ExecutionStatement, Inputs, Limits, PublicTapes, SealedInput, Secret, Subject, VERSION, execute,
};
use nonos_seal::{Salt, Tape, commit_outputs};
use nonos_types::{
    Assignment, Attested, AuditRoot, CheckpointRoot, ExecutionRecord, InboundDigest, InputDigest, Outcome,
    Output, Pages, Proven, SegmentChain,
};
use nonos_verify::{ProofSystem, Refusal, Statement};

use super::{Halo2, Rows, public_side};
use crate::prover::fresh_seed;
use crate::{Layout, ParamsStore, Proof};

/// Index of CELLS among the machine's tables, and in it of `out`, `key_lo` and `key_hi`.
const CELLS: usize = 10;
const OUT: usize = 2;
const KEY: [usize; 2] = [3, 4];

static BACKEND: LazyLock<Halo2> = LazyLock::new(|| {
    let params = ParamsStore::in_directory(std::env::temp_dir().join("nonos-params"));
    Halo2::new(params).expect("the machine's tables can be proved")
});

/// Looks at its sealed input and says nothing.
fn silent(secret: &Secret) -> ExecutionStatement {
    let wasm = wat::parse_str(
        r#"(module (import "nonos" "read" (func $read (param i32) (result i64)))
          (func (export "run") (drop (call $read (i32.const 1)))))"#,
    );
    let subject = Subject::Module(wasm.expect("valid text").into());
    let policy = subject.policy("run");
    let limits = Limits {
        fuel: policy.fuel,
        steps: 100,
    };
    let program = subject.lower("run").expect("the module lowers").program;
    let run = execute(&program, &Inputs::default(), limits);
    let job = Assignment::NONE;
    let tapes = PublicTapes::default();
    let proven = Proven {
        network: job.network,
        job: job.job,
        slot: job.slot,
        nonce: job.nonce(),
        executor: job.executor,
        capsule: subject.capsule_hash(),
        machine: VERSION,
        policy: policy.hash(),
        entry: "run".to_owned(),
        arguments: vec![],
        input: InputDigest::hash(&[b""]),
        sealed_input: secret.input.as_ref().map(SealedInput::commitment),
        inbound: InboundDigest::hash(&[b""]),
        output: Output::Digest(tapes.output_digest()),
        outcome: Outcome::Return(vec![]),
        fuel_used: run.fuel,
        peak_pages: Pages::new(0),
        segment_chain: SegmentChain::ZERO,
    };
    let attested = Attested {
        checkpoint_root: CheckpointRoot::ZERO,
        audit_root: AuditRoot::ZERO,
        poi_pre: None,
        poi_post: None,
    };
    let record = ExecutionRecord { proven, attested };
    ExecutionStatement::of_run(subject, record, vec![], vec![], secret).expect("the record is the run's")
}

fn claiming(honest: &ExecutionStatement, output: Output) -> ExecutionStatement {
    let mut record = honest.record().clone();
    record.proven.output = output;
    ExecutionStatement::new(honest.subject().clone(), record, PublicTapes::default()).expect("well-formed")
}

/// Rows of a run of which nobody gives the final positions of the outputs.
fn without_positions(rows: &mut Rows) {
    let cells = &mut rows.machine.tables[CELLS];
    for row in cells.cells.chunks_exact_mut(cells.width) {
        let is_tape = row[KEY[1]] == 2 << 11 && (3..6).contains(&row[KEY[0]]);
        row[OUT] &= u64::from(!is_tape);
    }
}

fn forced(rows: &Rows, layout: &Layout, claim: &ExecutionStatement) -> Option<Vec<u8>> {
    let made = BACKEND
        .backend
        .prove_with(layout, rows, &public_side(claim), &claim.bytes(), &mut fresh_seed);
    made.ok().map(|proof| proof.encode())
}

#[test]
fn refuses_a_commitment_to_outputs_that_were_never_written_beside_a_sealed_input() {
    let secret = Secret {
        input: Some(SealedInput {
            bytes: b"1200".to_vec().into(),
            salt: Salt::new([7; 32]),
        }),
        ..Secret::default()
    };
    let honest = silent(&secret);
    let invented = [Tape::from_bytes(b"solvent"), Tape::default(), Tape::default()];
    let salt = Salt::new([9; 32]);
    let claim = claiming(&honest, Output::Commitment(commit_outputs(&invented, &salt)));
    let (mut rows, layout) = BACKEND.prepare(&honest, &secret).expect("honest");
    without_positions(&mut rows);
    let verdict = forced(&rows, &layout, &claim).map(|proof| BACKEND.verify(&claim, &proof).map(drop));
    assert_ne!(
        verdict,
        Some(Ok(())),
        "the stream of the outputs is left out, and it passes"
    );
}

#[test]
fn makes_no_key_for_a_layout_without_a_proof_of_its_size() {
    let statement = silent(&Secret::default());
    let tables = nonos_machine::tables::COUNT;
    let mut folds = vec![5; tables];
    folds.push(0);
    let layout = Layout::new(14, folds, 1);
    let size = BACKEND
        .backend
        .size(&layout)
        .expect("a layout that a proof may have");
    let short = Proof {
        layout,
        bytes: vec![0; 64],
    };
    assert!(size.proof_bytes > 100 * short.encode().len());
    let length = Refusal::MalformedProof { part: "length" };
    assert_eq!(BACKEND.vk_digest(&statement, &short.encode()), Err(length));
    assert_eq!(BACKEND.verify(&statement, &short.encode()), Err(length));
}
