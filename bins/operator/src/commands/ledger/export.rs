use crate::{commands::Context, datadir::DataArgs, failure::Failure, files};
use nonos_node::{
    Client,
    api::{EntryView, LineView, Request, SettleAsk},
};
use serde::Serialize;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Writes all entries of the books to a file, each with its stage. A page of them is in memory at a time.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// The file ("-" for stdout).
    file: PathBuf,
    /// A line for each line of an entry, or an array of entries.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Writes over a file that is there.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// What is written.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// One array.
    Json,
    /// With a line of names; amounts in atto-NONOS.
    Csv,
}

#[derive(Serialize)]
struct Shown {
    file: String,
    entries: u64,
}

/// Entries that are asked for at a time.
const PAGE: u32 = 1000;
/// Names of a CSV file's columns.
const HEAD: &str = "sequence,at,kind,stage,batch,peer,job,slot,fee,amount,receipt\n";

impl Export {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut client = self.data.client()?;
        let mut entries = 0;
        let written = files::stream(&self.file, self.force, |file| {
            entries = self.write(&mut client, file)?;
            Ok(())
        });
        written?;
        if self.file == Path::new("-") {
            return Ok(());
        }
        let shown = Shown {
            file: self.file.display().to_string(),
            entries,
        };
        context.output.show(&shown, || {
            vec![
                ("file", shown.file.clone()),
                ("entries", shown.entries.to_string()),
            ]
        })
    }

    /// Writes all that were there when it began; how many.
    fn write(&self, client: &mut Client, file: &mut dyn Write) -> Result<u64, Failure> {
        let failed = |source: io::Error| Failure::File {
            action: "write",
            path: self.file.clone(),
            source,
        };
        let put = |file: &mut dyn Write, text: &str| file.write_all(text.as_bytes()).map_err(failed);
        put(
            file,
            match self.format {
                Format::Json => "[",
                Format::Csv => HEAD,
            },
        )?;
        let (mut after, mut count) = (0, 0);
        loop {
            let ask = SettleAsk::Entries { after, limit: PAGE };
            let page: Vec<EntryView> = client.call(&Request::Settle { ask })?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            for entry in &page {
                match self.format {
                    Format::Json => {
                        let text = serde_json::to_string(entry).expect("plain data with string keys");
                        put(file, if count == 0 { "\n" } else { ",\n" })?;
                        put(file, &text)?;
                    }
                    Format::Csv => put(file, &rows(entry))?,
                }
                count += 1;
            }
        }
        if matches!(self.format, Format::Json) {
            put(file, "\n]\n")?;
        }
        Ok(count)
    }
}

/// A row for each line. No value has a comma, a quote or a line's end in it.
fn rows(entry: &EntryView) -> String {
    let row = |line: &LineView| {
        let cells = [
            entry.sequence.to_string(),
            entry.at.get().to_string(),
            entry.kind.clone(),
            entry.stage.clone(),
            cell(entry.batch),
            cell(line.peer),
            cell(line.job),
            cell(line.slot.map(|it| it.get())),
            line.fee.map_or_else(String::new, fee),
            cell(line.amount.map(|it| it.atto())),
            cell(line.receipt),
        ];
        cells.join(",") + "\n"
    };
    entry.lines.iter().map(row).collect()
}

fn cell<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn fee(kind: nonos_types::FeeKind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nonos_types::{Amount, FeeKind, JobId, NodeId, Slot, Timestamp};

    #[test]
    fn a_row_has_a_cell_for_each_name() {
        let line = LineView {
            peer: Some(NodeId::NONE),
            job: Some(JobId::ZERO),
            slot: Some(Slot::new(2)),
            fee: Some(FeeKind::Execute),
            amount: Some(Amount::from_atto(1_500_000_000_000_000_000)),
            receipt: None,
        };
        let entry = EntryView {
            sequence: 7,
            at: Timestamp::new(1_800_000_000),
            kind: "paid".to_owned(),
            stage: "final".to_owned(),
            batch: Some(3),
            lines: vec![line, LineView::default()],
        };
        let zeros = "0".repeat(64);
        assert_eq!(
            rows(&entry),
            format!(
                "7,1800000000,paid,final,3,{zeros},{zeros},2,execute,1500000000000000000,\n7,1800000000,paid,final,3,,,,,,\n"
            )
        );
        let names = HEAD.trim_end().split(',').count();
        assert!(rows(&entry).lines().all(|row| row.split(',').count() == names));
    }
}
