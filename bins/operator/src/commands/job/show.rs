use crate::{commands::Context, datadir::DataArgs, failure::Failure};
use nonos_node::api::{JobView, Request};
use nonos_types::JobId;

/// Shows one job.
#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// The job.
    job: JobId,
    #[command(flatten)]
    data: DataArgs,
}

impl Show {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let job: JobView = self.data.client()?.call(&Request::Job { job: self.job })?;
        context.output.show(&job, || super::table(&job))
    }
}
