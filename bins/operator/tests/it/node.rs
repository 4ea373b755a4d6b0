//! Nodes, each a process of its own, as somebody starts them by hand.

use crate::support::{Ended, Place};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// Longest time anything here may take: a proof on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(600);

/// Writes a passphrase file.
pub(crate) fn passphrase(place: &Place, name: &str, text: &str, mode: u32) {
    let path = place.write(name, text);
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
}

/// Makes a node in `data`, on loopback, with its passphrase in the file `pass`; its id.
#[track_caller]
pub(crate) fn init(place: &Place, data: &str) -> String {
    passphrase(place, "pass", "correct horse\n", 0o600);
    let made = place.operator(&[
        "--json",
        "init",
        "--yes",
        "--data",
        data,
        "--passphrase-file",
        "pass",
        "--network",
        "a test",
        "--listen",
        "/ip4/127.0.0.1/tcp/0",
    ]);
    made.json()["id"].as_str().expect("an id").to_owned()
}

/// Asks until the answer pleases.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "other processes take their time")]
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        thread::sleep(Duration::from_millis(200));
    }
}

/// A node that runs. It is killed when dropped.
pub(crate) struct Running<'a> {
    place: &'a Place,
    data: &'static str,
    child: Child,
    stderr: Receiver<String>,
    said: Vec<String>,
}

impl<'a> Running<'a> {
    /// Starts it.
    pub(crate) fn start(place: &'a Place, data: &'static str, more: &[&str]) -> Self {
        let run = ["run", "--data", data, "--passphrase-file", "pass"];
        let mut command = place.command(&[&run, more].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("start operator");
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let (send, stderr) = mpsc::channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self {
            place,
            data,
            child,
            stderr,
            said: Vec::new(),
        }
    }

    /// The address it says it listens on.
    #[track_caller]
    pub(crate) fn address(&mut self) -> String {
        self.waits_for("listening on ")
    }

    /// What it says after these words, once it does.
    #[track_caller]
    pub(crate) fn waits_for(&mut self, words: &str) -> String {
        loop {
            match self.stderr.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.said.push(line);
                    let line = self.said.last().expect("just pushed");
                    if let Some((_, rest)) = line.split_once(words) {
                        return rest.to_owned();
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("it never said `{words}`: {:#?}", self.said)
                }
            }
        }
    }

    /// All that it has said, up to now and until it ends.
    pub(crate) fn ends(mut self) -> String {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.expect("kill is there").success());
        self.said.extend(self.stderr.iter());
        self.said.join("\n")
    }

    /// Calls `operator --json … --data DATA` about it.
    pub(crate) fn operator(&self, arguments: &[&str]) -> Ended {
        self.place
            .operator(&[&["--json"], arguments, &["--data", self.data]].concat())
    }

    /// What such a call, which must succeed, answers.
    #[track_caller]
    pub(crate) fn ask(&self, arguments: &[&str]) -> Value {
        self.operator(arguments).json()
    }

    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    /// Asks it to stop as `kill` does.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &pid])
            .status();
        assert!(sent.expect("start sh").success());
        self.child.wait().expect("wait")
    }
}

#[expect(clippy::print_stderr, reason = "what it said is wanted where a test fails")]
impl Drop for Running<'_> {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            self.said.extend(self.stderr.try_iter());
            eprintln!("{} said: {:#?}", self.data, self.said);
        }
    }
}
