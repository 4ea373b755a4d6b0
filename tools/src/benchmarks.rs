//! The benchmark page, from what was measured and nothing else: a table or plot without figures is left out, and named.

use std::{fs, path::Path};

use crate::{
    Failure, Mode,
    figures::{Figures, Row, Run},
    plot::{self, Axes, Series, short},
    workspace,
};

/// Where the plots are, from the root.
const PLOTS: &str = "docs/benchmarks";

/// Writes the page and its plots.
pub(crate) fn run(root: &Path, figures: &Path) -> Result<(), Failure> {
    let page = page(&Figures::read(figures)?);
    workspace::put(&root.join("docs/benchmarks.md"), &page.text, Mode::Write)?;
    let folder = root.join(PLOTS);
    // Those of an older page would else stay.
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Failure::io(folder.display()))?;
    }
    for (name, svg) in &page.plots {
        workspace::put(&folder.join(name), svg, Mode::Write)?;
    }
    Ok(())
}

/// A page, and the plots that it shows, by file name.
#[derive(Debug, Default)]
struct Page {
    text: String,
    plots: Vec<(String, String)>,
    missing: Vec<&'static str>,
}

/// A column of a table: what it is called, and of which figure it is.
type Column = (&'static str, &'static str);

fn page(figures: &Figures) -> Page {
    let mut page = Page::default();
    page.line("# Benchmarks\n");
    page.line("Written by `benches/run.sh`, from what it measured and nothing else. How each figure is measured, and what it says:");
    page.line("[benches](../benches/README.md).\n");
    page.runs(figures.runs());
    page.proofs(figures);
    page.verification(figures);
    page.rates(figures, "Ledger", "ledger", "entries a second");
    page.rates(figures, "Admission of gossip", "admission", "messages a second");
    page.rates(figures, "Packets of the onion layer", "onion", "packets a second");
    page.table(figures, "Rollup", "rollup", &[("what", "what"), ("", "value")]);
    page.table(
        figures,
        "Reconciliation",
        "sync",
        &[
            ("receipts that differ", "differ"),
            ("asks", "asks"),
            ("bytes", "bytes"),
            ("ms", "ms"),
        ],
    );
    page.table(
        figures,
        "A run in a process of its own",
        "worker",
        &[
            ("what", "what"),
            ("median, ms", "median_ms"),
            ("95 %, ms", "most_ms"),
        ],
    );
    page.table(
        figures,
        "A mesh of four processes: jobs",
        "jobs",
        &[
            ("job", "job"),
            ("to first good receipt, ms", "receipt_ms"),
            ("verified by all and paid, ms", "paid_ms"),
        ],
    );
    page.rates(figures, "Parts", "parts", "a second");
    if !page.missing.is_empty() {
        let missing = page.missing.join(", ");
        page.line(&format!(
            "## Not measured\n\nThere are no figures, and so no table and no plot, of: {missing}."
        ));
    }
    page.text = format!("{}\n", page.text.trim_end());
    page
}

impl Page {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn runs(&mut self, runs: &[Run]) {
        if runs.is_empty() {
            self.line("Nothing has been measured yet.\n");
            return;
        }
        self.line("| run | commit | machine | memory | compiler | load before |\n|---|---|---|---|---|---|");
        for run in runs {
            let cell = |name| run.head.text(name).unwrap_or("–").replace('|', "\\|");
            let cells = ["date", "commit", "machine", "memory", "rustc", "load"].map(cell);
            self.line(&format!("| {} |", cells.join(" | ")));
        }
        self.line("");
    }

    /// A heading, and of which run what follows is; nothing, but a note, if there is nothing.
    fn begin<'a>(&mut self, figures: &'a Figures, title: &'static str, table: &str) -> Option<Vec<&'a Row>> {
        let Some((run, rows)) = figures.table(table) else {
            self.missing.push(title);
            return None;
        };
        self.line(&format!("## {title}\n"));
        if figures.runs().len() > 1 {
            let of = |name| run.head.text(name).unwrap_or("–");
            self.line(&format!("Of {}, at {}.\n", of("date"), of("commit")));
        }
        Some(rows)
    }

