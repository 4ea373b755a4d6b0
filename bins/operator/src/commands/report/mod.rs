//! `operator report`: what somebody who helps wants to know, in one file that stays here until you send it.

mod redact;

use self::redact::Redact;
use super::{Context, config, doctor};
use crate::{
    datadir::DataArgs,
    failure::Failure,
    files,
    output::{say, utc},
    overrides::Overrides,
    passphrase::{self, PassphraseArgs},
};
use nonos_node::{
    Client, Config,
    api::{ProfileView, Request, Status},
};
use nonos_types::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};
use zeroize::Zeroizing;

/// Lines of a log that are taken, from its end.
const LINES: usize = 400;
/// Longest log.
const LOG_BYTES: u64 = 64 << 20;

/// Writes a report for asking for help: versions, system, profile, configuration, status, what the doctor says, a log's
/// last lines. It is sent to nobody.
///
/// Keys, tokens and passphrases are not in it; ids and addresses are shortened. Read it before you pass it on.
#[derive(Debug, clap::Args)]
pub(crate) struct Report {
    /// The file, which must not be there yet; `-` is stdout.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// File with the node's log, or `-`, as in `journalctl --user -u nonos-operator | operator report -o FILE --log -`.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Leaves ids and addresses as they are.
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    overrides: Overrides,
}

#[derive(Serialize)]
struct Written {
    /// Version of this layout.
    report: u32,
    made: String,
    program: Program,
    /// Of a node that runs.
    profile: Option<Value>,
    /// Settings, or why there are none.
    config: Value,
    /// Of a node that runs.
    status: Option<Status>,
    doctor: doctor::Findings,
    log: Vec<String>,
}

#[derive(Serialize)]
struct Program {
    version: &'static str,
    system: &'static str,
    machine: &'static str,
    kernel: Option<String>,
    distribution: Option<String>,
    cores: usize,
}

#[derive(Serialize)]
struct Done {
    report: PathBuf,
}

impl Report {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let path = self.data.path()?;
        let log = match &self.log {
            Some(log) => files::read(log, LOG_BYTES)?,
            None => Vec::new(),
        };
        let mut client = Client::connect(&path).ok();
        let profile: Option<ProfileView> = client.as_mut().and_then(|it| it.call(&Request::Profile).ok());
        let written = Written {
            report: 1,
            made: now(),
            program: program(),
            profile: profile.map(|it| it.profile),
            config: self.settings(&path),
            status: client.as_mut().and_then(|it| it.call(&Request::Status).ok()),
            doctor: doctor::examine(&path, context.params.as_deref(), None),
            log: last_lines(&String::from_utf8_lossy(&log)),
        };
        let secrets = self.secrets(&path);
        let redact = Redact {
            secrets: secrets.iter().map(|it| it.as_str()).collect(),
            home: files::environment("HOME").map(|it| it.display().to_string()),
            shorten: !self.full,
        };
        let mut value = serde_json::to_value(&written).expect("plain data");
        redact.value(&mut value);
        let text = format!("{value:#}\n");
        files::stream(&self.output, false, |file| {
            file.write_all(text.as_bytes()).map_err(Failure::Stdout)
        })?;
        if self.output == Path::new("-") {
            return Ok(());
        }
        let done = Done {
            report: self.output.clone(),
        };
        context
            .output
            .show(&done, || vec![("report", done.report.display().to_string())])?;
        say("it was sent to nobody: read it before you pass it on");
        Ok(())
    }

    /// The configuration, but for what is nobody's business; or what is wrong with it.
    fn settings(&self, data: &Path) -> Value {
        let text = match config::read(&data.join("config.toml")) {
            Ok(text) => text,
            Err(error) => return error.to_string().into(),
        };
        match config::settings(&text, &self.overrides) {
            Ok(mut settings) => {
                settings.retain(|it| it.value.is_some());
                for it in &mut settings {
                    if redact::is_secret(&it.key) {
                        it.value = Some("(not told)".into());
                    }
                }
                serde_json::to_value(settings).expect("plain data")
            }
            Err(_) => {
                // What is wrong may quote what is nobody's business: its place is told.
                let errors = Config::check(&text).err().unwrap_or_default();
                let places = errors.iter().map(|it| {
                    format!(
                        "line {}, column {}: {}",
                        it.line,
                        it.column,
                        it.key.as_deref().unwrap_or("-")
                    )
                });
                places.collect::<Vec<_>>().into()
            }
        }
    }

    /// Secrets that are in files here: a log should have none of them, and this makes sure that the report has not.
    fn secrets(&self, data: &Path) -> Vec<Zeroizing<String>> {
        let mut secrets = Vec::new();
        let token = files::read_text(&data.join("run/http-token"), 4096).ok();
        secrets.extend(token.map(Zeroizing::new));
        if let Some(path) = self.passphrase.file() {
            let bytes = passphrase::read(path).ok();
            let text = bytes.and_then(|it| String::from_utf8(it.to_vec()).ok());
            secrets.extend(text.map(Zeroizing::new));
        }
        secrets
            .iter()
            .map(|it| Zeroizing::new(it.trim().to_owned()))
            .collect()
    }
}

fn last_lines(log: &str) -> Vec<String> {
    let lines: Vec<&str> = log.lines().collect();
    let from = lines.len().saturating_sub(LINES);
    lines[from..].iter().map(|it| (*it).to_owned()).collect()
}

#[expect(clippy::disallowed_methods, reason = "the binary reads the clock")]
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    utc(Timestamp::new(since.map_or(0, |since| since.as_secs())))
}

fn program() -> Program {
    let line = |path: &str| files::read_text(Path::new(path), 4096).ok();
    let kernel = line("/proc/sys/kernel/osrelease").map(|it| it.trim().to_owned());
    let distribution = line("/etc/os-release").and_then(|text| {
        let name = text.lines().find_map(|it| it.strip_prefix("PRETTY_NAME="))?;
        Some(name.trim_matches('"').to_owned())
    });
    Program {
        version: env!("CARGO_PKG_VERSION"),
        system: std::env::consts::OS,
        machine: std::env::consts::ARCH,
        kernel,
        distribution,
        cores: std::thread::available_parallelism().map_or(0, usize::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_log_the_end_is_taken() {
        let log: String = (0..LINES + 7).map(|it| format!("line {it}\n")).collect();
        let lines = last_lines(&log);
        assert_eq!((lines.len(), lines[0].as_str()), (LINES, "line 7"));
        assert_eq!(last_lines(""), Vec::<String>::new());
    }
}
