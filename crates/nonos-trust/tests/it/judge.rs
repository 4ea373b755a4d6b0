use nonos_trust::{Judgement, ProofVerdict, judge};
use nonos_types::{Accusation, ByteLen, Envelope, Error, NetworkId, Payload, Signed};

use crate::sample::*;

fn judged(network: NetworkId, tapes: &[u8], proof: &[u8], verdict: ProofVerdict) -> Judgement {
    let accusation = accuse(&key(2), network, receipt(&key(1), 0), tapes, proof);
    judge(&accusation, &Check(verdict))
}

#[test]
fn an_invalid_proof_blames_its_executor() {
    let evidence = accusation(&key(1), 0).evidence.id();
    let subject = peer(1);
    assert_eq!(
        judged(network(), TAPES, PROOF, ProofVerdict::Invalid),
        Judgement::Guilty { subject, evidence }
    );
}

#[test]
fn whoever_accuses_and_whenever_the_evidence_is_the_same() {
    let receipt = receipt(&key(1), 0);
    let one = accuse(&key(2), network(), receipt.clone(), TAPES, PROOF);
    let mut another = one.value().clone();
    another.at = later(1);
    let another = Signed::new(another, &key(3));
    assert_ne!(one.id(), another.id());
    assert_eq!(guilty(&one), guilty(&another));
}

#[test]
fn a_valid_proof_blames_nobody() {
    assert_eq!(
        judged(network(), TAPES, PROOF, ProofVerdict::Valid),
        Judgement::Innocent
    );
}

#[test]
fn bytes_changed_on_the_way_blame_nobody() {
    let longer = |bytes: &[u8]| [bytes, b"\0"].concat();
    let changed = |bytes: &[u8]| [&bytes[..bytes.len() - 1], b"X"].concat();
    let shorter = |bytes: &[u8]| bytes[..bytes.len() - 1].to_vec();
    for tampered in [longer, changed, shorter] {
        let invalid = || ProofVerdict::Invalid;
        assert_eq!(
            judged(network(), &tampered(TAPES), PROOF, invalid()),
            Judgement::Innocent
        );
        assert_eq!(
            judged(network(), TAPES, &tampered(PROOF), invalid()),
            Judgement::Innocent
        );
    }
    assert_eq!(
        judged(network(), b"", b"", ProofVerdict::Invalid),
        Judgement::Innocent
    );
}

/// Digest and length are checked each by itself.
#[test]
fn a_receipt_that_states_a_wrong_length_blames_nobody() {
    let signed = receipt(&key(1), 0);
    for field in ["proof", "tapes"] {
        let mut changed = signed.value().clone();
        match field {
            "proof" => changed.proof_len = ByteLen::new(1),
            _ => changed.tapes_len = ByteLen::new(1),
        }
        let changed = Signed::new(changed, &key(1));
        let accusation = accuse(&key(2), network(), changed, TAPES, PROOF);
        assert_eq!(guilty(&accusation), Judgement::Innocent, "{field}");
    }
}

#[test]
fn an_unknown_key_is_indeterminate() {
    let reason = "no such key".to_owned();
    assert_eq!(
        judged(network(), TAPES, PROOF, unknown()),
        Judgement::Indeterminate { reason }
    );
}

#[test]
fn an_accusation_about_another_network_blames_nobody() {
    let other = NetworkId::named("other");
    assert_eq!(
        judged(other, TAPES, PROOF, ProofVerdict::Invalid),
        Judgement::Innocent
    );
}

/// The accuser cannot write the receipt itself: with another's signature, or its own, the accusation does not exist.
#[test]
fn an_accusation_with_a_forged_receipt_is_not_read() {
    let signed = receipt(&key(1), 0);
    let genuine = signed.to_bytes();
    let accusation = accuse(&key(2), network(), signed, TAPES, PROOF).to_bytes();
    assert!(Signed::<Accusation>::from_bytes(&accusation).is_ok());

    // The accuser signs whatever it likes around the receipt, so the outer signature is made good again.
    let mut payload = Envelope::from_bytes::<Accusation>(&accusation)
        .expect("well-formed")
        .payload()
        .to_vec();
    let at = payload
        .windows(genuine.len())
        .position(|window| window == genuine)
        .expect("the receipt is in it");
    payload[at + genuine.len() - 1] ^= 1;
    let forged = Envelope::sign(&Raw(payload), &key(2)).to_bytes();
    assert_eq!(
        Signed::<Accusation>::from_bytes(&forged),
        Err(Error::BadSignature)
    );
}

/// Any bytes, signed as an accusation.
struct Raw(Vec<u8>);

impl Payload for Raw {
    const TYPE: &'static str = Accusation::TYPE;
    const MAX: ByteLen = Accusation::MAX;
    type Error = nonos_types::Error;

    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self(bytes.to_vec()))
    }
}
