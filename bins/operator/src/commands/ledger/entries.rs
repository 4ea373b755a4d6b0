use crate::{
    commands::Context,
    datadir::DataArgs,
    failure::Failure,
    output::{Grid, or_dash, utc},
};
use nonos_node::api::{EntryView, LineView, Request, SettleAsk};

/// Shows entries of the books in order, each with its stage: pending, submitted or final.
#[derive(Debug, clap::Args)]
pub(crate) struct Entries {
    /// Sequence of the last one seen.
    #[arg(long, value_name = "N", default_value_t = 0)]
    after: u64,
    /// Most entries; a thousand at most.
    #[arg(long, value_name = "M", default_value_t = 100)]
    limit: u32,
    #[command(flatten)]
    data: DataArgs,
}

impl Entries {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let ask = SettleAsk::Entries {
            after: self.after,
            limit: self.limit,
        };
        let entries: Vec<EntryView> = self.data.client()?.call(&Request::Settle { ask })?;
        context.output.list(&entries, || grid(&entries))
    }
}

fn grid(entries: &[EntryView]) -> Grid {
    let rows = entries.iter().flat_map(|entry| {
        let row = |line: &LineView| {
            vec![
                entry.sequence.to_string(),
                utc(entry.at),
                entry.kind.clone(),
                entry.stage.clone(),
                or_dash(entry.batch),
                or_dash(line.amount),
                or_dash(line.peer),
                or_dash(line.job),
            ]
        };
        entry.lines.iter().map(row).collect::<Vec<_>>()
    });
    Grid {
        head: &["entry", "at", "kind", "stage", "batch", "amount", "peer", "job"],
        rows: rows.collect(),
    }
}
