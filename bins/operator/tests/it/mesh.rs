//! Two nodes started by hand, each a process of its own, that know one static address.

use crate::{
    node::{Running, eventually, init},
    support::Place,
};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _};

/// From `printf abc | sha256sum`.
const SHA256_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A requester, and another node that dials it.
pub(crate) fn pair<'a>(place: &'a Place, more: &[&str]) -> (Running<'a>, String, Running<'a>) {
    for data in ["requester", "executor"] {
        init(place, data);
    }
    start(place, more)
}

/// The same of nodes that are made already.
fn start<'a>(place: &'a Place, more: &[&str]) -> (Running<'a>, String, Running<'a>) {
    let mut requester = Running::start(place, "requester", &[]);
    let address = requester.address();
    assert!(address.starts_with("/ip4/127.0.0.1/tcp/"), "{address}");
    assert!(address.contains("/p2p/"), "{address}");
    let executor = Running::start(place, "executor", &[&["--peer", &address], more].concat());
    for node in [&requester, &executor] {
        eventually("each is connected to the other", || {
            (node.ask(&["status"])["peers"] == 1).then_some(())
        });
    }
    (requester, address, executor)
}

/// Submits `abc` to the sample capsule `sha256`; the job.
pub(crate) fn submit(place: &Place, requester: &Running<'_>) -> String {
    submit_by("auto", place, requester)
}

/// The same, to be proved by this backend: halo2 takes long enough for a test to see it run.
fn submit_by(backend: &str, place: &Place, requester: &Running<'_>) -> String {
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
        "--backend",
        backend,
    ]);
    submitted["job"].as_str().expect("a job").to_owned()
}

/// The job as a node sees it, once it is in this state.
pub(crate) fn once(node: &Running<'_>, job: &str, state: &str) -> Value {
    eventually(&format!("the job is {state}"), || {
        // It is not known before the offer has come.
        let shown = node.operator(&["job", "show", job]);
        let view = (shown.code == 0).then(|| shown.json());
        view.filter(|view| view["state"] == state)
    })
}

/// What `node` says that `peer` owes it, in atto-NONOS.
fn owed(node: &Running<'_>, peer: &str) -> i128 {
    let books = node.ask(&["ledger", "balance"]);
    let owed = books["owed_by"].as_array().expect("a list");
    let line = owed.iter().find(|line| line[0] == peer);
    line.map_or(0, |line| {
        line[1].as_str().expect("an amount").parse().expect("a number")
    })
}

/// Asserts that the job was paid once, and that both books are right and agree on it.
#[track_caller]
pub(crate) fn settled(job: &str, requester: &Running<'_>, executor: &Running<'_>) {
    let id = |node: &Running<'_>| node.ask(&["status"])["id"].as_str().expect("an id").to_owned();
    let (payer, payee) = (id(requester), id(executor));
    for (node, peer, paid) in [(requester, &payee, true), (executor, &payer, false)] {
        let view = once(node, job, "paid");
        let booked = view["booked"].as_array().expect("a list");
        let fees: Vec<_> = booked.iter().filter(|line| line["kind"] == "execute").collect();
        assert_eq!(fees.len(), 1, "{view:#}");
        assert_eq!((&fees[0]["peer"], &fees[0]["paid"]), (&json!(peer), &json!(paid)));
        assert!(node.ask(&["ledger", "verify"])["entries"].as_u64() > Some(0));
    }
    let debt = owed(executor, &payer);
    assert!(debt > 0, "{debt}");
    assert_eq!(owed(requester, &payee), -debt);
}

#[test]
fn an_invitation_is_enough_to_find_a_mesh_and_to_find_it_again() {
    let place = Place::new();
    for data in ["host", "guest"] {
        init(&place, data);
    }
    let mut host = Running::start(&place, "host", &[]);
    host.address();
    let invited = host.ask(&["peers", "invite"]);
    assert_eq!(invited["only_here"], true);
    let line = invited["invitation"].as_str().expect("a line").to_owned();
    for again in [false, true] {
        let mut guest = Running::start(&place, "guest", &[]);
        guest.address();
        if !again {
            let elsewhere = line.replace("a test", "another");
            guest
                .operator(&["peers", "join", &elsewhere])
                .refused(2, "set `network` in config.toml");
            assert_eq!(guest.ask(&["status"])["peers"], 0);
            guest.ask(&["peers", "join", &line]);
        }
        for node in [&host, &guest] {
            eventually("each is connected to the other", || {
                (node.ask(&["status"])["peers"] == 1).then_some(())
            });
        }
        guest.kill();
    }
}

