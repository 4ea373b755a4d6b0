use crate::{commands::Context, datadir::DataArgs, failure::Failure};
use nonos_node::api::{Done, JobView, Request};
use nonos_types::JobId;

/// Lets nobody begin a job of this node any more. Who has begun it is still paid if he delivers in time.
#[derive(Debug, clap::Args)]
pub(crate) struct Cancel {
    /// The job.
    job: JobId,
    #[command(flatten)]
    data: DataArgs,
}

impl Cancel {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut client = self.data.client()?;
        let Done {} = client.call(&Request::Cancel { job: self.job })?;
        let view: JobView = client.call(&Request::Job { job: self.job })?;
        context.output.show(&view, || super::table(&view))
    }
}
