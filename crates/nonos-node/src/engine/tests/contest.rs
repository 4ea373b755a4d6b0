//! Those who say what is not so: verifiers, payers, accusers.

use ed25519_dalek::SigningKey;
use nonos_trust::{Block, Context, Deed};
use nonos_types::*;

use super::{
    hostile::{job_and_offer, list},
    world::*,
};

const LIAR: u8 = 60;

fn verdict(receipt: ReceiptId, valid: bool, by: u8) -> Message {
    let verdict = Verdict {
        network: network(),
        receipt,
        valid,
        at: Timestamp::new(START),
        shard: None,
        work: None,
    };
    signed(verdict, &key(by))
}

/// What all nodes but `but` have in their journals against somebody.
fn shown(world: &World, node: usize, subject: NodeId) -> Vec<&'static str> {
    let all = journal(world, node).into_iter().filter_map(|it| match it {
        Message::Accusation(it) if it.evidence.subject() == subject => Some(it.evidence.kind()),
        _ => None,
    });
    all.collect()
}

fn assert_convicted(world: &World, subject: NodeId, kind: &str) {
    for node in 0..world.nodes.len() {
        assert_eq!(shown(world, node, subject), [kind], "{node}");
        let engine = &world.nodes[node].engine;
        let block = engine
            .trust
            .block_of(subject, world.now().time)
            .expect("an answer");
        assert!(matches!(block, Some(Block::Evidence(_))), "{node}: {block:?}");
    }
}

fn assert_unblamed(world: &World, subject: NodeId) {
    for node in 0..world.nodes.len() {
        assert_eq!(shown(world, node, subject), [""; 0], "{node}");
        assert!(!world.blacklisted(node, subject), "{node}");
    }
}

/// A job of the first node that the second has run, and its receipt.
fn a_good_receipt(world: &mut World) -> Signed<Receipt> {
    let (job, _) = job_and_offer(world, 0);
    world.pass(20);
    let good = world.good(0, job);
    world.nodes[0].engine.receipts[&good].clone()
}

#[test]
fn a_verifier_that_denies_a_proof_that_holds_is_blacklisted_by_all() {
    let mut world = World::new(3);
    let good = a_good_receipt(&mut world);
    list(&mut world, &key(LIAR));
    world.inject(&verdict(good.receipt_id(), false, LIAR));
    assert_convicted(&world, id(&key(LIAR)), "false-verdict");
    assert_eq!(shown(&world, 0, good.signer()), [""; 0]);
}

#[test]
fn one_who_says_that_it_holds_is_not_even_looked_at() {
    let mut world = World::new(3);
    let good = a_good_receipt(&mut world);
    list(&mut world, &key(LIAR));
    world.inject(&verdict(good.receipt_id(), true, LIAR));
    assert_unblamed(&world, id(&key(LIAR)));
    assert_eq!(world.contests, 0);
}

/// Whichever comes first, the verdict or the receipt.
#[test]
fn a_verifier_that_praises_a_proof_that_does_not_hold_is_blacklisted_by_all() {
    for before in [true, false] {
        let mut world = World::new(3);
        let (_, offer) = job_and_offer(&mut world, 0);
        let forged = receipt(&offer, &key(50), 0, START);
        world.invalid.insert(forged.receipt_id());
        for listed in [50, LIAR] {
            list(&mut world, &key(listed));
        }
        let praise = verdict(forged.receipt_id(), true, LIAR);
        let forged: Message = forged.into();
        let [first, second] = if before {
            [&praise, &forged]
        } else {
            [&forged, &praise]
        };
        world.inject(first);
        world.inject(second);
        assert!(world.blacklisted(0, id(&key(50))));
        assert_convicted(&world, id(&key(LIAR)), "false-verdict");
    }
}

#[test]
fn one_who_says_that_it_does_not_hold_is_right() {
    let mut world = World::new(3);
    let (_, offer) = job_and_offer(&mut world, 0);
    let forged = receipt(&offer, &key(50), 0, START);
    world.invalid.insert(forged.receipt_id());
    list(&mut world, &key(LIAR));
    world.inject(&forged.clone().into());
    world.inject(&verdict(forged.receipt_id(), false, LIAR));
    assert!(world.blacklisted(0, id(&key(50))));
    assert_unblamed(&world, id(&key(LIAR)));
}

