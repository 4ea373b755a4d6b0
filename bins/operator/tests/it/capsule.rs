//! `operator capsule build|inspect|run`.

use crate::support::{Place, input, sample};
use std::{fs, os::unix::fs::PermissionsExt as _};

#[test]
fn hashes_every_sample_input_like_sha256sum() {
    let place = Place::new();
    place.pack("sha256");
    // From sha256sum.
    for (name, digest) in [
        (
            "article-3.txt",
            "24835abc65a0e0695a03fb15eab25b79840fee411aff4656ee59b09ac6bd9e05",
        ),
        (
            "bitcoin-genesis-header.bin",
            "af42031e805ff493a07341e2f74ff58149d22ab9ba19f61343e2c86c71c5d66d",
        ),
        (
            "declaration-1k.txt",
            "a044c3b496d3a4cf24996c76b01518a41b82dcf46bad08d3fb75e6ac5d62dccd",
        ),
    ] {
        let ran = place
            .operator(&[
                "--json",
                "capsule",
                "run",
                "sha256.mod",
                "--input",
                &input("sha256", name),
            ])
            .json();
        assert_eq!(ran["result_hex"], digest, "{name}");
        assert_eq!(
            ran["outcome"],
            serde_json::json!({ "kind": "return", "values": [] })
        );
    }
    let empty = place.operator(&["--json", "capsule", "run", "sha256.mod"]).json();
    assert_eq!(
        empty["result_hex"],
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

#[test]
fn counts_the_primes() {
    let place = Place::new();
    place.pack("sieve");
    for (n, count) in [
        (0_u64, 0_u64),
        (1, 0),
        (2, 1),
        (8, 4),
        (9, 4),
        (100, 25),
        (10_000, 1_229),
    ] {
        place.write("n.bin", n.to_le_bytes());
        let ran = place
            .operator(&["--json", "capsule", "run", "sieve.mod", "--input", "n.bin"])
            .json();
        assert_eq!(
            ran["result_hex"],
            hex::encode(count.to_le_bytes()),
            "primes up to {n}"
        );
    }
}

#[test]
fn shows_an_exit_code_as_the_outcome() {
    let place = Place::new();
    place.pack("sieve");
    let short = place.operator(&["--json", "capsule", "run", "sieve.mod"]).json();
    assert_eq!(short["outcome"], serde_json::json!({ "kind": "exit", "code": 1 }));
    // Up to 2^30 − 1 it needs 2^29 bytes, and the manifest grants 16 MiB.
    place.write("n.bin", ((1_u64 << 30) - 1).to_le_bytes());
    let large = place
        .operator(&["--json", "capsule", "run", "sieve.mod", "--input", "n.bin"])
        .json();
    assert_eq!(large["outcome"], serde_json::json!({ "kind": "exit", "code": 2 }));
}

#[test]
fn runs_in_a_process_of_its_own_unless_told_otherwise() {
    let place = Place::new();
    place.pack("sieve");
    place.write("n.bin", 1_000_u64.to_le_bytes());
    let run = ["--json", "capsule", "run", "sieve.mod", "--input", "n.bin"];
    let mut apart = place.operator(&run).json();
    let mut here = place.operator(&[&run[..], &["--in-process"]].concat()).json();
    let applied = apart["sandbox"]["applied"].take();
    for layer in ["environment", "descriptors", "resource-limits"] {
        assert!(applied.to_string().contains(layer), "{applied}");
    }
    assert!(here["sandbox"].is_null());
    for of_the_way in ["sandbox", "run_ms"] {
        for ran in [&mut apart, &mut here] {
            ran.as_object_mut().expect("an object").remove(of_the_way);
        }
    }
    assert_eq!(apart, here);
}

#[test]
fn a_worker_that_nobody_asks_anything_ends() {
    let place = Place::new();
    let ended = place.operator(&["--nonos-worker"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
}

#[test]
fn writes_the_result_tape_to_a_file() {
    let place = Place::new();
    place.pack("sieve");
    let n = input("sieve", "1000.bin");
    let ran = place.operator(&["capsule", "run", "sieve.mod", "--input", &n, "-o", "count"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(place.read("count"), 168_u64.to_le_bytes());
}

#[test]
fn inspects_what_was_packed() {
    let place = Place::new();
    place.pack("sha256");
    let shown = place
        .operator(&["--json", "capsule", "inspect", "sha256.mod"])
        .json();
    assert_eq!(shown["name"], "sha256");
    assert_eq!(shown["net"], "none");
    assert_eq!(
        shown["host_calls"],
        serde_json::json!(["len", "read", "write", "commit_len"])
    );
    assert_eq!(shown["capsule_hash"].as_str().map(str::len), Some(64));
}

#[test]
fn packs_and_shows_what_a_capsule_depends_on() {
    let place = Place::new();
    place.pack("sum");
    let hash = |package: &str| {
        let shown = place.operator(&["--json", "capsule", "inspect", package]).json();
        (
            shown["capsule_hash"].as_str().expect("a hash").to_owned(),
            shown["dependencies"].clone(),
        )
    };
    let (needed, none) = hash("sum.mod");
    assert_eq!(none, serde_json::json!([]));
    let dir = sample("sum").display().to_string();
    let build = ["capsule", "build", &dir, "--key", "author.key", "-o", "needs.mod"];
    let with = |needed: &str| place.operator(&[&build[..], &["--depends-on", needed]].concat());
    assert_eq!(with(&needed).code, 0);
    let (needs, dependencies) = hash("needs.mod");
    assert_eq!(dependencies, serde_json::json!([needed]));
    assert_ne!(needs, needed);
    let table = place.operator(&["capsule", "inspect", "needs.mod"]).stdout;
    assert!(table.contains(&needed), "{table}");
    with("sum.mod").refused(2, "--depends-on");
}

/// The tape of `docs/spec/channel.md` has messages that are no numbers.
#[test]
fn adds_up_what_messages_say() {
    let place = Place::new();
    place.pack("sum");
    place.write("n.bin", 7_u64.to_le_bytes());
    let message = |receipt: u8, bytes: &[u8]| {
        let mut tape = vec![receipt; 32];
        tape.extend([5; 32]);
        tape.extend((bytes.len() as u64).to_le_bytes());
        tape.extend(bytes);
        tape.resize(tape.len().next_multiple_of(8), 0);
        tape
    };
    let run = |tape: &[u8]| {
        place.write("tape", tape);
        let run = [
            "--json",
            "capsule",
            "run",
            "sum.mod",
            "--input",
            "n.bin",
            "--inbound",
            "tape",
        ];
        place.operator(&run).json()
    };
    let returned = serde_json::json!({ "kind": "return", "values": [] });
    let exited = serde_json::json!({ "kind": "exit", "code": 2 });
    let numbers = [3_u64, u64::MAX, 1 << 40].map(|it| message(it as u8, &it.to_le_bytes()));
    let ran = run(&numbers.concat());
    assert_eq!(ran["outcome"], returned);
    assert_eq!(ran["result_hex"], hex::encode(((1_u64 << 40) + 9).to_le_bytes()));
    assert_eq!(run(b"")["result_hex"], hex::encode(7_u64.to_le_bytes()));
    // One that is too short is read, one that is too long is not.
    for odd in [&b"hello"[..], b"longer than a word"] {
        assert_eq!(
            run(&[message(1, odd), numbers.concat()].concat())["outcome"],
            exited
        );
    }
}

#[test]
fn packs_the_same_bytes_with_the_same_key() {
    let place = Place::new();
    place.pack("sha256");
    let first = place.read("sha256.mod");
    place.pack("sha256");
    assert_eq!(place.read("sha256.mod"), first);
}

#[test]
fn refuses_a_damaged_package() {
    let place = Place::new();
    place.pack("sha256");
    let whole = place.read("sha256.mod");
    place.write("cut.mod", &whole[..whole.len() - 1]);
    place
        .operator(&["capsule", "run", "cut.mod"])
        .refused(3, "error: ");
    place.write("long.mod", [&whole[..], &[0]].concat());
    place
        .operator(&["capsule", "inspect", "long.mod"])
        .refused(3, "error: ");
    for at in [0, 4, 12, whole.len() / 2, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        place.write("flipped.mod", flipped);
        place
            .operator(&["capsule", "inspect", "flipped.mod"])
            .refused(3, "error: ");
    }
}

#[test]
fn names_the_place_of_an_unknown_manifest_key() {
    let place = Place::new();
    let manifest = fs::read_to_string(sample("sha256").join("manifest.toml")).expect("read");
    place.write(
        "x/manifest.toml",
        manifest.replace("[meta]\n", "[meta]\nlicence = \"none\"\n"),
    );
    place.write(
        "x/capsule.wasm",
        fs::read(sample("sha256").join("capsule.wasm")).expect("read"),
    );
    let line = manifest
        .lines()
        .position(|line| line == "[meta]")
        .expect("a [meta]")
        + 2;
    let built = place.operator(&["capsule", "build", "x", "--new-key", "k"]);
    built.refused(3, "licence");
    assert!(built.stderr.contains(&format!("line {line}")), "{}", built.stderr);
}

#[test]
fn names_the_opcode_outside_of_the_instruction_set() {
    let place = Place::new();
    let manifest = fs::read_to_string(sample("sha256").join("manifest.toml")).expect("read");
    place.write("x/manifest.toml", manifest);
    let wasm = wat::parse_str("(module (func) (func (export \"main\") (drop (f32.sqrt (f32.const 2)))))")
        .expect("valid text");
    place.write("x/capsule.wasm", wasm);
    place
        .operator(&["capsule", "build", "x", "--new-key", "k"])
        .refused(3, "function 1, offset 0x");
}

#[test]
fn never_overwrites_a_key() {
    let place = Place::new();
    place.write("author.key", "precious");
    let dir = sample("sha256");
    let dir = dir.to_str().expect("UTF-8");
    place
        .operator(&["capsule", "build", dir, "--new-key", "author.key"])
        .refused(2, "author.key");
    assert_eq!(place.read("author.key"), b"precious");
}

#[test]
fn refuses_a_key_that_others_may_read() {
    let place = Place::new();
    let key = place.write("author.key", hex::encode([7; 32]));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("chmod");
    let dir = sample("sha256");
    let dir = dir.to_str().expect("UTF-8");
    place
        .operator(&["capsule", "build", dir, "--key", "author.key", "-o", "x.mod"])
        .refused(2, "chmod 600");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("chmod");
    assert_eq!(
        place
            .operator(&["capsule", "build", dir, "--key", "author.key", "-o", "x.mod"])
            .code,
        0
    );
}

#[test]
fn blames_the_caller_for_a_missing_file() {
    Place::new()
        .operator(&["capsule", "run", "none.mod"])
        .refused(2, "cannot read none.mod");
}

#[test]
fn runs_each_assignment_once() {
    let place = Place::new();
    place.pack("sieve");
    let n = input("sieve", "100.bin");
    let (job, executor) = ("11".repeat(32), "22".repeat(32));
    let run = |attempt: &str| {
        place.operator(&[
            "--json",
            "capsule",
            "run",
            "sieve.mod",
            "--input",
            &n,
            "--job",
            &job,
            "--executor",
            &executor,
            "--attempt",
            attempt,
            "--data",
            "data",
        ])
    };
    let first = run("0").json();
    run("0").refused(2, "has been used");
    let second = run("1").json();
    assert_ne!(first["nonce"], second["nonce"]);
    assert_ne!(first["exec_hash"], second["exec_hash"]);
    assert_eq!(first["result_hex"], second["result_hex"]);
}

#[test]
fn wants_all_of_an_assignment_or_none() {
    let place = Place::new();
    place
        .operator(&["capsule", "run", "x.mod", "--job", &"11".repeat(32)])
        .refused(2, "--executor");
    place
        .operator(&["capsule", "run", "x.mod", "--data", "data"])
        .refused(2, "--job");
}
