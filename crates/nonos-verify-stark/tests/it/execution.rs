//! Proofs of runs: accepted when true, refused with any part changed.

use nonos_machine::{ExecutionStatement, PublicTapes, Secret};
use nonos_types::{AuditRoot, ExecutionRecord, Fuel, Nonce, Outcome, Pages, Value};
use nonos_verify::testing::Suite;
use nonos_verify::{ProofSystem, Refusal, Statement};
use nonos_verify_stark::{Profile, Stark};

use crate::runs::{BACKEND, altered, module, more, prove, statement};

/// Calls, a loop, memory, a global, a tape.
const MIX: &str = r#"(module
  (import "nonos" "write" (func $write (param i32 i64)))
  (import "nonos" "read" (func $read (param i32) (result i64)))
  (global $g (mut i64) (i64.const 3)) (memory 1 2) (data (i32.const 13) "seed")
  (func $mix (param $x i64) (result i64)
    (global.set $g (i64.add (global.get $g) (i64.const 1)))
    (i64.xor (i64.rotl (local.get $x) (i64.const 7)) (i64.mul (local.get $x) (global.get $g))))
  (func (export "run") (param $n i32) (param $k i64) (result i64) (local $s i64)
    (local.set $s (call $read (i32.const 0)))
    (loop $l
      (i64.store offset=5 (local.get $n) (local.get $s))
      (local.set $s (call $mix (i64.add (local.get $k) (i64.load32_s (i32.const 13)))))
      (local.set $s (i64.add (local.get $s) (i64.load offset=5 (local.get $n))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $write (i32.const 3) (local.get $s))
    (i64.add (local.get $s) (i64.extend_i32_u (memory.grow (i32.const 1))))))"#;

fn mix(n: u32) -> ExecutionStatement {
    statement(
        module(MIX),
        "run",
        &[Value::I32(n), Value::I64(u64::MAX - 5)],
        b"an input tape",
    )
}

#[test]
fn a_run_is_proved_and_verified_and_every_other_claim_refused() {
    let honest = mix(12);
    let proof = prove(&honest);
    assert_eq!(BACKEND.verify(&honest, &proof).map(drop), Ok(()));

    let other = |what: &str, change: &dyn Fn(&mut ExecutionRecord, &mut PublicTapes)| {
        let changed = altered(&honest, change).unwrap_or_else(|| panic!("{what}: not a statement"));
        assert_ne!(changed.bytes(), honest.bytes(), "{what}");
        let verdict = BACKEND.verify(&changed, &proof);
        // Another number of words can be another height of a table that the verifier writes.
        assert!(
            matches!(
                verdict,
                Err(Refusal::Rejected { .. }
                    | Refusal::MalformedProof {
                        part: "height of a public table"
                    })
            ),
            "{what}: {verdict:?}"
        );
    };
    other("result", &|r, _| {
        let Outcome::Return(values) = &mut r.proven.outcome else {
            panic!("it returned")
        };
        values[0] = Value::I64(values[0].word() + 1);
    });
    other("exit instead of return", &|r, _| {
        r.proven.outcome = Outcome::Exit(0)
    });
    other("more fuel", &|r, _| r.proven.fuel_used = more(r.proven.fuel_used));
    other("less fuel", &|r, _| {
        r.proven.fuel_used = Fuel::new(r.proven.fuel_used.get() - 1)
    });
    other("pages", &|r, _| r.proven.peak_pages = Pages::new(1));
    other("argument", &|r, _| r.proven.arguments[0] = Value::I32(11));
    other("nonce", &|r, _| r.proven.nonce = Nonce::hash(&[b"another"]));
    other("attested part", &|r, _| {
        r.attested.audit_root = AuditRoot::hash(&[b"another"])
    });
    other("input", &|_, t| t.input[3] ^= 1);
    other("longer input", &|_, t| t.input.push(0));
    other("output", &|_, t| t.outputs[0].words[0] ^= 1);
    other("output missing", &|_, t| t.outputs[0] = Default::default());
    other("output twice", &|_, t| {
        let word = t.outputs[0].words[0];
        t.outputs[0].words.push(word);
        t.outputs[0].len += 8;
    });
    other("output cut", &|_, t| t.outputs[0].len -= 1);
    other("log invented", &|_, t| {
        t.outputs[2] = nonos_machine::tables::TapeWords::from_bytes(b"log")
    });
}

#[test]
fn a_proof_is_refused_for_another_program_of_the_same_shape() {
    let proof = prove(&mix(3));
    let other = MIX.replace("i64.const 7", "i64.const 8");
    let other = statement(
        module(&other),
        "run",
        &[Value::I32(3), Value::I64(u64::MAX - 5)],
        b"an input tape",
    );
    assert!(BACKEND.verify(&other, &proof).is_err());
}

#[test]
fn a_proof_is_refused_for_another_entry_that_does_the_same() {
    let wat = r#"(module (func $f (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (export "first" (func $f)) (export "second" (func $f)))"#;
    let call = |entry| statement(module(wat), entry, &[Value::I32(41)], b"");
    let proof = prove(&call("first"));
    assert_eq!(BACKEND.verify(&call("first"), &proof).map(drop), Ok(()));
    assert!(BACKEND.verify(&call("second"), &proof).is_err());
}

#[test]
fn a_damaged_proof_is_refused_wherever_it_is_damaged() {
    let honest = mix(2);
    let proof = prove(&honest);
    // Every region: layout, commitments, evaluations, opening argument.
    for i in (0..32).chain((32..proof.len()).step_by(proof.len() / 64)) {
        let mut damaged = proof.clone();
        damaged[i] ^= 1;
        assert!(BACKEND.verify(&honest, &damaged).is_err(), "byte {i}");
    }
    for len in (0..64)
        .chain((64..proof.len()).step_by(proof.len() / 16))
        .chain([proof.len() - 1])
    {
        assert!(BACKEND.verify(&honest, &proof[..len]).is_err(), "cut to {len}");
    }
    for more in [&[0][..], &[0; 32], &proof] {
        assert!(
            BACKEND.verify(&honest, &[&proof, more].concat()).is_err(),
            "{} more",
            more.len()
        );
    }
}

#[test]
fn the_backend_passes_the_conformance_suite() {
    let statements = [mix(2), mix(4)];
    let tampered = altered(&statements[0], |r, _| {
        r.proven.fuel_used = more(r.proven.fuel_used)
    });
    let pair = |i: usize| (statements[i].clone(), Secret::default());
    let suite = Suite::new(pair(0), pair(1));
    let suite = suite.tampered("fuel", &tampered.expect("a statement")).flips(8);
    suite.run(Stark::new(Profile::Fast)).assert_clean();
}

#[test]
fn the_sha256_capsule_is_proved() {
    let wasm: &[u8] = include_bytes!("../../../../capsules/sha256/capsule.wasm");
    let subject = nonos_machine::Subject::Module(wasm.into());
    let honest = statement(subject, "main", &[], &[0x61; 64]);
    let proof = prove(&honest);
    assert_eq!(BACKEND.verify(&honest, &proof).map(drop), Ok(()));
    let mut wrong = honest.tapes().outputs[0].clone();
    wrong.words[2] ^= 1 << 40;
    let lie = altered(&honest, |_, t| t.outputs[0] = wrong.clone()).expect("a statement");
    assert!(BACKEND.verify(&lie, &proof).is_err());
}

/// Takes a minute without optimisation.
#[test]
fn heavy_the_sample_capsules_are_proved_on_their_real_inputs() {
    let sha256: &[u8] = include_bytes!("../../../../capsules/sha256/capsule.wasm");
    let sieve: &[u8] = include_bytes!("../../../../capsules/sieve/capsule.wasm");
    let text: &[u8] = include_bytes!("../../../../capsules/sha256/inputs/declaration-1k.txt");
    for (wasm, input) in [(sha256, text), (sieve, &2000u64.to_le_bytes()[..])] {
        let honest = statement(nonos_machine::Subject::Module(wasm.into()), "main", &[], input);
        let proof = prove(&honest);
        assert_eq!(BACKEND.verify(&honest, &proof).map(drop), Ok(()));
    }
}

#[test]
fn a_proof_of_one_profile_verifies_anywhere_and_under_its_own_key_only() {
    let honest = mix(2);
    let small = Stark::new(Profile::Small);
    let mut seeds = crate::runs::seeds();
    let mut proving = nonos_verify::Proving::new(&mut seeds);
    let proof = small
        .prove(&honest, &Secret::default(), &mut proving)
        .expect("a true statement");
    assert_eq!(BACKEND.verify(&honest, &proof).map(drop), Ok(()));
    assert_ne!(
        BACKEND.vk_digest(&honest, &proof),
        BACKEND.vk_digest(&honest, &prove(&honest))
    );
    let mut renamed = proof.clone();
    renamed[1] = prove(&honest)[1];
    assert!(BACKEND.verify(&honest, &renamed).is_err());
    let strong = Stark::new(Profile::Strong);
    let mut proving = nonos_verify::Proving::new(&mut seeds);
    let proof = strong.prove(&honest, &Secret::default(), &mut proving);
    assert_eq!(
        BACKEND
            .verify(&honest, &proof.expect("a true statement"))
            .map(drop),
        Ok(())
    );
}
