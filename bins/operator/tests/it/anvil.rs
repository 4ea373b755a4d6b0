//! A node of a development chain for a test: anvil, started on loopback, ended with the test.

use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

pub(crate) const CHAIN_ID: &str = "31337";

pub(crate) struct Anvil {
    child: Child,
    at: String,
}

impl Anvil {
    /// Starts a chain with a block a second; `None`, with the reason printed, where there is no anvil.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub(crate) fn start() -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/anvil.sh");
        let found = Command::new("sh").arg(script).output().expect("sh runs");
        if !found.status.success() {
            // Anything but "cannot be had here" is a failure of the script.
            assert_eq!(found.status.code(), Some(3), "{found:?}");
            eprintln!("skipped: {}", String::from_utf8_lossy(&found.stderr).trim());
            return None;
        }
        let path = String::from_utf8(found.stdout).expect("a path");
        let mut child = Command::new(path.trim())
            .args(["--host", "127.0.0.1", "--port", "0", "--accounts", "0"])
            .args(["--block-time", "1", "--hardfork", "osaka", "--chain-id", CHAIN_ID])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("anvil starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let at = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned))
            .expect("anvil listens");
        // Or it would stop when the pipe is full.
        thread::spawn(move || lines.for_each(drop));
        Some(Self { child, at })
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.at)
    }

    pub(crate) fn rpc(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let request = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: \
             close\r\n\r\n{body}",
            self.at,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.at).expect("anvil listens");
        stream.write_all(request.as_bytes()).expect("anvil reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("anvil answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let answer: Value = serde_json::from_str(body).expect("anvil answers in JSON");
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Gives an account one of the chain's units.
    pub(crate) fn fund(&self, account: &str) {
        self.rpc("anvil_setBalance", json!([account, "0xde0b6b3a7640000"]));
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
