//! What a proof is bound to: the challenge, the transcript, its length, its batch.

use super::*;

#[test]
fn accepts_an_honest_run_and_predicts_the_proof_length() {
    let bench = Bench::new();
    let proof = bench.honest();
    assert_eq!(proof.bytes.len(), bench.keys.plan.proof_len());
    bench.verdict(&proof).expect("honest");
    let decoded = Proof::decode(&proof.encode()).expect("decodes");
    assert_eq!(decoded, proof);
    // The forging tool itself makes good proofs of good traces; so what it is refused for is the forgery.
    bench
        .verdict(&bench.force(&bench.trace(), |_| ()))
        .expect("honest");
}

#[test]
fn refuses_a_challenge_chosen_before_the_trace() {
    let bench = Bench::new();
    let alpha = Fp::from(0x1234_5678);
    let mut trace = bench.false_trace();
    bench.balance(&mut trace, alpha);
    let (columns, start) = bench.phase1(&trace, alpha);
    let proof = bench.proof(columns, alpha, start, fresh_seed().expect("randomness"));
    assert!(
        bench.gullible(&proof, alpha),
        "the forgery is good but for the challenge"
    );
    bench.refuses(&proof);
}

#[test]
fn refuses_phase_0_changed_after_the_challenge() {
    let bench = Bench::new();
    let seed = fresh_seed().expect("randomness");
    let alpha = bench.challenge(&commit(&bench.keys, &bench.trace(), seed).expect("commits"));
    let mut trace = bench.false_trace();
    bench.balance(&mut trace, alpha);
    let (columns, start) = bench.phase1(&trace, alpha);
    let proof = bench.proof(columns, alpha, start, seed);
    assert!(
        bench.gullible(&proof, alpha),
        "the forgery is good but for the challenge"
    );
    bench.refuses(&proof);
}

#[test]
fn refuses_the_challenge_of_another_statement() {
    let bench = Bench::new();
    let proof = bench.honest();
    let other = BACKEND.verify(&proof, &bench.public, b"another statement");
    assert!(matches!(other, Err(Error::Rejected)), "{other:?}");
    let mut public = bench.public.clone();
    public.lookups.push((Bus::Program, vec![50, 1, 0]));
    let verdict = BACKEND.verify(&proof, &public, CONTEXT);
    assert!(matches!(verdict, Err(Error::Rejected)), "{verdict:?}");
}

#[test]
fn binds_every_input_of_the_challenge() {
    let (layout, key, statement) = (layout(), [1; 32], [2; 32]);
    let base = challenge(&layout, &key, b"context", &statement, &[3; 64]);
    let other_layout = Layout::new(9, vec![3, 1], 3);
    for (name, other) in [
        (
            "layout",
            challenge(&other_layout, &key, b"context", &statement, &[3; 64]),
        ),
        (
            "key",
            challenge(&layout, &[9; 32], b"context", &statement, &[3; 64]),
        ),
        (
            "context",
            challenge(&layout, &key, b"contexu", &statement, &[3; 64]),
        ),
        (
            "statement",
            challenge(&layout, &key, b"context", &[9; 32], &[3; 64]),
        ),
        (
            "commitments",
            challenge(&layout, &key, b"context", &statement, &[4; 64]),
        ),
        (
            "boundary",
            challenge(&layout, &key, b"contex", &statement, &[3; 64]),
        ),
    ] {
        assert_ne!(base, other, "{name}");
    }
}

#[test]
fn refuses_commitments_in_another_order() {
    let bench = Bench::new();
    let mut proof = bench.honest();
    let (first, second) = proof.bytes.split_at_mut(32);
    first.swap_with_slice(&mut second[..32]);
    bench.refuses(&proof);
}

