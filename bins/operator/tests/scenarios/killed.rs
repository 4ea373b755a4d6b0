//! Nodes that are killed at any moment open again, with books that are right, and nothing is paid twice or not at all.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use std::{
    thread,
    time::{Duration, Instant},
};

use nonos_node::api::{Request, Verified};

use crate::{
    books::{self, Offered},
    lan::load,
    mesh::{How, Mesh, until_or},
};

const NODES: usize = 3;
/// Longest time a node lives after it has begun to answer.
const LIFE_MS: u32 = 3000;

/// Kills nodes so often, while jobs are done.
fn kill(times: usize, seed: u64) {
    let Some(mut mesh) = Mesh::new(NODES, "award_timeout_s = 20") else {
        return;
    };
    mesh.start(120);
    let capsule = mesh.publish(0);
    let how = How {
        backend: "stark",
        verifiers: 1,
    };
    let started = Instant::now();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut offered: Vec<Offered> = Vec::new();
    for time in 0..times {
        if offered.last().is_none_or(|last| mesh.is_paid(last.by, last.job)) {
            let by = offered.len() % NODES;
            let job = mesh.submit(by, capsule, &format!("job {time}"), &how);
            offered.push(Offered { job, by });
        }
        thread::sleep(Duration::from_millis((rng.next_u32() % LIFE_MS).into()));
        let victim = rng.next_u32() as usize % NODES;
        mesh.nodes[victim].kill();
        mesh.nodes[victim].start();
        let verified: Verified = mesh.nodes[victim].ask(&Request::VerifyLedger);
        assert_eq!(mesh.nodes[victim].status().blacklisted, [], "{verified:?}");
    }
    until_or("all agree, and all is paid", 300, || {
        let wrong = books::wrong(&mut mesh, &offered);
        wrong
            .is_empty()
            .then_some(())
            .ok_or_else(|| format!("{wrong:#?}"))
    });
    eprintln!(
        "{times} kills in {:.0?} (seed {seed}): {} jobs, each paid once, all books right; {}",
        started.elapsed(),
        offered.len(),
        load()
    );
}

#[test]
fn heavy_nodes_killed_at_any_moment_pay_once_and_have_right_books() {
    kill(60, 1);
}
