//! What became of the changes, as a table.

use std::fmt;

use nonos_machine::air::System;

use super::free::{FREE, is_unordered};
use crate::page;

/// Changes of one column, or of the rows of one table.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) tried: u64,
    pub(super) refused: u64,
    /// Accepted, as listed.
    pub(super) free: u64,
    /// Accepted in a row that is not used and still does nothing.
    pub(super) inert: u64,
}

impl Tally {
    fn add(self, other: Self) -> Self {
        Self {
            tried: self.tried + other.tried,
            refused: self.refused + other.refused,
            free: self.free + other.free,
            inert: self.inert + other.inert,
        }
    }

    /// Of the changes that matter, those refused, in per cent.
    fn rate(self) -> String {
        let matter = self.tried - self.free - self.inert;
        match matter {
            0 => "–".into(),
            _ if self.refused == matter => "100 %".into(),
            _ => format!("{:.2} %", 100.0 * self.refused as f64 / matter as f64),
        }
    }

    fn cells(self) -> String {
        let Self {
            tried,
            refused,
            free,
            inert,
        } = self;
        format!("{tried} | {refused} | {free} | {inert} | {}", self.rate())
    }
}

/// What became of the changes.
pub(super) struct Report {
    names: Vec<(&'static str, Vec<&'static str>)>,
    /// Rows changed, by table.
    pub(super) rows: Vec<u64>,
    /// By table and column.
    pub(super) columns: Vec<Vec<Tally>>,
    /// Of whole rows, by table.
    pub(super) moves: Vec<Tally>,
    /// Accepted and not listed.
    pub(super) survivors: Vec<String>,
    /// Listed, and every change refused.
    pub(super) caught: Vec<String>,
    /// Cells found free, by entry of the list.
    pub(super) listed: Vec<u64>,
}

impl Report {
    pub(super) fn new(system: &System) -> Self {
        let tables = &system.tables;
        let names = |t: &nonos_machine::air::TableShape| t.columns.iter().map(|c| c.name).collect();
        Self {
            names: tables.iter().map(|t| (t.name, names(t))).collect(),
            rows: vec![0; tables.len()],
            columns: tables
                .iter()
                .map(|t| vec![Tally::default(); t.columns.len()])
                .collect(),
            moves: vec![Tally::default(); tables.len()],
            survivors: vec![],
            caught: vec![],
            listed: vec![0; FREE.len()],
        }
    }

    pub(super) fn assert_all_killed(&self) {
        let few = |list: &[String]| list.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
        assert!(
            self.survivors.is_empty(),
            "{} changes are accepted although the cell is not listed as free:\n{}",
            self.survivors.len(),
            few(&self.survivors)
        );
        assert!(
            self.caught.is_empty(),
            "{} cells or rows are listed as free, but every change is refused:\n{}",
            self.caught.len(),
            few(&self.caught)
        );
        for (free, found) in FREE.iter().zip(&self.listed) {
            assert!(*found > 0, "no run has a free {}.{}", free.table, free.column);
        }
        for (t, (table, columns)) in self.names.iter().enumerate() {
            for (column, tally) in columns.iter().zip(&self.columns[t]) {
                assert!(tally.refused > 0, "no change of {table}.{column} is ever refused");
            }
        }
    }

    pub(super) fn assert_page_is_up_to_date(&self) {
        page::assert_generated("kill-rate.md", "kill rate", &self.to_string());
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = "changes | refused | free | inert | kill rate |";
        writeln!(
            f,
            "| table | columns | rows | {heads}\n|---|---|---|---|---|---|---|---|"
        )?;
        let mut all = Tally::default();
        for (t, (table, columns)) in self.names.iter().enumerate() {
            let tally = self.columns[t]
                .iter()
                .fold(Tally::default(), |sum, c| sum.add(*c));
            all = all.add(tally).add(self.moves[t]);
            writeln!(
                f,
                "| {table} | {} | {} | {} |",
                columns.len(),
                self.rows[t],
                tally.cells()
            )?;
            writeln!(f, "| {table}, whole rows | | | {} |", self.moves[t].cells())?;
        }
        writeln!(f, "| all | | | {} |\n", all.cells())?;
        writeln!(
            f,
            "Free cells:\n\n| table | column | free where | why | cells found |\n|---|---|---|---|---|"
        )?;
        for (free, found) in FREE.iter().zip(&self.listed) {
            writeln!(
                f,
                "| {} | `{}` | {} | {} | {found} |",
                free.table, free.column, free.when, free.why
            )?;
        }
        let unordered = self
            .names
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| is_unordered(name));
        let unordered = unordered.collect::<Vec<_>>().join(", ");
        writeln!(f, "\nRows may stand in any order in {unordered}.\n")?;
        writeln!(
            f,
            "By column:\n\n| table | column | {heads}\n|---|---|---|---|---|---|---|"
        )?;
        for (t, (table, columns)) in self.names.iter().enumerate() {
            let base = |c: usize| columns[c].split('[').next().unwrap_or_default();
            let mut c = 0;
            while c < columns.len() {
                let end = (c..columns.len())
                    .find(|d| base(*d) != base(c))
                    .unwrap_or(columns.len());
                let tally = self.columns[t][c..end]
                    .iter()
                    .fold(Tally::default(), |sum, c| sum.add(*c));
                writeln!(f, "| {table} | `{}` | {} |", base(c), tally.cells())?;
                c = end;
            }
        }
        Ok(())
    }
}
