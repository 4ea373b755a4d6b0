//! Two meshes that are never connected, and a file that is carried from one to the other.

use crate::{
    node::{Running, eventually, init},
    support::Place,
};
use serde_json::{Value, json};

/// From `printf abc | sha256sum`.
const SHA256_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A requester and an executor do a job; what one of them keeps is written to `carried`, and both are stopped.
fn mesh_that_was(
    place: &Place,
    more: &[&str],
    keeper: &str,
    done: impl Fn(&Value) -> bool,
) -> (String, String) {
    init(place, "requester");
    let id = init(place, "executor");
    let mut requester = Running::start(place, "requester", &[]);
    let address = requester.address();
    let executor = Running::start(place, "executor", &[&["--peer", &address], more].concat());
    eventually("they are connected", || {
        (requester.ask(&["status"])["peers"] == 1).then_some(())
    });
    place.pack("sha256");
    place.write("abc", "abc");
    let submitted = requester.ask(&[
        "job",
        "submit",
        "sha256.mod",
        "--input",
        "abc",
        "--verifiers",
        "0",
    ]);
    let job = submitted["job"].as_str().expect("a job").to_owned();
    eventually("it is done", || {
        let (status, view) = (requester.ask(&["status"]), requester.ask(&["job", "show", &job]));
        done(&json!({ "status": status, "job": view })).then_some(())
    });
    let keeper = if keeper == "executor" {
        &executor
    } else {
        &requester
    };
    let exported = keeper.ask(&["bundle", "export", "carried"]);
    assert_eq!(exported["path"], place.path("carried").to_str().expect("UTF-8"));
    assert_eq!(exported["bytes"], place.read("carried").len());
    assert_eq!(
        (&exported["objects"], &exported["missing"]),
        (&json!(4), &json!(0))
    );
    keeper
        .operator(&["bundle", "export", "carried"])
        .refused(2, "--force writes over it");
    keeper.ask(&["bundle", "export", "carried", "--force"]);
    for node in [requester, executor] {
        assert_eq!(node.terminate().code(), Some(0));
    }
    (job, id)
}

fn sum(counts: &Value) -> u64 {
    let counts = counts.as_object().expect("counts").values();
    counts.map(|count| count.as_u64().expect("a number")).sum()
}

#[test]
fn a_receipt_is_verified_where_its_mesh_was_never_seen() {
    let place = Place::new();
    let (job, executor) = mesh_that_was(&place, &[], "requester", |it| it["job"]["state"] == "paid");
    init(&place, "far");
    let mut far = Running::start(&place, "far", &[]);
    far.address();

    let whole = place.read("carried");
    place.write("cut", &whole[..whole.len() - 100]);
    let cut = far.operator(&["bundle", "import", "cut"]);
    assert_eq!(cut.code, 3, "{cut:?}");
    assert!(cut.stderr.contains("the bundle ends early"), "{}", cut.stderr);
    assert!(
        cut.stderr.contains("when you have a whole copy"),
        "{}",
        cut.stderr
    );
    let cut: Value = serde_json::from_str(&cut.stdout).expect("JSON");
    assert_eq!(sum(&cut["messages"]["waiting"]), 2, "{cut:#}");

    let mut flipped = whole.clone();
    let middle = flipped.len() - 100;
    flipped[middle] ^= 1;
    place.write("flipped", flipped);
    let damaged = far.operator(&["bundle", "import", "flipped"]);
    assert_eq!(damaged.code, 3, "{damaged:?}");
    assert!(
        damaged.stderr.contains("an object whose bytes are not those"),
        "{}",
        damaged.stderr
    );
    assert_eq!(far.ask(&["status"])["verified_ok"], 0);

    let taken = far.ask(&["bundle", "import", "carried"]);
    assert_eq!(
        (&taken["messages"]["taken"], &taken["objects"]["taken"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(taken["damage"], Value::Null);
    let view = far.ask(&["job", "show", &job]);
    assert_eq!(
        (&view["state"], &view["executor"]),
        (&json!("paid"), &json!(executor))
    );
    assert_eq!(view["receipt"]["result_hex"], SHA256_OF_ABC);
    assert!(view["receipt"]["verify_ms"].as_u64().is_some(), "{view:#}");
    let peers = far.ask(&["peers"]);
    let known = peers
        .as_array()
        .expect("a list")
        .iter()
        .find(|it| it["id"] == executor.as_str());
    assert_eq!(known.expect("it is known")["address"], Value::Null);

    let before = (
        far.ask(&["status"])["verified_ok"].clone(),
        far.ask(&["trust", "list"]),
    );
    let again = far.ask(&["bundle", "import", "carried"]);
    assert_eq!(
        (&again["messages"]["taken"], &again["objects"]["taken"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(
        sum(&again["messages"]["refused"]) + sum(&again["messages"]["waiting"]),
        0
    );
    assert_eq!(
        before,
        (
            far.ask(&["status"])["verified_ok"].clone(),
            far.ask(&["trust", "list"])
        )
    );
    let table = place.operator(&["bundle", "import", "carried", "--data", "far"]);
    assert!(table.stdout.contains("0 taken in, 4 known"), "{}", table.stdout);

    init(&place, "foreign");
    let config = String::from_utf8(place.read("foreign/config.toml")).expect("text");
    place.write("foreign/config.toml", config.replace("a test", "another"));
    let mut foreign = Running::start(&place, "foreign", &[]);
    foreign.address();
    foreign
        .operator(&["bundle", "import", "carried"])
        .refused(2, "`network` in config.toml");
    foreign
        .operator(&["bundle", "import", "sha256.mod"])
        .refused(2, "not a bundle");
    foreign
        .operator(&["bundle", "import", "none"])
        .refused(2, "No such file");
}

#[test]
fn a_forger_is_convicted_by_a_file() {
    let place = Place::new();
    let blacklisted = |it: &Value| {
        it["status"]["blacklisted"]
            .as_array()
            .is_some_and(|it| !it.is_empty())
    };
    let forge = ["--conduct", "forge-results"];
    let (_, forger) = mesh_that_was(&place, &forge, "executor", blacklisted);
    init(&place, "far");
    let mut far = Running::start(&place, "far", &[]);
    far.address();
    let taken = far.ask(&["bundle", "import", "carried"]);
    assert_eq!(
        taken["messages"]["refused"],
        json!({ "its proof does not hold": 1 })
    );
    assert_eq!(far.ask(&["status"])["blacklisted"], json!([forger]));
    let trust = far.ask(&["trust", "list"]);
    let guilty = trust
        .as_array()
        .expect("a list")
        .iter()
        .find(|it| it["node"] == forger.as_str());
    let evidence = guilty.expect("it is known")["evidence"][0]
        .as_str()
        .expect("evidence");
    far.ask(&["trust", "evidence", evidence, "--export", "e.json"]);
    let judged = place.operator(&["--json", "trust", "check", "e.json"]).json();
    assert_eq!(
        judged,
        json!({ "judgement": "guilty", "subject": forger, "evidence": evidence })
    );
}
