//! What stands in the way, and messages of channels, by hand at one node that knows nobody.

use crate::{
    node::{Running, init},
    support::Place,
};
use serde_json::Value;

const NAME: &str = "0101010101010101010101010101010101010101010101010101010101010101";

fn codes(answer: &Value) -> Vec<&str> {
    let findings = answer["findings"].as_array().expect("a list").iter();
    findings.map(|it| it["code"].as_str().expect("a code")).collect()
}

#[test]
fn a_lonely_node_says_why_its_job_is_not_done_and_what_would_help() {
    let place = Place::new();
    let id = init(&place, "node");
    let mut node = Running::start(&place, "node", &[]);
    node.address();
    place.pack("sha256");
    let submitted = node.ask(&["job", "submit", "sha256.mod", "--input-hex", "616263"]);
    let job = submitted["job"].as_str().expect("a job");

    let answer = node.ask(&["why-not", job]);
    assert_eq!(
        (&answer["subject"], &answer["name"]),
        (&"job".into(), &job.into())
    );
    assert_eq!(codes(&answer)[..2], ["no-peers", "no-executors"]);
    // For people: each with its remedy below it.
    let shown = place.operator(&["why-not", job, "--data", "node"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(
        shown.stdout.starts_with(&format!("job {job}\n")),
        "{}",
        shown.stdout
    );
    assert!(
        shown.stdout.contains("[no-peers]\n    → `operator peers join`"),
        "{}",
        shown.stdout
    );

    assert_eq!(node.operator(&["job", "cancel", job]).code, 0);
    assert_eq!(codes(&node.ask(&["why-not", job])), ["cancelled"]);
    node.operator(&["job", "result", job])
        .refused(3, "no result yet: it is cancelled");

    let itself = node.ask(&["why-not", &id]);
    assert_eq!(
        (&itself["subject"], codes(&itself)),
        (&"peer".into(), vec!["self"])
    );
    // What is no job and no node that was heard of is taken for a capsule.
    let unknown = node.ask(&["why-not", NAME]);
    assert_eq!(unknown["subject"], "capsule");
    assert!(!codes(&unknown).is_empty());
    node.operator(&["why-not", "7"])
        .refused(2, "64 hexadecimal digits");
}

#[test]
fn a_blocked_peer_is_said_to_be_with_the_way_back() {
    let place = Place::new();
    init(&place, "node");
    let mut node = Running::start(&place, "node", &[]);
    node.address();
    node.ask(&["trust", "block", NAME, "--reason", "a test"]);
    let answer = node.ask(&["why-not", NAME]);
    assert_eq!(
        (&answer["subject"], codes(&answer)),
        (&"peer".into(), vec!["blacklisted"])
    );
    let remedy = answer["findings"][0]["remedy"].as_str().expect("a remedy");
    assert!(
        remedy.contains(&format!("operator trust unblock {NAME}")),
        "{remedy}"
    );
    assert_eq!(node.operator(&["trust", "unblock", NAME]).code, 0);
    assert!(!codes(&node.ask(&["why-not", NAME])).contains(&"blacklisted"));
}

#[test]
fn a_channel_without_messages_lists_none_and_gives_none() {
    let place = Place::new();
    init(&place, "node");
    let mut node = Running::start(&place, "node", &[]);
    node.address();
    assert_eq!(node.ask(&["capsule", "messages", NAME]), serde_json::json!([]));
    let none = node.operator(&["capsule", "messages", NAME, "--print", NAME]);
    assert_ne!(none.code, 0);
    assert!(none.stderr.contains("no receipt"), "{}", none.stderr);
    place.pack("sha256");
    let submitted = node.operator(&["job", "submit", "sha256.mod", "--inbound", NAME]);
    assert_ne!(submitted.code, 0);
    assert_eq!(submitted.stdout, "");
}

#[test]
fn refuses_shards_that_there_are_not() {
    let place = Place::new();
    init(&place, "node");
    let config = String::from_utf8(place.read("node/config.toml")).expect("UTF-8");
    let commented = "#shards = \"all\"";
    assert!(config.contains(commented));
    place.write("node/config.toml", config.replace(commented, "shards = [4]"));
    let run = ["run", "--data", "node", "--passphrase-file", "pass"];
    place.operator(&run).refused(2, "0 to 3");
}
