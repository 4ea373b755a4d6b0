//! Statements of runs, made by the machine alone.

use std::sync::{Arc, LazyLock};

use nonos_machine::tables::TapeWords;
use nonos_machine::{
    End, ExecutionStatement, Inputs, Limits, PublicTapes, SealedInput, Secret, Subject, VERSION, execute,
};
use nonos_types::{
    Assignment, Attested, AuditRoot, CheckpointRoot, ExecutionRecord, Fuel, InboundDigest, InputDigest,
    Outcome, Output, Proven, SegmentChain, Value, ValueType,
};
use nonos_verify::{LastChallenge, ProofSystem, ProveError, Proving, Refusal, Seed};
use nonos_verify_halo2::{Halo2, ParamsStore};

/// One backend for all tests: parameters and keys are made once.
pub(crate) static BACKEND: LazyLock<Arc<Halo2>> =
    LazyLock::new(|| Arc::new(Halo2::new(params()).expect("the machine's tables can be proved")));

/// Parameters that all test processes share.
pub(crate) fn params() -> ParamsStore {
    ParamsStore::in_directory(std::env::temp_dir().join("nonos-params"))
}

pub(crate) fn module(wat: &str) -> Subject {
    Subject::Module(wat::parse_str(wat).expect("valid text").into())
}

pub(crate) fn statement(
    subject: Subject,
    entry: &str,
    arguments: &[Value],
    input: &[u8],
) -> ExecutionStatement {
    sealed_statement(subject, entry, arguments, input, &Secret::default())
}

/// The statement of a run of which the secret is sealed.
pub(crate) fn sealed_statement(
    subject: Subject,
    entry: &str,
    arguments: &[Value],
    input: &[u8],
    secret: &Secret,
) -> ExecutionStatement {
    let lowered = subject.lower(entry).expect("the module lowers");
    let policy = subject.policy(entry);
    let words: Vec<u64> = arguments.iter().map(|v| v.word()).collect();
    let inputs = Inputs {
        input,
        arguments: &words,
        sealed: secret.input.as_ref().map_or(&[], |input| &input.bytes),
        ..Inputs::default()
    };
    let run = execute(
        &lowered.program,
        &inputs,
        Limits {
            fuel: policy.fuel,
            steps: 1 << 20,
        },
    );
    let value = |(word, kind): (&u64, &ValueType)| match kind {
        ValueType::I32 => Value::I32(*word as u32),
        ValueType::I64 => Value::I64(*word),
    };
    let outcome = match &run.end {
        End::Return(words) => Outcome::Return(words.iter().zip(&lowered.entry.results).map(value).collect()),
        End::Exit(code) => Outcome::Exit(*code),
        End::Trap(kind) => Outcome::Trap(*kind),
        End::OutOfFuel => Outcome::OutOfFuel,
        end => panic!("the run ended with {end:?}"),
    };
    let job = Assignment::NONE;
    let outputs = run.outputs.map(|bytes| TapeWords::from_bytes(&bytes));
    let tapes = PublicTapes {
        input: input.to_vec(),
        inbound: vec![],
        outputs,
    };
    let proven = Proven {
        network: job.network,
        job: job.job,
        slot: job.slot,
        nonce: job.nonce(),
        executor: job.executor,
        capsule: subject.capsule_hash(),
        machine: VERSION,
        policy: policy.hash(),
        entry: entry.to_owned(),
        arguments: arguments.to_vec(),
        input: InputDigest::hash(&[input]),
        sealed_input: secret.input.as_ref().map(SealedInput::commitment),
        inbound: InboundDigest::hash(&[b""]),
        output: Output::Digest(tapes.output_digest()),
        outcome,
        fuel_used: run.fuel,
        peak_pages: run.pages,
        segment_chain: SegmentChain::ZERO,
    };
    let attested = Attested {
        checkpoint_root: CheckpointRoot::ZERO,
        audit_root: AuditRoot::ZERO,
        poi_pre: None,
        poi_post: None,
    };
    let record = ExecutionRecord { proven, attested };
    ExecutionStatement::of_run(subject, record, input.to_vec(), vec![], secret)
        .expect("the record is the run's")
}

/// The statement with its record changed, if what it says is still well-formed.
pub(crate) fn altered(
    honest: &ExecutionStatement,
    change: impl Fn(&mut ExecutionRecord, &mut PublicTapes),
) -> Option<ExecutionStatement> {
    let (mut record, mut tapes) = (honest.record().clone(), honest.tapes().clone());
    change(&mut record, &mut tapes);
    record.proven.input = InputDigest::hash(&[&tapes.input]);
    record.proven.output = Output::Digest(tapes.output_digest());
    ExecutionStatement::new(honest.subject().clone(), record, tapes).ok()
}

pub(crate) fn seeds() -> impl FnMut() -> Seed + Send {
    || {
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).expect("the system gives randomness");
        Seed::new(fresh)
    }
}

pub(crate) fn prove(statement: &ExecutionStatement) -> Vec<u8> {
    prove_sealed(statement, &Secret::default())
}

pub(crate) fn prove_sealed(statement: &ExecutionStatement, secret: &Secret) -> Vec<u8> {
    let mut seeds = seeds();
    BACKEND
        .prove(statement, secret, &mut Proving::new(&mut seeds))
        .expect("a true statement is proved")
}

pub(crate) fn more(fuel: Fuel) -> Fuel {
    Fuel::new(fuel.get() + 1)
}

/// The shared backend, as one that can be handed over.
pub(crate) struct Shared;

impl nonos_verify::ProofSystem<ExecutionStatement> for Shared {
    fn id(&self) -> nonos_verify::BackendId {
        BACKEND.id()
    }

    fn max_proof_len(&self) -> nonos_types::ByteLen {
        BACKEND.max_proof_len()
    }

    fn vk_digest(&self, s: &ExecutionStatement, proof: &[u8]) -> Result<nonos_types::VkDigest, Refusal> {
        BACKEND.vk_digest(s, proof)
    }

    fn prove(
        &self,
        s: &ExecutionStatement,
        w: &Secret,
        proving: &mut Proving<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        BACKEND.prove(s, w, proving)
    }

    fn verify(&self, s: &ExecutionStatement, proof: &[u8]) -> Result<LastChallenge, Refusal> {
        BACKEND.verify(s, proof)
    }

    fn verify_batch(&self, claims: &[(&ExecutionStatement, &[u8])]) -> Vec<Result<LastChallenge, Refusal>> {
        BACKEND.verify_batch(claims)
    }

    fn batch_key(&self, proof: &[u8]) -> Option<nonos_verify::BatchKey> {
        BACKEND.batch_key(proof)
    }
}