#[test]
fn a_verdict_is_not_held_against_a_proof_that_cannot_be_checked_any_more() {
    let mut world = World::new(3);
    let good = a_good_receipt(&mut world);
    list(&mut world, &key(LIAR));
    world.missing.insert(good.receipt_id());
    world.inject(&verdict(good.receipt_id(), false, LIAR));
    assert!(world.contests > 0);
    assert_unblamed(&world, id(&key(LIAR)));
    let deeds = world.nodes[0]
        .engine
        .trust
        .explain(id(&key(LIAR)))
        .expect("deeds");
    assert_eq!(deeds.len(), 1, "it is a bad deed all the same");
    assert_eq!((deeds[0].context, deeds[0].deed), (Context::Verify, Deed::Bad));
}

/// Of a receipt that this node has found good, what says so is not an accusation of nothing.
#[test]
fn a_true_accusation_of_a_false_verdict_is_believed_by_who_has_not_heard_the_verdict() {
    let mut world = World::new(3);
    let good = a_good_receipt(&mut world);
    for listed in [LIAR, 61] {
        list(&mut world, &key(listed));
    }
    let Message::Verdict(denied) = verdict(good.receipt_id(), false, LIAR) else {
        panic!("a verdict")
    };
    let item = InvalidProof {
        receipt: good,
        tapes: TAPES.to_vec(),
        proof: PROOF.to_vec(),
    };
    let evidence = FalseVerdict {
        verdict: denied,
        item,
    };
    let accusation = Accusation {
        network: network(),
        evidence: Evidence::FalseVerdict(Box::new(evidence)),
        at: Timestamp::new(START),
    };
    world.inject(&signed(accusation, &key(61)));
    assert_convicted(&world, id(&key(LIAR)), "false-verdict");
    assert_unblamed(&world, id(&key(61)));
}

#[test]
fn verdicts_of_names_that_nobody_lists_make_no_work() {
    let mut world = World::new(3);
    let good = a_good_receipt(&mut world);
    for by in 100..120 {
        world.inject(&verdict(good.receipt_id(), false, by));
        assert_unblamed(&world, id(&key(by)));
    }
    assert_eq!(world.contests, 0);
}

/// Those that are looked at have to end before others are.
#[test]
fn few_verdicts_are_contested_at_a_time() {
    let mut world = World::new(2);
    let good = a_good_receipt(&mut world);
    for by in 100..120 {
        list(&mut world, &key(by));
    }
    for by in 100..120 {
        world.message(0, id(&key(by)), verdict(good.receipt_id(), false, by));
    }
    world.run();
    assert_eq!(world.contests, 8);
}

fn voucher(job: JobId, payer: &SigningKey, payee: NodeId, sequence: u64, total: u128, at: u64) -> Message {
    let line = Line {
        job,
        slot: Slot::ZERO,
        kind: FeeKind::ALL[(sequence as usize - 1) % 3],
        receipt: ReceiptId::ZERO,
        amount: Amount::from_atto(10),
    };
    let voucher = Voucher {
        network: network(),
        payee,
        incarnation: Incarnation::ZERO,
        sequence: Sequence::new(sequence),
        total: Amount::from_atto(total),
        lines: vec![line],
        at: Timestamp::new(at),
    };
    signed(voucher, payer)
}

/// A world in which one that is listed has paid the first node its first voucher.
fn paid_once() -> (World, SigningKey, JobId) {
    let mut world = World::new(3);
    let payer = key(90);
    list(&mut world, &payer);
    let offered = Signed::new(offer(3, START, START + 600), &payer);
    let job = offered.job();
    world.inject(&offered.into());
    let first = voucher(job, &payer, world.id(0), 1, 10, START);
    world.inject(&first);
    assert_eq!(
        world.nodes[0]
            .engine
            .ledger
            .owed_by(id(&payer))
            .expect("a sum")
            .atto(),
        10
    );
    (world, payer, job)
}

