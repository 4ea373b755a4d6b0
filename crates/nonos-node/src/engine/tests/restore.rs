//! Data that were put back to an older state, and keys that run in two places: how the books go on.

use nonos_depin::{Body, Reason};
use nonos_types::{
    FeeKind::{Execute, Verify},
    *,
};

use super::world::*;
use crate::api::{Request, RequestError, Resumption};

fn resume(
    world: &mut World,
    node: usize,
    confirmed: bool,
    accept_fork_risk: bool,
) -> Result<Resumption, RequestError> {
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    let request = Request::ResumeBooks {
        confirmed,
        accept_fork_risk,
    };
    world.give(node, crate::engine::Input::Request { request, reply });
    world.run();
    let answer = answer.try_recv().expect("an answer")?;
    Ok(serde_json::from_value(answer).expect("a resumption"))
}

fn incarnation(world: &World, node: usize) -> u32 {
    let ledger = &world.nodes[node].engine.ledger;
    ledger.incarnation().expect("readable").get()
}

fn assert_nobody_is_blamed(world: &World) {
    for node in 0..world.nodes.len() {
        for other in 0..world.nodes.len() {
            assert!(!world.blacklisted(node, world.id(other)));
        }
        let accused = journal(world, node)
            .iter()
            .any(|it| it.kind() == Kind::Accusation);
        assert!(!accused);
    }
}

/// Atto-NONOS that a node has spent, by its books.
fn spent(world: &World, node: usize) -> u128 {
    let spent = world.nodes[node]
        .engine
        .ledger
        .balance()
        .expect("a balance")
        .spent;
    [spent.execute, spent.seed, spent.verify, spent.prove]
        .iter()
        .map(|it| it.atto())
        .sum()
}

fn do_job(world: &mut World, salt: u8) -> JobId {
    let job = world.submit(salt, 1, 600).expect("a job");
    world.pass(20);
    assert!(world.nodes[0].engine.jobs[&job].is_paid());
    job
}

/// A node that has done a job since its backup, and is put back to that.
fn restored(node: usize, head_is_kept: bool) -> World {
    let mut world = World::new(3);
    do_job(&mut world, 1);
    let backup = world.back_up(node);
    do_job(&mut world, 2);
    do_job(&mut world, 3);
    world.stop(node);
    world.restore(node, &backup);
    if !head_is_kept {
        world.forget_head(node);
    }
    world.start(node);
    world.pass(70);
    world
}

#[test]
fn a_requester_with_an_old_backup_goes_on_and_pays_nothing_twice() {
    for head_is_kept in [true, false] {
        let mut world = restored(0, head_is_kept);
        assert!(world.nodes[0].engine.doubled);
        assert_eq!(world.submit(9, 0, 600), None);
        let before = resume(&mut world, 0, false, false).expect("it says what it means");
        assert!(!before.done, "{before:?}");
        // Peers have what it said when it started, and that is before the backup.
        assert_eq!(before.known > before.head, head_is_kept, "{before:?}");
        assert_eq!((before.incarnation.get(), before.asked.len()), (1, 2));
        assert_eq!(before.owed.atto(), 200, "two jobs: {before:?}");
        assert_eq!(incarnation(&world, 0), 0, "nothing is done yet");

        let done = resume(&mut world, 0, true, false).expect("it goes on");
        assert!(done.done);
        world.pass(20);
        assert!(!world.nodes[0].engine.doubled);
        assert_eq!(spent(&world, 0), 300);
        world.assert_books_agree();
        do_job(&mut world, 4);
        assert_eq!(spent(&world, 0), 400);
        world.stop(0);
        world.start(0);
        world.pass(20);
        do_job(&mut world, 5);
        assert_eq!((spent(&world, 0), incarnation(&world, 0)), (500, 1));
        assert!(!world.nodes[0].engine.doubled);
        assert_eq!(world.held(0), 0);
        world.assert_books_agree();
        assert_nobody_is_blamed(&world);
        let entries = world.nodes[0].engine.ledger.entries(None, 1000).expect("entries");
        let resumed = entries.iter().find_map(|it| match it.body {
            Body::Resume(it) => Some(it),
            _ => None,
        });
        let resumed = resumed.expect("it says so");
        let reason = if head_is_kept {
            Reason::Behind
        } else {
            Reason::Doubled
        };
        assert_eq!((resumed.last, resumed.reason), (before.known, reason));
    }
}

