//! The books of those a node deals with: it follows them, and finds out who keeps two.

use nonos_mesh::core::feed::{Answer, Ask, Refused};
use nonos_trust::{Context, Deed};
use nonos_types::*;

use super::world::*;
use crate::{Conduct, api::Request};

/// All who did something for a job of the first node have been paid by it.
fn dealt(nodes: u8) -> World {
    let mut world = World::new(nodes);
    do_job(&mut world, 1);
    settle(&mut world);
    world
}

/// What was held is released, and all who follow books have asked since.
fn settle(world: &mut World) {
    world.pass(1300);
}

fn do_job(world: &mut World, salt: u8) {
    let verifiers = world.nodes.len() as u16 - 2;
    let job = world.submit(salt, verifiers, 600).expect("a job");
    world.pass(30);
    assert!(world.nodes[0].engine.jobs[&job].is_paid());
}

fn head(world: &World, node: usize) -> FeedHead {
    world.nodes[node].engine.ledger.head().expect("readable")
}

/// The newest entry of the first node that another has seen.
fn seen(world: &World, by: usize) -> FeedHead {
    let kept = world.nodes[by].engine.kept_of(world.id(0)).expect("readable");
    kept.head()
}

/// From now on the first node does this.
fn turn(world: &mut World, conduct: Conduct) {
    world.nodes[0].conduct = conduct;
    world.stop(0);
    world.start(0);
    world.run();
}

fn feed_forks(world: &World, node: usize) -> usize {
    let accused = journal(world, node);
    let forks = accused.iter().filter(|it| match it {
        Message::Accusation(it) => matches!(it.evidence, Evidence::FeedFork(_)),
        _ => false,
    });
    forks.count()
}

fn assert_nobody_is_blamed(world: &World) {
    for node in 0..world.nodes.len() {
        assert_eq!(feed_forks(world, node), 0);
        for other in 0..world.nodes.len() {
            let other = world.id(other);
            assert!(!world.blacklisted(node, other));
            assert_eq!(bad_deeds(world, node, other), 0, "{node}");
        }
    }
}

/// What a node holds against another's books.
fn bad_deeds(world: &World, node: usize, other: NodeId) -> usize {
    let explained = world.nodes[node].engine.trust.explain(other).expect("readable");
    let bad = explained
        .iter()
        .filter(|it| it.context == Context::Pay && it.deed == Deed::Bad);
    bad.count()
}

/// Those of the first node's books that are shown other ones, if it forks them, and the rest.
fn sides(world: &World) -> (Vec<usize>, Vec<usize>) {
    let (odd, even) = (1..world.nodes.len()).partition(|it| world.id(*it).as_bytes()[0] % 2 == 1);
    (odd, even)
}

#[test]
fn the_books_of_who_is_dealt_with_are_followed_and_nobody_elses() {
    let mut world = World::new(4);
    let job = world.submit(1, 1, 600).expect("a job");
    world.pass(40);
    assert!(world.nodes[0].engine.jobs[&job].is_paid());
    settle(&mut world);
    let paid: std::collections::BTreeSet<NodeId> = world.paid(0).into_iter().map(|it| it.0).collect();
    assert_eq!(paid.len(), 2);
    for node in 1..4 {
        let expected = if paid.contains(&world.id(node)) {
            head(&world, 0)
        } else {
            FeedHead::NONE
        };
        assert_eq!(seen(&world, node), expected, "{node}");
        let ask = Ask::Range { from: Sequence::ZERO };
        let answer = world.show_books(world.id(node), world.id(0), ask);
        let is_shown = matches!(answer, Some(Answer::Entries { .. }));
        assert_eq!(is_shown, paid.contains(&world.id(node)));
        if !is_shown {
            assert_eq!(answer, Some(Answer::Refused(Refused::Stranger)));
        }
    }
    let asked = world.feeds_asked;
    world.pass(500);
    assert!(world.feeds_asked - asked <= 16, "each asks each now and then");
}

