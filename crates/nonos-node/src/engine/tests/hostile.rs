//! What strangers and peers may sign, and what must come of it.

use nonos_types::*;

use super::world::*;
use crate::engine::job::Job;

pub(super) fn job_and_offer(world: &mut World, verifiers: u16) -> (JobId, Signed<Offer>) {
    let job = world.submit(1, verifiers, 6000).expect("a job");
    (job, world.nodes[0].engine.jobs[&job].offer.clone())
}

fn claim(job: JobId, at: u64) -> Claim {
    Claim {
        network: network(),
        job,
        slot: Slot::ZERO,
        at: Timestamp::new(at),
        box_key: None,
    }
}

fn with<P: Clone + Payload<Error = nonos_types::Error>>(
    it: &Signed<P>,
    key: &ed25519_dalek::SigningKey,
    change: impl FnOnce(&mut P),
) -> Signed<P> {
    let mut value = it.value().clone();
    change(&mut value);
    Signed::new(value, key)
}

#[test]
fn a_receipt_without_an_award_is_never_paid_and_stops_nobody() {
    let mut world = World::new(2);
    let (job, offer) = job_and_offer(&mut world, 0);
    let stranger = key(50);
    world.inject(&receipt(&offer, &stranger, 0, START).into());
    world.pass(20);
    assert_eq!(world.paid(0), [(world.id(1), FeeKind::Execute, 100)]);
    let shown = world.good(0, job);
    assert_eq!(world.nodes[0].engine.receipts[&shown].signer(), world.id(1));
}

#[test]
fn a_receipt_that_asks_for_another_fee_is_never_paid() {
    for fee in [99, 101, 1000] {
        let mut world = World::new(3);
        world.proving_s = 10_000;
        let (job, offer) = job_and_offer(&mut world, 0);
        let award = world.nodes[0].engine.jobs[&job].seats[0]
            .award
            .clone()
            .expect("awarded")
            .executor;
        let greedy = (1..3).find(|it| world.id(*it) == award).expect("one of two");
        let key = world.nodes[greedy].key.clone();
        let dear = with(&receipt(&offer, &key, 0, START), &key, |it| {
            it.fee = Amount::from_atto(fee)
        });
        world.stop(greedy);
        world.inject(&dear.into());
        world.proving_s = 5;
        world.pass(90);
        assert_eq!(
            world.paid(0),
            [(world.id(3 - greedy), FeeKind::Execute, 100)],
            "{fee}"
        );
    }
}

#[test]
fn a_receipt_that_contradicts_its_offer_is_not_even_checked() {
    let changes: [fn(&mut Receipt); 6] = [
        |it| it.record.proven.capsule = Digest::from_bytes([1; 32]),
        |it| it.record.proven.entry = "other".to_owned(),
        |it| it.record.proven.arguments = vec![Value::I32(1)],
        |it| it.record.proven.input = Digest::from_bytes([1; 32]),
        |it| it.backend = "other/1".parse().expect("a name"),
        |it| it.fee = Amount::from_atto(1001),
    ];
    let mut world = World::new(2);
    let (_, offer) = job_and_offer(&mut world, 0);
    let executor = world.nodes[1].key.clone();
    for change in changes {
        let bad = with(&receipt(&offer, &executor, 3, START), &executor, change);
        world.message(0, world.id(1), bad.into());
    }
    world.run();
    assert!(world.checks.is_empty());
}

#[test]
fn however_many_receipts_an_executor_signs_it_is_paid_once() {
    let mut world = World::new(2);
    let (_, offer) = job_and_offer(&mut world, 0);
    let key = world.nodes[1].key.clone();
    for (attempt, at) in [
        (1, START),
        (1, START),
        (1, START + 1),
        (2, START),
        (3, START + 2),
        (4, START),
        (5, START),
    ] {
        world.message(0, id(&key), receipt(&offer, &key, attempt, at).into());
        world.run();
    }
    world.pass(20);
    assert_eq!(world.paid(0), [(world.id(1), FeeKind::Execute, 100)]);
    let checks: usize = world
        .checks
        .iter()
        .filter(|((node, _), _)| *node == 0)
        .map(|(_, count)| count)
        .sum();
    assert!(checks <= 5, "{checks}");
}

