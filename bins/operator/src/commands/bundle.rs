//! `operator bundle …`: what the mesh would carry, in a file, for nodes that no network joins.

use super::Context;
use crate::{
    datadir::DataArgs,
    failure::Failure,
    files::absolute,
    output::{Table, say},
};
use nonos_node::{
    Client, ClientError,
    api::{BundleBegun, BundleOutcome, BundleView, Exported, Imported, Request, Tally},
};
use std::{path::PathBuf, time::Duration};

/// What to do with bundles.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Writes the messages that the running node keeps, and the capsules, inputs and proofs they name, to a file.
    Export {
        /// The file; on this node's machine.
        file: PathBuf,
        /// Writes over a file that is there.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Takes in what such a file carries: all of it is verified as if peers had sent it.
    ///
    /// Fails if the file is damaged; what comes before the damage is taken in all the same.
    Import {
        /// The file; on this node's machine.
        file: PathBuf,
        #[command(flatten)]
        data: DataArgs,
    },
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Export { file, force, data } => {
                let request = Request::ExportBundle {
                    path: absolute(file)?,
                    replace: *force,
                };
                match finish(&mut data.client()?, &request)? {
                    BundleOutcome::Exported(exported) => {
                        context.output.show(&exported, || written(&exported))
                    }
                    other => Err(unfit(other)),
                }
            }
            Self::Import { file, data } => {
                let request = Request::ImportBundle {
                    path: absolute(file)?,
                };
                match finish(&mut data.client()?, &request)? {
                    BundleOutcome::Imported(imported) => {
                        context.output.show(&imported, || taken(&imported))?;
                        match imported.damage {
                            None => Ok(()),
                            Some(damage) => Err(Failure::DamagedBundle {
                                path: file.clone(),
                                damage,
                            }),
                        }
                    }
                    other => Err(unfit(other)),
                }
            }
        }
    }
}

/// Begins it, and asks until it is over: however long it takes, each answer comes at once.
fn finish(client: &mut Client, request: &Request) -> Result<BundleOutcome, Failure> {
    let BundleBegun { number } = client.call(request)?;
    let mut asked = 0_u64;
    loop {
        let view: BundleView = client.call(&Request::Bundle { number })?;
        if let Some(outcome) = view.outcome {
            return Ok(outcome);
        }
        asked += 1;
        if asked.is_multiple_of(ASKED_A_LINE) {
            say(&format!(
                "so far {} messages, {} objects",
                view.messages, view.objects
            ));
        }
        pause();
    }
}

/// How often it is asked for each line that says how far it is.
const ASKED_A_LINE: u64 = 50;

#[expect(clippy::disallowed_methods, reason = "somebody waits at the terminal")]
fn pause() {
    std::thread::sleep(Duration::from_millis(100));
}

/// Another outcome than a good one.
fn unfit(outcome: BundleOutcome) -> Failure {
    match outcome {
        BundleOutcome::Failed(error) => ClientError::Refused(error).into(),
        _ => Failure::BadAnswer { field: "outcome" },
    }
}

fn written(exported: &Exported) -> Table {
    let mut table = vec![
        ("bundle", exported.path.clone()),
        ("length", format!("{} bytes", exported.bytes)),
        ("messages", exported.messages.to_string()),
        ("objects", exported.objects.to_string()),
    ];
    if exported.missing > 0 {
        table.push((
            "objects left out",
            format!("{}: not here, or too long for a bundle", exported.missing),
        ));
    }
    table
}

fn taken(imported: &Imported) -> Table {
    let mut table = tally("messages", &imported.messages);
    table.extend(tally("objects", &imported.objects));
    table
}

fn tally(of: &'static str, tally: &Tally) -> Table {
    let mut table = vec![(of, format!("{} taken in, {} known", tally.taken, tally.known))];
    table.extend((tally.waiting.iter()).map(|(what, count)| ("waiting", format!("{count} {what}"))));
    table.extend((tally.refused.iter()).map(|(why, count)| ("refused", format!("{count}: {why}"))));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_everything_is_shown() {
        let imported = Imported {
            messages: Tally {
                taken: 7,
                known: 1,
                waiting: [("for the offer of its job".to_owned(), 2)].into(),
                refused: [("its proof does not hold".to_owned(), 3)].into(),
            },
            objects: Tally::default(),
            damage: None,
        };
        assert_eq!(
            taken(&imported),
            [
                ("messages", "7 taken in, 1 known"),
                ("waiting", "2 for the offer of its job"),
                ("refused", "3: its proof does not hold"),
                ("objects", "0 taken in, 0 known"),
            ]
            .map(|(name, value)| (name, value.to_owned()))
        );
    }
}
