//! A real browser, driven by WebDriver: a dozen commands over plain HTTP, for which a client crate with its TLS and async
//! runtime would be many times what is needed.

use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Longest that the page may take for anything, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// Chromium, with a window and a profile of its own. It is closed when dropped.
pub(super) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: TempDir,
}

/// Where a program is.
pub(super) fn program(names: &[&str]) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "programs are where PATH says")]
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).flat_map(|dir| names.iter().map(move |name| dir.join(name)));
    found.into_iter().find(|it| it.is_file())
}

impl Browser {
    pub(super) fn start(driver: &Path, chromium: &Path) -> Self {
        let profile = TempDir::new().expect("a temporary directory");
        let mut driver = Command::new(driver)
            .args(["--port=0", "--allowed-ips="])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .env("HOME", profile.path())
            .spawn()
            .expect("start chromedriver");
        let mut lines = BufReader::new(driver.stdout.take().expect("a pipe")).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        // What it says further is not to fill the pipe.
        thread::spawn(move || lines.for_each(drop));
        let mut browser = Self {
            driver,
            port: port.expect("it says its port"),
            session: String::new(),
            _profile: profile,
        };
        let profile = browser._profile.path().join("profile");
        let started = browser.send(
            "POST",
            "/session",
            &json!({ "capabilities": { "alwaysMatch": {
                "browserName": "chrome",
                "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
                "goog:chromeOptions": {
                    "binary": chromium,
                    "args": [
                        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                        "--disable-background-networking", "--disable-component-update", "--disable-sync",
                        "--disable-dev-shm-usage", "--hide-scrollbars", format!("--user-data-dir={}", profile.display()),
                    ],
                },
            }}}),
        );
        browser.session = started["sessionId"].as_str().expect("a session").to_owned();
        browser
    }

    /// One command, which must succeed.
    #[track_caller]
    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("chromedriver runs");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let body = if method == "GET" || method == "DELETE" {
            String::new()
        } else {
            body.to_string()
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            self.port,
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).expect("it takes it");
        let mut answer = BufReader::new(stream);
        let (mut len, mut line) = (0, String::new());
        while answer.read_line(&mut line).expect("a line") > 2 {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                len = value.trim().parse().expect("a length");
            }
            line.clear();
        }
        let mut bytes = vec![0; len];
        answer.read_exact(&mut bytes).expect("all of it");
        let mut answer: Value = serde_json::from_slice(&bytes).expect("JSON");
        let value = answer["value"].take();
        assert!(value["error"].is_null(), "{path}: {value:#}");
        value
    }

    #[track_caller]
    fn command(&self, path: &str, body: &Value) -> Value {
        self.send("POST", &format!("/session/{}/{path}", self.session), body)
    }

    /// Goes to an address.
    pub(super) fn go(&self, url: &str) {
        self.command("url", &json!({ "url": url }));
    }

    /// What a script returns.
    #[track_caller]
    pub(super) fn run(&self, script: &str) -> Value {
        self.command("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs a script until it returns something that is neither null nor false.
    #[track_caller]
    #[expect(clippy::disallowed_methods, reason = "another process takes its time")]
    pub(super) fn until(&self, script: &str) -> Value {
        let started = Instant::now();
        loop {
            let value = self.run(script);
            if !value.is_null() && value != false {
                return value;
            }
            if started.elapsed() > PATIENCE {
                panic!(
                    "in vain: {script}\n{}",
                    self.run("return document.body.innerText")
                );
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// A command of the browser's own protocol.
    pub(super) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.command(
            "goog/cdp/execute",
            &json!({ "cmd": command, "params": parameters }),
        )
    }

    /// As wide a window, in such colours.
    pub(super) fn look(&self, width: u32, colours: &str) {
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false }),
        );
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": [{ "name": "prefers-color-scheme", "value": colours }] }),
        );
    }

    /// A picture of all of the page.
    pub(super) fn picture(&self, file: &Path) {
        let shot = self.devtools(
            "Page.captureScreenshot",
            &json!({ "format": "png", "captureBeyondViewport": true }),
        );
        let bytes = base64(shot["data"].as_str().expect("a picture"));
        assert!(bytes.starts_with(b"\x89PNG"), "a picture");
        fs::write(file, bytes).expect("write it");
    }

    /// Presses keys, one after the other.
    pub(super) fn press(&self, keys: &[&str]) {
        let actions: Vec<Value> = (keys.iter())
            .flat_map(|key| {
                [
                    json!({ "type": "keyDown", "value": key }),
                    json!({ "type": "keyUp", "value": key }),
                ]
            })
            .collect();
        self.command(
            "actions",
            &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] }),
        );
    }

    /// What was logged since it was last asked: `browser` (its console) or `performance` (its network).
    pub(super) fn log(&self, kind: &str) -> Vec<Value> {
        let log = self.command("se/log", &json!({ "type": kind }));
        log.as_array().expect("a list").clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !thread::panicking() {
            self.send("DELETE", &format!("/session/{}", self.session), &Value::Null);
        }
        // With its driver a browser ends.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn base64(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(text.len() / 4 * 3), 0u32, 0);
    for digit in text.bytes().filter(|it| *it != b'=') {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => panic!("not base64: {digit}"),
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}
