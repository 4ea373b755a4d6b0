use crate::{
    commands::Context,
    datadir::DataArgs,
    failure::Failure,
    output::{Grid, utc},
};
use nonos_node::api::{Request, RoleView};

/// Shows which roles the running node takes, and why.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    data: DataArgs,
}

impl List {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let roles: Vec<RoleView> = self.data.client()?.call(&Request::Roles)?;
        context.output.list(&roles, || Grid {
            head: &["role", "taken", "since", "why"],
            rows: roles
                .iter()
                .map(|it| {
                    let taken = if it.taken { "yes" } else { "no" };
                    vec![
                        it.role.to_string(),
                        taken.to_owned(),
                        utc(it.since),
                        it.reason.clone(),
                    ]
                })
                .collect(),
        })
    }
}
