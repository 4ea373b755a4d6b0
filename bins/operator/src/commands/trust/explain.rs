use crate::{
    commands::Context,
    datadir::DataArgs,
    failure::Failure,
    output::{Grid, utc},
};
use nonos_node::api::{Request, TrustPoint};
use nonos_types::NodeId;

/// Shows what one peer's scores rest on, and what you did about it.
#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// The peer.
    node: NodeId,
    #[command(flatten)]
    data: DataArgs,
}

impl Explain {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let request = Request::Explain { node: self.node };
        let points: Vec<TrustPoint> = self.data.client()?.call(&request)?;
        context.output.list(&points, || Grid {
            head: &["when", "context", "deed", "cause"],
            rows: points
                .iter()
                .map(|point| {
                    vec![
                        utc(point.at),
                        point.context.clone(),
                        match (point.context.as_str(), point.good) {
                            ("operator", _) => "-",
                            (_, true) => "good",
                            (_, false) => "bad",
                        }
                        .to_owned(),
                        point.cause.clone(),
                    ]
                })
                .collect(),
        })
    }
}
