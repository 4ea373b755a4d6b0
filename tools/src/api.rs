//! The public API of each crate as a list, so that a change of it is seen where it is made.
//!
//! rustdoc says what is public (its JSON, which a switch allows on stable: `tools/rustdoc-json`), the crate `public-api` makes
//! lines of it. Blanket, automatic and derived impls are left out: what they say is said by the compiler.

use crate::{Failure, Mode, coverage::coverage, workspace};
use public_api::Builder;
use std::{collections::BTreeSet, fs, path::Path, process::Command};

/// Differences shown of one crate.
const SHOWN: usize = 20;

/// What stands above the table of crates.
const HEAD: &str = "# Public API\n\n\
    Written by `.ci/generated`; `.ci/run` refuses a change of the API that is not in it, and shows what changed.\n\
    A line for each item; blanket, automatic and derived impls are left out.\n\n\
    *in an example*: of the structs, enums, traits and functions that others can name, those whose name is in an example of the\n\
    crate's documentation, all of which run as tests. The others are plain data, errors, or views of the node's API that are read as JSON.\n\n\
    | crate | types and functions | in an example |\n|---|---:|---:|\n";

/// Writes or checks the lists.
pub(crate) fn run(root: &Path, mode: Mode) -> Result<(), Failure> {
    let crates = workspace::crates(root)?;
    let built = document(root, &crates)?;
    let (mut wrong, mut rows) = (vec![], String::new());
    let folder = root.join("docs/api");
    for name in &crates {
        let path = built.join(format!("{}.json", name.replace('-', "_")));
        let api = Builder::from_rustdoc_json(&path)
            .omit_blanket_impls(true)
            .omit_auto_trait_impls(true)
            .omit_auto_derived_impls(true)
            .build()
            .map_err(|error| {
                let hint = "after a change of the toolchain, that of `public-api` in tools/Cargo.toml has to go with it";
                Failure::Wrong(vec![format!("{}: {error} ({hint})", path.display())])
            })?;
        let items: Vec<String> = api.items().map(ToString::to_string).collect();
        if let Some(now) = workspace::put(&folder.join(format!("{name}.txt")), &list(&items), mode)? {
            wrong.extend(changes(name, &now, &items));
        }
        let json = serde_json::from_str(&workspace::read(&path)?).unwrap_or_default();
        let counts = coverage(&json).unwrap_or_default();
        rows.push_str(&format!(
            "| [{name}]({name}.txt) | {} | {} |\n",
            counts.public, counts.shown
        ));
    }
    if workspace::put(&folder.join("README.md"), &format!("{HEAD}{rows}"), mode)?.is_some() {
        wrong.push("docs/api/README.md is out of date".to_owned());
    }
    stray(&folder, &crates, mode, &mut wrong)?;
    if wrong.is_empty() {
        return Ok(());
    }
    wrong.push(
        "the public API is another than docs/api says. If that is meant: .ci/generated, and commit it"
            .to_owned(),
    );
    Err(Failure::Wrong(wrong))
}

/// Has rustdoc describe the crates; gives the folder where it did.
fn document(root: &Path, crates: &[String]) -> Result<std::path::PathBuf, Failure> {
    // What cargo is told, so that it is not the HTML that it considers fresh.
    let flags = "-Z unstable-options --output-format json --cap-lints allow";
    let mut cargo = Command::new("cargo");
    cargo
        .args(["doc", "--no-deps", "--locked", "--lib", "--quiet"])
        .current_dir(root);
    crates.iter().for_each(|name| {
        cargo.args(["-p", name]);
    });
    let status = cargo
        .env("RUSTDOCFLAGS", flags)
        .env("RUSTDOC", root.join("tools/rustdoc-json"))
        .status()
        .map_err(Failure::io("cargo doc"))?;
    if !status.success() {
        return Err(Failure::Wrong(vec!["cargo doc failed".to_owned()]));
    }
    let metadata = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .current_dir(root)
        .output()
        .map_err(Failure::io("cargo metadata"))?;
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap_or_default();
    match metadata["target_directory"].as_str() {
        Some(target) => Ok(Path::new(target).join("doc")),
        None => Err(Failure::Wrong(vec![
            "cargo metadata names no target directory".to_owned(),
        ])),
    }
}

fn list(items: &[String]) -> String {
    items.iter().flat_map(|item| [item, "\n"]).collect()
}

/// What is gone and what is new, in order, a line each.
fn changes(name: &str, now: &str, items: &[String]) -> Vec<String> {
    let before: BTreeSet<&str> = now.lines().collect();
    let after: BTreeSet<&str> = items.iter().map(String::as_str).collect();
    let gone = before.difference(&after).map(|item| format!("{name}: - {item}"));
    let new = after.difference(&before).map(|item| format!("{name}: + {item}"));
    let mut lines: Vec<String> = gone.chain(new).collect();
    if lines.is_empty() {
        lines.push(format!("{name}: the same items, in another order"));
    }
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if more > 0 {
        lines.push(format!("{name}: and {more} more"));
    }
    lines
}

/// Lists of crates that are no more.
fn stray(folder: &Path, crates: &[String], mode: Mode, wrong: &mut Vec<String>) -> Result<(), Failure> {
    for entry in fs::read_dir(folder).map_err(Failure::io(folder.display()))? {
        let path = entry.map_err(Failure::io(folder.display()))?.path();
        let name = path
            .file_stem()
            .map(|it| it.to_string_lossy().into_owned())
            .unwrap_or_default();
        if crates.contains(&name) || name == "README" {
            continue;
        }
        match mode {
            Mode::Check => wrong.push(format!("docs/api/{name}.txt is of no crate")),
            Mode::Write => fs::remove_file(&path).map_err(Failure::io(path.display()))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(items: &[&str]) -> Vec<String> {
        items.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn says_what_is_gone_and_what_is_new() {
        let lines = changes(
            "x",
            "pub fn a()\npub fn b()\n",
            &items(&["pub fn b()", "pub fn c()"]),
        );
        assert_eq!(lines, ["x: - pub fn a()", "x: + pub fn c()"]);
    }

    #[test]
    fn says_so_of_another_order() {
        assert_eq!(
            changes("x", "b\na\n", &items(&["a", "b"])),
            ["x: the same items, in another order"]
        );
    }

    #[test]
    fn shows_some_of_many_changes_and_counts_the_others() {
        let many: Vec<String> = (0..SHOWN + 3).map(|n| format!("pub fn f{n}()")).collect();
        let lines = changes("x", "", &many);
        assert_eq!((lines.len(), lines[SHOWN].as_str()), (SHOWN + 1, "x: and 3 more"));
    }

    #[test]
    fn finds_lists_of_crates_that_are_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("old.txt"), "").expect("written");
        fs::write(folder.path().join("new.txt"), "").expect("written");
        let mut wrong = vec![];
        stray(folder.path(), &items(&["new"]), Mode::Check, &mut wrong).expect("read");
        assert_eq!(wrong, ["docs/api/old.txt is of no crate"]);
        stray(folder.path(), &items(&["new"]), Mode::Write, &mut vec![]).expect("removed");
        assert!(!folder.path().join("old.txt").exists() && folder.path().join("new.txt").exists());
    }
}
