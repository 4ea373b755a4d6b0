use super::*;
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = include_str!("../../../../../docs/metrics.md");
const ALERTS: &str = include_str!("../../../../../docs/alerts.yml");

/// Everything that can be said.
fn full() -> String {
    let status = serde_json::json!({
        "id": "00".repeat(32), "network": "00".repeat(32), "version": "0.1\"\\\n0", "data_dir": "/d", "uptime_s": 5,
        "addresses": [], "peers": 3, "roles": [], "announced": [],
        "limits": {
            "cores": 2, "memory": 1, "disk": 100, "disk_used": 50, "upload_kbit_s": null, "monthly": 9,
            "sent_this_month": 3, "received_this_month": 4, "quiet_hours": [], "reached": ["limits.disk"],
        },
        "snapshot": "00".repeat(32), "sandbox": null, "jobs": [["proved", 2], ["expired", 1]], "executed": 7,
        "segments_given": 1, "segments_helped": 2, "verified_ok": 8, "verified_bad": 1, "balance": "-5",
        "blacklisted": ["01".repeat(32)],
        "anonymity": {
            "policy": "preferred", "hops": 3, "why_open": null, "mixes": 9, "guards": 2, "cover": true, "around": 1,
            "back": 1, "own": 1, "cover_frames": 2, "forwarded": 3, "refused": [], "lost": 0, "answered": 4, "failed": 5,
        },
        "dropped": [["bad \"quote\"", 2]], "warnings": ["one"],
    });
    let trust = serde_json::json!([
        { "node": "01".repeat(32), "state": "blacklisted", "score_ppm": 1, "contexts": [], "evidence": [] },
        { "node": "02".repeat(32), "state": "new", "score_ppm": 1, "contexts": [], "evidence": [] },
        { "node": "03".repeat(32), "state": "new", "score_ppm": 1, "contexts": [], "evidence": [] },
    ]);
    let roles = serde_json::json!([{
        "role": "executor", "taken": true, "since": 1, "pin": "auto", "code": "able", "reason": "", "changes_in_s": null,
        "checks": [], "waiting_jobs": 0, "other_executors": 0,
    }]);
    let kinds =
        serde_json::json!({ "execute": "1500000000000000000", "seed": "1", "verify": "0", "prove": "0" });
    let books = serde_json::json!({
        "balance": { "earned": kinds, "spent": kinds, "held": "0", "due": "7", "net": "-100000000000000000" },
        "owed_by": [],
    });
    text(
        &serde_json::from_value(status).expect("a status"),
        &serde_json::from_value::<Vec<TrustView>>(trust).expect("trust"),
        &serde_json::from_value::<Vec<RoleView>>(roles).expect("roles"),
        &serde_json::from_value(books).expect("books"),
        &Counts::default(),
    )
}

/// A line with a sample: name, labels, value.
fn sample(line: &str) -> Option<(String, BTreeMap<String, String>, String)> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, quoted) = rest.split_once("=\"")?;
            let mut value = String::new();
            let mut chars = quoted.char_indices();
            let after = loop {
                match chars.next()? {
                    (at, '"') => break at + 1,
                    (_, '\\') => value.push(match chars.next()?.1 {
                        'n' => '\n',
                        it @ ('"' | '\\') => it,
                        _ => return None,
                    }),
                    (_, it) => value.push(it),
                }
            };
            labels.insert(label.to_owned(), value);
            rest = &quoted[after..];
            match rest.chars().next()? {
                ',' => rest = &rest[1..],
                '}' => break,
                _ => return None,
            }
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ')?;
    value.parse::<f64>().ok()?;
    Some((name.to_owned(), labels, value.to_owned()))
}

/// A metric: its type, and the labels and values of its samples.
type Metric = (String, Vec<(BTreeMap<String, String>, String)>);

