//! What says that it is the proof that is wrong, and not this node's verifier.

use nonos_types::*;

use super::world::*;
use crate::engine::control::{Controls, FRESH_MS, KINDS};

fn of(executor: u8) -> Signed<Receipt> {
    let offer = Signed::new(offer(1, START, START + 6000), &key(99));
    receipt(&offer, &key(executor), 0, START)
}

#[test]
fn a_proof_found_right_speaks_for_the_verifier_for_a_minute() {
    let mut controls = Controls::default();
    assert!(!controls.has(&of(1), &[], 1000));
    controls.right(&of(2), 1000);
    assert!(controls.has(&of(1), &[], 1000 + FRESH_MS));
    assert!(!controls.has(&of(1), &[], 1001 + FRESH_MS));
}

#[test]
fn the_guilty_do_not_speak_for_themselves() {
    let (first, second) = (id(&key(2)), id(&key(3)));
    let mut controls = Controls::default();
    controls.right(&of(2), 1000);
    assert!(!controls.has(&of(1), &[first], 1000));
    // Another's before that is remembered, however often the one proves.
    controls.right(&of(3), 1000);
    controls.right(&of(3), 1000);
    assert!(controls.has(&of(1), &[second], 1000));
    assert!(!controls.has(&of(1), &[first, second], 1000));
}

#[test]
fn a_proof_of_another_kind_says_nothing() {
    let mut controls = Controls::default();
    controls.right(&of(2), 1000);
    let mut other = of(1).value().clone();
    other.record.proven.capsule = CapsuleHash::from_bytes([7; 32]);
    assert!(!controls.has(&other, &[], 1000));
    let mut other = of(1).value().clone();
    other.backend = BackendId::new("another/1");
    assert!(!controls.has(&other, &[], 1000));
    let mut other = of(1).value().clone();
    other.verifying_key = VkDigest::from_bytes([7; 32]);
    assert!(!controls.has(&other, &[], 1000));
}

#[test]
fn of_kinds_the_oldest_gives_way() {
    let mut controls = Controls::default();
    for number in 0..=KINDS as u64 {
        let mut receipt = of(2).value().clone();
        let name = CapsuleHash::hash(&[&number.to_be_bytes()]);
        receipt.record.proven.capsule = name;
        controls.right(&Signed::new(receipt, &key(2)), 1000 + number);
    }
    let of_kind = |number: u64| {
        let mut receipt = of(1).value().clone();
        receipt.record.proven.capsule = CapsuleHash::hash(&[&number.to_be_bytes()]);
        receipt
    };
    let now = 1000 + KINDS as u64;
    let there = [0, 1, KINDS as u64].map(|number| controls.has(&of_kind(number), &[], now));
    assert_eq!(there, [false, true, true]);
}