#[test]
fn a_receipt_that_comes_again_is_one_point() {
    let mut world = World::new(2);
    let (_, offer) = job_and_offer(&mut world, 0);
    let stranger = key(50);
    for _ in 0..3 {
        world.inject(&receipt(&offer, &stranger, 0, START).into());
    }
    let deeds = world.nodes[0].engine.trust.explain(id(&stranger)).expect("deeds");
    assert_eq!(deeds.len(), 1);
}

#[test]
fn garbage_of_fresh_identities_costs_little_and_stops_nobody() {
    let mut world = World::new(2);
    let (_, offer) = job_and_offer(&mut world, 0);
    for seed in 60..160 {
        let garbage = receipt(&offer, &key(seed), 0, START);
        world.invalid.insert(garbage.receipt_id());
        world.message(0, id(&key(seed)), garbage.into());
    }
    world.run();
    assert_eq!(world.checks.iter().filter(|((node, _), _)| *node == 0).count(), 8);
    world.pass(20);
    assert_eq!(world.paid(0), [(world.id(1), FeeKind::Execute, 100)]);
}

#[test]
fn a_receipt_whose_proof_nobody_gives_is_given_up_and_blames_nobody() {
    let mut world = World::new(2);
    let (_, offer) = job_and_offer(&mut world, 0);
    let stranger = key(50);
    let lost = receipt(&offer, &stranger, 0, START);
    world.missing.insert(lost.receipt_id());
    world.message(0, id(&stranger), lost.clone().into());
    let before = world.reads;
    world.pass(3000);
    assert_eq!(world.checks[&(0, lost.receipt_id())], 6);
    assert!(
        world.reads - before < 2 * 3000 / 10 + 10,
        "peers are read no more often than always"
    );
    assert!(!world.blacklisted(0, id(&stranger)));
    assert!(
        world.nodes[0]
            .engine
            .trust
            .explain(id(&stranger))
            .expect("deeds")
            .is_empty()
    );
}

#[test]
fn a_proof_that_can_be_had_later_counts_later() {
    let mut world = World::new(2);
    let (_, offer) = job_and_offer(&mut world, 0);
    let late = receipt(&offer, &key(50), 0, START);
    world.missing.insert(late.receipt_id());
    world.message(0, id(&key(50)), late.clone().into());
    world.pass(15);
    assert!(!world.nodes[0].engine.receipts.contains_key(&late.receipt_id()));
    world.missing.clear();
    world.pass(30);
    assert!(world.nodes[0].engine.receipts.contains_key(&late.receipt_id()));
}

#[test]
fn messages_about_what_nobody_knows_are_bounded_and_make_no_reader_spin() {
    let mut world = World::new(2);
    let before = world.reads;
    for number in 0..5000u64 {
        let job = JobId::hash(&[&number.to_be_bytes()]);
        let signer = key((number % 20) as u8 + 100);
        world.message(0, world.id(1), signed(claim(job, START), &signer));
    }
    world.pass(600);
    assert_eq!(world.nodes[0].engine.parked.len(), 2048);
    assert!(world.reads - before < 2 * 600 / 10 + 10);
    assert!(world.nodes[0].engine.jobs.is_empty());
}

#[test]
fn a_history_of_jobs_long_past_is_read_once() {
    let mut world = World::new(3);
    world.stop(2);
    world.submit(1, 1, 600).expect("a job");
    world.pass(30);
    world.millis += 3 * 24 * 60 * 60 * 1000;
    world.pass(1);
    world.start(2);
    world.pass(10);
    let before = world.reads;
    world.pass(600);
    assert!(
        world.reads - before < 6 * 600 / 10 + 20,
        "{}",
        world.reads - before
    );
    assert!(world.nodes[2].engine.jobs.is_empty());
}

fn voucher(payer: u8, payee: NodeId, sequence: u64, total: u128, line: Line) -> Message {
    let voucher = Voucher {
        network: network(),
        payee,
        incarnation: Incarnation::ZERO,
        sequence: Sequence::new(sequence),
        total: Amount::from_atto(total),
        lines: vec![line],
        at: Timestamp::new(START),
    };
    signed(voucher, &key(payer))
}

