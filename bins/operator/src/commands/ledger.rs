//! `operator ledger …`: the books of a running node.

mod entries;
mod export;

use super::{Context, settle::stages};
use crate::{
    datadir::DataArgs,
    failure::Failure,
    output::{Grid, money},
};
use nonos_node::api::{Books, Request, SettleAsk, SettleStatus, Verified};
use serde::Serialize;
use serde_json::Value;

/// What to ask the books.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Shows what was earned and spent, and what each peer owes.
    Balance {
        #[command(flatten)]
        data: DataArgs,
    },
    /// Shows entries in order, each with its stage.
    Entries(entries::Entries),
    /// Writes all entries to a file.
    Export(export::Export),
    /// Recomputes the books from their signed feed, and refuses any difference.
    Verify {
        #[command(flatten)]
        data: DataArgs,
    },
}

/// What is printed of the books.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    books: Books,
    settlement: SettleStatus,
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Balance { data } => {
                let mut client = data.client()?;
                let shown = Shown {
                    books: client.call(&Request::Ledger)?,
                    settlement: client.call(&Request::Settle {
                        ask: SettleAsk::Status,
                    })?,
                };
                context.output.print(&shown, || {
                    let (books, stages) = (grid(&shown.books), stages(&shown.settlement));
                    format!("{}\n{}", books.lines(), stages.lines())
                })
            }
            Self::Entries(command) => command.run(context),
            Self::Export(command) => command.run(context),
            Self::Verify { data } => {
                let verified: Verified = data.client()?.call(&Request::VerifyLedger)?;
                context.output.show(&verified, || {
                    vec![
                        ("books", "are right".to_owned()),
                        ("entries", verified.entries.to_string()),
                        ("newest", verified.head.clone()),
                    ]
                })
            }
        }
    }
}

fn grid(books: &Books) -> Grid {
    let mut rows = Vec::new();
    accounts("", &books.balance, &mut rows);
    let owed = books.owed_by.iter();
    rows.extend(owed.map(|(peer, atto)| vec![format!("owed by {peer}"), money(atto)]));
    Grid {
        head: &["account", "amount"],
        rows,
    }
}

/// Names of nested accounts joined, as in `earned execute`.
fn accounts(name: &str, value: &Value, rows: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(parts) => {
            for (part, value) in parts {
                accounts(format!("{name} {part}").trim_start(), value, rows);
            }
        }
        Value::String(atto) => rows.push(vec![name.to_owned(), money(atto)]),
        other => rows.push(vec![name.to_owned(), other.to_string()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nonos_types::NodeId;

    #[test]
    fn every_account_has_a_row() {
        let books = Books {
            balance: serde_json::json!({ "earned": { "execute": "1000000000000000000" }, "net": "-5" }),
            owed_by: vec![(NodeId::NONE, "-100000000000000000".to_owned())],
        };
        let rows = grid(&books).rows;
        assert_eq!(rows[0], ["earned execute", "1 NONOS"]);
        assert_eq!(rows[1], ["net", "-0.000000000000000005 NONOS"]);
        assert_eq!(
            rows[2],
            [format!("owed by {}", NodeId::NONE), "-0.1 NONOS".to_owned()]
        );
    }
}