#[test]
fn an_executor_with_an_old_backup_goes_on_and_has_what_it_is_owed() {
    for head_is_kept in [true, false] {
        let mut world = World::new(2);
        do_job(&mut world, 1);
        let backup = world.back_up(1);
        do_job(&mut world, 2);
        world.stop(1);
        world.restore(1, &backup);
        if !head_is_kept {
            world.forget_head(1);
        }
        world.start(1);
        world.pass(70);
        assert!(world.nodes[1].engine.doubled);
        // What comes for it meanwhile is kept, and booked when it goes on.
        let view = resume(&mut world, 1, true, false).expect("it goes on");
        assert_eq!(view.earned.atto(), 80, "{view:?}");
        world.pass(20);
        world.assert_books_agree();
        do_job(&mut world, 3);
        world.assert_books_agree();
        assert_nobody_is_blamed(&world);
        // No run was begun twice under one nonce.
        let mut nonces: Vec<_> = (journal(&world, 0).iter())
            .filter_map(|it| match it {
                Message::Receipt(it) => Some(it.record.proven.nonce),
                _ => None,
            })
            .collect();
        let all = nonces.len();
        nonces.sort_unstable();
        nonces.dedup();
        assert_eq!((nonces.len(), all), (3, 3));
    }
}

/// Its receipt never left, and nothing says that it has run: it runs again, under another nonce.
#[test]
fn a_run_that_was_forgotten_is_done_again_under_another_nonce() {
    let mut world = World::new(2);
    let backup = world.back_up(1);
    let job = world.submit(1, 0, 6000).expect("a job");
    world.pass(1);
    world.stop(0);
    world.pass(20);
    let receipts = |world: &World, node| -> Vec<u32> {
        let journal = journal(world, node);
        let attempts = journal.iter().filter_map(|it| match it {
            Message::Receipt(it) => Some(it.attempt.get()),
            _ => None,
        });
        attempts.collect()
    };
    assert_eq!((receipts(&world, 0), receipts(&world, 1)), (vec![], vec![0]));
    world.stop(1);
    world.restore(1, &backup);
    world.start(1);
    assert!(
        world.nodes[1].engine.doubled,
        "what is beside its key knows better"
    );
    resume(&mut world, 1, true, true).expect("it goes on");
    world.start(0);
    world.pass(100);
    assert!(world.nodes[0].engine.jobs[&job].is_paid());
    assert_eq!(receipts(&world, 0), [1 << 16]);
    world.assert_books_agree();
    assert_nobody_is_blamed(&world);
}

/// Nobody gives back what was paid before it pays again: the fee is owed once all the same.
#[test]
fn what_is_paid_again_before_it_is_known_counts_once() {
    let mut world = World::new(3);
    let job = world.submit(1, 1, 6000).expect("a job");
    world.pass(3);
    let backup = world.back_up(0);
    world.pass(20);
    assert!(world.nodes[0].engine.jobs[&job].is_paid());
    let receipts: Vec<Message> = (journal(&world, 0).into_iter())
        .filter(|it| matches!(it, Message::Receipt(_) | Message::Verdict(_)))
        .filter(|it| it.signer() != world.id(0))
        .collect();
    for node in 0..3 {
        world.stop(node);
    }
    world.restore(0, &backup);
    world.start(0);
    let refused = resume(&mut world, 0, true, false).expect_err("nobody was asked");
    assert!(refused.message.contains("--accept-fork-risk"), "{refused:?}");
    assert_eq!(refused.fault, "environment");
    assert_eq!(incarnation(&world, 0), 0);
    resume(&mut world, 0, true, true).expect("it goes on");
    for message in receipts {
        world.message(0, id(&key(9)), message);
    }
    world.run();
    world.pass(5);
    assert_eq!(world.paid(0).len(), 2, "it has paid again, in a new incarnation");
    for node in 1..3 {
        world.start(node);
    }
    world.pass(70);
    assert!(!world.nodes[0].engine.doubled, "what comes back is of before");
    let paid = world.paid(0);
    let count = |kind| paid.iter().filter(|it| it.1 == kind).count();
    assert_eq!(
        (count(Execute), count(Verify)),
        (2, 2),
        "what came back is booked: {paid:?}"
    );
    assert_eq!(spent(&world, 0), 100, "and counts once");
    world.assert_books_agree();
    do_job(&mut world, 2);
    world.assert_books_agree();
    assert_nobody_is_blamed(&world);
}

