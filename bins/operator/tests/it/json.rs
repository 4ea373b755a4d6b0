//! What `docs/json.md` says of keys, types and exit codes, held against processes.

use crate::{
    node::{Running, eventually, init, passphrase},
    support::{Place, sample},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt as _,
};

const PAGE: &str = include_str!("../../../../docs/json.md");

/// Keys and types of a command.
fn documented() -> BTreeMap<&'static str, BTreeMap<&'static str, &'static str>> {
    let mut all: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    let mut command = "";
    for line in PAGE.lines() {
        if let Some(name) = line.strip_prefix("### `operator ") {
            command = name.trim_end_matches('`');
        } else if line.starts_with("## ") {
            command = "";
        } else if let Some((key, kind)) = line.strip_prefix("| `").and_then(|it| it.split_once("` | "))
            && !command.is_empty()
        {
            all.entry(command)
                .or_default()
                .insert(key, kind.trim_end_matches(" |"));
        }
    }
    all
}

/// Is it what a type's name says?
fn is(kind: &str, value: &Value) -> bool {
    let text = value.as_str();
    let hex = text.is_some_and(|it| it.len() == 64 && it.bytes().all(|b| b.is_ascii_hexdigit()));
    match kind {
        "id" | "hash" => hex,
        "text" => text.is_some(),
        "number" | "time" => value.is_u64(),
        "true or false" => value.is_boolean(),
        "atto" => text.is_some_and(|it| it.parse::<i128>().is_ok()),
        "as in the file" => true,
        names if names.starts_with('`') => {
            text.is_some_and(|it| names.split(", ").any(|name| name == format!("`{it}`")))
        }
        several if several.contains(", then") => text.is_some() || value.is_u64(),
        other => panic!("`{other}` is no type of the page"),
    }
}

/// Walks a value: paths of what is in it, and of what is null or empty.
fn walk(value: &Value, path: &str, found: &mut Vec<(String, Value)>, nothing: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) => {
            for (name, value) in entries {
                let dot = if path.is_empty() { "" } else { "." };
                walk(value, &format!("{path}{dot}{name}"), found, nothing);
            }
        }
        Value::Array(values) => {
            if values.is_empty() {
                nothing.insert(path.to_owned());
            }
            values
                .iter()
                .for_each(|it| walk(it, &format!("{path}[]"), found, nothing));
        }
        Value::Null => drop(nothing.insert(path.to_owned())),
        value => found.push((path.to_owned(), value.clone())),
    }
}

#[track_caller]
fn compare(command: &str, keys: &BTreeMap<&str, &str>, value: &Value) {
    let (mut found, mut nothing) = (Vec::new(), BTreeSet::new());
    walk(value, "", &mut found, &mut nothing);
    // Values of settings are what they are.
    let is_value = |path: &str| command == "config show" && path.starts_with("[].value");
    for (path, value) in found.iter().filter(|(path, _)| !is_value(path)) {
        let kind = keys.get(path.as_str());
        let kind = kind.unwrap_or_else(|| panic!("`{command}` prints `{path}`, which the page has not"));
        assert!(is(kind, value), "`{command}`: `{path}` is {value}, and no {kind}");
    }
    let within = |path: &str, outer: &str| {
        path == outer
            || path
                .strip_prefix(outer)
                .is_some_and(|it| it.starts_with(['.', '[']))
    };
    for path in nothing.iter().filter(|path| !is_value(path)) {
        assert!(
            keys.keys().any(|it| within(it, path)),
            "`{command}` prints `{path}`, which the page has not"
        );
    }
    for path in keys.keys().filter(|path| !is_value(path)) {
        let is_there =
            found.iter().any(|(it, _)| it == path) || nothing.iter().any(|outer| within(path, outer));
        assert!(
            is_there,
            "the page says that `{command}` prints `{path}`: {value}"
        );
    }
}

