//! A proof system of one's own for runs of capsules, judged by the suite and swapped for the others at run time.
//! The page that walks through it is `docs/backends.md`.
//!
//! `cargo run -p nonos-examples --example custom_backend -- toy` (or `stark`, or `halo2`)
//!
//! The toy, [`ShowTrace`], is neither zero knowledge nor succinct: its proof is the run's tables, every row in clear, and
//! its verifier evaluates every rule on every row. It is sound all the same, and without any assumption: what it
//! accepts is a run, because the machine's tables say so. A real backend replaces two things, "all rows" by
//! commitments with openings and "evaluates" by an argument, and keeps everything else that is here.

#[path = "custom_backend/backend.rs"]
mod backend;
#[path = "custom_backend/rows.rs"]
mod rows;
#[cfg(test)]
#[path = "custom_backend/tests.rs"]
mod tests;

use std::error::Error;
use std::sync::Arc;

use nonos_machine::{ExecutionStatement, PublicTapes, Secret, Subject};
use nonos_types::{CommitmentScheme, Fuel, Value};
use nonos_verify::testing::{Report, Suite};
use nonos_verify::{Erased, ProofSystem, Prover, Proving, Seed, Statement, Verifier, VerifierSet};
use nonos_verify_halo2::{Halo2, ParamsStore};
use nonos_verify_stark::{Profile, Stark};

use backend::ShowTrace;

/// Sums the numbers up to `n` and the first word of the input, in memory, with a host call at the end.
const SUM: &str = r#"(module
  (import "nonos" "read" (func $read (param i32) (result i64)))
  (import "nonos" "write" (func $write (param i32 i64)))
  (memory 1) (data (i32.const 5) "seed")
  (func (export "run") (param $n i32) (result i64)
    (i64.store (i32.const 16) (i64.xor (call $read (i32.const 0)) (i64.load32_u (i32.const 5))))
    (loop $l
      (i64.store (i32.const 16) (i64.add (i64.load (i32.const 16)) (i64.extend_i32_u (local.get $n))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $write (i32.const 3) (i64.load (i32.const 16)))
    (i64.load (i32.const 16))))"#;

/// A real run and what it proves: the module is lowered and executed, its outcome is the statement.
fn statement(n: u32, secret: &Secret) -> Result<ExecutionStatement, Box<dyn Error>> {
    let subject = Subject::Module(wat::parse_str(SUM)?.into());
    let arguments = [Value::I32(n)];
    Ok(ExecutionStatement::of_call(
        subject,
        "run",
        &arguments,
        b"an input",
        secret,
    )?)
}

/// The statement with more fuel, and with another byte of output: two claims that are false.
fn lies(honest: &ExecutionStatement) -> Result<[(&'static str, ExecutionStatement); 2], Box<dyn Error>> {
    let lie = |change: &dyn Fn(&mut Fuel, &mut PublicTapes)| {
        let (mut record, mut tapes) = (honest.record().clone(), honest.tapes().clone());
        change(&mut record.proven.fuel_used, &mut tapes);
        record.proven.output = nonos_types::Output::Digest(tapes.output_digest());
        ExecutionStatement::new(honest.subject().clone(), record, tapes)
    };
    Ok([
        ("fuel", lie(&|fuel, _| *fuel = Fuel::new(fuel.get() + 1))?),
        ("output", lie(&|_, tapes| tapes.outputs[0].words[0] ^= 1)?),
    ])
}

/// A backend as its users have it: one that proves, one that verifies, and what the suite says of it.
struct Chosen {
    prover: Arc<dyn Prover<ExecutionStatement>>,
    verifier: Arc<dyn Verifier>,
    report: Report,
}

fn behind<B: ProofSystem<ExecutionStatement>>(backend: B) -> Result<Chosen, Box<dyn Error>> {
    let backend = Arc::new(backend);
    let first = statement(3, &Secret::default())?;
    let lies = lies(&first)?;
    let pair = |statement| (statement, Secret::default());
    let suite = Suite::new(pair(first), pair(statement(4, &Secret::default())?)).flips(8);
    let suite = lies
        .iter()
        .fold(suite, |suite, (field, lie)| suite.tampered(field, lie));
    let report = suite.run(Arc::clone(&backend));
    let erased = Arc::new(Erased::new(backend));
    Ok(Chosen {
        prover: erased.clone(),
        verifier: erased,
        report,
    })
}

/// The only place that knows which backends there are.
fn choose(name: &str) -> Result<Chosen, Box<dyn Error>> {
    match name {
        "toy" => behind(ShowTrace::new()),
        "stark" => behind(Stark::new(Profile::Fast)),
        "halo2" => {
            let params = std::env::temp_dir().join("nonos-params");
            behind(Halo2::new(ParamsStore::in_directory(params))?)
        }
        _ => Err(format!("no backend {name:?}: toy, stark or halo2").into()),
    }
}

fn fresh() -> Seed {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system gives randomness");
    Seed::new(bytes)
}

/// The same for every backend: prove, verify by a set, refuse lies. Returns what there is to say.
fn show(name: &str) -> Result<String, Box<dyn Error>> {
    let chosen = choose(name)?;
    let mut accepted = VerifierSet::default();
    accepted.insert(chosen.verifier)?;

    let statement = statement(50, &Secret::default())?;
    let mut seeds = fresh;
    let proof = chosen
        .prover
        .prove(&statement, &Secret::default(), &mut Proving::new(&mut seeds))?;
    let backend = chosen.prover.backend_id();
    let verifier = accepted.get(&ExecutionStatement::ID, &backend, proof.vk)?;
    verifier.verify(&statement.public(), &proof)?;

    let mut said = format!("{backend}: {proof:?} verifies\n{}\n", chosen.report);
    for (field, lie) in lies(&statement)? {
        match verifier.verify(&lie.public(), &proof) {
            Ok(_) => return Err(format!("false {field} accepted").into()),
            Err(refusal) => said += &format!("false {field}: {refusal}\n"),
        }
    }
    let salt = nonos_machine::Salt::new(fresh().into_bytes());
    // Each backend opens commitments over its own field.
    let scheme = match name {
        "stark" => CommitmentScheme::POSEIDON2_KOALABEAR_1,
        _ => CommitmentScheme::POSEIDON_PALLAS_1,
    };
    let secret = Secret {
        input: None,
        outputs: Some(salt),
        scheme,
    };
    let sealed = self::statement(3, &secret)?;
    let proved = chosen
        .prover
        .prove(&sealed, &secret, &mut Proving::new(&mut seeds));
    said += &match proved {
        Ok(proof) => format!("sealed outputs: {proof:?}"),
        Err(error) => format!("sealed outputs: {error}"),
    };
    if chosen.report.failures.is_empty() {
        Ok(said)
    } else {
        Err(said.into())
    }
}

#[expect(clippy::print_stdout, reason = "an example speaks")]
fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1);
    println!("{}", show(name.as_deref().unwrap_or("toy"))?);
    Ok(())
}
