//! What the bridge never leaves out.

use crate::support::{Flaw, Flawed, clear, product, prove};
use nonos_types::{ByteLen, Fault, VkDigest};
use nonos_verify::testing::{ClearWitness, Product, example_claim};
use nonos_verify::{
    BackendId, Claim, Erased, LastChallenge, Proof, ProofSystem, ProveError, Public, Side, Statement,
    Verifier, VerifyError, Violation,
};
use std::error::Error;

fn claim() -> Claim {
    example_claim(3, 5)
}

fn refusal(public: &Public, proof: &Proof) -> VerifyError {
    clear().verify(public, proof).expect_err("a refusal")
}

#[test]
fn refuses_a_proof_that_is_too_long_unread() {
    let proof = Proof::new(claim().proof.vk, vec![0; 55]);
    let (found, limit) = (ByteLen::new(55), ByteLen::new(54));
    assert_eq!(
        refusal(&claim().public, &proof),
        VerifyError::TooLong {
            side: Side::Proof,
            found,
            limit
        }
    );
}

#[test]
fn refuses_public_data_that_are_too_long_unread() {
    let public = Public::new(vec![0; 24]).attach(vec![0; 1001]);
    let (found, limit) = (ByteLen::new(1025), ByteLen::new(1024));
    assert_eq!(
        refusal(&public, &claim().proof),
        VerifyError::TooLong {
            side: Side::Public,
            found,
            limit
        }
    );
}

#[test]
fn refuses_an_empty_proof() {
    let proof = Proof::new(claim().proof.vk, Vec::new());
    assert_eq!(
        refusal(&claim().public, &proof),
        VerifyError::MalformedProof {
            part: "length (empty)"
        }
    );
}

#[test]
fn refuses_statement_bytes_that_do_not_decode() {
    let public = Public::new(vec![0; 7]).attach(vec![]);
    assert_eq!(
        refusal(&public, &claim().proof),
        VerifyError::MalformedPublic { part: "product" }
    );
}

/// Reads the label from either half of the bytes: two encodings of one statement.
struct TwoForms;

impl nonos_verify::ProofSystem<TwoFormsStatement> for TwoForms {
    fn id(&self) -> nonos_verify::BackendId {
        nonos_verify::BackendId::new("testing/anything/v1")
    }
    fn max_proof_len(&self) -> ByteLen {
        ByteLen::new(1)
    }
    fn vk_digest(&self, _: &TwoFormsStatement, _: &[u8]) -> Result<VkDigest, nonos_verify::Refusal> {
        Ok(VkDigest::ZERO)
    }
    fn prove(
        &self,
        _: &TwoFormsStatement,
        (): &(),
        _: &mut nonos_verify::Proving<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        Ok(vec![1])
    }
    fn verify(&self, _: &TwoFormsStatement, _: &[u8]) -> Result<LastChallenge, nonos_verify::Refusal> {
        Ok(LastChallenge::of(b""))
    }
}

struct TwoFormsStatement;

impl Statement for TwoFormsStatement {
    const ID: nonos_verify::StatementId = nonos_verify::StatementId::new("testing/two-forms/v1");
    const MAX_PUBLIC: ByteLen = ByteLen::new(8);
    type Witness = ();
    fn bytes(&self) -> Vec<u8> {
        vec![0]
    }
    fn decode(_: &Public) -> Result<Self, nonos_verify::Malformed> {
        Ok(Self) // Reads anything.
    }
    fn check(&self, (): &()) -> Result<(), Violation> {
        Ok(())
    }
}

#[test]
fn refuses_a_second_encoding_even_if_the_decoder_reads_it() {
    let verifier = Erased::new(TwoForms);
    let proof = Proof::new(VkDigest::ZERO, vec![1]);
    assert!(verifier.verify(&Public::new(vec![0]), &proof).is_ok());
    let not_canonical = Err(VerifyError::MalformedPublic {
        part: "encoding (not canonical)",
    });
    assert_eq!(verifier.verify(&Public::new(vec![0, 0]), &proof), not_canonical);
    assert_eq!(
        verifier.verify(&Public::new(vec![0]).attach(vec![]), &proof),
        not_canonical
    );
}

#[test]
fn refuses_another_key_digest() {
    let proof = Proof::new(VkDigest::ZERO, claim().proof.bytes);
    assert_eq!(
        refusal(&claim().public, &proof),
        VerifyError::Rejected {
            check: "verifying key"
        }
    );
}

#[test]
fn a_panic_of_the_backend_is_a_refusal_and_a_bug() {
    for flaw in [Flaw::PanicsOnShortProofs, Flaw::PanicsOnKeys] {
        let verifier = Flawed::erased(flaw);
        let proof = Proof::new(claim().proof.vk, vec![1]);
        let error = verifier.verify(&claim().public, &proof).expect_err("a refusal");
        assert_eq!(
            error,
            VerifyError::BackendPanicked {
                backend: verifier.backend_id()
            }
        );
        assert_eq!(error.fault(), Fault::Bug);
    }
}

