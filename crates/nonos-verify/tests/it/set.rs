//! Only what was put in is accepted.

use crate::support::{Flaw, Flawed, clear};
use nonos_types::{CapsuleHash, ExecHash, Fault, Timestamp, VkDigest};
use nonos_verify::testing::{Product, example_claim};
use nonos_verify::{
    BackendId, ProofObject, SetError, Statement, StatementId, Verifier, VerifierSet, VerifyError,
};
use std::sync::Arc;

fn object() -> ProofObject {
    ProofObject {
        capsule: CapsuleHash::ZERO,
        exec: ExecHash::ZERO,
        proof: example_claim(3, 5).proof,
        timestamp: Timestamp::new(1),
        backend: clear().backend_id(),
    }
}

fn set() -> VerifierSet {
    let mut set = VerifierSet::default();
    set.insert(Arc::new(clear())).unwrap();
    set
}

#[test]
fn verifies_what_it_holds() {
    assert!(
        set()
            .verify(&Product::ID, &example_claim(3, 5).public, &object())
            .is_ok()
    );
    let refused = set().verify(&Product::ID, &example_claim(3, 7).public, &object());
    assert_eq!(
        refused,
        Err(SetError::Refused {
            verdict: VerifyError::Rejected { check: "seal" }
        })
    );
    assert_eq!(refused.unwrap_err().fault(), Fault::Peer);
}

#[test]
fn refuses_an_unknown_backend() {
    let object = ProofObject {
        backend: BackendId::new("unheard-of/v1"),
        ..object()
    };
    let error = set()
        .verify(&Product::ID, &example_claim(3, 5).public, &object)
        .unwrap_err();
    assert_eq!(
        error,
        SetError::UnknownBackend {
            statement: Product::ID,
            backend: object.backend
        }
    );
}

#[test]
fn refuses_an_unknown_statement() {
    let id = StatementId::new("testing/product/v2");
    let error = set()
        .verify(&id, &example_claim(3, 5).public, &object())
        .unwrap_err();
    assert_eq!(
        error,
        SetError::UnknownBackend {
            statement: id,
            backend: object().backend
        }
    );
}

#[test]
fn refuses_a_key_that_is_not_pinned() {
    let mut set = VerifierSet::default();
    set.insert_pinned(Arc::new(clear()), [VkDigest::hash(&[b"another"])])
        .unwrap();
    let error = set
        .verify(&Product::ID, &example_claim(3, 5).public, &object())
        .unwrap_err();
    let (backend, vk) = (object().backend, object().proof.vk);
    assert_eq!(
        error,
        SetError::UnknownKey {
            statement: Product::ID,
            backend,
            vk
        }
    );
}

#[test]
fn accepts_a_pinned_key() {
    let mut set = VerifierSet::default();
    set.insert_pinned(Arc::new(clear()), [object().proof.vk]).unwrap();
    assert!(
        set.verify(&Product::ID, &example_claim(3, 5).public, &object())
            .is_ok()
    );
}

#[test]
fn refuses_to_replace_a_verifier() {
    let mut set = set();
    let error = set.insert(Arc::new(clear())).unwrap_err();
    assert_eq!(
        error,
        SetError::Duplicate {
            statement: Product::ID,
            backend: clear().backend_id()
        }
    );
    set.insert(Arc::new(Flawed::erased(Flaw::None))).unwrap();
}
