//! Messages of channels: which jobs read them, and which are refused.

use std::sync::Arc;

use nonos_package::{Net, dependencies};
use nonos_store::{Batch, Durability, Store as _};
use nonos_types::*;

use super::world::*;
use crate::{
    api::{Request, Submitted},
    channel::{Source, Unreadable, check_channels, check_sources},
    engine::{Answer, Effect, Facts, Input, Ready, Refused, job::Mine},
};

/// Requester of jobs that only leave receipts, and who runs them.
const STRANGER: u8 = 90;
const RUNNER: u8 = 50;

/// A tape of messages: what it says does not matter to the engine.
fn inbound(receipts: &[ReceiptId]) -> Inbound {
    let mut tape = InboundTape::default();
    for receipt in receipts {
        tape.push(InboundMessage {
            receipt: *receipt,
            capsule: facts().capsule,
            bytes: b"said".to_vec(),
        })
        .expect("it fits");
    }
    Inbound::of(&tape).expect("messages")
}

/// An offer of a stranger with the award of its job, and a receipt of the one who has it.
fn run_of(salt: u8, change: impl Fn(&mut Offer, &mut Receipt)) -> (Message, Message, Signed<Receipt>) {
    let mut offer = offer(salt, START, START + 6000);
    let made = |offer: &Offer| Signed::new(offer.clone(), &key(STRANGER));
    let mut receipt = receipt(&made(&offer), &key(RUNNER), 0, START).value().clone();
    change(&mut offer, &mut receipt);
    let offer = made(&offer);
    // The run is of the offer as it is now.
    let proven = &mut receipt.record.proven;
    (proven.job, proven.capsule) = (offer.job(), offer.capsule);
    receipt.record.proven.nonce = receipt.assignment().nonce();
    let award = Award {
        network: network(),
        job: offer.job(),
        slot: Slot::ZERO,
        executor: id(&key(RUNNER)),
        at: Timestamp::new(START),
        sealed_key: None,
    };
    let award = signed(award, &key(STRANGER));
    (offer.into(), award, Signed::new(receipt, &key(RUNNER)))
}

/// All know a receipt with a message.
fn said(world: &mut World, salt: u8, change: impl Fn(&mut Offer, &mut Receipt)) -> ReceiptId {
    let (offer, award, receipt) = run_of(salt, change);
    for message in [offer, award, receipt.clone().into()] {
        world.inject(&message);
    }
    let known = |node: &Node| node.engine.receipts.contains_key(&receipt.receipt_id());
    assert!(world.nodes.iter().all(known));
    receipt.receipt_id()
}

/// A job of a stranger whose run reads these messages: what the second node makes of it.
fn offered(world: &mut World, salt: u8, inbound: Inbound) -> JobId {
    let offer = Offer {
        inbound: Some(inbound),
        ..offer(salt, START, START + 6000)
    };
    let offer = Signed::new(offer, &key(91));
    world.inject(&offer.clone().into());
    world.pass(5);
    offer.job()
}

fn refused(world: &World, job: JobId) -> Option<&'static str> {
    let job = &world.nodes[1].engine.jobs[&job];
    assert_eq!(job.refused.is_some(), job.mine == Mine::Nothing, "{job:?}");
    job.refused.as_ref().map(|it| it.code)
}

/// Offers a job of the first node, as if its edge had built the tape.
fn submit_reading(world: &mut World, salt: u8, inbound: Inbound) -> JobId {
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    let ready = Ready {
        facts: Arc::new(facts()),
        input: Digest::from_bytes([7; 32]),
        input_len: ByteLen::new(8),
        arguments: vec![],
        salt: Salt::new([salt; 16]),
        inbound: Some(inbound),
        sealed: None,
    };
    let (submission, result) = (submission(0, 600), Ok(ready));
    world.give(
        0,
        Input::SubmissionReady {
            submission,
            result,
            reply,
        },
    );
    world.run();
    let answer = answer.try_recv().expect("an answer").expect("a job");
    serde_json::from_value::<Submitted>(answer).expect("a job").job
}

#[test]
fn a_job_that_reads_messages_is_run_and_paid() {
    let mut world = World::new(2);
    let message = said(&mut world, 1, |_, _| {});
    let job = submit_reading(&mut world, 2, inbound(&[message]));
    world.pass(20);
    assert_eq!(world.paid(0).len(), 1);
    let receipt = world.good(0, job);
    let record = &world.nodes[0].engine.receipts[&receipt].record;
    assert_eq!(record.proven.inbound, inbound(&[message]).digest());
    assert_ne!(record.proven.inbound, InboundDigest::hash(&[b""]));
    world.assert_books_agree();
}

