//! `operator profile`: the machine.

use super::Context;
use crate::{
    datadir::DataArgs,
    failure::Failure,
    files,
    output::{Grid, joined, say, utc},
};
use nonos_node::{
    ClientError,
    api::{ProfileView, Request},
};
use nonos_state::{
    Profile as Measured,
    probe::{self, Effort},
};
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Shows the machine's profile: as the running node has measured and signed it, or measured now and unsigned.
#[derive(Debug, clap::Args)]
pub(crate) struct Profile {
    #[command(flatten)]
    data: DataArgs,
    /// Writes the running node's signed snapshot, in the `poi-v1` export format, to a file.
    #[arg(long, value_name = "FILE")]
    poi_v1: Option<PathBuf>,
}

#[derive(Serialize)]
struct Unsigned {
    profile: Measured,
    signed: bool,
}

impl Profile {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self.data.client() {
            Ok(mut client) => self.show(client.call(&Request::Profile)?, context),
            Err(Failure::Client(ClientError::NotRunning { .. })) if self.poi_v1.is_none() => {
                self.measure(context)
            }
            Err(failure) => Err(failure),
        }
    }

    fn show(&self, view: ProfileView, context: &Context) -> Result<(), Failure> {
        if let Some(path) = &self.poi_v1 {
            let bytes =
                hex::decode(&view.poi_v1_hex).map_err(|_| Failure::BadAnswer { field: "poi_v1_hex" })?;
            files::write(path, &bytes)?;
            say(&format!("snapshot written to {}", path.display()));
        }
        context.output.list(&view, || {
            let mut rows = rows(&view.profile);
            rows.push(vec!["measured".to_owned(), utc(view.taken_at)]);
            rows.push(vec!["signed snapshot".to_owned(), view.snapshot.to_string()]);
            Grid { head: HEAD, rows }
        })
    }

    fn measure(&self, context: &Context) -> Result<(), Failure> {
        say("no node runs: measuring now; what follows is not signed");
        let path = self.data.path()?;
        let unsigned = Unsigned {
            profile: probe::measure(existing(&path), Effort::default())?,
            signed: false,
        };
        context.output.list(&unsigned, || {
            let profile = serde_json::to_value(&unsigned.profile).expect("plain data");
            Grid {
                head: HEAD,
                rows: rows(&profile),
            }
        })
    }
}

const HEAD: &[&str] = &["of the machine", ""];

/// The directory, or the nearest one above it that exists.
fn existing(path: &Path) -> &Path {
    path.ancestors()
        .find(|path| path.is_dir())
        .unwrap_or(Path::new("."))
}

fn rows(profile: &Value) -> Vec<Vec<String>> {
    let fields = profile.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| vec![name.replace('_', " "), with_unit(name, value)])
        .collect()
}

fn with_unit(name: &str, value: &Value) -> String {
    match (value, name) {
        (Value::Null, _) => "-".to_owned(),
        (Value::String(text), _) => text.clone(),
        (Value::Array(values), _) => joined(values.iter().map(|value| with_unit(name, value))),
        (figure, "disk_write" | "disk_read" | "loopback") => format!("{figure} bytes/s"),
        (figure, "cpu_quota") => format!("{figure} thousandths of a core"),
        (figure, name) if name.starts_with("memory_") || name.starts_with("storage_") => {
            format!("{figure} bytes")
        }
        (figure, _) => figure.to_string(),
    }
}
