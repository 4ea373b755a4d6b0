//! Proofs of runs with sealed tapes: they show what was committed to, and nothing of it.

use nonos_machine::{ExecutionStatement, PublicTapes, SealedInput, Secret, StatementError};
use nonos_seal::{Salt, Tape, commit_outputs};
use nonos_types::{Commitment, CommitmentScheme, ExecutionRecord, Outcome, Output};
use nonos_verify::{ProofSystem, ProveError, Proving, Refusal, Statement};

use crate::runs::{BACKEND, module, prove_sealed, sealed_statement, seeds};

/// Sums the words of the sealed tape, asks for its length, reads on behind the end; writes each word shifted to the
/// result, of which the last three bytes are cut, and one to the log.
const SUM: &str = r#"(module
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
fn secret_bytes(len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| ((i * i * 31 + i * 97 + 0x5a) % 253) as u8 | 1)
        .collect()
}

fn salt(n: u8) -> Salt {
    Salt::new(std::array::from_fn(|i| {
        (i as u8).wrapping_mul(73).wrapping_add(n).wrapping_mul(29) | 1
    }))
}

fn input(bytes: &[u8], n: u8) -> SealedInput {
    SealedInput {
        bytes: bytes.to_vec().into(),
        salt: salt(n),
    }
}

fn secret(len: usize, outputs: bool) -> Secret {
    Secret {
        input: Some(input(&secret_bytes(len), 1)),
        outputs: outputs.then(|| salt(2)),
        ..Secret::default()
    }
}

fn run(secret: &Secret) -> ExecutionStatement {
    sealed_statement(module(SUM), "run", &[], b"", secret)
}

fn altered(
    honest: &ExecutionStatement,
    change: impl Fn(&mut ExecutionRecord, &mut PublicTapes),
) -> Result<ExecutionStatement, StatementError> {
    let (mut record, mut tapes) = (honest.record().clone(), honest.tapes().clone());
    change(&mut record, &mut tapes);
    ExecutionStatement::new(honest.subject().clone(), record, tapes)
}

fn is_false(statement: &ExecutionStatement, secret: &Secret) -> Option<&'static str> {
    let mut seeds = seeds();
    let made = BACKEND.prove(statement, secret, &mut Proving::new(&mut seeds));
    let violation = statement.check(secret).err()?;
    match made {
        Err(ProveError::False { violation: found }) if found == violation => Some(violation.clause),
        other => panic!("expected {violation}, got {other:?}"),
    }
}

fn refuses(statement: &ExecutionStatement, proof: &[u8], what: &str) {
    let verdict = BACKEND.verify(statement, proof);
    assert!(
        matches!(
            verdict,
            Err(Refusal::Rejected { .. } | Refusal::MalformedProof { .. } | Refusal::MalformedPublic { .. })
        ),
        "{what}: {verdict:?}"
    );
}

#[test]
fn shows_a_run_of_sealed_tapes_and_nothing_of_them() {
    let secret = secret(75, true);
    let statement = run(&secret);
    assert_eq!(statement.check(&secret), Ok(()));
    let (one, other) = (
        prove_sealed(&statement, &secret),
        prove_sealed(&statement, &secret),
    );
    assert_eq!(BACKEND.verify(&statement, &one).map(drop), Ok(()));
    assert_eq!(BACKEND.verify(&statement, &other).map(drop), Ok(()));
    assert_ne!(one, other);

    // What goes to the verifier decodes, and holds no word of the input, the outputs or the salts.
    let public = statement.public();
    assert_eq!(ExecutionStatement::decode(&public).as_ref(), Ok(&statement));
    let mut shown = one;
    shown.extend(public.statement());
    shown.extend(public.attachment(1).expect("the tapes"));
    let bytes = secret_bytes(75);
    let words = bytes
        .chunks_exact(8)
        .map(|word| u64::from_le_bytes(word.try_into().expect("8")));
    let sum = words.clone().fold(0u64, u64::wrapping_add);
    let results = words.clone().map(|word| word.rotate_left(9));
    let salts = [salt(1), salt(2)];
    let salts = salts
        .iter()
        .flat_map(|salt| salt.as_bytes().chunks_exact(8).map(<[u8]>::to_vec));
    let secrets = words
        .chain(results)
        .chain([sum])
        .map(|word| word.to_le_bytes().to_vec());
    for hidden in secrets.chain(salts) {
        let parts = [&hidden[..4], &hidden[4..]];
        assert!(
            !parts
                .iter()
                .any(|part| shown.windows(4).any(|window| window == *part)),
            "{hidden:x?} is shown"
        );
    }
}