#[test]
fn waits_for_a_receipt_that_is_not_known_and_claims_at_once_when_it_verifies() {
    let mut world = World::new(2);
    let (offer, award, receipt) = run_of(1, |_, _| {});
    let job = offered(&mut world, 2, inbound(&[receipt.receipt_id()]));
    assert_eq!(refused(&world, job), Some("inbound.unknown"));
    assert_eq!(world.prepares, 0, "nothing is fetched for it");
    world.inject(&offer);
    world.inject(&award);
    world.invalid.insert(receipt.receipt_id());
    world.pass(5);
    assert_eq!(refused(&world, job), Some("inbound.unknown"));
    world.invalid.clear();
    world.inject(&receipt.into());
    world.pass(5);
    assert_eq!(refused(&world, job), None);
    assert!(matches!(
        world.nodes[1].engine.jobs[&job].mine,
        Mine::Claimed { .. }
    ));
}

#[test]
fn what_this_node_says_itself_is_a_message_at_once() {
    let mut world = World::new(2);
    world.proving_s = 20;
    let first = world.submit(1, 0, 600).expect("a job");
    world.pass(5);
    let offer = world.nodes[1].engine.jobs[&first].offer.clone();
    let ends = START + world.nodes[1].running[0].0 / 1000;
    let receipt = receipt(&offer, &world.nodes[1].key, 0, ends);
    let job = offered(&mut world, 2, inbound(&[receipt.receipt_id()]));
    assert_eq!(refused(&world, job), Some("inbound.unknown"));
    world.pass(20);
    assert_eq!(world.good(1, first), receipt.receipt_id());
    assert_eq!(refused(&world, job), None);
}

#[test]
fn reads_its_own_channel_and_those_of_its_dependency_map() {
    let mut world = World::new(2);
    let of = |capsule: u8| {
        move |offer: &mut Offer, _: &mut Receipt| offer.capsule = Digest::from_bytes([capsule; 32])
    };
    assert_eq!(facts().dependencies, [Digest::from_bytes([6; 32])]);
    let (own, needed, foreign) = (
        said(&mut world, 1, of(5)),
        said(&mut world, 2, of(6)),
        said(&mut world, 3, of(7)),
    );
    let job = offered(&mut world, 4, inbound(&[own, needed, foreign]));
    assert_eq!(refused(&world, job), Some("inbound.channel"));
    let why = world.nodes[1].engine.jobs[&job].refused.clone().expect("refused");
    assert!(why.reason.contains(&foreign.to_string()), "{}", why.reason);
    let job = offered(&mut world, 5, inbound(&[own, needed]));
    assert_eq!(refused(&world, job), None);
}

#[test]
fn an_award_that_nobody_asked_for_lets_no_run_read_what_it_may_not() {
    let mut world = World::new(2);
    let foreign = said(&mut world, 1, |offer, _| {
        offer.capsule = Digest::from_bytes([7; 32]);
    });
    let own = said(&mut world, 2, |_, _| {});
    for (salt, message, runs) in [(3, foreign, 0), (4, own, 1)] {
        let job = offered(&mut world, salt, inbound(&[message]));
        let award = Award {
            network: network(),
            job,
            slot: Slot::ZERO,
            executor: world.id(1),
            at: Timestamp::new(world.time()),
            sealed_key: None,
        };
        world.inject(&signed(award, &key(91)));
        world.pass(20);
        assert_eq!(world.nodes[1].ran.len(), runs);
    }
}

#[test]
fn a_run_that_did_not_end_by_itself_says_nothing() {
    let mut world = World::new(2);
    let ending =
        |outcome: Outcome| move |_: &mut Offer, it: &mut Receipt| it.record.proven.outcome = outcome.clone();
    for (salt, outcome, code) in [
        (1, Outcome::Trap(TrapKind::Unreachable), Some("inbound.silent")),
        (2, Outcome::OutOfFuel, Some("inbound.silent")),
        (3, Outcome::Exit(7), None),
    ] {
        let message = said(&mut world, salt, ending(outcome));
        let job = offered(&mut world, 10 + salt, inbound(&[message]));
        assert_eq!(refused(&world, job), code);
        // Free for the next one.
        world.pass(20);
    }
}

