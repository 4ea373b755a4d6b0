//! A receipt in a file: `docs/spec/receipt-file.md`.

use ed25519_dalek::SigningKey;
use nonos_types::{
    Amount, Attempt, Attested, AuditRoot, BackendId, ByteLen, CapsuleHash, CheckpointRoot, Error,
    ExecutionRecord, Fault, Fuel, InboundDigest, InputDigest, JobId, MachineVersion, NetworkId, NodeId,
    Nonce, Outcome, Output, OutputDigest, Pages, Payload as _, PolicyHash, ProofDigest, Proven, Receipt,
    SegmentChain, Signed, Slot, TapesDigest, Timestamp, VkDigest,
};
use nonos_verify::{ReceiptFile, ReceiptFileError};

const TAPES: &[u8] = &[4, 5];
const PROOF: &[u8] = &[1, 2, 3];
const PACKAGE: &[u8] = &[7; 9];

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn unsigned() -> Receipt {
    let proven = Proven {
        network: NetworkId::from_bytes([1; 32]),
        job: JobId::from_bytes([2; 32]),
        slot: Slot::ZERO,
        nonce: Nonce::ZERO,
        executor: NodeId::from_bytes(key(7).verifying_key().to_bytes()),
        capsule: CapsuleHash::from_bytes([3; 32]),
        machine: MachineVersion::new(2),
        policy: PolicyHash::from_bytes([4; 32]),
        entry: "run".to_owned(),
        arguments: vec![],
        input: InputDigest::from_bytes([5; 32]),
        sealed_input: None,
        inbound: InboundDigest::from_bytes([6; 32]),
        output: Output::Digest(OutputDigest::from_bytes([7; 32])),
        outcome: Outcome::Return(vec![]),
        fuel_used: Fuel::new(8),
        peak_pages: Pages::new(1),
        segment_chain: SegmentChain::ZERO,
    };
    let mut receipt = Receipt {
        record: ExecutionRecord {
            proven,
            attested: Attested {
                checkpoint_root: CheckpointRoot::from_bytes([8; 32]),
                audit_root: AuditRoot::from_bytes([9; 32]),
                poi_pre: None,
                poi_post: None,
            },
        },
        attempt: Attempt::new(0),
        backend: BackendId::new("a-backend/1"),
        verifying_key: VkDigest::from_bytes([10; 32]),
        proof: ProofDigest::hash(&[PROOF]),
        proof_len: ByteLen::from(PROOF.len()),
        tapes: TapesDigest::hash(&[TAPES]),
        tapes_len: ByteLen::from(TAPES.len()),
        fee: Amount::from_atto(11),
        transfers: vec![],
        at: Timestamp::new(1_800_000_000),
        result: None,
    };
    receipt.record.proven.nonce = receipt.assignment().nonce();
    receipt
}

fn receipt() -> Signed<Receipt> {
    Signed::new(unsigned(), &key(7))
}

fn file(package: Option<&[u8]>) -> ReceiptFile {
    ReceiptFile::new(receipt(), TAPES.into(), PROOF.into(), package.map(Into::into)).unwrap()
}

/// A length-delimited protobuf field, by hand.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut len = bytes.len();
    while len > 127 {
        field.push((len & 127) as u8 | 128);
        len >>= 7;
    }
    field.push(len as u8);
    [&field, bytes].concat()
}

/// A file of these fields, by hand.
fn bytes(fields: &[(u8, &[u8])]) -> Vec<u8> {
    let fields = fields.iter().flat_map(|(number, bytes)| field(*number, bytes));
    b"NONR\x01".iter().copied().chain(fields).collect()
}

#[test]
fn has_the_bytes_of_its_specification() {
    let signed = receipt().to_bytes();
    let without = bytes(&[(1, &signed), (2, TAPES), (3, PROOF)]);
    assert_eq!(file(None).to_bytes(), without);
    assert_eq!(ReceiptFile::from_bytes(&without), Ok(file(None)));
    let with = bytes(&[(1, &signed), (2, TAPES), (3, PROOF), (4, PACKAGE)]);
    assert_eq!(file(Some(PACKAGE)).to_bytes(), with);
    let read = ReceiptFile::from_bytes(&with).unwrap();
    assert_eq!((read.package(), read.tapes()), (Some(PACKAGE), TAPES));
    assert_eq!(*read.receipt(), receipt());
    assert_eq!(file(Some(&[])), file(None));
}

