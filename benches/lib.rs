//! Where benchmarks leave their figures: a line of JSON for each row of a table, appended to the file that `NONOS_FIGURES` names.
//! `benches/run.sh` sets it; without it a benchmark only prints. `cargo run --manifest-path tools/Cargo.toml -- benchmarks FILE` makes the page.

use std::{
    env,
    fmt::Write as _,
    fs::OpenOptions,
    io::{self, Write as _},
    path::Path,
};

/// A row of a table.
///
/// ```
/// let row = nonos_benches::Row::of("ledger").text("what", "entries, \"synced\"").number("per_second", 1234.5);
/// assert_eq!(row.line(), r#"{"table":"ledger","what":"entries, \"synced\"","per_second":1234.5}"#);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Row(String);

impl Row {
    /// A row of this table.
    pub fn of(table: &str) -> Self {
        Self(String::from("{\"table\":")).quoted(table)
    }

    /// Adds a name.
    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.0.push(',');
        let mut row = self.quoted(name);
        row.0.push(':');
        row.quoted(value)
    }

    /// Adds a figure. One that is no number is left out: nothing was measured.
    pub fn number(mut self, name: &str, value: f64) -> Self {
        if !value.is_finite() {
            return self;
        }
        self.0.push(',');
        let mut row = self.quoted(name);
        let _ = write!(row.0, ":{value}");
        row
    }

    /// Adds how often something is done in a second, of how long it takes once.
    pub fn each(self, time: std::time::Duration) -> Self {
        let seconds = time.as_secs_f64();
        self.number("per_second", 1.0 / seconds)
            .number("each_us", seconds * 1e6)
    }

    /// The line.
    pub fn line(&self) -> String {
        format!("{}}}", self.0)
    }

    /// Appends the line to the file that `NONOS_FIGURES` names, if it names one.
    ///
    /// # Errors
    /// If the file cannot be written.
    #[expect(
        clippy::disallowed_methods,
        reason = "the benchmarks are told where by the script that runs them"
    )]
    pub fn leave(&self) -> io::Result<()> {
        match env::var_os("NONOS_FIGURES") {
            Some(path) => self.append(Path::new(&path)),
            None => Ok(()),
        }
    }

    /// Appends the line to a file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn append(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        writeln!(file, "{}", self.line())
    }

    fn quoted(mut self, text: &str) -> Self {
        self.0.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => self.0.extend(['\\', c]),
                c if c.is_control() => {
                    let _ = write!(self.0, "\\u{:04x}", u32::from(c));
                }
                c => self.0.push(c),
            }
        }
        self.0.push('"');
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_json_whatever_is_in_it() {
        let row = Row::of("x")
            .text("a\"b", "c\\d\ne")
            .number("n", 0.25)
            .number("none", f64::NAN);
        let read: serde_json::Value = serde_json::from_str(&row.line()).expect("JSON");
        assert_eq!(
            read,
            serde_json::json!({ "table": "x", "a\"b": "c\\d\ne", "n": 0.25 })
        );
    }

    #[test]
    fn lines_are_appended() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("figures");
        for table in ["one", "two"] {
            Row::of(table).append(&path).expect("written");
        }
        let lines = std::fs::read_to_string(&path).expect("read");
        assert_eq!(lines, "{\"table\":\"one\"}\n{\"table\":\"two\"}\n");
    }
}
