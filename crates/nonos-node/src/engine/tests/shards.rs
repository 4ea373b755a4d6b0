//! Nodes that hear of some shards only.

use std::collections::BTreeSet;

use nonos_types::*;

use super::world::*;
use crate::engine::{Decision, Origin};

fn shard(number: u32) -> Shard {
    Shard::new(number).expect("one of four")
}

fn capsule(number: u32) -> CapsuleHash {
    CapsuleHash::from_bytes([(number << 6) as u8 | 5; 32])
}

/// Nodes that hear these shards each.
fn world(shards: &[&str]) -> World {
    let mut world = World::new(u8::try_from(shards.len()).expect("few"));
    for (node, shards) in shards.iter().enumerate() {
        world.configure(node, &format!("[mesh]\nshards = {shards}\n"));
    }
    world.pass(3);
    world
}

/// Each shard is heard by four of them.
fn eight() -> World {
    world(&[
        "[0, 1]", "[1, 2]", "[2, 3]", "[3, 0]", "[0, 1]", "[1, 2]", "[2, 3]", "[3, 0]",
    ])
}

/// Shards of which a node has something about jobs.
fn shards_kept(world: &World, node: usize) -> BTreeSet<Shard> {
    let of_it = &world.nodes[node].engine.journal;
    let shards = journal(world, node).into_iter();
    shards
        .filter_map(|message| of_it.shard_of(&message).expect("readable"))
        .collect()
}

fn submit(world: &mut World, number: u32, salt: u8) -> JobId {
    world.capsule = capsule(number);
    world.submit(salt, 1, 6000).expect("a job")
}

#[test]
fn jobs_of_every_shard_get_done_and_nobody_keeps_what_it_does_not_hear() {
    let mut world = eight();
    let jobs: Vec<_> = (0..4)
        .map(|number| submit(&mut world, number, number as u8))
        .collect();
    assert_eq!(world.nodes[0].engine.listening.now(), Shards::ALL);
    world.pass(90);
    for (number, job) in (0..).zip(&jobs) {
        let settled = world.nodes[0].engine.jobs[job].settled;
        assert!(settled, "the job of shard {number} is paid");
    }
    assert_eq!(world.held(0), 0);
    world.assert_books_agree();
    // Whoever ran one hears of its shard.
    for node in 1..8 {
        let own: BTreeSet<_> = world.nodes[node].engine.listening.base().iter().collect();
        let kept = shards_kept(&world, node);
        assert!(kept.is_subset(&own), "{node}: {kept:?} of {own:?}");
        assert_eq!(kept, own, "there was a job in each");
        let ran: Vec<JobId> = world.nodes[node].ran.iter().map(|(job, _)| *job).collect();
        assert!(
            (0..)
                .zip(&jobs)
                .all(|(number, job)| !ran.contains(job) || own.contains(&shard(number)))
        );
    }
    // The requester is where it was before.
    assert_eq!(world.nodes[0].engine.listening.now().bits(), 0b0011);
    assert_eq!(world.nodes.iter().map(|it| it.ran.len()).sum::<usize>(), 4);
}

/// Only those are asked for that hear of the shard: else the first in the order might be one that does not.
#[test]
fn executors_of_other_shards_are_not_waited_for() {
    let mut world = eight();
    for salt in 0..10 {
        let job = submit(&mut world, 3, salt);
        let engine = &world.nodes[1].engine;
        let offer = world.nodes[0].engine.jobs[&job].offer.clone();
        let order = engine.schedule(job, &offer);
        let expected: BTreeSet<_> = [2, 3, 6, 7].map(|it| world.id(it)).into();
        assert_eq!(order.order().iter().copied().collect::<BTreeSet<_>>(), expected);
    }
}

#[test]
fn who_was_away_catches_up_with_its_own_shards_and_then_fetches_nothing() {
    let mut world = eight();
    world.stop(6);
    for number in 0..4 {
        submit(&mut world, number, number as u8);
    }
    world.pass(90);
    world.start(6);
    world.pass(60);
    let kept = shards_kept(&world, 6);
    assert_eq!(kept, [2, 3].map(shard).into());
    for other in [2, 3, 7] {
        let receipts = |node: usize| -> BTreeSet<MessageId> {
            let of_kind = journal(&world, node)
                .into_iter()
                .filter(|it| it.kind() == Kind::Receipt);
            let theirs = |it: &Message| world.nodes[node].engine.journal.shard_of(it).expect("readable");
            of_kind
                .filter(|it| theirs(it) == Some(shard(3)))
                .map(|it| it.id())
                .collect()
        };
        assert_eq!(receipts(6), receipts(other));
    }
    // Nothing is taken for missing again and again.
    world.fetched = 0;
    world.pass(120);
    assert_eq!(world.fetched, 0);
}

