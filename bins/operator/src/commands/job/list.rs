use crate::{
    commands::Context,
    datadir::DataArgs,
    failure::Failure,
    output::{Grid, or_dash, utc},
};
use nonos_node::api::{JobView, Request};

/// Shows the jobs the node knows, newest first.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    data: DataArgs,
}

impl List {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let jobs: Vec<JobView> = self.data.client()?.call(&Request::Jobs)?;
        context.output.list(&jobs, || Grid {
            head: &["job", "state", "offered", "fee", "executor"],
            rows: jobs.iter().map(row).collect(),
        })
    }
}

fn row(job: &JobView) -> Vec<String> {
    vec![
        job.job.to_string(),
        super::state(job.state).to_owned(),
        utc(job.created),
        or_dash(job.receipt.as_ref().map(|receipt| receipt.fee)),
        or_dash(job.executor),
    ]
}
