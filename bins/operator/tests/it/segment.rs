//! `operator segment cut|prove|join`: one run, proved by several processes.

use crate::support::Place;

/// Reads a number, and adds up those below it.
const MODULE: &str = r#"(module
    (import "nonos" "read" (func $read (param i32) (result i64)))
    (import "nonos" "write" (func $write (param i32 i64)))
    (func (export "main") (local $n i64) (local $sum i64)
        (local.set $n (call $read (i32.const 0)))
        (loop $l
            (local.set $sum (i64.add (local.get $sum) (local.get $n)))
            (br_if $l (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
        (call $write (i32.const 3) (local.get $sum))))"#;

const MANIFEST: &str = r#"[meta]
name = "sum"
version = "1.0.0"
author = "a test"

[exec]
entry = "main"

[resources]
fuel = 1000000
mem = "1MiB"
net = "none"

[host]
calls = ["read", "write"]
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("d/capsule.wasm", wat::parse_str(MODULE).expect("valid text"));
    place.write("d/manifest.toml", MANIFEST);
    place.write("n", 3_000_u64.to_le_bytes());
    let built = place.operator(&["capsule", "build", "d", "--new-key", "k", "-o", "sum.mod"]);
    assert_eq!(built.code, 0, "{}", built.stderr);
    place
}

#[test]
fn processes_prove_a_run_together() {
    let place = place();
    let call = [
        "--json", "segment", "cut", "sum.mod", "--input", "n", "--steps", "2000", "-o", "jobs",
    ];
    let cut = place.operator(&call).json();
    let segments = cut["segments"].as_u64().expect("a number");
    assert!(segments > 2, "{cut}");

    let join = ["--json", "segment", "join", "jobs", "-o", "p"];
    assert_ne!(place.operator(&join).code, 0, "nothing is proved yet");
    for i in (0..segments).rev() {
        let proved = place
            .operator(&["--json", "segment", "prove", &format!("jobs/{i:05}.job")])
            .json();
        assert_eq!((&proved["segment"], &proved["of"]), (&i.into(), &segments.into()));
    }
    assert_eq!(place.operator(&join).json()["segments"], segments);
    let verified = place.operator(&["--json", "capsule", "verify", "sum.mod", "p", "--input", "n"]);
    let sum: u64 = (1..=3_000).sum();
    assert_eq!(verified.json()["result_hex"], hex::encode(sum.to_le_bytes()));

    // One segment's proof in another's place.
    place.write(
        "jobs/00001.proof",
        std::fs::read(place.path("jobs/00000.proof")).expect("it is there"),
    );
    let joined = place.operator(&join);
    assert_eq!(joined.code, 3, "{}", joined.stderr);
    // A job that was cut short on the way.
    let job = std::fs::read(place.path("jobs/00001.job")).expect("it is there");
    place.write("jobs/00001.job", &job[..job.len() / 2]);
    let refused = place.operator(&["segment", "prove", "jobs/00001.job"]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
}

#[test]
fn a_limit_of_memory_makes_segments() {
    let place = place();
    // Segments have 4,095 steps at least.
    let call = [
        "--json",
        "capsule",
        "prove",
        "sum.mod",
        "--input",
        "n",
        "-o",
        "p",
        "--max-memory",
    ];
    let lengths = ["1MiB", "4GiB"].map(|most| {
        let proved = place.operator(&[&call[..], &[most]].concat()).json();
        let verified = place
            .operator(&["--json", "capsule", "verify", "sum.mod", "p"])
            .json();
        assert_eq!(verified["verified"], true);
        proved["proof_bytes"].as_u64().expect("a number")
    });
    assert!(lengths[0] > 2 * lengths[1], "{lengths:?}");
    let wrong = place.operator(&[&call[..], &["2"]].concat());
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
}