#[test]
fn a_job_reads_what_a_job_before_it_has_said() {
    let place = Place::new();
    let (requester, _, executor) = pair(&place, &[]);
    place.pack("sum");
    let submit = |more: &[&str]| {
        let submitted = requester.ask(&[&["job", "submit", "sum.mod", "--verifiers", "0"], more].concat());
        submitted["job"].as_str().expect("a job").to_owned()
    };
    let first = once(&requester, &submit(&["--input-hex", "2a00000000000000"]), "paid");
    let receipt = first["receipt"]["receipt"].as_str().expect("a receipt");
    assert_eq!(first["receipt"]["outbound_hex"], "2a00000000000000");
    let capsule = first["capsule"].as_str().expect("a capsule");
    for node in [&requester, &executor] {
        let listed = node.ask(&["capsule", "messages", capsule]);
        assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
        assert_eq!(
            (&listed[0]["receipt"], &listed[0]["bytes"]),
            (&json!(receipt), &json!(8))
        );
    }
    let printed = ["capsule", "messages", capsule, "--print", receipt, "-o", "said"];
    requester.ask(&printed);
    assert_eq!(place.read("said"), 42_u64.to_le_bytes());
    let other = ["capsule", "messages", &"0".repeat(64), "--print", receipt];
    requester.operator(&other).refused(2, "is not of capsule");

    let second = submit(&["--input-hex", "0100000000000000", "--inbound", receipt]);
    let second = once(&requester, &second, "paid");
    assert_eq!(second["receipt"]["result_hex"], "2b00000000000000");
    assert_eq!(second["inbound"], json!([receipt]));
    let unknown = ["job", "submit", "sum.mod", "--inbound", &"0".repeat(64)];
    requester.operator(&unknown).refused(2, "is known to verify here");
}

#[test]
fn two_nodes_find_each_other_and_do_a_job() {
    let place = Place::new();
    let (requester, _, executor) = pair(&place, &[]);
    let job = submit_by("halo2", &place, &requester);
    let early = requester.operator(&["job", "result", &job]);
    early.refused(3, "has no result yet");

    let paid = once(&requester, &job, "paid");
    assert_eq!(paid["receipt"]["result_hex"], SHA256_OF_ABC);
    assert!(paid["receipt"]["verify_ms"].as_u64().is_some(), "{paid:#}");
    settled(&job, &requester, &executor);

    let written = place.operator(&["job", "result", &job, "--data", "requester", "-o", "result"]);
    assert_eq!(
        (written.code, written.stdout.as_str()),
        (0, ""),
        "{}",
        written.stderr
    );
    assert_eq!(hex::encode(place.read("result")), SHA256_OF_ABC);
    let result = place
        .command(&["job", "result", &job, "--data", "requester"])
        .output();
    assert_eq!(hex::encode(result.expect("start operator").stdout), SHA256_OF_ABC);

    let named = requester.operator(&["job", "submit", "sha256.mod", "--backend", "halo3"]);
    named.refused(2, "no backend `halo3`; there are: auto, stark, halo2");
    let listed = executor.ask(&["job", "list"]);
    assert_eq!(listed[0]["job"], job.as_str());
    let profile = executor.ask(&["profile"]);
    assert_eq!(profile["snapshot"], executor.ask(&["status"])["snapshot"]);
    for words in [["status"], ["peers"]] {
        let table = place.operator(&[&words[..], &["--data", "executor"]].concat());
        assert!(table.stdout.contains("127.0.0.1"), "{}", table.stdout);
    }
    let unknown = requester.operator(&["job", "show", &"11".repeat(32)]);
    assert_eq!(
        (unknown.code, unknown.stdout.as_str()),
        (2, ""),
        "{}",
        unknown.stderr
    );

    for node in [requester, executor] {
        assert_eq!(node.terminate().code(), Some(0));
    }
}