#[test]
fn a_payer_that_owes_two_things_at_once_is_blacklisted_by_all() {
    // Another one in its place; the next with a wrong total; one further on with less than there was.
    for (sequence, total, at) in [(1, 10, START + 1), (2, 10, START), (2, 30, START), (9, 12, START)] {
        let (mut world, payer, job) = paid_once();
        let other = voucher(job, &payer, world.id(0), sequence, total, at);
        world.message(0, world.id(1), other);
        world.run();
        assert_convicted(&world, id(&payer), "voucher-conflict");
    }
}

#[test]
fn vouchers_that_follow_each_other_or_are_missing_or_of_another_blame_nobody() {
    let (mut world, payer, job) = paid_once();
    let payee = world.id(0);
    // The third before the second, and the first once more.
    for (sequence, total) in [(3, 30), (1, 10), (2, 20)] {
        let it = voucher(job, &payer, payee, sequence, total, START);
        world.message(0, world.id(1), it);
        world.run();
    }
    assert_eq!(
        world.nodes[0]
            .engine
            .ledger
            .owed_by(id(&payer))
            .expect("a sum")
            .atto(),
        30
    );
    // A voucher to another node is another channel.
    world.inject(&voucher(job, &payer, world.id(1), 1, 10, START));
    assert_unblamed(&world, id(&payer));
}

#[test]
fn conflicts_of_a_payer_that_nobody_lists_blame_nobody() {
    let mut world = World::new(2);
    let payer = key(90);
    let offered = Signed::new(offer(3, START, START + 600), &payer);
    let job = offered.job();
    world.inject(&offered.into());
    for at in 0..3 {
        world.inject(&voucher(job, &payer, world.id(0), 1, 10, START + at));
    }
    assert_unblamed(&world, id(&payer));
}

fn accusation(receipt: &Signed<Receipt>, proof: &[u8], by: u8) -> Message {
    let evidence = InvalidProof {
        receipt: receipt.clone(),
        tapes: TAPES.to_vec(),
        proof: proof.to_vec(),
    };
    let accusation = Accusation {
        network: network(),
        evidence: Evidence::InvalidProof(Box::new(evidence)),
        at: Timestamp::new(START),
    };
    signed(accusation, &key(by))
}

#[test]
fn an_accuser_that_is_listed_and_wrong_is_blacklisted_by_all() {
    for proof in [PROOF, b"other"] {
        let mut world = World::new(3);
        let good = a_good_receipt(&mut world);
        list(&mut world, &key(LIAR));
        world.inject(&accusation(&good, proof, LIAR));
        assert_convicted(&world, id(&key(LIAR)), "false-accusation");
        assert_unblamed(&world, good.signer());
    }
}

/// Of a receipt that nobody here has seen, it is judged at length.
#[test]
fn an_accuser_is_wrong_about_what_nobody_has_seen_if_it_can_be_checked_and_only_then() {
    for missing in [false, true] {
        let mut world = World::new(3);
        let (_, offer) = job_and_offer(&mut world, 0);
        let unseen = receipt(&offer, &key(50), 9, START);
        if missing {
            world.missing.insert(unseen.receipt_id());
        }
        list(&mut world, &key(LIAR));
        world.inject(&accusation(&unseen, PROOF, LIAR));
        assert_unblamed(&world, id(&key(50)));
        if missing {
            assert_unblamed(&world, id(&key(LIAR)));
            let deeds = world.nodes[0]
                .engine
                .trust
                .explain(id(&key(LIAR)))
                .expect("deeds");
            assert_eq!(deeds, []);
        } else {
            assert_convicted(&world, id(&key(LIAR)), "false-accusation");
        }
    }
}

/// Who has signed the receipt has not verified it.
#[test]
fn nobody_calls_an_accusation_of_himself_false() {
    let mut world = World::new(2);
    let good = a_good_receipt(&mut world);
    let executor = world.index(good.signer()).expect("one of them");
    list(&mut world, &key(LIAR));
    world.stop(1 - executor);
    world.message(executor, id(&key(LIAR)), accusation(&good, PROOF, LIAR));
    world.run();
    assert_eq!(shown(&world, executor, id(&key(LIAR))), [""; 0]);
    assert!(!world.blacklisted(executor, id(&key(LIAR))));
}

