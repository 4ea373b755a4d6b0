//! `operator doctor`: of a node that is well, and of one in which one thing is not.

use crate::{
    node::{Running, eventually, init, passphrase},
    support::{Ended, Place},
};
use serde_json::Value;
use std::{collections::BTreeMap, fs, net::TcpListener, os::unix::fs::PermissionsExt as _, process::Command};

const DOCTOR: [&str; 6] = ["--json", "doctor", "--data", "node", "--passphrase-file", "pass"];

/// Verdict and remedy of each check.
type Checks = BTreeMap<String, (String, String)>;

#[track_caller]
fn checks(ended: &Ended) -> Checks {
    let all: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let checks = all["checks"].as_array().expect("a list");
    let text = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
    checks
        .iter()
        .map(|it| (text(it, "name"), (text(it, "verdict"), text(it, "remedy"))))
        .collect()
}

/// A node that was made and not started, on ports that are free.
fn well(place: &Place) -> Checks {
    init(place, "node");
    let found = place.operator(&DOCTOR);
    assert_eq!(found.code, 0, "{found:?}");
    checks(&found)
}

/// That only this check says something else than of the node that is well, that it says this, and what to do.
#[track_caller]
fn only(before: &Checks, ended: &Ended, name: &str, verdict: &str, remedy: &str) {
    let after = checks(ended);
    let differ: Vec<&str> = after
        .iter()
        .filter(|(name, it)| before[*name].0 != it.0)
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(differ, [name], "{}", ended.stdout);
    assert_eq!(after[name].0, verdict, "{}", ended.stdout);
    assert!(
        after[name].1.contains(remedy),
        "`{remedy}` is not in: {}",
        after[name].1
    );
    assert_eq!(ended.code != 0, verdict == "failed", "{ended:?}");
}

#[test]
fn of_a_node_that_is_well_nothing_failed() {
    let place = Place::new();
    let checks = well(&place);
    for name in [
        "data directory",
        "parts",
        "rights",
        "keystore",
        "configuration",
        "open files",
        "ports",
        "page",
        "parameters",
    ] {
        assert_eq!(checks[name].0, "ok", "{name}");
    }
    for name in ["clock", "reachability"] {
        assert_eq!(checks[name].0, "unknown", "{name}");
    }
    assert_eq!(checks.len(), 14, "{checks:?}");
}

#[test]
fn each_fault_of_the_data_directory_is_told_alone() {
    let place = Place::new();
    let before = well(&place);
    let mode = |name: &str, mode: u32| {
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).expect("chmod");
    };
    let doctor = || place.operator(&DOCTOR);

    mode("node/inputs", 0o755);
    only(&before, &doctor(), "rights", "failed", "chmod 700");
    mode("node/inputs", 0o700);
    mode("node/config.toml", 0o602);
    only(&before, &doctor(), "rights", "failed", "chmod go-w");
    mode("node/config.toml", 0o600);

    fs::rename(place.path("node/proofs"), place.path("away")).expect("move it");
    only(&before, &doctor(), "parts", "failed", "mkdir -m 700");
    fs::rename(place.path("away"), place.path("node/proofs")).expect("move it");
    place.write("node/keys/books.head", "x");
    fs::set_permissions(
        place.path("node/keys/books.head"),
        fs::Permissions::from_mode(0o600),
    )
    .expect("chmod");
    only(&before, &doctor(), "parts", "failed", "operator ledger resume");
    fs::remove_file(place.path("node/keys/books.head")).expect("remove it");

    fs::create_dir_all(place.path("node/db/rocks")).expect("make it");
    only(&before, &doctor(), "parts", "failed", "from a backup");
    fs::remove_dir_all(place.path("node/db")).expect("remove it");

    let format = place.read("node/format");
    place.write("node/format", "none\n");
    only(&before, &doctor(), "data directory", "failed", "backup");
    place.write("node/format", "9999\n");
    only(&before, &doctor(), "data directory", "failed", "newer program");
    place.write("node/format", &format);

    // Somebody has its lock, and answers nothing.
    let lock = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(place.path("node/run/lock"));
    let lock = lock.expect("a lock");
    lock.lock().expect("it is free");
    only(
        &before,
        &doctor(),
        "data directory",
        "failed",
        "if it does not, kill",
    );
    drop(lock);

    let key = place.read("node/keys/node.key");
    let mut damaged = key.clone();
    *damaged.last_mut().expect("bytes") ^= 1;
    fs::write(place.path("node/keys/node.key"), damaged).expect("write it");
    only(&before, &doctor(), "keystore", "failed", "backup");
    fs::write(place.path("node/keys/node.key"), &key).expect("write it");
    passphrase(&place, "pass", "another\n", 0o600);
    only(&before, &doctor(), "keystore", "failed", "right passphrase");
    passphrase(&place, "pass", "correct horse\n", 0o644);
    let ended = doctor();
    only(&before, &ended, "keystore", "failed", "chmod 600");
    assert_eq!(ended.code, 2);
    passphrase(&place, "pass", "correct horse\n", 0o600);
    assert_eq!(checks(&doctor()), before);
}

