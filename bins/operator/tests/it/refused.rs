//! What `init`, `run` and the commands that ask a node refuse.

use crate::{
    node::{Running, init, passphrase},
    support::Place,
};
use std::{fs, os::unix::fs::PermissionsExt as _};

const INIT: [&str; 6] = ["init", "--yes", "--data", "node", "--passphrase-file", "pass"];
const RUN: [&str; 5] = ["run", "--data", "node", "--passphrase-file", "pass"];

#[test]
fn makes_a_node_that_only_its_owner_may_read() {
    let place = Place::new();
    let id = init(&place, "node");
    assert_eq!(id.len(), 64);
    for (name, mode) in [
        ("node", 0o700),
        ("node/keys", 0o700),
        ("node/keys/node.key", 0o600),
        ("node/run", 0o700),
    ] {
        let found = fs::metadata(place.path(name)).expect(name).permissions().mode();
        assert_eq!(found & 0o777, mode, "{name}");
    }
    let config = String::from_utf8(place.read("node/config.toml")).expect("UTF-8");
    assert!(config.contains("\nnetwork = \"a test\"\n"), "{config}");
    assert!(
        config.contains("\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]\n"),
        "{config}"
    );
}

#[test]
fn refuses_a_passphrase_file_that_others_may_read() {
    let place = Place::new();
    for mode in [0o640, 0o604, 0o620, 0o601] {
        passphrase(&place, "pass", "correct horse\n", mode);
        place.operator(&INIT).refused(2, "chmod 600");
        assert!(!place.path("node").exists());
    }
    init(&place, "node");
    passphrase(&place, "pass", "correct horse\n", 0o644);
    place.operator(&RUN).refused(2, "chmod 600");
}

#[test]
fn refuses_a_passphrase_that_is_none() {
    let place = Place::new();
    for empty in ["", "\n"] {
        passphrase(&place, "pass", empty, 0o600);
        place.operator(&INIT).refused(2, "the passphrase is empty");
        assert!(!place.path("node").exists());
    }
    passphrase(&place, "pass", &"x".repeat(5000), 0o600);
    place.operator(&INIT).refused(3, "longer than 4096 bytes");
    place
        .operator(&["init", "--yes", "--data", "node", "--passphrase-file", "none"])
        .refused(2, "cannot read none");
    assert!(!place.path("node").exists());
}

#[test]
fn wants_a_terminal_or_a_file_for_the_passphrase() {
    let place = Place::new();
    place
        .operator(&["init", "--yes", "--data", "node"])
        .refused(2, "--passphrase-file");
    assert!(!place.path("node").exists());
    init(&place, "node");
    place
        .operator(&["run", "--data", "node"])
        .refused(2, "--passphrase-file");
}

#[test]
fn takes_no_passphrase_as_an_argument() {
    let place = Place::new();
    for argument in ["--passphrase", "--passphrase=secret"] {
        place
            .operator(&["init", "--data", "node", argument])
            .refused(2, argument.split('=').next().expect("a name"));
    }
    assert!(!place.path("node").exists());
}

#[test]
fn refuses_a_wrong_passphrase() {
    let place = Place::new();
    init(&place, "node");
    // One newline at the end is not part of it; a second one, and a space, are.
    for wrong in ["correct horsf", "correct horse\n\n", "correct horse ", "x"] {
        passphrase(&place, "pass", wrong, 0o600);
        place
            .operator(&RUN)
            .refused(2, "wrong passphrase or damaged keystore");
    }
}

#[test]
fn never_makes_a_node_over_another() {
    let place = Place::new();
    init(&place, "node");
    let key = place.read("node/keys/node.key");
    place.operator(&INIT).refused(2, "not empty");
    assert_eq!(place.read("node/keys/node.key"), key);

    place.write("photos/cat.jpg", "precious");
    place
        .operator(&["init", "--yes", "--data", "photos", "--passphrase-file", "pass"])
        .refused(2, "not empty");
    assert_eq!(fs::read_dir(place.path("photos")).expect("read").count(), 1);
}

#[test]
fn makes_no_new_key_over_existing_data() {
    let place = Place::new();
    init(&place, "node");
    fs::remove_file(place.path("node/keys/node.key")).expect("remove");
    place.operator(&RUN).refused(1, "put the keystore back");
    assert!(!place.path("node/keys/node.key").exists());
    place.operator(&INIT).refused(2, "not empty");
}

#[test]
fn refuses_a_damaged_keystore() {
    let place = Place::new();
    init(&place, "node");
    let whole = place.read("node/keys/node.key");
    let mut flipped = whole.clone();
    *flipped.last_mut().expect("bytes") ^= 1;
    fs::write(place.path("node/keys/node.key"), flipped).expect("write");
    place.operator(&RUN).refused(2, "damaged keystore");
    fs::write(place.path("node/keys/node.key"), &whole[1..]).expect("write");
    place.operator(&RUN).refused(2, "not a keystore");
}

