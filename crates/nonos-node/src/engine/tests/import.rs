//! Messages that somebody carried here in a file.

use nonos_types::*;

use super::world::*;
use crate::engine::Fate;

const WAITS_FOR_OBJECTS: &str = "for its capsule, tapes or proof, or until the verifiers have time";

/// A node that hears nobody, and the journal of a mesh in which a job was run.
fn alone() -> (World, Vec<Message>) {
    let mut world = World::new(3);
    world.stop(2);
    world.submit(1, 0, 6000).expect("a job");
    world.pass(120);
    let messages = journal(&world, 0);
    for node in 0..2 {
        world.stop(node);
    }
    world.start(2);
    world.run();
    (world, messages)
}

/// The offer among them.
fn offered(messages: &[Message]) -> Signed<Offer> {
    let offers = messages.iter().find_map(|it| match it {
        Message::Offer(it) => Some(it.clone()),
        _ => None,
    });
    offers.expect("there is one")
}

/// What becomes of a message once it was verified.
fn take(world: &mut World, node: usize, message: &Message) -> Fate {
    let fate = world.import(node, message, false);
    world.run();
    match fate {
        Fate::Checked => world.import(node, message, true),
        fate => fate,
    }
}

/// An offer of a stranger, and a receipt for it of another.
fn strangers(salt: u8) -> (Message, Signed<Receipt>) {
    let offer = Signed::new(offer(salt, START, START + 6000), &key(70));
    let receipt = receipt(&offer, &key(71), 0, START);
    (offer.into(), receipt)
}

#[test]
fn a_journal_that_was_carried_here_is_taken_in_and_again_changes_nothing() {
    let (mut world, messages) = alone();
    let had = journal(&world, 2);
    let mut taken = 0;
    for message in &messages {
        let known = had.contains(message);
        let fate = if known { Fate::Known } else { Fate::Taken };
        assert_eq!(take(&mut world, 2, message), fate, "{:?}", message.kind());
        taken += u64::from(!known);
    }
    assert!(
        taken >= 5,
        "an offer, a claim, an award, a receipt, a voucher: {taken}"
    );
    assert!(world.nodes[2].engine.jobs[&offered(&messages).job()].is_paid());

    let before = journal(&world, 2);
    for message in &messages {
        assert_eq!(take(&mut world, 2, message), Fate::Known);
    }
    assert_eq!(journal(&world, 2), before);
    assert!(world.checks.values().all(|count| *count == 1));
}

#[test]
fn a_descriptor_that_was_carried_here_makes_its_node_known() {
    let mut world = World::new(1);
    let descriptor = journal(&World::new(2), 1).into_iter().find_map(|it| match it {
        Message::Descriptor(it) if it.signer() == id(&key(2)) => Some(it),
        _ => None,
    });
    let descriptor = Message::from(descriptor.expect("its own"));
    assert_eq!(take(&mut world, 0, &descriptor), Fate::Taken);
    assert!(world.nodes[0].engine.directory.get(id(&key(2))).is_some());
}

#[test]
fn what_a_node_has_signed_comes_back_without_harm_and_what_it_has_not_is_a_double() {
    let (mut world, messages) = alone();
    world.start(0);
    for message in &messages {
        assert_eq!(take(&mut world, 0, message), Fate::Known);
    }
    assert!(!world.nodes[0].engine.doubled);
    let elsewhere = signed(offer(9, START, START + 6000), &key(1));
    assert!(matches!(take(&mut world, 0, &elsewhere), Fate::Refused(_)));
    assert!(world.nodes[0].engine.doubled);
}

#[test]
fn more_receipts_than_are_verified_at_a_time_wait_for_room() {
    let mut world = World::new(1);
    let receipts: Vec<Message> = (0..17)
        .map(|salt| {
            let (offer, receipt) = strangers(salt);
            assert_eq!(world.import(0, &offer, false), Fate::Taken);
            receipt.into()
        })
        .collect();
    for (index, receipt) in receipts.iter().enumerate() {
        let fate = if index < 16 { Fate::Checked } else { Fate::Busy };
        assert_eq!(world.import(0, receipt, false), fate);
    }
    world.run();
    assert_eq!(take(&mut world, 0, &receipts[16]), Fate::Taken);
    for receipt in &receipts[..16] {
        assert_eq!(world.import(0, receipt, true), Fate::Taken);
    }
}

