use nonos_types::*;

use super::{
    sample::{accusation, accuser, id, key, receipt},
    wire::{Broken, Fields, signed},
};

const EVIDENCE: u32 = 2;

#[test]
fn names_the_network_and_has_no_other_fields() {
    let key = accuser();
    let broken = Broken::of(&accusation(), &key);
    broken.has_fixed(32, &[(1, "network_id")]);
    broken.has_no_more_and_no_less(12);
    let evidence = Fields::of(&broken.fields.all(EVIDENCE)[0]);
    let more = broken.fields.with(EVIDENCE, evidence.with(4, 1).to_bytes());
    broken.refuses(
        &more,
        Error::NotCanonical {
            message: "accusation",
        },
    );
}

#[test]
fn refuses_to_accuse_without_evidence() {
    let key = accuser();
    let broken = Broken::of(&accusation(), &key);
    let (message, field) = ("accusation", "evidence");
    broken.refuses(
        &broken.fields.without(EVIDENCE),
        Error::Missing { message, field },
    );
    // Evidence without a receipt.
    let evidence = Fields::of(&broken.fields.all(EVIDENCE)[0]);
    let (message, field) = ("envelope", "type");
    let empty = broken.fields.with(EVIDENCE, evidence.without(1).to_bytes());
    broken.refuses(&empty, Error::Missing { message, field });
}

/// The whole of an accusation rests on what the accused signed.
#[test]
fn refuses_a_forged_receipt() {
    let key = accuser();
    let broken = Broken::of(&accusation(), &key);
    let evidence = Fields::of(&broken.fields.all(EVIDENCE)[0]);
    let with = |receipt: Vec<u8>| broken.fields.with(EVIDENCE, evidence.with(1, receipt).to_bytes());
    let envelope = Fields::of(&evidence.all(1)[0]);

    // Another proof than was signed.
    let mut other = receipt();
    other.proof = Digest::ZERO;
    broken.refuses(
        &with(envelope.with(2, other.to_bytes()).to_bytes()),
        Error::BadSignature,
    );
    // Signed by the accuser in the name of the accused.
    let forged = signed::<Receipt>(receipt().to_bytes(), &key);
    broken.refuses(&with(forged), Error::WrongSigner { message: "receipt" });
    // The accuser's signature under the key of the accused.
    let forged = Fields::of(&signed::<Receipt>(receipt().to_bytes(), &key));
    let forged = forged.with(3, id(&super::sample::key()).as_bytes().to_vec());
    broken.refuses(&with(forged.to_bytes()), Error::BadSignature);
    // Something else the accused has signed.
    let claim = signed::<Claim>(super::sample::claim().to_bytes(), &super::sample::key());
    broken.refuses(&with(claim), Error::WrongType { expected: "receipt" });
}

#[test]
fn refuses_a_fault_of_another_network() {
    let key = accuser();
    let broken = Broken::of(&accusation(), &key);
    broken.refuses_field(&broken.fields.with(1, vec![2; 32]), "network_id");
}

#[test]
fn names_whom_it_accuses_and_who_accuses() {
    let accusation = Signed::new(accusation(), &accuser());
    assert_eq!(accusation.evidence.subject(), id(&key()));
    assert_eq!(accusation.signer(), id(&accuser()));
}

#[test]
fn the_evidence_has_one_name_whoever_accuses_whenever() {
    let first = accusation();
    let mut later = accusation();
    later.at = Timestamp::new(9);
    assert_eq!(first.evidence.id(), later.evidence.id());
    assert_ne!(
        Signed::new(first, &accuser()).id(),
        Signed::new(later, &key()).id(),
        "two accusations are two messages"
    );
}

fn invalid_proof(accusation: &mut Accusation) -> &mut InvalidProof {
    match &mut accusation.evidence {
        Evidence::InvalidProof(it) => it,
        other => panic!("{other:?}"),
    }
}

#[test]
fn evidence_as_long_as_a_message_may_be_fits_and_longer_does_not() {
    let key = accuser();
    let mut wide = accusation();
    let it = invalid_proof(&mut wide);
    it.proof = vec![7; 200 << 10];
    let rest = wide.to_bytes().len();
    let it = invalid_proof(&mut wide);
    // The length of the tapes takes two bytes more than it did.
    it.tapes = vec![7; (960 << 10) - rest - 2 + 3];
    assert_eq!(ByteLen::from(wide.to_bytes().len()), Accusation::MAX);
    Broken::of(&wide, &key);
    let it = invalid_proof(&mut wide);
    it.tapes.push(7);
    let error = Signed::<Accusation>::from_bytes(&signed::<Accusation>(wide.to_bytes(), &key)).err();
    let (message, limit) = ("accusation", Accusation::MAX);
    let actual = ByteLen::new(limit.get() + 1);
    assert_eq!(
        error,
        Some(Error::TooLong {
            message,
            limit,
            actual
        })
    );
}
