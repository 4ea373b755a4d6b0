//! Looks for dead links: in Markdown, relative links and anchors; in all of text, paths of pages; and pages that no index has.

use crate::{
    Failure,
    markdown::{Block, Piece, anchors, blocks, pieces},
    workspace,
};
use std::{collections::BTreeMap, path::Path};

/// The index of the pages in `docs`.
const INDEX: &str = "docs/README.md";

/// Checks the repository.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let mut texts = BTreeMap::new();
    let files = workspace::files(root)?;
    for name in &files {
        // This program's own tests name pages that there are not.
        let own = name.starts_with("tools/src/");
        if !own && [".md", ".rs", ".toml"].iter().any(|end| name.ends_with(end)) {
            texts.insert(name.clone(), workspace::read(&root.join(name))?);
        }
    }
    let mut wrong = check(&texts, &|path| root.join(path).exists());
    wrong.extend(unplaced(&files, &texts));
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Failure::Wrong(wrong))
    }
}

/// What is wrong, a line each, in texts by their path from the root.
fn check(texts: &BTreeMap<String, String>, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut wrong = vec![];
    for (name, text) in texts {
        for (line, path) in named_pages(text) {
            if !exists(&path) {
                wrong.push(format!("{name}:{line}: there is no {path}"));
            }
        }
        if name.ends_with(".md") {
            for target in targets(text) {
                if let Some(what) = dead(name, &target, texts, exists) {
                    wrong.push(format!("{name}: ({target}): {what}"));
                }
            }
        }
    }
    if let Some(index) = texts.get(INDEX) {
        let listed: Vec<String> = targets(index)
            .iter()
            .filter_map(|it| resolve(INDEX, path_of(it)))
            .collect();
        for page in texts
            .keys()
            .filter(|it| it.starts_with("docs/") && it.ends_with(".md") && *it != INDEX)
        {
            if !listed.contains(page) {
                wrong.push(format!("{INDEX} does not list {page}"));
            }
        }
    }
    wrong
}

/// Golden vectors that no page of `docs/spec` names, by their file or by their folder.
fn unplaced(files: &[String], texts: &BTreeMap<String, String>) -> Vec<String> {
    let of_vectors = |name: &&String| name.contains("/tests/vectors/") || name.contains("/tests/golden/");
    let pages: Vec<&String> = texts
        .iter()
        .filter(|(name, _)| name.starts_with("docs/spec/"))
        .map(|(_, text)| text)
        .collect();
    let named = |what: &str| pages.iter().any(|text| text.contains(what));
    let placed = |name: &str| {
        let (folder, file) = name.rsplit_once('/').unwrap_or_default();
        let whole_folder = !folder.ends_with("/vectors") && named(&format!("{folder}/`"));
        named(&format!("`{file}`")) || named(&format!("/{file}`")) || whole_folder
    };
    let unplaced = files.iter().filter(of_vectors).filter(|name| !placed(name));
    unplaced
        .map(|name| format!("{name} is named by no page of docs/spec"))
        .collect()
}

/// The targets of a page's links and definitions, outside of code.
fn targets(page: &str) -> Vec<String> {
    let mut targets = vec![];
    for block in blocks(page.lines()) {
        if let Block::Text(text) = block {
            collect(&text, &mut targets);
        }
    }
    targets
}

fn collect(text: &str, targets: &mut Vec<String>) {
    for piece in pieces(text) {
        match piece {
            Piece::Link { label, target } => {
                // An image, say, within a link.
                collect(label, targets);
                targets.push(target.split(" \"").next().unwrap_or(target).trim().to_owned());
            }
            Piece::Definition { target, .. } => targets.push(target.to_owned()),
            _ => {}
        }
    }
}

fn path_of(target: &str) -> &str {
    target.split('#').next().unwrap_or_default()
}

/// What is wrong with a link of this page.
fn dead(
    page: &str,
    target: &str,
    texts: &BTreeMap<String, String>,
    exists: &dyn Fn(&str) -> bool,
) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = (path_of(target), target.split_once('#').map(|(_, anchor)| anchor));
    let to = if path.is_empty() {
        page.to_owned()
    } else {
        resolve(page, path)?
    };
    if !exists(&to) {
        return Some(format!("there is no {to}"));
    }
    let anchor = anchor?;
    let heads = texts
        .get(&to)
        .filter(|_| to.ends_with(".md"))
        .map(|it| anchors(it));
    match heads {
        Some(heads) if !heads.iter().any(|it| it == anchor) => Some(format!("{to} has no heading #{anchor}")),
        _ => None,
    }
}