    fn cells(&mut self, rows: &[&Row], columns: &[Column]) {
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        self.line(&format!("| {} |", names.join(" | ")));
        let of_numbers = |figure: &str| rows.iter().all(|row| row.text(figure).is_none());
        let rules: Vec<&str> = columns
            .iter()
            .map(|(_, of)| if of_numbers(of) { "---:" } else { "---" })
            .collect();
        self.line(&format!("|{}|", rules.join("|")));
        for row in rows {
            let cell = |(_, of): &Column| match (row.text(of), row.number(of)) {
                (Some(text), _) => text.replace('|', "\\|"),
                (None, Some(number)) => short(number),
                (None, None) => "–".to_owned(),
            };
            let cells: Vec<String> = columns.iter().map(cell).collect();
            self.line(&format!("| {} |", cells.join(" | ")));
        }
        self.line("");
    }

    fn table(&mut self, figures: &Figures, title: &'static str, table: &str, columns: &[Column]) {
        if let Some(rows) = self.begin(figures, title, table) {
            self.cells(&rows, columns);
        }
    }

    fn show(&mut self, name: &str, title: &str, svg: Option<String>) {
        if let Some(svg) = svg {
            self.line(&format!("![{title}](benchmarks/{name}.svg)\n"));
            self.plots.push((format!("{name}.svg"), svg));
        }
    }

    /// What is done how often in a second, as bars.
    fn rates(&mut self, figures: &Figures, title: &'static str, table: &'static str, unit: &str) {
        let Some(rows) = self.begin(figures, title, table) else {
            return;
        };
        let value = |row: &&Row| Some((row.text("what")?.to_owned(), row.number("per_second")?));
        let values: Vec<(String, f64)> = rows.iter().filter_map(value).collect();
        self.show(table, title, plot::bars(title, unit, &values));
        self.cells(
            &rows,
            &[
                ("what", "what"),
                ("a second", "per_second"),
                ("µs each", "each_us"),
            ],
        );
    }

    fn proofs(&mut self, figures: &Figures) {
        let Some(rows) = self.begin(figures, "Proofs, by steps and backend", "proofs") else {
            return;
        };
        for (name, title, figure, unit) in [
            ("time", "Time to prove a run", "prove_s", "seconds"),
            ("size", "Size of a proof", "proof_bytes", "bytes"),
            ("memory", "Memory to prove a run", "peak_mib", "MiB at the peak"),
        ] {
            let axes = Axes {
                title,
                x: "steps of the run",
                y: unit,
            };
            self.show(
                name,
                title,
                plot::lines(&axes, &series(&rows, "backend", "steps", figure)),
            );
        }
        self.cells(
            &rows,
            &[
                ("program", "program"),
                ("backend", "backend"),
                ("steps", "steps"),
                ("segments", "segments"),
                ("prove, s", "prove_s"),
                ("peak, MiB", "peak_mib"),
                ("proof, bytes", "proof_bytes"),
                ("verify, ms", "verify_ms"),
            ],
        );
    }

    fn verification(&mut self, figures: &Figures) {
        let axes = |title, x| Axes {
            title,
            x,
            y: "ms a proof",
        };
        if let Some((_, rows)) = figures.table("proofs") {
            let title = "Verifying one proof";
            let svg = plot::lines(
                &axes(title, "steps of the run"),
                &series(&rows, "backend", "steps", "verify_ms"),
            );
            if svg.is_some() {
                self.line("## Verification, one by one\n");
                self.show("verify", title, svg);
            }
        }
        if let Some(rows) = self.begin(figures, "Verification in batches", "batches") {
            let title = "Verifying proofs together";
            let svg = plot::lines(
                &axes(title, "proofs in a batch"),
                &series(&rows, "backend", "proofs", "each_ms"),
            );
            self.show("batches", title, svg);
            self.cells(
                &rows,
                &[
                    ("backend", "backend"),
                    ("proofs", "proofs"),
                    ("ms a proof", "each_ms"),
                    ("peak, MiB", "peak_mib"),
                ],
            );
        }
    }
}