#[test]
fn each_fault_of_the_configuration_is_told_alone() {
    let place = Place::new();
    let before = well(&place);
    let text = String::from_utf8(place.read("node/config.toml")).expect("UTF-8");
    let with = |more: &str| {
        place.write(
            "node/config.toml",
            format!("listen = [\"/ip4/127.0.0.1/tcp/0\"]\n{more}"),
        );
        place.operator(&DOCTOR)
    };
    let ended = with("[limits]\ndisc = 1\n");
    only(
        &before,
        &ended,
        "configuration",
        "failed",
        "operator config check",
    );
    assert_eq!(ended.code, 2);

    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("it is bound").port();
    place.write(
        "node/config.toml",
        format!("listen = [\"/ip4/127.0.0.1/tcp/{port}\"]\n"),
    );
    let ended = place.operator(&DOCTOR);
    only(
        &before,
        &ended,
        "ports",
        "failed",
        &format!("ss -lnp | grep :{port}"),
    );
    assert_eq!(ended.code, 1);
    only(
        &before,
        &with(&format!("[http]\nlisten = \"127.0.0.1:{port}\"\n")),
        "page",
        "failed",
        "ss -lnp",
    );

    only(
        &before,
        &with("[limits]\ndisk = \"15000000TB\"\n"),
        "disk",
        "warning",
        "disk = ",
    );
    only(
        &before,
        &with("[limits]\nmemory = \"15000TB\"\n"),
        "memory",
        "warning",
        "memory = ",
    );
    only(
        &before,
        &with("[sandbox]\nworker = \"/bin/false\"\n"),
        "sandbox",
        "failed",
        "[sandbox]",
    );
    place.write("node/config.toml", text);
    place.write("no-directory", "x");
    let ended = place.operator(&[&DOCTOR[..], &["--params", "no-directory"]].concat());
    only(&before, &ended, "parameters", "failed", "--params");
}

#[test]
fn too_few_open_files_are_told_alone() {
    let place = Place::new();
    let before = well(&place);
    let with = |limit: &str| {
        let doctor = place.command(&DOCTOR);
        let mut command = Command::new("sh");
        command
            .args(["-c", "ulimit -n $0; exec \"$@\"", limit])
            .arg(doctor.get_program())
            .args(doctor.get_args());
        for (name, value) in doctor.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let output = command.current_dir(place.path("")).output().expect("start sh");
        Ended {
            code: output.status.code().expect("no signal"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    };
    only(&before, &with("128"), "open files", "failed", "ulimit -n 65536");
    only(&before, &with("512"), "open files", "warning", "ulimit -n 65536");
}

#[test]
fn says_how_to_make_a_node_where_there_is_none() {
    let place = Place::new();
    passphrase(&place, "pass", "correct horse\n", 0o600);
    let found = place.operator(&DOCTOR);
    assert_eq!(found.code, 2, "{found:?}");
    let checks = checks(&found);
    assert_eq!(
        checks["data directory"],
        ("failed".to_owned(), "operator init --data node".to_owned())
    );
    assert!(!place.path("node").exists());
}

#[test]
fn a_node_that_runs_tells_who_dials_it() {
    let place = Place::new();
    init(&place, "node");
    init(&place, "data");
    let mut first = Running::start(&place, "node", &["--http", "127.0.0.1:0"]);
    let address = first.address();
    let alone = place.operator(&DOCTOR);
    let alone = checks(&alone);
    assert_eq!(alone["reachability"].0, "warning", "{alone:?}");
    assert!(
        alone["reachability"].1.contains("operator peers join"),
        "{alone:?}"
    );
    for name in ["data directory", "parts", "rights", "ports", "page", "keystore"] {
        assert_eq!(alone[name].0, "ok", "{name}: {alone:?}");
    }
    let mut second = Running::start(&place, "data", &["--peer", &address]);
    second.address();
    eventually("it is dialled", || {
        (checks(&place.operator(&DOCTOR))["reachability"].0 == "ok").then_some(())
    });
    let found = place.operator(&["--json", "doctor", "--data", "data"]);
    assert_eq!(checks(&found)["reachability"].0, "warning", "{}", found.stdout);
}
