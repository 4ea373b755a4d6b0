//! Where the node's data are, and the node that runs on them.

use crate::{failure::Failure, files};
use nonos_node::Client;
use std::path::PathBuf;

/// Which node.
#[derive(Debug, clap::Args)]
pub(crate) struct DataArgs {
    /// Directory of the node's data [default: nonos in the user's data directory].
    #[arg(long, value_name = "DIR", env = "NONOS_DATA")]
    data: Option<PathBuf>,
}

impl DataArgs {
    /// The directory: named, or the user's.
    pub(crate) fn path(&self) -> Result<PathBuf, Failure> {
        self.data.clone().map_or_else(|| self.usual(), Ok)
    }

    /// Was one named?
    pub(crate) fn is_named(&self) -> bool {
        self.data.is_some()
    }

    /// The user's.
    pub(crate) fn usual(&self) -> Result<PathBuf, Failure> {
        files::environment("XDG_DATA_HOME")
            .map(|it| it.join("nonos"))
            .or_else(|| Some(files::environment("HOME")?.join(".local/share/nonos")))
            .ok_or(Failure::NoDataDirectory)
    }

    /// A connection to the node that runs there.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.path()?)?)
    }
}
