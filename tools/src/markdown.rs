//! As much of Markdown as is needed: what is code, what is a link, what is a heading.

/// A piece of text outside of fenced code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Text without any of the others.
    Text(&'a str),
    /// A code span, between its backticks.
    Code(&'a str),
    /// `[label](target)`, the label as written.
    Link { label: &'a str, target: &'a str },
    /// `[label][name]` or `[label]`, where the name is the label.
    Reference { label: &'a str, name: &'a str },
    /// `[name]: target` on a line of its own, its newline included.
    Definition { name: &'a str, target: &'a str },
}

/// The pieces of a text without fenced code.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = vec![];
    let (mut plain, mut at) = (0, 0);
    while let Some(c) = text[at..].chars().next() {
        let found = match c {
            '`' => code(text, at),
            '[' => link(text, at),
            _ => None,
        };
        let Some((piece, end)) = found else {
            at += c.len_utf8();
            continue;
        };
        if plain < at {
            pieces.push(Piece::Text(&text[plain..at]));
        }
        pieces.push(piece);
        (plain, at) = (end, end);
    }
    if plain < text.len() {
        pieces.push(Piece::Text(&text[plain..]));
    }
    pieces
}

/// The code span that begins here, and its end.
fn code(text: &str, at: usize) -> Option<(Piece<'_>, usize)> {
    let ticks = text[at..].len() - text[at..].trim_start_matches('`').len();
    let fence = &text[at..at + ticks];
    let begin = at + ticks;
    let length = text[begin..].find(fence)?;
    Some((Piece::Code(&text[begin..begin + length]), begin + length + ticks))
}

/// What begins with the bracket here, and its end.
fn link(text: &str, at: usize) -> Option<(Piece<'_>, usize)> {
    let close = closing(text, at)?;
    let label = &text[at + 1..close];
    let rest = &text[close + 1..];
    let starts_line = at == 0 || text[..at].ends_with('\n');
    if let Some(target) = rest.strip_prefix("(").and_then(|rest| rest.split_once(')')) {
        let target = target.0;
        return Some((Piece::Link { label, target }, close + 2 + target.len() + 1));
    }
    if let (true, Some(target)) = (starts_line, rest.strip_prefix(": ")) {
        let line = target.split('\n').next().unwrap_or_default();
        let end = (close + 3 + line.len() + 1).min(text.len());
        let target = line.trim();
        return Some((Piece::Definition { name: label, target }, end));
    }
    if let Some((name, _)) = rest.strip_prefix("[").and_then(|rest| rest.split_once(']')) {
        return Some((Piece::Reference { label, name }, close + 2 + name.len() + 1));
    }
    Some((Piece::Reference { label, name: label }, close + 1))
}

/// Where the bracket that opens here is closed; brackets nest, those within code do not count.
fn closing(text: &str, open: usize) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, open);
    while let Some(c) = text[at..].chars().next() {
        match c {
            '`' => match code(text, at) {
                Some((_, end)) => {
                    at = end;
                    continue;
                }
                None => return None,
            },
            '[' => depth += 1,
            ']' if depth == 1 => return Some(at),
            ']' => depth -= 1,
            // A link does not go on after a paragraph.
            '\n' if text[at + 1..].starts_with('\n') => return None,
            _ => {}
        }
        at += c.len_utf8();
    }
    None
}

/// A stretch of lines: text, or what is between fences.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// Lines, each with its newline.
    Text(String),
    /// A fenced block: what stands after the opening fence, and its lines.
    Fenced { info: String, lines: Vec<String> },
}

/// Splits lines where fences are.
pub(crate) fn blocks<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Block> {
    let mut blocks = vec![];
    let mut text = String::new();
    let mut fenced: Option<(String, Vec<String>)> = None;
    for line in lines {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut fenced, fence) {
            (None, Some(info)) => {
                blocks.push(Block::Text(std::mem::take(&mut text)));
                fenced = Some((info.trim().to_owned(), vec![]));
            }
            (Some(_), Some("")) => {
                let (info, lines) = fenced.take().unwrap_or_default();
                blocks.push(Block::Fenced { info, lines });
            }
            (Some((_, lines)), _) => lines.push(line.to_owned()),
            (None, None) => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    if let Some((info, lines)) = fenced {
        blocks.push(Block::Fenced { info, lines });
    }
    blocks.push(Block::Text(text));
    blocks
}

/// The anchors of a page's headings, as GitHub makes them.
pub(crate) fn anchors(page: &str) -> Vec<String> {
    let mut anchors: Vec<String> = vec![];
    for block in blocks(page.lines()) {
        let Block::Text(text) = block else { continue };
        for line in text.lines() {
            let heading = line.trim_start_matches('#');
            let depth = line.len() - heading.len();
            if !(1..=6).contains(&depth) || !heading.starts_with(' ') {
                continue;
            }
            let slug = slug(heading.trim());
            let same = anchors.iter().filter(|it| **it == slug).count();
            if same > 0 {
                anchors.push(format!("{slug}-{same}"));
            }
            anchors.push(slug);
        }
    }
    anchors
}

fn slug(heading: &str) -> String {
    let mut words = String::new();
    for piece in pieces(heading) {
        words.push_str(match piece {
            Piece::Text(text) | Piece::Code(text) => text,
            Piece::Link { label, .. } | Piece::Reference { label, .. } => label,
            Piece::Definition { name, .. } => name,
        });
    }
    let kept = words
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase)
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_links_references_definitions_and_code_apart() {
        let text = "a [`X`](y) and [z], `[no](link)` [w][v]\n[v]: there\nend";
        assert_eq!(
            pieces(text),
            [
                Piece::Text("a "),
                Piece::Link {
                    label: "`X`",
                    target: "y"
                },
                Piece::Text(" and "),
                Piece::Reference {
                    label: "z",
                    name: "z"
                },
                Piece::Text(", "),
                Piece::Code("[no](link)"),
                Piece::Text(" "),
                Piece::Reference {
                    label: "w",
                    name: "v"
                },
                Piece::Text("\n"),
                Piece::Definition {
                    name: "v",
                    target: "there"
                },
                Piece::Text("end"),
            ]
        );
    }

    #[test]
    fn a_bracket_that_nothing_closes_is_text() {
        assert_eq!(pieces("a [b"), [Piece::Text("a [b")]);
        assert_eq!(pieces("a [b\n\nc]"), [Piece::Text("a [b\n\nc]")]);
    }

    #[test]
    fn headings_have_the_anchors_that_github_gives_them() {
        let page = "# Up, and *down*!\n```sh\n# no heading\n```\n## `Code` of [x](y.md)\n## Twice\n## Twice\n#none\n";
        assert_eq!(
            anchors(page),
            ["up-and-down", "code-of-x", "twice", "twice-1", "twice"]
        );
    }
}
