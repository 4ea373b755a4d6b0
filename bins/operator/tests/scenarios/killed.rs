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

/// Kills nodes just when books are written to: one has written, and what it says makes others write. Two are killed each time, so
/// that two start at once, and what one append is worth is not waited for twice.
fn kill_at_appends(times: usize, seed: u64) {
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
    let (mut kills, mut aimed) = (0, 0);
    while kills < times {
        // One of each is always under way.
        for by in 0..NODES {
            let open = |it: &&Offered| it.by == by;
            let last = offered.iter().rev().find(open).copied();
            if last.is_none_or(|last| mesh.is_paid(by, last.job)) {
                let job = mesh.submit(by, capsule, &format!("job after {kills} kills of {by}"), &how);
                offered.push(Offered { job, by });
            }
        }
        let heads = |mesh: &Mesh| -> Vec<_> { mesh.nodes.iter().map(|node| node.books_head()).collect() };
        let (before, since) = (heads(&mesh), Instant::now());
        let written = loop {
            let now = heads(&mesh);
            if let Some(node) = (0..NODES).find(|node| now[*node] != before[*node]) {
                break Some(node);
            }
            if since.elapsed() > Duration::from_millis((LIFE_MS * 3).into()) {
                break None;
            }
            thread::sleep(Duration::from_micros(200));
        };
        // The one that has written is about to send it; the others are about to book it.
        let first = written.unwrap_or(rng.next_u32() as usize % NODES);
        let second = (first + 1 + rng.next_u32() as usize % (NODES - 1)) % NODES;
        let mut victims = [first, second];
        if rng.next_u32().is_multiple_of(2) {
            victims.reverse();
        }
        for victim in victims {
            thread::sleep(Duration::from_micros((rng.next_u32() % 5_000).into()));
            mesh.nodes[victim].kill();
            kills += 1;
            aimed += usize::from(written.is_some());
        }
        victims.iter().for_each(|it| mesh.nodes[*it].start());
        for victim in victims {
            let verified: Verified = mesh.nodes[victim].ask(&Request::VerifyLedger);
            let status = mesh.nodes[victim].status();
            assert_eq!(status.blacklisted, [], "{verified:?}");
            let doubled = status
                .warnings
                .iter()
                .any(|it| it.contains("signed with this node's key"));
            assert!(!doubled, "{status:?}");
        }
    }
    until_or("all agree, and all is paid", 600, || {
        let wrong = books::wrong(&mut mesh, &offered);
        wrong
            .is_empty()
            .then_some(())
            .ok_or_else(|| format!("{wrong:#?}"))
    });
    eprintln!(
        "{kills} kills in {:.0?} (seed {seed}), {aimed} of them within 10 ms of an append: {} jobs, each paid once, all books \
         right; {}",
        started.elapsed(),
        offered.len(),
        load()
    );
}

// Two hundred in four parts, each of which can be run by itself.
#[test]
fn heavy_nodes_killed_two_hundred_times_while_they_write_have_right_books_first_fifty() {
    kill_at_appends(50, 2);
}

#[test]
fn heavy_nodes_killed_two_hundred_times_while_they_write_have_right_books_second_fifty() {
    kill_at_appends(50, 3);
}

#[test]
fn heavy_nodes_killed_two_hundred_times_while_they_write_have_right_books_third_fifty() {
    kill_at_appends(50, 4);
}

#[test]
fn heavy_nodes_killed_two_hundred_times_while_they_write_have_right_books_last_fifty() {
    kill_at_appends(50, 5);
}

#[test]
fn heavy_nodes_killed_at_any_moment_pay_once_and_have_right_books() {
    kill(60, 1);
}