fn line(job: JobId, kind: FeeKind, amount: u128) -> Line {
    Line {
        job,
        slot: Slot::ZERO,
        kind,
        receipt: ReceiptId::hash(&[b"a run"]),
        amount: Amount::from_atto(amount),
    }
}

#[test]
fn a_voucher_is_booked_only_from_the_requester_within_his_offer_in_order_and_once() {
    use FeeKind::{Execute, Seed, Verify};
    let mut world = World::new(1);
    let me = world.id(0);
    let offered = Signed::new(offer(3, START, START + 600), &key(90));
    let job = offered.job();
    let owed = |world: &World, payer: u8| {
        world.nodes[0]
            .engine
            .ledger
            .owed_by(id(&key(payer)))
            .expect("a sum")
            .atto()
    };
    let send = |world: &mut World, message: Message| {
        let signer = message.signer();
        world.message(0, signer, message);
        world.run();
    };

    // Before the offer is known.
    send(&mut world, voucher(90, me, 1, 10, line(job, Verify, 10)));
    assert_eq!(owed(&world, 90), 0);
    send(&mut world, offered.into());
    assert_eq!(owed(&world, 90), 10);

    send(&mut world, voucher(91, me, 1, 10, line(job, Execute, 10)));
    assert_eq!(owed(&world, 91), 0, "not his job");
    send(&mut world, voucher(90, me, 2, 5000, line(job, Execute, 4990)));
    assert_eq!(owed(&world, 90), 10, "more than he offered");
    send(&mut world, voucher(90, me, 2, 500, line(job, Execute, 10)));
    assert_eq!(owed(&world, 90), 10, "the total jumps");
    send(&mut world, voucher(90, me, 3, 31, line(job, Seed, 1)));
    assert_eq!(owed(&world, 90), 10, "one is missing");
    let second = voucher(90, me, 2, 30, line(job, Execute, 20));
    for _ in 0..3 {
        send(&mut world, second.clone());
        assert_eq!(owed(&world, 90), 31, "that one, the one after, and nothing twice");
    }
    send(&mut world, voucher(90, me, 2, 110, line(job, Execute, 100)));
    assert_eq!(owed(&world, 90), 31, "another of the same number");
    let unknown = world.nodes[0].engine.trust.explain(id(&key(90))).expect("deeds");
    assert!(unknown.is_empty(), "paying for what was never run is no deed");
}

#[test]
fn only_the_requester_awards_a_job() {
    let mut world = World::new(1);
    let (job, _) = job_and_offer(&mut world, 0);
    let award = Award {
        network: network(),
        job,
        slot: Slot::ZERO,
        executor: id(&key(50)),
        at: Timestamp::new(START),
        sealed_key: None,
    };
    world.inject(&signed(award, &key(50)));
    assert!(world.nodes[0].engine.jobs[&job].seats[0].award.is_none());
}

#[test]
fn awards_without_end_are_not_followed() {
    let mut world = World::new(1);
    let offered = Signed::new(offer(3, START, START + 600), &key(90));
    let job = offered.job();
    world.inject(&offered.into());
    for number in 0..400u64 {
        let award = Award {
            network: network(),
            job,
            slot: Slot::ZERO,
            executor: NodeId::from_bytes(*JobId::hash(&[&number.to_be_bytes()]).as_bytes()),
            at: Timestamp::new(START + number),
            sealed_key: None,
        };
        world.inject(&signed(award, &key(90)));
    }
    assert_eq!(
        world.nodes[0].engine.jobs[&job].seats[0].awarded.len(),
        Job::AWARDS
    );
}

#[test]
fn a_blacklisted_claimant_gets_no_job() {
    let mut world = World::new(1);
    let (job, _) = job_and_offer(&mut world, 0);
    let outcast = id(&key(50));
    world.nodes[0]
        .engine
        .trust
        .block(outcast, Timestamp::new(START))
        .expect("blocked");
    world.inject(&signed(claim(job, START), &key(50)));
    world.pass(5);
    assert!(world.nodes[0].engine.jobs[&job].seats[0].claims.is_empty());
    assert!(world.nodes[0].engine.jobs[&job].seats[0].award.is_none());
}

