//! Verifies a receipt that a node wrote to a file, without a node: no RocksDB, no tokio, no sandbox.
//!
//! `cargo run -p nonos-examples --example verify_receipt -- FILE` for what `operator receipt export` wrote; without a file
//! it makes a receipt of its own first, as an executor would.

use std::error::Error;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use nonos_machine::{ExecutionStatement, PublicTapes, Secret, Subject, tables::TapeWords};
use nonos_package::{Package, builder};
use nonos_types::{
    Amount, Assignment, Attempt, ByteLen, JobId, NetworkId, NodeId, ProofDigest, Receipt, Signed, Slot,
    TapesDigest, Timestamp,
};
use nonos_verify::{Erased, Prover as _, Proving, ReceiptFile, Seed, Statement as _, VerifierSet};
use nonos_verify_halo2::{Halo2, ParamsStore};
use nonos_verify_stark::{Profile, Stark};

/// Which proofs are accepted: every backend and key has to be put in by name.
fn accepted() -> Result<VerifierSet, Box<dyn Error>> {
    let mut accepted = VerifierSet::default();
    // The profile is the prover's: a verifier reads it from the proof.
    let stark = Stark::new(Profile::Fast);
    accepted.insert(Arc::new(Erased::<ExecutionStatement, _>::new(stark)))?;
    let params = ParamsStore::in_directory(std::env::temp_dir().join("nonos-params"));
    accepted.insert(Arc::new(Erased::<ExecutionStatement, _>::new(Halo2::new(
        params,
    )?)))?;
    Ok(accepted)
}

/// From bytes that a stranger gave to what they prove, or a refusal.
fn verify(bytes: &[u8]) -> Result<String, Box<dyn Error>> {
    // The signature is the executor's, and tapes and proof are those that it signed for.
    let file = ReceiptFile::from_bytes(bytes)?;
    let receipt = file.receipt();
    // The capsule: here the one in the file. Whoever means a certain one takes that, and never asks the file.
    let package = Package::decode(file.package().ok_or("the capsule is not in the file")?)?;
    let name = package.manifest().name.clone();

    let claim = file.claim(Subject::Capsule(Box::new(package)).to_bytes());
    let accepted = accepted()?;
    let verifier = accepted.get(&ExecutionStatement::ID, &receipt.backend, receipt.verifying_key)?;
    verifier.verify(&claim.public, &claim.proof)?;

    // Everything below is proved: the claim was read once more by the verifier itself.
    let proven = &receipt.record.proven;
    let tapes = PublicTapes::from_bytes(file.tapes()).ok_or("no tapes")?;
    Ok(format!(
        "{name} ({}) ended in {} with {} fuel; result {:02x?}\nrun and signed by {}, proved by {}",
        proven.capsule,
        proven.outcome,
        proven.fuel_used,
        TapeWords::bytes(&tapes.outputs[0]),
        receipt.signer(),
        receipt.backend,
    ))
}

/// Reads a number and writes its double.
const DOUBLE: &str = r#"(module
  (import "nonos" "read" (func $read (param i32) (result i64)))
  (import "nonos" "write" (func $write (param i32 i64)))
  (func (export "run") (call $write (i32.const 3) (i64.mul (call $read (i32.const 0)) (i64.const 2)))))"#;

const MANIFEST: &str = r#"
[meta]
name = "double"
version = "1.0.0"
author = "an example"
[exec]
entry = "run"
[resources]
fuel = 1000
mem = "64KiB"
[host]
calls = ["read", "write"]
"#;

/// What an executor does, without a mesh: runs, proves, signs.
fn make() -> Result<Vec<u8>, Box<dyn Error>> {
    let author = SigningKey::from_bytes(&[1; 32]);
    let executor = SigningKey::from_bytes(&[2; 32]);
    let package = builder::pack(&wat::parse_str(DOUBLE)?, MANIFEST, &author)?;
    let subject = Subject::Capsule(Box::new(package.clone()));
    let input = 21_u64.to_le_bytes();
    let run = ExecutionStatement::of_call(subject.clone(), "run", &[], &input, &Secret::default())?;

    // A run for a job: the record names it, and a nonce that no other run has.
    let assignment = Assignment {
        network: NetworkId::named("example"),
        job: JobId::hash(&[b"an offer"]),
        slot: Slot::ZERO,
        executor: NodeId::from_bytes(executor.verifying_key().to_bytes()),
        attempt: Attempt::new(0),
    };
    let mut record = run.record().clone();
    record.proven.network = assignment.network;
    record.proven.job = assignment.job;
    record.proven.slot = assignment.slot;
    record.proven.executor = assignment.executor;
    record.proven.nonce = assignment.nonce();
    let statement = ExecutionStatement::new(subject, record.clone(), run.tapes().clone())?;

    let stark = Erased::<ExecutionStatement, _>::new(Stark::new(Profile::Fast));
    let mut seeds = || {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the system gives randomness");
        Seed::new(bytes)
    };
    let proof = stark.prove(&statement, &Secret::default(), &mut Proving::new(&mut seeds))?;
    let tapes = statement.tapes().to_bytes();
    let receipt = Receipt {
        record,
        attempt: assignment.attempt,
        backend: stark.backend_id(),
        verifying_key: proof.vk,
        proof: ProofDigest::hash(&[&proof.bytes]),
        proof_len: ByteLen::from(proof.bytes.len()),
        tapes: TapesDigest::hash(&[&tapes]),
        tapes_len: ByteLen::from(tapes.len()),
        fee: Amount::ZERO,
        transfers: vec![],
        at: Timestamp::new(1_800_000_000),
        result: None,
    };
    let file = ReceiptFile::new(
        Signed::new(receipt, &executor),
        tapes,
        proof.bytes.to_vec(),
        Some(package.bytes().to_vec()),
    )?;
    Ok(file.to_bytes())
}

#[expect(clippy::print_stdout, reason = "an example speaks")]
fn main() -> Result<(), Box<dyn Error>> {
    let bytes = match std::env::args_os().nth(1) {
        Some(path) => std::fs::read(path)?,
        None => make()?,
    };
    println!("{}", verify(&bytes)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_proved_and_refuses_what_is_not() {
        let bytes = make().expect("a receipt");
        let said = verify(&bytes).expect("it verifies");
        assert!(said.starts_with("double ("), "{said}");
        assert!(said.contains("result [2a, 00, 00, 00, 00, 00, 00, 00]"), "{said}");

        // The same executor signs for another result: signature and digests are right, and the proof is not.
        let honest = ReceiptFile::from_bytes(&bytes).expect("a file");
        let mut tapes = PublicTapes::from_bytes(honest.tapes()).expect("tapes");
        tapes.outputs[0].words[0] = 43;
        let mut lying = honest.receipt().value().clone();
        lying.record.proven.output = nonos_types::Output::Digest(tapes.output_digest());
        let tapes = tapes.to_bytes();
        lying.tapes = TapesDigest::hash(&[&tapes]);
        let signed = Signed::new(lying, &SigningKey::from_bytes(&[2; 32]));
        let package = honest.package().map(Into::into);
        let proof = honest.claim(vec![]).proof.bytes.to_vec();
        let lie = ReceiptFile::new(signed, tapes, proof, package).expect("a file");
        verify(&lie.to_bytes()).expect_err("the proof is of another result");
    }
}
