//! The proof object's bytes.

use nonos_types::{
    Attested, AuditRoot, ByteLen, CapsuleHash, CheckpointRoot, ExecHash, ExecutionRecord, Fault, Fuel,
    InboundDigest, InputDigest, JobId, MachineVersion, NetworkId, NodeId, Nonce, Outcome, Output,
    OutputDigest, Pages, PolicyHash, Proven, SegmentChain, Slot, Timestamp, VkDigest,
};
use nonos_verify::{BackendId, MAX_OBJECT, ObjectError, Proof, ProofObject};
use proptest::prelude::*;

/// The golden vector of `docs/spec/proof.md`.
const GOLDEN: &str = concat!(
    "0a20",
    "0101010101010101010101010101010101010101010101010101010101010101",
    "1220",
    "0202020202020202020202020202020202020202020202020202020202020202",
    "1a04",
    "deadbeef",
    "20",
    "80e2cfaa06",
    "2a0c",
    "68616c6f322d6970612f7631",
    "3220",
    "0303030303030303030303030303030303030303030303030303030303030303",
);

fn golden() -> ProofObject {
    ProofObject {
        capsule: CapsuleHash::from_bytes([1; 32]),
        exec: ExecHash::from_bytes([2; 32]),
        proof: Proof::new(VkDigest::from_bytes([3; 32]), vec![0xde, 0xad, 0xbe, 0xef]),
        timestamp: Timestamp::new(1_700_000_000),
        backend: BackendId::new("halo2-ipa/v1"),
    }
}

fn bytes() -> Vec<u8> {
    hex::decode(GOLDEN).unwrap()
}

#[test]
fn the_golden_vector_is_what_it_was() {
    assert_eq!(hex::encode(golden().encode().unwrap()), GOLDEN);
    assert_eq!(ProofObject::decode(&bytes()).unwrap(), golden());
}

#[test]
fn the_specification_shows_the_golden_vector() {
    let spec = include_str!("../../../../docs/spec/proof.md");
    let shown: String = spec
        .split("```hex")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(shown, GOLDEN);
}

#[test]
fn refuses_every_truncation() {
    for len in 0..bytes().len() {
        let error = ProofObject::decode(&bytes()[..len]).expect_err("cut");
        assert_eq!(error.fault(), Fault::Peer, "cut to {len}");
    }
}

#[test]
fn refuses_what_follows_and_what_is_unknown() {
    let field_7 = [bytes(), vec![0x38, 0x01]].concat();
    assert_eq!(ProofObject::decode(&field_7), Err(ObjectError::NotCanonical));
    assert_eq!(
        ProofObject::decode(&[bytes(), bytes()].concat()),
        Err(ObjectError::NotCanonical)
    );
    assert_eq!(
        ProofObject::decode(&[bytes(), vec![0]].concat()),
        Err(ObjectError::Malformed)
    );
}

#[test]
fn refuses_a_number_longer_than_needed() {
    let text = GOLDEN.replace("80e2cfaa06", "80e2cfaa8600");
    assert_eq!(
        ProofObject::decode(&hex::decode(text).unwrap()),
        Err(ObjectError::NotCanonical)
    );
}

#[test]
fn refuses_fields_out_of_order() {
    let (head, tail) = GOLDEN.split_at(68);
    let swapped = [&tail[..68], head, &tail[68..]].concat();
    assert_eq!(
        ProofObject::decode(&hex::decode(swapped).unwrap()),
        Err(ObjectError::NotCanonical)
    );
}

#[test]
fn refuses_a_digest_of_another_length() {
    for (field, number) in [("capsule_hash", "0a"), ("exec_hash", "12"), ("vk_digest", "32")] {
        let at = GOLDEN.find(&format!("{number}20")).unwrap();
        let short = [&GOLDEN[..at], number, "1f", &GOLDEN[at + 6..]].concat();
        let error = ProofObject::decode(&hex::decode(short).unwrap()).unwrap_err();
        assert_eq!(error, ObjectError::BadField { field });
        let absent = [&GOLDEN[..at], &GOLDEN[at + 68..]].concat();
        let error = ProofObject::decode(&hex::decode(absent).unwrap()).unwrap_err();
        assert_eq!(error, ObjectError::BadField { field });
    }
}

