//! Pages of `docs/circuits` with parts that tests generate.

use std::fs;
use std::path::PathBuf;

/// Set to 1, the tests write the generated parts instead of comparing them.
const REWRITE: &str = "NONOS_WRITE_DOCS";

#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the tests says so by the environment"
)]
fn is_rewriting() -> bool {
    std::env::var(REWRITE).is_ok_and(|value| value == "1")
}

/// Panics unless the part of a page between `<!-- generated: part -->` and `<!-- end -->` is `text`.
pub(crate) fn assert_generated(page: &str, part: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/circuits")
        .join(page);
    let (start, end) = (format!("<!-- generated: {part} -->\n"), "<!-- end -->\n");
    let rewrite = is_rewriting();
    let stored = match fs::read_to_string(&path) {
        Err(_) if rewrite => format!("# {}\n\n{start}{end}", page.trim_end_matches(".md")),
        stored => stored.unwrap_or_else(|error| panic!("{}: {error}", path.display())),
    };
    let (before, rest) = stored
        .split_once(&start)
        .unwrap_or_else(|| panic!("{page} has no line {start}"));
    let (old, after) = rest
        .split_once(end)
        .unwrap_or_else(|| panic!("{page} has no line {end} behind {start}"));
    let text = format!("\n{}\n\n", text.trim());
    if rewrite {
        fs::write(&path, format!("{before}{start}{text}{end}{after}")).expect("the page can be written");
    } else if old != text {
        let differs = old.lines().zip(text.lines()).find(|(old, new)| old != new);
        panic!("docs/circuits/{page} is out of date ({REWRITE}=1 rewrites it); first: {differs:?}");
    }
}
