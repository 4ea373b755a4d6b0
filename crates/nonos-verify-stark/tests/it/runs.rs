//! Statements of runs, made by the machine alone.

use std::sync::LazyLock;

use nonos_machine::{ExecutionStatement, PublicTapes, Salt, SealedInput, Secret, Subject};
use nonos_types::{CommitmentScheme, ExecutionRecord, Fuel, InputDigest, Output, Value};
use nonos_verify::{ProofSystem, Proving, Seed};
use nonos_verify_stark::{Profile, Stark};

/// One backend for all tests.
pub(crate) static BACKEND: LazyLock<Stark> = LazyLock::new(|| Stark::new(Profile::Fast));

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
    ExecutionStatement::of_call(subject, entry, arguments, input, secret).expect("the call is one")
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

/// Sums the words of the sealed tape, asks for its length, reads on behind the end; writes each word shifted to the
/// result, and the sum to the log, of which the last three bytes are cut.
pub(crate) const SUM: &str = r#"(module
  (import "nonos" "len" (func $len (param i32) (result i64)))
  (import "nonos" "read" (func $read (param i32) (result i64)))
  (import "nonos" "write" (func $write (param i32 i64)))
  (import "nonos" "commit_len" (func $commit (param i32 i64)))
  (func (export "run") (local $n i64) (local $s i64) (local $w i64)
    (local.set $n (i64.shr_u (i64.add (call $len (i32.const 1)) (i64.const 7)) (i64.const 3)))
    (block $done (loop $l
      (br_if $done (i64.eqz (local.get $n)))
      (local.set $n (i64.sub (local.get $n) (i64.const 1)))
      (local.set $w (call $read (i32.const 1)))
      (local.set $s (i64.add (local.get $s) (local.get $w)))
      (call $write (i32.const 3) (i64.rotl (local.get $w) (i64.const 9)))
      (br $l)))
    (drop (call $read (i32.const 1)))
    (drop (call $read (i32.const 1)))
    (call $write (i32.const 5) (local.get $s))
    (call $commit (i32.const 5) (i64.const 5))))"#;

/// Bytes that occur nowhere by chance.
pub(crate) fn secret_bytes(len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| ((i * i * 31 + i * 97 + 0x5a) % 253) as u8 | 1)
        .collect()
}

pub(crate) fn salt(n: u8) -> Salt {
    Salt::new(std::array::from_fn(|i| {
        (i as u8).wrapping_mul(73).wrapping_add(n).wrapping_mul(29) | 1
    }))
}

pub(crate) fn sealed_input(bytes: &[u8], n: u8) -> SealedInput {
    SealedInput {
        bytes: bytes.to_vec().into(),
        salt: salt(n),
    }
}

/// What this backend proves: an input of so many bytes, and perhaps the outputs.
pub(crate) fn secret(len: usize, outputs: bool) -> Secret {
    Secret {
        input: Some(sealed_input(&secret_bytes(len), 1)),
        outputs: outputs.then(|| salt(2)),
        scheme: CommitmentScheme::POSEIDON2_KOALABEAR_1,
    }
}

/// The run of [`SUM`] on it.
pub(crate) fn sum(secret: &Secret) -> ExecutionStatement {
    sealed_statement(module(SUM), "run", &[], b"", secret)
}