#[test]
fn refuses_a_backend_that_is_no_name() {
    let text = GOLDEN.replace("68616c6f32", "48616c6f32");
    let error = ProofObject::decode(&hex::decode(text).unwrap()).unwrap_err();
    assert_eq!(error, ObjectError::BadField { field: "backend" });
}

#[test]
fn refuses_an_empty_proof_in_both_directions() {
    let empty = ProofObject {
        proof: Proof::new(golden().proof.vk, vec![]),
        ..golden()
    };
    assert_eq!(
        empty.encode(),
        Err(ObjectError::BadField { field: "proof_bytes" })
    );
    let text = GOLDEN.replace("1a04deadbeef", "");
    let error = ProofObject::decode(&hex::decode(text).unwrap()).unwrap_err();
    assert_eq!(error, ObjectError::BadField { field: "proof_bytes" });
}

#[test]
fn refuses_an_object_that_is_too_long_in_both_directions() {
    let limit = usize::try_from(MAX_OBJECT.get()).unwrap();
    let found = ByteLen::from(limit + 1);
    let error = ProofObject::decode(&vec![0; limit + 1]).unwrap_err();
    assert_eq!(
        error,
        ObjectError::TooLong {
            found,
            limit: MAX_OBJECT
        }
    );
    let long = ProofObject {
        proof: Proof::new(golden().proof.vk, vec![0; limit]),
        ..golden()
    };
    let error = long.encode().unwrap_err();
    assert!(
        matches!(
            error,
            ObjectError::TooLong {
                limit: MAX_OBJECT,
                ..
            }
        ),
        "{error:?}"
    );
}

fn record() -> ExecutionRecord {
    ExecutionRecord {
        proven: Proven {
            network: NetworkId::ZERO,
            job: JobId::ZERO,
            slot: Slot::ZERO,
            nonce: Nonce::ZERO,
            executor: NodeId::from_bytes([0; 32]),
            capsule: golden().capsule,
            machine: MachineVersion::new(1),
            policy: PolicyHash::ZERO,
            entry: "run".to_owned(),
            arguments: vec![],
            input: InputDigest::ZERO,
            sealed_input: None,
            inbound: InboundDigest::ZERO,
            output: Output::Digest(OutputDigest::ZERO),
            outcome: Outcome::Return(vec![]),
            fuel_used: Fuel::new(1),
            peak_pages: Pages::new(1),
            segment_chain: SegmentChain::ZERO,
        },
        attested: Attested {
            checkpoint_root: CheckpointRoot::ZERO,
            audit_root: AuditRoot::ZERO,
            poi_pre: None,
            poi_post: None,
        },
    }
}

#[test]
fn refuses_to_be_about_another_run() {
    let object = ProofObject {
        exec: record().exec_hash(),
        ..golden()
    };
    assert_eq!(object.is_about(&record()), Ok(()));
    let mut other = record();
    other.attested.audit_root = AuditRoot::from_bytes([1; 32]);
    assert_eq!(
        object.is_about(&other),
        Err(ObjectError::OtherRun { field: "exec_hash" })
    );
    let mut other = record();
    other.proven.capsule = CapsuleHash::ZERO;
    let object = ProofObject {
        exec: other.exec_hash(),
        ..golden()
    };
    assert_eq!(
        object.is_about(&other),
        Err(ObjectError::OtherRun {
            field: "capsule_hash"
        })
    );
}

proptest! {
    #[test]
    fn what_decodes_encodes_to_the_same_bytes(flips in prop::collection::vec((0..200_usize, 0..8_u32), 0..4)) {
        let mut bytes = bytes();
        for (at, bit) in flips {
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
        }
        if let Ok(object) = ProofObject::decode(&bytes) {
            prop_assert_eq!(object.encode().unwrap(), bytes);
        }
    }

    #[test]
    fn any_bytes_decode_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(object) = ProofObject::decode(&bytes) {
            prop_assert_eq!(object.encode().unwrap(), bytes);
        }
    }
}