/// It was away while its job was done: it hears of it all the same, and pays.
#[test]
fn a_requester_that_was_away_hears_what_became_of_its_job_elsewhere() {
    let mut world = eight();
    world.proving_s = 20;
    let job = submit(&mut world, 3, 1);
    world.pass(10);
    world.stop(0);
    world.pass(30);
    world.start(0);
    assert!(
        world.nodes[0].engine.listening.now().contains(shard(3)),
        "at once"
    );
    world.pass(30);
    assert!(world.nodes[0].engine.jobs[&job].settled);
    assert!(!world.nodes[0].engine.listening.now().contains(shard(3)));
}

#[test]
fn a_node_with_all_shards_says_nothing_of_them_and_is_one_of_every_shard() {
    let mut world = world(&["[0]", "\"all\"", "[1]"]);
    let said = |node: usize| {
        let it = world.nodes[0].engine.directory.get(world.id(node));
        it.expect("listed").shards
    };
    assert_eq!([1, 2].map(said), [Shards::ALL, Shards::from(shard(1))]);
    // There is nobody who could verify it for a bounty.
    world.capsule = capsule(2);
    let job = world.submit(1, 0, 6000).expect("a job");
    world.pass(60);
    assert!(world.nodes[0].engine.jobs[&job].settled);
    assert_eq!(world.nodes[1].ran.len(), 1);
    assert_eq!(shards_kept(&world, 2), BTreeSet::new());
}

/// What is given in the topic of another shard, or under its name, is wrong for all who know what it is about.
#[test]
fn refuses_what_is_said_in_another_shard_than_it_is_about() {
    let mut world = World::new(2);
    let job = submit(&mut world, 3, 1);
    world.pass(20);
    let receipt = world.good(1, job);
    let claim = signed(
        Claim {
            network: network(),
            job,
            slot: Slot::ZERO,
            at: Timestamp::new(START),
            box_key: None,
        },
        &key(9),
    );
    let verdict = |number| {
        let verdict = Verdict {
            network: network(),
            receipt,
            valid: true,
            at: Timestamp::new(START),
            shard: Some(shard(number)),
            work: None,
        };
        signed(verdict, &key(9))
    };
    let judge = |world: &World, message: &Message, topic: Option<u32>| {
        let origin = Origin {
            peer: Some(id(&key(9))),
            shard: topic.map(shard),
            ..Origin::default()
        };
        world.nodes[1].engine.judge_shard(message, &origin)
    };
    assert!(judge(&world, &claim, Some(3)).is_none());
    assert!(judge(&world, &claim, None).is_none(), "it came otherwise");
    assert!(matches!(judge(&world, &claim, Some(2)), Some(Decision::Reject)));
    assert!(judge(&world, &verdict(3), Some(3)).is_none());
    assert!(matches!(
        judge(&world, &verdict(2), Some(2)),
        Some(Decision::Reject)
    ));
    let given = |world: &World| world.nodes[1].engine.verdicts[&receipt].len();
    let before = given(&world);
    world.message(1, id(&key(9)), verdict(2));
    assert_eq!(given(&world), before);
    world.message(1, id(&key(9)), verdict(3));
    assert_eq!(given(&world), before + 1);
}

/// What peers give unasked of other shards is left out, but not what an operator brings.
#[test]
fn leaves_out_what_is_of_other_shards() {
    let mut world = world(&["[0]", "\"all\""]);
    let offered = |number, salt| {
        let offer = Offer {
            capsule: capsule(number),
            ..offer(salt, START, START + 600)
        };
        signed(offer, &key(9))
    };
    for (number, salt) in [(0, 1), (1, 2), (3, 3)] {
        for node in 0..2 {
            world.message(node, id(&key(9)), offered(number, salt));
        }
    }
    assert_eq!(shards_kept(&world, 0), [shard(0)].into());
    assert_eq!(shards_kept(&world, 1), [0, 1, 3].map(shard).into());
    world.import(0, &offered(2, 4), false);
    assert_eq!(shards_kept(&world, 0), [0, 2].map(shard).into());
    // It takes no room from messages that wait.
    let claim = signed(
        Claim {
            network: network(),
            job: JobId::from_bytes([3; 32]),
            slot: Slot::ZERO,
            at: Timestamp::new(START),
            box_key: None,
        },
        &key(9),
    );
    let origin = Origin {
        peer: Some(id(&key(9))),
        shard: Some(shard(1)),
        ..Origin::default()
    };
    let ignored = world.nodes[0].engine.judge_shard(&claim, &origin);
    assert!(matches!(ignored, Some(Decision::Ignore)));
}

