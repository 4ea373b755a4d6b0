//! The README of a crate, from the guide in its `lib.rs`: one text, which `cargo doc`, its doc tests and GitHub share.
//!
//! A program of our own, since what is to be had turns links to items into links to docs.rs, where these crates are not,
//! and does not read examples that depend on a feature.

use crate::{
    Failure, Mode,
    markdown::{Block, Piece, blocks, pieces},
    workspace,
};
use std::path::Path;

/// What each guide has to say, in this order.
const SECTIONS: [&str; 3] = ["What it does not do", "The types to know", "Errors"];

/// Writes or checks all of them.
pub(crate) fn run(root: &Path, mode: Mode) -> Result<(), Failure> {
    let mut wrong = vec![];
    for name in workspace::crates(root)? {
        let folder = root.join("crates").join(&name);
        let source = workspace::read(&folder.join("src/lib.rs"))?;
        let manifest = workspace::read(&folder.join("Cargo.toml"))?;
        let exists = |path: &str| {
            if root.join(path).exists() {
                Some(format!("../../{path}"))
            } else {
                folder.join(path).exists().then(|| path.to_owned())
            }
        };
        match render(&name, &source, &manifest, &exists) {
            Err(complaints) => wrong.extend(
                complaints
                    .iter()
                    .map(|it| format!("crates/{name}/src/lib.rs: {it}")),
            ),
            Ok(readme) => {
                if workspace::put(&folder.join("README.md"), &readme, mode)?.is_some() {
                    wrong.push(format!(
                        "crates/{name}/README.md is not what the guide in src/lib.rs gives: .ci/generated"
                    ));
                }
            }
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Failure::Wrong(wrong))
    }
}