#[test]
fn long_books_are_read_in_pieces_and_again_after_a_restart() {
    let mut world = dealt(3);
    let before = seen(&world, 1);
    world.stop(1);
    world.stop(2);
    let author = &world.nodes[0];
    for n in 0..150_u8 {
        let amount = Amount::from_atto(1);
        let now = world.now().time;
        let hold = author
            .engine
            .ledger
            .hold(JobId::from_bytes([n; 32]), amount, &author.key, now);
        hold.expect("held");
    }
    assert_eq!(head(&world, 0).sequence.get(), before.sequence.get() + 150);
    world.start(1);
    assert_eq!(seen(&world, 1), before, "what was seen is kept");
    world.pass(2);
    let halfway = seen(&world, 1).sequence;
    assert!(halfway > before.sequence && halfway < head(&world, 0).sequence);
    world.pass(10);
    assert_eq!(seen(&world, 1), head(&world, 0));
    assert_nobody_is_blamed(&world);
}

#[test]
fn who_asks_for_books_without_end_is_not_answered() {
    let mut world = dealt(3);
    let ask = Ask::Range {
        from: Sequence::new(1),
    };
    let (from, author) = (world.id(1), world.id(0));
    let answered = (0..100).filter(|_| world.show_books(from, author, ask).is_some());
    let answered = answered.count();
    assert!((1..=16).contains(&answered), "{answered}");
}

/// Nothing that an honest node does makes its books look as if it kept two.
#[test]
fn restarts_and_incarnations_are_no_forks() {
    for head_is_kept in [true, false] {
        let mut world = dealt(3);
        let backup = world.back_up(0);
        do_job(&mut world, 2);
        settle(&mut world);
        assert_eq!(seen(&world, 1), head(&world, 0));
        world.stop(0);
        world.start(0);
        do_job(&mut world, 3);
        settle(&mut world);
        world.stop(0);
        world.restore(0, &backup);
        if !head_is_kept {
            world.forget_head(0);
        }
        world.start(0);
        world.pass(700);
        assert!(world.nodes[0].engine.doubled);
        let ask = Ask::Range { from: Sequence::ZERO };
        let answer = world.show_books(world.id(1), world.id(0), ask);
        assert_eq!(answer, Some(Answer::Refused(Refused::Stopped)));
        assert_nobody_is_blamed(&world);
        let resume = Request::ResumeBooks {
            confirmed: true,
            accept_fork_risk: false,
        };
        world.ask(0, resume).expect("it goes on");
        do_job(&mut world, 4);
        world.pass(1300);
        assert_eq!(seen(&world, 1), head(&world, 0));
        assert_eq!(seen(&world, 1).incarnation.get(), 1);
        assert_nobody_is_blamed(&world);
        for node in [1, 2] {
            world.stop(node);
            world.start(node);
        }
        world.pass(700);
        assert_nobody_is_blamed(&world);
    }
}

/// A key that runs in two places: until both have stopped, each shows books of its own.
#[test]
fn two_honest_nodes_with_one_key_are_not_convicted_by_their_books() {
    let mut world = dealt(3);
    world.copy(0);
    world.pass(1300);
    assert!(world.nodes[0].engine.doubled);
    assert_nobody_is_blamed(&world);
}

#[test]
fn who_shows_one_node_another_entry_in_a_place_is_convicted_by_all() {
    let mut world = dealt(6);
    let (odd, even) = sides(&world);
    assert!(!odd.is_empty() && !even.is_empty());
    // Until now it showed all the same.
    assert!(odd.iter().all(|it| seen(&world, *it) == head(&world, 0)));
    turn(&mut world, Conduct::ForkBooks);
    world.pass(700);
    for node in 1..6 {
        assert!(world.blacklisted(node, world.id(0)), "{node}");
        assert!(feed_forks(&world, node) >= 1, "{node}");
    }
}

/// Each sees but one of them, which is whole: only together do they know.
#[test]
fn who_shows_two_nodes_different_books_is_convicted_when_it_says_how_far_they_go() {
    let mut world = World::new(6);
    turn(&mut world, Conduct::ForkBooks);
    do_job(&mut world, 1);
    settle(&mut world);
    // It has said so before if its roles have changed.
    turn(&mut world, Conduct::ForkBooks);
    world.pass(60);
    let (odd, even) = sides(&world);
    assert!(!odd.is_empty() && !even.is_empty());
    for node in 1..6 {
        assert!(world.blacklisted(node, world.id(0)), "{node}");
    }
}