#[test]
fn the_copy_that_is_not_resumed_stops_for_good_and_says_so() {
    let mut world = World::new(3);
    do_job(&mut world, 1);
    let copy = world.copy(0);
    world.pass(70);
    assert!(world.nodes[0].engine.doubled && world.nodes[copy].engine.doubled);
    resume(&mut world, 0, true, false).expect("it goes on");
    world.pass(70);
    assert!(
        !world.nodes[0].engine.doubled,
        "the copy says nothing that disturbs it"
    );
    assert!(world.nodes[copy].engine.is_superseded());
    let warnings = world.nodes[copy].engine.status().expect("a status").warnings;
    assert!(
        warnings.iter().any(|it| it.contains("go on elsewhere")),
        "{warnings:?}"
    );
    let said = |world: &World| world.published.iter().filter(|(by, _)| *by == copy).count();
    let before = said(&world);
    // Also after a restart, and for as long as its descriptor would be valid.
    world.stop(copy);
    world.start(copy);
    world.pass(100);
    world.millis += 7 * 3600 * 1000;
    world.pass(100);
    assert_eq!(said(&world), before);
    do_job(&mut world, 2);
    assert_eq!(incarnation(&world, 0), 1);
    assert_nobody_is_blamed(&world);
    for a in [0, 1, 2] {
        world.nodes[a].engine.ledger.verify().expect("whole");
    }
}

/// The copy has not heard of it yet, and says that it is there: it is told, and disturbs nothing.
#[test]
fn a_copy_that_says_only_where_it_is_is_told() {
    let mut world = World::new(2);
    do_job(&mut world, 1);
    let copy = world.copy(0);
    world.pass(70);
    resume(&mut world, 0, true, false).expect("it goes on");
    world.stop(copy);
    let newest = |world: &World| {
        let listed = world.nodes[1].engine.directory.get(world.id(0));
        listed.expect("it is listed").value().clone()
    };
    let before = newest(&world);
    assert_eq!(before.books.expect("its books").incarnation.get(), 1);
    let copys = Descriptor {
        sequence: Sequence::new(before.sequence.get() + (100 << 32)),
        valid_from: Timestamp::new(world.time() + 5),
        books: None,
        ..before
    };
    world.pass(10);
    let copys = Signed::new(copys, &key(1));
    world.message(1, id(&key(9)), copys.clone().into());
    assert_eq!(newest(&world).sequence, copys.sequence);
    world.message(0, world.id(1), copys.clone().into());
    world.run();
    assert!(!world.nodes[0].engine.doubled);
    let after = newest(&world);
    assert!(after.sequence > copys.sequence);
    assert_eq!(after.books.expect("its books").incarnation.get(), 1);
}

/// It works with the key while the other one is cut off.
#[test]
fn a_copy_that_works_on_unheard_stops_both_when_it_is_heard() {
    let mut world = World::new(3);
    do_job(&mut world, 1);
    let copy = world.copy(0);
    world.pass(70);
    world.stop(copy);
    resume(&mut world, 0, true, false).expect("it goes on");
    world.pass(30);
    assert!(!world.nodes[0].engine.doubled);
    let twins = signed(offer(77, world.time(), world.time() + 600), &key(1));
    world.message(0, world.id(1), twins);
    assert!(world.nodes[0].engine.doubled);
    let again = resume(&mut world, 0, true, false).expect("once more");
    assert_eq!(again.incarnation.get(), 2);
    assert!(!world.nodes[0].engine.doubled);
}

#[test]
fn nothing_is_resumed_without_need_and_not_for_ever() {
    let mut world = World::new(2);
    let refused = resume(&mut world, 0, true, true).expect_err("its books are the newest");
    assert!(
        refused.message.contains("nothing is to be resumed"),
        "{refused:?}"
    );
    let mut last = FeedHead::NONE;
    last.incarnation = nonos_depin::MAX_INCARNATION;
    last.sequence = Sequence::new(7);
    last.digest = EntryDigest::from_bytes([7; 32]);
    let later = Descriptor {
        books: Some(last),
        ..super::describe::said(&key(1), u64::MAX >> 8, "later", world.time())
            .value()
            .clone()
    };
    world.message(0, world.id(1), signed(later, &key(1)));
    assert!(world.nodes[0].engine.is_superseded());
    let refused = resume(&mut world, 0, true, true).expect_err("there are no more");
    assert!(refused.message.contains("no key has more"), "{refused:?}");
}
