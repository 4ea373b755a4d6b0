//! A network that fails again and again, and then falls in three for long.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    lan::load,
    mesh::{Mesh, NO_EXECUTORS},
};

const CUTS: usize = 10;
const SHORT: Duration = Duration::from_secs(5);
const LONG: Duration = Duration::from_secs(120);
/// Seconds until the mesh is whole.
const HEALED: u64 = 15;
/// Seconds until what a node publishes is known everywhere.
const HEARD: u64 = 5;

#[test]
fn heavy_a_mesh_that_falls_apart_again_and_again_is_whole_soon_after() {
    let Some(mut mesh) = Mesh::new(8, NO_EXECUTORS) else {
        return;
    };
    mesh.start(120);
    let capsule = mesh.publish(0);
    let first = mesh.all_publish(capsule, "before", HEARD);
    for _ in 0..CUTS {
        mesh.lan.patch(|host| host % 2);
        thread::sleep(SHORT);
        mesh.lan.heal();
        thread::sleep(SHORT);
    }
    let since = Instant::now();
    mesh.joined(HEALED - SHORT.as_secs());
    let flapped = SHORT + since.elapsed();
    let second = mesh.all_publish(capsule, "after many cuts", HEARD);
    let third_of = |host: usize| host / 3;
    mesh.lan.patch(third_of);
    thread::sleep(LONG);
    mesh.apart(0, third_of);
    mesh.lan.heal();
    let since = Instant::now();
    mesh.joined(HEALED);
    let split = since.elapsed();
    let third = mesh.all_publish(capsule, "after a long cut", HEARD);
    eprintln!(
        "whole {flapped:.1?} after {CUTS} cuts of {SHORT:?}, {split:.1?} after one of {LONG:?} in three; what a node \
         publishes is known to all within {first:.1?} before, {second:.1?} between, {third:.1?} after; {}",
        load()
    );
}