#[test]
fn an_executor_killed_in_the_middle_finishes_after_its_restart() {
    let place = Place::new();
    let (requester, address, executor) = pair(&place, &[]);
    let job = submit_by("halo2", &place, &requester);
    once(&executor, &job, "running");
    executor.kill();

    let executor = Running::start(&place, "executor", &["--peer", &address]);
    let paid = once(&requester, &job, "paid");
    assert_eq!(paid["receipt"]["result_hex"], SHA256_OF_ABC);
    settled(&job, &requester, &executor);
}

/// A worker that dies of its first job, as of a defect of the interpreter, and is this program else.
const FRAGILE: &str = r#"#!/bin/sh
echo >> "$0.started"
# The first start is the node's check.
if [ "$(/usr/bin/wc -l < "$0.started")" -eq 2 ]; then
    kill -SEGV $$
fi
exec /usr/bin/env -i OPERATOR "$@"
"#;

#[test]
fn a_worker_that_dies_costs_one_run_and_the_node_goes_on() {
    let place = Place::new();
    for data in ["requester", "executor"] {
        init(&place, data);
    }
    let worker = place.write(
        "worker",
        FRAGILE.replace("OPERATOR", env!("CARGO_BIN_EXE_operator")),
    );
    fs::set_permissions(&worker, fs::Permissions::from_mode(0o700)).expect("chmod");
    let config = String::from_utf8(place.read("executor/config.toml")).expect("text");
    let setting = format!("[sandbox]\nworker = {:?}", worker.display().to_string());
    place.write("executor/config.toml", config.replace("[sandbox]", &setting));
    let (requester, _, executor) = start(&place, &[]);
    let sandbox = executor.ask(&["status"])["sandbox"].clone();
    assert!(
        sandbox["applied"].to_string().contains("descriptors"),
        "{sandbox}"
    );

    let job = submit(&place, &requester);
    eventually("the worker has died, and the node says so", || {
        let shown = executor.operator(&["job", "show", &job]);
        let view = (shown.code == 0).then(|| shown.json())?;
        view["refused"].as_str()?.contains("SIGSEGV").then_some(())
    });
    let paid = once(&requester, &job, "paid");
    assert_eq!(paid["receipt"]["result_hex"], SHA256_OF_ABC);
    settled(&job, &requester, &executor);
    assert_eq!(place.read("worker.started").len(), 3);
}

#[test]
fn a_node_whose_worker_is_none_does_not_start() {
    let place = Place::new();
    init(&place, "node");
    let config = String::from_utf8(place.read("node/config.toml")).expect("text");
    let setting = "[sandbox]\nworker = \"/bin/true\"";
    place.write("node/config.toml", config.replace("[sandbox]", setting));
    let refused = place.operator(&["run", "--data", "node", "--passphrase-file", "pass"]);
    refused.refused(2, "/bin/true does not answer as a worker");
}

