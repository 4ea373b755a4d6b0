//! `operator job …`: jobs, through a running node.

mod cancel;
mod list;
mod result;
mod show;
mod submit;

use super::Context;
use crate::{
    failure::Failure,
    output::{Table, joined, or_dash, utc},
};
use nonos_node::api::{Booked, JobState, JobView};
use nonos_types::NodeId;
use std::collections::BTreeMap;

/// What to do with jobs.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Offers a job to the mesh.
    Submit(submit::Submit),
    /// Lets nobody begin a job of this node any more.
    Cancel(cancel::Cancel),
    /// Shows the jobs the node knows, newest first.
    List(list::List),
    /// Shows one job.
    Show(show::Show),
    /// Writes a job's result tape, as it is, to stdout or a file.
    Result(result::ResultTape),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Submit(command) => command.run(context),
            Self::Cancel(command) => command.run(context),
            Self::List(command) => command.run(context),
            Self::Show(command) => command.run(context),
            Self::Result(command) => command.run(context),
        }
    }
}

/// A state in a word.
pub(crate) fn state(state: JobState) -> &'static str {
    match state {
        JobState::Offered => "offered",
        JobState::Awarded => "awarded",
        JobState::Running => "running",
        JobState::Proved => "proved",
        JobState::Paid => "paid",
        JobState::Cancelled => "cancelled",
        JobState::Expired => "expired",
    }
}

/// All that is known of a job.
fn table(job: &JobView) -> Table {
    let mut table = vec![
        ("job", job.job.to_string()),
        ("state", state(job.state).to_owned()),
        ("capsule", job.capsule.to_string()),
        ("requester", job.requester.to_string()),
        ("backend", job.backend.clone()),
        ("most to pay each", job.max_fee.to_string()),
        ("offered", utc(job.created)),
        ("wanted until", utc(job.deadline)),
        ("executor", or_dash(job.executor)),
        ("input", or_dash(job.input_hex.as_ref())),
    ];
    if let Some(receipt) = &job.receipt {
        table.extend([
            ("receipt", receipt.receipt.to_string()),
            ("exec hash", receipt.exec_hash.to_string()),
            ("run by", receipt.executor.to_string()),
            ("outcome", receipt.outcome.clone()),
            ("result", or_dash(receipt.result_hex.as_ref())),
            ("fuel", receipt.fuel.to_string()),
            ("fee", receipt.fee.to_string()),
            ("proof bytes", receipt.proof_bytes.to_string()),
            ("prove ms", or_dash(receipt.prove_ms)),
            ("verify ms", or_dash(receipt.verify_ms)),
        ]);
    }
    table.extend([
        ("proved after ms", or_dash(job.proved_after_ms)),
        ("verified by", joined(&job.verdicts)),
    ]);
    let several = job.slots.iter().filter(|_| job.slots.len() > 1);
    table.extend(several.map(|it| {
        let receipt = it
            .receipt
            .map_or("no receipt".to_owned(), |it| format!("receipt {it}"));
        (
            "slot",
            format!("{}: {}, {receipt}", it.slot, or_dash(it.executor)),
        )
    }));
    if let Some(segments) = &job.segments {
        let mut by: BTreeMap<NodeId, Vec<u32>> = BTreeMap::new();
        for it in &segments.proved {
            by.entry(it.by).or_default().push(it.index);
        }
        let proved = format!("{} of {} proved", segments.proved.len(), segments.of);
        table.push((
            "segments",
            format!("{proved}, {} for each by others", segments.price),
        ));
        let proved_by = |(node, indices): (NodeId, Vec<u32>)| format!("{} by {node}", joined(&indices));
        table.extend(by.into_iter().map(|it| ("segment", proved_by(it))));
    }
    table.extend(job.booked.iter().map(|booked| ("booked", booking(booked))));
    if let Some(reason) = &job.refused {
        let code = job.refused_code.as_deref().unwrap_or("-");
        table.push(("not run here", format!("{reason} [{code}]")));
    }
    table
}

fn booking(booked: &Booked) -> String {
    let Booked {
        kind, peer, amount, ..
    } = booked;
    if booked.paid {
        format!("{amount} to {peer} ({kind})")
    } else {
        format!("{amount} from {peer} ({kind})")
    }
}
