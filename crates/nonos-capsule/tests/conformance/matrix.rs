//! What came of the suite, as a page.

use std::{collections::BTreeMap, fmt::Write};

use crate::plain::Reason;

/// Of one script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// Modules that ran.
    pub(crate) modules: usize,
    /// Assertions that held in the sandbox and the machine: of values, of traps, of exhaustion.
    pub(crate) returned: usize,
    pub(crate) trapped: usize,
    pub(crate) exhausted: usize,
    /// Of these, the ones whose run also went through the constraints.
    pub(crate) constrained: usize,
    /// Modules that must be refused and are.
    pub(crate) refused: usize,
    pub(crate) skipped: BTreeMap<Reason, usize>,
    pub(crate) without: BTreeMap<Reason, usize>,
    /// What must not be.
    pub(crate) wrong: Vec<String>,
}

impl Row {
    fn skips(&self) -> usize {
        self.skipped.values().sum()
    }

    pub(crate) fn skip(&mut self, reason: &str, count: usize) {
        if count > 0 {
            *self.skipped.entry(reason.to_owned()).or_default() += count;
        }
    }

    fn cells(&self) -> String {
        let numbers = [
            self.modules,
            self.without.values().sum(),
            self.returned,
            self.trapped,
            self.exhausted,
            self.constrained,
            self.refused,
            self.skips(),
        ];
        numbers.iter().fold(String::new(), |mut text, number| {
            match number {
                0 => text.push_str(" |"),
                number => write!(text, " {number} |").unwrap(),
            }
            text
        })
    }

    fn add(&mut self, other: &Self) {
        self.modules += other.modules;
        self.returned += other.returned;
        self.trapped += other.trapped;
        self.exhausted += other.exhausted;
        self.constrained += other.constrained;
        self.refused += other.refused;
        for (mine, theirs) in [
            (&mut self.skipped, &other.skipped),
            (&mut self.without, &other.without),
        ] {
            for (reason, count) in theirs {
                *mine.entry(reason.clone()).or_default() += count;
            }
        }
    }
}

/// The page.
pub(crate) fn page(introduction: &str, rows: &[(String, Row)]) -> String {
    let mut total = Row::default();
    rows.iter().for_each(|(_, row)| total.add(row));
    let mut text = introduction.to_owned();
    text.push_str(
        "| script | modules run | not run | returns | traps | exhaustion | through the constraints | refused | skipped |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for (name, row) in rows {
        writeln!(text, "| {name} |{}", row.cells()).unwrap();
    }
    writeln!(text, "| **all** |{}", total.cells()).unwrap();
    for (title, reasons) in [
        ("Assertions that are skipped", &total.skipped),
        ("Modules that are not run", &total.without),
    ] {
        write!(text, "\n## {title}\n\n| count | why |\n|--:|---|\n").unwrap();
        let mut reasons: Vec<_> = reasons.iter().collect();
        reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), (*reason).clone()));
        for (reason, count) in reasons {
            writeln!(text, "| {count} | {reason} |").unwrap();
        }
    }
    text
}