#[test]
fn a_forger_is_convicted_on_evidence_that_anyone_can_check() {
    let place = Place::new();
    let (requester, _, forger) = pair(&place, &["--conduct", "forge-results"]);
    let id = forger.ask(&["status"])["id"].clone();
    submit(&place, &requester);
    let trust = eventually("the forger is blacklisted", || {
        let trust = requester.ask(&["trust", "list"]);
        let peer = trust.as_array()?.iter().find(|peer| peer["node"] == id)?.clone();
        (peer["state"] == "blacklisted").then_some(peer)
    });
    let (id, evidence) = (
        id.as_str().expect("an id"),
        trust["evidence"][0].as_str().expect("evidence"),
    );
    requester.ask(&["trust", "evidence", evidence, "--export", "e.json"]);
    let points = requester.ask(&["trust", "explain", id]);
    let points = points.as_array().expect("a list");
    assert!(points.iter().any(|point| point["good"] == false), "{points:?}");

    // A third party: neither node is asked.
    let check = |name: &str| place.operator(&["--json", "trust", "check", name]);
    let judged = check("e.json").json();
    assert_eq!(
        judged,
        json!({ "judgement": "guilty", "subject": id, "evidence": evidence })
    );

    let exported: Value = serde_json::from_slice(&place.read("e.json")).expect("JSON");
    let mut without = exported.clone();
    let package = hex::decode(without["package_hex"].take().as_str().expect("a package")).expect("hex");
    place.write("without.json", without.to_string());
    check("without.json").refused(2, "--capsule");
    place.write("c.mod", package);
    let judged = place.operator(&["--json", "trust", "check", "without.json", "--capsule", "c.mod"]);
    assert_eq!(judged.json()["judgement"], "guilty");

    let mut forged = exported;
    let accusation = forged["accusation_hex"].as_str().expect("text").to_owned();
    let mut bytes = hex::decode(accusation).expect("hex");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    forged["accusation_hex"] = json!(hex::encode(bytes));
    place.write("forged.json", forged.to_string());
    check("forged.json").refused(3, "error: ");

    requester.ask(&["trust", "unblock", id]);
    let trust = requester.ask(&["trust", "list"]);
    let peer = trust
        .as_array()
        .and_then(|peers| peers.iter().find(|peer| peer["node"] == id));
    assert!(
        peer.is_none_or(|peer| peer["state"] != "blacklisted"),
        "{trust:#}"
    );

    // The operator's own decision is another thing than evidence, and has a reason.
    let peer = || {
        let trust = requester.ask(&["trust", "list"]);
        let peers = trust.as_array().expect("a list").clone();
        peers
            .into_iter()
            .find(|peer| peer["node"] == id)
            .expect("it is listed")
    };
    assert_eq!(peer()["block"], json!(null));
    requester.ask(&["trust", "block", id, "--reason", "it forges", "--for", "2d"]);
    let blocked = peer();
    assert_eq!(blocked["state"], "blacklisted");
    assert_eq!(
        (&blocked["block"]["by"], &blocked["block"]["reason"]),
        (&json!("operator"), &json!("it forges"))
    );
    assert!(blocked["block"]["until"].is_u64(), "{blocked:#}");
    let points = requester.ask(&["trust", "explain", id]);
    let points = points.as_array().expect("a list");
    let said = |cause: &str| {
        points
            .iter()
            .any(|it| it["context"] == "operator" && it["cause"] == cause)
    };
    assert!(
        said("blacklisted: it forges") && said("taken off the blacklist"),
        "{points:?}"
    );
    let exported = requester.ask(&["trust", "export"]);
    let exported = exported
        .as_array()
        .expect("a list")
        .iter()
        .find(|it| it["node"] == id);
    let exported = exported.expect("it is in it");
    assert_eq!(exported["block"], blocked["block"]);
    assert!(
        exported["reasons"]
            .as_array()
            .is_some_and(|it| it.len() == points.len())
    );
}

#[test]
fn a_node_says_what_it_does_for_others_and_why() {
    let place = Place::new();
    init(&place, "node");
    let config = String::from_utf8(place.read("node/config.toml")).expect("text");
    let config = config
        .replace("#seeder = \"auto\"", "seeder = \"off\"")
        .replace("#monthly = \"500GB\"", "monthly = \"500GB\"")
        .replace("#cpu = 100", "cpu = 1");
    place.write("node/config.toml", config);
    let mut node = Running::start(&place, "node", &[]);
    node.address();
    let roles = node.ask(&["roles", "explain"]);
    let [seeder, executor, ..] = roles.as_array().expect("a list").as_slice() else {
        panic!("too few: {roles}");
    };
    assert_eq!(
        (&seeder["role"], &seeder["taken"], &seeder["pin"], &seeder["code"]),
        (&"seeder".into(), &false.into(), &"off".into(), &"pinned".into())
    );
    let inputs = executor["checks"].as_array().expect("a list").iter();
    let inputs: Vec<_> = inputs.filter_map(|it| it["input"].as_str()).collect();
    assert!(
        inputs.contains(&"limits.monthly") && inputs.contains(&"snapshot.memory"),
        "{inputs:?}"
    );
    let one = place.operator(&["roles", "explain", "seeder", "--data", "node"]);
    let text = &one.stdout;
    assert!(
        text.starts_with("seeder: not taken since ") && text.contains("its operator has set so"),
        "{text}"
    );
    let limits = &node.ask(&["status"])["limits"];
    assert_eq!(
        (&limits["cores"], &limits["monthly"]),
        (&1.into(), &500_000_000_000_u64.into())
    );
}
