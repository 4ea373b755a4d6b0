//! Proofs of runs with sealed tapes: they show what was committed to, and nothing of it.

use nonos_machine::{ExecutionStatement, PublicTapes, Secret, StatementError};
use nonos_seal::{Tape, commit_outputs_by};
use nonos_types::{Commitment, CommitmentScheme, ExecutionRecord, Outcome, Output};
use nonos_verify::testing::Suite;
use nonos_verify::{ProofSystem, ProveError, Proving, Refusal, Statement};
use nonos_verify_stark::{Profile, Stark};

use crate::runs::{
    BACKEND, module, prove_sealed, salt, sealed_input, sealed_statement, secret, secret_bytes, seeds, sum,
};

const SCHEME: CommitmentScheme = CommitmentScheme::POSEIDON2_KOALABEAR_1;

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
            Err(Refusal::Rejected { .. } | Refusal::MalformedProof { .. })
        ),
        "{what}: {verdict:?}"
    );
}

#[test]
fn shows_a_run_of_sealed_tapes_and_nothing_of_them() {
    let secret = secret(75, true);
    let statement = sum(&secret);
    assert_eq!(statement.check(&secret), Ok(()));
    let proof = prove_sealed(&statement, &secret);
    assert_eq!(BACKEND.verify(&statement, &proof).map(drop), Ok(()));

    // What goes to the verifier decodes, and holds no word of the input, the outputs or the salts.
    let public = statement.public();
    assert_eq!(ExecutionStatement::decode(&public).as_ref(), Ok(&statement));
    let mut shown = proof;
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
        assert!(
            !shown.windows(8).any(|window| window == hidden),
            "{hidden:x?} is shown"
        );
    }
}

#[test]
fn refuses_another_commitment_and_another_opening() {
    let honest_secret = secret(75, true);
    let honest = sum(&honest_secret);
    let proof = prove_sealed(&honest, &honest_secret);
    assert_eq!(BACKEND.verify(&honest, &proof).map(drop), Ok(()));

    let bytes = secret_bytes(75);
    let mut bit = bytes.clone();
    bit[40] ^= 4;
    let mut swapped = bytes.clone();
    swapped[..16].rotate_left(8);
    let others = [
        ("a bit", sealed_input(&bit, 1)),
        ("the order", sealed_input(&swapped, 1)),
        ("the last word", sealed_input(&bytes[..72], 1)),
        ("the length", sealed_input(&bytes[..74], 1)),
        ("a zero byte more", sealed_input(&[&bytes[..], &[0]].concat(), 1)),
        ("the salt", sealed_input(&bytes, 3)),
    ];
    for (what, other) in others {
        let commitment = other.commitment_by(SCHEME);
        let changed = altered(&honest, |r, _| r.proven.sealed_input = commitment).expect(what);
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

    // The commitments swapped; an output commitment with another salt; one to nothing.
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
    refuses(&sum(&resalted), &proof, "the outputs' salt");
    assert_eq!(is_false(&honest, &resalted), Some("sealed output"));
    let nothing = [Tape::default(), Tape::default(), Tape::default()];
    let outputs = commit_outputs_by(SCHEME, &nothing, &salt(2)).expect("known");
    let emptied = altered(&honest, |r, _| r.proven.output = Output::Commitment(outputs));
    let emptied = emptied.expect("well-formed");
    refuses(&emptied, &proof, "no output");
    assert_eq!(is_false(&emptied, &honest_secret), Some("sealed output"));
}

#[test]
fn refuses_to_take_a_sealed_run_for_an_open_one() {
    let (both, only_input) = (secret(20, true), secret(20, false));
    let (hidden, open) = (sum(&both), sum(&only_input));
    let (hidden_proof, open_proof) = (prove_sealed(&hidden, &both), prove_sealed(&open, &only_input));
    assert_eq!(BACKEND.verify(&open, &open_proof).map(drop), Ok(()));
    refuses(&hidden, &open_proof, "open outputs for sealed ones");
    refuses(&open, &hidden_proof, "sealed outputs for open ones");
    assert_eq!(is_false(&hidden, &only_input), Some("sealed output"));
    // Without its commitment the sealed input is an empty tape, in truth and in every proof.
    let unsealed = altered(&open, |r, _| r.proven.sealed_input = None).expect("well-formed");
    let verdict = BACKEND.verify(&unsealed, &open_proof);
    let part = "hiding, or not, against what the statement asks for";
    assert_eq!(verdict, Err(Refusal::MalformedProof { part }));
    assert!(is_false(&unsealed, &Secret::default()).is_some());
}

#[test]
fn refuses_commitments_of_other_schemes_and_bytes_that_are_no_elements() {
    let secret = secret(9, false);
    let honest = sum(&secret);
    let sealed = honest.record().proven.sealed_input.expect("sealed");
    let proof = prove_sealed(&honest, &secret);
    // The other backend's scheme is a statement, but none that this one proves.
    let foreign = altered(&honest, |r, _| {
        r.proven.sealed_input = secret.input.as_ref().map(|input| input.commitment());
    });
    let foreign = foreign.expect("a scheme that is known");
    let mut seeds = seeds();
    let made = BACKEND.prove(&foreign, &secret, &mut Proving::new(&mut seeds));
    assert!(matches!(made, Err(ProveError::Unsupported { .. })), "{made:?}");
    let part = "scheme of the commitments";
    assert_eq!(
        BACKEND.verify(&foreign, &proof),
        Err(Refusal::MalformedPublic { part })
    );
    // Two schemes in one record are no statement.
    let of_both = altered(&honest, |r, _| {
        let digest = [0; 32];
        let scheme = CommitmentScheme::POSEIDON_PALLAS_1;
        r.proven.output = Output::Commitment(Commitment { scheme, digest });
    });
    let part = "commitment scheme";
    assert_eq!(of_both.err(), Some(StatementError::Differs { part }));
    // An element that is not reduced, though the same modulo the field's order.
    let order = 0x7f00_0001_u32;
    let mut digest = sealed.digest;
    let first = u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]);
    digest[..4].copy_from_slice(&(first + order).to_le_bytes());
    let unreduced = altered(&honest, |r, _| {
        r.proven.sealed_input = Some(Commitment { digest, ..sealed });
    });
    let part = "a digest";
    assert_eq!(
        BACKEND.verify(&unreduced.expect("well-formed"), &proof),
        Err(Refusal::MalformedPublic { part })
    );
}