#[test]
fn a_flood_of_claims_keeps_no_peer_from_the_job() {
    let mut world = World::new(2);
    world.stop(1);
    let (job, _) = job_and_offer(&mut world, 0);
    for seed in 20..220 {
        world.message(0, world.id(1), signed(claim(job, START), &key(seed)));
        world.run();
    }
    assert_eq!(
        world.nodes[0].engine.jobs[&job].seats[0].claims.len(),
        Job::STRANGERS
    );
    world.start(1);
    world.pass(80);
    // The first stranger had it, since nobody else was there; then the peer that is connected.
    assert_eq!(world.nodes[0].engine.jobs[&job].seats[0].awards, 2);
    assert_eq!(world.paid(0), [(world.id(1), FeeKind::Execute, 100)]);
}

fn accusation(receipt: &Signed<Receipt>, tapes: &[u8], proof: &[u8], accuser: u8) -> Message {
    let evidence = InvalidProof {
        receipt: receipt.clone(),
        tapes: tapes.to_vec(),
        proof: proof.to_vec(),
    };
    let accusation = Accusation {
        network: network(),
        evidence: Evidence::InvalidProof(Box::new(evidence)),
        at: Timestamp::new(START),
    };
    signed(accusation, &key(accuser))
}

#[test]
fn a_false_accusation_falls_back_on_the_accuser() {
    let mut world = World::new(3);
    let (job, offer) = job_and_offer(&mut world, 0);
    world.pass(20);
    let good = world.good(0, job);
    let good = world.nodes[0].engine.receipts[&good].clone();
    let unseen = receipt(&offer, &key(50), 9, START);
    let cases = [
        (accusation(&good, TAPES, PROOF, 60), good.signer()),
        (accusation(&good, b"others", PROOF, 61), good.signer()),
        (accusation(&good, TAPES, b"other", 62), good.signer()),
        (accusation(&unseen, TAPES, PROOF, 63), id(&key(50))),
        (accusation(&unseen, TAPES, b"other", 64), id(&key(50))),
    ];
    for (message, subject) in cases {
        let accuser = message.signer();
        for _ in 0..2 {
            world.inject(&message);
        }
        for node in 0..3 {
            assert!(!world.blacklisted(node, subject));
            let deeds = world.nodes[node].engine.trust.explain(accuser).expect("deeds");
            assert_eq!(deeds.len(), 1);
            assert_eq!(deeds[0].deed, nonos_trust::Deed::Bad);
        }
    }
}

#[test]
fn tampered_evidence_does_not_hide_the_true_one() {
    let mut world = World::new(2);
    let (_, offer) = job_and_offer(&mut world, 0);
    let forged = receipt(&offer, &key(50), 0, START);
    world.invalid.insert(forged.receipt_id());
    world.inject(&accusation(&forged, TAPES, b"other", 60));
    assert!(!world.blacklisted(0, id(&key(50))));
    world.inject(&accusation(&forged, TAPES, PROOF, 61));
    for node in 0..2 {
        assert!(world.blacklisted(node, id(&key(50))));
    }
}

#[test]
fn offers_that_no_ledger_could_hold_or_that_never_end_are_refused() {
    let huge = Amount::from_atto(u128::MAX);
    let changes: [fn(&mut Offer); 3] = [
        |it| it.deadline = Timestamp::new(START + 31 * 24 * 60 * 60),
        |it| it.max_fee = Amount::from_atto(u128::MAX),
        |it| it.fuel_price = Amount::from_atto(u128::MAX),
    ];
    let mut world = World::new(1);
    let offered = Signed::new(offer(3, START, START + 600), &key(90));
    for change in changes {
        world.inject(&with(&offered, &key(90), change).into());
        assert!(world.nodes[0].engine.jobs.is_empty());
    }
    let ahead = with(&offered, &key(90), |it| {
        it.created = Timestamp::new(START + 3600);
        it.deadline = Timestamp::new(START + 7200);
    });
    world.inject(&ahead.into());
    assert!(world.nodes[0].engine.jobs.is_empty(), "it is not yet made");

    let submission = crate::api::Submission {
        max_fee: huge,
        ..submission(0, 600)
    };
    assert_eq!(world.submit_as(submission, 1), None);
    assert_eq!(world.nodes[0].crashes, 0, "a wrong request stops no node");
}