#[test]
fn refuses_proofs_of_two_circuits_and_of_none() {
    let bench = Bench::new();
    let trace = bench.trace();
    let seed = fresh_seed().expect("randomness");
    let alpha = bench.challenge(&commit(&bench.keys, &trace, seed).expect("commits"));
    let (columns, start) = bench.phase1(&trace, alpha);
    let instances = bench.statement.instances(&bench.keys.plan, alpha, start);
    let instances: Vec<&[Fp]> = instances.iter().map(Vec::as_slice).collect();
    let circuit = Filled {
        plan: bench.keys.plan.clone(),
        columns: Some(Arc::new(columns)),
    };
    for count in [0, 2] {
        let mut transcript = Blake2bWrite::<_, EqAffine, Challenge255<_>>::init(vec![]);
        let circuits = vec![circuit.clone(); count];
        let all: Vec<&[&[Fp]]> = vec![&instances[..]; count];
        let rng = ChaCha20Rng::from_seed(fresh_seed().expect("randomness"));
        let key = bench.keys.proving().expect("a key");
        with_plan(&bench.keys.plan, || {
            create_proof(&bench.keys.params, key, &circuits, &all, rng, &mut transcript)
        })
        .expect("halo2 proves any number");
        let mut proof = Proof {
            layout: layout(),
            bytes: transcript.finalize(),
        };
        assert!(
            matches!(bench.verdict(&proof), Err(Error::Malformed { part: "length" })),
            "{count} circuits"
        );
        proof.bytes.resize(bench.keys.plan.proof_len(), 0);
        bench.refuses(&proof);
    }
}

#[test]
fn refuses_trailing_bytes_and_truncation() {
    let bench = Bench::new();
    let proof = bench.honest();
    let mut longer = proof.clone();
    longer.bytes.push(0);
    let mut shorter = proof.clone();
    shorter.bytes.pop();
    let empty = Proof {
        layout: layout(),
        bytes: vec![],
    };
    for bad in [longer, shorter, empty] {
        assert!(matches!(
            bench.verdict(&bad),
            Err(Error::Malformed { part: "length" })
        ));
    }
    let bytes = proof.encode();
    let header = bytes.len() - proof.bytes.len();
    for end in 0..header {
        assert!(
            matches!(Proof::decode(&bytes[..end]), Err(Error::Malformed { .. })),
            "{end} bytes"
        );
    }
}

#[test]
fn refuses_a_change_of_any_word() {
    let bench = Bench::new();
    let proof = bench.honest();
    for word in 0..proof.bytes.len() / 32 {
        let mut bad = proof.clone();
        bad.bytes[32 * word + 3] ^= 1;
        assert!(matches!(bench.verdict(&bad), Err(Error::Rejected)), "word {word}");
    }
}

#[test]
fn gives_every_proof_of_a_batch_its_own_verdict() {
    let good = Bench::new();
    let (run, public) = toy::run(100, 7);
    let small = Layout::new(8, vec![1, 1], 1);
    let other_key = BACKEND.prove(&small, &run, &public, CONTEXT).expect("honest");
    let larger = Layout::new(9, vec![1, 1], 1);
    let other_k = BACKEND.prove(&larger, &run, &public, CONTEXT).expect("honest");
    let honest = good.honest();
    let mut long = honest.clone();
    long.bytes.push(0);
    let forged = good.force(&good.false_trace(), |_| ());
    // The last scalar: everything up to the final product is in order.
    let mut last_word = honest.clone();
    let end = last_word.bytes.len() - 32;
    last_word.bytes[end] ^= 1;
    let claim = |proof, public| Claim {
        proof,
        public,
        context: CONTEXT,
    };
    let claims = [
        claim(&honest, &good.public),
        claim(&other_key, &public),
        claim(&forged, &good.public),
        claim(&other_k, &public),
        claim(&long, &good.public),
        claim(&last_word, &good.public),
        claim(&honest, &public),
        claim(&honest, &good.public),
    ];
    let verdicts: Vec<bool> = BACKEND.verify_batch(&claims).iter().map(Result::is_ok).collect();
    assert_eq!(verdicts, [true, true, false, true, false, false, false, true]);
    assert!(BACKEND.verify_batch(&[]).is_empty());
}

#[test]
fn makes_different_proofs_of_one_witness() {
    let bench = Bench::new();
    let (one, other) = (bench.honest(), bench.honest());
    let words = |p: &Proof| p.bytes.chunks(32).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let phase0 = bench.keys.plan.phase0;
    for (i, (a, b)) in words(&one).iter().zip(words(&other)).take(phase0).enumerate() {
        assert_ne!(*a, b, "commitment {i} is not blinded afresh");
    }
}
