//! What a node costs its operator that has nothing to do.

use std::{thread, time::Duration};

use crate::{
    lan::load,
    mesh::{Mesh, NO_EXECUTORS},
};

const NODES: usize = 8;
/// Until connections are made and journals compared.
const SETTLED: Duration = Duration::from_secs(60);
const MEASURED: Duration = Duration::from_secs(120);

/// Mebibytes in an hour, sent and received by a node, on its cable: frames of the link included. Nodes are mixes at once, since
/// without mixes there is no cover; whether there is must be as expected.
fn idle(cover: &str, covers: bool) -> Option<(f64, f64)> {
    let settings = format!("{NO_EXECUTORS}\n[onion]\nmin_age_s = 0\ncover = \"{cover}\"");
    let mut mesh = Mesh::new(NODES, &settings)?;
    mesh.start(120);
    thread::sleep(SETTLED);
    let bytes = |mesh: &Mesh| {
        (0..NODES)
            .map(|host| mesh.lan.traffic(host))
            .fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
    };
    let before = bytes(&mesh);
    thread::sleep(MEASURED);
    let after = bytes(&mesh);
    mesh.joined(0);
    for node in &mut mesh.nodes {
        let anonymity = node.status().anonymity.expect("the onion layer is on");
        assert_eq!(anonymity.cover_frames > 0, covers, "{cover}: {anonymity:?}");
    }
    let hourly =
        |bytes: u64| bytes as f64 / NODES as f64 / MEASURED.as_secs_f64() * 3600.0 / f64::from(1 << 20);
    Some((hourly(after.0 - before.0), hourly(after.1 - before.1)))
}

#[test]
fn heavy_an_idle_node_sends_little() {
    for (cover, covers, most) in [("normal", true, 120.0), ("metered", false, 30.0)] {
        let Some((sent, received)) = idle(cover, covers) else {
            return;
        };
        eprintln!(
            "{NODES} idle nodes, cover `{cover}`: {sent:.1} MiB sent and {received:.1} MiB received in an hour by each; {}",
            load()
        );
        assert!(sent <= most, "{cover}");
    }
}