/// A path from the root, of one that stands in a page. What leads out of the repository leads to the root.
fn resolve(page: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    Some(if path.is_empty() { ".".to_owned() } else { path })
}

/// The pages that a text names by their path from the root, as in a comment; `docs/{a,b}.md` names two.
fn named_pages(text: &str) -> Vec<(usize, String)> {
    let mut named = vec![];
    for (number, line) in text.lines().enumerate() {
        let mut rest = line;
        while let Some(at) = rest.find("docs/") {
            let before = rest[..at].chars().next_back();
            let path: String = rest[at..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || "/._-{},".contains(*c))
                .collect();
            rest = &rest[at + "docs/".len()..];
            // Part of a longer path or address, or of a relative one, which is a link.
            if before.is_some_and(|c| c.is_alphanumeric() || "/._-(".contains(c)) {
                continue;
            }
            let Some(end) = path.find(".md") else { continue };
            named.extend(
                braces(&path[..end + 3])
                    .into_iter()
                    .map(|path| (number + 1, path)),
            );
        }
    }
    named
}

fn braces(path: &str) -> Vec<String> {
    let parts = path
        .split_once('{')
        .and_then(|(head, rest)| Some((head, rest.split_once('}')?)));
    match parts {
        None => vec![path.to_owned()],
        Some((head, (choices, tail))) => choices.split(',').map(|it| format!("{head}{it}{tail}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(pages: &[(&str, &str)]) -> Vec<String> {
        let texts: BTreeMap<String, String> = pages
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        check(&texts, &|path| {
            path == "." || path == "src" || texts.contains_key(path)
        })
    }

    #[test]
    fn accepts_links_that_lead_somewhere() {
        let pages = [
            (
                "README.md",
                "[a](docs/a.md#one-two), [src](src), [up](#up), [out](https://example.org/x.md), `[no](where)`\n# Up\n",
            ),
            (
                "docs/a.md",
                "## One, two\n[back](../README.md) [dot](..)\n```\n[code](gone.md)\n```\n[x]: a.md\n",
            ),
            ("src/lib.rs", "// docs/a.md and https://example.org/docs/b.md\n"),
        ];
        assert_eq!(wrong(&pages), [""; 0]);
    }

    #[test]
    fn refuses_a_link_to_no_file() {
        assert_eq!(
            wrong(&[("a/b.md", "\n[x](../c.md)")]),
            ["a/b.md: (../c.md): there is no c.md"]
        );
        assert_eq!(
            wrong(&[("b.md", "[x]: c.md")]),
            ["b.md: (c.md): there is no c.md"]
        );
        assert_eq!(
            wrong(&[("b.md", "[![x](p.svg)](b.md)")]),
            ["b.md: (p.svg): there is no p.svg"]
        );
    }

    #[test]
    fn refuses_a_link_to_no_heading() {
        assert_eq!(
            wrong(&[("b.md", "# Here\n[x](#there)")]),
            ["b.md: (#there): b.md has no heading #there"]
        );
        let pages = [("b.md", "[x](c.md#there)"), ("c.md", "# Here")];
        assert_eq!(wrong(&pages), ["b.md: (c.md#there): c.md has no heading #there"]);
    }

    #[test]
    fn refuses_a_comment_that_names_no_page() {
        assert_eq!(
            wrong(&[("x.rs", "//! a\n//! `docs/spec/no.md`")]),
            ["x.rs:2: there is no docs/spec/no.md"]
        );
        let pages = [("x.rs", "// docs/{a,b}.md"), ("docs/a.md", "")];
        assert_eq!(wrong(&pages), ["x.rs:1: there is no docs/b.md"]);
    }

    #[test]
    fn refuses_a_golden_vector_that_no_page_names() {
        let files = ["a.hex", "b.hex", "message/c.hex"].map(|it| format!("crates/x/tests/vectors/{it}"));
        let text = "`crates/x/tests/vectors/a.hex`, `crates/x/tests/vectors/message/`".to_owned();
        let texts = BTreeMap::from([("docs/spec/x.md".to_owned(), text)]);
        assert_eq!(
            unplaced(&files, &texts),
            ["crates/x/tests/vectors/b.hex is named by no page of docs/spec"]
        );
    }

    #[test]
    fn refuses_a_page_that_the_index_does_not_list() {
        let pages = [(INDEX, "[a](a.md)"), ("docs/a.md", ""), ("docs/spec/b.md", "")];
        assert_eq!(wrong(&pages), ["docs/README.md does not list docs/spec/b.md"]);
    }
}