#[test]
fn proves_sealed_tapes_of_every_length_around_a_block_and_of_none() {
    for len in [0, 1, 15, 16, 17] {
        let secret = secret(len, true);
        let statement = sum(&secret);
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
    let outputs = Secret {
        outputs: Some(salt(4)),
        scheme: SCHEME,
        ..Secret::default()
    };
    let statement = sum(&outputs);
    let proof = prove_sealed(&statement, &outputs);
    assert_eq!(BACKEND.verify(&statement, &proof).map(drop), Ok(()));
    let idle = module(r#"(module (func (export "run") (result i32) (i32.const 7)))"#);
    let unread = secret(6, false);
    let statement = sealed_statement(idle, "run", &[], b"", &unread);
    let proof = prove_sealed(&statement, &unread);
    assert_eq!(BACKEND.verify(&statement, &proof).map(drop), Ok(()));
}

#[test]
fn passes_the_conformance_suite_on_sealed_statements() {
    let (first, second) = (secret(3, true), secret(9, false));
    let statement = sum(&first);
    let tampered = altered(&statement, |r, _| {
        r.proven.sealed_input = sealed_input(&secret_bytes(4), 1).commitment_by(SCHEME);
    });
    let suite = Suite::new((statement, first), (sum(&second), second));
    let suite = suite
        .tampered("sealed input", &tampered.expect("a statement"))
        .flips(4);
    suite.run(Stark::new(Profile::Fast)).assert_clean();
}

#[test]
fn every_profile_hides() {
    let secret = secret(9, false);
    let statement = sum(&secret);
    for profile in [Profile::Small, Profile::Strong] {
        let mut seeds = seeds();
        let proof = Stark::new(profile)
            .prove(&statement, &secret, &mut Proving::new(&mut seeds))
            .expect("a true statement");
        assert_eq!(
            BACKEND.verify(&statement, &proof).map(drop),
            Ok(()),
            "{profile:?}"
        );
    }
}

/// A call is sealed under the scheme that its secret names, input and outputs alike, and under no unknown one.
#[test]
fn a_call_is_sealed_under_the_scheme_of_its_secret() {
    let statement = crate::runs::sum(&crate::runs::secret(20, true));
    let proven = &statement.record().proven;
    let output = match proven.output {
        nonos_types::Output::Commitment(commitment) => Some(commitment),
        nonos_types::Output::Digest(_) => None,
    };
    for commitment in [proven.sealed_input, output] {
        let scheme = commitment.expect("it is sealed").scheme;
        assert_eq!(scheme, nonos_types::CommitmentScheme::POSEIDON2_KOALABEAR_1);
    }
    let unknown = nonos_machine::Secret {
        scheme: nonos_types::CommitmentScheme(99),
        ..crate::runs::secret(20, true)
    };
    let subject = crate::runs::module(crate::runs::SUM);
    let refused = nonos_machine::ExecutionStatement::of_call(subject, "run", &[], b"", &unknown);
    let part = "commitment scheme";
    assert_eq!(refused, Err(nonos_machine::StatementError::Differs { part }));
}
