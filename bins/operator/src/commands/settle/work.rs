//! Work that a node does while somebody may look on.

use crate::{
    commands::Context,
    failure::Failure,
    output::{Grid, progress},
};
use nonos_node::{
    Client, ClientError,
    api::{BatchView, Request, SettleAsk, WorkBegun, WorkOutcome, WorkView},
};
use std::time::Duration;

/// Begins it, and asks until it is over: it goes on, too, if nobody asks any more.
pub(super) fn finish(client: &mut Client, ask: SettleAsk) -> Result<Vec<BatchView>, Failure> {
    let WorkBegun { work } = client.call(&Request::Settle { ask })?;
    let bar = progress();
    loop {
        let ask = SettleAsk::Work { work };
        let view: WorkView = client.call(&Request::Settle { ask })?;
        if let Some(outcome) = view.outcome {
            bar.finish_and_clear();
            return match outcome {
                WorkOutcome::Done(batches) => Ok(batches),
                WorkOutcome::Failed(error) => Err(ClientError::Refused(error).into()),
            };
        }
        bar.set_position((view.done * 1000).checked_div(view.total).unwrap_or(0));
        bar.set_message(if view.total > 0 {
            format!("{} ({} of {})", view.stage, view.done, view.total)
        } else {
            view.stage
        });
        pause(Duration::from_millis(100));
    }
}

#[expect(clippy::disallowed_methods, reason = "somebody waits at the terminal")]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Prints batches.
pub(super) fn show(context: &Context, batches: &Vec<BatchView>) -> Result<(), Failure> {
    context.output.list(batches, || grid(batches))
}

pub(super) fn grid(batches: &[BatchView]) -> Grid {
    let row = |it: &BatchView| {
        vec![
            it.number.to_string(),
            it.stage.clone(),
            format!("{}-{}", it.first, it.last),
            it.received.to_string(),
            it.paid.to_string(),
            format!("{} of {}", it.proved, it.chunks),
            it.batch.clone(),
        ]
    };
    Grid {
        head: &["batch", "stage", "entries", "received", "paid", "proofs", "name"],
        rows: batches.iter().map(row).collect(),
    }
}
