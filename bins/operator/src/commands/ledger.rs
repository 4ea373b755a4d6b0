//! `operator ledger …`: the books of a running node.

mod entries;
mod export;

use super::{Context, settle::stages};
use crate::{
    datadir::DataArgs,
    failure::Failure,
    output::{Grid, money, say},
};
use nonos_node::api::{Books, Request, Resumption, SettleAsk, SettleStatus, Verified};
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
    /// Goes on with books that were put back to an older state, or whose key was used elsewhere: says what is lost, and
    /// with `--yes` does it.
    Resume {
        #[command(flatten)]
        data: DataArgs,
        /// Does it.
        #[arg(long)]
        yes: bool,
        /// Does it although no peer has said what it has of this node.
        #[arg(long, requires = "yes")]
        accept_fork_risk: bool,
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
            Self::Resume {
                data,
                yes,
                accept_fork_risk,
            } => {
                let request = Request::ResumeBooks {
                    confirmed: *yes,
                    accept_fork_risk: *accept_fork_risk,
                };
                let resumption: Resumption = data.client()?.call(&request)?;
                for warning in &resumption.warnings {
                    say(&format!("note: {warning}"));
                }
                if !resumption.done {
                    say("nothing is done yet: `operator ledger resume --yes` does it");
                }
                context.output.show(&resumption, || rows(&resumption))
            }
        }
    }
}

fn rows(it: &Resumption) -> Vec<(&'static str, String)> {
    let vouchers = |count: usize, amount: nonos_types::Amount| format!("{count}, {amount}");
    vec![
        ("books", it.head.to_string()),
        ("signed, as is known", it.known.to_string()),
        (
            if it.done { "go on in" } else { "would go on in" },
            format!("incarnation {}", it.incarnation),
        ),
        ("peers asked", it.asked.len().to_string()),
        ("vouchers that came back", vouchers(it.own_vouchers, it.owed)),
        ("vouchers to book", vouchers(it.vouchers, it.earned)),
    ]
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
