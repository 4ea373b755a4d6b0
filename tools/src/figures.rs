//! What benchmarks have measured: a line of JSON for each row, as `nonos-benches` writes them.

use std::path::Path;

use serde_json::{Map, Value};

use crate::{Failure, workspace};

/// The table whose rows say what was run, where and when. What follows one is of that run.
const RUN: &str = "run";

/// A row of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row(Map<String, Value>);

impl Row {
    /// A name, or what else is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A figure.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }
}

/// One run of benchmarks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    /// What was run, where and when.
    pub(crate) head: Row,
    rows: Vec<Row>,
}

/// All runs of a file, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures(Vec<Run>);

impl Figures {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        Self::parse(&workspace::read(path)?)
            .map_err(|what| Failure::Wrong(vec![format!("{}: {what}", path.display())]))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut runs: Vec<Run> = vec![];
        for (number, line) in text.lines().enumerate() {
            let wrong = |what: &str| format!("line {}: {what}", number + 1);
            let Ok(Value::Object(row)) = serde_json::from_str(line) else {
                return Err(wrong("not an object of JSON"));
            };
            let row = Row(row);
            match (row.text("table"), runs.last_mut()) {
                (None, _) => return Err(wrong("it names no table")),
                (Some(RUN), _) => runs.push(Run {
                    head: row,
                    rows: vec![],
                }),
                (Some(_), None) => return Err(wrong("a figure of no run")),
                (Some(_), Some(run)) => run.rows.push(row),
            }
        }
        Ok(Self(runs))
    }

    /// The rows of a table, of the newest run that has any, and that run.
    pub(crate) fn table(&self, name: &str) -> Option<(&Run, Vec<&Row>)> {
        self.0.iter().rev().find_map(|run| {
            let rows: Vec<&Row> = run
                .rows
                .iter()
                .filter(|row| row.text("table") == Some(name))
                .collect();
            (!rows.is_empty()).then_some((run, rows))
        })
    }

    /// All runs, oldest first.
    pub(crate) fn runs(&self) -> &[Run] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_of_the_newest_run_that_has_it() {
        let text = concat!(
            "{\"table\":\"run\",\"commit\":\"a\"}\n{\"table\":\"x\",\"n\":1}\n{\"table\":\"y\",\"n\":2}\n",
            "{\"table\":\"run\",\"commit\":\"b\"}\n{\"table\":\"x\",\"n\":3}\n",
        );
        let figures = Figures::parse(text).expect("figures");
        let of = |name| {
            let (run, rows) = figures.table(name)?;
            Some((
                run.head.text("commit"),
                rows.iter().map(|row| row.number("n")).collect::<Vec<_>>(),
            ))
        };
        assert_eq!(of("x"), Some((Some("b"), vec![Some(3.0)])));
        assert_eq!(of("y"), Some((Some("a"), vec![Some(2.0)])));
        assert_eq!(of("z"), None);
        assert_eq!(figures.runs().len(), 2);
    }

    #[test]
    fn refuses_a_line_that_is_no_row() {
        for (text, what) in [
            ("nothing", "line 1: not an object of JSON"),
            ("[1]", "line 1: not an object of JSON"),
            ("{\"table\":\"run\"}\n{\"n\":1}", "line 2: it names no table"),
            ("{\"table\":\"x\"}", "line 1: a figure of no run"),
        ] {
            assert_eq!(Figures::parse(text), Err(what.to_owned()));
        }
    }
}
