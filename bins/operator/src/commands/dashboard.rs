//! `operator dashboard`: a link to the running node's page.

use super::Context;
use crate::{datadir::DataArgs, failure::Failure, output::say};
use nonos_node::Link;
use nonos_types::Timestamp;
use serde::Serialize;
use std::{
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// Makes a link to the page of the running node: for a browser of this machine, once, within ten minutes.
///
/// It is not opened from here: an argument of a browser can be seen by other users of the machine.
#[derive(Debug, clap::Args)]
pub(crate) struct Dashboard {
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Serialize)]
struct Made<'a> {
    url: &'a str,
}

impl Dashboard {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let link = link(&self.data.path()?)?;
        let made = Made { url: link.url() };
        context.output.print(&made, || format!("{}\n", made.url))?;
        say("open it in a browser of this machine within ten minutes; it works once");
        Ok(())
    }
}

/// A fresh link to the page of the node that runs on a data directory.
#[expect(clippy::disallowed_methods, reason = "a link lasts for ten minutes")]
pub(crate) fn link(data_dir: &Path) -> Result<Link, Failure> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(Failure::Random)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = Timestamp::new(now.map_or(0, |it| it.as_secs()));
    Ok(Link::new(data_dir, nonce, now)?)
}
