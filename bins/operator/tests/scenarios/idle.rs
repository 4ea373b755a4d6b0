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

/// Mebibytes in an hour, sent and received by a node, on its cable: frames of the link included.
fn idle(settings: &str) -> (f64, f64) {
    let Some(mut mesh) = Mesh::new(NODES, &format!("{NO_EXECUTORS}\n{settings}")) else {
        return (0.0, 0.0);
    };
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
    let hourly =
        |bytes: u64| bytes as f64 / NODES as f64 / MEASURED.as_secs_f64() * 3600.0 / f64::from(1 << 20);
    (hourly(after.0 - before.0), hourly(after.1 - before.1))
}

#[test]
fn heavy_an_idle_node_sends_little() {
    for (name, settings, most) in [
        ("cover `normal`", "[onion]\ncover = \"normal\"", 120.0),
        ("metered", "[onion]\ncover = \"metered\"", 30.0),
    ] {
        let (sent, received) = idle(settings);
        eprintln!(
            "{NODES} idle nodes, {name}: {sent:.1} MiB sent and {received:.1} MiB received in an hour by each; {}",
            load()
        );
        assert!(sent <= most, "{name}");
    }
}
