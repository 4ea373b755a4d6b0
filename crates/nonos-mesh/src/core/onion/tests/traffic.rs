use std::{collections::BTreeSet, time::Duration};

use super::world::{Plan, World, name};
use crate::core::onion::{Ask, Cover, Frame, Hiding, Input, NotHidden, Settings, Target};

fn plan(cover: Cover) -> Plan {
    let settings = Settings {
        cover,
        ..Plan::default().settings
    };
    Plan {
        settings,
        ..Plan::default()
    }
}

#[test]
fn a_question_comes_to_whoever_it_is_for_and_to_nobody_else() {
    let mut world = World::new(plan(Cover::Normal));
    world.run(5_000);
    let id = world.ask(0, Target::Of(vec![name(7)]), b"who are you?", 100);
    let id = id.expect("there are enough");
    world.run(20_000);
    let (_, from, answer) = world.answers.get(&(0, id)).expect("answered");
    assert_eq!(
        (*from, answer.as_slice()),
        (name(7), &b"who are you?who are you?"[..])
    );
    assert_eq!(world.asked[7], [b"who are you?"]);
    let elsewhere = world.asked.iter().enumerate().filter(|(it, _)| *it != 7);
    assert!(elsewhere.clone().all(|(_, asked)| asked.is_empty()));
}

/// Nothing but cover and one question: each frame of it enters by a guard.
#[test]
fn frames_enter_by_guards_only() {
    let mut world = World::new(Plan {
        neighbours: 5,
        ..plan(Cover::Normal)
    });
    for round in 0..40 {
        world
            .ask(0, Target::Any, &[round], 5_000)
            .expect("there are enough");
        world.run(1_000);
    }
    let counts = world.nodes[0].anonymity(world.moment()).counts;
    let own = counts.own + counts.cover;
    let guards: BTreeSet<_> = world.guards[0].chosen().iter().map(|(node, _)| *node).collect();
    assert_eq!(guards.len(), 2);
    let to_guards = (world.seen.iter())
        .filter(|(_, from, to, _)| *from == 0 && guards.contains(&name(*to)))
        .count();
    assert!(to_guards as u64 >= own, "{to_guards} of {own}");
    // The others are what it passed on.
    let to_others = (world.seen.iter())
        .filter(|(_, from, to, _)| *from == 0 && !guards.contains(&name(*to)))
        .count();
    assert!(to_others as u64 <= counts.forwarded);
}

#[test]
fn every_frame_has_one_length_and_none_is_seen_twice() {
    let mut world = World::new(plan(Cover::High));
    for it in 0..12 {
        world
            .ask(it, Target::Any, &[7; 10_000], 20_000)
            .expect("there are enough");
    }
    world.run(60_000);
    assert!(world.seen.len() > 2000);
    assert!(
        world
            .seen
            .iter()
            .all(|(.., frame)| frame.as_bytes().len() == Frame::LEN)
    );
    let distinct: BTreeSet<_> = world.seen.iter().map(|(.., frame)| frame.as_bytes()).collect();
    assert_eq!(distinct.len(), world.seen.len(), "no hop sends what it got");
}

#[test]
fn a_long_answer_comes_in_fragments_by_many_routes() {
    let mut world = World::new(plan(Cover::High));
    world.run(2_000);
    let question = vec![9; 32_000];
    let id = world.ask(3, Target::Of(vec![name(8)]), &question, 64 << 10);
    let id = id.expect("it fits");
    world.run(60_000);
    let (_, _, answer) = world.answers.get(&(3, id)).expect("answered");
    assert_eq!(*answer, question.repeat(2));
    let too_long = world.ask(3, Target::Any, &vec![9; 90_000], 64 << 10);
    assert!(matches!(too_long, Err(NotHidden::TooLong { .. })));
}

