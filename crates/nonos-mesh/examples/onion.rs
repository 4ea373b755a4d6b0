//! How many frames a core makes and takes: `cargo run --release -p nonos-mesh --no-default-features --example onion`.

use std::time::Instant;

use nonos_benches::Row;
use nonos_mesh::core::{
    Rate,
    onion::{Cover, Frame, Guards, Input, Mix, Moment, Onion, Output, Settings},
};
use nonos_types::{NodeId, OnionKey, Timestamp};

const FRAMES: usize = 5_000;

fn moment(millis: u64) -> Moment {
    Moment {
        time: Timestamp::new(1_800_000_000 + millis / 1000),
        millis,
    }
}

fn outputs(onion: &mut Onion) -> Vec<Output> {
    std::iter::from_fn(|| onion.poll()).collect()
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
fn main() {
    let settings = Settings {
        cover: Cover::High,
        of_neighbour: Rate {
            per_second: 1_000_000,
            burst: 1_000_000,
        },
        ..Settings::default()
    };
    let names: Vec<NodeId> = (1..=9).map(|it| NodeId::from_bytes([it; 32])).collect();
    let mut nodes: Vec<(Onion, Vec<OnionKey>)> = (names.iter().zip(1..))
        .map(|(name, seed)| {
            let mut onion = Onion::new(*name, settings, Guards::default(), [seed; 32], moment(0));
            let keys = outputs(&mut onion).into_iter().find_map(|output| match output {
                Output::Announce(keys) => Some(keys),
                _ => None,
            });
            (onion, keys.expect("announced at the start"))
        })
        .collect();
    let mixes: Vec<Mix> = (names.iter().zip(&nodes))
        .skip(1)
        .map(|(node, (_, keys))| Mix {
            node: *node,
            keys: keys.clone(),
            prefix: None,
            family: None,
            introducer: None,
            confirmed: true,
            weight_ppm: 1_000_000,
        })
        .collect();
    let (sender, _) = &mut nodes[0];
    sender.handle(Input::Mixes(mixes), moment(0));
    sender.handle(Input::Connected(names[1]), moment(0));

    let began = Instant::now();
    let (mut frames, mut millis): (Vec<Frame>, _) = (vec![], 0);
    while frames.len() < FRAMES {
        millis += 1000;
        sender.handle(Input::Tick, moment(millis));
        frames.extend(outputs(sender).into_iter().filter_map(|output| match output {
            Output::Send { frame, .. } => Some(frame),
            _ => None,
        }));
    }
    report("made, of 3 hops and a quarter of 4", frames.len(), began);

    let (hop, _) = &mut nodes[1];
    let count = frames.len();
    let began = Instant::now();
    for (number, frame) in frames.into_iter().enumerate() {
        let from = names[0];
        // Time passes, so that what is held goes on.
        hop.handle(Input::Frame { from, frame }, moment(number as u64 * 100));
        while hop.poll().is_some() {}
    }
    report("taken by a hop", count, began);
    let counts = hop.anonymity(moment(0)).counts;
    assert_eq!(counts.forwarded as usize, count, "{counts:?}");
}

#[expect(clippy::print_stdout, reason = "it is what this program is for")]
fn report(what: &str, count: usize, began: Instant) {
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{count} frames {what}: {:.0} per second, {:.0} µs each",
        count as f64 / seconds,
        seconds * 1e6 / count as f64
    );
    let row = Row::of("onion").text("what", &format!("packets {what}"));
    let row = row.each(began.elapsed() / u32::try_from(count).expect("few"));
    row.leave().expect("the file for figures can be written");
}
