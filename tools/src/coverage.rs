//! How many of a crate's public types and functions are in an example that runs, from rustdoc's JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::markdown::{Block, blocks};

/// Of one crate.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// Structs, enums, traits and functions that others can name.
    pub(crate) public: usize,
    /// Those whose name is in an example of the crate's documentation.
    pub(crate) shown: usize,
}

/// Counts in the JSON of a crate; nothing if it is not of the form that is known.
pub(crate) fn coverage(json: &Value) -> Option<Coverage> {
    let index = json["index"].as_object()?;
    let mut names = BTreeMap::new();
    walk(index, &json["root"], &mut names, 0)?;
    let words: BTreeSet<&str> = index
        .values()
        .flat_map(|item| examples(item["docs"].as_str()))
        .collect();
    let shown = names
        .values()
        .filter(|name| words.contains(name.as_str()))
        .count();
    Some(Coverage {
        public: names.len(),
        shown,
    })
}

type Index = serde_json::Map<String, Value>;

/// Collects what a module makes public, by id, so that what is exported twice counts once.
fn walk(index: &Index, module: &Value, names: &mut BTreeMap<String, String>, depth: usize) -> Option<()> {
    let items = item(index, module)?["inner"]["module"]["items"].as_array()?;
    for id in items {
        let Some(found) = item(index, id) else { continue };
        if found["visibility"] != "public" && found["inner"].get("use").is_none() {
            continue;
        }
        let (id, found) = match found["inner"].get("use") {
            Some(used) => match item(index, &used["id"]) {
                Some(target) => (&used["id"], target),
                // Of another crate.
                None => continue,
            },
            None => (id, found),
        };
        if found["inner"].get("module").is_some() && depth < 8 {
            walk(index, id, names, depth + 1)?;
        }
        let counts = ["struct", "enum", "union", "trait", "function"];
        let counted = counts.iter().any(|kind| found["inner"].get(kind).is_some());
        if let (true, Some(name), Some(0)) = (counted, found["name"].as_str(), found["crate_id"].as_u64()) {
            names.insert(id.to_string(), name.to_owned());
        }
    }
    Some(())
}

fn item<'a>(index: &'a Index, id: &Value) -> Option<&'a Value> {
    index.get(&id.to_string())
}

/// The words of the examples of a comment.
fn examples(docs: Option<&str>) -> Vec<&str> {
    let docs = docs.unwrap_or_default();
    let mut words = vec![];
    let runs = |info: &str| {
        info.split(',')
            .all(|it| ["", "rust", "standalone_crate", "should_panic"].contains(&it.trim()))
    };
    let mut lines = blocks(docs.lines()).into_iter().filter_map(|block| match block {
        Block::Fenced { info, lines } if runs(&info) => Some(lines),
        _ => None,
    });
    let mut wanted: Vec<String> = lines.by_ref().flatten().collect();
    wanted.dedup();
    for line in docs.lines() {
        if wanted.iter().any(|it| it == line) {
            words.extend(
                line.split(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .filter(|it| !it.is_empty()),
            );
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_what_is_exported_and_what_of_it_is_in_an_example() {
        let item = |name: &str, kind: &str, docs: &str| json!({ "name": name, "crate_id": 0, "visibility": "public", "docs": docs, "inner": { kind: {} } });
        let module = |items: Value| json!({ "visibility": "public", "docs": null, "inner": { "module": { "items": items } } });
        let used = json!({ "visibility": "public", "docs": null, "inner": { "use": { "id": 4 } } });
        let foreign = json!({ "visibility": "public", "docs": null, "inner": { "use": { "id": 99 } } });
        let json = json!({ "root": 0, "index": {
            "0": module(json!([1, 2, 3, 6])),
            "1": item("Shown", "struct", "Text.\n```\nlet it = Shown::new();\n```"),
            "2": item("Hidden", "enum", "```text\nHidden\n```\nHidden in text is none, nor one that is not run:\n```no_run\nHidden\n```"),
            "3": used,
            // In a private module, and exported from above.
            "4": item("helper", "function", "```\nhelper(1);\n```"),
            "5": item("Unreachable", "struct", ""),
            "6": foreign,
        } });
        assert_eq!(coverage(&json), Some(Coverage { public: 3, shown: 2 }));
        assert_eq!(coverage(&json!({})), None);
    }
}
