//! A node behind a slow line gets a large capsule, and hears meanwhile what is said.

use nonos_node::{
    Client,
    api::{EventPage, Request, Submitted, What},
};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use std::{
    sync::mpsc::{self, TryRecvError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    lan::load,
    mesh::{How, Mesh, NO_EXECUTORS, until},
};

/// The node that is far away, and what goes through its line.
const FAR: usize = 2;
const KBIT: u32 = 256;
const CAPSULE: usize = 5 << 20;
/// What the capsule takes on that line if nothing else goes over it is 164 s.
const FETCHED: Duration = Duration::from_secs(600);

const HOW: How = How {
    backend: "stark",
    verifiers: 0,
};

#[test]
fn heavy_a_large_capsule_comes_over_a_slow_line_and_gossip_with_it() {
    let Some(mut mesh) = Mesh::new(3, NO_EXECUTORS) else {
        return;
    };
    mesh.start(120);
    let small = mesh.publish(0);
    let mut padding = vec![0; CAPSULE];
    ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut padding);
    let large = mesh.publish_padded(0, &padding);
    mesh.lan.narrow(FAR, KBIT);

    let (fetched, has_fetched) = mpsc::channel();
    let started = Instant::now();
    let data = mesh.nodes[FAR].data().to_owned();
    let fetching = thread::spawn(move || {
        // An answer comes when the capsule has; a node gives up after a while, and goes on where it was when asked again.
        while started.elapsed() < FETCHED {
            if let Some(mut client) = Client::connect(&data).ok()
                && client.call::<Submitted>(&HOW.hash(large, "large")).is_ok()
            {
                let _ = fetched.send(started.elapsed());
                return;
            }
            thread::sleep(Duration::from_secs(1));
        }
    });
    let mut heard = Vec::new();
    let took = loop {
        match has_fetched.try_recv() {
            Ok(took) => break took,
            Err(TryRecvError::Disconnected) => panic!("not fetched within {FETCHED:?}"),
            Err(TryRecvError::Empty) => {}
        }
        let job = mesh.submit(1, small, &format!("job {}", heard.len()), &HOW);
        let since = Instant::now();
        until("the far node hears of a job", 120, || mesh.nodes[FAR].job(job));
        heard.push(since.elapsed());
        thread::sleep(Duration::from_secs(1));
    };
    fetching.join().expect("it does not panic");
    heard.sort_unstable();
    let p95 = heard[heard.len() * 95 / 100];
    let page: EventPage = mesh.nodes[FAR].ask(&Request::Events { after: 0 });
    let lost = page
        .events
        .iter()
        .filter(|it| matches!(it.what, What::Disconnected { .. }))
        .count();
    eprintln!(
        "{CAPSULE} bytes over {KBIT} kbit/s in {took:.0?}; 95 % of {} messages heard within {p95:.1?}, connections lost: {lost}; {}",
        heard.len(),
        load()
    );
    assert!(p95 <= Duration::from_secs(10));
    assert_eq!(lost, 0, "connections were lost");
}