#[test]
fn refuses_another_commitment_and_another_opening() {
    let honest_secret = secret(75, true);
    let honest = run(&honest_secret);
    let proof = prove_sealed(&honest, &honest_secret);
    assert_eq!(BACKEND.verify(&honest, &proof).map(drop), Ok(()));

    let bytes = secret_bytes(75);
    let mut bit = bytes.clone();
    bit[40] ^= 4;
    let mut swapped = bytes.clone();
    swapped[..16].rotate_left(8);
    let others = [
        ("a bit", input(&bit, 1)),
        ("the order", input(&swapped, 1)),
        ("the last word", input(&bytes[..72], 1)),
        ("the length", input(&bytes[..74], 1)),
        ("a zero byte more", input(&[&bytes[..], &[0]].concat(), 1)),
        ("the salt", input(&bytes, 3)),
    ];
    for (what, other) in others {
        let commitment = other.commitment();
        let changed = altered(&honest, |r, _| r.proven.sealed_input = Some(commitment)).expect(what);
        refuses(&changed, &proof, what);
        let other = Secret {
            input: Some(other),
            ..honest_secret.clone()
        };
        assert_eq!(is_false(&honest, &other), Some("sealed input"), "{what}");
    }
    let absent = Secret {
        input: None,
        ..honest_secret.clone()
    };
    assert_eq!(is_false(&honest, &absent), Some("sealed input"));

    // The commitments swapped; an output commitment with another salt.
    let Output::Commitment(output) = honest.record().proven.output else {
        panic!("the outputs are sealed");
    };
    let sealed = honest.record().proven.sealed_input.expect("sealed");
    let swapped = altered(&honest, |r, _| {
        r.proven.sealed_input = Some(output);
        r.proven.output = Output::Commitment(sealed);
    });
    refuses(&swapped.expect("well-formed"), &proof, "swapped");
    let resalted = Secret {
        outputs: Some(salt(9)),
        ..honest_secret.clone()
    };
    refuses(&run(&resalted), &proof, "the outputs' salt");
    assert_eq!(is_false(&honest, &resalted), Some("sealed output"));
    let outputs = commit_outputs(&[Tape::default(), Tape::default(), Tape::default()], &salt(2));
    let emptied = altered(&honest, |r, _| r.proven.output = Output::Commitment(outputs));
    let emptied = emptied.expect("well-formed");
    refuses(&emptied, &proof, "no output");
    assert_eq!(is_false(&emptied, &honest_secret), Some("sealed output"));
}

#[test]
fn refuses_to_take_a_sealed_run_for_an_open_one() {
    let (both, only_input) = (secret(20, true), secret(20, false));
    let (hidden, open) = (run(&both), run(&only_input));
    let (hidden_proof, open_proof) = (prove_sealed(&hidden, &both), prove_sealed(&open, &only_input));
    assert_eq!(BACKEND.verify(&open, &open_proof).map(drop), Ok(()));
    refuses(&hidden, &open_proof, "open outputs for sealed ones");
    refuses(&open, &hidden_proof, "sealed outputs for open ones");
    assert_eq!(is_false(&hidden, &only_input), Some("sealed output"));
    // Without its commitment the sealed input is an empty tape, in truth and in every proof.
    let unsealed = altered(&open, |r, _| r.proven.sealed_input = None).expect("well-formed");
    refuses(&unsealed, &open_proof, "no sealed input");
    assert!(is_false(&unsealed, &Secret::default()).is_some());
    // An output tape beside the commitment to it.
    let shown = altered(&hidden, |_, tapes| tapes.outputs = open.tapes().outputs.clone());
    assert_eq!(
        shown.expect_err("nothing of it may be shown"),
        StatementError::Differs {
            part: "output digest"
        }
    );
}

