//! Receipts that leave the mesh in a file, and are checked where no node is.

use crate::{
    mesh::{once, pair},
    support::Place,
};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn a_receipt_is_verified_and_run_again_where_no_node_is() {
    let place = Place::new();
    let (requester, _, executor) = pair(&place, &[]);
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
    let early = requester.operator(&["receipt", "export", &job, "--slot", "7", "-o", "r.receipt"]);
    early.refused(3, "no good receipt of slot 7");
    let paid = once(&requester, &job, "paid");

    let exported = requester.ask(&["receipt", "export", &job, "-o", "r.receipt"]);
    assert_eq!(exported["receipt"], paid["receipt"]["receipt"]);
    let mode = |name: &str| place.path(name).metadata().expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode("r.receipt"), 0o600);
    let again = ["receipt", "export", &job, "-o", "r.receipt"];
    requester.operator(&again).refused(2, "--force writes over it");
    requester.ask(&[&again[..], &["--force"]].concat());
    requester.ask(&[
        "receipt",
        "export",
        &job,
        "-o",
        "bare.receipt",
        "--without-capsule",
    ]);
    let of_executor = executor.ask(&["receipt", "export", &job, "-o", "e.receipt"]);
    assert_eq!(of_executor["executor"], exported["executor"]);
    assert_eq!(place.read("e.receipt"), place.read("r.receipt"));
    drop((requester, executor));

    let shown = place
        .operator(&["--json", "receipt", "verify", "r.receipt"])
        .json();
    assert_eq!(shown["receipt"], exported["receipt"]);
    assert_eq!(shown["verified"], true);
    assert_eq!(shown["result_hex"], paid["receipt"]["result_hex"]);
    assert_eq!(shown["proven"]["executor"], shown["executor"]);
    let bare = ["receipt", "verify", "bare.receipt"];
    place.operator(&bare).refused(2, "give it by --capsule FILE");
    let given = place.operator(&[&bare[..], &["--capsule", "sha256.mod"]].concat());
    assert_eq!(given.code, 0, "{}", given.stderr);
    place.pack("sieve");
    let other = place.operator(&[&bare[..], &["--capsule", "sieve.mod"]].concat());
    assert_eq!(other.code, 3, "{}", other.stderr);

    let replayed = place
        .operator(&["--json", "receipt", "replay", "r.receipt"])
        .json();
    let parts = replayed.as_array().expect("a list");
    assert!(parts.iter().all(|it| it["same"] == true), "{replayed:#}");
    let named: Vec<&Value> = parts.iter().map(|it| &it["part"]).collect();
    assert_eq!(
        json!(named),
        json!([
            "policy",
            "public input",
            "inbound messages",
            "outcome",
            "fuel",
            "peak pages",
            "output",
            "checkpoints",
            "host calls"
        ])
    );

    // A byte of the proof, which is what comes before the capsule and is long.
    let mut bytes = place.read("bare.receipt");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    place.write("changed.receipt", bytes);
    let changed = ["receipt", "verify", "changed.receipt", "--capsule", "sha256.mod"];
    place
        .operator(&changed)
        .refused(3, "are not those that the receipt commits to");
    place
        .operator(&["receipt", "verify", "sha256.mod"])
        .refused(3, "not a receipt file");
}
