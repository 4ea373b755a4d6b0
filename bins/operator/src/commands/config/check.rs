//! `operator config check`: what is wrong with a configuration.

use super::{super::Context, of, read};
use crate::{datadir::DataArgs, failure::Failure, output::say};
use nonos_node::{Config, ConfigError};
use serde::Serialize;
use std::path::PathBuf;

/// Says all that is wrong with a configuration. With --json, to stdout.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The file, or `-` [default: config.toml of the data directory].
    file: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Serialize)]
struct Checked {
    file: PathBuf,
    mistakes: Vec<Mistake>,
}

#[derive(Serialize)]
struct Mistake {
    line: usize,
    column: usize,
    key: Option<String>,
    message: String,
    remedy: String,
}

impl From<ConfigError> for Mistake {
    fn from(error: ConfigError) -> Self {
        Self {
            line: error.line,
            column: error.column,
            key: error.key,
            message: error.message,
            remedy: error.remedy,
        }
    }
}

impl Check {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let file = match &self.file {
            Some(file) => file.clone(),
            None => of(&self.data)?,
        };
        let mistakes = Config::check(&read(&file)?).err().unwrap_or_default();
        let mistakes: Vec<Mistake> = mistakes.into_iter().map(Mistake::from).collect();
        let checked = Checked { file, mistakes };
        let file = checked.file.display();
        if context.output.is_json() || checked.mistakes.is_empty() {
            context.output.print(&checked, || format!("{file} is right\n"))?;
        } else {
            for it in &checked.mistakes {
                let key = it.key.as_ref().map(|key| format!("{key}: ")).unwrap_or_default();
                say(&format!(
                    "{file}:{}:{}: {key}{}; {}",
                    it.line, it.column, it.message, it.remedy
                ));
            }
        }
        match checked.mistakes.len() {
            0 => Ok(()),
            mistakes => Err(Failure::BadConfig {
                path: checked.file,
                mistakes,
            }),
        }
    }
}
