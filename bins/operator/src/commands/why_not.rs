use crate::{commands::Context, datadir::DataArgs, failure::Failure};
use nonos_node::api::{Request, Subject, WhyNot as Answer};
use std::fmt::Write as _;

/// Says what keeps a job from being run or paid, a peer from being connected or given jobs, a capsule from being run, and what
/// could be done about it.
#[derive(Debug, clap::Args)]
pub(crate) struct WhyNot {
    /// Name of a job, a node or a capsule: 64 hexadecimal digits.
    about: String,
    #[command(flatten)]
    data: DataArgs,
}

impl WhyNot {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let about = self.about.clone();
        let answer: Answer = self.data.client()?.call(&Request::WhyNot { about })?;
        context.output.print(&answer, || text(&answer))
    }
}

fn text(answer: &Answer) -> String {
    let subject = match answer.subject {
        Subject::Job => "job",
        Subject::Peer => "peer",
        Subject::Capsule => "capsule",
        _ => "subject of a newer node",
    };
    let mut text = format!("{subject} {}\n", answer.name);
    if answer.findings.is_empty() {
        text += "  nothing is known here that stands in the way\n";
    }
    for finding in &answer.findings {
        let _ = writeln!(text, "  {} [{}]", finding.text, finding.code);
        if let Some(remedy) = &finding.remedy {
            let _ = writeln!(text, "    → {remedy}");
        }
    }
    text
}
