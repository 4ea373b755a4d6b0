//! Proves a call of a wasm function, and verifies the proof: the whole of it, without a capsule, a job or a node.
//!
//! `cargo run -p nonos-examples --example prove_and_verify -- 20`

use std::error::Error;

use nonos_machine::{ExecutionStatement, Secret, Subject};
use nonos_types::{Outcome, Value};
use nonos_verify::{Erased, Prover as _, Proving, Seed, Statement as _, Verifier as _, VerifyError};
use nonos_verify_stark::{Profile, Stark};

/// The nth Fibonacci number.
const FIBONACCI: &str = r#"(module (func (export "fib") (param $n i32) (result i64)
  (local $a i64) (local $b i64) (local $t i64)
  (local.set $b (i64.const 1))
  (block $done (loop $next
    (br_if $done (i32.eqz (local.get $n)))
    (local.set $t (i64.add (local.get $a) (local.get $b)))
    (local.set $a (local.get $b))
    (local.set $b (local.get $t))
    (local.set $n (i32.sub (local.get $n) (i32.const 1)))
    (br $next)))
  (local.get $a)))"#;

/// Proves the call and verifies it; the result, and the proof's length.
fn prove_and_verify(n: u32) -> Result<(u64, usize), Box<dyn Error>> {
    // What is to be proved: a call on the machine, and how it ended.
    let module = Subject::Module(wat::parse_str(FIBONACCI)?.into());
    let (nothing, arguments) = (Secret::default(), [Value::I32(n)]);
    let statement = ExecutionStatement::of_call(module, "fib", &arguments, b"", &nothing)?;

    let backend = Erased::<ExecutionStatement, _>::new(Stark::new(Profile::Fast));
    let mut seeds = || {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the system gives randomness");
        Seed::new(bytes)
    };
    let proof = backend.prove(&statement, &nothing, &mut Proving::new(&mut seeds))?;

    // Elsewhere: bytes in, verdict out. The verifier runs nothing.
    backend.verify(&statement.public(), &proof)?;

    // A lie about the result, with the same proof.
    let Outcome::Return(values) = &statement.record().proven.outcome else {
        return Err("it did not return".into());
    };
    let [Value::I64(result)] = values[..] else {
        return Err("it did not return one number".into());
    };
    let mut record = statement.record().clone();
    record.proven.outcome = Outcome::Return(vec![Value::I64(result + 1)]);
    let lie = ExecutionStatement::new(statement.subject().clone(), record, statement.tapes().clone())?;
    match backend.verify(&lie.public(), &proof) {
        Err(VerifyError::Rejected { .. }) => Ok((result, proof.bytes.len())),
        other => Err(format!("a lie was not rejected: {other:?}").into()),
    }
}

#[expect(clippy::print_stdout, reason = "an example speaks")]
fn main() -> Result<(), Box<dyn Error>> {
    let n = std::env::args().nth(1).map_or(Ok(20), |n| n.parse())?;
    let (result, len) = prove_and_verify(n)?;
    println!(
        "fib({n}) = {result}, proved in {len} bytes, verified; {} refused",
        result + 1
    );
    Ok(())
}

#[test]
fn proves_what_the_function_gives() {
    let (result, len) = prove_and_verify(20).expect("it is proved");
    assert_eq!(result, 6765);
    assert!(len > 1000, "{len}");
}