fn voucher(payer: u8, payee: NodeId, job: JobId, amount: u128) -> Signed<Voucher> {
    let line = Line {
        job,
        slot: Slot::ZERO,
        kind: FeeKind::Seed,
        receipt: ReceiptId::from_bytes([4; 32]),
        amount: Amount::from_atto(amount),
    };
    let voucher = Voucher {
        network: network(),
        payee,
        incarnation: Incarnation::default(),
        sequence: Sequence::new(1),
        total: line.amount,
        lines: vec![line],
        at: Timestamp::new(START),
    };
    Signed::new(voucher, &key(payer))
}

/// Seeders are paid for capsules of any shard.
#[test]
fn a_voucher_to_a_node_that_does_not_hear_of_its_job_is_booked() {
    let mut world = world(&["[0]", "\"all\""]);
    let offer = Signed::new(
        Offer {
            capsule: capsule(3),
            ..offer(1, START, START + 600)
        },
        &key(9),
    );
    world.message(1, id(&key(9)), offer.clone().into());
    let me = world.id(0);
    let paid = voucher(9, me, offer.job(), 70);
    world.message(1, id(&key(9)), paid.clone().into());
    world.message(0, world.id(1), paid.into());
    world.run();
    let owed = world.nodes[0].engine.ledger.owed_by(id(&key(9))).expect("a sum");
    assert_eq!(owed.atto(), 70);
    // For what its payer does not offer nobody is asked without end.
    for number in 0..200_u8 {
        let unknown = voucher(9, me, JobId::from_bytes([number; 32]), 70);
        world.message(0, world.id(1), unknown.into());
    }
    let asks = world.nodes[0].engine.listening.wanted();
    assert!(asks <= 64, "{asks}");
}

/// Between others it is passed on and kept, without knowing what it is for; who knows better does not blame for that.
#[test]
fn vouchers_of_other_shards_are_passed_on_and_nobody_is_blamed_for_wrong_ones() {
    let mut world = world(&["[0]", "\"all\"", "\"all\""]);
    let offer = Signed::new(
        Offer {
            capsule: capsule(3),
            ..offer(1, START, START + 600)
        },
        &key(9),
    );
    for node in 1..3 {
        world.message(node, id(&key(9)), offer.clone().into());
    }
    let right = voucher(9, id(&key(8)), offer.job(), 70);
    let wrong = voucher(9, id(&key(7)), offer.job(), 5000);
    for message in [&right, &wrong] {
        world.message(0, id(&key(9)), message.clone().into());
    }
    let kept = |world: &World, node: usize| {
        let vouchers = journal(world, node)
            .into_iter()
            .filter(|it| it.kind() == Kind::Voucher);
        vouchers.count()
    };
    assert_eq!(kept(&world, 0), 2);
    let by = |world: &World, node: usize| Origin {
        peer: Some(world.id(node)),
        ..Origin::default()
    };
    let (of_shard, of_none) = (by(&world, 2), by(&world, 0));
    let engine = &mut world.nodes[1].engine;
    assert!(matches!(
        engine.judge_voucher(&right, &of_none),
        Ok(Decision::Accept)
    ));
    assert!(matches!(
        engine.judge_voucher(&wrong, &of_none),
        Ok(Decision::Ignore)
    ));
    assert!(matches!(
        engine.judge_voucher(&wrong, &of_shard),
        Ok(Decision::Reject)
    ));
}

/// A journal of a program that knew no shards is told apart by them all the same.
#[test]
fn a_journal_from_before_shards_were_known_has_them_after_a_restart() {
    let mut world = World::new(2);
    let job = submit(&mut world, 3, 1);
    world.pass(30);
    let one = |world: &World, number| {
        let journal = &world.nodes[1].engine.journal;
        let page = journal.page(nonos_mesh::Cursor::START, 1000, shard(number).into());
        let messages = page.expect("a page").messages;
        let about = messages.iter().filter(|bytes| {
            let message = Message::from_bytes_of_any_kind(bytes).expect("a message");
            nonos_mesh::core::Topic::is_sharded(message.kind())
        });
        about.count()
    };
    let kinds: BTreeSet<_> = journal(&world, 1).iter().map(Message::kind).collect();
    assert!(
        [
            Kind::Offer,
            Kind::Claim,
            Kind::Award,
            Kind::Receipt,
            Kind::Verdict
        ]
        .iter()
        .all(|it| kinds.contains(it))
    );
    let about = one(&world, 3);
    assert!(about >= 5, "{about}");
    assert_eq!(one(&world, 1), 0);
    world.nodes[1].engine.journal.forget_shards();
    assert_eq!(one(&world, 1), about, "what is not known is given");
    world.stop(1);
    world.start(1);
    assert_eq!((one(&world, 1), one(&world, 3)), (0, about));
    assert!(world.nodes[1].engine.jobs.contains_key(&job));
}