#[test]
fn each_command_prints_the_keys_that_the_page_has_and_no_other() {
    let place = Place::new();
    let mut open = documented();
    let mut check = |command: &'static str, value: &Value| {
        compare(
            command,
            &open
                .remove(command)
                .unwrap_or_else(|| panic!("`{command}` is not on the page")),
            value,
        );
    };
    passphrase(&place, "pass", "correct horse\n", 0o600);
    let offline = |arguments: &[&str]| place.operator(&[&["--json"], arguments].concat()).json();
    let new = [
        "init",
        "--yes",
        "--data",
        "node",
        "--passphrase-file",
        "pass",
        "--listen",
        "/ip4/127.0.0.1/tcp/0",
    ];
    check("init", &offline(&new));
    check("config default", &offline(&["config", "default"]));
    place.write("bad.toml", "[limits]\ncpu = 0\n");
    let bad = place.operator(&["--json", "config", "check", "bad.toml"]);
    check("config check", &serde_json::from_str(&bad.stdout).expect("JSON"));
    check(
        "config show",
        &offline(&["config", "show", "--data", "node", "--http", "off"]),
    );
    let print = [
        "service",
        "install",
        "--user",
        "--passphrase-file",
        "pass",
        "--data",
        "node",
        "--print",
    ];
    check("service install --print", &offline(&print));
    let capsule = sample("sha256");
    let capsule = capsule.to_str().expect("UTF-8");
    check(
        "capsule build",
        &offline(&[
            "capsule",
            "build",
            capsule,
            "--new-key",
            "author.key",
            "-o",
            "x.mod",
        ]),
    );
    check("capsule inspect", &offline(&["capsule", "inspect", "x.mod"]));

    init(&place, "data");
    let config = place.read("data/config.toml");
    place.write(
        "data/config.toml",
        String::from_utf8(config)
            .expect("UTF-8")
            .replace("\"a test\"", "\"nonos-main\""),
    );
    let mut node = Running::start(&place, "node", &["--http", "127.0.0.1:0"]);
    let address = node.address();
    let mut other = Running::start(&place, "data", &["--http", "off", "--peer", &address]);
    other.address();
    let peers = eventually("they know each other", || {
        let peers = node.ask(&["peers"]);
        (peers[0]["software"].as_str().is_some_and(|it| !it.is_empty())).then_some(peers)
    });
    let id = peers[0]["id"].as_str().expect("an id").to_owned();
    check("peers", &peers);
    check("config reload", &node.ask(&["config", "reload"]));
    check("doctor", &node.ask(&["doctor"]));
    check("report", &node.ask(&["report", "-o", "report.json"]));
    check("status", &node.ask(&["status"]));
    check("peers invite", &node.ask(&["peers", "invite"]));
    check("roles list", &node.ask(&["roles", "list"]));
    check("dashboard", &node.ask(&["dashboard"]));
    check("ledger balance", &node.ask(&["ledger", "balance"]));
    check("ledger verify", &node.ask(&["ledger", "verify"]));
    check("capsule publish", &node.ask(&["capsule", "publish", "x.mod"]));
    let submitted = node.ask(&["job", "submit", "x.mod", "--input", "pass"]);
    check("job submit", &submitted);
    let job = submitted["job"].as_str().expect("a job").to_owned();
    check("why-not", &node.ask(&["why-not", &job]));
    let shown = eventually("the job is paid", || {
        let shown = node.ask(&["job", "show", &job]);
        (shown["state"] == "paid").then_some(shown)
    });
    check("job show", &shown);
    node.ask(&["trust", "block", &id, "--reason", "to see it"]);
    check("trust list", &node.ask(&["trust", "list"]));
    assert!(open.is_empty(), "on the page, and not tried: {:?}", open.keys());
}

#[test]
fn exit_codes_say_who_must_act() {
    let place = Place::new();
    init(&place, "node");
    let run = ["run", "--data", "node", "--passphrase-file", "pass"];
    assert_eq!(place.operator(&["config", "default"]).code, 0);
    // 1: the machine.
    let mode =
        |mode| fs::set_permissions(place.path("node/keys"), fs::Permissions::from_mode(mode)).expect("chmod");
    mode(0o755);
    place.operator(&run).refused(1, "chmod 700");
    mode(0o700);
    // 2: who calls.
    place
        .operator(&["status", "--data", "node"])
        .refused(2, "no node runs");
    place.operator(&["no-such-command"]).refused(2, "no-such-command");
    // 3: somebody else.
    place.write("evidence", "none");
    place
        .operator(&["trust", "check", "evidence"])
        .refused(3, "trust evidence --export");
    place.write("x.mod", "no package");
    let refused = place.operator(&["capsule", "inspect", "x.mod"]);
    assert_eq!(
        (refused.code, refused.stdout.as_str()),
        (3, ""),
        "{}",
        refused.stderr
    );
    // All of them are on the page.
    for code in ["| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 4 |", "| 130 |"] {
        assert!(PAGE.contains(code), "{code}");
    }
}
