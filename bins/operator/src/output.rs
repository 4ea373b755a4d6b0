//! What a command prints: data on stdout, as a table or as JSON; speech on stderr.

use crate::failure::Failure;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nonos_types::{Amount, Timestamp};
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

/// Rows of cells under the names of their columns.
#[derive(Debug)]
pub(crate) struct Grid {
    /// Names of the columns.
    pub(crate) head: &'static [&'static str],
    /// As many cells each.
    pub(crate) rows: Vec<Vec<String>>,
}

impl Grid {
    /// As text: a line for the names, and one per row.
    pub(crate) fn lines(&self) -> String {
        let head = self.head.iter().map(|&name| name.to_owned()).collect();
        let rows: Vec<Vec<String>> = [&vec![head], &self.rows]
            .into_iter()
            .flatten()
            .map(|row| row.iter().map(|cell| harmless(cell)).collect())
            .collect();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        rows.iter().fold(String::new(), |mut text, row| {
            let cells = row.iter().zip(&widths);
            let line = cells.fold(String::new(), |mut line, (cell, width)| {
                let _ = write!(line, "{cell:width$}  ");
                line
            });
            let _ = writeln!(text, "{}", line.trim_end());
            text
        })
    }
}

impl Output {
    /// Prints JSON, or tables.
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a result: `data` as JSON, or the table.
    pub(crate) fn show<T: Serialize>(self, data: &T, table: impl FnOnce() -> Table) -> Result<(), Failure> {
        self.print(data, || lines(&table()))
    }

    /// Prints a list: `data` as JSON, or the grid.
    pub(crate) fn list<T: Serialize>(self, data: &T, grid: impl FnOnce() -> Grid) -> Result<(), Failure> {
        self.print(data, || grid().lines())
    }

    /// Is it JSON that is wanted?
    pub(crate) fn is_json(self) -> bool {
        self.json
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
        let _ = writeln!(text, "{name:width$}  {}", harmless(value));
        text
    })
}

/// Values come from files and peers, too: nothing of theirs may steer the terminal.
pub(crate) fn harmless(value: &str) -> String {
    value
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// What there is, or a dash.
pub(crate) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// Values in one cell.
pub(crate) fn joined<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    if values.is_empty() {
        "-".to_owned()
    } else {
        values.join(", ")
    }
}

/// An amount that may be negative, given in atto-NONOS; text that is none, as it is.
pub(crate) fn money(atto: &str) -> String {
    match atto.parse::<i128>() {
        Ok(amount) => {
            let sign = if amount < 0 { "-" } else { "" };
            format!("{sign}{}", Amount::from_atto(amount.unsigned_abs()))
        }
        Err(_) => atto.to_owned(),
    }
}

/// Parts per million as per cent, rounded down to a tenth.
pub(crate) fn percent(ppm: u32) -> String {
    format!("{}.{} %", ppm / 10_000, ppm / 1_000 % 10)
}

/// A time as date and time of day, UTC.
pub(crate) fn utc(at: Timestamp) -> String {
    let (days, second) = (at.get() / 86_400, at.get() % 86_400);
    // Days since 1 March of year 0; an era is 400 years of 146,097 days.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        // From `date -u -d @SECONDS`.
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(Timestamp::new(seconds)), text);
        }
    }

    #[test]
    fn money_keeps_its_sign_and_every_digit() {
        assert_eq!(money("-100000000000000000"), "-0.1 NONOS");
        assert_eq!(money("1"), "0.000000000000000001 NONOS");
        assert_eq!(money("0"), "0 NONOS");
        assert_eq!(money("much"), "much");
    }

    #[test]
    fn a_grid_aligns_its_columns_and_steers_no_terminal() {
        let grid = Grid {
            head: &["node", "state"],
            rows: vec![
                vec!["øøøøøø".to_owned(), "new".to_owned()],
                vec!["a\u{1b}[2J".to_owned(), String::new()],
            ],
        };
        assert_eq!(grid.lines(), "node    state\nøøøøøø  new\na\u{fffd}[2J\n");
    }
}