#[test]
fn cover_goes_out_at_its_pace_whether_or_not_something_is_said() {
    let small = Plan {
        nodes: 6,
        ..plan(Cover::Normal)
    };
    let (mut quiet, mut busy) = (World::new(small.clone()), World::new(small));
    for _ in 0..60 {
        busy.ask(0, Target::Any, b"a question", 100)
            .expect("there are enough");
        busy.run(2_000);
        quiet.run(2_000);
    }
    let sent = |world: &World| {
        let counts = world.nodes[0].anonymity(world.moment()).counts;
        (counts.own, counts.own + counts.cover)
    };
    let ((nothing, all_quiet), (own, all_busy)) = (sent(&quiet), sent(&busy));
    assert_eq!(nothing, 0);
    assert!(own >= 60);
    // 120 seconds at one each second; five standard deviations.
    for all in [all_quiet, all_busy] {
        assert!((65..=175).contains(&all), "{all}");
    }
}

#[test]
fn what_goes_around_comes_back_and_tells_what_gets_through() {
    let small = Plan {
        nodes: 6,
        ..plan(Cover::High)
    };
    let mut world = World::new(small.clone());
    world.run(60_000);
    let (sent, back) = world.nodes[0].anonymity(world.moment()).around;
    assert!(sent >= 30 && back >= sent - 2, "{back} of {sent}");
    let mut lossy = World::new(Plan { loss: 100, ..small });
    lossy.run(120_000);
    let (sent, back) = lossy.nodes[0].anonymity(lossy.moment()).around;
    // Four links, of which each loses a tenth: two thirds come back.
    assert_eq!(sent, 100);
    assert!((45..=85).contains(&back), "{back} of {sent}");
}

#[test]
fn without_cover_nothing_is_sent_that_says_nothing() {
    let mut world = World::new(plan(Cover::Metered));
    world.run(60_000);
    assert!(world.seen.is_empty());
    let id = world
        .ask(0, Target::Any, b"a question", 100)
        .expect("there are enough");
    world.run(10_000);
    assert!(world.answers.contains_key(&(0, id)));
    let anonymity = world.nodes[0].anonymity(world.moment());
    assert!(!anonymity.cover);
    assert_eq!(anonymity.hiding, Hiding::Full);
}

#[test]
fn too_few_nodes_do_not_hide() {
    for (nodes, expected) in [
        (1, Hiding::Not(NotHidden::TooFewMixes { known: 0, needed: 2 })),
        (2, Hiding::Not(NotHidden::TooFewMixes { known: 1, needed: 2 })),
        (3, Hiding::Fewer { hops: 2 }),
        (4, Hiding::Fewer { hops: 2 }),
        (5, Hiding::Full),
    ] {
        let mut world = World::new(Plan {
            nodes,
            neighbours: nodes - 1,
            ..plan(Cover::Normal)
        });
        let hiding = world.nodes[0].hiding(world.moment());
        assert_eq!(hiding, expected, "{nodes} nodes");
        let asked = world.ask(0, Target::Any, b"a question", 100);
        // The way back needs another one than who is asked.
        assert_eq!(asked.is_ok(), nodes >= 3, "{nodes} nodes: {asked:?}");
    }
}

#[test]
fn nobody_is_asked_by_fewer_hops_than_demanded() {
    let mut world = World::new(Plan {
        nodes: 4,
        neighbours: 3,
        ..plan(Cover::Normal)
    });
    let ask = |least_hops| Ask {
        to: Target::Any,
        body: vec![],
        longest_answer: 0,
        least_hops,
    };
    let now = world.moment();
    let refused = world.nodes[0].ask(ask(3), now);
    assert_eq!(refused, Err(NotHidden::TooFewMixes { known: 3, needed: 4 }));
    assert!(world.nodes[0].ask(ask(2), now).is_ok());
}

#[test]
fn who_has_no_guard_is_not_hidden() {
    let mut world = World::new(Plan {
        neighbours: 0,
        ..plan(Cover::Normal)
    });
    let refused = world.ask(0, Target::Any, b"a question", 100);
    assert_eq!(refused, Err(NotHidden::NoGuard));
    world.connect(0, 5);
    world.connect(0, 6);
    world
        .ask(0, Target::Any, b"a question", 100)
        .expect("there are two");
}

