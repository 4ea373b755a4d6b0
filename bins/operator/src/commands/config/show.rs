//! `operator config show`: what a node would be started with.

use super::{super::Context, of, read};
use crate::{
    datadir::DataArgs,
    failure::Failure,
    output::{Grid, or_dash},
    overrides::{Overrides, Source},
};
use nonos_node::{Config, Known};
use serde::Serialize;
use serde_json::Value;

/// Shows every setting that a node started with these flags, in this environment, would have, and where it comes from.
#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    overrides: Overrides,
    /// Shows only what is not the default.
    #[arg(long)]
    changed: bool,
}

/// A setting.
#[derive(Serialize)]
pub(crate) struct Setting {
    /// Table and name.
    pub(crate) key: String,
    /// None if it has none.
    pub(crate) value: Option<Value>,
    /// Where it comes from.
    pub(crate) from: Source,
}

impl Show {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut settings = settings(&read(&of(&self.data)?)?, &self.overrides)?;
        if self.changed {
            settings.retain(|it| it.from != Source::Default);
        }
        context.output.list(&settings, || Grid {
            head: &["key", "value", "from"],
            rows: (settings.iter())
                .map(|it| {
                    let from = serde_json::to_value(it.from).ok();
                    let from = from.and_then(|it| Some(it.as_str()?.to_owned()));
                    vec![it.key.clone(), or_dash(it.value.as_ref()), or_dash(from)]
                })
                .collect(),
        })
    }
}

/// Every setting.
pub(crate) fn settings(text: &str, overrides: &Overrides) -> Result<Vec<Setting>, Failure> {
    Config::parse(text)?;
    let file: toml::Table = text.parse().expect("it is a configuration");
    Ok(Config::known()
        .iter()
        .map(|known| setting(known, &file, overrides))
        .collect())
}

fn setting(known: &Known, file: &toml::Table, overrides: &Overrides) -> Setting {
    let key = known.path();
    let set = (known.table.split('.').filter(|it| !it.is_empty()))
        .try_fold(file, |table, name| table.get(name)?.as_table())
        .and_then(|table| table.get(known.name));
    let (value, from) = if let Some((value, source)) = overrides.of(&key) {
        (Some(value), source)
    } else if let Some(value) = set {
        (Some(json(value)), Source::File)
    } else {
        let line = format!("x = {}", known.sample).parse::<toml::Table>();
        let value = line.ok().filter(|_| known.is_default);
        (value.as_ref().map(|it| json(&it["x"])), Source::Default)
    };
    Setting { key, value, from }
}

fn json(value: &toml::Value) -> Value {
    serde_json::to_value(value).expect("plain data")
}
