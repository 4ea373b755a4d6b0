//! What the file of a table says of its rules.

use std::fs;
use std::path::PathBuf;

/// A line of the table of constraints at the top of a table's file.
pub(crate) struct Rule<'a> {
    pub(crate) ids: Vec<&'a str>,
    pub(crate) formula: &'a str,
    pub(crate) rules_out: &'a str,
}

/// The source of a table.
pub(crate) fn source(table: &str) -> String {
    let file = if table == "MEMX" {
        "mem"
    } else {
        &table.to_lowercase()
    };
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("src/tables/{file}.rs"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rules that a table's source documents.
pub(crate) fn documented(source: &str) -> Vec<Rule<'_>> {
    let lines = source.lines().filter(|line| line.starts_with("//! | `"));
    lines
        .map(|line| {
            let mut cells = line["//! |".len()..]
                .trim_end_matches('|')
                .split(" | ")
                .map(str::trim);
            let mut cell = || cells.next().unwrap_or_else(|| panic!("three cells: {line}"));
            let (ids, formula, rules_out) = (cell(), cell(), cell());
            Rule {
                ids: ids.split(", ").map(|id| id.trim_matches('`')).collect(),
                formula,
                rules_out,
            }
        })
        .collect()
}
