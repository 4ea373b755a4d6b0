//! `operator devnet`: real nodes on loopback, real proofs.

use crate::support::{Ended, Place};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Stdio},
};

/// From `printf '%s' "The quick brown fox jumps over the lazy dog" | sha256sum`.
const FOX: &str = "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592";

fn devnet(place: &Place, arguments: &[&str]) -> Ended {
    place.operator(&[&["--json", "devnet", "--exit"], arguments].concat())
}

fn nodes(report: &Value) -> &[Value] {
    report["nodes"].as_array().expect("a list")
}

#[test]
fn three_nodes_run_prove_verify_and_pay() {
    let ended = devnet(&Place::new(), &["--nodes", "3", "--jobs", "1"]);
    let report = ended.json();
    assert_eq!(report["ok"], true, "{report:#}");
    let job = &report["jobs"][0];
    assert_eq!(job["output_hex"], FOX);
    assert_eq!(job["paid"], true);
    assert_eq!(job["backend"], "stark-koalabear/2");
    assert_eq!(
        (&report["backend"], &report["profile"]),
        (&job["backend"], &"fast".into())
    );
    let reason = report["backend_reason"].as_str().expect("a reason");
    assert!(ended.stderr.contains(reason), "{}", ended.stderr);
    assert!(
        job["proof_bytes"].as_u64().is_some_and(|bytes| bytes > 10_000),
        "{job:#}"
    );
    assert!(job["prove_ms"].as_u64().is_some_and(|ms| ms > 0), "{job:#}");
    assert!(job["verify_ms"].as_u64().is_some_and(|ms| ms > 0), "{job:#}");
    let nodes = nodes(&report);
    assert_ne!(
        job["executor"], nodes[0]["id"],
        "the requester does not run its own job"
    );
    let sum = |field: &str| {
        nodes
            .iter()
            .map(|node| node[field].as_u64().expect("a number"))
            .sum::<u64>()
    };
    assert_eq!(
        (sum("executed"), sum("verified_ok"), sum("verified_bad")),
        (1, 2, 0)
    );
    // What is spent is earned by another.
    let balances = nodes
        .iter()
        .map(|node| node["balance"].as_str().expect("a string").parse::<i128>());
    let balances: Vec<i128> = balances.collect::<Result<_, _>>().expect("decimal");
    assert_eq!(balances.iter().sum::<i128>(), 0);
    assert!(balances[0] < 0, "{balances:?}");
    let dir = nodes[0]["data_dir"].as_str().expect("a string");
    assert!(!std::path::Path::new(dir).exists(), "{dir} is still there");
    assert!(ended.stderr.contains("removed "), "{}", ended.stderr);
}

#[test]
fn every_honest_node_blacklists_a_forger() {
    let report = devnet(
        &Place::new(),
        &["--nodes", "4", "--malicious", "1", "--jobs", "1"],
    )
    .json();
    assert_eq!(report["ok"], true, "{report:#}");
    let (forger, honest) = nodes(&report).split_last().expect("four");
    assert_eq!(forger["malicious"], true);
    for node in honest {
        assert_eq!(node["blacklisted"], serde_json::json!([forger["id"]]), "{node:#}");
        assert_eq!(node["malicious"], false);
    }
    assert_eq!(report["jobs"][0]["output_hex"], FOX);
    assert_ne!(report["jobs"][0]["executor"], forger["id"]);
    // A right verdict that it gave before it was caught is its due; an execution is not.
    let balance = |node: &serde_json::Value| {
        let text = node["balance"].as_str().expect("a string");
        text.parse::<i128>().expect("decimal")
    };
    let executor = honest
        .iter()
        .find(|node| report["jobs"][0]["executor"] == node["id"])
        .expect("an honest executor");
    assert!(
        (0..balance(executor) / 2).contains(&balance(forger)),
        "{report:#}"
    );
}

#[test]
fn a_forger_is_caught_and_the_job_paid_by_whichever_backend() {
    for (arguments, backend) in [
        (&["--backend", "halo2"][..], "halo2-ipa-pasta/2"),
        (&["--backend", "stark", "--profile", "small"], "stark-koalabear/2"),
    ] {
        let mesh = ["--nodes", "3", "--malicious", "1", "--jobs", "1"];
        let report = devnet(&Place::new(), &[&mesh[..], arguments].concat()).json();
        assert_eq!(report["ok"], true, "{report:#}");
        let (job, (forger, honest)) = (&report["jobs"][0], nodes(&report).split_last().expect("three"));
        assert_eq!(job["backend"], backend);
        assert_eq!(job["output_hex"], FOX);
        for node in honest {
            assert_eq!(node["blacklisted"], serde_json::json!([forger["id"]]), "{node:#}");
        }
    }
}

#[test]
fn a_mesh_cut_in_two_works_on_both_sides_and_heals() {
    let mesh = [
        "--nodes",
        "6",
        "--malicious",
        "1",
        "--jobs",
        "2",
        "--partition",
        "5s",
    ];
    let report = devnet(&Place::new(), &mesh).json();
    assert_eq!(report["ok"], true, "{report:#}");
    assert!(report["cut_ms"].as_u64() >= Some(5000), "{report:#}");
    assert!(report["healed_ms"].as_u64() < Some(30_000), "{report:#}");
    let (jobs, nodes) = (report["jobs"].as_array().expect("jobs"), nodes(&report));
    // Each half ran its own.
    for (job, half) in jobs.iter().zip([&nodes[..3], &nodes[3..]]) {
        assert!(
            half.iter().any(|node| node["id"] == job["executor"]),
            "{report:#}"
        );
    }
    let forger = &nodes[5]["id"];
    for node in &nodes[..5] {
        assert_eq!(node["blacklisted"], serde_json::json!([forger]), "{node:#}");
    }
}