#[test]
fn nobody_runs_an_offer_that_pays_nothing_or_is_late() {
    let mut world = World::new(1);
    let offered = Signed::new(offer(3, START - 600, START), &key(90));
    let free = with(&offered, &key(90), |it| {
        it.max_fee = Amount::ZERO;
        it.deadline = Timestamp::new(START + 600);
    });
    for offer in [offered, free] {
        let job = offer.job();
        world.inject(&offer.into());
        world.pass(2);
        let job = &world.nodes[0].engine.jobs[&job];
        assert!(job.seats[0].claims.is_empty());
        assert!(job.refused.is_some());
    }
}

#[test]
fn a_flood_of_offers_leaves_room_for_others() {
    let mut world = World::new(2);
    world.nodes[0].unprepared = true;
    let flood = |world: &mut World, requester: u8, count: u32| {
        for number in 0..count {
            let mut salt = [0; 16];
            salt[..4].copy_from_slice(&number.to_be_bytes());
            let mut offer = offer(0, START, START + 6000);
            offer.salt = Salt::new(salt);
            world.message(0, id(&key(requester)), signed(offer, &key(requester)));
        }
        world.run();
    };
    flood(&mut world, 90, 600);
    assert_eq!(world.nodes[0].engine.jobs.len(), 512);
    for requester in 91..103 {
        flood(&mut world, requester, 512);
    }
    assert_eq!(world.nodes[0].engine.jobs.len(), 5000, "strangers take half");
    let peer = world.nodes[1].key.clone();
    world.message(0, id(&peer), signed(offer(9, START, START + 6000), &peer));
    assert_eq!(world.nodes[0].engine.jobs.len(), 5001);
    assert!(world.submit(1, 0, 600).is_some());

    let before = world.prepares;
    world.pass(100);
    assert!(world.prepares - before <= 100 * 20, "{}", world.prepares - before);
    world.millis += 3 * 24 * 60 * 60 * 1000;
    world.pass(1);
    assert_eq!(world.nodes[0].engine.jobs.len(), 0);
    assert!(world.nodes[0].engine.open.is_empty());
}

#[test]
fn a_capsule_that_nobody_gives_is_asked_for_ever_more_seldom() {
    let mut world = World::new(1);
    world.nodes[0].unprepared = true;
    world.inject(&signed(offer(3, START, START + 20_000), &key(90)));
    world.pass(3600);
    assert!((5..=12).contains(&world.prepares), "{}", world.prepares);
}

#[test]
fn verdicts_of_fresh_identities_are_bounded() {
    let mut world = World::new(2);
    let (job, _) = job_and_offer(&mut world, 0);
    world.pass(20);
    let good = world.good(0, job);
    for number in 0..300u64 {
        let seed = *JobId::hash(&[&number.to_be_bytes()]).as_bytes();
        let verdict = Verdict {
            network: network(),
            receipt: good,
            valid: true,
            at: Timestamp::new(START),
            shard: None,
            work: None,
        };
        let signer = ed25519_dalek::SigningKey::from_bytes(&seed);
        world.message(0, world.id(1), signed(verdict, &signer));
    }
    assert_eq!(world.nodes[0].engine.verdicts[&good].len(), 256);
    let own = Verdict {
        network: network(),
        receipt: good,
        valid: true,
        at: Timestamp::new(START),
        shard: None,
        work: None,
    };
    world.message(0, world.id(1), signed(own, &world.nodes[1].key.clone()));
    assert!(
        world.nodes[0]
            .engine
            .trust
            .explain(world.id(1))
            .expect("deeds")
            .iter()
            .all(|it| { it.context != nonos_trust::Context::Verify }),
        "nobody judges himself"
    );
}