/// A series for each value of `by`, in the order of the rows. Rows without a figure, or of zero, have no point.
fn series(rows: &[&Row], by: &str, x: &str, y: &str) -> Vec<Series> {
    let mut all: Vec<Series> = vec![];
    for row in rows {
        let (Some(name), Some(px), Some(py)) = (row.text(by), row.number(x), row.number(y)) else {
            continue;
        };
        if px <= 0.0 || py <= 0.0 {
            continue;
        }
        match all.iter_mut().find(|it| it.name == name) {
            Some(it) => it.points.push((px, py)),
            None => all.push(Series {
                name: name.to_owned(),
                points: vec![(px, py)],
            }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made up, for these tests alone.
    const FIXTURE: &str = concat!(
        r#"{"table":"run","date":"2000-01-01","commit":"c0ffee","machine":"a | b","memory":"1 GiB","rustc":"0","load":"0"}"#,
        "\n",
        r#"{"table":"proofs","program":"p","backend":"one","steps":100,"prove_s":0.5,"proof_bytes":5000,"peak_mib":7,"verify_ms":3}"#,
        "\n",
        r#"{"table":"proofs","program":"q","backend":"one","steps":1000,"prove_s":4,"proof_bytes":6000,"peak_mib":9}"#,
        "\n",
        r#"{"table":"proofs","program":"q","backend":"two","steps":1000,"prove_s":8.25,"proof_bytes":700,"peak_mib":90}"#,
        "\n",
        r#"{"table":"ledger","what":"entries, one a write","per_second":1234.4}"#,
        "\n",
    );

    fn page_of(text: &str) -> Page {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), text).expect("written");
        page(&Figures::read(file.path()).expect("figures"))
    }

    fn plots(page: &Page) -> Vec<&str> {
        page.plots.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn shows_what_was_measured() {
        let page = page_of(FIXTURE);
        assert_eq!(
            plots(&page),
            ["time.svg", "size.svg", "memory.svg", "verify.svg", "ledger.svg"]
        );
        for expected in [
            "| 2000-01-01 | c0ffee | a \\| b | 1 GiB | 0 | 0 |",
            "| q | two | 1,000 | – | 8.25 | 90 | 700 | – |",
            "| entries, one a write | 1,234 | – |",
            "![Time to prove a run](benchmarks/time.svg)",
        ] {
            assert!(page.text.contains(expected), "{expected} is not in {}", page.text);
        }
        // A figure that is missing makes no point: one of three rows has a verification.
        let (_, verify) = &page.plots[3];
        assert_eq!(verify.matches("<circle").count(), 2, "the point, and its name");
    }

    #[test]
    fn says_what_was_not_measured() {
        let page = page_of(FIXTURE);
        assert!(
            page.text
                .contains("of: Verification in batches, Admission of gossip,"),
            "{}",
            page.text
        );
        assert!(!page.text.contains("## Admission of gossip") && !page.text.contains("admission.svg"));
    }

    #[test]
    fn a_page_of_nothing_shows_no_number() {
        let page = page_of("");
        assert!(page.plots.is_empty() && page.text.contains("Nothing has been measured yet."));
        assert!(!page.text.contains(|c: char| c.is_ascii_digit()), "{}", page.text);
    }

    #[test]
    fn says_of_which_run_a_table_is_if_there_are_several() {
        let second = r#"{"table":"run","date":"2000-01-02","commit":"cafe"}"#;
        let page = page_of(&format!("{FIXTURE}{second}\n"));
        assert!(
            page.text.contains("Of 2000-01-01, at c0ffee.")
                && page.text.contains("| 2000-01-02 | cafe | – |")
        );
    }

    #[test]
    fn an_older_plot_does_not_outlive_its_figures() {
        let root = tempfile::tempdir().expect("a folder");
        let file = root.path().join("figures");
        for (text, there) in [(FIXTURE, true), ("", false)] {
            fs::write(&file, text).expect("written");
            run(root.path(), &file).expect("a page");
            assert_eq!(root.path().join(PLOTS).join("time.svg").exists(), there);
        }
    }
}