#[test]
fn who_takes_no_onion_packets_cannot_be_asked() {
    let mut world = World::new(plan(Cover::Normal));
    let refused = world.ask(0, Target::Of(vec![name(99)]), b"a question", 100);
    assert_eq!(refused, Err(NotHidden::NoTarget));
    let refused = world.ask(0, Target::Of(vec![]), b"a question", 100);
    assert_eq!(refused, Err(NotHidden::NoTarget));
}

#[test]
fn the_next_of_those_named_is_asked_when_one_is_silent() {
    let mut world = World::new(plan(Cover::High));
    world.kill(7);
    // Frames that do not come back have told by then that it is better not to go by it.
    world.run(20_000);
    let id = world.ask(0, Target::Of(vec![name(7), name(8)]), b"a question", 100);
    let id = id.expect("there are enough");
    world.run(30_000);
    let (_, from, _) = world.answers.get(&(0, id)).expect("answered");
    assert_eq!(*from, name(8));
}

#[test]
fn a_question_that_nobody_answers_fails_after_its_attempts() {
    let mut world = World::new(plan(Cover::High));
    world.kill(7);
    let id = world.ask(0, Target::Of(vec![name(7)]), b"a question", 100);
    let id = id.expect("there are enough");
    world.run(30_000);
    assert!(world.failed.contains(&(0, id)));
    let anonymity = world.nodes[0].anonymity(world.moment());
    assert_eq!((anonymity.counts.failed, anonymity.counts.answered), (1, 0));
    // Nothing of it is left that would be counted against the next ones.
    world.run(10_000);
    assert_eq!(world.failed.len(), 1);
}

#[test]
fn a_delay_is_drawn_by_the_sender_and_bounded_by_the_hop() {
    let slow = Settings {
        mean_delay: Duration::from_secs(3600),
        cover: Cover::Metered,
        attempts: 1,
        ..Plan::default().settings
    };
    let mut world = World::new(Plan {
        settings: slow,
        ..Plan::default()
    });
    world
        .ask(0, Target::Of(vec![name(7)]), b"a question", 100)
        .expect("there are enough");
    world.run(30_000);
    let times: Vec<u64> = world.seen.iter().map(|(at, ..)| *at).collect();
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max();
    // Ten seconds, and a link, and once a connection that is made.
    assert!(longest.is_some_and(|longest| longest <= 10_200), "{times:?}");
    assert!(times.len() >= 3, "it is passed on: {times:?}");
}

#[test]
fn after_a_sleep_what_was_not_sent_is_not_sent_at_once() {
    let mut world = World::new(plan(Cover::High));
    world.run(1_000);
    let before = world.seen.len();
    world.now += 3_600_000;
    let now = world.moment();
    world.nodes[0].handle(Input::Tick, now);
    let sent = std::iter::from_fn(|| world.nodes[0].poll()).count();
    assert!(sent <= 10, "{sent} after {before}");
}

/// Scenario 14, but for what `hostile.rs` shows: a thousand questions, while a hop is killed.
#[test]
fn of_a_thousand_questions_nearly_all_are_answered_while_a_hop_dies() {
    let mut world = World::new(Plan {
        seed: 14,
        ..plan(Cover::High)
    });
    world.run(2_000);
    let mut asked = vec![];
    for number in 0..1000_u32 {
        let node = usize::try_from(number % 11).expect("small");
        if let Ok(id) = world.ask(node, Target::Any, &number.to_be_bytes(), 100) {
            asked.push((world.now, node, id));
        }
        world.run(100);
        if number == 300 {
            world.kill(11);
        }
    }
    world.run(30_000);
    assert_eq!(asked.len(), 1000);
    let mut took: Vec<u64> = (asked.iter())
        .filter_map(|(at, node, id)| world.answers.get(&(*node, *id)).map(|(then, ..)| then - at))
        .collect();
    took.sort_unstable();
    let in_time = took.iter().filter(|took| **took <= 10_000).count();
    let (median, p95) = (took[took.len() / 2], took[took.len() * 95 / 100]);
    let figures = format!(
        "seed 14: {} of 1000 answered, {in_time} within 10 s; median {median} ms, 95 % {p95} ms",
        took.len()
    );
    assert!(in_time >= 980, "{figures}");
}