#[test]
fn a_batch_that_panics_is_verified_one_by_one() {
    let verifier = Flawed::erased(Flaw::PanicsInBatches);
    let mut bad = claim();
    bad.proof = example_claim(7, 11).proof;
    let verdicts = verifier.verify_batch(&[claim(), bad, claim()]);
    let value = verifier.verify(&claim().public, &claim().proof);
    assert!(value.is_ok());
    assert_eq!(
        verdicts,
        [value.clone(), Err(VerifyError::Rejected { check: "seal" }), value]
    );
}

/// What is known by a verification is of the key, the statement and all bytes of the proof, whatever the backend says.
#[test]
fn the_value_of_a_verification_is_of_this_key_statement_and_proof_only() {
    struct Same;
    impl ProofSystem<Product> for Same {
        fn id(&self) -> BackendId {
            BackendId::new("testing/same/v1")
        }
        fn max_proof_len(&self) -> ByteLen {
            ByteLen::new(8)
        }
        fn vk_digest(&self, _: &Product, proof: &[u8]) -> Result<VkDigest, nonos_verify::Refusal> {
            Ok(VkDigest::from_bytes([proof[0]; 32]))
        }
        fn prove(
            &self,
            _: &Product,
            _: &(u64, u64),
            _: &mut nonos_verify::Proving<'_>,
        ) -> Result<Vec<u8>, ProveError> {
            Err(ProveError::Unsupported { what: "anything" })
        }
        fn verify(&self, _: &Product, _: &[u8]) -> Result<LastChallenge, nonos_verify::Refusal> {
            Ok(LastChallenge::of(b"the same"))
        }
    }
    let of = |label, proof: [u8; 2]| {
        let proof = Proof::new(VkDigest::from_bytes([proof[0]; 32]), proof.to_vec());
        let public = product(15, label).public();
        let alone = Erased::<Product, _>::new(Same).verify(&public, &proof);
        let claim = Claim { public, proof };
        let together = Erased::<Product, _>::new(Same).verify_batch(&[claim.clone(), claim]);
        assert_eq!(together, [alone.clone(), alone.clone()]);
        alone.expect("it accepts anything")
    };
    let values = [of(1, [1, 1]), of(2, [1, 1]), of(1, [2, 1]), of(1, [1, 2])];
    assert_eq!(values[0], of(1, [1, 1]));
    assert_eq!(
        values.iter().collect::<std::collections::BTreeSet<_>>().len(),
        values.len()
    );
}

#[test]
fn a_batch_that_is_miscounted_is_verified_one_by_one() {
    let verdicts = Flawed::erased(Flaw::MiscountsBatches).verify_batch(&[claim(), claim()]);
    assert!(verdicts.len() == 2 && verdicts.iter().all(Result::is_ok));
}

#[test]
fn a_batch_gives_each_malformed_claim_its_own_refusal() {
    let mut public = claim();
    public.public = Public::new(vec![0; 7]);
    let mut long = claim();
    long.proof.bytes = vec![0; 55].into();
    let mut key = claim();
    key.proof.vk = VkDigest::ZERO;
    let claims = [public, claim(), long, key, claim()];
    let alone: Vec<_> = claims
        .iter()
        .map(|claim| clear().verify(&claim.public, &claim.proof))
        .collect();
    assert_eq!(alone.iter().filter(|verdict| verdict.is_ok()).count(), 2);
    assert_eq!(clear().verify_batch(&claims), alone);
}

#[test]
fn does_not_prove_what_is_false() {
    let error = prove(&clear(), &product(16, 0), (3, 5)).expect_err("16 is not 3 times 5");
    assert_eq!(error.fault(), Fault::Caller);
    let cause = error.source().unwrap().to_string();
    assert_eq!(cause, "the statement does not hold: the factors' product");
}

#[test]
fn does_not_release_a_proof_that_does_not_verify() {
    let error = prove(&Flawed::erased(Flaw::ProvesWrongly), &product(15, 0), (3, 5)).expect_err("flawed");
    assert!(matches!(error, ProveError::SelfRefused { .. }), "{error:?}");
    assert_eq!(error.fault(), Fault::Bug);
}

#[test]
fn a_panic_while_proving_is_an_error() {
    let error =
        prove(&Flawed::erased(Flaw::PanicsWhileProving), &product(15, 0), (3, 5)).expect_err("flawed");
    assert!(matches!(error, ProveError::BackendPanicked { .. }), "{error:?}");
}

#[test]
fn the_key_is_part_of_the_proof() {
    let other = Erased::new(ClearWitness { key: 1 });
    let proof = prove(&other, &product(15, 0), (3, 5)).unwrap();
    assert!(other.verify(&product(15, 0).public(), &proof).is_ok());
    assert_eq!(
        refusal(&product(15, 0).public(), &proof),
        VerifyError::Rejected {
            check: "verifying key"
        }
    );
}
