//! What a command prints: data on stdout, as a table or as JSON; speech on stderr.

use crate::failure::Failure;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::{
    error::Error,
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _},
};

/// Where and how results are printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

/// The lines of a table: name and value.
pub(crate) type Table = Vec<(&'static str, String)>;

impl Output {
    /// Prints JSON, or tables.
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a result: `data` as JSON, or the table.
    pub(crate) fn show<T: Serialize>(self, data: &T, table: impl FnOnce() -> Table) -> Result<(), Failure> {
        self.print(data, || lines(&table()))
    }

    /// Prints a result: `data` as JSON, or the text as it is.
    pub(crate) fn print<T: Serialize>(self, data: &T, text: impl FnOnce() -> String) -> Result<(), Failure> {
        let text = if self.json {
            let mut text = serde_json::to_string(data).expect("plain data with string keys");
            text.push('\n');
            text
        } else {
            text()
        };
        match io::stdout().lock().write_all(text.as_bytes()) {
            // Who reads no further wants no more.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result.map_err(Failure::Stdout),
        }
    }
}

fn lines(table: &Table) -> String {
    let width = table
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    table.iter().fold(String::new(), |mut text, (name, value)| {
        // Values come from files, too: nothing of theirs may steer the terminal.
        let value: String = value
            .chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect();
        let _ = writeln!(text, "{name:width$}  {value}");
        text
    })
}

/// Says something to the person at the terminal.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says why a command failed, with causes.
pub(crate) fn complain(failure: &Failure) {
    let mut text = format!("error: {failure}");
    let mut cause = failure.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    say(&text);
}

/// A progress bar on stderr, where that is a terminal; else nothing.
pub(crate) fn progress() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{elapsed:>4} {bar:30} {percent:>3} %  {msg}");
    ProgressBar::new(1000).with_style(style.expect("a valid template"))
}
