//! Whether those who gave something still have it.

use nonos_trust::{Cause, Context, Deed};
use nonos_types::*;

use super::world::*;
use crate::engine::{Input, Storage};

const DAY: u64 = 24 * 60 * 60;

fn capsule(n: u8) -> CapsuleHash {
    CapsuleHash::hash(&[&[n]])
}

/// The first node was given a capsule by the second, which answers so.
fn served(kept: &[Storage]) -> World {
    let mut world = World::new(3);
    world.pass(1);
    give(&mut world, 1, capsule(1));
    world.keeps = kept.iter().copied().collect();
    world
}

fn give(world: &mut World, by: usize, capsule: CapsuleHash) {
    let from = vec![Transfer {
        seeder: world.id(by),
        bytes: ByteLen::new(1000),
    }];
    world.give(0, Input::Fetched { capsule, from });
    world.run();
}

fn deeds(world: &World, of: usize) -> Vec<Deed> {
    let points = world.nodes[0].engine.trust.explain(world.id(of)).expect("deeds");
    let seeding = points.iter().filter(|it| it.context == Context::Seed);
    assert!(seeding.clone().all(|it| matches!(it.cause, Cause::Challenge(_))));
    seeding.map(|it| it.deed).collect()
}

#[test]
fn who_keeps_what_it_gave_is_asked_once_a_day_and_trusted_for_it() {
    let mut world = served(&[Storage::Gave; 9]);
    world.pass(600);
    assert_eq!(world.challenged.len(), 1);
    assert_eq!(world.challenged[0].0, world.id(1));
    assert_eq!(deeds(&world, 1), [Deed::Good]);
    assert_eq!(deeds(&world, 2), [], "it gave nothing");
    world.millis += (DAY - 700) * 1000;
    world.pass(60);
    assert_eq!(world.challenged.len(), 1);
    world.pass(200);
    assert_eq!(world.challenged.len(), 2);
    assert_eq!(deeds(&world, 1), [Deed::Good; 2]);
    assert_ne!(world.challenged[0].2, world.challenged[1].2, "another part");
}

#[test]
fn who_gives_other_bytes_has_a_bad_deed_at_once() {
    let mut world = served(&[Storage::Other]);
    world.pass(600);
    assert_eq!(deeds(&world, 1), [Deed::Bad]);
    assert_eq!(world.challenged.len(), 1);
}

#[test]
fn who_does_not_answer_three_times_has_a_bad_deed() {
    let mut world = served(&[Storage::Silent; 9]);
    world.pass(150);
    assert_eq!(deeds(&world, 1), []);
    world.pass(450);
    assert_eq!(deeds(&world, 1), [Deed::Bad]);
    assert_eq!(world.challenged.len(), 3);
    let [first, second, third] = [0, 1, 2].map(|it| world.challenged[it]);
    assert_eq!([first, second], [second, third], "for the same part");
}

#[test]
fn a_slow_line_is_not_held_against_who_answers_in_the_end() {
    let mut world = served(&[Storage::Silent, Storage::Silent, Storage::Gave]);
    world.pass(600);
    assert_eq!(deeds(&world, 1), [Deed::Good]);
}

#[test]
fn who_has_made_room_is_not_blamed_and_not_asked_again() {
    let mut world = served(&[Storage::Absent]);
    world.pass(200);
    world.millis += 2 * DAY * 1000;
    world.pass(200);
    assert_eq!((world.challenged.len(), deeds(&world, 1)), (1, vec![]));
}

#[test]
fn what_cannot_be_told_blames_nobody_and_is_asked_later() {
    let mut world = served(&[Storage::Unclear, Storage::Gave]);
    world.pass(600);
    assert_eq!((world.challenged.len(), deeds(&world, 1)), (1, vec![]));
    world.pass(3600);
    assert_eq!((world.challenged.len(), deeds(&world, 1)), (2, vec![Deed::Good]));
}

#[test]
fn who_is_not_connected_or_no_seeder_is_not_asked() {
    let mut world = served(&[Storage::Gave; 9]);
    world.stop(1);
    world.pass(200);
    assert_eq!(world.challenged, []);
    world.configure(1, "[roles]\nseeder = \"off\"");
    world.pass(200);
    assert_eq!(world.challenged, []);
    world.configure(1, "");
    world.pass(200);
    assert_eq!(world.challenged.len(), 1);
}

/// However many have given something, and however much.
#[test]
fn one_is_asked_a_minute() {
    let mut world = served(&[Storage::Gave; 99]);
    for n in 2..20 {
        for by in [1, 2] {
            give(&mut world, by, capsule(n));
        }
    }
    world.pass(59);
    assert!(world.challenged.len() <= 1);
    world.pass(600);
    assert_eq!(world.challenged.len(), 2, "once a day each");
}
