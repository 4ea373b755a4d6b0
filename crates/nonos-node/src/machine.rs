//! What a node's machine bears now, which only its system knows.

use std::{fs, num::NonZeroUsize, sync::Arc, thread, time::Duration};

use nonos_mesh::Mesh;
use tokio::sync::mpsc;

use crate::{
    engine::{Input, Measured},
    objects::ObjectStore,
};

/// How often it is measured.
const PERIOD: Duration = Duration::from_secs(10);

/// Tells the engine, until that has ended.
pub(crate) async fn watch(mesh: Mesh, objects: Arc<ObjectStore>, inputs: mpsc::Sender<Input>) {
    let mut interval = tokio::time::interval(PERIOD);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let (mesh, objects) = (mesh.clone(), Arc::clone(&objects));
        let Ok(measured) = tokio::task::spawn_blocking(move || measure(&mesh, &objects)).await else {
            continue;
        };
        if inputs.send(Input::Measured(measured)).await.is_err() {
            return;
        }
    }
}

fn measure(mesh: &Mesh, objects: &ObjectStore) -> Measured {
    let used = objects.used().unwrap_or_else(|error| {
        tracing::error!(%error, "what is used of the disk cannot be measured");
        crate::objects::Used::default()
    });
    let drops = mesh.drops();
    let traffic = mesh.traffic();
    Measured {
        sent: traffic.sent.get(),
        received: traffic.received.get(),
        cpu: read("/proc/loadavg")
            .and_then(|it| runnable(&it, cores()))
            .unwrap_or(0),
        memory: read("/proc/meminfo").and_then(|it| in_use(&it)).unwrap_or(0),
        busy: drops.busy,
        lost: drops.queue_full,
        disk: used.bytes.get(),
        spare: used.spare.get(),
    }
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// Cores that this process may run on.
pub(crate) fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Tasks that could run, on average of a minute, in thousandths of the cores.
fn runnable(loadavg: &str, cores: NonZeroUsize) -> Option<u64> {
    let (whole, part) = loadavg.split_whitespace().next()?.split_once('.')?;
    let hundredths = whole.parse::<u64>().ok()?.checked_mul(100)? + part.parse::<u64>().ok()?;
    Some(hundredths * 10 / cores.get() as u64)
}

/// Memory that is in use, in thousandths.
fn in_use(meminfo: &str) -> Option<u64> {
    let kibibytes = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.trim().parse().ok()
    };
    let (total, available) = (kibibytes("MemTotal:")?, kibibytes("MemAvailable:")?);
    total
        .checked_sub(available)?
        .checked_mul(1000)?
        .checked_div(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_says_is_read() {
        let two = NonZeroUsize::MIN.saturating_add(1);
        assert_eq!(runnable("3.05 1.20 0.80 2/345 6789\n", two), Some(1525));
        assert_eq!(runnable("0.00 0.01 0.05 1/1 1\n", two), Some(0));
        let meminfo = "MemTotal:       16000000 kB\nMemFree:         1 kB\nMemAvailable:    4000000 kB\n";
        assert_eq!(in_use(meminfo), Some(750));
    }

    #[test]
    fn what_another_system_says_is_no_load() {
        for text in ["", "x", "1", "1.x", "99999999999999999999.0 0"] {
            assert_eq!(runnable(text, NonZeroUsize::MIN), None, "{text}");
        }
        for text in [
            "",
            "MemTotal: 1 kB",
            "MemTotal: 0 kB\nMemAvailable: 0 kB\n",
            "MemTotal: 1 kB\nMemAvailable: 2 kB",
        ] {
            assert_eq!(in_use(text), None, "{text}");
        }
    }
}