/// Names with their types, of a text that keeps to the format.
fn parsed(text: &str) -> BTreeMap<String, Metric> {
    let mut metrics = BTreeMap::new();
    let mut current = String::new();
    let mut helped = None;
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').expect("a name and a text");
            assert!(!help.is_empty() && !help.contains('\\'), "{line}");
            helped = Some(name.to_owned());
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a name and a type");
            assert_eq!(helped.take().as_deref(), Some(name), "its help comes first");
            assert!(["counter", "gauge"].contains(&kind), "{line}");
            let legal = |it: char| it.is_ascii_lowercase() || it == '_';
            assert!(name.chars().all(legal) && name.starts_with("nonos_"), "{line}");
            assert!(
                metrics
                    .insert(name.to_owned(), (kind.to_owned(), vec![]))
                    .is_none(),
                "{name} twice"
            );
            current = name.to_owned();
        } else {
            let (name, labels, value) = sample(line).unwrap_or_else(|| panic!("not a sample: {line}"));
            assert_eq!(name, current, "a sample stands under its name");
            let samples = &mut metrics.get_mut(&name).expect("it was named").1;
            assert!(samples.iter().all(|(of, _)| *of != labels), "{line} twice");
            samples.push((labels, value));
        }
    }
    metrics
}

fn label(name: &str, value: &str) -> BTreeMap<String, String> {
    [(name.to_owned(), value.to_owned())].into()
}

#[test]
fn the_text_keeps_to_the_format_and_says_what_the_node_says() {
    let metrics = parsed(&full());
    let value = |name: &str, labels: BTreeMap<String, String>| {
        let found = metrics[name].1.iter().find(|(of, _)| *of == labels);
        found.unwrap_or_else(|| panic!("{name} {labels:?}")).1.clone()
    };
    assert_eq!(value("nonos_jobs", label("state", "proved")), "2");
    assert_eq!(value("nonos_peers_trust", label("state", "new")), "2");
    assert_eq!(value("nonos_peers_trust", label("state", "blacklisted")), "1");
    assert_eq!(
        value("nonos_messages_dropped_total", label("reason", "bad \"quote\"")),
        "2"
    );
    assert_eq!(
        value("nonos_earned_nonos_total", label("kind", "execute")),
        "1.500000000000000000"
    );
    assert_eq!(
        value("nonos_earned_nonos_total", label("kind", "seed")),
        "0.000000000000000001"
    );
    assert_eq!(
        value("nonos_balance_nonos", BTreeMap::new()),
        "-0.100000000000000000"
    );
    assert_eq!(value("nonos_role_taken", label("role", "executor")), "1");
    assert_eq!(value("nonos_hidden", BTreeMap::new()), "1");
    assert_eq!(
        value("nonos_http_refused_total", label("reason", "stranger")),
        "0"
    );
    let (labels, _) = &metrics["nonos_build_info"].1[0];
    assert_eq!(labels["version"], "0.1\"\\\n0");
    // Each says something once all is known.
    for (name, (_, samples)) in &metrics {
        assert!(!samples.is_empty(), "{name}");
    }
}

#[test]
fn every_name_is_documented_with_its_type_and_no_other_is() {
    let exported: BTreeSet<(String, String)> = (parsed(&full()).into_iter())
        .map(|(name, (kind, _))| (name, kind))
        .collect();
    let documented: BTreeSet<(String, String)> = (PAGE.lines())
        .filter_map(|line| line.strip_prefix("| `nonos_"))
        .map(|line| {
            let mut cells = line.split('|').map(str::trim);
            let name = cells.next().expect("a name").trim_end_matches('`');
            (format!("nonos_{name}"), cells.next().expect("a type").to_owned())
        })
        .collect();
    assert_eq!(exported, documented);
}

#[test]
fn alerts_ask_for_what_there_is() {
    let exported = parsed(&full());
    let mut asked = 0;
    for word in ALERTS.split(|it: char| !(it.is_ascii_alphanumeric() || it == '_')) {
        if word.starts_with("nonos_") {
            assert!(exported.contains_key(word), "{word}");
            asked += 1;
        }
    }
    assert!(asked > 5);
}

#[test]
fn money_is_exact() {
    assert_eq!(nonos("0").as_deref(), Some("0.000000000000000000"));
    assert_eq!(nonos("-1").as_deref(), Some("-0.000000000000000001"));
    assert_eq!(
        nonos("340282366920938463463374607431768211455").as_deref(),
        Some("340282366920938463463.374607431768211455")
    );
    assert_eq!(nonos("1.5"), None);
    assert_eq!(nonos(""), None);
}
