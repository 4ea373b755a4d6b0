mod accusation;
mod descriptor;
mod equivocation;
mod false_accusation;
mod false_verdict;
mod feed_fork;
mod further;
mod job;
mod nonce_reuse;
mod receipt;
mod relay;
mod sample;
mod sealed;
mod segment;
mod voucher;
mod voucher_conflict;
mod wire;

use ed25519_dalek::{
    SigningKey,
    hazmat::{ExpandedSecretKey, raw_sign},
};
use nonos_types::*;
use proptest::prelude::*;

use self::sample::{accuser, id, key, messages, relay};

const SPEC: &str = include_str!("../../../../docs/spec/message.md");

/// Who signs the sample.
fn signer(kind: Kind) -> SigningKey {
    match kind {
        Kind::Accusation => accuser(),
        Kind::RelayHead => relay(),
        _ => key(),
    }
}

fn vector(kind: Kind) -> &'static str {
    match kind {
        Kind::Descriptor => include_str!("../vectors/message/descriptor.hex"),
        Kind::Offer => include_str!("../vectors/message/offer.hex"),
        Kind::Claim => include_str!("../vectors/message/claim.hex"),
        Kind::Award => include_str!("../vectors/message/award.hex"),
        Kind::Cancel => include_str!("../vectors/message/cancel.hex"),
        Kind::Receipt => include_str!("../vectors/message/receipt.hex"),
        Kind::Verdict => include_str!("../vectors/message/verdict.hex"),
        Kind::Voucher => include_str!("../vectors/message/voucher.hex"),
        Kind::Accusation => include_str!("../vectors/message/accusation.hex"),
        Kind::RelayHead => include_str!("../vectors/message/relay-head.hex"),
    }
}

#[test]
fn there_is_a_sample_of_each_kind() {
    let kinds: Vec<_> = messages().iter().map(Message::kind).collect();
    assert_eq!(kinds, Kind::ALL);
}

/// The vectors of `docs/spec/message.md`.
#[test]
fn bytes_and_names_are_those_of_the_spec() {
    for message in messages() {
        let name = message.kind().name();
        assert_eq!(
            hex::encode(message.to_bytes()),
            vector(message.kind()).trim(),
            "{name}"
        );
        let row = format!("| `{name}` | `{}` |", message.id());
        assert!(SPEC.contains(&row), "the page lacks {row}");
    }
    let job = Signed::new(sample::offer(), &key()).job();
    let receipt = Signed::new(sample::receipt(), &key()).receipt_id();
    let evidence = sample::accusation().evidence.id();
    for row in [
        format!("| `JobId` of the offer | `{job}` |"),
        format!("| `ReceiptId` of the receipt | `{receipt}` |"),
        format!("| `EvidenceId` of the accusation | `{evidence}` |"),
    ] {
        assert!(SPEC.contains(&row), "the page lacks {row}");
    }
}

/// The accusations of `docs/spec/message.md` that are not about a proof alone.
#[test]
fn accusations_of_relays_and_nodes_are_those_of_the_spec() {
    for (name, accusation, vector) in [
        (
            "bad-relay",
            sample::bad_relay(),
            include_str!("../vectors/message/accusation-bad-relay.hex"),
        ),
        (
            "forked-head",
            sample::forked_head(),
            include_str!("../vectors/message/accusation-forked-head.hex"),
        ),
        (
            "equivocation",
            sample::equivocation(),
            include_str!("../vectors/message/accusation-equivocation.hex"),
        ),
        (
            "nonce-reuse",
            sample::nonce_reuse(),
            include_str!("../vectors/message/accusation-nonce-reuse.hex"),
        ),
        (
            "false-verdict",
            sample::false_verdict(),
            include_str!("../vectors/message/accusation-false-verdict.hex"),
        ),
        (
            "voucher-conflict",
            sample::voucher_conflict(),
            include_str!("../vectors/message/accusation-voucher-conflict.hex"),
        ),
        (
            "feed-fork",
            sample::feed_fork(),
            include_str!("../vectors/message/accusation-feed-fork.hex"),
        ),
        (
            "false-accusation",
            sample::false_accusation(),
            include_str!("../vectors/message/accusation-false-accusation.hex"),
        ),
    ] {
        let evidence = accusation.evidence.id();
        assert_eq!(accusation.evidence.kind(), name);
        let message = Message::from(Signed::new(accusation, &accuser()));
        assert_eq!(hex::encode(message.to_bytes()), vector.trim(), "{name}");
        assert_eq!(
            Message::from_bytes_of_any_kind(&message.to_bytes()).as_ref(),
            Ok(&message)
        );
        for row in [
            format!("| `accusation`, `{name}` | `{}` |", message.id()),
            format!("| `EvidenceId`, `{name}` | `{evidence}` |"),
        ] {
            assert!(SPEC.contains(&row), "the page lacks {row}");
        }
    }
}

