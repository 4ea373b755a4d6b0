//! A sealed input and a sealed result, by hand between two nodes.

use crate::{
    mesh::{once, pair},
    support::Place,
};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;

/// Writes the double of the sealed tape's first word.
const DOUBLE: &str = r#"(module
    (import "nonos" "read" (func $read (param i32) (result i64)))
    (import "nonos" "write" (func $write (param i32 i64)))
    (func (export "main") (result i32)
        (call $write (i32.const 3) (i64.mul (call $read (i32.const 1)) (i64.const 2)))
        i32.const 7))"#;

const MANIFEST: &str = r#"
[meta]
name = "double"
version = "1.0.0"
author = "tests"
[exec]
entry = "main"
[resources]
fuel = 1000
mem = "64KiB"
[host]
calls = ["read", "write"]
[fees]
base = "0.0001 NONOS"
"#;

fn build(place: &Place) {
    place.write("double/manifest.toml", MANIFEST);
    place.write("double/capsule.wasm", wat::parse_str(DOUBLE).expect("valid text"));
    let made = place.operator(&[
        "capsule",
        "build",
        "double",
        "--new-key",
        "author.key",
        "-o",
        "double.mod",
    ]);
    assert_eq!(made.code, 0, "{}", made.stderr);
}

#[test]
fn a_sealed_result_is_decrypted_for_its_requester_and_nobody_else() {
    let place = Place::new();
    let (requester, _, executor) = pair(&place, &[]);
    build(&place);
    place.write("secret", 0x1122_3344_5566_7788_u64.to_le_bytes());
    let executor_id = executor.ask(&["status"])["id"].clone();
    let weight = format!("{}=16", executor_id.as_str().expect("an id"));
    let submitted = requester.operator(&[
        "job",
        "submit",
        "double.mod",
        "--sealed-input",
        "secret",
        "--seal-result",
        "--verifiers",
        "0",
        "--weight",
        &weight,
    ]);
    assert!(
        submitted.stderr.contains("what the entry returns"),
        "{}",
        submitted.stderr
    );
    let submitted = submitted.json();
    let job = submitted["job"].as_str().expect("a job");
    let shown = once(&requester, job, "paid");
    assert_eq!(
        shown["sealing"],
        json!({ "input_len": 272, "result": true, "unopened": null })
    );
    assert_eq!(shown["weights"], json!([[executor_id, 16]]));

    let written = requester.operator(&["job", "result", job, "-o", "result"]);
    assert_eq!(written.code, 0, "{}", written.stderr);
    let doubled = 0x2244_6688_aacc_ef10_u64.to_le_bytes();
    assert_eq!(place.read("result"), doubled);
    let mode = place
        .path("result")
        .metadata()
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let seen = once(&executor, job, "paid");
    assert_eq!(seen["receipt"]["result_hex"], json!(null));
    let refused = executor.operator(&["job", "result", job]);
    refused.refused(2, "sealed to its requester");
}

#[test]
fn refuses_what_would_hide_nothing_before_any_node_is_asked() {
    let place = Place::new();
    let submit = |more: &[&str]| place.operator(&[&["job", "submit", "double.mod"][..], more].concat());
    submit(&["--seal-result"]).refused(2, "--sealed-input");
    submit(&["--weight", "7=2"]).refused(2, "--weight");
    submit(&["--input", "-", "--sealed-input", "-"]).refused(2, "only one input");
}