#[test]
fn refuses_commitments_of_other_schemes_and_bytes_that_are_no_field_element() {
    let secret = secret(9, false);
    let honest = run(&secret);
    let sealed = honest.record().proven.sealed_input.expect("sealed");
    let other = Commitment {
        scheme: CommitmentScheme(3),
        ..sealed
    };
    for output in [false, true] {
        let changed = altered(&honest, |r, tapes| {
            if output {
                r.proven.output = Output::Commitment(other);
                tapes.outputs = Default::default();
            } else {
                r.proven.sealed_input = Some(other);
            }
        });
        let error = changed.expect_err("a scheme that no one can check");
        assert_eq!(
            error,
            StatementError::Differs {
                part: "commitment scheme"
            }
        );
    }
    // The scheme of another backend is a statement, but none that this one proves.
    let foreign = Secret {
        scheme: CommitmentScheme::POSEIDON2_KOALABEAR_1,
        ..secret.clone()
    };
    let foreign = run(&Secret {
        input: None,
        outputs: Some(salt(2)),
        ..foreign
    });
    assert_eq!(foreign.scheme(), Some(CommitmentScheme::POSEIDON2_KOALABEAR_1));
    let mut seeds = seeds();
    let opened = Secret {
        input: None,
        outputs: Some(salt(2)),
        ..Secret::default()
    };
    let made = BACKEND.prove(&foreign, &opened, &mut Proving::new(&mut seeds));
    assert!(matches!(made, Err(ProveError::Unsupported { .. })), "{made:?}");
    let proof = prove_sealed(&honest, &secret);
    for verdict in [
        BACKEND.verify(&foreign, &proof),
        BACKEND.verify_batch(&[(&foreign, &proof)]).remove(0),
    ] {
        let part = "scheme of the commitments";
        assert_eq!(verdict, Err(Refusal::MalformedPublic { part }));
    }
    let beyond = Commitment {
        digest: [0xff; 32],
        ..sealed
    };
    let changed = altered(&honest, |r, _| r.proven.sealed_input = Some(beyond)).expect("well-formed");
    let verdict = BACKEND.verify(&changed, &proof);
    assert!(
        matches!(verdict, Err(Refusal::MalformedPublic { .. })),
        "{verdict:?}"
    );
    // The same element, less reduced: the digest plus the order of the field.
    let order = "01000000ed302d991bf94c09fc984622 00000000000000000000000000000040".replace(' ', "");
    let mut carry = 0;
    let mut digest = sealed.digest;
    for (i, byte) in digest.iter_mut().enumerate() {
        let of_order = u16::from_str_radix(&order[2 * i..2 * i + 2], 16).expect("hex");
        let sum = u16::from(*byte) + of_order + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    let unreduced = altered(&honest, |r, _| {
        r.proven.sealed_input = Some(Commitment { digest, ..sealed });
    });
    let verdict = BACKEND.verify(&unreduced.expect("well-formed"), &proof);
    assert!(
        matches!(verdict, Err(Refusal::MalformedPublic { .. })),
        "{verdict:?}"
    );
}

#[test]
fn proves_sealed_tapes_of_every_length_around_a_block_and_of_none() {
    for len in [0, 1, 47, 48, 49, 96] {
        let secret = secret(len, true);
        let statement = run(&secret);
        assert_eq!(
            statement.record().proven.outcome,
            Outcome::Return(vec![]),
            "{len} bytes"
        );
        let proof = prove_sealed(&statement, &secret);
        assert_eq!(
            BACKEND.verify(&statement, &proof).map(drop),
            Ok(()),
            "{len} bytes"
        );
    }
    // Sealed outputs of a run without sealed input, and a sealed input that is not read.
    let secret = Secret {
        outputs: Some(salt(4)),
        ..Secret::default()
    };
    let statement = run(&secret);
    let proof = prove_sealed(&statement, &secret);
    assert_eq!(BACKEND.verify(&statement, &proof).map(drop), Ok(()));
    let idle = module(r#"(module (func (export "run") (result i32) (i32.const 7)))"#);
    let secret = Secret {
        input: Some(input(b"unread", 5)),
        ..Secret::default()
    };
    let statement = sealed_statement(idle, "run", &[], b"", &secret);
    let proof = prove_sealed(&statement, &secret);
    assert_eq!(BACKEND.verify(&statement, &proof).map(drop), Ok(()));
}
