//! A mesh that works for long neither grows without end nor slows down.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use crate::{
    lan::load,
    mesh::{How, Mesh},
    node::Node,
};

const NODES: usize = 8;
/// Minutes it takes, unless the environment says otherwise.
const MINUTES: u64 = 60;
/// Jobs under way at a time: with real proofs, two cores do no two of them in a second.
const AT_ONCE: usize = 2;

/// Resident memory in KiB, open files, bytes on disk.
#[derive(Clone, Copy, Debug)]
struct Size {
    kib: u64,
    files: u64,
    disk: u64,
}

impl Size {
    fn of(node: &Node) -> Self {
        Self {
            kib: node.resident_kib(),
            files: node.open_files(),
            disk: disk(node.data()),
        }
    }
}

fn disk(path: &std::path::Path) -> u64 {
    let entries = fs::read_dir(path).map(|entries| entries.flatten().collect::<Vec<_>>());
    // What is compacted meanwhile is gone.
    entries
        .unwrap_or_default()
        .iter()
        .map(|entry| match entry.metadata() {
            Ok(it) if it.is_dir() => disk(&entry.path()),
            Ok(it) => it.len(),
            Err(_) => 0,
        })
        .sum()
}

#[test]
fn heavy_a_mesh_that_works_for_an_hour_does_not_grow() {
    let Some(mut mesh) = Mesh::new(NODES, "") else {
        return;
    };
    let minutes = std::env::var("NONOS_SOAK_MINUTES")
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(MINUTES);
    let lasts = Duration::from_secs(60 * minutes);
    mesh.start(120);
    let capsule = mesh.publish(0);
    let how = How {
        backend: "stark",
        verifiers: 1,
    };
    let started = Instant::now();
    let (mut done, mut open) = (0_u64, Vec::new());
    let (mut samples, mut next): (Vec<(f64, Vec<Size>)>, _) = (Vec::new(), Duration::ZERO);
    let mut slowest = Duration::ZERO;
    while started.elapsed() < lasts {
        open.retain(|(by, job, since): &(usize, _, Instant)| {
            let paid = mesh.is_paid(*by, *job);
            if paid {
                slowest = slowest.max(since.elapsed());
                done += 1;
            }
            !paid
        });
        while open.len() < AT_ONCE {
            let number = done as usize + open.len();
            let by = number % NODES;
            let job = mesh.submit(
                by,
                capsule,
                &format!("job {number} at {:?}", started.elapsed()),
                &how,
            );
            open.push((by, job, Instant::now()));
        }
        if started.elapsed() >= next {
            next += lasts / 20;
            samples.push((
                started.elapsed().as_secs_f64() / 60.0,
                mesh.nodes.iter().map(Size::of).collect(),
            ));
        }
        thread::sleep(Duration::from_millis(100));
    }
    // The first third is warming up: caches fill, tables are made.
    let late = &samples[samples.len() / 3..];
    let mut worst = (f64::MIN, 0_u64);
    for node in 0..NODES {
        let points: Vec<_> = late
            .iter()
            .map(|(minute, sizes)| (*minute, sizes[node].kib as f64 / 1024.0))
            .collect();
        let files: Vec<_> = late.iter().map(|(_, sizes)| sizes[node].files).collect();
        let spread = files.iter().max().unwrap_or(&0) - files.iter().min().unwrap_or(&0);
        worst = (worst.0.max(slope(&points)), worst.1.max(spread));
    }
    let (first, last) = (&samples[0].1, &samples[samples.len() - 1].1);
    let grown: u64 = first
        .iter()
        .zip(last)
        .map(|(a, b)| b.disk.saturating_sub(a.disk))
        .sum();
    let resident = last.iter().map(|it| it.kib).max().unwrap_or(0) / 1024;
    eprintln!(
        "{minutes} minutes, {done} jobs, the slowest paid after {slowest:.1?}: memory of a node at most {resident} MiB in the end, growing by \
         at most {:.2} MiB a minute after the first third; open files vary by at most {}; {} KiB of disk a node and job; {}",
        worst.0,
        worst.1,
        grown / 1024 / NODES as u64 / done.max(1),
        load()
    );
    assert!(done > 0);
    assert!(worst.0 < 1.0, "memory grows");
    assert!(worst.1 <= 32, "files are left open");
}

/// Of the line with the least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (x, y) = points
        .iter()
        .fold((0.0, 0.0), |sum, it| (sum.0 + it.0 / n, sum.1 + it.1 / n));
    let (over, under) = points.iter().fold((0.0, 0.0), |sum, it| {
        (sum.0 + (it.0 - x) * (it.1 - y), sum.1 + (it.0 - x) * (it.0 - x))
    });
    over / under
}

#[test]
fn a_slope_is_that_of_the_line() {
    assert!((slope(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]) - 2.0).abs() < 1e-9);
}