/// Who is accused of a false accusation, and has told the truth, has an accuser who has not.
#[test]
fn a_true_accusation_that_is_called_false_falls_back_on_who_does() {
    let mut world = World::new(3);
    let (_, offer) = job_and_offer(&mut world, 0);
    let forged = receipt(&offer, &key(50), 0, START);
    world.invalid.insert(forged.receipt_id());
    for listed in [LIAR, 61] {
        list(&mut world, &key(listed));
    }
    let Message::Accusation(right) = accusation(&forged, PROOF, 61) else {
        panic!("an accusation")
    };
    let back = Accusation {
        network: network(),
        evidence: Evidence::FalseAccusation(Box::new(FalseAccusation::of(&right).expect("of another kind"))),
        at: Timestamp::new(START),
    };
    world.inject(&signed(back, &key(LIAR)));
    assert_unblamed(&world, id(&key(61)));
    // One within another is no evidence: it counts here, and goes nowhere.
    assert_unblamed(&world, id(&key(LIAR)));
    for node in 0..3 {
        let deeds = world.nodes[node]
            .engine
            .trust
            .explain(id(&key(LIAR)))
            .expect("deeds");
        assert_eq!(deeds.len(), 1);
        assert_eq!((deeds[0].context, deeds[0].deed), (Context::Verify, Deed::Bad));
    }
}

#[test]
fn few_false_accusations_are_shown_within_an_hour() {
    let mut world = World::new(1);
    let offered = Signed::new(offer(3, START, START + 600), &key(90));
    world.inject(&offered.clone().into());
    for by in 100..120 {
        list(&mut world, &key(by));
        world.inject(&accusation(&receipt(&offered, &key(50), 0, START), b"other", by));
    }
    let sent = |world: &World| {
        let all = journal(world, 0);
        all.iter().filter(|it| it.kind() == Kind::Accusation).count()
    };
    // The brake holds convictions back, and each is accused once all the same.
    assert_eq!(sent(&world), 10);
    world.millis += 3600 * 1000;
    list(&mut world, &key(120));
    world.inject(&accusation(&receipt(&offered, &key(50), 0, START), b"other", 120));
    assert_eq!(sent(&world), 11);
}

/// Each about another executor, of whom nothing is known.
fn accusations(by: u8, count: u8) -> Vec<Message> {
    let offered = Signed::new(offer(3, START, START + 600), &key(90));
    let of = |seed| accusation(&receipt(&offered, &key(seed), 0, START), PROOF, by);
    (100..100 + count).map(of).collect()
}

fn judged(world: &World) -> usize {
    let trust = &world.nodes[0].engine.trust;
    trust.convictions().expect("a list").len() + trust.held().expect("a list").len()
}

#[test]
fn of_one_accuser_ten_accusations_are_looked_at_within_an_hour() {
    let mut world = World::new(1);
    let all = accusations(LIAR, 15);
    for message in &all {
        let Message::Accusation(it) = message else {
            panic!("accusations")
        };
        let Evidence::InvalidProof(shown) = &it.evidence else {
            panic!("of proofs")
        };
        world.invalid.insert(shown.receipt.receipt_id());
    }
    for message in &all {
        world.inject(message);
    }
    assert_eq!(judged(&world), 10);
    world.millis += 3600 * 1000;
    for message in &all {
        world.inject(message);
    }
    assert_eq!(judged(&world), 15, "what was put off comes again");
}

#[test]
fn accusers_of_whom_nothing_is_known_leave_room_for_others() {
    let mut world = World::new(1);
    let offered = Signed::new(offer(3, START, START + 600), &key(90));
    let of = |by| accusation(&receipt(&offered, &key(by + 100), 0, START), PROOF, by);
    for by in 1..20 {
        world.message(0, id(&key(by + 20)), of(by + 20));
    }
    assert_eq!(world.nodes[0].engine.judging.len(), 8);
    for n in 0..12_u8 {
        let cause = nonos_trust::Cause::Job(JobId::hash(&[&[n]]));
        let engine = &mut world.nodes[0].engine;
        engine
            .observe(id(&key(LIAR)), Context::Execute, Deed::Good, cause)
            .expect("counted");
    }
    world.message(0, id(&key(LIAR)), of(LIAR));
    assert_eq!(world.nodes[0].engine.judging.len(), 9);
    world.run();
    assert_eq!(world.nodes[0].engine.judging.len(), 0);
}