/// Where a path leads from the folder of the crate, if it is there.
type Exists<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The README, or what is wrong with the guide.
fn render(name: &str, source: &str, manifest: &str, exists: Exists<'_>) -> Result<String, Vec<String>> {
    let guide = guide(source);
    let mut wrong = vec![];
    let mut examples = 0;
    let mut readme = format!("<!-- From the guide in src/lib.rs, by `.ci/generated`. -->\n# {name}\n\n");
    for block in blocks(guide.iter().map(String::as_str)) {
        match block {
            Block::Text(text) => readme.push_str(&prose(&text, exists, &mut wrong)),
            Block::Fenced { info, lines } => {
                let words: Vec<&str> = info
                    .split(',')
                    .map(str::trim)
                    .filter(|word| !word.is_empty())
                    .collect();
                if let Some(word) = words.iter().find(|word| ["no_run", "ignore"].contains(word)) {
                    wrong.push(format!("an example of the guide does not run: `{word}`"));
                }
                let rust = words
                    .iter()
                    .all(|word| ["rust", "standalone_crate", "should_panic"].contains(word));
                if rust {
                    examples += 1;
                    readme.push_str("```rust\n");
                    lines.iter().filter(|line| !hidden(line)).for_each(|line| {
                        readme.push_str(line);
                        readme.push('\n');
                    });
                } else {
                    readme.push_str(&format!("```{info}\n{}\n", lines.join("\n")));
                }
                readme.push_str("```\n");
            }
        }
    }
    if examples == 0 {
        wrong.push("the guide has no example".to_owned());
    }
    let headings: Vec<&str> = guide.iter().filter_map(|line| line.strip_prefix("# ")).collect();
    let places: Vec<Option<usize>> = SECTIONS
        .map(|it| headings.iter().position(|heading| *heading == it))
        .into();
    for (section, _) in SECTIONS.iter().zip(&places).filter(|(_, place)| place.is_none()) {
        wrong.push(format!("the guide lacks its section `# {section}`"));
    }
    let found: Vec<usize> = places.into_iter().flatten().collect();
    if !found.is_sorted() {
        wrong.push(format!(
            "the guide's sections are not in this order: {}",
            SECTIONS.join(", ")
        ));
    }
    let features = features(manifest);
    if !features.is_empty() && !headings.contains(&"Features") {
        wrong.push("the guide lacks its section `# Features`".to_owned());
    }
    for feature in &features {
        if !guide
            .iter()
            .any(|line| line.starts_with("| `") && line.contains(&format!("`{feature}`")))
        {
            wrong.push(format!("the feature `{feature}` is in no table of the guide"));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut readme = readme.trim_end().to_owned();
    if features.is_empty() {
        readme.push_str("\n\nIt has no features to choose from.");
    }
    readme.push_str(&format!(
        "\n\n---\nA crate of the [NØN-OS operator node](../../README.md). All of its API: `cargo doc -p {name} --open`; \
         as a list: [docs/api/{name}.txt](../../docs/api/{name}.txt).\n"
    ));
    Ok(readme)
}

/// The lines of the documentation at the top of a file, as with all features.
fn guide(source: &str) -> Vec<String> {
    let mut guide = vec![];
    for line in source.lines() {
        if let Some(text) = line.strip_prefix("//!") {
            guide.push(text.strip_prefix(' ').unwrap_or(text).to_owned());
        } else if let Some(rest) = line.strip_prefix("#![cfg_attr(") {
            // `feature = "x", doc = "text")]`; what stands there without the feature is left out.
            let text = rest.split_once("doc = \"").and_then(|(when, text)| {
                let text = text.strip_suffix("\")]")?;
                (!when.trim_start().starts_with("not(")).then(|| text.to_owned())
            });
            guide.extend(text);
        } else {
            break;
        }
    }
    guide
}

/// Whether rustdoc hides this line of an example.
fn hidden(line: &str) -> bool {
    let line = line.trim_start();
    line == "#" || line.starts_with("# ")
}

/// Text with headings one deeper, links to items as plain code, and paths of the repository as links.
fn prose(text: &str, exists: Exists<'_>, wrong: &mut Vec<String>) -> String {
    let text: String = text
        .split_inclusive('\n')
        .map(|line| {
            if line.starts_with('#') {
                format!("#{line}")
            } else {
                line.to_owned()
            }
        })
        .collect();
    let pieces = pieces(&text);
    let outward = |target: &str| target.contains("://");
    let defined = |name: &str| {
        pieces
            .iter()
            .any(|it| matches!(it, Piece::Definition { name: of, target } if *of == name && outward(target)))
    };
    let mut prose = String::new();
    for piece in &pieces {
        match *piece {
            Piece::Text(text) => prose.push_str(text),
            Piece::Code(code) => prose.push_str(&span(code, exists, wrong)),
            Piece::Link { label, target } if outward(target) => {
                prose.push_str(&format!("[{label}]({target})"))
            }
            Piece::Definition { name, target } if outward(target) => {
                prose.push_str(&format!("[{name}]: {target}\n"));
            }
            Piece::Definition { .. } => {}
            Piece::Reference { label, name } if defined(name) => {
                prose.push_str(&format!("[{label}][{name}]"))
            }
            Piece::Link { label, .. } | Piece::Reference { label, .. } => prose.push_str(label),
        }
    }
    prose
}

/// A code span; a link, too, if it is a path.
fn span(code: &str, exists: Exists<'_>, wrong: &mut Vec<String>) -> String {
    let path = code.contains('/')
        && code
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    match exists(code) {
        Some(link) if path => format!("[`{code}`]({link})"),
        None if path && code.ends_with(".md") => {
            wrong.push(format!("there is no {code}"));
            String::new()
        }
        _ => format!("`{code}`"),
    }
}

/// The features of a manifest, `default` aside.
fn features(manifest: &str) -> Vec<&str> {
    let mut features = vec![];
    let mut within = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            within = line == "[features]";
        } else if let (true, Some((name, _))) = (within, line.split_once(" = ")) {
            features.push(name.trim());
        }
    }
    features.retain(|name| *name != "default" && !name.starts_with('#') && !name.contains(['"', ' ']));
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDE: &str = r#"//! Does a thing, as [`Doer`] says.
//!
#![cfg_attr(feature = "big", doc = "```")]
#![cfg_attr(not(feature = "big"), doc = "```text")]
//! # use nothing;
//! let x = [1];
//! # Ok::<_, ()>(())
//! ```
//!
//! # What it does not do
//! All else: [`other`](crate::other) and [site](https://example.org) and `docs/page.md`.
//!
//! # The types to know
//! [`Doer`], of [which] kind.
//!
//! [which]: crate::Kind
//!
//! # Errors
//! None.
//!
//! # Features
//! | feature | brings |
//! |---|---|
//! | `big` | more |

mod code;
"#;
    const MANIFEST: &str = "[package]\nname = \"x\"\n[features]\ndefault = [\"big\"]\n# More.\nbig = []\n[dependencies]\ny = \"1\"\n";

    fn exists(path: &str) -> Option<String> {
        (path == "docs/page.md").then(|| format!("../../{path}"))
    }

    fn refused(guide: &str, manifest: &str) -> Vec<String> {
        render("x", guide, manifest, &exists).expect_err("it is wrong")
    }

    #[test]
    fn a_readme_is_the_guide_with_code_for_links_and_without_hidden_lines() {
        let readme = render("x", GUIDE, MANIFEST, &exists).expect("a guide");
        let expected = "# x\n\nDoes a thing, as `Doer` says.\n\n```rust\nlet x = [1];\n```\n\n## What it does not do\n\
             All else: `other` and [site](https://example.org) and [`docs/page.md`](../../docs/page.md).\n\n\
             ## The types to know\n`Doer`, of which kind.\n\n\n## Errors\nNone.\n\n## Features\n\
             | feature | brings |\n|---|---|\n| `big` | more |\n\n---\n";
        assert!(readme.contains(expected), "{readme}");
        assert!(!readme.contains("mod code"));
    }

    #[test]
    fn refuses_a_guide_without_an_example() {
        let guide = GUIDE.replace("big\", doc = \"```\"", "big\", doc = \"```text\"");
        assert_eq!(refused(&guide, MANIFEST), ["the guide has no example"]);
    }

    #[test]
    fn refuses_an_example_that_does_not_run() {
        let guide = GUIDE.replace("big\", doc = \"```\"", "big\", doc = \"```no_run\"");
        let wrong = refused(&guide, MANIFEST);
        assert!(
            wrong.contains(&"an example of the guide does not run: `no_run`".to_owned()),
            "{wrong:?}"
        );
    }

    #[test]
    fn refuses_a_guide_that_lacks_a_section() {
        for section in SECTIONS {
            let guide = GUIDE.replace(&format!("# {section}"), "# Something else");
            assert_eq!(
                refused(&guide, MANIFEST),
                [format!("the guide lacks its section `# {section}`")]
            );
        }
    }

    #[test]
    fn refuses_sections_in_another_order() {
        let guide = GUIDE
            .replace("# Errors", "# X")
            .replace("# The types to know", "# Errors")
            .replace("# X", "# The types to know");
        assert!(refused(&guide, MANIFEST)[0].contains("order"));
    }

    #[test]
    fn refuses_features_that_the_guide_does_not_tell_of() {
        let manifest = MANIFEST.replace("big = []", "big = []\nsmall = []");
        assert_eq!(
            refused(GUIDE, &manifest),
            ["the feature `small` is in no table of the guide"]
        );
        let guide = GUIDE.replace("# Features", "# Choices");
        assert_eq!(
            refused(&guide, MANIFEST),
            ["the guide lacks its section `# Features`"]
        );
    }

    #[test]
    fn refuses_a_page_that_is_not_there() {
        let guide = GUIDE.replace("docs/page.md", "docs/gone.md");
        assert_eq!(refused(&guide, MANIFEST), ["there is no docs/gone.md"]);
    }
}
