//! What a node's machine bears now, which only its system knows.

use std::{num::NonZeroUsize, sync::Arc, thread, time::Duration};

use nonos_mesh::Mesh;
use nonos_state::probe;
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
    let (traffic, load) = (mesh.traffic(), probe::load(cores()));
    Measured {
        sent: traffic.sent.get(),
        received: traffic.received.get(),
        cpu: load.cpu,
        memory: load.memory,
        busy: drops.busy,
        lost: drops.queue_full,
        disk: used.bytes.get(),
        spare: used.spare.get(),
    }
}

/// Cores that this process may run on.
pub(crate) fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