#[test]
fn a_key_used_twice_pays_and_runs_nothing_any_more() {
    let mut world = World::new(2);
    world.proving_s = 30;
    job_and_offer(&mut world, 0);
    world.pass(5);
    // The other one with the first node's key.
    world.message(0, world.id(1), signed(offer(9, START, START + 600), &key(1)));
    world.pass(60);
    assert_eq!(world.paid(0), []);
    assert_eq!(world.submit(2, 0, 600), None);
    world.stop(0);
    world.start(0);
    world.pass(20);
    assert_eq!(world.paid(0), [], "a restart does not heal that");
    assert!(world.nodes[0].engine.doubled);
}

#[test]
fn a_run_that_ends_after_the_key_was_seen_elsewhere_is_not_signed_for() {
    for elsewhere in [false, true] {
        let mut world = World::new(2);
        world.proving_s = 30;
        let (job, _) = job_and_offer(&mut world, 0);
        world.pass(5);
        if elsewhere {
            world.message(1, world.id(0), signed(offer(9, START, START + 600), &key(2)));
        }
        world.pass(60);
        let receipts = world.nodes[1].engine.jobs[&job].receipts().count();
        assert_eq!(receipts, usize::from(!elsewhere));
    }
}

/// Peers keep the newest descriptor of a name only: who sees the other's announces a newer one, so that the other sees that.
#[test]
fn of_two_that_use_a_key_the_one_that_notices_first_lets_the_other_notice() {
    let mut world = World::new(2);
    world.pass(1);
    let newest = |world: &World| {
        let descriptor = world.nodes[1].engine.directory.get(world.id(0));
        descriptor.expect("it is listed").clone()
    };
    // Started later, it has announced more.
    let mut twins = newest(&world).value().clone();
    twins.sequence = Sequence::new(twins.sequence.get() + (1000 << 32));
    let twins = Signed::new(twins, &key(1));
    world.message(1, id(&key(9)), twins.clone().into());
    world.message(0, world.id(1), twins.clone().into());
    world.run();
    assert!(world.nodes[0].engine.doubled);
    assert!(newest(&world).sequence > twins.sequence);
}

/// Makes a node known to all.
pub(super) fn list(world: &mut World, key: &ed25519_dalek::SigningKey) {
    let it = super::describe::said(key, 1, "listed", world.time());
    world.inject(&it.into());
    world.run();
}

pub(super) fn head(relay: u8, root: u8) -> Message {
    let at = Timestamp::new(START);
    let head = RelayHead {
        network: network(),
        epoch: Epoch::of(at),
        size: 1,
        root: Digest::from_bytes([root; 32]),
        previous: None,
        at,
    };
    signed(head, &key(relay))
}

#[test]
fn a_relay_that_keeps_two_logs_is_blacklisted_by_all() {
    let mut world = World::new(3);
    for relay in [50, 51] {
        list(&mut world, &key(relay));
    }
    world.inject(&head(50, 1));
    world.inject(&head(51, 2));
    for node in 0..3 {
        assert!(!world.blacklisted(node, id(&key(50))), "one log each");
    }
    world.message(0, world.id(1), head(50, 3));
    world.run();
    for node in 0..3 {
        assert!(world.blacklisted(node, id(&key(50))), "{node}");
        assert!(!world.blacklisted(node, id(&key(51))));
    }
}

/// A name that is not listed costs nothing. Two logs of a hundred of them would stop all convictions.
#[test]
fn names_that_nobody_lists_convict_nobody_and_freeze_nothing() {
    let mut world = World::new(2);
    for relay in 50..100 {
        world.inject(&head(relay, 1));
        world.inject(&head(relay, 2));
        let [Message::RelayHead(one), Message::RelayHead(other)] = [1, 2].map(|root| head(relay, root))
        else {
            panic!("heads")
        };
        let fork = ForkedHead::of(&one, &other).expect("two roots");
        let accusation = Accusation {
            network: network(),
            evidence: Evidence::ForkedHead(Box::new(fork)),
            at: Timestamp::new(world.time()),
        };
        world.inject(&signed(accusation, &key(200)));
    }
    world.run();
    for node in 0..2 {
        let trust = &world.nodes[node].engine.trust;
        assert_eq!(trust.convictions().expect("a list"), []);
        assert!(!trust.frozen(world.now().time).expect("known"));
        let kept = journal(&world, node);
        assert!(!kept.iter().any(|it| it.kind() == Kind::Accusation));
    }
}
