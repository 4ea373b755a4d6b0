//! `operator config reload`: the running node reads its configuration again.

use super::super::Context;
use crate::{
    datadir::DataArgs,
    failure::Failure,
    output::{joined, say},
};
use nonos_node::api::{Reloaded, Request};

/// Makes the running node read config.toml again. If anything is wrong with it, the node goes on as it was set.
#[derive(Debug, clap::Args)]
pub(crate) struct Reload {
    #[command(flatten)]
    data: DataArgs,
}

impl Reload {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let done: Reloaded = self.data.client()?.call(&Request::Reload)?;
        context.output.show(&done, || {
            vec![
                ("changed", joined(&done.applied)),
                ("from the next start on", joined(&done.restart)),
            ]
        })?;
        if !done.restart.is_empty() {
            say("restart the node for what holds from the next start on");
        }
        Ok(())
    }
}