#[test]
fn refuses_a_keystore_that_others_may_read() {
    let place = Place::new();
    init(&place, "node");
    for (name, mode, remedy) in [
        ("node/keys/node.key", 0o644, "chmod 600"),
        ("node/keys", 0o755, "chmod 700"),
    ] {
        let path = place.path(name);
        let good = fs::metadata(&path).expect("metadata").permissions();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("chmod");
        place.operator(&RUN).refused(1, remedy);
        fs::set_permissions(&path, good).expect("chmod");
    }
}

#[test]
fn says_how_to_make_a_node_where_there_is_none() {
    let place = Place::new();
    passphrase(&place, "pass", "correct horse\n", 0o600);
    place.operator(&RUN).refused(2, "operator init");
    assert!(!place.path("node").exists());
    place
        .operator(&["run", "--passphrase-file", "pass"])
        .refused(2, ".local/share/nonos");
}

#[test]
fn says_how_to_start_a_node_that_does_not_run() {
    let place = Place::new();
    init(&place, "node");
    place.pack("sha256");
    let (id, hash) = ("11".repeat(32), "22".repeat(32));
    let asks: [&[&str]; 14] = [
        &["status"],
        &["peers"],
        &["ledger", "balance"],
        &["ledger", "verify"],
        &["trust", "list"],
        &["trust", "explain", &id],
        &["trust", "evidence", &id],
        &["trust", "unblock", &id],
        &["trust", "block", &id, "--reason", "x"],
        &["trust", "export"],
        &["job", "list"],
        &["job", "submit", &hash],
        &["job", "result", &id],
        &["capsule", "publish", "sha256.mod"],
    ];
    for ask in asks {
        let ended = place.operator(&[ask, &["--data", "node"]].concat());
        ended.refused(2, "no node runs on node: start it with `operator run`");
    }
    place
        .operator(&["profile", "--data", "node", "--poi-v1", "poi"])
        .refused(2, "no node runs on node");
}

#[test]
fn names_the_place_of_an_unknown_key_in_the_configuration() {
    let place = Place::new();
    init(&place, "node");
    place.write(
        "node/config.toml",
        "network = \"x\"\n[executor]\nenabled = true\n  max_fuell = 1\n",
    );
    place.operator(&RUN).refused(2, "config.toml, line 4, column 3");
}

#[test]
fn refuses_an_address_that_is_none() {
    let place = Place::new();
    init(&place, "node");
    for address in ["127.0.0.1:4710", "/dns4/example.org/tcp/4710"] {
        for flag in ["--listen", "--peer"] {
            place
                .operator(&[&RUN[..], &[flag, address]].concat())
                .refused(2, address);
        }
    }
}

#[test]
fn refuses_a_log_level_that_is_none() {
    let place = Place::new();
    init(&place, "node");
    place
        .operator(&[&RUN[..], &["--log", "loud"]].concat())
        .refused(2, "`loud` is neither a level");
}

#[test]
fn leaves_a_directory_alone_that_another_node_uses() {
    let place = Place::new();
    init(&place, "node");
    let mut node = Running::start(&place, "node", &[]);
    node.address();
    place
        .operator(&RUN)
        .refused(1, &format!("in use by process {}", node.pid()));
    node.ask(&["status"]);
}

#[test]
fn measures_the_machine_unsigned_where_no_node_runs() {
    let place = Place::new();
    let measured = place.operator(&["--json", "profile", "--data", "node"]);
    assert!(measured.stderr.contains("not signed"), "{}", measured.stderr);
    let measured = measured.json();
    assert_eq!(measured["signed"], false);
    for figure in ["cores_logical", "memory_total", "disk_write", "loopback"] {
        assert!(
            measured["profile"][figure].as_u64().is_some_and(|it| it > 0),
            "{figure}: {measured}"
        );
    }
    assert!(!place.path("node").exists());
}

#[test]
fn refuses_evidence_that_is_none() {
    let place = Place::new();
    place.write("x", "not evidence");
    place
        .operator(&["trust", "check", "x"])
        .refused(3, "trust evidence --export");
    let (id, hex) = ("11".repeat(32), "zz");
    place.write(
        "x",
        format!(r#"{{"evidence":"{id}","subject":"{id}","accusation_hex":"{hex}","package_hex":null}}"#),
    );
    place
        .operator(&["trust", "check", "x"])
        .refused(3, "accusation_hex is not hexadecimal");
}

#[test]
fn refuses_input_that_is_not_hexadecimal() {
    let place = Place::new();
    let hash = "22".repeat(32);
    place
        .operator(&["job", "submit", &hash, "--input-hex", "abc", "--data", "node"])
        .refused(2, "--input-hex is not hexadecimal");
    place
        .operator(&["job", "submit", &hash, "--max-fee", "1", "--data", "node"])
        .refused(2, "NONOS");
}
