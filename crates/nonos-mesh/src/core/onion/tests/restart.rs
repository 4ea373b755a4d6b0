use nonos_types::Timestamp;

use super::world::{Plan, START, World, name};
use crate::core::onion::{
    Cover, Guards, Input, Moment, Onion, Output, Refused, Settings, Target, keys::Period,
};

fn quiet() -> Plan {
    Plan {
        settings: Settings {
            cover: Cover::Metered,
            ..Plan::default().settings
        },
        ..Plan::default()
    }
}

/// Nothing is kept of what was seen, and still nothing that was seen is taken again: the keys were not kept, either.
#[test]
fn what_was_seen_before_a_restart_is_not_taken_after_it() {
    let mut world = World::new(quiet());
    world
        .ask(0, Target::Of(vec![name(7)]), b"a question", 100)
        .expect("there are enough");
    world.run(20_000);
    let recorded: Vec<_> = world.seen.clone();
    assert!(recorded.len() >= 6);
    let before = world.keys.clone();
    for node in 0..world.nodes.len() {
        let now = world.moment();
        let seed = [u8::try_from(node).expect("few") + 100; 32];
        world.nodes[node] = Onion::new(name(node), world.plan.settings, Guards::default(), seed, now);
    }
    for (_, from, to, frame) in recorded {
        world.inject(name(from), to, frame);
    }
    for node in &world.nodes {
        let counts = node.anonymity(world.moment()).counts;
        assert_eq!((counts.forwarded, counts.ended), (0, 0));
        let refused: u64 = counts.refused.values().sum();
        assert_eq!(
            counts.refused.get(&Refused::Header).copied().unwrap_or(0),
            refused
        );
        assert_eq!(refused, counts.received);
    }
    // Others are told keys of which none is an old one.
    world.run(1);
    for (old, new) in before.iter().zip(&world.keys) {
        assert_eq!(new.len(), 2);
        assert!(new.iter().all(|key| !old.contains(key)));
    }
}

#[test]
fn keys_are_announced_when_a_period_begins() {
    let mut world = World::new(Plan {
        nodes: 1,
        neighbours: 0,
        ..quiet()
    });
    let period = Period::of(Timestamp::new(START)).get();
    let of = |world: &World| -> Vec<u64> { world.keys[0].iter().map(|key| key.epoch).collect() };
    assert_eq!(of(&world), [period, period + 1]);
    let left = Period::SECONDS - START % Period::SECONDS;
    let at = |seconds: u64| Moment {
        time: Timestamp::new(START + seconds),
        millis: seconds * 1000,
    };
    let mut announced = |seconds| {
        world.nodes[0].handle(Input::Tick, at(seconds));
        std::iter::from_fn(|| world.nodes[0].poll())
            .filter_map(|output| match output {
                Output::Announce(keys) => Some(keys.iter().map(|key| key.epoch).collect::<Vec<_>>()),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(announced(left - 1), Vec::<Vec<u64>>::new());
    assert_eq!(announced(left), [vec![period, period + 1, period + 2]]);
    assert_eq!(announced(left + 1), Vec::<Vec<u64>>::new());
    assert_eq!(
        announced(left + Period::SECONDS),
        [vec![period + 1, period + 2, period + 3]]
    );
}

/// Scenario 13, for this layer: clocks a quarter of an hour off, while a period ends.
#[test]
fn questions_are_answered_across_the_end_of_a_period_with_clocks_that_are_off() {
    let mut world = World::new(Plan {
        settings: Settings {
            cover: Cover::High,
            ..Plan::default().settings
        },
        ..Plan::default()
    });
    world.skew[2] = 900;
    world.skew[5] = -900;
    world.run(1000);
    let left = Period::SECONDS - START % Period::SECONDS;
    let mut asked = 0;
    for offset in [-901_i64, -5, -1, 1, 5, 899, 901] {
        world.leap(left.checked_add_signed(offset).expect("after the start") * 1000);
        for node in [0, 2, 5] {
            for other in [2, 5, 7] {
                if node != other
                    && world
                        .ask(node, Target::Of(vec![name(other)]), b"a question", 100)
                        .is_ok()
                {
                    asked += 1;
                }
            }
        }
        world.run(13_000);
    }
    assert_eq!(asked, 7 * 7);
    assert_eq!(world.answers.len(), asked, "{} failed", world.failed.len());
}
