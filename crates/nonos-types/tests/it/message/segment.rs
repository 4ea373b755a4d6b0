use nonos_types::*;

use super::{
    sample::{digest, id, key},
    wire::{Broken, signed},
};

fn task() -> SegmentTask {
    SegmentTask {
        network: digest(1),
        job: digest(2),
        slot: Slot::new(300),
        helper: NodeId::from_bytes([4; 32]),
        index: 3,
        of: 9,
        segment: digest(5),
        segment_len: ByteLen::new(70_000),
        steps: 4095,
        backend: "stark-koalabear/2".parse().expect("a name"),
        verifying_key: digest(6),
        fee: Amount::from_atto(1_000_000),
        deadline: Timestamp::new(1_800_000_060),
        at: Timestamp::new(1_800_000_000),
    }
}

fn result() -> SegmentResult {
    SegmentResult {
        task: Signed::new(task(), &key()).task(),
        proof: digest(7),
        proof_len: ByteLen::new(400_000),
        at: Timestamp::new(1_800_000_050),
    }
}

/// The vectors of `docs/spec/segment.md`, computed by a second implementation.
#[test]
fn bytes_and_names_are_those_of_the_spec() {
    let spec = include_str!("../../../../../docs/spec/segment.md");
    let task = Signed::new(task(), &key());
    let result = Signed::new(result(), &key());
    for hex in [
        hex::encode(task.to_bytes()),
        task.task().to_string(),
        hex::encode(result.to_bytes()),
    ] {
        assert!(spec.contains(&format!("`{hex}`")), "the page lacks {hex}");
    }
}

#[test]
fn names_are_32_bytes_and_amounts_16() {
    let key = key();
    let broken = Broken::of(&task(), &key);
    let names = [
        (1, "network_id"),
        (2, "job_id"),
        (4, "helper"),
        (7, "segment"),
        (11, "verifying_key"),
    ];
    broken.has_fixed(32, &names);
    broken.has_fixed(16, &[(12, "fee")]);
    let broken = Broken::of(&result(), &key);
    broken.has_fixed(32, &[(1, "task"), (2, "proof")]);
}

#[test]
fn have_no_other_fields() {
    let key = key();
    Broken::of(&task(), &key).has_no_more_and_no_less(15);
    Broken::of(&result(), &key).has_no_more_and_no_less(5);
}

#[test]
fn a_task_is_of_a_run_in_two_segments_to_the_most() {
    let key = key();
    let broken = Broken::of(&task(), &key);
    broken.accepts(&broken.fields.with(5, 1).with(6, 2));
    broken.accepts(&broken.fields.with(6, 1024));
    broken.refuses_field(&broken.fields.without(5).with(6, 1), "of");
    broken.refuses_field(&broken.fields.with(6, 1025), "of");
    broken.refuses_field(&broken.fields.with(5, 9), "index");
    broken.refuses_field(&broken.fields.with(3, 65_536), "slot");
}

#[test]
fn a_task_without_work_or_without_pay_is_none() {
    let key = key();
    let broken = Broken::of(&task(), &key);
    broken.accepts(&broken.fields.with(8, 64 << 20));
    broken.refuses_field(&broken.fields.with(8, (64 << 20) + 1), "segment_len");
    broken.refuses_field(&broken.fields.without(8), "segment_len");
    broken.refuses_field(&broken.fields.without(9), "steps");
    broken.refuses_field(&broken.fields.with(12, vec![0; 16]), "fee");
    broken.refuses_field(&broken.fields.with(13, 1_799_999_999), "deadline");
    broken.refuses_field(&broken.fields.with(10, "STARK"), "backend");
}

#[test]
fn nobody_asks_himself() {
    let key = key();
    let own = SegmentTask {
        helper: id(&key),
        ..task()
    };
    let refused = Signed::<SegmentTask>::from_bytes(&signed::<SegmentTask>(own.to_bytes(), &key));
    let message = "segment-task";
    assert_eq!(refused.err(), Some(Error::WrongSigner { message }));
}

#[test]
fn a_result_has_a_proof_that_is_not_too_long() {
    let key = key();
    let broken = Broken::of(&result(), &key);
    broken.accepts(&broken.fields.with(3, 4 << 20));
    broken.refuses_field(&broken.fields.with(3, (4 << 20) + 1), "proof_len");
    broken.refuses_field(&broken.fields.without(3), "proof_len");
}

#[test]
fn the_widest_fit() {
    let key = key();
    let wide = SegmentTask {
        network: digest(255),
        job: digest(255),
        slot: Slot::MAX,
        helper: NodeId::from_bytes([255; 32]),
        index: SegmentTask::MAX_OF - 1,
        of: SegmentTask::MAX_OF,
        segment: digest(255),
        segment_len: SegmentTask::MAX_SEGMENT,
        steps: u32::MAX,
        backend: "b".repeat(64).parse().expect("a name"),
        verifying_key: digest(255),
        fee: Amount::from_atto(u128::MAX),
        deadline: Timestamp::MAX,
        at: Timestamp::MAX,
    };
    Broken::of(&wide, &key);
    let wide = SegmentResult {
        task: digest(255),
        proof: digest(255),
        proof_len: SegmentResult::MAX_PROOF,
        at: Timestamp::MAX,
    };
    Broken::of(&wide, &key);
}
