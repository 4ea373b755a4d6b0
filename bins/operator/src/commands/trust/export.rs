use crate::{commands::Context, datadir::DataArgs, failure::Failure, files, output::say};
use nonos_node::api::{Request, TrustPoint, TrustView};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Writes what is thought of every peer, and why, as JSON.
///
/// It is for people to look at: no node reads it, and nobody's opinion counts for another's.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    #[command(flatten)]
    data: DataArgs,
    /// Where to ("-" for stdout).
    #[arg(long, value_name = "FILE", default_value = "-")]
    to: PathBuf,
}

/// A peer and all reasons.
#[derive(Serialize)]
struct Peer {
    #[serde(flatten)]
    standing: TrustView,
    reasons: Vec<TrustPoint>,
}

impl Export {
    /// Does it.
    pub(crate) fn run(&self, _: &Context) -> Result<(), Failure> {
        let mut client = self.data.client()?;
        let standings: Vec<TrustView> = client.call(&Request::Trust)?;
        let mut peers = Vec::new();
        for standing in standings {
            let reasons = client.call(&Request::Explain { node: standing.node })?;
            peers.push(Peer { standing, reasons });
        }
        let text = serde_json::to_string_pretty(&peers).expect("plain data");
        files::write(&self.to, format!("{text}\n").as_bytes())?;
        if self.to != Path::new("-") {
            say(&format!("{} peers written to {}", peers.len(), self.to.display()));
        }
        Ok(())
    }
}
