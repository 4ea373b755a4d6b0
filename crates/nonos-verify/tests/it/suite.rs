//! The suite accepts a good backend, and each of its rules can fail.

use crate::support::{Flaw, Flawed, product, prove};
use nonos_types::{ByteLen, VkDigest};
use nonos_verify::testing::{ClearWitness, Product, Report, Rule, Suite};
use nonos_verify::{
    BackendId, Erased, LastChallenge, Malformed, ProofSystem, ProveError, Proving, Public, Refusal,
    Statement, StatementId, Violation,
};
use std::sync::Arc;

fn suite() -> Suite<Product> {
    let other = Erased::new(ClearWitness { key: 5 });
    Suite::new((product(15, 1), (3, 5)), (product(77, 1), (7, 11)))
        .tampered("product", &product(16, 1))
        .tampered("label", &product(15, 2))
        .tampered(
            "note",
            &Product {
                note: (*b"another").into(),
                ..product(15, 1)
            },
        )
        .wrong_key(prove(&other, &product(15, 1), (3, 5)).unwrap())
}

fn judge(flaw: Flaw) -> Report {
    suite().run(Flawed::new(flaw))
}

/// Every rule that does not hold, once.
fn broken(report: &Report) -> Vec<Rule> {
    let mut rules: Vec<Rule> = report.failures.iter().map(|failure| failure.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

#[test]
fn a_good_backend_passes_every_case() {
    suite().run(ClearWitness::default()).assert_clean();
    let report = judge(Flaw::None);
    report.assert_clean();
    assert!(report.cases > 150, "{} cases", report.cases);
}

#[test]
fn each_flaw_breaks_its_own_rule_and_no_other() {
    for (flaw, rules) in [
        (Flaw::RefusesEverything, &[Rule::ProvesHonest][..]),
        (Flaw::BoundsTooTight, &[Rule::ProvesHonest]),
        (Flaw::ProvesWrongly, &[Rule::ProvesHonest]),
        (Flaw::PanicsWhileProving, &[Rule::ProvesHonest]),
        (Flaw::AcceptsAnyBatch, &[Rule::BatchAgrees]),
        (Flaw::RefusesAnyBatch, &[Rule::BatchAgrees]),
        (Flaw::MiscountsBatches, &[Rule::BatchAgrees]),
        (Flaw::PanicsInBatches, &[Rule::NeverPanics]),
        (Flaw::IgnoresLabel, &[Rule::BindsPublic, Rule::RefusesTampered]),
        (Flaw::IgnoresKey, &[Rule::RefusesWrongKey]),
        (Flaw::IgnoresTail, &[Rule::RefusesExtended]),
        (Flaw::CompletesCutProofs, &[Rule::RefusesTruncated]),
        (Flaw::IgnoresLastByte, &[Rule::RefusesFlipped]),
        (Flaw::PanicsOnShortProofs, &[Rule::NeverPanics]),
        (Flaw::PanicsOnKeys, &[Rule::NeverPanics]),
        (Flaw::ShowsNothing, &[Rule::ShowsWork]),
        (Flaw::ForgetsProof, &[Rule::ShowsWork]),
        (Flaw::ShowsOtherInBatches, &[Rule::ShowsWork]),
    ] {
        let report = judge(flaw);
        assert_eq!(broken(&report), rules, "{flaw:?}: {report}");
    }
}

#[test]
fn a_shared_backend_is_judged_as_the_backend_itself() {
    let each = [
        Flaw::None,
        Flaw::BoundsTooTight,
        Flaw::AcceptsAnyBatch,
        Flaw::IgnoresKey,
        Flaw::PanicsOnKeys,
    ];
    for flaw in each {
        assert_eq!(suite().run(Arc::new(Flawed::new(flaw))), judge(flaw), "{flaw:?}");
    }
    let (shared, own) = (Arc::new(ClearWitness { key: 5 }), ClearWitness { key: 5 });
    assert_eq!(shared.id(), own.id());
    assert_eq!(
        ProofSystem::<Product>::batch_key(&shared, &[]),
        ProofSystem::<Product>::batch_key(&own, &[])
    );
}

#[test]
fn a_backend_that_ignores_the_statement_accepts_foreign_proofs() {
    let report = judge(Flaw::IgnoresStatement);
    assert!(!report.holds(Rule::RefusesForeign), "{report}");
    assert!(!report.holds(Rule::RefusesTampered), "{report}");
}

#[test]
fn a_backend_that_tires_does_not_accept_honest_proofs() {
    let report = judge(Flaw::Tires);
    assert!(!report.holds(Rule::AcceptsHonest), "{report}");
}

/// Holds whatever its attachment says: the bytes do not bind it.
#[derive(Debug)]
struct Loose(Arc<[u8]>);

impl Statement for Loose {
    const ID: StatementId = StatementId::new("testing/loose/v1");
    const MAX_PUBLIC: ByteLen = ByteLen::new(100);
    type Witness = ();

    fn bytes(&self) -> Vec<u8> {
        vec![1]
    }

    fn attachments(&self) -> Vec<Arc<[u8]>> {
        vec![Arc::clone(&self.0)]
    }

    fn decode(public: &Public) -> Result<Self, Malformed> {
        Ok(Self(
            public
                .attachment(0)
                .ok_or(Malformed { part: "attachment" })?
                .into(),
        ))
    }

    fn check(&self, _witness: &()) -> Result<(), Violation> {
        Ok(())
    }
}

/// Absorbs the statement's bytes, as every backend does, and nothing else.
struct Absorbs;

impl ProofSystem<Loose> for Absorbs {
    fn id(&self) -> BackendId {
        BackendId::new("testing/absorbs/v1")
    }

    fn max_proof_len(&self) -> ByteLen {
        ByteLen::new(32)
    }

    fn vk_digest(&self, _: &Loose, _: &[u8]) -> Result<VkDigest, Refusal> {
        Ok(VkDigest::ZERO)
    }

    fn prove(&self, statement: &Loose, _: &(), _: &mut Proving<'_>) -> Result<Vec<u8>, ProveError> {
        Ok(VkDigest::hash(&[&statement.bytes()]).to_bytes().to_vec())
    }

    fn verify(&self, statement: &Loose, proof: &[u8]) -> Result<LastChallenge, Refusal> {
        let expected = VkDigest::hash(&[&statement.bytes()]);
        if proof == expected.as_bytes() {
            Ok(LastChallenge::of(proof))
        } else {
            Err(Refusal::Rejected { check: "bytes" })
        }
    }
}

#[test]
fn a_statement_that_leaves_an_attachment_unbound_is_found() {
    let loose = |text: &[u8]| Loose(text.into());
    let report = Suite::new((loose(b"one"), ()), (loose(b"two"), ())).run(Absorbs);
    assert!(!report.holds(Rule::BindsPublic), "{report}");
    let found = report
        .failures
        .iter()
        .any(|failure| failure.case == "attachment bit flipped");
    assert!(found, "{report}");
}