#[test]
fn sealed_outputs_are_no_message() {
    let (_, _, receipt) = run_of(1, |_, it| {
        it.record.proven.output = Output::Commitment(Commitment {
            scheme: CommitmentScheme::POSEIDON2_KOALABEAR_1,
            digest: [1; 32],
        });
    });
    let error = check_sources(&[Source::of(&receipt)]).expect_err("sealed");
    assert_eq!(error.code(), "inbound.silent");
    assert!(error.to_string().contains("sealed"), "{error}");
}

#[test]
fn messages_are_not_read_from_more_tapes_than_a_run_has() {
    let mut world = World::new(2);
    let of_len = |len: u64| move |_: &mut Offer, it: &mut Receipt| it.tapes_len = ByteLen::new(len);
    let (half, rest, more) = (
        said(&mut world, 1, of_len(32 << 20)),
        said(&mut world, 2, of_len(32 << 20)),
        said(&mut world, 3, of_len(1)),
    );
    let job = offered(&mut world, 4, inbound(&[half, rest, more]));
    assert_eq!(refused(&world, job), Some("inbound.tapes"));
    let job = offered(&mut world, 5, inbound(&[half, rest]));
    assert_eq!(refused(&world, job), None);
}

#[test]
fn a_tape_is_no_longer_than_an_input_may_be() {
    let mut world = World::new(2);
    let message = said(&mut world, 1, |_, _| {});
    let of_len =
        |len: u64| Inbound::new(vec![message], Digest::from_bytes([1; 32]), ByteLen::new(len)).expect("one");
    let most = world.nodes[1].engine.config.executor.max_input;
    let job = offered(&mut world, 2, of_len(most + 8));
    assert_eq!(refused(&world, job), Some("inbound.length"));
    let job = offered(&mut world, 3, of_len(most));
    assert_eq!(refused(&world, job), None);
}

#[test]
fn a_capsule_without_a_network_reads_nothing() {
    let (_, _, receipt) = run_of(1, |_, _| {});
    let sources = [Source::of(&receipt)];
    assert_eq!(check_channels(&facts(), &sources), Ok(()));
    let facts = Facts {
        net: Net::None,
        ..facts()
    };
    assert_eq!(check_channels(&facts, &sources), Err(Unreadable::NoNet));
    assert_eq!(check_channels(&facts, &[]), Ok(()));
}

#[test]
fn a_receipt_of_another_tape_contradicts_its_offer() {
    let mut world = World::new(2);
    let message = said(&mut world, 1, |_, _| {});
    let job = submit_reading(&mut world, 2, inbound(&[message]));
    let plain = world.submit(3, 0, 600).expect("a job");
    for (job, tape) in [
        (job, InboundDigest::hash(&[b""])),
        (job, inbound(&[Digest::from_bytes([1; 32])]).digest()),
        (plain, inbound(&[message]).digest()),
    ] {
        let job = &world.nodes[0].engine.jobs[&job];
        let right = receipt(&job.offer, &key(RUNNER), 0, START);
        assert_eq!(job.contradicts(&right), None);
        let mut wrong = right.value().clone();
        wrong.record.proven.inbound = tape;
        assert_eq!(job.contradicts(&wrong), Some("inbound"));
        let wrong = Signed::new(wrong, &key(RUNNER));
        world.message(0, id(&key(RUNNER)), wrong.clone().into());
        world.run();
        assert!(!world.checks.contains_key(&(0, wrong.receipt_id())));
    }
}

#[test]
fn the_edge_is_given_messages_in_the_order_of_the_offer() {
    let mut world = World::new(2);
    let (one, two) = (said(&mut world, 1, |_, _| {}), said(&mut world, 2, |_, _| {}));
    for names in [[one, two], [two, one]] {
        let offer = Offer {
            inbound: Some(inbound(&names)),
            ..offer(3, START, START + 600)
        };
        let sources = world.nodes[1].engine.messages_of(&offer);
        let sources = sources.expect("readable").expect("known");
        assert_eq!(sources.iter().map(|it| it.receipt).collect::<Vec<_>>(), names);
    }
}

