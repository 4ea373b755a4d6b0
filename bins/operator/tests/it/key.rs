//! The node's key: backed up, restored, verified, under another passphrase.

use crate::{
    mesh::{once, pair, settled, submit},
    node::{Running, eventually, init, passphrase},
    support::{Ended, Place},
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

const BACKUP: [&str; 10] = [
    "key",
    "backup",
    "--data",
    "node",
    "--passphrase-file",
    "pass",
    "--backup-passphrase-file",
    "backup-pass",
    "-o",
    "backup",
];

/// A node in `node`, and its backup in `backup`; its id.
fn backed_up(place: &Place) -> String {
    let id = init(place, "node");
    passphrase(place, "backup-pass", "another horse\n", 0o600);
    place.operator(&BACKUP).json_or_table();
    id
}

impl Ended {
    #[track_caller]
    fn json_or_table(&self) {
        assert_eq!(self.code, 0, "{}", self.stderr);
    }
}

fn restore(place: &Place, file: &str, data: &str) -> Ended {
    place.operator(&[
        "--json",
        "key",
        "restore",
        file,
        "--data",
        data,
        "--passphrase-file",
        "pass",
        "--backup-passphrase-file",
        "backup-pass",
    ])
}

fn verify(place: &Place, file: &str, data: &str) -> Ended {
    place.operator(&[
        "--json",
        "key",
        "verify-backup",
        file,
        "--data",
        data,
        "--backup-passphrase-file",
        "backup-pass",
    ])
}

fn words(place: &Place, file: &str, data: &str) -> Ended {
    place.operator(&[
        "--json",
        "key",
        "restore",
        "--words-file",
        file,
        "--data",
        data,
        "--passphrase-file",
        "pass",
        "--network",
        "a test",
    ])
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o7777
}

#[test]
fn shows_whose_key_there_is_and_says_what_it_could_not_check() {
    let place = Place::new();
    let id = init(&place, "node");
    let status =
        |more: &[&str]| place.operator(&[&["--json", "key", "status", "--data", "node"], more].concat());
    let shown = status(&[]).json();
    assert_eq!(shown["node"], *id);
    assert_eq!(
        (&shown["mode"], &shown["directory_mode"]),
        (&"0600".into(), &"0700".into())
    );
    assert_eq!(
        (&shown["memory_kib"], &shown["passes"], &shown["lanes"]),
        (&65536.into(), &3.into(), &1.into())
    );
    assert_eq!(
        (&shown["format"], &shown["books"]["state"]),
        (&2.into(), &"empty".into())
    );
    assert!(shown["written"].as_u64() > Some(1_700_000_000), "{shown}");
    let unchecked = shown["unchecked"].as_array().expect("a list");
    assert!(
        unchecked.len() == 1
            && unchecked[0]
                .as_str()
                .is_some_and(|it| it.contains("--passphrase-file"))
    );
    let shown = status(&["--passphrase-file", "pass"]).json();
    assert_eq!(shown["unchecked"].as_array().expect("a list").len(), 0);
    let table = place.operator(&["key", "status", "--data", "node"]);
    assert!(
        table.stdout.contains(&id) && table.stdout.contains("64 MiB, 3 passes"),
        "{table:?}"
    );

    passphrase(&place, "wrong", "x", 0o600);
    status(&["--passphrase-file", "wrong"]).refused(2, "wrong passphrase or damaged keystore");
    fs::set_permissions(
        place.path("node/keys/node.key"),
        fs::Permissions::from_mode(0o640),
    )
    .expect("chmod");
    status(&[]).refused(1, "chmod 600");
    place
        .operator(&["key", "status", "--data", "none"])
        .refused(2, "operator init");
}

#[test]
fn a_backup_is_private_new_and_whole() {
    let place = Place::new();
    let id = backed_up(&place);
    assert_eq!(mode(&place.path("backup")), 0o600);
    let before = place.read("backup");
    place.operator(&BACKUP).refused(2, "cannot write backup");
    assert_eq!(place.read("backup"), before);
    fs::remove_file(place.path("backup")).expect("removed");
    symlink(place.path("target"), place.path("backup")).expect("a link");
    place.operator(&BACKUP).refused(2, "cannot write backup");
    assert!(!place.path("target").exists());
    fs::remove_file(place.path("backup")).expect("removed");

    let made = place.operator(&[&["--json"], &BACKUP[..]].concat()).json();
    assert_eq!((&made["node"], &made["network"]), (&id.into(), &"a test".into()));
    // Nothing else was left.
    let names: Vec<_> = fs::read_dir(place.path(".")).expect("a directory").collect();
    assert_eq!(names.len(), 4, "node, pass, backup-pass, backup: {names:?}");
}

#[test]
fn verifies_a_backup_and_compares_it_without_writing() {
    let place = Place::new();
    let id = backed_up(&place);
    let here = verify(&place, "backup", "node").json();
    assert_eq!((&here["node"], &here["same_key"]), (&id.into(), &true.into()));
    let elsewhere = verify(&place, "backup", "none").json();
    assert_eq!(elsewhere["same_key"], serde_json::Value::Null);
    assert!(!place.path("none").exists());
    init(&place, "other");
    verify(&place, "backup", "other").refused(2, "and the key here is that of");
}

#[test]
fn refuses_a_backup_that_is_damaged_or_under_another_passphrase() {
    let place = Place::new();
    backed_up(&place);
    let whole = place.read("backup");
    let damaged = |at: usize, by: u8| {
        let mut bytes = whole.clone();
        bytes[at] ^= by;
        bytes
    };
    for (name, bytes, why) in [
        ("first", damaged(0, 1), "not a backup"),
        ("version", damaged(4, 2), "version 3 is not known"),
        ("cost", damaged(5, 0x40), "outside of 19 MiB to 1 GiB"),
        ("salt", damaged(11, 1), "wrong passphrase or damaged backup"),
        ("key", damaged(51, 1), "wrong passphrase or damaged backup"),
        ("seed", damaged(83, 1), "wrong passphrase or damaged backup"),
        (
            "tag",
            damaged(whole.len() - 1, 1),
            "wrong passphrase or damaged backup",
        ),
        ("cut", whole[..60].to_vec(), "not a backup"),
        (
            "cut-late",
            whole[..whole.len() - 1].to_vec(),
            "wrong passphrase or damaged backup",
        ),
    ] {
        place.write(name, bytes);
        verify(&place, name, "none").refused(2, why);
        restore(&place, name, "none").refused(2, why);
        assert!(!place.path("none").exists(), "{name}");
    }
    passphrase(&place, "backup-pass", "x", 0o600);
    verify(&place, "backup", "none").refused(2, "wrong passphrase or damaged backup");
    restore(&place, "backup", "none").refused(2, "wrong passphrase or damaged backup");
    passphrase(&place, "backup-pass", "another horse\n", 0o644);
    restore(&place, "backup", "none").refused(2, "chmod 600");
    assert!(!place.path("none").exists());
}

#[test]
fn restores_over_no_key_and_into_no_data_of_another_node() {
    let place = Place::new();
    let id = backed_up(&place);
    let key = place.read("node/keys/node.key");
    restore(&place, "backup", "node").refused(2, "exists already");
    assert_eq!(place.read("node/keys/node.key"), key);
    init(&place, "other");
    fs::remove_file(place.path("other/keys/node.key")).expect("removed");
    restore(&place, "backup", "other").refused(2, "has the data of node");
    assert!(!place.path("other/keys/node.key").exists());
    place.write("photos/cat.jpg", "precious");
    restore(&place, "backup", "photos").refused(2, "not empty");

    let restored = restore(&place, "backup", "elsewhere");
    assert!(
        restored.stderr.contains("operator run --old-books"),
        "{}",
        restored.stderr
    );
    assert_eq!(restored.json()["node"], *id);
    assert_eq!(
        place.read("elsewhere/config.toml"),
        place.read("node/config.toml")
    );
    assert_eq!(mode(&place.path("elsewhere/keys/node.key")), 0o600);
}

#[test]
fn words_go_to_a_private_file_or_a_terminal_and_lead_back() {
    let place = Place::new();
    let id = init(&place, "node");
    let base = [
        "--json",
        "key",
        "backup",
        "--data",
        "node",
        "--passphrase-file",
        "pass",
    ];
    let backup = |more: &[&str]| place.operator(&[&base[..], more].concat());
    // stdout is no terminal here.
    backup(&["--words"]).refused(2, "on a terminal only");
    backup(&[]).refused(2, "--words");
    backup(&["--words", "-o", "x"]).refused(2, "cannot be used with");
    let made = backup(&["--words-to", "words"]);
    assert!(made.stderr.contains("restore the key alone"), "{}", made.stderr);
    let text = String::from_utf8(place.read("words")).expect("UTF-8");
    assert_eq!(text.split_whitespace().count(), 24);
    assert!(
        !made.stdout.contains(text.trim_end()),
        "they are in the file alone"
    );
    assert_eq!(mode(&place.path("words")), 0o600);
    backup(&["--words-to", "words"]).refused(2, "cannot write words");
    assert_eq!(words(&place, "words", "elsewhere").json()["node"], *id);

    let mut other: Vec<&str> = text.split_whitespace().collect();
    let word = if other[3] == "zebra" { "zoo" } else { "zebra" };
    other[3] = "hunter2";
    passphrase(&place, "unknown", &other.join(" "), 0o600);
    let refused = words(&place, "unknown", "none");
    refused.refused(2, "word 4 is not in the list");
    assert!(!refused.stderr.contains("hunter2"));
    passphrase(&place, "short", &other[..23].join(" "), 0o600);
    words(&place, "short", "none").refused(2, "a key has 24 words, and these are 23");
    // One of 256 other words has the right checksum: never two of them in a row.
    let wrong = [word, "abandon", "ability", "able"].into_iter().filter(|it| {
        other[3] = *it;
        passphrase(&place, "wrong", &other.join(" "), 0o600);
        !text.contains(&other.join(" "))
            && words(&place, "wrong", "none")
                .stderr
                .contains("these words are no key")
    });
    assert!(wrong.count() >= 2);
    passphrase(&place, "words", &text, 0o644);
    words(&place, "words", "none").refused(2, "chmod 600");
    assert!(!place.path("none").exists());
}

#[test]
fn changes_the_passphrase_for_who_knows_the_old_one() {
    let place = Place::new();
    let id = init(&place, "node");
    passphrase(&place, "new", "a new one\n", 0o600);
    let passwd = |old: &str, new: &str| {
        let fixed = [
            "--json",
            "key",
            "passwd",
            "--data",
            "node",
            "--passphrase-file",
            old,
        ];
        place.operator(&[&fixed[..], &["--new-passphrase-file", new]].concat())
    };
    let before = place.read("node/keys/node.key");
    passwd("new", "new").refused(2, "wrong passphrase or damaged keystore");
    passphrase(&place, "empty", "\n", 0o600);
    passwd("pass", "empty").refused(2, "the passphrase is empty");
    passphrase(&place, "open", "x", 0o644);
    passwd("pass", "open").refused(2, "chmod 600");
    assert_eq!(place.read("node/keys/node.key"), before);
    // Never asked for on what is no terminal, and never an argument.
    let unasked = place.operator(&["key", "passwd", "--data", "node", "--passphrase-file", "pass"]);
    unasked.refused(2, "--passphrase-file");
    unasked.refused(2, "Choose a new passphrase");
    place
        .operator(&["key", "passwd", "--data", "node", "--new-passphrase", "x"])
        .refused(2, "--new-passphrase");

    assert_eq!(passwd("pass", "new").json()["node"], *id);
    passwd("pass", "new").refused(2, "wrong passphrase or damaged keystore");
    let keys: Vec<_> = fs::read_dir(place.path("node/keys"))
        .expect("a directory")
        .collect();
    assert_eq!((keys.len(), mode(&place.path("node/keys/node.key"))), (1, 0o600));
    place
        .operator(&["key", "status", "--data", "node", "--passphrase-file", "new"])
        .json_or_table();

    fs::rename(place.path("node/keys/node.key"), place.path("node/keys/real")).expect("moved");
    symlink("real", place.path("node/keys/node.key")).expect("a link");
    passwd("new", "pass").refused(2, "is a symbolic link");
}

#[test]
fn refuses_data_of_a_newer_format_before_anything_else() {
    let place = Place::new();
    backed_up(&place);
    place.write("node/format", "3\n");
    fs::remove_file(place.path("backup")).expect("removed");
    let why = "has format 3, this program knows up to 2: use the newer program";
    place.operator(&BACKUP).refused(1, why);
    place
        .operator(&["key", "status", "--data", "node"])
        .refused(1, why);
    place
        .operator(&["run", "--data", "node", "--passphrase-file", "pass"])
        .refused(1, why);
    assert!(!place.path("backup").exists());
}

/// The disk of a node that dealt is lost; it is restored from a backup that was old already.
#[test]
fn a_restored_node_goes_on_as_a_new_incarnation_and_pays_nothing_twice() {
    let place = Place::new();
    passphrase(&place, "backup-pass", "another horse\n", 0o600);
    let (requester, _, executor) = pair(&place, &[]);
    let early = submit(&place, &requester);
    settled(&early, &requester, &executor);
    let backup = requester.operator(&[
        "key",
        "backup",
        "--passphrase-file",
        "pass",
        "--backup-passphrase-file",
        "backup-pass",
        "-o",
        "backup",
    ]);
    let known = backup.json()["head"]["sequence"].as_u64().expect("a head");
    let running = requester.ask(&["key", "status"]);
    assert_eq!(
        running["books"],
        serde_json::Value::Null,
        "another process uses them"
    );
    let late = submit(&place, &requester);
    settled(&late, &requester, &executor);
    let owed = executor.ask(&["ledger", "balance"])["owed_by"].clone();
    let id = requester.ask(&["status"])["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    requester.kill();
    executor.kill();
    fs::rename(place.path("requester"), place.path("lost")).expect("moved");

    let restored = restore(&place, "backup", "requester").json();
    assert_eq!(
        (&restored["node"], &restored["known"]["sequence"]),
        (&id.into(), &known.into())
    );
    let status = place
        .operator(&["--json", "key", "status", "--data", "requester"])
        .json();
    assert_eq!(status["books"]["state"], "behind");
    place
        .operator(&["run", "--data", "requester", "--passphrase-file", "pass"])
        .refused(1, "--old-books");
    let mut requester = Running::start(&place, "requester", &["--old-books"]);
    let address = requester.address();
    let mut executor = Running::start(&place, "executor", &["--peer", &address]);
    executor.address();
    place.pack("sha256");
    let refused = requester.operator(&["job", "submit", "sha256.mod", "--input", "abc"]);
    assert_ne!(refused.code, 0, "nothing is signed before the books are resumed");
    let resumed = eventually("a peer has said what it has", || {
        let done = requester.operator(&["ledger", "resume", "--yes"]);
        (done.code == 0).then(|| done.json())
    });
    assert_eq!(resumed["incarnation"], 1);
    assert!(resumed["known"]["sequence"].as_u64() >= Some(known), "{resumed}");
    assert!(
        resumed["own_vouchers"].as_u64() >= Some(1),
        "what it has paid comes back: {resumed}"
    );
    let after = submit(&place, &requester);
    once(&requester, &after, "paid");
    once(&executor, &after, "paid");
    requester.ask(&["ledger", "verify"]);
    executor.ask(&["ledger", "verify"]);
    // What the executor is owed is one fee of each job, and nothing else.
    let mut net = 0;
    for job in [early, late, after] {
        let view = executor.ask(&["job", "show", &job]);
        let booked = view["booked"].as_array().expect("a list");
        let fees = booked.iter().filter(|line| line["kind"] == "execute");
        assert_eq!(fees.count(), 1, "{view:#}");
        for line in booked {
            let amount: i128 = line["amount"]
                .as_str()
                .and_then(|it| it.parse().ok())
                .expect("an amount");
            net += if line["paid"] == true { -amount } else { amount };
        }
    }
    let atto = |owed: &serde_json::Value| owed[0][1].as_str().and_then(|it| it.parse::<i128>().ok());
    let now = executor.ask(&["ledger", "balance"])["owed_by"].clone();
    assert_eq!(atto(&now), Some(net));
    assert!(atto(&owed) < atto(&now), "{owed} {now}");
}
