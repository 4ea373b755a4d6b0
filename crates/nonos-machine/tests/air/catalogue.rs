//! Published bugs of other machines, each with a test named after it: `docs/circuits/catalogue.md` says which row
//! is held by which test, and where a row is not ours.

mod chips;
mod runs;
mod shape;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// Rows of the catalogue.
const ROWS: usize = 43;

/// The files of this folder.
const OWN: [&str; 3] = [
    include_str!("catalogue/chips.rs"),
    include_str!("catalogue/runs.rs"),
    include_str!("catalogue/shape.rs"),
];

/// Names of the tests of a source.
fn tests(source: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line == "#[test]" {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ") {
            if is_test {
                names.insert(rest.split('(').next().unwrap_or_default());
            }
            is_test = false;
        }
    }
    names
}

#[test]
fn every_row_has_a_test_or_a_reason() {
    let crates = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(crates.join("../docs/circuits/catalogue.md")).expect("the page is there");
    let own: BTreeSet<&str> = OWN.iter().flat_map(|source| tests(source)).collect();
    let mut rows: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for line in page.lines() {
        let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
        let Some(number) = cells.next().and_then(|cell| cell.parse().ok()) else {
            continue;
        };
        let [_, _, held] = [(); 3].map(|()| cells.next().unwrap_or_else(|| panic!("four cells: {line}")));
        let named = held.split('`').skip(1).step_by(2).map(str::to_owned);
        let twice = rows.insert(number, named.collect());
        assert!(twice.is_none(), "row {number} twice");
        assert!(
            !rows[&number].is_empty() || held.starts_with("does not apply: "),
            "row {number}: {held}"
        );
    }
    assert_eq!(
        rows.keys().copied().collect::<Vec<_>>(),
        (1..=ROWS).collect::<Vec<_>>()
    );
    for name in &own {
        let number: usize = name["catalogue_".len()..][..2]
            .parse()
            .expect("the number of a row");
        assert!(rows[&number].contains(*name), "row {number} does not name {name}");
    }
    for (number, named) in &rows {
        for name in named {
            match name.rsplit_once("::") {
                None => assert!(own.contains(name.as_str()), "row {number}: no test {name}"),
                Some((path, name)) => {
                    let source =
                        fs::read_to_string(crates.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
                    assert!(
                        tests(&source).contains(name),
                        "row {number}: no test {name} in {path}"
                    );
                }
            }
        }
    }
}
