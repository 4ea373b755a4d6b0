//! Records to test with.

use ed25519_dalek::SigningKey;
use nonos_types::*;
use proptest::{array::uniform32, collection::vec, option, prelude::*};

pub(crate) fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// Every field has a value of its own.
pub(crate) fn record() -> ExecutionRecord {
    ExecutionRecord {
        proven: Proven {
            network: Digest::from_bytes([1; 32]),
            job: Digest::from_bytes([2; 32]),
            slot: Slot::new(300),
            nonce: Digest::from_bytes([3; 32]),
            executor: NodeId::from_bytes([4; 32]),
            capsule: Digest::from_bytes([5; 32]),
            machine: MachineVersion::new(1),
            policy: Digest::from_bytes([6; 32]),
            entry: "main".to_owned(),
            arguments: vec![Value::I32(0), Value::I64(u64::MAX)],
            input: Digest::from_bytes([7; 32]),
            sealed_input: Some(Commitment {
                scheme: CommitmentScheme(1),
                digest: [8; 32],
            }),
            inbound: Digest::from_bytes([9; 32]),
            output: Output::Digest(Digest::from_bytes([10; 32])),
            outcome: Outcome::Return(vec![Value::I32(5)]),
            fuel_used: Fuel::new(1_000_000),
            peak_pages: Pages::new(17),
            segment_chain: Digest::from_bytes([11; 32]),
        },
        attested: Attested {
            checkpoint_root: Digest::from_bytes([12; 32]),
            audit_root: Digest::from_bytes([13; 32]),
            poi_pre: Some(Digest::from_bytes([14; 32])),
            poi_post: None,
        },
    }
}

fn digest<T: Tag>() -> impl Strategy<Value = Digest<T>> {
    uniform32(any::<u8>()).prop_map(Digest::from_bytes)
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u32>().prop_map(Value::I32),
        any::<u64>().prop_map(Value::I64)
    ]
}

fn commitment() -> impl Strategy<Value = Commitment> {
    (any::<u32>(), uniform32(any::<u8>())).prop_map(|(scheme, digest)| Commitment {
        scheme: CommitmentScheme(scheme),
        digest,
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        vec(value(), 0..4).prop_map(Outcome::Return),
        any::<u32>().prop_map(Outcome::Exit),
        proptest::sample::select(TrapKind::ALL).prop_map(Outcome::Trap),
        Just(Outcome::OutOfFuel),
    ]
}

fn output() -> impl Strategy<Value = Output> {
    prop_oneof![
        digest().prop_map(Output::Digest),
        commitment().prop_map(Output::Commitment)
    ]
}

/// Any valid record.
pub(crate) fn records() -> impl Strategy<Value = ExecutionRecord> {
    let job = (
        digest(),
        digest(),
        any::<u16>(),
        digest(),
        uniform32(any::<u8>()),
        digest(),
    );
    let call = (any::<u32>(), digest(), "[a-z_ø]{0,8}", vec(value(), 0..4));
    let data = (digest(), option::of(commitment()), digest(), output());
    let end = (outcome(), any::<u64>(), any::<u32>(), digest());
    let attested = (digest(), digest(), option::of(digest()), option::of(digest()));
    (job, call, data, end, attested).prop_map(|(job, call, data, end, attested)| ExecutionRecord {
        proven: Proven {
            network: job.0,
            job: job.1,
            slot: Slot::new(job.2),
            nonce: job.3,
            executor: NodeId::from_bytes(job.4),
            capsule: job.5,
            machine: MachineVersion::new(call.0),
            policy: call.1,
            entry: call.2,
            arguments: call.3,
            input: data.0,
            sealed_input: data.1,
            inbound: data.2,
            output: data.3,
            outcome: end.0,
            fuel_used: Fuel::new(end.1),
            peak_pages: Pages::new(end.2),
            segment_chain: end.3,
        },
        attested: Attested {
            checkpoint_root: attested.0,
            audit_root: attested.1,
            poi_pre: attested.2,
            poi_post: attested.3,
        },
    })
}