/// What nobody else has seen cannot be shown to others: it costs the author its standing here.
#[test]
fn a_head_that_leads_nowhere_is_a_bad_deed_of_who_goes_on_with_it() {
    let mut world = dealt(3);
    let (author, node) = (world.id(0), 1);
    let listed = world.nodes[node].engine.directory.get(author).expect("listed");
    let told = |sequence: u64, digest: u8| Descriptor {
        sequence: Sequence::new(listed.sequence.get() + (1 << 32)),
        books: Some(FeedHead {
            sequence: Sequence::new(sequence),
            digest: EntryDigest::from_bytes([digest; 32]),
            ..FeedHead::NONE
        }),
        ..listed.value().clone()
    };
    let newest = head(&world, 0).sequence.get();
    // By hand, so that it does not hear of it itself, which would stop its books.
    let beyond = signed(told(newest + 5, 7), &key(1));
    world.message(node, author, beyond);
    let ask = Ask::Range {
        from: Sequence::new(newest),
    };
    let mut after = |seconds: u64| {
        world.millis += 1000 * seconds;
        let answer = world.show_books(world.id(node), author, ask);
        assert!(matches!(answer, Some(Answer::Entries { .. })));
        let peer = author;
        world.give(node, crate::engine::Input::FeedSaid { peer, ask, answer });
        bad_deeds(&world, node, author)
    };
    let counted = [after(1), after(60), after(59), after(1), after(1000)];
    assert_eq!(counted, [0, 0, 0, 1, 1], "it may not know at first; and once");
    assert!(!world.blacklisted(node, author));
}

/// The same entries, and a descriptor that names one of them.
#[test]
fn a_head_that_is_reached_is_no_bad_deed() {
    let mut world = dealt(3);
    turn(&mut world, Conduct::Honest);
    settle(&mut world);
    assert_eq!(seen(&world, 1), head(&world, 0));
    assert_nobody_is_blamed(&world);
}

/// An entry by its name: of another's books, if it was seen.
#[test]
fn an_entry_that_was_seen_is_given_to_who_knows_its_name() {
    let mut world = dealt(3);
    let (author, newest) = (world.id(0), head(&world, 0));
    let named = |digest| Ask::Named { author, digest };
    let stranger = id(&key(99));
    let answer = world.show_books(stranger, world.id(1), named(newest.digest));
    let Some(Answer::Entries { entries, .. }) = answer else {
        panic!("{answer:?}")
    };
    let entry = Signed::<nonos_depin::Entry>::from_bytes(&entries[0]).expect("an entry");
    assert_eq!((entries.len(), entry.digest(author)), (1, newest.digest));
    let answer = world.show_books(stranger, world.id(1), named(EntryDigest::from_bytes([7; 32])));
    assert_eq!(answer, Some(Answer::NONE));
}

/// A peer answers with what was not asked for.
#[test]
fn what_is_shown_of_another_counts_only_if_it_is_what_was_asked_for() {
    let mut world = dealt(3);
    let (author, newest) = (world.id(0), head(&world, 0));
    let feed = world.nodes[0]
        .engine
        .ledger
        .feed(Sequence::ZERO, 1000)
        .expect("entries");
    let last = feed.last().expect("one");
    let other = |seed: u8, network: NetworkId| {
        let entry = nonos_depin::Entry {
            at: Timestamp::new(1),
            network,
            ..last.value().clone()
        };
        Signed::new(entry, &key(seed))
    };
    let give = |world: &mut World, entry: &Signed<nonos_depin::Entry>, digest| {
        let ask = Ask::Named { author, digest };
        let answer = Some(Answer::fitting(FeedHead::NONE, [entry.to_bytes()]));
        let peer = world.id(2);
        world.give(1, crate::engine::Input::FeedSaid { peer, ask, answer });
        world.run();
        world.blacklisted(1, author)
    };
    let fork = other(1, network());
    let (of_another, elsewhere) = (other(9, network()), other(1, NetworkId::named("others")));
    assert!(!give(&mut world, last, newest.digest), "the same");
    assert!(!give(&mut world, &of_another, of_another.digest(author)));
    assert!(!give(&mut world, &elsewhere, elsewhere.digest(author)));
    assert!(!give(&mut world, &fork, EntryDigest::from_bytes([7; 32])));
    assert!(give(&mut world, &fork, fork.digest(author)));
    assert_eq!(feed_forks(&world, 1), 1);
}
