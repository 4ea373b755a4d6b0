use super::work::grid;
use crate::{commands::Context, datadir::DataArgs, failure::Failure, output::Grid};
use nonos_node::api::{BatchView, Request, SettleAsk, SettleStatus, StageView};
use serde::Serialize;

/// Shows how much of the running node's books is pending, submitted and final, and every batch.
#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    #[command(flatten)]
    data: DataArgs,
}

/// What is printed.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    status: SettleStatus,
    list: Vec<BatchView>,
}

impl Status {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut client = self.data.client()?;
        let ask = SettleAsk::Status;
        let status: SettleStatus = client.call(&Request::Settle { ask })?;
        let mut list: Vec<BatchView> = Vec::new();
        loop {
            let ask = SettleAsk::Batches {
                after: list.last().map_or(0, |it| it.number),
                limit: 1000,
            };
            let page: Vec<BatchView> = client.call(&Request::Settle { ask })?;
            if page.is_empty() {
                break;
            }
            list.extend(page);
        }
        let shown = Shown { status, list };
        context.output.print(&shown, || {
            let Shown { status, list } = &shown;
            let anchor = status.place.as_ref().unwrap_or(&status.anchor);
            let trouble = status.trouble.iter().map(|it| format!("trouble: {it}\n"));
            let trouble: String = trouble.collect();
            format!(
                "anchor: {anchor}\n{trouble}{}\n{}",
                stages(status).lines(),
                grid(list).lines()
            )
        })
    }
}

/// A row for each stage.
pub(crate) fn stages(status: &SettleStatus) -> Grid {
    let row = |(name, stage): (&str, &StageView)| {
        vec![
            name.to_owned(),
            stage.entries.to_string(),
            stage.received.to_string(),
            stage.paid.to_string(),
        ]
    };
    Grid {
        head: &["stage", "entries", "received", "paid"],
        rows: [
            ("pending", &status.pending),
            ("submitted", &status.submitted),
            ("final", &status.settled),
        ]
        .map(row)
        .to_vec(),
    }
}
