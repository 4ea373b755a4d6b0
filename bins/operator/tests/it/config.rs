//! `operator config …`: what is told of a configuration that is wrong, and where each setting comes from.

use crate::{
    node::{Running, init, passphrase},
    support::Place,
};
use serde_json::{Value, json};

const WRONG: &str = "network = \"x\"\n[limits]\ncpu = 0\ndisc = \"20GB\"\n[executor]\nenabled = \"yes\"\n\
                     [settlement]\nthreshold = 2\n";

#[test]
fn every_mistake_is_told_with_line_column_key_and_remedy() {
    let place = Place::new();
    place.write("c.toml", WRONG);
    let checked = place.operator(&["config", "check", "c.toml"]);
    checked.refused(2, "error: c.toml has 4 mistakes");
    for line in [
        "c.toml:3:7: limits.cpu: 0 % of the cores: a share is from 1 to 100",
        "c.toml:4:1: limits.disc: unknown field `disc`; did you mean `disk`?",
        "c.toml:6:11: executor.enabled: invalid type: string \"yes\", expected a boolean; write it as in `enabled = true`",
        "c.toml:8:13: settlement.threshold: `threshold` under [settlement] is more than there are `witnesses`; name more",
    ] {
        assert!(
            checked.stderr.lines().any(|it| it.starts_with(line)),
            "{line}: {}",
            checked.stderr
        );
    }
    let told = place.operator(&["--json", "config", "check", "c.toml"]);
    assert_eq!(told.code, 2);
    let told: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(told["mistakes"].as_array().map(Vec::len), Some(4));
    let second = &told["mistakes"][1];
    assert_eq!(
        (&second["line"], &second["key"]),
        (&json!(4), &json!("limits.disc"))
    );
}

#[test]
fn the_default_is_right_and_so_is_what_init_writes() {
    let place = Place::new();
    let text = place.operator(&["config", "default"]);
    assert_eq!(text.code, 0, "{}", text.stderr);
    place.write("c.toml", &text.stdout);
    let checked = place.operator(&["--json", "config", "check", "c.toml"]).json();
    assert_eq!(checked, json!({ "file": "c.toml", "mistakes": [] }));
    init(&place, "node");
    place
        .operator(&["--json", "config", "check", "--data", "node"])
        .json();
    place.write("node/config.toml", WRONG);
    place
        .operator(&["config", "check", "--data", "node"])
        .refused(2, "4 mistakes");
    place
        .operator(&["config", "check", "none.toml"])
        .refused(2, "cannot read none.toml");
}

#[test]
fn each_setting_is_shown_with_where_it_comes_from() {
    let place = Place::new();
    init(&place, "node");
    let peer = "/ip4/192.0.2.7/tcp/4710";
    let show = |more: &[&str], peers: Option<&str>| {
        let mut command = place.command(&[&["--json", "config", "show", "--data", "node"], more].concat());
        command.envs(peers.map(|it| ("NONOS_PEERS", it)));
        let shown = command.output().expect("start operator");
        serde_json::from_slice::<Vec<Value>>(&shown.stdout).expect("a list")
    };
    let of = |shown: &[Value], key: &str| {
        let it = shown.iter().find(|it| it["key"] == key).expect(key);
        (
            it["value"].clone(),
            it["from"].as_str().expect("a source").to_owned(),
        )
    };
    let by = |value: Value, from: &str| (value, from.to_owned());
    let shown = show(&[], None);
    assert_eq!(of(&shown, "network"), by(json!("a test"), "file"));
    assert_eq!(of(&shown, "peers"), by(Value::Null, "default"));
    assert_eq!(of(&shown, "limits.cpu"), by(json!(100), "default"));
    assert_eq!(of(&shown, "limits.disk"), by(Value::Null, "default"));
    let shown = show(&["--http", "off"], Some(peer));
    assert_eq!(of(&shown, "peers"), by(json!([peer]), "environment"));
    assert_eq!(of(&shown, "http.listen"), by(json!("off"), "flag"));
    let shown = show(&["--peer", "/ip4/192.0.2.8/tcp/1", "--changed"], Some(peer));
    assert_eq!(of(&shown, "peers"), by(json!(["/ip4/192.0.2.8/tcp/1"]), "flag"));
    assert_eq!(shown.len(), 3, "{shown:?}");
}

#[test]
fn a_node_is_not_started_with_a_wrong_configuration_and_says_what_to_do() {
    let place = Place::new();
    init(&place, "node");
    passphrase(&place, "pass", "correct horse\n", 0o600);
    place.write("node/config.toml", "[limits]\ndisc = \"20GB\"\n");
    place
        .operator(&["run", "--data", "node", "--passphrase-file", "pass"])
        .refused(
            2,
            "line 2, column 1: limits.disc: unknown field `disc`; did you mean `disk`?",
        );
}

#[test]
fn a_node_that_runs_takes_what_can_change_and_keeps_out_what_is_wrong() {
    let place = Place::new();
    init(&place, "node");
    let text = String::from_utf8(place.read("node/config.toml")).expect("UTF-8");
    let write = |more: &str| place.write("node/config.toml", format!("{text}\n{more}"));
    place
        .operator(&["config", "reload", "--data", "node"])
        .refused(2, "no node runs on node");
    let mut node = Running::start(&place, "node", &["--http", "127.0.0.1:0"]);
    node.address();
    // The file says otherwise where the page is, but the flag goes before it.
    let changed = text
        .replace("#monthly = \"500GB\"", "monthly = \"5GB\"")
        .replace("#hops = 3", "hops = 4");
    place.write(
        "node/config.toml",
        changed.replace("#listen = \"auto\"", "listen = \"off\""),
    );
    let done = node.ask(&["config", "reload"]);
    assert_eq!(
        done,
        json!({ "applied": ["limits.monthly"], "restart": ["onion.hops"] })
    );
    let status = node.ask(&["status"]);
    assert_eq!(status["limits"]["monthly"], json!(5_000_000_000_u64));
    assert_eq!(status["config"]["restart"], json!(["onion.hops"]));

    write("[onion]\nhops = 77\n");
    node.operator(&["config", "reload"])
        .refused(2, "the node goes on as it was set");
    let refused = node.waits_for("config.toml is not taken");
    assert!(refused.contains("duplicate key"), "{refused}");
    let status = node.ask(&["status"]);
    assert_eq!(status["limits"]["monthly"], json!(5_000_000_000_u64));
    assert!(
        status["config"]["refused"]
            .as_str()
            .is_some_and(|it| it.contains("duplicate key")),
        "{status}"
    );

    place.write(
        "node/config.toml",
        text.replace("#executor = \"auto\"", "executor = \"off\""),
    );
    let sent = std::process::Command::new("kill")
        .args(["-HUP", &node.pid().to_string()])
        .status();
    assert!(sent.expect("kill is there").success());
    let said = node.waits_for("config.toml was read again: ");
    assert_eq!(
        said,
        "roles.executor, limits.monthly changed; from the next start on: -"
    );
    let status = node.ask(&["status"]);
    assert_eq!(
        (&status["limits"]["monthly"], &status["config"]["refused"]),
        (&Value::Null, &Value::Null)
    );
    assert!(
        !status["announced"]
            .as_array()
            .expect("a list")
            .contains(&json!("executor")),
        "{status}"
    );
    assert!(node.terminate().success());
}
