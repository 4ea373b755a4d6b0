//! Secrets are planted wherever they can be: no log and no report has them.

use crate::{
    node::{Running, passphrase},
    support::Place,
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
};

const PASSPHRASE: &str = "marked passphrase 7f3a";
const ACCOUNT_PASSPHRASE: &str = "marked account passphrase 91cc";
const SEALED: &[u8] = b"marked sealed input e02b";
const FAMILY: &str = "marked family words 55d0";
const RPC: &str = "http://127.0.0.1:9/marked-provider-key-c7";

/// All secrets of a node, by what they are, as they would be written: as text, and in hexadecimal.
struct Planted(Vec<(&'static str, String)>);

impl Planted {
    fn add(&mut self, what: &'static str, secret: &[u8]) {
        let hex: String = secret.iter().map(|it| format!("{it:02x}")).collect();
        self.0.push((what, hex));
        if let Ok(text) = std::str::from_utf8(secret) {
            self.0.push((what, text.to_owned()));
        }
        // As `{:?}` shows bytes.
        self.0.push((what, format!("{secret:?}")));
    }

    #[track_caller]
    fn assert_not_in(&self, text: &str) {
        for (what, secret) in &self.0 {
            assert!(!text.contains(secret), "{what} is in: {text}");
        }
    }
}

/// A node with secrets in all places.
fn plant(place: &Place) -> Planted {
    passphrase(place, "pass", &format!("{PASSPHRASE}\n"), 0o600);
    passphrase(place, "account-pass", ACCOUNT_PASSPHRASE, 0o600);
    let init = [
        "init",
        "--yes",
        "--data",
        "node",
        "--passphrase-file",
        "pass",
        "--listen",
        "/ip4/127.0.0.1/tcp/0",
    ];
    assert_eq!(place.operator(&init).code, 0);
    let account = [
        "settle",
        "account",
        "new",
        "--data",
        "node",
        "--passphrase-file",
        "account-pass",
    ];
    let made = place.operator(&account);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let text = String::from_utf8(place.read("node/config.toml")).expect("UTF-8");
    let text = text
        .replace("#family = \"some words\"", &format!("family = \"{FAMILY}\""))
        .replace("#[settlement.evm]", "[settlement.evm]")
        .replace("#rpc = \"http://127.0.0.1:8545\"", &format!("rpc = \"{RPC}\""))
        .replace("#chain_id = 1", "chain_id = 1");
    place.write("node/config.toml", text);
    let mut planted = Planted(Vec::new());
    for (what, secret) in [
        ("the passphrase", PASSPHRASE.as_bytes()),
        ("the account's passphrase", ACCOUNT_PASSPHRASE.as_bytes()),
        ("the sealed input", SEALED),
        ("the family's words", FAMILY.as_bytes()),
        ("the chain provider's key", b"marked-provider-key-c7"),
    ] {
        planted.add(what, secret);
    }
    // Encrypted, and nobody's business all the same.
    planted.add("the keystore", &place.read("node/keys/node.key")[40..]);
    planted.add("the account's key", &place.read("node/keys/evm"));
    planted
}

/// Asks for the status over the page's API with a token; the first line of the answer.
fn get(at: &str, token: &str) -> String {
    let mut stream = TcpStream::connect(at).expect("the page is there");
    let request = format!(
        "GET /api/status HTTP/1.1\r\nHost: {at}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_log_of_everything_has_no_secret() {
    let place = Place::new();
    let mut planted = plant(&place);
    place.write("sealed", SEALED);
    place.pack("sha256");
    let log = "trace,nonos_node=trace,nonos_mesh=trace,hyper=trace";
    let mut node = Running::start(&place, "node", &["--http", "127.0.0.1:0", "--log", log]);
    // Others log, too, that they listen.
    node.waits_for("page on http://");
    let token = String::from_utf8(place.read("node/run/http-token")).expect("UTF-8");
    let at = String::from_utf8(place.read("node/run/http-address")).expect("UTF-8");
    planted.add("the page's token", token.trim().as_bytes());
    assert!(get(at.trim(), token.trim()).contains(" 200 "));
    let refused = get(at.trim(), "marked-wrong-token-1b");
    assert!(
        refused.contains(" 401 ") || refused.contains(" 403 "),
        "{refused}"
    );
    planted.add("a token that was tried", b"marked-wrong-token-1b");
    let link = node.ask(&["dashboard"]);
    let (_, once) = link["url"]
        .as_str()
        .and_then(|it| it.split_once('#'))
        .expect("a link");
    planted.add("what opens the page", once.as_bytes());
    let submitted = node.operator(&[
        "job",
        "submit",
        "sha256.mod",
        "--sealed-input",
        "sealed",
        "--seal-result",
    ]);
    assert_eq!(submitted.code, 0, "{}", submitted.stderr);
    place.write(
        "node/config.toml",
        "[onion]\nfamily = \"marked family words 55d0\"\nfamily = \"x\"\n",
    );
    assert_eq!(node.operator(&["config", "reload"]).code, 2);
    let log = node.ends();
    // It is one: of the node, and of what it is made of.
    for words in ["TRACE", "DEBUG", "config.toml is not taken"] {
        assert!(log.contains(words), "`{words}` is not in: {log}");
    }
    planted.assert_not_in(&log);
}

#[test]
fn a_report_has_what_helps_and_no_secret() {
    let place = Place::new();
    let mut planted = plant(&place);
    let peer = "/ip4/192.0.2.77/tcp/4711";
    let mut node = Running::start(&place, "node", &["--http", "127.0.0.1:0", "--peer", peer]);
    node.address();
    let token = String::from_utf8(place.read("node/run/http-token")).expect("UTF-8");
    planted.add("the page's token", token.trim().as_bytes());
    let id = node.ask(&["status"])["id"].as_str().expect("an id").to_owned();
    // What no log has: the report would take it out.
    let log = format!(
        "a first line\ntoken {} of {id}\nthe passphrase is {PASSPHRASE}\n",
        token.trim()
    );
    place.write("log", log);
    let report = |name: &str, more: &[&str]| {
        let all = [
            "report",
            "-o",
            name,
            "--log",
            "log",
            "--passphrase-file",
            "pass",
            "--peer",
            peer,
        ];
        let done = node.operator(&[&all[..], more].concat());
        assert_eq!(done.json(), json!({ "report": name }));
        let mode = fs::metadata(place.path(name))
            .expect("it is written")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        String::from_utf8(place.read(name)).expect("UTF-8")
    };
    let short = report("short", &[]);
    let full = report("full", &["--full"]);
    for text in [&short, &full] {
        planted.assert_not_in(text);
        assert!(
            text.contains("a first line") && text.contains("(removed)"),
            "{text}"
        );
        let value: Value = serde_json::from_str(text).expect("JSON");
        for name in ["made", "program", "profile", "config", "status", "doctor", "log"] {
            assert!(!value[name].is_null(), "{name}: {text}");
        }
        let settings = value["config"].as_array().expect("settings");
        let of = |key: &str| settings.iter().find(|it| it["key"] == key).expect(key)["value"].clone();
        assert_eq!(
            (of("onion.family"), of("settlement.evm.rpc")),
            (json!("(not told)"), json!("(not told)"))
        );
        assert_eq!(value["program"]["version"], env!("CARGO_PKG_VERSION"));
    }
    assert!(!short.contains(&id) && short.contains(&id[..8]));
    assert!(!short.contains("192.0.2.77") && short.contains("192.x.x.x"));
    assert!(full.contains(&id) && full.contains("192.0.2.77"));
    node.operator(&["report", "-o", "short"])
        .refused(2, "cannot write short");
    assert!(node.terminate().success());

    let stopped = place.operator(&["report", "-o", "stopped", "--data", "node"]);
    assert_eq!(stopped.code, 0, "{}", stopped.stderr);
    let value: Value = serde_json::from_slice(&place.read("stopped")).expect("JSON");
    assert_eq!(
        (&value["status"], &value["doctor"]["running"]),
        (&Value::Null, &json!(false))
    );
}