#[test]
fn claims_what_the_receipt_says() {
    let claim = file(None).claim(vec![0, 1, 2]);
    assert_eq!(claim.public.statement(), unsigned().record.to_bytes());
    let attached = [0, 1].map(|i| claim.public.attachment(i).unwrap());
    assert_eq!(attached, [&[0, 1, 2][..], TAPES]);
    assert_eq!(claim.public.attachments(), 2);
    assert_eq!(
        (claim.proof.vk, &*claim.proof.bytes),
        (unsigned().verifying_key, PROOF)
    );
}

#[test]
fn refuses_bytes_that_the_receipt_does_not_commit_to() {
    let cases: [(&[u8], &[u8], &str); 6] = [
        (&[4, 6], PROOF, "tapes"),
        (&[4, 5, 0], PROOF, "tapes"),
        (&[], PROOF, "tapes"),
        (TAPES, &[1, 2, 4], "proof's bytes"),
        (TAPES, &[1, 2], "proof's bytes"),
        (TAPES, &[], "proof's bytes"),
    ];
    for (tapes, proof, part) in cases {
        let expected = Err(ReceiptFileError::NotCommitted { part });
        assert_eq!(
            ReceiptFile::new(receipt(), tapes.into(), proof.into(), None),
            expected
        );
    }
    // The length alone is enough to refuse, and so is the digest.
    let lies = [
        (ByteLen::new(3), ByteLen::from(PROOF.len()), "tapes"),
        (ByteLen::from(TAPES.len()), ByteLen::new(2), "proof's bytes"),
    ];
    for (tapes_len, proof_len, part) in lies {
        let lying = Receipt {
            tapes_len,
            proof_len,
            ..unsigned()
        };
        let made = ReceiptFile::new(Signed::new(lying, &key(7)), TAPES.into(), PROOF.into(), None);
        assert_eq!(made, Err(ReceiptFileError::NotCommitted { part }));
    }
}

#[test]
fn refuses_a_receipt_that_its_executor_did_not_sign() {
    let by_another = Signed::new(unsigned(), &key(8)).to_bytes();
    let mut broken = receipt().to_bytes();
    *broken.last_mut().unwrap() ^= 1;
    let with = |signed: &[u8]| bytes(&[(1, signed), (2, TAPES), (3, PROOF)]);
    for file in [with(&by_another), with(&broken), bytes(&[(2, TAPES), (3, PROOF)])] {
        let refused = ReceiptFile::from_bytes(&file).unwrap_err();
        assert!(matches!(refused, ReceiptFileError::Receipt(_)), "{refused:?}");
        assert_eq!(refused.fault(), Fault::Peer);
    }
}

#[test]
fn refuses_every_other_encoding() {
    let signed = receipt().to_bytes();
    let whole = file(Some(PACKAGE)).to_bytes();
    let without_package = whole.len() - field(4, PACKAGE).len();
    for end in 0..whole.len() {
        let cut = ReceiptFile::from_bytes(&whole[..end]);
        assert_eq!(cut.is_ok(), end == without_package, "cut at {end}");
    }
    let not_one = |bytes: &[u8]| ReceiptFile::from_bytes(bytes) == Err(ReceiptFileError::NotOne);
    assert!(not_one(b"NONP\x01") && not_one(b"NONR") && not_one(b""));
    let mut newer = whole.clone();
    newer[4] = 2;
    assert_eq!(
        ReceiptFile::from_bytes(&newer),
        Err(ReceiptFileError::Version { found: 2 })
    );
    let others: [&[(u8, &[u8])]; 4] = [
        &[(1, &signed), (3, PROOF), (2, TAPES)],
        &[(1, &signed), (2, TAPES), (3, PROOF), (3, PROOF)],
        &[(1, &signed), (2, TAPES), (3, PROOF), (4, &[])],
        &[(1, &signed), (2, TAPES), (3, PROOF), (5, PACKAGE)],
    ];
    for other in others {
        let refused = ReceiptFile::from_bytes(&bytes(other));
        assert!(
            matches!(refused, Err(ReceiptFileError::Body(Error::NotCanonical { .. }))),
            "{refused:?}"
        );
    }
}

#[test]
fn refuses_what_is_longer_than_any() {
    let package = vec![1; ReceiptFile::MAX.get() as usize];
    let refused = ReceiptFile::new(receipt(), TAPES.into(), PROOF.into(), Some(package));
    assert!(
        matches!(refused, Err(ReceiptFileError::Body(Error::TooLong { .. }))),
        "{refused:?}"
    );
}