/// The offer of `docs/spec/message.md` that names messages.
#[test]
fn an_offer_with_messages_is_that_of_the_spec() {
    let offer = Signed::new(sample::offer_with_inbound(), &key());
    let vector = include_str!("../vectors/message/offer-inbound.hex");
    assert_eq!(hex::encode(offer.to_bytes()), vector.trim());
    assert_eq!(Signed::from_bytes(&offer.to_bytes()).as_ref(), Ok(&offer));
    for row in [
        format!("| `offer`, with messages | `{}` |", offer.id()),
        format!("| `JobId` of the offer with messages | `{}` |", offer.job()),
    ] {
        assert!(SPEC.contains(&row), "the page lacks {row}");
    }
}

#[test]
fn limits_are_those_of_the_spec() {
    for kind in Kind::ALL {
        let payload = kind.max_len().get() - 256;
        let heading = format!("`{}`, at most {payload} bytes", kind.name());
        assert!(SPEC.contains(&heading), "the page lacks {heading}");
    }
}

#[test]
fn reads_what_it_writes_and_says_whose_it_is() {
    for message in messages() {
        let bytes = message.to_bytes();
        assert_eq!(Message::from_bytes_of_any_kind(&bytes), Ok(message.clone()));
        assert_eq!(Message::from_bytes(message.kind(), &bytes), Ok(message.clone()));
        let signer = signer(message.kind());
        assert_eq!(message.signer(), id(&signer));
        assert_eq!(message.network(), Digest::from_bytes([1; 32]));
        assert!((1_700_000_000..1_700_000_008).contains(&message.at().get()));
    }
    let times: Vec<_> = messages().iter().map(|it| it.at().get() % 100).collect();
    assert_eq!(times, [0, 0, 1, 2, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn refuses_a_message_as_one_of_another_kind() {
    for message in messages() {
        for kind in Kind::ALL.iter().filter(|it| **it != message.kind()) {
            let refused = Message::from_bytes(*kind, &message.to_bytes());
            let too_long = message.to_bytes().len() as u64 > kind.max_len().get();
            let error = refused.expect_err("another kind");
            assert_eq!(matches!(error, Error::TooLong { .. }), too_long);
            assert_eq!(matches!(error, Error::WrongType { .. }), !too_long, "{error:?}");
        }
    }
}

/// A payload of a kind the mesh does not have.
struct Other;

impl Payload for Other {
    const TYPE: &'static str = "gossip";
    const MAX: ByteLen = ByteLen::new(64);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        sample::claim().to_bytes()
    }

    fn from_bytes(_: &[u8]) -> Result<Self, Error> {
        unreachable!("it is only signed")
    }
}

#[test]
fn refuses_an_unknown_kind() {
    let bytes = Envelope::sign(&Other, &key()).to_bytes();
    let error = Message::from_bytes_of_any_kind(&bytes).expect_err("unknown");
    assert_eq!(
        error,
        Error::BadField {
            message: "envelope",
            field: "type"
        }
    );
    assert_eq!(error.fault(), Fault::Peer);
    // A record travels signed, too, but is no message.
    let record = Envelope::sign(&crate::sample::record(), &key()).to_bytes();
    assert!(Message::from_bytes_of_any_kind(&record).is_err());
    assert!(Message::from_bytes_of_any_kind(&[]).is_err());
}

#[test]
fn refuses_more_than_the_limit_before_decoding() {
    for kind in Kind::ALL {
        let len = kind.max_len().get() as usize + 1;
        let error = Message::from_bytes(*kind, &vec![0xff; len]).expect_err("too long");
        let expected = Error::TooLong {
            message: "envelope",
            limit: kind.max_len(),
            actual: ByteLen::from(len),
        };
        assert_eq!(error, expected);
    }
    let most = Kind::Accusation.max_len();
    let error = Message::from_bytes_of_any_kind(&vec![0xff; most.get() as usize + 1]).expect_err("too long");
    let actual = ByteLen::new(most.get() + 1);
    assert_eq!(
        error,
        Error::TooLong {
            message: "envelope",
            limit: most,
            actual
        }
    );
}

/// A claim in an envelope that is within the limit of the longest message, but not of its own.
#[test]
fn the_limit_of_a_kind_holds_where_the_kind_is_not_known_beforehand() {
    let long = wire::signed::<Claim>(vec![0; 1000], &key());
    let error = Message::from_bytes_of_any_kind(&long).expect_err("too long");
    let expected = Error::TooLong {
        message: "envelope",
        limit: Kind::Claim.max_len(),
        actual: ByteLen::from(long.len()),
    };
    assert_eq!(error, expected);
}

/// Another good signature of the same key over the same bytes.
fn sign_again(message: &Message, key: &SigningKey) -> Vec<u8> {
    sign_bytes_again(&message.to_bytes(), key)
}

fn sign_bytes_again(bytes: &[u8], key: &SigningKey) -> Vec<u8> {
    let fields = wire::Fields::of(bytes);
    let [kind, payload] = [1, 2].map(|number| fields.all(number).remove(0));
    let mut secret = ExpandedSecretKey::from(&key.to_bytes());
    secret.hash_prefix[0] ^= 1;
    let len = (kind.len() as u64).to_le_bytes();
    let signed = [&b"nonos/v1/envelope"[..], &len, &kind, &payload].concat();
    let signature = raw_sign::<sha2::Sha512>(&secret, &signed, &key.verifying_key());
    fields.with(4, signature.to_bytes().to_vec()).to_bytes()
}

#[test]
fn names_are_the_same_whatever_the_signature() {
    for message in messages() {
        let signer = signer(message.kind());
        let bytes = sign_again(&message, &signer);
        assert_ne!(bytes, message.to_bytes());
        let again = Message::from_bytes(message.kind(), &bytes).expect("a good signature");
        assert_eq!(again.id(), message.id());
        match (&again, &message) {
            (Message::Offer(again), Message::Offer(first)) => assert_eq!(again.job(), first.job()),
            (Message::Receipt(again), Message::Receipt(first)) => {
                assert_eq!(again.receipt_id(), first.receipt_id());
            }
            _ => {}
        }
    }
}

/// Were it not so, who signs a receipt again would be guilty of two faults for one.
#[test]
fn evidence_is_the_same_whatever_the_receipts_signature_and_bytes_shown() {
    let receipt = Message::from(Signed::new(sample::receipt(), &key()));
    let again = Signed::from_bytes(&sign_again(&receipt, &key())).expect("a good signature");
    let evidence = InvalidProof {
        receipt: again,
        tapes: vec![],
        proof: vec![],
    };
    assert_eq!(evidence.id(), sample::accusation().evidence.id());
}

#[test]
fn names_differ_by_kind_signer_and_payload() {
    let claim = Signed::new(sample::claim(), &key());
    let other_signer = Signed::new(sample::claim(), &accuser());
    let later = Claim {
        at: Timestamp::new(9),
        ..sample::claim()
    };
    let other_payload = Signed::new(later, &key());
    let ids = std::collections::HashSet::from([claim.id(), other_signer.id(), other_payload.id()]);
    assert_eq!(ids.len(), 3);
    let kinds: std::collections::HashSet<_> = messages().iter().map(Message::id).collect();
    assert_eq!(kinds.len(), Kind::ALL.len());
    let jobs = [key(), accuser()].map(|key| Signed::new(sample::offer(), &key).job());
    assert_ne!(jobs[0], jobs[1], "an offer of another requester is another job");
}

#[test]
fn every_flipped_bit_is_refused() {
    for message in messages() {
        let bytes = message.to_bytes();
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << (at % 8);
            assert!(
                Message::from_bytes_of_any_kind(&bad).is_err(),
                "{:?} byte {at}",
                message.kind()
            );
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Message::from_bytes_of_any_kind(&bytes).is_err());
    }

    /// What is accepted has these bytes and no others, whoever signs it.
    #[test]
    fn changed_payloads_are_refused_or_canonical(
        which in 0..Kind::ALL.len(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let message = &messages()[which];
        let mut payload = wire::Fields::of(&message.to_bytes()).all(2).remove(0);
        for (at, byte) in edits {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        fn check<P: Payload<Error = Error>>(payload: Vec<u8>) -> Result<(), TestCaseError> {
            if let Ok(read) = Signed::<P>::from_bytes(&wire::signed::<P>(payload.clone(), &key())) {
                prop_assert_eq!(read.value().to_bytes(), payload);
            }
            Ok(())
        }
        match message.kind() {
            Kind::Descriptor => check::<Descriptor>(payload)?,
            Kind::Offer => check::<Offer>(payload)?,
            Kind::Claim => check::<Claim>(payload)?,
            Kind::Award => check::<Award>(payload)?,
            Kind::Cancel => check::<Cancel>(payload)?,
            Kind::Receipt => check::<Receipt>(payload)?,
            Kind::Verdict => check::<Verdict>(payload)?,
            Kind::Voucher => check::<Voucher>(payload)?,
            Kind::Accusation => check::<Accusation>(payload)?,
            Kind::RelayHead => check::<RelayHead>(payload)?,
        }
    }
}