#[test]
fn refuses_a_half_without_two_honest_nodes() {
    let mesh = ["--nodes", "4", "--malicious", "1", "--partition", "5s"];
    devnet(&Place::new(), &mesh).refused(2, "needs two in each half");
}

#[test]
fn each_node_can_be_a_process() {
    let place = Place::new();
    let report = devnet(
        &place,
        &[
            "--nodes",
            "3",
            "--jobs",
            "1",
            "--processes",
            "--data",
            "net",
            "--input",
            "abc",
        ],
    )
    .json();
    assert_eq!(report["ok"], true, "{report:#}");
    assert_eq!(
        report["jobs"][0]["output_hex"],
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    // None of them is left: its directory could not be used otherwise.
    for node in 0..3 {
        let lock = std::fs::File::open(place.path(&format!("net/node-{node}/run/lock"))).expect("it ran");
        assert!(lock.try_lock().is_ok(), "node {node} still runs");
    }
}

#[test]
fn a_devnet_of_before_is_taken_up_again() {
    let place = Place::new();
    let run = || devnet(&place, &["--nodes", "2", "--jobs", "1", "--data", "net"]).json();
    let (first, second) = (run(), run());
    assert_eq!((&first["ok"], &second["ok"]), (&true.into(), &true.into()));
    assert_ne!(first["jobs"][0]["job"], second["jobs"][0]["job"]);
    for (before, after) in nodes(&first).iter().zip(nodes(&second)) {
        assert_eq!(before["id"], after["id"]);
        let balance = |node: &Value| {
            node["balance"]
                .as_str()
                .expect("a string")
                .parse::<i128>()
                .expect("decimal")
        };
        assert_eq!(balance(after), 2 * balance(before), "{after:#}");
    }
}

#[test]
fn a_devnet_that_is_too_slow_fails_and_says_what_is_missing() {
    // No halo2 proof is made in a second.
    let ended = devnet(
        &Place::new(),
        &["--nodes", "2", "--timeout", "1", "--backend", "halo2"],
    );
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("not ok: job 0: not proved"),
        "{}",
        ended.stderr
    );
    let report: Value = serde_json::from_str(&ended.stdout).expect("one JSON value on stdout");
    assert_eq!(report["ok"], false);
    assert_eq!(report["jobs"][0]["paid"], false);
}

#[test]
fn stays_up_until_it_is_interrupted_and_leaves_nothing() {
    let place = Place::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_operator"))
        .args(["devnet", "--nodes", "2", "--jobs", "1", "--processes"])
        .env("NONOS_PARAMS", concat!(env!("CARGO_TARGET_TMPDIR"), "/params"))
        .env("TMPDIR", place.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start operator");
    let mut said = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.contains("stays up until Ctrl-C") {
        line.clear();
        assert_ne!(said.read_line(&mut line).expect("UTF-8"), 0, "it ended");
    }
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.expect("kill is there").success());
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("UTF-8");
    assert!(child.wait().expect("it ends").success(), "{rest}");
    let left: Vec<_> = std::fs::read_dir(place.path("")).expect("a directory").collect();
    assert!(left.is_empty(), "{left:?}");
    let mut table = String::new();
    child
        .stdout
        .take()
        .expect("piped")
        .read_to_string(&mut table)
        .expect("UTF-8");
    assert!(table.contains(FOX), "{table}");
}

#[test]
fn nodes_end_when_a_devnet_is_killed() {
    let place = Place::new();
    let mut child = place
        .command(&[
            "devnet",
            "--nodes",
            "2",
            "--jobs",
            "1",
            "--processes",
            "--data",
            "net",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start operator");
    let mut said = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.contains("stays up until Ctrl-C") {
        line.clear();
        assert_ne!(said.read_line(&mut line).expect("UTF-8"), 0, "it ended");
    }
    let lock =
        |node: u8| std::fs::File::open(place.path(&format!("net/node-{node}/run/lock"))).expect("it runs");
    for node in 0..2 {
        assert!(lock(node).try_lock().is_err(), "node {node} does not run");
    }
    child.kill().expect("it runs");
    child.wait().expect("it is killed");
    // Waits until the node has closed its store.
    for node in 0..2 {
        lock(node).lock().expect("it can be locked");
    }
}

#[test]
fn refuses_a_mesh_without_two_honest_nodes() {
    let place = Place::new();
    devnet(&place, &["--backend", "halo2", "--profile", "small"]).refused(2, "only the stark backend");
    devnet(&place, &["--nodes", "3", "--malicious", "2"]).refused(2, "2 of 3 nodes malicious leaves 1");
    devnet(&place, &["--nodes", "3", "--malicious", "4"]).refused(2, "4 of 3 nodes malicious leaves 0");
    devnet(&place, &["--nodes", "1"]).refused(2, "1 is not in 2..=32");
}

#[test]
fn refuses_a_directory_with_too_long_a_path() {
    devnet(&Place::new(), &["--data", &"x".repeat(100)]).refused(2, "too long for the nodes' sockets");
}