#[test]
fn who_pays_needs_no_messages() {
    let mut world = World::new(2);
    let message = said(&mut world, 1, |_, _| {});
    let job = submit_reading(&mut world, 2, inbound(&[message]));
    let engine = &mut world.nodes[0].engine;
    engine.jobs.get_mut(&job).expect("its own").facts = None;
    engine.prepare(job).expect("written");
    let prepared = engine.effects().into_iter().find_map(|it| match it {
        Effect::Prepare { messages, .. } => Some(messages),
        _ => None,
    });
    assert_eq!(prepared, Some(vec![]));
}

#[test]
fn refuses_to_offer_a_job_whose_messages_are_not_known() {
    let mut world = World::new(2);
    let (_, _, unknown) = run_of(1, |_, _| {});
    let mut submission = submission(0, 600);
    submission.inbound = vec![unknown.receipt_id()];
    let error = world
        .ask(0, Request::Submit(submission.clone()))
        .expect_err("unknown");
    assert!(
        error.message.contains(&unknown.receipt_id().to_string()),
        "{error}"
    );
    submission.inbound = (0..65).map(|it| Digest::from_bytes([it; 32])).collect();
    let error = world.ask(0, Request::Submit(submission)).expect_err("too many");
    assert!(error.message.contains("at most 64"), "{error}");
}

#[test]
fn what_a_capsule_depends_on_and_cannot_be_had_is_named_in_the_refusal() {
    let mut world = World::new(2);
    world.nodes[1].unprepared = true;
    let job = Signed::new(offer(1, START, START + 6000), &key(91));
    world.inject(&job.clone().into());
    let job = job.job();
    assert_eq!(refused(&world, job), Some("preparation"));
    let [a, b] = [6, 7].map(|it| Digest::from_bytes([it; 32]));
    let cases = [
        (
            dependencies::Error::Missing { capsule: a, by: b },
            "dependencies.missing",
        ),
        (
            dependencies::Error::Cycle { capsules: vec![a, a] },
            "dependencies.cycle",
        ),
        (dependencies::Error::TooMany { limit: 64 }, "dependencies.bounds"),
    ];
    for (error, code) in cases {
        let named = !matches!(error, dependencies::Error::TooMany { .. });
        let result = Err(Refused::from(error));
        world.give(1, Input::Prepared { job, result });
        assert_eq!(refused(&world, job), Some(code));
        let it = world.nodes[1].engine.jobs[&job].refused.clone().expect("refused");
        assert_eq!(it.reason.contains(&a.to_string()), named, "{}", it.reason);
    }
}

#[test]
fn a_channel_is_listed_in_the_order_in_which_it_came() {
    let mut world = World::new(1);
    let other = said(&mut world, 200, |offer, _| {
        offer.capsule = Digest::from_bytes([6; 32])
    });
    let all: Vec<ReceiptId> = (0..100).map(|salt| said(&mut world, salt, |_, _| {})).collect();
    let page = |world: &World, capsule: u8, after: u64| {
        let page = world.nodes[0]
            .engine
            .messages(Digest::from_bytes([capsule; 32]), after);
        match page.expect("readable") {
            Answer::Messages { next, sources } => {
                (next, sources.iter().map(|it| it.receipt).collect::<Vec<_>>())
            }
            other => panic!("{other:?}"),
        }
    };
    let (next, first) = page(&world, 5, 0);
    assert_eq!(first, all[..64]);
    let (last, second) = page(&world, 5, next);
    assert_eq!(second, all[64..]);
    assert_eq!(page(&world, 5, last), (last, vec![]));
    assert_eq!(page(&world, 6, 0).1, [other]);
    assert_eq!(page(&world, 7, 0), (0, vec![]));
}

#[test]
fn a_journal_from_before_channels_were_known_has_its_messages_after_a_restart() {
    let mut world = World::new(2);
    let message = said(&mut world, 1, |_, _| {});
    let mut batch = Batch::new();
    let name = |table: &str, key: &[u8]| [table.as_bytes(), &[0], key].concat();
    batch.delete(name("channel-receipt", message.as_bytes()));
    world.nodes[1]
        .store
        .write(&batch, Durability::Durable)
        .expect("written");
    let offer = Offer {
        inbound: Some(inbound(&[message])),
        ..offer(3, START, START + 600)
    };
    let known = |world: &World| {
        world.nodes[1]
            .engine
            .messages_of(&offer)
            .expect("readable")
            .is_ok()
    };
    assert!(!known(&world));
    world.stop(1);
    world.start(1);
    assert!(known(&world));
}