#[test]
fn a_receipt_without_its_objects_waits_and_is_verified_at_once_when_they_come() {
    let mut world = World::new(1);
    let (offer, receipt) = strangers(1);
    let (name, receipt) = (receipt.receipt_id(), Message::from(receipt));
    assert_eq!(
        take(&mut world, 0, &receipt),
        Fate::Waits("for the offer of its job")
    );
    world.missing.insert(name);
    assert_eq!(take(&mut world, 0, &offer), Fate::Taken);
    assert_eq!(take(&mut world, 0, &receipt), Fate::Waits(WAITS_FOR_OBJECTS));
    assert_eq!(world.import(0, &receipt, true), Fate::Waits(WAITS_FOR_OBJECTS));
    world.missing.clear();
    assert_eq!(take(&mut world, 0, &receipt), Fate::Taken);
}

#[test]
fn a_receipt_that_cannot_even_wait_is_said_to_be_refused() {
    let mut world = World::new(1);
    let mut fates = vec![];
    for salt in 0..=255 {
        for key in [70, 72] {
            let offer = Signed::new(offer(salt, START, START + 6000), &super::world::key(key));
            let receipt = receipt(&offer, &super::world::key(71), 0, START);
            world.missing.insert(receipt.receipt_id());
            assert_eq!(take(&mut world, 0, &offer.into()), Fate::Taken);
            fates.push(take(&mut world, 0, &receipt.into()));
        }
    }
    let waits = fates.iter().filter(|it| **it == Fate::Waits(WAITS_FOR_OBJECTS));
    assert_eq!(waits.count(), 256);
    assert!(fates[256..].iter().all(|it| matches!(it, Fate::Refused(_))));
}

#[test]
fn an_invalid_proof_is_evidence_however_it_came() {
    let (mut world, messages) = alone();
    let offered = offered(&messages);
    let forger = key(71);
    let forged = receipt(&offered, &forger, 0, START);
    world.invalid.insert(forged.receipt_id());
    assert_eq!(take(&mut world, 2, &offered.into()), Fate::Taken);
    let refused = Fate::Refused("its proof does not hold");
    for _ in 0..2 {
        assert_eq!(take(&mut world, 2, &forged.clone().into()), refused);
    }
    assert!(world.blacklisted(2, id(&forger)));
    let accusations =
        |it: &Message| matches!(it, Message::Accusation(it) if it.evidence.subject() == id(&forger));
    assert_eq!(journal(&world, 2).iter().filter(|it| accusations(it)).count(), 1);
    let (_, other) = strangers(3);
    let blacklisted = Fate::Refused("its signer is blacklisted");
    assert_eq!(take(&mut world, 2, &strangers(3).0), Fate::Taken);
    assert_eq!(take(&mut world, 2, &other.into()), blacklisted);
}

#[test]
fn an_accusation_is_judged_before_it_is_believed() {
    let (mut world, _) = alone();
    let (offer, receipt) = strangers(1);
    let accuse = |receipt: Signed<Receipt>| {
        let evidence = InvalidProof {
            receipt,
            tapes: TAPES.to_vec(),
            proof: PROOF.to_vec(),
        };
        let accusation = Accusation {
            network: network(),
            evidence: Evidence::InvalidProof(Box::new(evidence)),
            at: Timestamp::new(START),
        };
        signed(accusation, &key(72))
    };
    let wrong = accuse(receipt.clone());
    assert_eq!(take(&mut world, 2, &wrong), Fate::Refused("it shows no fault"));
    assert_eq!(take(&mut world, 2, &offer), Fate::Taken);
    assert_eq!(take(&mut world, 2, &receipt.into()), Fate::Taken);

    let (_, forged) = strangers(2);
    world.invalid.insert(forged.receipt_id());
    assert_eq!(take(&mut world, 2, &accuse(forged)), Fate::Taken);
    assert!(world.blacklisted(2, id(&key(71))));
}

#[test]
fn what_is_refused_is_refused_for_a_reason() {
    let (mut world, _) = alone();
    let (offered, receipt) = strangers(1);
    assert_eq!(take(&mut world, 2, &offered), Fate::Taken);
    let mut changed = receipt.value().clone();
    changed.record.proven.input = Digest::from_bytes([1; 32]);
    let contradicts = signed(changed, &key(71));
    let long_ago = START - 60 * 24 * 60 * 60;
    let over = signed(offer(2, long_ago, long_ago + 600), &key(70));
    let late = Signed::new(offer(3, START - 90_000, START - 88_000), &key(70));
    let too_late = super::world::receipt(&late, &key(71), 0, START - 89_000);
    assert_eq!(take(&mut world, 2, &late.into()), Fate::Taken);
    for (message, why) in [
        (contradicts, "contradicts what it is about, or breaks a rule"),
        (over, "its job is over"),
        (too_late.into(), "its job is over"),
    ] {
        assert_eq!(take(&mut world, 2, &message), Fate::Refused(why));
    }
}
